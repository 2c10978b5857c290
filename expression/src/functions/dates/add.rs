//! Moments moved by a number of units; `None` outside the years 1 to 9999.

use crate::text::{MICROS_PER_DAY, civil_from_days, days_of_day, days_of_month};

use super::moments::day_and_time;

/// 0001-01-01 and the end of 9999-12-31.
const FIRST: i64 = -719_162 * MICROS_PER_DAY;
const END: i64 = 2_932_897 * MICROS_PER_DAY;

/// By units that always have the same length.
#[inline]
pub(super) fn fixed(micros: i64, count: i64, size: i64) -> Option<i64> {
    let moved = count
        .checked_mul(size)
        .and_then(|by| micros.checked_add(by))?;
    (FIRST..END).contains(&moved).then_some(moved)
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
