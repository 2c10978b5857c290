//! Moments moved by a number of units; `None` outside the years 1 to 9999.

use crate::text::{MICROS_PER_DAY, civil_from_days, days_from_civil};

use super::moments::civil_day;

/// 0001-01-01 and 9999-12-31 in days.
const DAYS: std::ops::RangeInclusive<i64> = -719_162..=2_932_896;

/// By units that always have the same length.
pub(super) fn fixed(micros: i64, count: i64, size: i64) -> Option<i64> {
    let moved = count
        .checked_mul(size)
        .and_then(|by| micros.checked_add(by))?;
    DAYS.contains(&moved.div_euclid(MICROS_PER_DAY))
        .then_some(moved)
}

/// By months: the last day of a month stays its last day where the new month is shorter.
pub(super) fn months(micros: i64, count: i64) -> Option<i64> {
    let day = civil_day(micros);
    let time = micros - i64::from(day) * MICROS_PER_DAY;
    let (year, month, of_month) = civil_from_days(day);
    let moved = i64::from(year) * 12 + i64::from(month) - 1 + count;
    let year = u32::try_from(moved.div_euclid(12)).ok()?;
    let month = moved.rem_euclid(12) as u32 + 1;
    let day = days_from_civil(year, month, of_month.min(length(year, month)))?;
    Some(i64::from(day) * MICROS_PER_DAY + time)
}

fn length(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(leap),
        _ => 31,
    }
}
