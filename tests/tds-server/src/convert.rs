//! Values of SQLite brought into the form a T-SQL type is kept in.
//!
//! | type | kept as |
//! |---|---|
//! | bit, tinyint ... bigint | INTEGER |
//! | real, float | REAL |
//! | decimal, money | REAL when fifteen digits are enough, TEXT with all digits otherwise |
//! | date, time, datetime ... | TEXT, see [`crate::moment`] |
//! | uniqueidentifier | TEXT in upper case |
//! | char, nchar | TEXT with the blanks at its end |
//! | varchar, nvarchar, text, xml | TEXT |
//! | binary, varbinary, image | BLOB |

use rusqlite::types::Value;

use crate::decimal::Decimal;
use crate::error::SqlError;
use crate::moment::Moment;
use crate::sql_type::{MAX, SqlType};

/// What a value that does not fit does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    /// Fails, as in a column.
    Store,
    /// Texts are cut, as in a cast or a variable.
    Cut,
}

pub(crate) fn convert(value: Value, ty: SqlType, fit: Fit) -> Result<Value, SqlError> {
    if value == Value::Null {
        return Ok(Value::Null);
    }
    match ty {
        SqlType::Bit | SqlType::TinyInt | SqlType::SmallInt | SqlType::Int | SqlType::BigInt => {
            whole(&value, ty)
        }
        SqlType::Real => Ok(Value::Real(f64::from(float(&value, ty)? as f32))),
        SqlType::Float => Ok(Value::Real(float(&value, ty)?)),
        SqlType::Decimal(..) | SqlType::Money | SqlType::SmallMoney => kept_decimal(&value, ty),
        _ if ty.is_moment() => Ok(Value::Text(moment(&value, ty)?.text(ty))),
        SqlType::Guid => guid(value),
        SqlType::Binary(length) | SqlType::VarBinary(length) => bytes(value, ty, length, fit),
        SqlType::Image => bytes(value, ty, MAX, fit),
        SqlType::Char(length) | SqlType::NChar(length) => {
            let mut text = limited(value, ty, length, fit)?;
            let missing = usize::from(length).saturating_sub(units(&text));
            text.extend(std::iter::repeat_n(' ', missing));
            Ok(Value::Text(text))
        }
        SqlType::VarChar(length) | SqlType::NVarChar(length) => {
            Ok(Value::Text(limited(value, ty, length, fit)?))
        }
        _ => Ok(Value::Text(text(value))),
    }
}

/// A value as text, the way a cast to nvarchar writes it.
pub(crate) fn text(value: Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => number.to_string(),
        Value::Text(text) => text,
        Value::Blob(bytes) => crate::wire::utf16_text(&bytes),
    }
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

fn limited(value: Value, ty: SqlType, length: u16, fit: Fit) -> Result<String, SqlError> {
    let text = match (value, ty) {
        (Value::Blob(bytes), SqlType::Char(_) | SqlType::VarChar(_)) => {
            encoding_rs::WINDOWS_1252.decode(&bytes).0.into_owned()
        }
        (value, _) => text(value),
    };
    if length == MAX || units(&text) <= usize::from(length) {
        return Ok(text);
    }
    let cut = String::from_utf16_lossy(
        &text
            .encode_utf16()
            .take(usize::from(length))
            .collect::<Vec<_>>(),
    );
    // Blanks at the end are no data.
    if fit == Fit::Cut || text.trim_end_matches(' ').len() <= cut.len() {
        return Ok(cut);
    }
    Err(truncated(&cut))
}

fn truncated(value: &str) -> SqlError {
    SqlError::new(
        2628,
        format!("String or binary data would be truncated. Truncated value: '{value}'."),
    )
}

fn failed(value: &Value, ty: SqlType) -> SqlError {
    let (number, what) = match ty {
        _ if ty.is_moment() => (
            241,
            "Conversion failed when converting date and/or time from character string.".to_owned(),
        ),
        SqlType::Guid => (
            8169,
            "Conversion failed when converting from a character string to uniqueidentifier."
                .to_owned(),
        ),
        SqlType::Decimal(..) | SqlType::Float | SqlType::Real => (
            8114,
            format!("Error converting data type nvarchar to {}.", ty.name()),
        ),
        _ => (
            245,
            format!(
                "Conversion failed when converting the nvarchar value '{}' to data type {}.",
                text(value.clone()),
                ty.name()
            ),
        ),
    };
    SqlError::new(number, what)
}

fn overflow(ty: SqlType) -> SqlError {
    SqlError::new(
        8115,
        format!(
            "Arithmetic overflow error converting expression to data type {}.",
            ty.name()
        ),
    )
}

fn whole(value: &Value, ty: SqlType) -> Result<Value, SqlError> {
    let number = match value {
        Value::Integer(number) => *number,
        Value::Real(number) if number.abs() < 9.2e18 => number.trunc() as i64,
        Value::Real(_) => return Err(overflow(ty)),
        Value::Text(text) if ty == SqlType::Bit && text.eq_ignore_ascii_case("true") => 1,
        Value::Text(text) if ty == SqlType::Bit && text.eq_ignore_ascii_case("false") => 0,
        Value::Text(text) if text.trim().is_empty() => 0,
        // A wide decimal is a text with a point, which a text of the user's may not have.
        Value::Text(text) if text.len() > 15 => {
            let decimal = Decimal::parse(text).ok_or_else(|| failed(value, ty))?;
            let whole = decimal.unscaled
                / 10_i128
                    .checked_pow(u32::from(decimal.scale))
                    .ok_or_else(|| overflow(ty))?;
            i64::try_from(whole).map_err(|_| overflow(ty))?
        }
        Value::Text(text) => text.trim().parse().map_err(|_| failed(value, ty))?,
        Value::Blob(bytes) => bytes
            .iter()
            .fold(0, |all: i64, byte| (all << 8) | i64::from(*byte)),
        Value::Null => return Ok(Value::Null),
    };
    let fits = match ty {
        SqlType::Bit => return Ok(Value::Integer(i64::from(number != 0))),
        SqlType::TinyInt => u8::try_from(number).is_ok(),
        SqlType::SmallInt => i16::try_from(number).is_ok(),
        SqlType::Int => i32::try_from(number).is_ok(),
        _ => true,
    };
    if fits {
        Ok(Value::Integer(number))
    } else {
        Err(overflow(ty))
    }
}

pub(crate) fn float(value: &Value, ty: SqlType) -> Result<f64, SqlError> {
    match value {
        Value::Integer(number) => Ok(*number as f64),
        Value::Real(number) => Ok(*number),
        Value::Text(text) => text.trim().parse().map_err(|_| failed(value, ty)),
        _ => Err(failed(value, ty)),
    }
}

/// A value with a decimal type's scale, checked against its precision.
pub(crate) fn decimal(value: &Value, ty: SqlType) -> Result<Decimal, SqlError> {
    let (precision, scale) = match ty {
        SqlType::Decimal(precision, scale) => (u32::from(precision), scale),
        SqlType::SmallMoney => (10, 4),
        _ => (19, 4),
    };
    let read = match value {
        Value::Integer(number) => Some(Decimal {
            unscaled: i128::from(*number),
            scale: 0,
        }),
        // The shortest text that reads back as the same number is what was written.
        Value::Real(number) => {
            Some(Decimal::parse(&number.to_string()).ok_or_else(|| overflow(ty))?)
        }
        Value::Text(text) => Decimal::parse(&text.replace(',', "")),
        _ => None,
    };
    let scaled = read
        .ok_or_else(|| failed(value, ty))?
        .rescale(scale)
        .ok_or_else(|| overflow(ty))?;
    let fits = match ty {
        SqlType::Money => i64::try_from(scaled.unscaled).is_ok(),
        SqlType::SmallMoney => i32::try_from(scaled.unscaled).is_ok(),
        _ => scaled.digits() <= precision,
    };
    if fits { Ok(scaled) } else { Err(overflow(ty)) }
}

fn kept_decimal(value: &Value, ty: SqlType) -> Result<Value, SqlError> {
    let decimal = decimal(value, ty)?;
    let text = decimal.to_string();
    Ok(match text.parse() {
        Ok(number) if decimal.digits() <= 15 => Value::Real(number),
        _ => Value::Text(text),
    })
}

/// A value as a moment; numbers are days since 1900.
pub(crate) fn moment(value: &Value, ty: SqlType) -> Result<Moment, SqlError> {
    let read = match value {
        Value::Text(text) => Moment::parse(text),
        Value::Integer(days) => Some(Moment {
            days: crate::moment::DAYS_TO_1900 + days,
            ticks: 0,
            offset: None,
        }),
        Value::Real(days) => {
            let ticks = (days * crate::moment::TICKS_PER_DAY as f64) as i64;
            Some(Moment::from_ticks(
                crate::moment::DAYS_TO_1900 * crate::moment::TICKS_PER_DAY + ticks,
                None,
            ))
        }
        _ => None,
    };
    read.ok_or_else(|| failed(value, ty))
}

fn guid(value: Value) -> Result<Value, SqlError> {
    if let Value::Blob(bytes) = &value {
        let bytes: [u8; 16] = bytes
            .as_slice()
            .try_into()
            .map_err(|_| failed(&value, SqlType::Guid))?;
        return Ok(Value::Text(guid_text(bytes)));
    }
    let text = text(value.clone())
        .trim_matches(['{', '}', ' '])
        .to_ascii_uppercase();
    if guid_bytes(&text).is_none() {
        return Err(failed(&value, SqlType::Guid));
    }
    Ok(Value::Text(text))
}

/// Three numbers in little-endian order, then eight bytes as they are.
const GUID_ORDER: [usize; 16] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];

pub(crate) fn guid_text(bytes: [u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (position, index) in GUID_ORDER.into_iter().enumerate() {
        if matches!(position, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!(
            "{:02X}",
            bytes.get(index).copied().unwrap_or_default()
        ));
    }
    text
}

pub(crate) fn guid_bytes(text: &str) -> Option<[u8; 16]> {
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b'-').collect();
    if text.len() != 36 || digits.len() != 32 {
        return None;
    }
    let mut bytes = [0; 16];
    for (pair, index) in digits.chunks_exact(2).zip(GUID_ORDER) {
        *bytes.get_mut(index)? = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

fn bytes(value: Value, ty: SqlType, length: u16, fit: Fit) -> Result<Value, SqlError> {
    let mut bytes = match value {
        Value::Blob(bytes) => bytes,
        Value::Integer(number) => match i32::try_from(number) {
            Ok(small) => small.to_be_bytes().to_vec(),
            Err(_) => number.to_be_bytes().to_vec(),
        },
        Value::Text(text) => match guid_bytes(&text) {
            Some(guid) => guid.to_vec(),
            None => encoding_rs::WINDOWS_1252.encode(&text).0.into_owned(),
        },
        other => return Err(failed(&other, ty)),
    };
    let length = usize::from(length);
    if length != usize::from(MAX) && bytes.len() > length {
        if fit == Fit::Store {
            return Err(truncated("0x..."));
        }
        bytes.truncate(length);
    }
    if matches!(ty, SqlType::Binary(_)) {
        bytes.resize(length, 0);
    }
    Ok(Value::Blob(bytes))
}
