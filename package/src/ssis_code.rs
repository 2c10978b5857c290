//! SSIS message codes: `0xC020902A` and its symbol `DTS_E_INDUCEDTRANSFORMFAILUREONTRUNCATION`.

use std::{fmt, sync::LazyLock};

/// A code as SSIS reports it, in `ErrorCode` columns (as the signed number) and in messages (in hexadecimal).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SsisCode(pub u32);

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $value:literal;)*) => {
        impl SsisCode { $($(#[$doc])* #[doc = concat!("`", stringify!($value), "`.")] pub const $name: Self = Self($value);)* }
    };
}

codes! {
    /// A variable could not be found.
    VARIABLE_NOT_FOUND = 0xC001_0001;
    PACKAGE_NOT_FOUND = 0xC001_000A;
    LOAD_PACKAGE_XML = 0xC001_1003;
    DECRYPT_USER_KEY = 0xC001_4060;
    EXPRESSION_TRUNCATION_AS_ERROR = 0xC001_700E;
    /// Disposition "fail" on an error.
    INDUCED_FAILURE_ON_ERROR = 0xC020_9029;
    /// Disposition "fail" on a truncation; also the row code of a truncation.
    INDUCED_FAILURE_ON_TRUNCATION = 0xC020_902A;
    FAILED_COLUMN_DATA_CONVERSION_STATUS = 0xC020_20A1;
    DATA_CONVERSION_FAILED = 0xC020_20C5;
    COLUMN_STATUS_ERROR = 0xC020_901C;
    COLUMN_DELIMITER_NOT_FOUND = 0xC020_2055;
    /// A data file could not be written.
    CANNOT_WRITE_DATA_FILE = 0xC020_2053;
    EXPRESSION_DIVIDE_BY_ZERO = 0xC004_707B;
    EXPRESSION_OVERFLOW = 0xC004_707E;
    EXPRESSION_FUNCTION_OVERFLOW = 0xC004_707F;
    EXPRESSION_EVALUATION_FAILED = 0xC004_709B;
    EXPRESSION_CONVERSION_OVERFLOW = 0xC004_70C0;
    CANNOT_ACQUIRE_CONNECTION = 0xC020_801C;
    INPUT_MUST_BE_SORTED = 0xC020_20AF;
    VALIDATION_FAILED = 0xC004_700D;
    READER_TIMEOUT = 0xC020_838E;
}

/// (code, symbol), ordered by code.
static TABLE: LazyLock<Vec<(u32, &'static str)>> = LazyLock::new(|| {
    let mut table: Vec<_> = include_str!("ssis_codes.tsv")
        .lines()
        .filter_map(|line| {
            let (code, symbol) = line.split_once('\t')?;
            Some((
                u32::from_str_radix(code.strip_prefix("0x")?, 16).ok()?,
                symbol,
            ))
        })
        .collect();
    table.sort_unstable();
    table
});

impl SsisCode {
    /// The symbol, or an empty text for a code that is not in the table.
    pub fn symbol(self) -> &'static str {
        TABLE
            .binary_search_by_key(&self.0, |entry| entry.0)
            .map_or("", |index| TABLE[index].1)
    }

    /// By symbol (`DTS_E_EXPREVALDIVBYZERO`).
    pub fn from_symbol(symbol: &str) -> Option<Self> {
        TABLE
            .iter()
            .find(|entry| entry.1 == symbol)
            .map(|entry| Self(entry.0))
    }

    /// What an `ErrorCode` column (DT_I4) holds.
    pub fn as_i32(self) -> i32 {
        self.0 as i32
    }
}

impl fmt::Display for SsisCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:08X}", self.0)?;
        match self.symbol() {
            "" => Ok(()),
            symbol => write!(f, " {symbol}"),
        }
    }
}
