//! Dates and times among each other (semantics 1.5.10).
//!
//! Digits of a second that the new type has no room for are dropped; whether that is reported as a truncation goes by type:
//!
//! | to | |
//! |---|---|
//! | DT_DBTIMESTAMP2, DT_DBTIME2 | reported: the scale is written in the cast |
//! | DT_DBTIMESTAMP from a type with a scale | reported, below the millisecond |
//! | DT_DBTIME, DT_DBTIMESTAMPOFFSET, DT_FILETIME | not reported: `(DT_DBTIME)GETDATE()`, which always has a fraction, is in very many packages that fail on truncation |
//! | DT_DBDATE | not reported: it is the time that is asked to go |
//! | any of them from text | not reported (`from_text`) |
//!
//! The rows without a report are unmeasured.

use std::sync::Arc;

use arrow::{
    array::{
        Array, ArrayRef, AsArray, Date32Array, PrimitiveArray, StructArray, Time32SecondArray,
        Time64NanosecondArray, TimestampMicrosecondArray,
    },
    datatypes::{
        Date32Type, Int64Type, Time32SecondType, Time64NanosecondType, TimestampMicrosecondType,
    },
};
use dtsx::{DataType, SsisCode};

use super::fail;
use crate::{error::EvaluateError, evaluate::RowFailure, types::arrow_type};

const DAY_MICROS: i64 = 86_400_000_000;

pub(super) fn is_moment(data_type: &DataType) -> bool {
    is_time(data_type)
        || matches!(
            data_type,
            DataType::Date
                | DataType::DbDate
                | DataType::DbTimeStamp
                | DataType::DbTimeStamp2 { .. }
                | DataType::DbTimeStampOffset { .. }
                | DataType::FileTime
        )
}

/// The moment, if the type has it: OLE dates begin in the year 100, file times in 1601.
pub(super) fn in_range(micros: i64, data_type: &DataType) -> Option<i64> {
    let first_day = match data_type {
        DataType::Date => -683_003,
        DataType::FileTime => -134_774,
        _ => -719_162,
    };
    (micros >= first_day * DAY_MICROS).then_some(micros)
}

fn has_more_digits(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::DbTimeStamp2 { .. }
            | DataType::DbTimeStampOffset { .. }
            | DataType::DbTime2 { .. }
    )
}

fn is_time(data_type: &DataType) -> bool {
    matches!(data_type, DataType::DbTime | DataType::DbTime2 { .. })
}

/// Through microseconds: since 1970-01-01 for dates, since midnight for times. A time becomes a moment of today.
pub(super) fn convert(
    array: &ArrayRef,
    from: &DataType,
    to: &DataType,
    errors: &mut Vec<RowFailure>,
) -> Result<ArrayRef, EvaluateError> {
    let mut micros = micros(array, from);
    if is_time(from) && !is_time(to) {
        #[expect(
            clippy::disallowed_methods,
            reason = "SSIS takes the day of the conversion"
        )]
        let today = chrono::Local::now()
            .naive_local()
            .date()
            .and_time(chrono::NaiveTime::MIN)
            .and_utc();
        let today = today.timestamp_micros();
        micros = micros.unary(|time| time + today);
    }
    Ok(match to {
        DataType::DbDate => {
            Arc::new(micros.unary::<_, Date32Type>(|at| at.div_euclid(DAY_MICROS) as i32))
                as ArrayRef
        }
        DataType::DbTime => Arc::new(
            micros
                .unary::<_, Time32SecondType>(|at| (at.rem_euclid(DAY_MICROS) / 1_000_000) as i32),
        ),
        DataType::DbTime2 { scale } => {
            let unit = 10_i64.pow(9 - u32::from(*scale));
            let nanos =
                micros.unary::<_, Time64NanosecondType>(|at| at.rem_euclid(DAY_MICROS) * 1000);
            Arc::new(keep_digits(nanos, unit, errors))
        }
        DataType::DbTimeStamp2 { scale } if *scale < 6 => {
            let unit = 10_i64.pow(6 - u32::from(*scale));
            let stamps = micros.unary::<_, TimestampMicrosecondType>(|at| at);
            Arc::new(keep_digits(stamps, unit, errors))
        }
        DataType::DbTimeStampOffset { .. } => offset(&micros, to)?,
        // Milliseconds (semantics 1.5.1, 1.5.10).
        DataType::DbTimeStamp if has_more_digits(from) => {
            let stamps = micros.unary::<_, TimestampMicrosecondType>(|at| at);
            Arc::new(keep_digits(stamps, 1000, errors))
        }
        DataType::Date | DataType::FileTime => {
            let stamps = micros.iter().enumerate().map(|(row, micros)| {
                let moved = micros.and_then(|micros| in_range(micros, to));
                if moved != micros {
                    fail(errors, row, SsisCode::EXPRESSION_CONVERSION_OVERFLOW);
                }
                moved
            });
            Arc::new(stamps.collect::<TimestampMicrosecondArray>())
        }
        _ => Arc::new(micros.unary::<_, TimestampMicrosecondType>(|at| at)),
    })
}

/// Digits below `unit` are dropped, which is a truncation.
fn keep_digits<T>(
    values: PrimitiveArray<T>,
    unit: i64,
    errors: &mut Vec<RowFailure>,
) -> PrimitiveArray<T>
where
    T: arrow::array::ArrowPrimitiveType<Native = i64>,
{
    for row in 0..values.len() {
        if values.is_valid(row) && values.value(row).rem_euclid(unit) != 0 {
            let code = SsisCode::INDUCED_FAILURE_ON_TRUNCATION;
            errors.push(RowFailure {
                row: row as u32,
                code,
                truncation: true,
            });
        }
    }
    values.unary(|value| value - value.rem_euclid(unit))
}

fn micros(array: &ArrayRef, from: &DataType) -> PrimitiveArray<Int64Type> {
    match from {
        DataType::DbDate => {
            let days: &Date32Array = array.as_primitive();
            days.unary(|days| i64::from(days) * DAY_MICROS)
        }
        DataType::DbTime => {
            let seconds: &Time32SecondArray = array.as_primitive();
            seconds.unary(|seconds| i64::from(seconds) * 1_000_000)
        }
        DataType::DbTime2 { .. } => {
            let nanos: &Time64NanosecondArray = array.as_primitive();
            nanos.unary(|nanos| nanos / 1000)
        }
        DataType::DbTimeStampOffset { .. } => {
            let utc: &TimestampMicrosecondArray = array.as_struct().column(0).as_primitive();
            let utc: PrimitiveArray<Int64Type> = utc.unary(|at| at);
            PrimitiveArray::new(utc.values().clone(), array.nulls().cloned())
        }
        _ => {
            let stamps: &TimestampMicrosecondArray = array.as_primitive();
            stamps.unary(|at| at)
        }
    }
}

/// No offset means UTC (semantics 1.5.8).
fn offset(micros: &PrimitiveArray<Int64Type>, to: &DataType) -> Result<ArrayRef, EvaluateError> {
    let arrow::datatypes::DataType::Struct(fields) = arrow_type(to) else {
        return Err(EvaluateError::NoConversion {
            from: DataType::DbTimeStamp,
            to: *to,
        });
    };
    let utc = TimestampMicrosecondArray::new(micros.values().clone(), None).with_timezone("UTC");
    let minutes = arrow::array::Int16Array::from(vec![0; micros.len()]);
    Ok(Arc::new(StructArray::try_new(
        fields,
        vec![Arc::new(utc), Arc::new(minutes)],
        micros.nulls().cloned(),
    )?))
}
