//! Row by row, value by value: for results with columns too long to be bound.

use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, BinaryViewBuilder, Date32Builder, Float64Builder, Int64Builder, RecordBatch,
        RecordBatchOptions, StringViewBuilder, TimestampMicrosecondBuilder,
    },
    datatypes::{DataType, SchemaRef},
    error::ArrowError,
};
use arrow_odbc::odbc_api::{
    CursorRow, Error, Nullable,
    sys::{Date, Timestamp},
};
use chrono::NaiveDate;

use super::shape::{Habits, Shape};
use crate::database::natural::to_type;

enum Builder {
    Integer(Int64Builder),
    Real(Float64Builder),
    Date(Date32Builder),
    Timestamp(TimestampMicrosecondBuilder),
    Binary(BinaryViewBuilder),
    /// Decimals and times too: their text is exact.
    Text(StringViewBuilder),
}

pub(super) struct Rows {
    natural: SchemaRef,
    builders: Vec<Builder>,
    narrow: bool,
    bytes: Vec<u8>,
    wide: Vec<u16>,
    pub(super) count: usize,
    /// Bytes of text and binary so far.
    pub(super) size: usize,
}

impl Rows {
    pub(super) fn new(shape: &Shape, habits: Habits) -> Self {
        let fields = shape.fetched.fields().iter();
        Self {
            natural: Arc::clone(&shape.natural),
            builders: fields
                .map(|field| Builder::new(field.data_type()))
                .collect(),
            narrow: habits.loose,
            bytes: Vec::new(),
            wide: Vec::new(),
            count: 0,
            size: 0,
        }
    }

    pub(super) fn put(&mut self, row: &mut CursorRow<'_>) -> Result<(), Error> {
        for (number, builder) in (1_u16..).zip(&mut self.builders) {
            match builder {
                Builder::Integer(builder) => {
                    let mut value = Nullable::<i64>::null();
                    row.get_data(number, &mut value)?;
                    builder.append_option(value.into_opt());
                }
                Builder::Real(builder) => {
                    let mut value = Nullable::<f64>::null();
                    row.get_data(number, &mut value)?;
                    builder.append_option(value.into_opt());
                }
                Builder::Date(builder) => {
                    let mut value = Nullable::<Date>::null();
                    row.get_data(number, &mut value)?;
                    builder.append_option(value.into_opt().and_then(days));
                }
                Builder::Timestamp(builder) => {
                    let mut value = Nullable::<Timestamp>::null();
                    row.get_data(number, &mut value)?;
                    builder.append_option(value.into_opt().and_then(micros));
                }
                Builder::Binary(builder) => match row.get_binary(number, &mut self.bytes)? {
                    true => {
                        self.size += self.bytes.len();
                        builder.append_value(&self.bytes);
                    }
                    false => builder.append_null(),
                },
                Builder::Text(builder) if self.narrow => {
                    match row.get_text(number, &mut self.bytes)? {
                        true => {
                            self.size += self.bytes.len();
                            builder.append_value(String::from_utf8_lossy(&self.bytes));
                        }
                        false => builder.append_null(),
                    }
                }
                Builder::Text(builder) => match row.get_wide_text(number, &mut self.wide)? {
                    true => {
                        let text = String::from_utf16_lossy(&self.wide);
                        self.size += text.len();
                        builder.append_value(text);
                    }
                    false => builder.append_null(),
                },
            }
        }
        self.count += 1;
        Ok(())
    }

    /// The rows so far; none are left.
    pub(super) fn take(&mut self) -> Result<RecordBatch, ArrowError> {
        let fields = self.natural.fields().iter();
        let columns = self
            .builders
            .iter_mut()
            .zip(fields)
            .map(|(builder, field)| to_type(&builder.finish(), field.data_type()));
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(self.count));
        (self.count, self.size) = (0, 0);
        RecordBatch::try_new_with_options(Arc::clone(&self.natural), columns, &options)
    }
}

impl Builder {
    fn new(fetched: &DataType) -> Self {
        match fetched {
            DataType::Boolean => Self::Integer(Int64Builder::new()),
            other if other.is_integer() => Self::Integer(Int64Builder::new()),
            other if other.is_floating() => Self::Real(Float64Builder::new()),
            DataType::Date32 => Self::Date(Date32Builder::new()),
            DataType::Timestamp(..) => Self::Timestamp(TimestampMicrosecondBuilder::new()),
            DataType::Binary => Self::Binary(BinaryViewBuilder::new()),
            _ => Self::Text(StringViewBuilder::new()),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Integer(builder) => Arc::new(builder.finish()),
            Self::Real(builder) => Arc::new(builder.finish()),
            Self::Date(builder) => Arc::new(builder.finish()),
            Self::Timestamp(builder) => Arc::new(builder.finish()),
            Self::Binary(builder) => Arc::new(builder.finish()),
            Self::Text(builder) => Arc::new(builder.finish()),
        }
    }
}

pub(super) fn days(date: Date) -> Option<i32> {
    let day = NaiveDate::from_ymd_opt(date.year.into(), date.month.into(), date.day.into())?;
    i32::try_from(day.signed_duration_since(NaiveDate::default()).num_days()).ok()
}

pub(super) fn micros(stamp: Timestamp) -> Option<i64> {
    let day = NaiveDate::from_ymd_opt(stamp.year.into(), stamp.month.into(), stamp.day.into())?;
    let time = day.and_hms_nano_opt(
        stamp.hour.into(),
        stamp.minute.into(),
        stamp.second.into(),
        stamp.fraction,
    )?;
    Some(time.and_utc().timestamp_micros())
}
