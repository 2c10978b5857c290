//! The columns of a result: how they are fetched, and what they are handed out as.

use std::sync::Arc;

use arrow::datatypes::{DataType as ArrowType, Field, Fields, Schema, SchemaRef, TimeUnit};
use arrow_odbc::odbc_api::{
    ColumnDescription, DataType, Error, ResultSetMetadata, sys::SqlDataType,
};

use crate::database::natural::{TIMESTAMP, offset_type};

/// Text and binary up to this many units are bound.
const BOUND_MAX: usize = 4000;
/// SQL Server's own types.
const TIME2: SqlDataType = SqlDataType(-154);
const TIMESTAMP_OFFSET: SqlDataType = SqlDataType(-155);
const GUID: SqlDataType = SqlDataType(-11);

#[derive(Debug)]
pub(super) struct Shape {
    /// As the columns are fetched.
    pub(super) fetched: SchemaRef,
    /// As they are handed out.
    pub(super) natural: SchemaRef,
    /// Some column has to be read value by value.
    pub(super) has_long: bool,
}

/// What a driver's name says of it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Habits {
    /// SQLite's: values are as long as they are, whatever is declared, and integers as large; dates are text; text is
    /// UTF-8; of arrays of binary each value is taken to be as long as the first.
    pub(super) loose: bool,
    /// PostgreSQL's: a `numeric` without a size is said to be this.
    pub(super) numeric_of_any_size: Option<(usize, i16)>,
}

struct Column {
    fetched: ArrowType,
    natural: ArrowType,
    long: bool,
}

impl Column {
    fn same(data_type: ArrowType) -> Self {
        Self {
            fetched: data_type.clone(),
            natural: data_type,
            long: false,
        }
    }

    fn as_text(natural: ArrowType, long: bool) -> Self {
        Self {
            fetched: ArrowType::Utf8,
            natural,
            long,
        }
    }
}

impl Shape {
    pub(super) fn of(result: &mut impl ResultSetMetadata, habits: Habits) -> Result<Self, Error> {
        let count = u16::try_from(result.num_result_cols()?).unwrap_or(0);
        let mut fetched = Vec::new();
        let mut natural = Vec::new();
        let mut has_long = false;
        for number in 1..=count {
            let mut description = ColumnDescription::default();
            result.describe_col(number, &mut description)?;
            let name = description.name_to_string().unwrap_or_default();
            let unsigned =
                description.data_type.is_integer() && result.column_is_unsigned(number)?;
            let column = column(&description.data_type, unsigned, habits);
            has_long |= column.long;
            fetched.push(Field::new(&name, column.fetched, true));
            natural.push(Field::new(&name, column.natural, true));
        }
        Ok(Self {
            fetched: Arc::new(Schema::new(Fields::from(fetched))),
            natural: Arc::new(Schema::new(Fields::from(natural))),
            has_long,
        })
    }
}

trait Integer {
    fn is_integer(&self) -> bool;
}

impl Integer for DataType {
    fn is_integer(&self) -> bool {
        matches!(
            self,
            Self::TinyInt | Self::SmallInt | Self::Integer | Self::BigInt
        )
    }
}

fn column(of: &DataType, unsigned: bool, habits: Habits) -> Column {
    let wide = |length: &Option<std::num::NonZeroUsize>| {
        habits.loose || length.is_none_or(|length| length.get() > BOUND_MAX)
    };
    match of {
        known if habits.loose && known.is_integer() => Column::same(ArrowType::Int64),
        DataType::Bit => Column::same(ArrowType::Boolean),
        DataType::TinyInt | DataType::SmallInt | DataType::Integer | DataType::BigInt => {
            integer(of, unsigned)
        }
        // Drivers were seen to lay out arrays of `float` as those of `double`.
        DataType::Real => Column {
            fetched: ArrowType::Float64,
            natural: ArrowType::Float32,
            long: false,
        },
        DataType::Float { .. } | DataType::Double => Column::same(ArrowType::Float64),
        DataType::Numeric { precision, scale } | DataType::Decimal { precision, scale } => {
            match habits.numeric_of_any_size == Some((*precision, *scale)) {
                true => Column::as_text(ArrowType::Utf8View, true),
                false => decimal(*precision, *scale),
            }
        }
        DataType::Date => Column::same(ArrowType::Date32),
        DataType::Timestamp { .. } if habits.loose => Column::as_text(TIMESTAMP, true),
        DataType::Timestamp { .. } => Column {
            // Microseconds, so that a driver which knows of no fraction does not lose it; and 0001 and 9999 fit.
            fetched: TIMESTAMP,
            natural: TIMESTAMP,
            long: false,
        },
        // Drivers do not count the fraction.
        DataType::Time { .. } => Column::as_text(ArrowType::Time64(TimeUnit::Nanosecond), true),
        DataType::Binary { length } | DataType::Varbinary { length } => Column {
            fetched: ArrowType::Binary,
            natural: ArrowType::BinaryView,
            long: wide(length),
        },
        DataType::LongVarbinary { .. } => Column {
            fetched: ArrowType::Binary,
            natural: ArrowType::BinaryView,
            long: true,
        },
        DataType::Char { length }
        | DataType::WChar { length }
        | DataType::Varchar { length }
        | DataType::WVarchar { length } => Column::as_text(ArrowType::Utf8View, wide(length)),
        DataType::Other {
            data_type: GUID, ..
        } => Column::as_text(ArrowType::FixedSizeBinary(16), false),
        DataType::Other {
            data_type: TIME2, ..
        } => Column::as_text(ArrowType::Time64(TimeUnit::Nanosecond), false),
        DataType::Other {
            data_type: TIMESTAMP_OFFSET,
            ..
        } => Column::as_text(offset_type(), false),
        DataType::LongVarchar { .. }
        | DataType::WLongVarchar { .. }
        | DataType::Other { .. }
        | DataType::Unknown => Column::as_text(ArrowType::Utf8View, true),
    }
}

/// What is unsigned is fetched as the next larger type.
fn integer(of: &DataType, unsigned: bool) -> Column {
    let larger = |fetched, natural| Column {
        fetched,
        natural,
        long: false,
    };
    match (of, unsigned) {
        (DataType::TinyInt, true) => Column::same(ArrowType::UInt8),
        (DataType::TinyInt, false) => Column::same(ArrowType::Int8),
        (DataType::SmallInt, true) => larger(ArrowType::Int32, ArrowType::UInt16),
        (DataType::SmallInt, false) => Column::same(ArrowType::Int16),
        (DataType::Integer, true) => larger(ArrowType::Int64, ArrowType::UInt32),
        (DataType::Integer, false) => Column::same(ArrowType::Int32),
        (_, true) => larger(ArrowType::Decimal128(20, 0), ArrowType::UInt64),
        (_, false) => Column::same(ArrowType::Int64),
    }
}

/// A decimal that Arrow has no room for is text.
fn decimal(precision: usize, scale: i16) -> Column {
    match (u8::try_from(precision), i8::try_from(scale)) {
        (Ok(precision @ 1..=38), Ok(scale))
            if scale >= 0 && i16::from(precision) >= scale.into() =>
        {
            Column::same(ArrowType::Decimal128(precision, scale))
        }
        _ => Column::as_text(ArrowType::Utf8View, true),
    }
}
