//! Between the types of a client library and those that this crate hands out.
//!
//! ```text
//!  from a client:   Utf8, LargeUtf8 ─▶ Utf8View   Binary ─▶ BinaryView   Timestamp(any) ─▶ Timestamp(us)
//!                   Timestamp(any, zone) ─▶ {timestamp, offset_minutes}  Time64(us) ─▶ Time64(ns)   the rest: as text
//!  to a column:     a batch's array ─▶ the type that the column takes, or a failure
//! ```

use std::{fmt::Write, sync::Arc};

use arrow::{
    array::{
        Array, ArrayRef, AsArray, Decimal128Array, FixedSizeBinaryBuilder, Int16Array, RecordBatch,
        StringViewBuilder, StructArray, Time64NanosecondArray, make_array,
    },
    buffer::NullBuffer,
    compute::{CastOptions, cast_with_options},
    datatypes::{
        DECIMAL128_MAX_PRECISION, DataType, Decimal128Type, Field, Fields, Int16Type, Schema,
        SchemaRef, Time64MicrosecondType, TimeUnit, TimestampMicrosecondType,
    },
    error::ArrowError,
    util::display::{ArrayFormatter, FormatOptions},
};
use chrono::{DateTime, TimeDelta};
use uuid::Uuid;

/// Date and time without a zone.
pub(super) const TIMESTAMP: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);

fn utc() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::from("UTC")))
}

pub(super) fn offset_fields() -> Fields {
    Fields::from(vec![
        Field::new("timestamp", utc(), false),
        Field::new("offset_minutes", DataType::Int16, false),
    ])
}

/// What carries `DT_DBTIMESTAMPOFFSET`: the instant, and where the clock stood.
pub(super) fn offset_type() -> DataType {
    DataType::Struct(offset_fields())
}

/// The type that a client's type is handed out as.
pub(super) fn natural_type(of: &DataType) -> DataType {
    match of {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8View,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => DataType::BinaryView,
        DataType::FixedSizeBinary(16) => DataType::FixedSizeBinary(16),
        DataType::FixedSizeBinary(_) => DataType::BinaryView,
        DataType::Timestamp(_, None) => TIMESTAMP,
        DataType::Timestamp(_, Some(_)) => offset_type(),
        DataType::Date32 | DataType::Date64 => DataType::Date32,
        DataType::Time32(_) => DataType::Time32(TimeUnit::Second),
        DataType::Time64(_) => DataType::Time64(TimeUnit::Nanosecond),
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale) => DataType::Decimal128(*precision, *scale),
        DataType::Float16 => DataType::Float32,
        DataType::Null | DataType::Boolean => of.clone(),
        other if other.is_primitive() && other.is_numeric() && !other.is_decimal() => other.clone(),
        DataType::Dictionary(_, values) => natural_type(values),
        _ => DataType::Utf8View,
    }
}

pub(super) fn natural_schema(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| {
        let data_type = match field.data_type() {
            // Milliseconds and finer would be lost in seconds.
            DataType::Time32(TimeUnit::Millisecond) => DataType::Time64(TimeUnit::Nanosecond),
            other => natural_type(other),
        };
        Field::new(field.name(), data_type, true)
    });
    Arc::new(Schema::new(fields.collect::<Fields>()))
}

/// # Errors
/// A value that the type cannot hold.
pub(super) fn natural_batch(
    batch: &RecordBatch,
    schema: &SchemaRef,
) -> Result<RecordBatch, ArrowError> {
    let columns = batch.columns().iter().zip(schema.fields());
    let columns = columns.map(|(array, field)| to_type(array, field.data_type()));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
}

/// # Errors
/// A value that the type cannot hold, or no way from one type to the other.
pub(super) fn to_type(array: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, ArrowError> {
    let from = array.data_type();
    let text = matches!(
        wanted,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    );
    match (from, wanted) {
        _ if from == wanted => Ok(Arc::clone(array)),
        (DataType::Timestamp(..), DataType::Struct(_)) => with_offset(array),
        (DataType::Struct(_), DataType::Struct(_)) => Ok(Arc::clone(array)),
        (DataType::Struct(_), _) if text => plain(&offset_text(array)?, wanted),
        (DataType::Struct(_), _) => {
            let instants = array
                .as_struct_opt()
                .and_then(|parts| parts.columns().first());
            let instants =
                instants.ok_or_else(|| ArrowError::CastError(format!("{from} is not {wanted}")))?;
            plain(&with_nulls(instants, array)?, wanted)
        }
        (DataType::Timestamp(_, None), _) if text => plain(&timestamp_text(array)?, wanted),
        (DataType::FixedSizeBinary(16), _) if text => plain(&guid_text(array), wanted),
        (
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View,
            DataType::FixedSizeBinary(16),
        ) => guid_of_text(array),
        (
            DataType::FixedSizeBinary(_),
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView,
        ) => plain(&plain(array, &DataType::Binary)?, wanted),
        // What stands where NULL is may be anything.
        (DataType::Time64(TimeUnit::Microsecond), DataType::Time64(TimeUnit::Nanosecond)) => {
            let nanos: Time64NanosecondArray = array
                .as_primitive::<Time64MicrosecondType>()
                .unary(|micros| micros.wrapping_mul(1000));
            Ok(Arc::new(nanos))
        }
        (DataType::Dictionary(_, values), _) if values.as_ref() != wanted => {
            to_type(&plain(array, values)?, wanted)
        }
        _ if text && !arrow::compute::can_cast_types(from, wanted) => plain(&shown(array)?, wanted),
        _ => plain(array, wanted),
    }
}

/// A part of a struct, NULL where the whole is.
fn with_nulls(part: &ArrayRef, whole: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let nulls = NullBuffer::union(part.nulls(), whole.nulls());
    let data = part.to_data().into_builder().nulls(nulls).build()?;
    Ok(make_array(data))
}

fn plain(array: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, ArrowError> {
    let options = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    cast_with_options(array, wanted, &options)
}

/// Digits behind the point of a decimal that comes back from a procedure, at least: it rounds to those of the place.
const SCALE_BACK: i8 = 9;

/// The type of the place for a decimal that comes back; `None` for other types.
pub(super) fn decimal_back(of: &DataType) -> Option<DataType> {
    match of {
        DataType::Decimal128(_, scale) => Some(DataType::Decimal128(
            DECIMAL128_MAX_PRECISION,
            (*scale).max(SCALE_BACK),
        )),
        _ => None,
    }
}

/// A decimal value without zeros at the end of its fraction; any other value is as it was.
pub(super) fn without_zeros(value: ArrayRef) -> ArrayRef {
    let DataType::Decimal128(precision, mut scale) = *value.data_type() else {
        return value;
    };
    let values = value.as_primitive::<Decimal128Type>();
    let mut digits = values.iter().next().flatten();
    while let Some(some) = digits
        && scale > 0
        && some % 10 == 0
    {
        digits = Some(some / 10);
        scale -= 1;
    }
    let short = Decimal128Array::from(vec![digits]);
    match short.with_precision_and_scale(precision, scale) {
        Ok(short) => Arc::new(short),
        Err(_) => value,
    }
}

/// An instant in any zone: told in UTC, so that its offset is none.
fn with_offset(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let instants = plain(array, &utc())?;
    let offsets = Int16Array::from(vec![0_i16; array.len()]);
    let nulls = instants.nulls().cloned();
    let filled = instants
        .as_primitive::<TimestampMicrosecondType>()
        .unary(|instant| instant);
    let filled: arrow::array::TimestampMicrosecondArray = filled;
    let (_, values, _) = filled.into_parts();
    let instants = arrow::array::TimestampMicrosecondArray::new(values, None).with_timezone("UTC");
    StructArray::try_new(
        offset_fields(),
        vec![Arc::new(instants), Arc::new(offsets)],
        nulls,
    )
    .map(|array| Arc::new(array) as ArrayRef)
}

/// `2024-02-29 23:59:59.123456`, the fraction only where there is one.
pub(super) fn iso(micros: i64) -> Option<String> {
    let time = DateTime::from_timestamp_micros(micros)?;
    let mut text = time.format("%Y-%m-%d %H:%M:%S").to_string();
    let fraction = micros.rem_euclid(1_000_000);
    if fraction != 0 {
        write!(text, ".{fraction:06}").ok()?;
    }
    Some(text)
}

fn out_of_range() -> ArrowError {
    ArrowError::CastError("a date is beyond all calendars".to_owned())
}

fn timestamp_text(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let array = plain(array, &TIMESTAMP)?;
    let mut texts = StringViewBuilder::with_capacity(array.len());
    for value in array.as_primitive::<TimestampMicrosecondType>() {
        match value {
            Some(value) => texts.append_value(iso(value).ok_or_else(out_of_range)?),
            None => texts.append_null(),
        }
    }
    Ok(Arc::new(texts.finish()))
}

/// `2024-02-29 23:59:59.5 +05:30`, in the time of its place.
fn offset_text(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let parts = array.as_struct();
    let [instants, offsets] = parts.columns() else {
        return Err(ArrowError::CastError(format!("{}", array.data_type())));
    };
    let instants = instants.as_primitive::<TimestampMicrosecondType>();
    let offsets = offsets.as_primitive::<Int16Type>();
    let mut texts = StringViewBuilder::with_capacity(array.len());
    for row in 0..array.len() {
        if parts.is_null(row) {
            texts.append_null();
            continue;
        }
        let offset = offsets.value(row);
        let shift = TimeDelta::minutes(i64::from(offset));
        let local = instants
            .value(row)
            .checked_add(shift.num_microseconds().unwrap_or(0));
        let mut text = local.and_then(iso).ok_or_else(out_of_range)?;
        let sign = if offset < 0 { '-' } else { '+' };
        let minutes = offset.unsigned_abs();
        write!(text, " {sign}{:02}:{:02}", minutes / 60, minutes % 60)
            .map_err(|_| out_of_range())?;
        texts.append_value(text);
    }
    Ok(Arc::new(texts.finish()))
}

fn guid_text(array: &ArrayRef) -> ArrayRef {
    let mut texts = StringViewBuilder::with_capacity(array.len());
    for value in array.as_fixed_size_binary() {
        match value.and_then(|bytes| Uuid::from_slice(bytes).ok()) {
            Some(guid) => texts.append_value(guid.hyphenated().to_string()),
            None => texts.append_null(),
        }
    }
    Arc::new(texts.finish())
}

fn guid_of_text(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let texts = plain(array, &DataType::Utf8View)?;
    let mut guids = FixedSizeBinaryBuilder::with_capacity(array.len(), 16);
    for text in texts.as_string_view() {
        match text {
            Some(text) => {
                let guid = Uuid::try_parse(text.trim())
                    .map_err(|_| ArrowError::CastError(format!("`{text}` is no GUID")))?;
                guids.append_value(guid.as_bytes())?;
            }
            None => guids.append_null(),
        }
    }
    Ok(Arc::new(guids.finish()))
}

/// Lists, structs and what else has no type of ours, as Arrow shows them.
fn shown(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(array, &options)?;
    let mut texts = StringViewBuilder::with_capacity(array.len());
    for row in 0..array.len() {
        match array.is_null(row) {
            true => texts.append_null(),
            false => texts.append_value(formatter.value(row).try_to_string()?),
        }
    }
    Ok(Arc::new(texts.finish()))
}
