//! RAND and CHECKSUM(NEWID()): numbers of chance, and the one of a seed.

use super::super::{Dialect, error::RewriteError, rewriter::Rewriter};
use super::table;
use sqlparser::tokenizer::Span;

/// L'Ecuyer's generator, by which RAND of a seed is worked out: one step of both halves, the second of which begins at
/// 67890.
const FIRST: (i64, i64) = (40_014, 2_147_483_563);
const SECOND: i64 = 67_890 * 40_692 % 2_147_483_399;
const FACTOR: f64 = 4.656_613e-10;

/// What RAND gives for a seed that is not negative.
pub(crate) fn of_seed(seed: u32) -> f64 {
    let seed = if seed == 0 { 12_345 } else { i64::from(seed) };
    let first = seed * FIRST.0 % FIRST.1;
    let mixed = match first - SECOND {
        number if number < 1 => number + FIRST.1 - 1,
        number => number,
    };
    #[expect(clippy::as_conversions, reason = "it has 31 bits")]
    let mixed = mixed as f64;
    mixed * FACTOR
}

impl Rewriter<'_> {
    /// RAND is worked out once for a statement, not for each of its rows.
    pub(super) fn random(
        &mut self,
        arguments: &[String],
        span: Span,
    ) -> Result<String, RewriteError> {
        match (arguments, self.to) {
            ([], Dialect::MySql) => {
                self.note(
                    span,
                    "RAND is the same for all rows in T-SQL, and another for each of them here",
                );
                Ok("RAND()".to_owned())
            }
            ([], Dialect::Sqlite) => {
                Ok("(SELECT abs(random() % 9007199254740992) / 9007199254740992.0)".to_owned())
            }
            ([], _) => Ok("(SELECT random())".to_owned()),
            ([seed], Dialect::Sqlite) => Ok(format!("tsql_rand({seed})")),
            ([seed], _) => match seed.parse::<u32>() {
                Ok(seed) => Ok(of_seed(seed).to_string()),
                Err(_) => Err(self.unsupported(
                    span,
                    "RAND of a seed that is no whole number",
                    "write the seed as a number, or leave it out",
                )),
            },
            _ => Err(self.no_function("RAND", span)),
        }
    }

    /// The checksum of a new GUID is a number of chance; that of anything else is SQL Server's own.
    pub(super) fn checksum(
        &self,
        name: &str,
        arguments: &[String],
        span: Span,
    ) -> Result<String, RewriteError> {
        let new = table::translation("NEWID", 0, self.to);
        match arguments {
            [only] if Some(only.as_str()) == new => Ok(match self.to {
                Dialect::Sqlite => "(random() >> 32)",
                Dialect::MySql => "CAST(FLOOR(RAND() * 4294967295) - 2147483647 AS SIGNED)",
                _ => "CAST(floor(random() * 4294967295) - 2147483647 AS integer)",
            }
            .to_owned()),
            _ => Err(self.unsupported(
                span,
                format!("{name} of anything but NEWID()"),
                "compare the columns themselves, or work a hash out in the data flow",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::of_seed;

    /// As SQL Server has them: its documentation for 100, its users for the others.
    #[test]
    fn seeds_give_the_numbers_of_sql_server() {
        let known = [
            (0, 0.943_597_390_424_144),
            (1, 0.713_591_993_212_924),
            (2, 0.713_610_626_184_182),
            (100, 0.715_436_657_367_485),
        ];
        for (seed, wanted) in known {
            let found: f64 = of_seed(seed);
            assert!((found - wanted).abs() < 1e-15, "{seed}: {found}");
        }
    }
}
