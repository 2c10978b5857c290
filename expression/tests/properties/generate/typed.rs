//! Expressions whose types fit, nearly always: every operator, cast and function.

use super::Choices;

/// Before each name, so that it can become a column or a variable.
const NAME: char = '\u{1}';

/// The text with its names as columns.
pub(crate) fn over_columns(text: &str) -> String {
    text.replace(NAME, "")
}

/// The text with its names as variables.
pub(crate) fn over_variables(text: &str) -> String {
    text.replace(NAME, "@")
}

/// Writes expressions, each nested as deep as it is told.
#[derive(Debug)]
pub(crate) struct Typed<'c, 'b> {
    pub(super) choices: &'c mut Choices<'b>,
}

impl<'c, 'b> Typed<'c, 'b> {
    pub(crate) fn new(choices: &'c mut Choices<'b>) -> Self {
        Self { choices }
    }

    pub(super) fn column(&mut self, names: &[&str]) -> String {
        format!("{NAME}[{}]", self.choices.of(names))
    }

    /// A literal, or something, as it is written.
    pub(super) fn literal(&mut self, texts: &[&str]) -> String {
        self.choices.of(texts).to_owned()
    }

    pub(crate) fn any(&mut self, depth: usize) -> String {
        match self.choices.below(12) {
            0 | 1 => self.text(depth),
            2 => self.integer(depth),
            3 => self.boolean(depth),
            4 | 5 => self.exact(depth),
            6 => self.number(depth),
            7 | 8 => self.moment(depth),
            9 => self.unsigned(depth),
            10 => self.time(depth),
            _ => self.other(depth),
        }
    }

    /// DT_BOOL.
    pub(crate) fn boolean(&mut self, depth: usize) -> String {
        if depth == 0 {
            return match self.choices.below(5) {
                4 => self.literal(&["TRUE", "FALSE", "NULL(DT_BOOL)"]),
                _ => self.column(&["flag", "mark"]),
            };
        }
        let below = depth - 1;
        match self.choices.below(16) {
            0 => self.boolean(0),
            1 => format!("!({})", self.boolean(below)),
            2..5 => {
                let operator = self.literal(&["&&", "||"]);
                format!(
                    "({}) {operator} ({})",
                    self.boolean(below),
                    self.boolean(below)
                )
            }
            5 => format!("ISNULL({})", self.any(below)),
            6 => self.conditional(below, Self::boolean),
            7 => self.replacenull(below, Self::boolean),
            8 => match self.choices.below(3) {
                0 => format!("(DT_BOOL)({})", self.text(below)),
                1 => format!("(DT_BOOL)({})", self.integer(below)),
                _ => format!("(DT_BOOL)({})", self.exact(below)),
            },
            _ => self.comparison(below),
        }
    }

    fn comparison(&mut self, depth: usize) -> String {
        let operator = self.literal(&["==", "!=", "<", "<=", ">", ">="]);
        let (left, right) = match self.choices.below(9) {
            0 => (self.integer(depth), self.integer(depth)),
            1 | 2 => (self.exact(depth), self.exact(depth)),
            3 => (self.number(depth), self.number(depth)),
            4 | 5 => (self.text(depth), self.text(depth)),
            6 => (self.moment(depth), self.moment(depth)),
            7 => {
                let text = [
                    "\"2024-02-29\"",
                    "\"1/2/2003 4:05:06\"",
                    "\"2000-01-01 00:00:00\"",
                ];
                (self.moment(depth), self.literal(&text))
            }
            _ => match self.choices.below(4) {
                0 => (self.time(depth), self.time(depth)),
                1 => (self.unsigned(depth), self.unsigned(depth)),
                2 => return self.equality(Self::boolean),
                _ => return self.equality(Self::other),
            },
        };
        format!("({left}) {operator} ({right})")
    }

    /// Of values without an order.
    fn equality(&mut self, operand: fn(&mut Self, usize) -> String) -> String {
        let operator = self.literal(&["==", "!="]);
        format!("({}) {operator} ({})", operand(self, 0), operand(self, 0))
    }

    pub(super) fn conditional(
        &mut self,
        depth: usize,
        branch: fn(&mut Self, usize) -> String,
    ) -> String {
        let (yes, no) = (branch(self, depth), branch(self, depth));
        format!("({}) ? ({yes}) : ({no})", self.boolean(depth))
    }

    pub(super) fn replacenull(
        &mut self,
        depth: usize,
        argument: fn(&mut Self, usize) -> String,
    ) -> String {
        format!(
            "REPLACENULL({}, {})",
            argument(self, depth),
            argument(self, depth)
        )
    }

    pub(crate) fn text(&mut self, depth: usize) -> String {
        if depth == 0 {
            return match self.choices.below(4) {
                3 => self.literal(&[
                    "\"\"",
                    "\"a\"",
                    "\" \"",
                    "\",;\"",
                    "\"twelve bytes\"",
                    "\"thirteen byte\"",
                    "\"\\x65E5\\x672C\"",
                    "\"😀é\"",
                    "\"\\\"\\\\\\t\\n\"",
                    "\"2024-02-29\"",
                    "\"12\"",
                    "NULL(DT_WSTR,10)",
                    "@[User::Name]",
                ]),
                _ => self.column(&["name", "word", "memo", "code"]),
            };
        }
        let below = depth - 1;
        match self.choices.below(16) {
            0 => self.text(0),
            1..4 => format!("({}) + ({})", self.text(below), self.text(below)),
            4 => self.conditional(below, Self::text),
            5 => self.replacenull(below, Self::text),
            6..9 => {
                let cast = self.literal(&[
                    "(DT_WSTR,50)",
                    "(DT_WSTR,5)",
                    "(DT_STR,30,1252)",
                    "(DT_STR,7,65001)",
                    "(DT_STR,9,932)",
                    "(DT_WSTR,4000)",
                    "(DT_WSTR,0)",
                ]);
                let inner = match self.choices.one_in(3) {
                    true => self.text(below),
                    false => self.any(below),
                };
                format!("{cast}({inner})")
            }
            _ => self.text_function(below),
        }
    }
}
