//! Calls of functions, and what is written of moments, times and values without an order.

use super::Typed;

const UNITS: &[&str] = &[
    "\"day\"",
    "\"year\"",
    "\"quarter\"",
    "\"month\"",
    "\"dayofyear\"",
    "\"week\"",
    "\"weekday\"",
    "\"hour\"",
    "\"minute\"",
    "\"second\"",
    "\"millisecond\"",
    "\"DD\"",
    "\"yyyy\"",
];

const MOMENTS: &[&str] = &[
    "(DT_DBTIMESTAMP)",
    "(DT_DBDATE)",
    "(DT_DATE)",
    "(DT_DBTIMESTAMP2,7)",
    "(DT_DBTIMESTAMP2,1)",
    "(DT_FILETIME)",
    "(DT_DBTIMESTAMPOFFSET,5)",
];

impl Typed<'_, '_> {
    /// A small number, mostly: of digits, characters, occurrences.
    pub(super) fn count(&mut self, depth: usize) -> String {
        match self.choices.below(6) {
            4 => self.column(&["i1", "j4"]),
            5 => self.integer(depth),
            _ => self.literal(&["1", "2", "0", "5", "40"]),
        }
    }

    pub(super) fn integer_function(&mut self, depth: usize) -> String {
        match self.choices.below(12) {
            0 => format!("LEN({})", self.text(depth)),
            1 => {
                let (text, part) = (self.text(depth), self.part());
                format!("FINDSTRING({text}, {part}, {})", self.count(depth))
            }
            2 => format!("TOKENCOUNT({}, {})", self.text(depth), self.part()),
            3 => {
                let part = self.literal(&["YEAR", "MONTH", "DAY"]);
                format!("{part}({})", self.moment(depth))
            }
            4 => format!("DATEPART({}, {})", self.literal(UNITS), self.moment(depth)),
            5 => format!("DATEPART({}, {})", self.literal(UNITS), self.time(depth)),
            6 | 7 => {
                let (unit, from, to) =
                    (self.literal(UNITS), self.moment(depth), self.moment(depth));
                format!("DATEDIFF({unit}, {from}, {to})")
            }
            8 => format!("SIGN({})", self.number(depth)),
            9 => format!("ABS({})", self.integer(depth)),
            10 => {
                let function = self.literal(&["CEILING", "FLOOR"]);
                format!("{function}({})", self.integer(depth))
            }
            _ => match self.choices.below(4) {
                0 => "LEN([image])".replace('[', "\u{1}["),
                1 => format!("LEN({})", self.column(&["ntext", "text"])),
                2 => format!("LEN((DT_NTEXT)({}))", self.text(depth)),
                _ => format!("LEN((DT_TEXT,1252)({}))", self.text(depth)),
            },
        }
    }

    pub(super) fn float_function(&mut self, depth: usize) -> String {
        match self.choices.below(4) {
            0 => format!("POWER({}, {})", self.number(depth), self.number(depth)),
            1 => format!("ROUND({}, {})", self.number(depth), self.count(depth)),
            _ => {
                let function = self.literal(&[
                    "SQRT", "SQUARE", "EXP", "LN", "LOG", "ABS", "CEILING", "FLOOR",
                ]);
                format!("{function}({})", self.number(depth))
            }
        }
    }

    /// What is looked for in texts.
    fn part(&mut self) -> String {
        match self.choices.below(5) {
            4 => self.column(&["word", "code"]),
            _ => self.literal(&[
                "\",\"",
                "\",; \"",
                "\"a\"",
                "\"\"",
                "\"aa\"",
                "\"é\"",
                "\"😀\"",
                "\"日本\"",
            ]),
        }
    }

    pub(super) fn text_function(&mut self, depth: usize) -> String {
        match self.choices.below(10) {
            0 => {
                let (text, start) = (self.text(depth), self.count(depth));
                format!("SUBSTRING({text}, {start}, {})", self.count(depth))
            }
            1 => {
                let function = self.literal(&["LEFT", "RIGHT"]);
                format!("{function}({}, {})", self.text(depth), self.count(depth))
            }
            2 => {
                let function = self.literal(&["TRIM", "LTRIM", "RTRIM"]);
                format!("{function}({})", self.text(depth))
            }
            3 => {
                let function = self.literal(&["UPPER", "LOWER", "REVERSE"]);
                format!("{function}({})", self.text(depth))
            }
            4 => format!("HEX({})", self.integer(depth)),
            5 => {
                let text = self.text(depth);
                format!("REPLICATE({text}, {})", self.count(depth))
            }
            6 | 7 => {
                let (text, old) = (self.text(depth), self.part());
                let new = match self.choices.one_in(3) {
                    true => self.text(depth),
                    false => self.part(),
                };
                format!("REPLACE({text}, {old}, {new})")
            }
            _ => {
                let (text, part) = (self.text(depth), self.part());
                format!("TOKEN({text}, {part}, {})", self.count(depth))
            }
        }
    }

    /// A value that has a day.
    pub(super) fn moment(&mut self, depth: usize) -> String {
        if depth == 0 {
            return match self.choices.below(5) {
                4 => self.literal(&[
                    "(DT_DBTIMESTAMP)\"2024-02-29 12:34:56\"",
                    "(DT_DBDATE)\"1900-03-01\"",
                    "NULL(DT_DBDATE)",
                    "NULL(DT_DBTIMESTAMP)",
                ]),
                _ => self.column(&[
                    "stamp", "day", "birth", "stamp2", "stamp0", "date", "file", "zoned",
                ]),
            };
        }
        let below = depth - 1;
        match self.choices.below(9) {
            0 | 1 => self.moment(0),
            2 => self.conditional(below, Self::moment),
            3 => self.replacenull(below, Self::moment),
            4 => {
                let cast = self.literal(MOMENTS);
                match self.choices.below(4) {
                    0 => format!("{cast}({})", self.text(below)),
                    1 => format!("{cast}(\"2001-12-31 23:59:59.997\")"),
                    2 => format!("(DT_DATE)({})", self.number(below)),
                    _ => format!("{cast}({})", self.moment(below)),
                }
            }
            5 => format!("{}({})", self.literal(MOMENTS), self.moment(below)),
            _ => {
                let (unit, count) = (self.literal(UNITS), self.count(below));
                format!("DATEADD({unit}, {count}, {})", self.moment(below))
            }
        }
    }

    pub(super) fn time(&mut self, depth: usize) -> String {
        let cast = self.literal(&["(DT_DBTIME2,7)", "(DT_DBTIME)", "(DT_DBTIME2,2)"]);
        match (depth, self.choices.below(5)) {
            (0, _) | (_, 0 | 1) => self.column(&["time", "time2"]),
            (_, 2) => format!("{cast}({})", self.text(depth - 1)),
            (_, 3) => self.conditional(depth - 1, Self::time),
            _ => format!("{cast}({})", self.moment(depth - 1)),
        }
    }

    /// Binary, long texts, identifiers.
    pub(super) fn other(&mut self, depth: usize) -> String {
        match self.choices.below(8) {
            0 => self.column(&["bytes", "guid", "image", "ntext", "text"]),
            1 => self.column(&["bytes"]),
            2 => {
                format!("(DT_BYTES,{})", self.choices.below(20)) + &self.column(&["bytes", "image"])
            }
            3 => "(DT_IMAGE)\u{1}[bytes]".to_owned(),
            4 => format!("(DT_GUID)({})", self.text(depth.saturating_sub(1))),
            5 => "(DT_GUID)\"{00112233-4455-6677-8899-AABBCCDDEEFF}\"".to_owned(),
            6 => format!("(DT_NTEXT)({})", self.text(depth.saturating_sub(1))),
            _ => format!(
                "{} + {}",
                self.column(&["ntext", "text"]),
                self.column(&["ntext", "name"])
            ),
        }
    }
}
