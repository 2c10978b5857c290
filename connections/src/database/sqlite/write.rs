//! Values of Arrow arrays as SQLite keeps them: numbers, bytes and text ([`super::texts`]); booleans are 0 and 1.

use arrow::{
    array::{
        Array, ArrayRef, AsArray, BinaryViewArray, BooleanArray, PrimitiveArray, StringArray,
        StringViewArray,
    },
    compute::cast,
    datatypes::{DataType, Decimal128Type, Float64Type, Int64Type, TimeUnit, UInt64Type},
};
use rusqlite::{
    Statement,
    types::{ToSqlOutput, ValueRef},
};

use super::{
    digits,
    failure::Refusal,
    texts::{self, push_decimal},
};

/// Powers of ten that a double is equal to: a number of 15 digits over one of them is the nearest double.
const EXACT_POWERS: i8 = 22;

/// The values of a column, ready to be bound.
pub(super) enum Cells {
    Null,
    Integer(PrimitiveArray<Int64Type>),
    Unsigned(PrimitiveArray<UInt64Type>),
    Real(PrimitiveArray<Float64Type>),
    Boolean(BooleanArray),
    Text(StringViewArray),
    Binary(BinaryViewArray),
    /// Decimals of this scale, for a column that keeps them as numbers.
    Decimal(PrimitiveArray<Decimal128Type>, i8),
    /// What is written as text; empty if a value cannot be.
    Written(StringArray),
}

/// As [`cells`], for a column that turns text into numbers if it can.
pub(super) fn cells_of_number(array: &ArrayRef) -> Result<Cells, String> {
    match array.data_type() {
        DataType::Decimal128(_, scale) => Ok(Cells::Decimal(array.as_primitive().clone(), *scale)),
        _ => cells(array),
    }
}

/// # Errors
/// The type, if it cannot be written.
pub(super) fn cells(array: &ArrayRef) -> Result<Cells, String> {
    let unknown = || format!("values of type {} cannot be written", array.data_type());
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
        DataType::FixedSizeBinary(16) => Cells::Written(texts::guids(array.as_fixed_size_binary())),
        DataType::Decimal128(_, scale) => {
            Cells::Written(texts::decimals(array.as_primitive(), *scale))
        }
        DataType::Date32 => Cells::Written(texts::dates(array.as_primitive())),
        DataType::Time32(TimeUnit::Second) => Cells::Written(texts::seconds(array.as_primitive())),
        DataType::Time64(TimeUnit::Nanosecond) => {
            Cells::Written(texts::nanos(array.as_primitive()))
        }
        DataType::Timestamp(_, None) => {
            let micros = to(&DataType::Timestamp(TimeUnit::Microsecond, None))?;
            Cells::Written(texts::timestamps(micros.as_primitive()))
        }
        DataType::Struct(_) => {
            let texts = texts::with_offsets(array.as_struct());
            Cells::Written(texts.ok_or_else(unknown)?)
        }
        _ => return Err(unknown()),
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
            Self::Decimal(values, _) => values.is_null(row),
            Self::Written(values) => values.is_null(row),
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
    let mut bound = |value: ValueRef<'_>| -> Result<(), Refusal> {
        Ok(statement.raw_bind_parameter(marker, ToSqlOutput::Borrowed(value))?)
    };
    if cells.is_null(row) {
        return bound(ValueRef::Null);
    }
    match cells {
        Cells::Null => Ok(()),
        Cells::Integer(values) => bound(ValueRef::Integer(values.value(row))),
        Cells::Unsigned(values) => {
            let number = values.value(row);
            let number = i64::try_from(number).map_err(|_| {
                Refusal::Value(format!("{number} is larger than an integer of SQLite"))
            })?;
            bound(ValueRef::Integer(number))
        }
        Cells::Real(values) => match values.value(row) {
            number if number.is_nan() => Err(Refusal::Value("SQLite has no NaN".to_owned())),
            number => bound(ValueRef::Real(number)),
        },
        Cells::Boolean(values) => bound(ValueRef::Integer(i64::from(values.value(row)))),
        Cells::Text(values) => bound(ValueRef::Text(values.value(row).as_bytes())),
        Cells::Binary(values) => bound(ValueRef::Blob(values.value(row))),
        Cells::Decimal(values, scale) => {
            let number = values.value(row);
            let exact = (0..=EXACT_POWERS).contains(scale);
            if exact && number.unsigned_abs() < digits::LARGEST {
                let unit = 10_f64.powi(i32::from(*scale));
                return bound(ValueRef::Real(number as f64 / unit));
            }
            let mut text = String::new();
            // A string takes all text.
            let _done = push_decimal(&mut text, number, *scale);
            bound(ValueRef::Text(text.as_bytes()))
        }
        Cells::Written(values) => match values.value(row) {
            "" => Err(Refusal::Value("a date is out of range".to_owned())),
            text => bound(ValueRef::Text(text.as_bytes())),
        },
    }
}
