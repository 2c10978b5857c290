//! Dates as numbers: days from 1899-12-30 with the time as a fraction (DT_DATE), 100 ns steps from 1601 (DT_FILETIME).
//!
//! Which casts there are: the chart of the page "Cast (SSIS Expression)"; the fraction of a day is positive also before 1899
//! (semantics 1.5.3).

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, TimestampMicrosecondArray},
    compute::cast,
    datatypes::{
        ArrowPrimitiveType, DataType as ArrowType, Float64Type, Int64Type, TimestampMicrosecondType,
    },
};
use dtsx::{DataType, SsisCode};

use super::{dates, fail, numbers};
use crate::{check::is_numeric, error::EvaluateError, evaluate::RowFailure, text::MICROS_PER_DAY};

/// 1899-12-30 and 1601-01-01, in days from 1970-01-01.
const OLE_ZERO: i64 = -25_569;
const FILE_ZERO: i64 = -134_774;
/// The years 100 to 9999, in days from 1899-12-30.
const OLE_DAYS: std::ops::Range<f64> = -657_434.0..2_958_466.0;

/// Whether one is a date and the other its number.
pub(super) fn converts(from: &DataType, to: &DataType) -> bool {
    let plain = |one: &DataType| {
        is_numeric(one)
            && !matches!(
                one,
                DataType::I8
                    | DataType::UI8
                    | DataType::Cy
                    | DataType::Decimal { .. }
                    | DataType::Numeric { .. }
            )
    };
    let long = |one: &DataType| matches!(one, DataType::I8 | DataType::UI8);
    match (from, to) {
        (DataType::Date, number) => {
            is_numeric(number) && !matches!(number, DataType::Cy | DataType::Decimal { .. })
        }
        (DataType::Numeric { .. }, DataType::Date) => true,
        (number, DataType::Date) => plain(number),
        (DataType::Decimal { .. }, DataType::DbDate | DataType::DbTime | DataType::DbTimeStamp) => {
            true
        }
        (number, DataType::DbDate | DataType::DbTime | DataType::DbTimeStamp) => plain(number),
        (number, DataType::FileTime) | (DataType::FileTime, number) => long(number),
        _ => false,
    }
}

pub(super) fn convert(
    array: &ArrayRef,
    from: &DataType,
    to: &DataType,
    errors: &mut Vec<RowFailure>,
) -> Result<ArrayRef, EvaluateError> {
    match (from, to) {
        (DataType::FileTime, _) => {
            let moments = array.as_primitive::<TimestampMicrosecondType>();
            let steps: Int64Array =
                moments.unary(|micros| (micros - FILE_ZERO * MICROS_PER_DAY) * 10);
            let steps: ArrayRef = Arc::new(steps);
            numbers::convert(&steps, &DataType::I8, to, errors)
        }
        (_, DataType::FileTime) => {
            let steps = numbers::convert(array, from, &DataType::I8, errors)?;
            let moments = checked::<Int64Type>(&steps, errors, |steps| {
                let latest = (2_932_897 - FILE_ZERO) * MICROS_PER_DAY * 10;
                (0..latest)
                    .contains(&steps)
                    .then(|| steps / 10 + FILE_ZERO * MICROS_PER_DAY)
            });
            Ok(Arc::new(moments))
        }
        (DataType::Date, _) => {
            let moments = array.as_primitive::<TimestampMicrosecondType>();
            let serials: Float64Array = moments.unary(serial);
            let serials: ArrayRef = Arc::new(serials);
            numbers::convert(&serials, &DataType::R8, to, errors)
        }
        _ => {
            let serials = cast(array, &ArrowType::Float64)?;
            let moments = checked::<Float64Type>(&serials, errors, moment);
            let moments: ArrayRef = Arc::new(moments);
            dates::convert(&moments, &DataType::Date, to, errors)
        }
    }
}

/// Moments of numbers; a number that is out of range fails.
fn checked<T: ArrowPrimitiveType>(
    numbers: &ArrayRef,
    errors: &mut Vec<RowFailure>,
    moment: impl Fn(T::Native) -> Option<i64>,
) -> TimestampMicrosecondArray {
    let numbers = numbers.as_primitive::<T>();
    let moments = (0..numbers.len()).map(|row| {
        let known = numbers.is_valid(row).then(|| numbers.value(row))?;
        let moment = moment(known);
        if moment.is_none() {
            fail(errors, row, SsisCode::EXPRESSION_CONVERSION_OVERFLOW);
        }
        moment
    });
    moments.collect()
}

fn serial(micros: i64) -> f64 {
    let micros = micros - OLE_ZERO * MICROS_PER_DAY;
    let (days, time) = (
        micros.div_euclid(MICROS_PER_DAY),
        micros.rem_euclid(MICROS_PER_DAY),
    );
    let fraction = time as f64 / MICROS_PER_DAY as f64;
    let days = days as f64;
    if days < 0.0 {
        days - fraction
    } else {
        days + fraction
    }
}

/// To whole milliseconds: a double has no more.
fn moment(serial: f64) -> Option<i64> {
    let days = serial.trunc();
    if !OLE_DAYS.contains(&days) {
        return None;
    }
    let millis = ((serial - days).abs() * 86_400_000.0).round() as i64;
    Some((days as i64 + OLE_ZERO) * MICROS_PER_DAY + millis * 1000)
}
