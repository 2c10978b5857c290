//! Dates and times: ISO forms by words of eight bytes, the rest by the parsers of `fletching_expression::text`.

use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, Date32Array, Int16Array, StructArray, Time32SecondArray, Time64NanosecondArray,
        TimestampMicrosecondArray,
    },
    datatypes::{DataType as ArrowType, Fields as ArrowFields},
    error::ArrowError,
};
use dtsx::DataType;
use fletching_expression::{
    text::{
        DateTime, MICROS_PER_DAY, ParseError, Style, days_from_civil, parse_date_time,
        parse_fast_date_time, parse_fast_time,
    },
    types::arrow_type,
};

use super::{
    column::{ColumnContext, Read, primitive},
    fields::Fields,
    kernel::{digits, iso_date, iso_time},
};

/// Decodes a column of a date or time type.
pub(super) fn decode<F: Fields>(
    fields: &F,
    context: &mut ColumnContext<'_>,
) -> Result<ArrayRef, ArrowError> {
    let style = context.style();
    let time = |text: &[u8]| match style {
        Style::Fast => parse_fast_time(text).and_then(DateTime::to_utc),
        _ => parse_date_time(text, style).and_then(DateTime::to_utc),
    };
    let no_quick = |_: &[u8], _: usize, _: usize| None;
    Ok(match context.column.data_type {
        DataType::DbDate => {
            // A closure, not the function itself: that would be called through a shim.
            let quick =
                |padded: &[u8], start: usize, length: usize| quick_date(padded, start, length);
            let slow = |text: &[u8]| {
                date_time(text, style)
                    .and_then(DateTime::to_utc)
                    .map(|at| at.days)
                    .into()
            };
            let (values, nulls) = primitive(fields, context, None, quick, slow);
            Arc::new(Date32Array::new(values.into(), nulls))
        }
        DataType::DbTime => {
            let quick = |padded: &[u8], start: usize, length: usize| match length {
                8 => iso_time(padded, start).map(|seconds| seconds as i32),
                _ => None,
            };
            let slow = |text: &[u8]| cut(time(text), 0, |at| (at.nanos / 1_000_000_000) as i32);
            let (values, nulls) = primitive(fields, context, None, quick, slow);
            Arc::new(Time32SecondArray::new(values.into(), nulls))
        }
        DataType::DbTime2 { scale } => {
            let slow = |text: &[u8]| cut(time(text), scale, |at| at.nanos);
            let (values, nulls) = primitive(fields, context, None, no_quick, slow);
            Arc::new(Time64NanosecondArray::new(values.into(), nulls))
        }
        DataType::DbTimeStampOffset { scale } => offsets(fields, context, scale)?,
        DataType::DbTimeStamp2 { scale } => timestamps(fields, context, Some(scale)),
        _ => timestamps(fields, context, None),
    })
}

fn date_time(text: &[u8], style: Style<'_>) -> Result<DateTime, ParseError> {
    match style {
        Style::Fast => parse_fast_date_time(text),
        _ => parse_date_time(text, style),
    }
}

/// The value with `scale` digits of a second; losing a digit that is not zero is a truncation (semantics 1.5.10).
fn cut<T>(
    parsed: Result<DateTime, ParseError>,
    scale: u8,
    value: impl Fn(DateTime) -> T,
) -> Read<T> {
    let mut at = match parsed {
        Ok(at) => at,
        Err(error) => return Read::Failed(error),
    };
    let unit = 10i64.pow(9 - u32::from(scale.min(9)));
    let lost = at.nanos % unit;
    at.nanos -= lost;
    if lost == 0 {
        Read::Value(value(at))
    } else {
        Read::Truncated(value(at))
    }
}

/// Microseconds; a digit that is finer is counted, not a failure (the type promises it, the array cannot hold it).
fn micros(read: Read<DateTime>) -> Read<i64> {
    match read {
        Read::Value(at) | Read::Dropped(at) if at.nanos % 1000 != 0 => Read::Dropped(at.micros()),
        Read::Value(at) | Read::Dropped(at) => Read::Value(at.micros()),
        Read::Truncated(at) => Read::Truncated(at.micros()),
        Read::Failed(error) => Read::Failed(error),
    }
}

#[inline(always)]
fn quick_date(padded: &[u8], start: usize, length: usize) -> Option<i32> {
    if length != 10 {
        return None;
    }
    let (year, month, day) = iso_date(padded, start)?;
    days_from_civil(year, month, day)
}

/// `YYYY-MM-DD`, and `HH:MM:SS` after a sign, and up to six digits of a fraction.
#[inline(always)]
fn quick_timestamp(
    padded: &[u8],
    start: usize,
    length: usize,
    fast: bool,
    digits_max: usize,
) -> Option<i64> {
    let midnight = i64::from(quick_date(padded, start, 10)?) * MICROS_PER_DAY;
    if length == 10 {
        return Some(midnight);
    }
    let joint = padded.get(start + 10);
    if length < 19 || !(joint == Some(&b'T') || (!fast && joint == Some(&b' '))) {
        return None;
    }
    let micros = midnight + i64::from(iso_time(padded, start + 11)?) * 1_000_000;
    match length - 19 {
        0 => Some(micros),
        places @ 2..=7 if places - 1 <= digits_max && padded.get(start + 19) == Some(&b'.') => {
            let fraction = digits(padded, start + 20, places - 1)? as i64;
            Some(micros + fraction * 10i64.pow(7 - places as u32))
        }
        _ => None,
    }
}

fn timestamps<F: Fields>(
    fields: &F,
    context: &mut ColumnContext<'_>,
    scale: Option<u8>,
) -> ArrayRef {
    let style = context.style();
    let fast = context.column.fast_parse;
    let digits_max = scale.map_or(6, usize::from);
    let quick = |padded: &[u8], start: usize, length: usize| match length {
        10.. => quick_timestamp(padded, start, length, fast, digits_max),
        _ => None,
    };
    let slow = |text: &[u8]| {
        let parsed = date_time(text, style).and_then(DateTime::to_utc);
        micros(match scale {
            Some(scale) => cut(parsed, scale, |at| at),
            None => parsed.into(),
        })
    };
    let (values, nulls) = primitive(fields, context, None, quick, slow);
    Arc::new(TimestampMicrosecondArray::new(values.into(), nulls))
}

/// A moment and its offset; without an offset the text is UTC (semantics 1.5.8).
fn offsets<F: Fields>(
    fields: &F,
    context: &mut ColumnContext<'_>,
    scale: u8,
) -> Result<ArrayRef, ArrowError> {
    let style = context.style();
    let slow = |text: &[u8]| {
        let parsed = date_time(text, style);
        // An offset must not move the moment out of the calendar.
        let parsed = parsed.and_then(|at| at.to_utc().map(|_| at));
        cut(parsed, scale, |at| at)
    };
    let (values, nulls) = primitive(fields, context, None, |_, _, _| None, slow);
    let mut dropped = 0;
    let (mut moments, mut minutes) = (Vec::new(), Vec::new());
    for at in values {
        let offset = at.offset_minutes.unwrap_or(0);
        dropped += u64::from(at.nanos % 1000 != 0);
        moments.push(at.micros() - i64::from(offset) * 60_000_000);
        minutes.push(offset);
    }
    context.report.dropped_digits += dropped;
    let ArrowType::Struct(children) = arrow_type(&context.column.data_type) else {
        return Err(ArrowError::SchemaError(
            "DT_DBTIMESTAMPOFFSET is not a struct".to_owned(),
        ));
    };
    let children: ArrowFields = children;
    let moments = TimestampMicrosecondArray::new(moments.into(), None).with_timezone("UTC");
    let minutes = Int16Array::new(minutes.into(), None);
    debug_assert_eq!(moments.len(), minutes.len());
    let arrays: Vec<ArrayRef> = vec![Arc::new(moments), Arc::new(minutes)];
    Ok(Arc::new(StructArray::try_new(children, arrays, nulls)?))
}
