//! Columns of dates and of moments, as days or microseconds from 1970-01-01.

use std::sync::Arc;

use arrow::{
    array::{AsArray, Date32Array, TimestampMicrosecondArray},
    datatypes::{DataType as ArrowType, Date32Type, Int32Type, TimestampMicrosecondType},
};

use crate::{
    arrays::zipped,
    error::EvaluateError,
    evaluate::Value,
    text::{MICROS_PER_DAY, civil_from_days, is_leap},
};

/// The dates of an argument.
#[derive(Debug)]
pub(super) struct Moments<'a> {
    value: &'a Value,
    column: Column<'a>,
}

#[derive(Debug)]
enum Column<'a> {
    Days(&'a Date32Array),
    Micros(&'a TimestampMicrosecondArray),
}

impl<'a> Moments<'a> {
    pub(super) fn of(value: &'a Value) -> Result<Self, EvaluateError> {
        let column = match value.array.data_type() {
            ArrowType::Date32 => Column::Days(value.array.as_primitive::<Date32Type>()),
            _ => match value.array.as_primitive_opt::<TimestampMicrosecondType>() {
                Some(micros) => Column::Micros(micros),
                None => {
                    return Err(EvaluateError::Carrier {
                        found: value.array.data_type().to_string(),
                        wanted: "Timestamp(us)".to_owned(),
                    });
                }
            },
        };
        Ok(Self { value, column })
    }

    /// Whether there is one for all rows.
    pub(super) fn is_scalar(&self) -> bool {
        self.value.is_scalar
    }

    /// A number of each moment, by its day or by its microseconds.
    pub(super) fn numbers(
        &self,
        of_day: impl Fn(i32) -> i32,
        of_micros: impl Fn(i64) -> i32,
    ) -> Value {
        let array = match self.column {
            Column::Days(days) => days.unary::<_, Int32Type>(of_day),
            Column::Micros(micros) => micros.unary::<_, Int32Type>(of_micros),
        };
        Value {
            array: Arc::new(array),
            is_scalar: self.value.is_scalar,
        }
    }

    /// A number of the day of each moment, of NULL too.
    fn by_day(&self, of_day: impl Fn(i32) -> i32) -> Vec<i32> {
        match self.column {
            Column::Days(days) => map(days.values(), of_day),
            Column::Micros(micros) => map(micros.values(), |micros| of_day(civil_day(micros))),
        }
    }

    /// How far the day of each moment is behind that of another, by a position in the calendar; for NULL any number.
    pub(super) fn until(&self, to: &Self, position: impl Fn(i32) -> i32 + Copy) -> Vec<i32> {
        let (from, to_) = (self.by_day(position), to.by_day(position));
        let scalars = (self.value.is_scalar, to.value.is_scalar);
        let (between, ()) = zipped(&from, &to_, scalars, |from, to: i32, ()| {
            to.wrapping_sub(from)
        });
        between
    }

    /// Microseconds on the grid, which days are on, of NULL too.
    pub(super) fn all_on_grid(&self) -> Vec<i64> {
        match self.column {
            Column::Days(days) => map(days.values(), |day| {
                i64::from(day).wrapping_mul(MICROS_PER_DAY)
            }),
            Column::Micros(micros) => map(micros.values(), on_grid),
        }
    }

    /// On the grid, which days are.
    pub(super) fn micros_on_grid(&self, row: usize) -> i64 {
        match self.column {
            Column::Days(_) => self.micros(row),
            Column::Micros(micros) => on_grid(micros.values()[self.value.at(row)]),
        }
    }

    pub(super) fn micros(&self, row: usize) -> i64 {
        match self.column {
            Column::Days(days) => i64::from(days.values()[self.value.at(row)]) * MICROS_PER_DAY,
            Column::Micros(micros) => micros.values()[self.value.at(row)],
        }
    }
}

/// 0000-03-01, from which all moments of the years 1 to 9999 are positive, in microseconds before 1970-01-01: divisions of
/// positive numbers by constants are cheaper.
const ERA: i64 = 719_468 * MICROS_PER_DAY;

/// The day of a moment, and the microseconds since it began.
#[inline]
pub(super) fn day_and_time(micros: i64) -> (i32, i64) {
    let past = micros.wrapping_add(ERA) as u64;
    let day = past / MICROS_PER_DAY as u64;
    (
        day as i32 - 719_468,
        (past - day * MICROS_PER_DAY as u64) as i64,
    )
}

/// The day of a moment.
#[inline]
pub(super) fn civil_day(micros: i64) -> i32 {
    day_and_time(micros).0
}

/// Milliseconds on a grid of 1/300 s (semantics 1.5.5).
#[inline]
pub(super) fn on_grid(micros: i64) -> i64 {
    let past = micros.wrapping_add(ERA) as u64;
    let fraction = (past % 1_000_000) as u32;
    if fraction == 0 {
        return micros;
    }
    let ticks = (fraction * 3 + 5_000) / 10_000;
    // 10, 13 and 17 milliseconds: a tick shows as whole ones.
    let millis = (ticks * 10 + 1) / 3;
    // The last second of 9999 has no next one.
    (micros - i64::from(fraction) + i64::from(millis * 1000)).min(LAST_ON_GRID)
}

/// 9999-12-31 23:59:59.997.
const LAST_ON_GRID: i64 = 2_932_897 * MICROS_PER_DAY - 3_000;

fn map<T: Copy, R, F: Fn(T) -> R>(values: &[T], number: F) -> Vec<R> {
    values.iter().map(|value| number(*value)).collect()
}

/// Sunday is 0: 1970-01-01 was a Thursday.
pub(super) fn weekday(day: i32) -> i32 {
    (day + 4).rem_euclid(7)
}

pub(super) fn day_of_year(day: i32) -> i32 {
    let (year, month, of_month) = civil_from_days(day);
    let leap = is_leap(year);
    const BEFORE: [i32; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    BEFORE[(month as usize - 1) % 12] + of_month as i32 + i32::from(leap && month > 2)
}

/// Week 1 has the 1st of January; weeks begin on Sunday.
pub(super) fn week_of_year(day: i32) -> i32 {
    let of_year = day_of_year(day);
    let first = weekday(day - (of_year - 1));
    (of_year - 1 + first) / 7 + 1
}
