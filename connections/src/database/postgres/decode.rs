//! Values of the wire to Arrow builders.

use std::{collections::VecDeque, sync::Arc};

use arrow::{
    array::{
        ArrayRef, BinaryViewBuilder, BooleanBuilder, Date32Builder, Decimal128Builder,
        FixedSizeBinaryBuilder, Float32Builder, Float64Builder, Int16Array, Int16Builder,
        Int32Builder, Int64Builder, RecordBatch, RecordBatchOptions, StringViewBuilder,
        StructArray, Time64NanosecondBuilder, TimestampMicrosecondArray,
        TimestampMicrosecondBuilder, UInt32Builder,
    },
    datatypes::{DataType, SchemaRef},
    error::ArrowError,
};

use super::{kind::Kind, numeric};
use crate::database::natural::offset_fields;

/// From 1970-01-01, where Arrow counts from, to 2000-01-01, where PostgreSQL does.
pub(super) const EPOCH_DAYS: i32 = 10_957;
pub(super) const EPOCH_MICROS: i64 = EPOCH_DAYS as i64 * 86_400_000_000;

enum Builder {
    Bool(BooleanBuilder),
    Int2(Int16Builder),
    Int4(Int32Builder),
    Int8(Int64Builder),
    Oid(UInt32Builder),
    Float4(Float32Builder),
    Float8(Float64Builder),
    Decimal(Decimal128Builder, i8),
    Numeric(StringViewBuilder, String),
    Text(StringViewBuilder),
    Jsonb(StringViewBuilder),
    Bytea(BinaryViewBuilder),
    Uuid(FixedSizeBinaryBuilder),
    Date(Date32Builder),
    Time(Time64NanosecondBuilder),
    Timestamp(TimestampMicrosecondBuilder),
    TimestampTz(TimestampMicrosecondBuilder),
}

/// Gathers rows into batches.
pub(super) struct Rows {
    schema: SchemaRef,
    builders: Vec<Builder>,
    pub(super) count: usize,
}

impl Rows {
    pub(super) fn new(schema: SchemaRef, kinds: &[Kind]) -> Self {
        let builders = kinds.iter().map(|kind| Builder::new(*kind)).collect();
        Self {
            schema,
            builders,
            count: 0,
        }
    }

    /// # Errors
    /// Says what value it is that has no place in its column.
    fn put(&mut self, at: usize, value: Option<&[u8]>) -> Result<(), String> {
        let Some(builder) = self.builders.get_mut(at) else {
            return Err("the server sends more columns than it announced".to_owned());
        };
        match value {
            None => builder.put_null(),
            Some(value) => builder.put(value).ok_or_else(|| {
                let name = self.schema.fields().get(at).map(|field| field.name().as_str());
                format!(
                    "column `{}` has a value that {} cannot hold (NaN, infinity, or beyond its range)",
                    name.unwrap_or_default(),
                    self.schema.fields().get(at).map_or(&DataType::Null, |field| field.data_type()),
                )
            })?,
        }
        Ok(())
    }

    /// Takes a row; batches that are full go to `ready`.
    pub(super) fn row<'b>(
        &mut self,
        values: impl Iterator<Item = Option<&'b [u8]>>,
        batch_rows: usize,
        ready: &mut VecDeque<RecordBatch>,
    ) -> Result<(), String> {
        for (at, value) in values.enumerate() {
            self.put(at, value)?;
        }
        self.count += 1;
        if self.count >= batch_rows {
            ready.push_back(self.take().map_err(|error| error.to_string())?);
        }
        Ok(())
    }

    /// The rows so far; none are left.
    pub(super) fn take(&mut self) -> Result<RecordBatch, ArrowError> {
        let columns = self.builders.iter_mut().map(Builder::finish);
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(self.count));
        self.count = 0;
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
    }
}

impl Builder {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::Bool => Self::Bool(BooleanBuilder::new()),
            Kind::Int2 => Self::Int2(Int16Builder::new()),
            Kind::Int4 => Self::Int4(Int32Builder::new()),
            Kind::Int8 => Self::Int8(Int64Builder::new()),
            Kind::Oid => Self::Oid(UInt32Builder::new()),
            Kind::Float4 => Self::Float4(Float32Builder::new()),
            Kind::Float8 => Self::Float8(Float64Builder::new()),
            Kind::Decimal { scale, .. } => Self::Decimal(
                Decimal128Builder::new().with_data_type(kind.natural()),
                scale,
            ),
            Kind::Numeric => Self::Numeric(StringViewBuilder::new(), String::new()),
            Kind::Text | Kind::Other => Self::Text(StringViewBuilder::new()),
            Kind::Jsonb => Self::Jsonb(StringViewBuilder::new()),
            Kind::Bytea => Self::Bytea(BinaryViewBuilder::new()),
            Kind::Uuid => Self::Uuid(FixedSizeBinaryBuilder::new(16)),
            Kind::Date => Self::Date(Date32Builder::new()),
            Kind::Time => Self::Time(Time64NanosecondBuilder::new()),
            Kind::Timestamp => Self::Timestamp(TimestampMicrosecondBuilder::new()),
            Kind::TimestampTz => Self::TimestampTz(TimestampMicrosecondBuilder::new()),
        }
    }

    fn put_null(&mut self) {
        match self {
            Self::Bool(builder) => builder.append_null(),
            Self::Int2(builder) => builder.append_null(),
            Self::Int4(builder) => builder.append_null(),
            Self::Int8(builder) => builder.append_null(),
            Self::Oid(builder) => builder.append_null(),
            Self::Float4(builder) => builder.append_null(),
            Self::Float8(builder) => builder.append_null(),
            Self::Decimal(builder, _) => builder.append_null(),
            Self::Numeric(builder, _) | Self::Text(builder) | Self::Jsonb(builder) => {
                builder.append_null();
            }
            Self::Bytea(builder) => builder.append_null(),
            Self::Uuid(builder) => builder.append_null(),
            Self::Date(builder) => builder.append_null(),
            Self::Time(builder) => builder.append_null(),
            Self::Timestamp(builder) | Self::TimestampTz(builder) => builder.append_null(),
        }
    }

    /// `None`: not of this column's type.
    fn put(&mut self, value: &[u8]) -> Option<()> {
        match self {
            Self::Bool(builder) => builder.append_value(*value.first()? != 0),
            Self::Int2(builder) => builder.append_value(i16::from_be_bytes(value.try_into().ok()?)),
            Self::Int4(builder) => builder.append_value(i32::from_be_bytes(value.try_into().ok()?)),
            Self::Int8(builder) => builder.append_value(i64::from_be_bytes(value.try_into().ok()?)),
            Self::Oid(builder) => builder.append_value(u32::from_be_bytes(value.try_into().ok()?)),
            Self::Float4(builder) => {
                builder.append_value(f32::from_be_bytes(value.try_into().ok()?));
            }
            Self::Float8(builder) => {
                builder.append_value(f64::from_be_bytes(value.try_into().ok()?));
            }
            Self::Decimal(builder, scale) => builder.append_value(numeric::decimal(value, *scale)?),
            Self::Numeric(builder, text) => {
                text.clear();
                numeric::text(value, text)?;
                builder.append_value(text);
            }
            Self::Text(builder) => builder.append_value(std::str::from_utf8(value).ok()?),
            Self::Jsonb(builder) => {
                builder.append_value(std::str::from_utf8(value.get(1..)?).ok()?);
            }
            Self::Bytea(builder) => builder.append_value(value),
            Self::Uuid(builder) => builder.append_value(value).ok()?,
            Self::Date(builder) => {
                let days = i32::from_be_bytes(value.try_into().ok()?);
                builder.append_value(
                    finite(days.into())?
                        .checked_add(EPOCH_DAYS.into())
                        .and_then(|days| i32::try_from(days).ok())?,
                );
            }
            Self::Time(builder) => {
                let micros = i64::from_be_bytes(value.try_into().ok()?);
                builder.append_value(micros.checked_mul(1000)?);
            }
            Self::Timestamp(builder) | Self::TimestampTz(builder) => {
                let micros = i64::from_be_bytes(value.try_into().ok()?);
                builder.append_value(finite(micros)?.checked_add(EPOCH_MICROS)?);
            }
        }
        Some(())
    }

    fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        Ok(match self {
            Self::Bool(builder) => Arc::new(builder.finish()),
            Self::Int2(builder) => Arc::new(builder.finish()),
            Self::Int4(builder) => Arc::new(builder.finish()),
            Self::Int8(builder) => Arc::new(builder.finish()),
            Self::Oid(builder) => Arc::new(builder.finish()),
            Self::Float4(builder) => Arc::new(builder.finish()),
            Self::Float8(builder) => Arc::new(builder.finish()),
            Self::Decimal(builder, _) => Arc::new(builder.finish()),
            Self::Numeric(builder, _) | Self::Text(builder) | Self::Jsonb(builder) => {
                Arc::new(builder.finish())
            }
            Self::Bytea(builder) => Arc::new(builder.finish()),
            Self::Uuid(builder) => Arc::new(builder.finish()),
            Self::Date(builder) => Arc::new(builder.finish()),
            Self::Time(builder) => Arc::new(builder.finish()),
            Self::Timestamp(builder) => Arc::new(builder.finish()),
            Self::TimestampTz(builder) => {
                let (_, instants, nulls) = builder.finish().into_parts();
                let offsets = Int16Array::from(vec![0_i16; instants.len()]);
                let instants = TimestampMicrosecondArray::new(instants, None).with_timezone("UTC");
                let parts: Vec<ArrayRef> = vec![Arc::new(instants), Arc::new(offsets)];
                Arc::new(StructArray::try_new(offset_fields(), parts, nulls)?)
            }
        })
    }
}

/// The ends of the range stand for infinity.
fn finite(value: i64) -> Option<i64> {
    let infinite = [i64::MIN, i64::MAX, i32::MIN.into(), i32::MAX.into()];
    (!infinite.contains(&value)).then_some(value)
}

/// Cuts the stream of a binary COPY into rows.
#[derive(Debug, Default)]
pub(super) struct CopyStream {
    /// What is not a whole row yet.
    rest: Vec<u8>,
    header: bool,
}

/// Signature, flags and the length of an extension that nobody uses.
const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";

impl CopyStream {
    /// Takes bytes and calls `row` with the values of each whole row among them.
    pub(super) fn feed<E: From<String>>(
        &mut self,
        bytes: &[u8],
        mut row: impl FnMut(Values<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let held;
        let mut left = bytes;
        if !self.rest.is_empty() {
            self.rest.extend_from_slice(bytes);
            held = std::mem::take(&mut self.rest);
            left = &held;
        }
        if !self.header {
            let Some(after) = skip_header(left)? else {
                self.rest = left.to_vec();
                return Ok(());
            };
            self.header = true;
            left = after;
        }
        while let Some((values, after)) = cut(left) {
            let Some(values) = values else {
                return Ok(());
            };
            row(values)?;
            left = after;
        }
        self.rest = left.to_vec();
        Ok(())
    }
}

fn skip_header(bytes: &[u8]) -> Result<Option<&[u8]>, String> {
    let Some((head, after)) = bytes.split_at_checked(SIGNATURE.len() + 8) else {
        return Ok(None);
    };
    if !head.starts_with(SIGNATURE) {
        return Err("the server's COPY does not begin as PostgreSQL's does".to_owned());
    }
    Ok(Some(after))
}

/// The values of a row, one after the other.
pub(super) struct Values<'b>(&'b [u8]);

impl<'b> Iterator for Values<'b> {
    type Item = Option<&'b [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        let (value, after) = value(self.0)?;
        self.0 = after;
        Some(value)
    }
}

/// A value and what follows it.
fn value(bytes: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    let (length, after) = bytes.split_first_chunk::<4>()?;
    match usize::try_from(i32::from_be_bytes(*length)) {
        Ok(length) => {
            let (value, after) = after.split_at_checked(length)?;
            Some((Some(value), after))
        }
        Err(_) => Some((None, after)),
    }
}

/// The first row and what follows it, if it is whole; no row at the end of all.
fn cut(bytes: &[u8]) -> Option<(Option<Values<'_>>, &[u8])> {
    let (count, values) = bytes.split_first_chunk::<2>()?;
    let count = i16::from_be_bytes(*count);
    if count < 0 {
        return Some((None, values));
    }
    let mut left = values;
    for _ in 0..count {
        (_, left) = value(left)?;
    }
    let row = values.get(..values.len() - left.len())?;
    Some((Some(Values(row)), left))
}
