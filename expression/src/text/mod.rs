//! Typed values from the bytes of one text: what a Flat File Source column, a Data Conversion or a cast reads.
//!
//! ```text
//!  bytes (UTF-8) ──▶ trim ──▶ [locale: currency, groups, decimal sign ──▶ plain digits] ──▶ value | ParseError
//! ```
//!
//! Each parser reads one scalar and keeps nothing. [`Style`] says which of the three grammars applies; the bulk kernels of
//! the sources have their own short cuts and come here for everything that is not plain.

mod binary;
mod boolean;
mod calendar;
mod date;
mod date_fast;
mod decimal;
mod float;
mod guid;
mod integer;
mod locale;
mod number;

pub use binary::parse_hex;
pub use boolean::parse_bool;
pub use calendar::{
    DateTime, MICROS_PER_DAY, NANOS_PER_DAY, civil_from_days, days_from_civil, days_of_day,
    days_of_month, is_leap, months_from_days,
};
pub use date::parse_date_time;
pub use date_fast::{parse_fast_date_time, parse_fast_time};
pub use decimal::parse_decimal;
pub use float::{parse_f32, parse_f64};
pub use guid::parse_guid;
pub use integer::{parse_i64, parse_u64};
pub(crate) use locale::Written;
pub use locale::{DateOrder, Locale, UnknownLocale, is_custom};

/// Which grammar a text is read by.
#[derive(Debug, Clone, Copy)]
pub enum Style<'a> {
    /// A cast in an expression: blanks trimmed, sign, digits, `.`; no groups, no currency (semantics 1.4).
    Cast,
    /// FastParse: locale-neutral integers and ISO dates (semantics 9.10).
    Fast,
    /// Standard parsing, OLE automation's rules under a locale (semantics 9.11).
    Standard(&'a Locale),
}

/// Why a text is not a value of the wanted type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ParseError {
    /// Not a text of this type at all.
    #[error("the text is not a value of this type")]
    Syntax,
    /// A value, but outside the range of the type.
    #[error("the value is outside the range of the type")]
    Overflow,
    /// A negative value for an unsigned type.
    #[error("the value is negative and the type is unsigned")]
    SignMismatch,
}

/// The text without blanks, tabs and line ends at its edges.
pub(crate) fn trim(text: &[u8]) -> &[u8] {
    text.trim_ascii()
}
