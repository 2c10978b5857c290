//! Moments moved by a number of units; `None` outside the years 1 to 9999.

use arrow::{array::AsArray, datatypes::Int32Type};

use super::moments::{Moments, day_and_time};
use crate::{
    arrays::zipped,
    evaluate::Value,
    text::{MICROS_PER_DAY, civil_from_days, days_of_day, days_of_month},
};

/// 0001-01-01 and the end of 9999-12-31.
const FIRST: i64 = -719_162 * MICROS_PER_DAY;
const END: i64 = 2_932_897 * MICROS_PER_DAY;

/// So many of the longest unit of a fixed length, a week, are a number of 64 bits.
const COUNT_MAX: u32 = 1 << 22;

/// By units that always have the same length.
#[inline]
pub(super) fn fixed(micros: i64, count: i64, size: i64) -> Option<i64> {
    let moved = count
        .checked_mul(size)
        .and_then(|by| micros.checked_add(by))?;
    (FIRST..END).contains(&moved).then_some(moved)
}

/// All rows by units that always have the same length, NULL ones by anything; `None` if one of them may fail.
pub(super) fn all_fixed(counts: &Value, moments: &Moments<'_>, size: i64) -> Option<Vec<i64>> {
    let numbers = counts.array.as_primitive::<Int32Type>().values();
    let scalars = (counts.is_scalar, moments.is_scalar());
    let micros = moments.all_on_grid();
    let (moved, wrong) = zipped(
        numbers,
        &micros,
        scalars,
        |count: i32, micros, wrong: &mut u64| {
            let moved = i64::wrapping_add(micros, i64::from(count).wrapping_mul(size));
            let far = count.unsigned_abs() > COUNT_MAX;
            *wrong |= u64::from(far) | u64::from(moved < FIRST) | u64::from(moved >= END);
            moved
        },
    );
    (wrong == 0).then_some(moved)
}

/// By months: the last day of a month stays its last day where the new month is shorter.
pub(super) fn months(micros: i64, count: i64) -> Option<i64> {
    let (day, time) = day_and_time(micros);
    let (year, month, of_month) = civil_from_days(day);
    let moved = i64::from(year) * 12 + i64::from(month) - 1 + count;
    let moved = u32::try_from(moved).ok()?;
    let (year, month) = (moved / 12, moved % 12 + 1);
    if !(1..=9999).contains(&year) {
        return None;
    }
    let day = days_of_day(year, month, of_month.min(days_of_month(year, month)));
    Some(i64::from(day) * MICROS_PER_DAY + time)
}
