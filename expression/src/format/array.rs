//! Whole columns to text.

use arrow::{
    array::{
        Array, ArrayRef, BinaryViewArray, BooleanArray, Date32Array, Decimal128Array,
        FixedSizeBinaryArray, Float32Array, Float64Array, Int8Array, Int16Array, Int32Array,
        Int64Array, StringViewArray, StructArray, Time32SecondArray, Time64NanosecondArray,
        TimestampMicrosecondArray, UInt8Array, UInt16Array, UInt32Array, UInt64Array,
    },
    datatypes::{DataType as ArrowType, TimeUnit},
};
use dtsx::DataType;

use super::{
    field::store,
    integers::{append_decimals, append_signed, append_unsigned},
    *,
};
use crate::arrays::{TextBuilder, prefetch};

/// An array that is not the carrier of its SSIS type (see [`crate::types::arrow_type`]).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a {data_type} column arrives as Arrow {found}, not as {wanted}: this is a defect of the operator before it"
)]
pub struct FormatError {
    /// The SSIS type of the column.
    pub data_type: DataType,
    /// The type of the array.
    pub found: ArrowType,
    /// The carrier of the SSIS type.
    pub wanted: ArrowType,
}

/// The values of a column, its type decided once. [`append`](Self::append) adds the text of one row.
#[derive(Debug, Clone, Copy)]
pub enum ColumnText<'a> {
    /// DT_NULL, DT_EMPTY: no text.
    Null,
    /// DT_BOOL.
    Bool(&'a BooleanArray),
    /// DT_I1.
    I8(&'a [i8]),
    /// DT_I2.
    I16(&'a [i16]),
    /// DT_I4.
    I32(&'a [i32]),
    /// DT_I8.
    I64(&'a [i64]),
    /// DT_UI1.
    U8(&'a [u8]),
    /// DT_UI2.
    U16(&'a [u16]),
    /// DT_UI4.
    U32(&'a [u32]),
    /// DT_UI8.
    U64(&'a [u64]),
    /// DT_R4.
    F32(&'a [f32]),
    /// DT_R4 in a flat file.
    F32OfFile(&'a [f32]),
    /// DT_R8.
    F64(&'a [f64]),
    /// DT_CY, DT_DECIMAL, DT_NUMERIC: the digits as a whole number, and how many stand after the point.
    Decimal(&'a [i128], i8),
    /// DT_STR, DT_WSTR, DT_TEXT, DT_NTEXT.
    Text(&'a StringViewArray),
    /// DT_BYTES, DT_IMAGE.
    Bytes(&'a BinaryViewArray),
    /// DT_GUID: 16 bytes each.
    Guid(&'a FixedSizeBinaryArray),
    /// DT_DBDATE: days since 1970-01-01.
    Date(&'a [i32]),
    /// DT_DBTIME: seconds since midnight.
    Time(&'a [i32]),
    /// DT_DBTIME2: nanoseconds since midnight, digits after the point.
    Time2(&'a [i64], u8),
    /// DT_DBTIMESTAMP: microseconds since 1970-01-01.
    Timestamp(&'a [i64]),
    /// DT_DATE: microseconds since 1970-01-01.
    OleDate(&'a [i64]),
    /// DT_DBTIMESTAMP2: microseconds since 1970-01-01, digits after the point.
    Timestamp2(&'a [i64], u8),
    /// DT_DBTIMESTAMPOFFSET: microseconds since 1970-01-01 in UTC, minutes east of UTC, digits after the point.
    TimestampOffset(&'a [i64], &'a [i16], u8),
    /// DT_FILETIME: microseconds since 1970-01-01.
    FileTime(&'a [i64]),
}

impl<'a> ColumnText<'a> {
    /// # Errors
    /// [`FormatError`] if the array is not the carrier of `data_type`.
    pub fn new(array: &'a ArrayRef, data_type: &DataType) -> Result<Self, FormatError> {
        Self::of(array, data_type).ok_or_else(|| FormatError {
            data_type: *data_type,
            found: array.data_type().clone(),
            wanted: crate::types::arrow_type(data_type),
        })
    }

    /// As [`new`](Self::new), for a flat file, where a DT_R4 is written otherwise.
    ///
    /// # Errors
    /// [`FormatError`], as there.
    pub fn of_file(array: &'a ArrayRef, data_type: &DataType) -> Result<Self, FormatError> {
        Ok(match Self::new(array, data_type)? {
            Self::F32(values) => Self::F32OfFile(values),
            other => other,
        })
    }

    fn of(array: &'a ArrayRef, data_type: &DataType) -> Option<Self> {
        fn cast<T: 'static>(array: &ArrayRef) -> Option<&T> {
            array.as_any().downcast_ref()
        }
        Some(match *data_type {
            DataType::I1 => Self::I8(cast::<Int8Array>(array)?.values()),
            DataType::I2 => Self::I16(cast::<Int16Array>(array)?.values()),
            DataType::I4 => Self::I32(cast::<Int32Array>(array)?.values()),
            DataType::I8 => Self::I64(cast::<Int64Array>(array)?.values()),
            DataType::UI1 => Self::U8(cast::<UInt8Array>(array)?.values()),
            DataType::UI2 => Self::U16(cast::<UInt16Array>(array)?.values()),
            DataType::UI4 => Self::U32(cast::<UInt32Array>(array)?.values()),
            DataType::UI8 => Self::U64(cast::<UInt64Array>(array)?.values()),
            DataType::R4 => Self::F32(cast::<Float32Array>(array)?.values()),
            DataType::R8 => Self::F64(cast::<Float64Array>(array)?.values()),
            DataType::Cy | DataType::Decimal { .. } | DataType::Numeric { .. } => {
                let decimals = cast::<Decimal128Array>(array)?;
                Self::Decimal(decimals.values(), decimals.scale())
            }
            DataType::Bool => Self::Bool(cast(array)?),
            DataType::Str { .. }
            | DataType::WStr { .. }
            | DataType::Text { .. }
            | DataType::NText => Self::Text(cast(array)?),
            DataType::Bytes { .. } | DataType::Image => Self::Bytes(cast(array)?),
            DataType::Guid => Self::Guid(
                cast::<FixedSizeBinaryArray>(array).filter(|guids| guids.value_length() == 16)?,
            ),
            DataType::DbDate => Self::Date(cast::<Date32Array>(array)?.values()),
            DataType::DbTime => Self::Time(cast::<Time32SecondArray>(array)?.values()),
            DataType::DbTime2 { scale } => {
                Self::Time2(cast::<Time64NanosecondArray>(array)?.values(), scale)
            }
            DataType::Date => Self::OleDate(microseconds(array)?),
            DataType::DbTimeStamp => Self::Timestamp(microseconds(array)?),
            DataType::DbTimeStamp2 { scale } => Self::Timestamp2(microseconds(array)?, scale),
            DataType::FileTime => Self::FileTime(microseconds(array)?),
            DataType::DbTimeStampOffset { scale } => {
                let parts = cast::<StructArray>(array)?;
                let offsets = cast::<Int16Array>(parts.columns().get(1)?)?;
                Self::TimestampOffset(
                    microseconds(parts.columns().first()?)?,
                    offsets.values(),
                    scale,
                )
            }
            DataType::Null | DataType::Empty => match array.data_type() {
                ArrowType::Null => Self::Null,
                _ => return None,
            },
        })
    }

    /// Writes the text of a row that is not NULL to the front of `field` and returns where it ends; a row past the end has
    /// no text. `None` for a text that may not fit, or of a type too rare to be worth it: [`append`](Self::append) it.
    #[inline]
    pub fn put(&self, row: usize, field: &mut Field) -> Option<usize> {
        macro_rules! with {
            ($values:expr, $value:ident => $put:expr) => {
                match $values.get(row) {
                    Some(&$value) => $put,
                    None => 0,
                }
            };
        }
        Some(match self {
            Self::Null => 0,
            Self::I32(values) => with!(values, value => put_i64(value.into(), field)),
            Self::I64(values) => with!(values, value => put_i64(value, field)),
            Self::Decimal(values, scale) => {
                with!(values, value => return put_decimal(value, *scale, field))
            }
            Self::Date(values) => with!(values, value => put_date(value, field)),
            Self::Text(values) => return put_view(values, row, field),
            Self::Timestamp(values) => with!(values, value => put_timestamp(value, field)),
            Self::I8(values) => with!(values, value => put_i64(value.into(), field)),
            Self::I16(values) => with!(values, value => put_i64(value.into(), field)),
            Self::U8(values) => with!(values, value => put_u64(value.into(), field)),
            Self::U16(values) => with!(values, value => put_u64(value.into(), field)),
            Self::U32(values) => with!(values, value => put_u64(value.into(), field)),
            Self::U64(values) => with!(values, value => put_u64(value, field)),
            Self::Bool(values) if row < values.len() => put_bool(values.value(row), field),
            Self::Bool(_) => 0,
            Self::Time(values) => with!(values, value => put_time(value, field)),
            Self::Time2(values, scale) => with!(values, value => put_time2(value, *scale, field)),
            Self::Timestamp2(values, scale) => {
                with!(values, value => put_timestamp2(value, *scale, field))
            }
            Self::FileTime(values) => with!(values, value => put_filetime(value, field)),
            Self::OleDate(values) => with!(values, value => put_ole_date(value, field)),
            Self::TimestampOffset(values, offsets, scale) => with!(values, value => {
                with!(offsets, offset => put_timestamp_offset(value, offset, *scale, field))
            }),
            Self::F32(_) | Self::F32OfFile(_) | Self::F64(_) | Self::Bytes(_) | Self::Guid(_) => {
                return None;
            }
        })
    }

    /// Whether texts may lie apart from the array, so that it is worth to [`prefetch`](Self::prefetch) them.
    pub fn is_apart(&self) -> bool {
        matches!(self, Self::Text(values) if !values.data_buffers().is_empty())
    }

    /// Asks for the text of a row that is wanted soon, if it lies apart.
    #[inline]
    pub fn prefetch(&self, row: usize) {
        if let Self::Text(values) = self
            && let Some(view) = values.views().get(row)
            && *view as u32 > 12
            && let Some(text) = far_text(values, *view)
        {
            prefetch(&text[..text.len().min(FIELD)]);
        }
    }

    /// Adds the text of a row that is not NULL. A row past the end adds nothing.
    pub fn append(&self, row: usize, out: &mut Vec<u8>) {
        let mut field = [0; FIELD];
        if let Some(end) = self.put(row, &mut field) {
            out.extend_from_slice(field.get(..end).unwrap_or_default());
            return;
        }
        match self {
            Self::Decimal(values, scale) => {
                if let Some(value) = values.get(row) {
                    append_decimal(*value, *scale, out);
                }
            }
            Self::F32(values) => {
                if let Some(value) = values.get(row) {
                    append_f32(*value, out);
                }
            }
            Self::F32OfFile(values) => {
                if let Some(value) = values.get(row) {
                    append_f32_of_file(*value, out);
                }
            }
            Self::F64(values) => {
                if let Some(value) = values.get(row) {
                    append_f64(*value, out);
                }
            }
            Self::Text(values) if row < values.len() => {
                out.extend_from_slice(values.value(row).as_bytes());
            }
            Self::Bytes(values) if row < values.len() => append_hex(values.value(row), out),
            Self::Guid(values) if row < values.len() => {
                if let Ok(guid) = values.value(row).try_into() {
                    append_guid(guid, out);
                }
            }
            _ => {}
        }
    }
}

/// Text of up to 12 bytes lies in the view itself and is stored whole; longer text is copied from its buffer, by the room
/// of a field if that much is there: a few moves, of which what is too much does not matter.
#[inline]
fn put_view(values: &StringViewArray, row: usize, field: &mut Field) -> Option<usize> {
    let Some(view) = values.views().get(row) else {
        return Some(0);
    };
    let len = *view as u32 as usize;
    if len <= 12 {
        store(field, 0, (view >> 32).to_le_bytes());
    } else if len > FIELD {
        return None;
    } else {
        *field = *far_text(values, *view)?.first_chunk()?;
    }
    Some(len)
}

/// The text of a view of more than 12 bytes, and what follows it in its buffer.
#[inline]
fn far_text(values: &StringViewArray, view: u128) -> Option<&[u8]> {
    let (buffer, start) = ((view >> 64) as u32 as usize, (view >> 96) as u32 as usize);
    values.data_buffers().get(buffer)?.get(start..)
}

fn microseconds(array: &ArrayRef) -> Option<&[i64]> {
    match array.data_type() {
        ArrowType::Timestamp(TimeUnit::Microsecond, _) => Some(
            array
                .as_any()
                .downcast_ref::<TimestampMicrosecondArray>()?
                .values(),
        ),
        _ => None,
    }
}

/// A column as text: `Utf8View`, NULL where it was NULL. A text column comes back as it is.
///
/// # Errors
/// [`FormatError`] if the array is not the carrier of `data_type`.
pub fn format_array(array: &ArrayRef, data_type: &DataType) -> Result<ArrayRef, FormatError> {
    let column = ColumnText::new(array, data_type)?;
    if let ColumnText::Text(_) = column {
        return Ok(ArrayRef::clone(array));
    }
    let mut builder = TextBuilder::new(array.len());
    let nulls = array.logical_nulls();
    if !column.append_numbers(&mut builder) {
        let mut field = [0; FIELD];
        let mut long = Vec::new();
        for row in 0..array.len() {
            if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                builder.empty();
            } else if let Some(end) = column.put(row, &mut field) {
                builder.field(&field, end);
            } else {
                long.clear();
                column.append(row, &mut long);
                builder.push(&String::from_utf8_lossy(&long)); // ASCII always: borrowed, not copied
            }
        }
    }
    Ok(std::sync::Arc::new(builder.finish(nulls)))
}

impl ColumnText<'_> {
    /// Appends all texts if these are integers or common decimals; below NULL there is any text.
    fn append_numbers(&self, builder: &mut TextBuilder<'_>) -> bool {
        match self {
            Self::I8(values) => append_signed(values, builder),
            Self::I16(values) => append_signed(values, builder),
            Self::I32(values) => append_signed(values, builder),
            Self::I64(values) => append_signed(values, builder),
            Self::U8(values) => append_signed(values, builder),
            Self::U16(values) => append_signed(values, builder),
            Self::U32(values) => append_signed(values, builder),
            Self::U64(values) => append_unsigned(values, builder),
            Self::Decimal(values, scale) => return append_decimals(values, *scale, builder),
            _ => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::{array::AsArray, buffer::NullBuffer};

    use super::*;

    fn texts(array: ArrayRef, data_type: DataType) -> Vec<Option<String>> {
        let text = format_array(&array, &data_type).unwrap();
        text.as_string_view()
            .iter()
            .map(|text| text.map(str::to_owned))
            .collect()
    }

    #[test]
    fn one_of_each() {
        let one = |array: ArrayRef, data_type| texts(array, data_type).remove(0).unwrap();
        let decimal = |scale| {
            Decimal128Array::from(vec![-12345])
                .with_precision_and_scale(19, scale)
                .unwrap()
        };
        assert_eq!(one(Arc::new(decimal(4)), DataType::Cy), "-1.2345");
        assert_eq!(
            one(
                Arc::new(decimal(2)),
                DataType::Numeric {
                    precision: 19,
                    scale: 2
                }
            ),
            "-123.45"
        );
        assert_eq!(
            one(Arc::new(UInt64Array::from(vec![u64::MAX])), DataType::UI8),
            "18446744073709551615"
        );
        assert_eq!(
            one(Arc::new(Int8Array::from(vec![-128])), DataType::I1),
            "-128"
        );
        assert_eq!(
            one(Arc::new(Float64Array::from(vec![1e3])), DataType::R8),
            "1000"
        );
        assert_eq!(
            one(Arc::new(BooleanArray::from(vec![true])), DataType::Bool),
            "True"
        );
        assert_eq!(
            one(
                Arc::new(Time64NanosecondArray::from(vec![1_500_000_000])),
                DataType::DbTime2 { scale: 1 }
            ),
            "00:00:01.5"
        );
        let bytes = BinaryViewArray::from(vec![&[0x0A, 0xFF][..]]);
        assert_eq!(one(Arc::new(bytes), DataType::Bytes { length: 2 }), "0AFF");
        let guid = FixedSizeBinaryArray::try_from_iter([[0xABu8; 16]].iter()).unwrap();
        assert_eq!(
            one(Arc::new(guid), DataType::Guid),
            "{ABABABAB-ABAB-ABAB-ABAB-ABABABABABAB}"
        );
        let field = crate::types::field("o", &DataType::DbTimeStampOffset { scale: 0 });
        let ArrowType::Struct(fields) = field.data_type().clone() else {
            panic!()
        };
        let parts = StructArray::new(
            fields,
            vec![
                Arc::new(TimestampMicrosecondArray::from(vec![0]).with_timezone("UTC")),
                Arc::new(Int16Array::from(vec![60])),
            ],
            None,
        );
        assert_eq!(
            one(Arc::new(parts), DataType::DbTimeStampOffset { scale: 0 }),
            "1970-01-01 01:00:00 +01:00"
        );
    }

    #[test]
    fn nulls_stay_and_a_wrong_carrier_is_named() {
        let values = Int32Array::new(vec![1, 2].into(), Some(NullBuffer::from(vec![false, true])));
        assert_eq!(
            texts(Arc::new(values), DataType::I4),
            [None, Some("2".to_owned())]
        );
        let wrong: ArrayRef = Arc::new(Int64Array::from(vec![1]));
        let error = format_array(&wrong, &DataType::I4).unwrap_err();
        assert!(error.to_string().contains("DT_I4") && error.to_string().contains("Int64"));
    }
}
