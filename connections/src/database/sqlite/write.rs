//! Values of Arrow arrays as SQLite keeps them.
//!
//! Dates and times are ISO text, with the fraction only where there is one; decimals are text of all their digits, which a
//! column of numeric affinity keeps as a number; a GUID is text without braces, in capitals; booleans are 0 and 1.

use std::fmt::Write;

use arrow::{
    array::{
        Array, ArrayRef, AsArray, BinaryViewArray, BooleanArray, FixedSizeBinaryArray,
        PrimitiveArray, StringViewArray, StructArray,
    },
    compute::cast,
    datatypes::{
        DataType, Date32Type, Decimal128Type, Float64Type, Int16Type, Int64Type, Time32SecondType,
        Time64NanosecondType, TimeUnit, TimestampMicrosecondType, UInt64Type,
    },
};
use chrono::{DateTime, Duration, NaiveDate};
use rusqlite::{
    Statement,
    types::{ToSqlOutput, ValueRef},
};
use uuid::Uuid;

use super::failure::Refusal;

/// The values of a column, ready to be bound.
pub(super) enum Cells {
    Null,
    Integer(PrimitiveArray<Int64Type>),
    Unsigned(PrimitiveArray<UInt64Type>),
    Real(PrimitiveArray<Float64Type>),
    Boolean(BooleanArray),
    Text(StringViewArray),
    Binary(BinaryViewArray),
    Guid(FixedSizeBinaryArray),
    Decimal(PrimitiveArray<Decimal128Type>, i8),
    Date(PrimitiveArray<Date32Type>),
    Seconds(PrimitiveArray<Time32SecondType>),
    Nanos(PrimitiveArray<Time64NanosecondType>),
    Timestamp(PrimitiveArray<TimestampMicrosecondType>),
    /// With an offset in minutes.
    Offset(StructArray),
}

/// # Errors
/// The type, if it cannot be written.
pub(super) fn cells(array: &ArrayRef) -> Result<Cells, String> {
    let to = |data_type: &DataType| cast(array, data_type).map_err(|error| error.to_string());
    Ok(match array.data_type() {
        DataType::Null => Cells::Null,
        DataType::UInt64 => Cells::Unsigned(array.as_primitive().clone()),
        other if other.is_integer() => Cells::Integer(to(&DataType::Int64)?.as_primitive().clone()),
        DataType::Float32 | DataType::Float64 => {
            Cells::Real(to(&DataType::Float64)?.as_primitive().clone())
        }
        DataType::Boolean => Cells::Boolean(array.as_boolean().clone()),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            Cells::Text(to(&DataType::Utf8View)?.as_string_view().clone())
        }
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => {
            Cells::Binary(to(&DataType::BinaryView)?.as_binary_view().clone())
        }
        DataType::FixedSizeBinary(16) => Cells::Guid(array.as_fixed_size_binary().clone()),
        DataType::Decimal128(_, scale) => Cells::Decimal(array.as_primitive().clone(), *scale),
        DataType::Date32 => Cells::Date(array.as_primitive().clone()),
        DataType::Time32(TimeUnit::Second) => Cells::Seconds(array.as_primitive().clone()),
        DataType::Time64(TimeUnit::Nanosecond) => Cells::Nanos(array.as_primitive().clone()),
        DataType::Timestamp(_, None) => Cells::Timestamp(
            to(&DataType::Timestamp(TimeUnit::Microsecond, None))?
                .as_primitive()
                .clone(),
        ),
        DataType::Struct(_) => Cells::Offset(array.as_struct().clone()),
        other => return Err(format!("values of type {other} cannot be written")),
    })
}

impl Cells {
    pub(super) fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Null => true,
            Self::Integer(values) => values.is_null(row),
            Self::Unsigned(values) => values.is_null(row),
            Self::Real(values) => values.is_null(row),
            Self::Boolean(values) => values.is_null(row),
            Self::Text(values) => values.is_null(row),
            Self::Binary(values) => values.is_null(row),
            Self::Guid(values) => values.is_null(row),
            Self::Decimal(values, _) => values.is_null(row),
            Self::Date(values) => values.is_null(row),
            Self::Seconds(values) => values.is_null(row),
            Self::Nanos(values) => values.is_null(row),
            Self::Timestamp(values) => values.is_null(row),
            Self::Offset(values) => values.is_null(row),
        }
    }
}

/// Binds the value of a row to a marker, counted from 1.
pub(super) fn bind(
    statement: &mut Statement<'_>,
    marker: usize,
    cells: &Cells,
    row: usize,
) -> Result<(), Refusal> {
    let borrowed = |statement: &mut Statement<'_>, value: ValueRef<'_>| {
        statement.raw_bind_parameter(marker, ToSqlOutput::Borrowed(value))
    };
    if cells.is_null(row) {
        return Ok(borrowed(statement, ValueRef::Null)?);
    }
    let written = match cells {
        Cells::Null => return Ok(()),
        Cells::Integer(values) => {
            return Ok(borrowed(statement, ValueRef::Integer(values.value(row)))?);
        }
        Cells::Unsigned(values) => {
            let number = i64::try_from(values.value(row)).map_err(|_| {
                Refusal::Value(format!(
                    "{} is larger than an integer of SQLite",
                    values.value(row)
                ))
            })?;
            return Ok(borrowed(statement, ValueRef::Integer(number))?);
        }
        Cells::Real(values) => {
            let number = values.value(row);
            if number.is_nan() {
                return Err(Refusal::Value("SQLite has no NaN".to_owned()));
            }
            return Ok(borrowed(statement, ValueRef::Real(number))?);
        }
        Cells::Boolean(values) => {
            let number = i64::from(values.value(row));
            return Ok(borrowed(statement, ValueRef::Integer(number))?);
        }
        Cells::Text(values) => {
            let text = values.value(row).as_bytes();
            return Ok(borrowed(statement, ValueRef::Text(text))?);
        }
        Cells::Binary(values) => {
            return Ok(borrowed(statement, ValueRef::Blob(values.value(row)))?);
        }
        Cells::Guid(values) => Uuid::from_slice(values.value(row))
            .ok()
            .map(|guid| format!("{guid:X}")),
        Cells::Decimal(values, scale) => Some(decimal(values.value(row), *scale)),
        Cells::Date(values) => date(values.value(row)),
        Cells::Seconds(values) => Some(time(i64::from(values.value(row)) * 1_000_000_000)),
        Cells::Nanos(values) => Some(time(values.value(row))),
        Cells::Timestamp(values) => timestamp(values.value(row)),
        Cells::Offset(values) => with_offset(values, row),
    };
    match written {
        Some(text) => Ok(borrowed(statement, ValueRef::Text(text.as_bytes()))?),
        None => Err(Refusal::Value("a date is out of range".to_owned())),
    }
}

pub(super) fn decimal(number: i128, scale: i8) -> String {
    let scale = usize::from(scale.unsigned_abs());
    if scale == 0 {
        return number.to_string();
    }
    let sign = if number < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", number.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    format!("{sign}{whole}.{fraction}")
}

fn date(days: i32) -> Option<String> {
    let epoch = NaiveDate::from_ymd_opt(1970, 1, 1)?;
    let date = epoch.checked_add_signed(Duration::days(i64::from(days)))?;
    Some(date.format("%Y-%m-%d").to_string())
}

fn time(nanos: i64) -> String {
    let (seconds, nanos) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    let mut text = format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    );
    add_fraction(&mut text, nanos, 9);
    text
}

fn timestamp(micros: i64) -> Option<String> {
    let moment = DateTime::from_timestamp_micros(micros)?;
    let mut text = moment.format("%Y-%m-%d %H:%M:%S").to_string();
    add_fraction(&mut text, micros.rem_euclid(1_000_000), 6);
    Some(text)
}

/// Digits of a fraction, without zeros at the end.
fn add_fraction(text: &mut String, fraction: i64, digits: usize) {
    if fraction == 0 {
        return;
    }
    let digits = format!("{fraction:0>digits$}");
    text.push('.');
    text.push_str(digits.trim_end_matches('0'));
}

fn with_offset(values: &StructArray, row: usize) -> Option<String> {
    let utc = values
        .column(0)
        .as_primitive_opt::<TimestampMicrosecondType>()?
        .value(row);
    let offset = values.column(1).as_primitive_opt::<Int16Type>()?.value(row);
    let mut text = timestamp(utc.checked_add(i64::from(offset) * 60_000_000)?)?;
    let sign = if offset < 0 { '-' } else { '+' };
    let minutes = offset.unsigned_abs();
    write!(text, " {sign}{:02}:{:02}", minutes / 60, minutes % 60).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_as_text() {
        assert_eq!(decimal(-5, 2), "-0.05");
        assert_eq!(decimal(12_345, 2), "123.45");
        assert_eq!(date(0).as_deref(), Some("1970-01-01"));
        assert_eq!(date(-719_162).as_deref(), Some("0001-01-01"));
        assert_eq!(timestamp(-1).as_deref(), Some("1969-12-31 23:59:59.999999"));
        assert_eq!(time(3_661_000_000_000), "01:01:01");
        assert_eq!(time(500_000_000), "00:00:00.5");
    }
}
