//! Arrow arrays to bound parameters.

use std::sync::Arc;

use arrow::{
    array::{
        Array, ArrayRef, AsArray, BinaryViewArray, BooleanArray, PrimitiveArray, StringViewArray,
    },
    datatypes::{
        DataType, Date32Type, Float64Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType,
    },
    error::ArrowError,
};
use arrow_odbc::odbc_api::{
    BindParamDesc, Bit,
    buffers::BoxColumBufferRefMut,
    sys::{Date, Timestamp},
};
use chrono::{DateTime, Datelike, Days, NaiveDate, Timelike};

use crate::database::natural::to_type;

/// `12:34:56.123456`
const TIME_CHARS: usize = 15;

/// Values of a column, as ODBC takes them.
pub(super) enum Cells {
    Bit(BooleanArray),
    Integer(PrimitiveArray<Int32Type>),
    Long(PrimitiveArray<Int64Type>),
    Real(PrimitiveArray<Float64Type>),
    /// Digits, with precision and scale.
    Digits(StringViewArray, u8, i8),
    Date(PrimitiveArray<Date32Type>),
    /// As text: the time of ODBC has no fraction, and not every driver reads one from a text that is said to be a time.
    Time(StringViewArray),
    Timestamp(PrimitiveArray<TimestampMicrosecondType>),
    Wide(StringViewArray),
    Narrow(StringViewArray),
    Binary(BinaryViewArray),
}

impl Cells {
    /// # Errors
    /// A value that has no form in ODBC.
    pub(super) fn new(array: &ArrayRef, narrow: bool) -> Result<Self, ArrowError> {
        let to = |data_type: &DataType| to_type(array, data_type);
        let text = || Ok::<_, ArrowError>(to(&DataType::Utf8View)?.as_string_view().clone());
        Ok(match array.data_type() {
            DataType::Boolean => Self::Bit(array.as_boolean().clone()),
            DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::UInt8
            | DataType::UInt16 => Self::Integer(to(&DataType::Int32)?.as_primitive().clone()),
            DataType::Int64 | DataType::UInt32 => {
                Self::Long(to(&DataType::Int64)?.as_primitive().clone())
            }
            DataType::UInt64 => Self::Digits(text()?, 20, 0),
            DataType::Float16 | DataType::Float32 | DataType::Float64 => {
                Self::Real(to(&DataType::Float64)?.as_primitive().clone())
            }
            DataType::Decimal128(precision, scale) => {
                Self::Digits(text()?, *precision, (*scale).max(0))
            }
            DataType::Date32 => Self::Date(array.as_primitive().clone()),
            DataType::Time32(_) | DataType::Time64(TimeUnit::Microsecond) => Self::Time(text()?),
            // SSIS keeps seven digits at most, and databases take no more.
            DataType::Time64(TimeUnit::Nanosecond) => {
                let micros = to(&DataType::Time64(TimeUnit::Microsecond))?;
                let texts = to_type(&micros, &DataType::Utf8View)?;
                Self::Time(texts.as_string_view().clone())
            }
            DataType::Timestamp(_, None) if narrow => Self::Narrow(text()?),
            DataType::Timestamp(_, None) => {
                let micros = to(&DataType::Timestamp(TimeUnit::Microsecond, None))?;
                Self::Timestamp(micros.as_primitive().clone())
            }
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView => {
                Self::Binary(to(&DataType::BinaryView)?.as_binary_view().clone())
            }
            DataType::Null if narrow => Self::Narrow(StringViewArray::new_null(array.len())),
            DataType::Null => Self::Wide(StringViewArray::new_null(array.len())),
            _ if narrow => Self::Narrow(text()?),
            _ => Self::Wide(text()?),
        })
    }

    /// How the parameter is bound, for values up to as long as the longest here.
    pub(super) fn description(&self) -> BindParamDesc {
        match self {
            Self::Bit(_) => BindParamDesc::bit(true),
            Self::Integer(_) => BindParamDesc::i32(true),
            Self::Long(_) => BindParamDesc::i64(true),
            Self::Real(_) => BindParamDesc::f64(true),
            Self::Digits(_, precision, scale) => BindParamDesc::decimal_as_text(*precision, *scale),
            Self::Date(_) => BindParamDesc::date(true),
            Self::Time(_) => BindParamDesc::text(TIME_CHARS),
            Self::Timestamp(_) => BindParamDesc::timestamp(true, 6),
            Self::Wide(texts) => BindParamDesc::wide_text(self.width(texts.len())),
            Self::Narrow(texts) => BindParamDesc::text(self.width(texts.len())),
            Self::Binary(values) => BindParamDesc::binary(self.width(values.len())),
        }
    }

    /// Units of the longest value.
    fn width(&self, rows: usize) -> usize {
        let longest = (0..rows).map(|row| self.length(row)).max();
        longest.unwrap_or(0).max(1)
    }

    fn length(&self, row: usize) -> usize {
        match self {
            Self::Wide(texts) if texts.is_valid(row) => texts.value(row).encode_utf16().count(),
            Self::Narrow(texts) if texts.is_valid(row) => texts.value(row).len(),
            Self::Binary(values) if values.is_valid(row) => values.value(row).len(),
            _ => 0,
        }
    }

    pub(super) fn is_binary(&self) -> bool {
        matches!(self, Self::Binary(_))
    }

    /// Bytes of a bound value.
    pub(super) fn bytes(&self, rows: usize) -> usize {
        match self {
            Self::Wide(_) => 2 * self.width(rows) + 10,
            Self::Narrow(_) | Self::Binary(_) => self.width(rows) + 9,
            _ => 48,
        }
    }

    /// Fills a bound column with the rows; `None` if it is not bound as [`Self::description`] says, or a value fits no
    /// calendar of ODBC.
    pub(super) fn fill(&self, column: BoxColumBufferRefMut<'_>) -> Option<()> {
        match self {
            Self::Bit(values) => {
                let mut column = column.as_nullable_slice::<Bit>()?;
                column.write(values.iter().map(|value| value.map(Bit::from_bool)));
            }
            Self::Integer(values) => column.as_nullable_slice::<i32>()?.write(values.iter()),
            Self::Long(values) => column.as_nullable_slice::<i64>()?.write(values.iter()),
            Self::Real(values) => column.as_nullable_slice::<f64>()?.write(values.iter()),
            Self::Date(values) => {
                let mut column = column.as_nullable_slice::<Date>()?;
                for (row, value) in values.iter().enumerate() {
                    column.set_cell(
                        row,
                        value.map(|days| date(days).ok_or(())).transpose().ok()?,
                    );
                }
            }
            Self::Timestamp(values) => {
                let mut column = column.as_nullable_slice::<Timestamp>()?;
                for (row, value) in values.iter().enumerate() {
                    column.set_cell(
                        row,
                        value
                            .map(|micros| timestamp(micros).ok_or(()))
                            .transpose()
                            .ok()?,
                    );
                }
            }
            Self::Digits(values, ..) | Self::Time(values) | Self::Narrow(values) => {
                let mut column = column.as_text()?;
                for (row, value) in values.iter().enumerate() {
                    column.set_cell(row, value.map(str::as_bytes));
                }
            }
            Self::Wide(values) => {
                let mut column = column.as_wide_text()?;
                let mut units = Vec::new();
                for (row, value) in values.iter().enumerate() {
                    units.clear();
                    units.extend(value.unwrap_or_default().encode_utf16());
                    column.set_cell(row, value.map(|_| units.as_slice()));
                }
            }
            Self::Binary(values) => {
                let mut column = column.as_binary()?;
                for (row, value) in values.iter().enumerate() {
                    column.set_cell(row, value);
                }
            }
        }
        Some(())
    }
}

pub(super) fn date(days: i32) -> Option<Date> {
    let epoch = NaiveDate::default();
    let distance = Days::new(days.unsigned_abs().into());
    let day = match days < 0 {
        true => epoch.checked_sub_days(distance)?,
        false => epoch.checked_add_days(distance)?,
    };
    Some(Date {
        year: i16::try_from(day.year()).ok()?,
        month: u16::try_from(day.month()).ok()?,
        day: u16::try_from(day.day()).ok()?,
    })
}

pub(super) fn timestamp(micros: i64) -> Option<Timestamp> {
    let time = DateTime::from_timestamp_micros(micros)?.naive_utc();
    Some(Timestamp {
        year: i16::try_from(time.year()).ok()?,
        month: u16::try_from(time.month()).ok()?,
        day: u16::try_from(time.day()).ok()?,
        hour: u16::try_from(time.hour()).ok()?,
        minute: u16::try_from(time.minute()).ok()?,
        second: u16::try_from(time.second()).ok()?,
        fraction: time.nanosecond(),
    })
}

/// # Errors
/// Names the column whose value has no form in ODBC.
pub(super) fn all_cells(columns: &[ArrayRef], narrow: bool) -> Result<Vec<Arc<Cells>>, String> {
    let cells = columns.iter().enumerate().map(|(at, array)| {
        let cells = Cells::new(array, narrow).map(Arc::new);
        cells.map_err(|error| format!("column {}: {error}", at + 1))
    });
    cells.collect()
}
