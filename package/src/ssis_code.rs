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
    /// A package could not be signed.
    SIGN_PACKAGE_FAILED = 0xC001_402D;
    /// A signature that could not be checked.
    PACKAGE_VERIFICATION_FAILED = 0xC001_4030;
    /// A package without the signature that was asked for.
    SIGNATURE_NOT_PRESENT = 0xC001_4064;
    /// A package could not be encrypted.
    PACKAGE_PROTECT = 0xC001_4035;
    /// The password of a wholly encrypted package is missing or another one.
    PACKAGE_PASSWORD = 0xC001_4037;
    /// A protection level that needs a password, and no password.
    PACKAGE_PASSWORD_EMPTY = 0xC001_405E;
    /// The password of an encrypted value is missing or another one.
    DECRYPT_XML_PASSWORD = 0xC001_405F;
    /// A value that the key of a Windows user encrypts.
    DECRYPT_USER_KEY = 0xC001_4060;
    /// The protection level ServerStorage outside a database.
    SERVER_STORAGE_DISALLOWED = 0xC001_4061;
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
    // Expressions that do not compile.
    EXPRESSION_EMPTY = 0xC004_709A;
    EXPRESSION_PARSE_FAILED = 0xC004_7099;
    EXPRESSION_INVALID_TOKEN = 0xC004_7096;
    EXPRESSION_SINGLE_QUOTE = 0xC004_70D6;
    EXPRESSION_SINGLE_EQUAL = 0xC004_70D7;
    EXPRESSION_ESCAPE = 0xC004_70B8;
    EXPRESSION_HEX_ESCAPE = 0xC004_70B7;
    EXPRESSION_STRING_TOO_LONG = 0xC004_70FF;
    EXPRESSION_LITERAL_OVERFLOW = 0xC004_707C;
    EXPRESSION_COLUMN_NOT_FOUND = 0xC004_70A2;
    EXPRESSION_AMBIGUOUS_COLUMN = 0xC004_70DB;
    EXPRESSION_DOTTED_COLUMN_NOT_FOUND = 0xC004_70DC;
    EXPRESSION_COLUMN_ID_NOT_FOUND = 0xC004_70A3;
    EXPRESSION_VARIABLE_NOT_FOUND = 0xC004_70A6;
    EXPRESSION_VARIABLE_NOT_READ = 0xC004_70EA;
    EXPRESSION_FUNCTION_NOT_FOUND = 0xC004_708A;
    EXPRESSION_ARGUMENT_COUNT = 0xC004_70FB;
    EXPRESSION_ARGUMENT_COUNT_ONE = 0xC004_70F9;
    EXPRESSION_ARGUMENT_COUNT_NOT_ONE = 0xC004_70FA;
    EXPRESSION_ARGUMENT_TYPE = 0xC004_7089;
    EXPRESSION_BINARY_TYPE_MISMATCH = 0xC004_7080;
    EXPRESSION_BINARY_TYPE = 0xC004_7081;
    EXPRESSION_SIGN_MISMATCH = 0xC004_7082;
    EXPRESSION_UNARY_TYPE = 0xC004_7086;
    EXPRESSION_CONDITION_TYPE = 0xC004_709E;
    EXPRESSION_BRANCH_MISMATCH = 0xC004_709F;
    EXPRESSION_INVALID_CAST = 0xC004_7095;
    EXPRESSION_CAST_ARGUMENTS = 0xC004_7093;
    EXPRESSION_CAST_LENGTH = 0xC004_70F1;
    EXPRESSION_CAST_PRECISION = 0xC004_70AB;
    EXPRESSION_CAST_SCALE = 0xC004_70AC;
    EXPRESSION_CAST_CODE_PAGE = 0xC004_70AA;
    EXPRESSION_NULL_CODE_PAGE = 0xC004_70F2;
    EXPRESSION_NULL_PRECISION = 0xC004_70F3;
    EXPRESSION_NULL_SCALE = 0xC004_70F4;
    EXPRESSION_NULL_LENGTH = 0xC004_70F5;
    EXPRESSION_NULL_ARGUMENTS = 0xC004_7090;
    EXPRESSION_NULL_TYPE = 0xC004_7091;
    EXPRESSION_DATE_PART_NODE = 0xC004_70F0;
    // Rows whose expression fails: these are the codes of error outputs.
    EXPRESSION_DIVIDE_BY_ZERO = 0xC004_9030;
    EXPRESSION_NUMERIC_OVERFLOW = 0xC004_9032;
    EXPRESSION_OVERFLOW = 0xC004_9033;
    EXPRESSION_FUNCTION_OVERFLOW = 0xC004_9034;
    EXPRESSION_UNARY_OVERFLOW = 0xC004_904D;
    EXPRESSION_SUBSTRING_LENGTH = 0xC004_9040;
    EXPRESSION_SUBSTRING_START = 0xC004_9041;
    EXPRESSION_INVALID_DATE_PART = 0xC004_9044;
    EXPRESSION_RIGHT_LENGTH = 0xC004_9088;
    EXPRESSION_REPLICATE_COUNT = 0xC004_9089;
    EXPRESSION_FINDSTRING_OCCURRENCE = 0xC004_90D5;
    EXPRESSION_FUNCTION_FAILED = 0xC004_9067;
    EXPRESSION_CAST_FAILED = 0xC004_9064;
    EXPRESSION_CONVERSION_OVERFLOW = 0xC004_9060;
    EXPRESSION_EVALUATION_FAILED = 0xC004_904E;
    EXPRESSION_SQRT_ARGUMENT = 0xC004_70DF;
    EXPRESSION_POWER_ARGUMENT = 0xC004_70E2;
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
