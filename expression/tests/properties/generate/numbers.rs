//! Numbers: signed and unsigned integers, exact ones, floats.

use super::Typed;

impl Typed<'_, '_> {
    /// A signed integer.
    pub(super) fn integer(&mut self, depth: usize) -> String {
        if depth == 0 {
            return match self.choices.below(4) {
                3 => self.literal(&[
                    "1",
                    "0",
                    "-1",
                    "2",
                    "7L",
                    "2147483647",
                    "-2147483647",
                    "9223372036854775807L",
                    "NULL(DT_I4)",
                    "NULL(DT_I2)",
                    "0xFF",
                ]),
                _ => self.column(&["i4", "j4", "i2", "i1", "i8"]),
            };
        }
        let below = depth - 1;
        match self.choices.below(14) {
            0 => self.integer(0),
            1..4 => {
                let operator = self.literal(&["+", "-", "*", "/", "%"]);
                format!(
                    "({}) {operator} ({})",
                    self.integer(below),
                    self.integer(below)
                )
            }
            4 => {
                let operator = self.literal(&["&", "|", "^"]);
                format!(
                    "({}) {operator} ({})",
                    self.integer(below),
                    self.integer(below)
                )
            }
            5 => {
                let small = self.column(&["u1", "u2", "u4"]);
                let operator = self.literal(&["+", "-", "*", "/", "%"]);
                format!("({}) {operator} {small}", self.integer(below))
            }
            6 => format!("{}({})", self.literal(&["-", "~"]), self.integer(below)),
            7 => self.conditional(below, Self::integer),
            8 => self.replacenull(below, Self::integer),
            9 | 10 => {
                let cast = self.literal(&["(DT_I1)", "(DT_I2)", "(DT_I4)", "(DT_I8)"]);
                match self.choices.below(5) {
                    0 => format!("{cast}({})", self.text(below)),
                    1 => format!("{cast}({})", self.boolean(below)),
                    2 => format!("{cast}({})", self.number(below)),
                    3 => format!("{cast}({})", self.unsigned(below)),
                    _ => format!("{cast}({})", self.exact(below)),
                }
            }
            _ => self.integer_function(below),
        }
    }

    pub(super) fn unsigned(&mut self, depth: usize) -> String {
        if depth == 0 {
            return match self.choices.below(4) {
                3 => self.literal(&["1U", "0U", "18446744073709551615UL", "NULL(DT_UI8)"]),
                _ => self.column(&["u8", "u4", "u2", "u1"]),
            };
        }
        let below = depth - 1;
        let operator = self.literal(&["+", "-", "*", "/", "%", "&", "|", "^"]);
        match self.choices.below(6) {
            0 => self.unsigned(0),
            1 | 2 => format!(
                "({}) {operator} ({})",
                self.unsigned(below),
                self.unsigned(below)
            ),
            3 => format!("~({})", self.unsigned(below)),
            4 => format!("CODEPOINT({})", self.text(below)),
            _ => {
                let cast = self.literal(&["(DT_UI1)", "(DT_UI2)", "(DT_UI4)", "(DT_UI8)"]);
                match self.choices.below(3) {
                    0 => format!("{cast}({})", self.text(below)),
                    1 => format!("{cast}({})", self.exact(below)),
                    _ => format!("{cast}({})", self.integer(below)),
                }
            }
        }
    }

    /// An exact number.
    pub(super) fn exact(&mut self, depth: usize) -> String {
        if depth == 0 {
            return match self.choices.below(4) {
                3 => self.literal(&[
                    "1.5",
                    "0.05",
                    "-2.5",
                    "100.",
                    "0.0",
                    "99999999999999999999.99",
                    "0.00000000000000000001",
                    "NULL(DT_NUMERIC,10,2)",
                    "NULL(DT_CY)",
                    "(DT_CY)1.5",
                ]),
                _ => self.column(&["n18", "m18", "cy", "n9", "n0", "dec", "n38"]),
            };
        }
        let below = depth - 1;
        match self.choices.below(16) {
            0 => self.exact(0),
            1..7 => {
                let operator = self.literal(&["+", "-", "*", "*", "/"]);
                format!("({}) {operator} ({})", self.exact(below), self.exact(below))
            }
            7 => {
                let operator = self.literal(&["+", "-", "*", "/"]);
                format!(
                    "({}) {operator} ({})",
                    self.exact(below),
                    self.integer(below)
                )
            }
            8 => format!("-({})", self.exact(below)),
            9 => self.conditional(below, Self::exact),
            10 => self.replacenull(below, Self::exact),
            11..13 => {
                let cast = self.literal(&[
                    "(DT_NUMERIC,18,2)",
                    "(DT_NUMERIC,38,4)",
                    "(DT_NUMERIC,5,0)",
                    "(DT_DECIMAL,3)",
                    "(DT_CY)",
                    "(DT_NUMERIC,38,38)",
                    "(DT_DECIMAL,28)",
                ]);
                match self.choices.below(5) {
                    0 => format!("{cast}({})", self.text(below)),
                    1 => format!("{cast}({})", self.integer(below)),
                    2 => format!("{cast}({})", self.number(below)),
                    3 => format!("{cast}({})", self.boolean(below)),
                    _ => format!("{cast}({})", self.exact(below)),
                }
            }
            13 => format!("ROUND({}, {})", self.exact(below), self.count(below)),
            _ => {
                let function = self.literal(&["CEILING", "FLOOR", "ABS"]);
                format!("{function}({})", self.exact(below))
            }
        }
    }

    /// A number of any type, mostly a float.
    pub(super) fn number(&mut self, depth: usize) -> String {
        if depth == 0 {
            return match self.choices.below(4) {
                3 => self.literal(&[
                    "1E3",
                    "2.5f",
                    "0.1L",
                    "1E-300",
                    "NULL(DT_R8)",
                    "NULL(DT_R4)",
                ]),
                _ => self.column(&["r8", "r4"]),
            };
        }
        let below = depth - 1;
        match self.choices.below(12) {
            0 => self.number(0),
            1..4 => {
                let operator = self.literal(&["+", "-", "*", "/"]);
                format!(
                    "({}) {operator} ({})",
                    self.number(below),
                    self.number(below)
                )
            }
            4 => format!("-({})", self.number(below)),
            5 => self.conditional(below, Self::number),
            6 => self.replacenull(below, Self::number),
            7 => {
                let cast = self.literal(&["(DT_R8)", "(DT_R4)"]);
                match self.choices.below(3) {
                    0 => format!("{cast}({})", self.text(below)),
                    1 => format!("{cast}({})", self.integer(below)),
                    _ => format!("{cast}({})", self.exact(below)),
                }
            }
            8 => match self.choices.below(2) {
                0 => self.integer(below),
                _ => self.exact(below),
            },
            _ => self.float_function(below),
        }
    }
}
