//! Arrow arrays to values of the wire, or of the text form of COPY.

use std::sync::Arc;

use arrow::{
    array::{
        Array, ArrayRef, AsArray, BinaryViewArray, BooleanArray, FixedSizeBinaryArray,
        PrimitiveArray, StringViewArray,
    },
    buffer::NullBuffer,
    datatypes::{
        DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type,
        Int64Type, Time64NanosecondType, TimeUnit, TimestampMicrosecondType, UInt32Type,
    },
    error::ArrowError,
};
use bytes::{BufMut, BytesMut};

use super::{
    decode::{EPOCH_DAYS, EPOCH_MICROS},
    kind::Kind,
    numeric,
};
use crate::database::natural::{TIMESTAMP, to_type};

enum Cells {
    Bool(BooleanArray),
    Int2(PrimitiveArray<Int16Type>),
    Int4(PrimitiveArray<Int32Type>),
    Int8(PrimitiveArray<Int64Type>),
    Oid(PrimitiveArray<UInt32Type>),
    Float4(PrimitiveArray<Float32Type>),
    Float8(PrimitiveArray<Float64Type>),
    Decimal(PrimitiveArray<Decimal128Type>, i8),
    Numeric(StringViewArray),
    Text(StringViewArray),
    Jsonb(StringViewArray),
    Bytea(BinaryViewArray),
    Uuid(FixedSizeBinaryArray),
    Date(PrimitiveArray<Date32Type>),
    Time(PrimitiveArray<Time64NanosecondType>),
    Timestamp(PrimitiveArray<TimestampMicrosecondType>),
}

/// The values of a column, ready to be sent.
pub(super) struct Encoder {
    cells: Cells,
    nulls: Option<NullBuffer>,
}

impl Encoder {
    /// # Errors
    /// A value that the column cannot take.
    pub(super) fn new(kind: Kind, array: &ArrayRef) -> Result<Self, ArrowError> {
        let to = |data_type: &DataType| to_type(array, data_type);
        let text = || Ok::<_, ArrowError>(to(&DataType::Utf8View)?.as_string_view().clone());
        let cells = match kind {
            Kind::Bool => Cells::Bool(to(&DataType::Boolean)?.as_boolean().clone()),
            Kind::Int2 => Cells::Int2(to(&DataType::Int16)?.as_primitive().clone()),
            Kind::Int4 => Cells::Int4(to(&DataType::Int32)?.as_primitive().clone()),
            Kind::Int8 => Cells::Int8(to(&DataType::Int64)?.as_primitive().clone()),
            Kind::Oid => Cells::Oid(to(&DataType::UInt32)?.as_primitive().clone()),
            Kind::Float4 => Cells::Float4(to(&DataType::Float32)?.as_primitive().clone()),
            Kind::Float8 => Cells::Float8(to(&DataType::Float64)?.as_primitive().clone()),
            Kind::Decimal { .. } | Kind::Numeric => match array.data_type() {
                DataType::Decimal128(_, scale) if *scale >= 0 => {
                    Cells::Decimal(array.as_primitive().clone(), *scale)
                }
                known if known.is_integer() => {
                    let digits = DataType::Decimal128(20, 0);
                    Cells::Decimal(to(&digits)?.as_primitive().clone(), 0)
                }
                DataType::Boolean => {
                    let digit = to_type(&to(&DataType::Int16)?, &DataType::Decimal128(20, 0))?;
                    Cells::Decimal(digit.as_primitive().clone(), 0)
                }
                _ => Cells::Numeric(text()?),
            },
            Kind::Text | Kind::Other => Cells::Text(text()?),
            Kind::Jsonb => Cells::Jsonb(text()?),
            Kind::Bytea => Cells::Bytea(to(&DataType::BinaryView)?.as_binary_view().clone()),
            Kind::Uuid => {
                let guids = to(&DataType::FixedSizeBinary(16))?;
                Cells::Uuid(guids.as_fixed_size_binary().clone())
            }
            Kind::Date => Cells::Date(to(&DataType::Date32)?.as_primitive().clone()),
            Kind::Time => {
                let nanos = to(&DataType::Time64(TimeUnit::Nanosecond))?;
                Cells::Time(nanos.as_primitive().clone())
            }
            Kind::Timestamp => Cells::Timestamp(to(&TIMESTAMP)?.as_primitive().clone()),
            Kind::TimestampTz => {
                let utc = DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::from("UTC")));
                Cells::Timestamp(to(&utc)?.as_primitive().clone())
            }
        };
        let nulls = match &cells {
            // The instants of a struct have no NULLs of their own.
            Cells::Timestamp(values) => NullBuffer::union(values.nulls(), array.nulls()),
            _ if array.data_type() == &DataType::Null => Some(NullBuffer::new_null(array.len())),
            _ => array.logical_nulls(),
        };
        Ok(Self { cells, nulls })
    }

    fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }

    /// Writes a value, its length before it.
    pub(super) fn put(&self, row: usize, out: &mut BytesMut) -> Result<(), String> {
        if self.is_null(row) {
            out.put_i32(-1);
            return Ok(());
        }
        match &self.cells {
            Cells::Bool(values) => {
                out.put_i32(1);
                out.put_u8(values.value(row).into());
            }
            Cells::Int2(values) => {
                out.put_i32(2);
                out.put_i16(values.value(row));
            }
            Cells::Int4(values) => {
                out.put_i32(4);
                out.put_i32(values.value(row));
            }
            Cells::Int8(values) => {
                out.put_i32(8);
                out.put_i64(values.value(row));
            }
            Cells::Oid(values) => {
                out.put_i32(4);
                out.put_u32(values.value(row));
            }
            Cells::Float4(values) => {
                out.put_i32(4);
                out.put_f32(values.value(row));
            }
            Cells::Float8(values) => {
                out.put_i32(8);
                out.put_f64(values.value(row));
            }
            Cells::Decimal(values, scale) => numeric::put_decimal(values.value(row), *scale, out),
            Cells::Numeric(values) => numeric::put_text(values.value(row), out)
                .ok_or_else(|| format!("`{}` is no number", values.value(row)))?,
            Cells::Text(values) => put_bytes(&[], values.value(row).as_bytes(), out)?,
            Cells::Jsonb(values) => put_bytes(&[1], values.value(row).as_bytes(), out)?,
            Cells::Bytea(values) => put_bytes(&[], values.value(row), out)?,
            Cells::Uuid(values) => put_bytes(&[], values.value(row), out)?,
            Cells::Date(values) => {
                out.put_i32(4);
                let days = values.value(row).checked_sub(EPOCH_DAYS);
                out.put_i32(days.ok_or("a date is beyond all calendars")?);
            }
            Cells::Time(values) => {
                out.put_i32(8);
                out.put_i64(values.value(row) / 1000);
            }
            Cells::Timestamp(values) => {
                out.put_i32(8);
                let micros = values.value(row).checked_sub(EPOCH_MICROS);
                out.put_i64(micros.ok_or("a date is beyond all calendars")?);
            }
        }
        Ok(())
    }
}

fn put_bytes(before: &[u8], bytes: &[u8], out: &mut BytesMut) -> Result<(), String> {
    let length = i32::try_from(before.len() + bytes.len());
    out.put_i32(length.map_err(|_| "a value is longer than 2 GiB")?);
    out.put_slice(before);
    out.put_slice(bytes);
    Ok(())
}

/// Values of a column as the text form of COPY has them, where a table has columns of types unknown here.
pub(super) struct TextEncoder(StringViewArray);

impl TextEncoder {
    /// # Errors
    /// A value that has no text.
    pub(super) fn new(kind: Kind, array: &ArrayRef) -> Result<Self, ArrowError> {
        let texts = match (kind, array.data_type()) {
            (Kind::Bytea, _) => {
                let bytes = to_type(array, &DataType::BinaryView)?;
                let texts = bytes.as_binary_view().iter().map(|value| {
                    value.map(|value| {
                        let mut text = String::from("\\x");
                        for byte in value {
                            let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or('0');
                            text.extend([digit(byte >> 4), digit(byte & 15)]);
                        }
                        text
                    })
                });
                texts.collect()
            }
            _ => to_type(array, &DataType::Utf8View)?
                .as_string_view()
                .clone(),
        };
        Ok(Self(texts))
    }

    pub(super) fn put(&self, row: usize, out: &mut BytesMut) {
        if self.0.is_null(row) {
            out.put_slice(b"\\N");
            return;
        }
        for byte in self.0.value(row).bytes() {
            match byte {
                b'\\' => out.put_slice(b"\\\\"),
                b'\n' => out.put_slice(b"\\n"),
                b'\r' => out.put_slice(b"\\r"),
                b'\t' => out.put_slice(b"\\t"),
                other => out.put_u8(other),
            }
        }
    }
}
