//! Days and times: the proleptic Gregorian calendar, years 1 to 9999, counted from 1970-01-01.

use super::ParseError;

/// Nanoseconds of a day.
pub const NANOS_PER_DAY: i64 = 86_400_000_000_000;
/// Microseconds of a day.
pub const MICROS_PER_DAY: i64 = 86_400_000_000;

/// A date and a time of day as a text gave them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct DateTime {
    /// Days from 1970-01-01. A text with a time only has 1899-12-30, the zero of OLE automation dates.
    pub days: i32,
    /// Nanoseconds from midnight, below [`NANOS_PER_DAY`].
    pub nanos: i64,
    /// Minutes east of UTC, when the text had a zone.
    pub offset_minutes: Option<i16>,
}

/// 1899-12-30 in days from 1970-01-01.
pub(super) const OLE_ZERO: i32 = -25_569;

impl DateTime {
    /// Carries whole days out of `nanos` (24:00:00, a leap second, a zone) into `days`.
    ///
    /// # Errors
    /// [`ParseError::Overflow`] outside the years 1 to 9999.
    pub(super) fn normalised(
        days: i32,
        nanos: i64,
        offset_minutes: Option<i16>,
    ) -> Result<Self, ParseError> {
        let days = i64::from(days) + nanos.div_euclid(NANOS_PER_DAY);
        let days = i32::try_from(days).map_err(|_| ParseError::Overflow)?;
        if !(days_of_year(1)..days_of_year(10_000)).contains(&days) {
            return Err(ParseError::Overflow);
        }
        Ok(Self {
            days,
            nanos: nanos.rem_euclid(NANOS_PER_DAY),
            offset_minutes,
        })
    }

    /// The same moment at UTC; itself without a zone.
    ///
    /// # Errors
    /// [`ParseError::Overflow`] outside the years 1 to 9999.
    pub fn to_utc(self) -> Result<Self, ParseError> {
        let offset = i64::from(self.offset_minutes.unwrap_or(0)) * 60_000_000_000;
        Self::normalised(self.days, self.nanos - offset, None)
    }

    /// Microseconds from 1970-01-01, what is finer cut off.
    pub fn micros(self) -> i64 {
        i64::from(self.days) * MICROS_PER_DAY + self.nanos / 1000
    }
}

/// Days before each month of a common year, and the length of the month; 0 for what is no month.
const MONTHS: [(i32, u32); 16] = {
    let mut months = [(0, 0); 16];
    let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let (mut month, mut before) = (0, 0);
    while month < 12 {
        months[month + 1] = (before, lengths[month]);
        before += lengths[month] as i32;
        month += 1;
    }
    months
};

/// Days from 1970-01-01; `None` for a day that is not in the calendar or a year outside 1 to 9999.
#[inline]
pub fn days_from_civil(year: u32, month: u32, day: u32) -> Option<i32> {
    let leap = is_leap(year);
    let (before, length) = *MONTHS.get(month as usize)?;
    let leap_february = leap && month == 2;
    let leap_passed = leap && month > 2;
    // A day of 0 wraps around and is too long for any month.
    if day.wrapping_sub(1) >= length + u32::from(leap_february) || !(1..=9999).contains(&year) {
        return None;
    }
    Some(days_of_year(year) + before + i32::from(leap_passed) + day as i32 - 1)
}

/// Days of a month of a year.
#[inline]
pub fn days_of_month(year: u32, month: u32) -> u32 {
    match month {
        2 => 28 + u32::from(is_leap(year)),
        // 31 in odd months up to July, in even ones from August.
        _ => 30 | (month ^ (month >> 3)),
    }
}

/// Divisible by 4, but not by 100 unless by 400.
#[inline]
pub fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(25) || year.is_multiple_of(16))
}

/// Days from 1970-01-01 of a day that is in the calendar (Neri and Schneider, as [`civil_from_days`]).
#[inline]
pub fn days_of_day(year: u32, month: u32, day: u32) -> i32 {
    let next = month <= 2;
    let (year, month) = match next {
        true => (year - 1, month + 12),
        false => (year, month),
    };
    let century = year / 100;
    let of_years = 1461 * year / 4 - century + century / 4;
    let of_months = (979 * month - 2919) / 32;
    (of_years + of_months + day) as i32 - 719_469
}

/// Year, month and day of a count of days from 1970-01-01 (years 1 to 9999).
///
/// Counts of a period times a constant, with the remainder in the low bits, instead of divisions: Neri and Schneider,
/// "Euclidean affine functions and their application to calendar algorithms" (2023).
#[inline]
pub fn civil_from_days(days: i32) -> (u32, u32, u32) {
    // Shifted to the 1st of March of year 0: leap days then end a year, and months have a regular length.
    let (century, year_of_century, of_year) = march_years(days);
    let months = 2141 * of_year + 197_913;
    let (month, day) = (months >> 16, (months & 0xFFFF) / 2141);
    let next = of_year >= 306;
    let year = 100 * century + year_of_century + u32::from(next);
    (year, if next { month - 12 } else { month }, day + 1)
}

/// Months from January of year 0 to the month of a count of days from 1970-01-01 (years 1 to 9999).
#[inline]
pub fn months_from_days(days: i32) -> i32 {
    let (century, year_of_century, of_year) = march_years(days);
    // Months 13 and 14 of a year from March are 1 and 2 of the next one.
    let month = (2141 * of_year + 197_913) >> 16;
    (1200 * century + 12 * year_of_century + month) as i32 - 1
}

/// Century, year and day of a count of days, where years begin on the 1st of March; anything for other years than 1 to 9999.
#[inline]
fn march_years(days: i32) -> (u32, u32, u32) {
    let quarters = (days.wrapping_add(719_468) as u32).wrapping_mul(4) | 3;
    let century = quarters / 146_097;
    let quarters = (quarters % 146_097) | 3;
    let product = 2_939_745 * u64::from(quarters);
    (
        century,
        (product >> 32) as u32,
        product as u32 / 2_939_745 / 4,
    )
}

/// The 1st of January of a year from 1, in days from 1970-01-01.
#[inline]
fn days_of_year(year: u32) -> i32 {
    let past = year - 1;
    let centuries = past / 100;
    (past * 365 + past / 4 - centuries + centuries / 4) as i32 - 719_162
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_ten_thousand_years_comes_back() {
        let first = days_from_civil(1, 1, 1).unwrap();
        assert_eq!(first, -719_162);
        let mut days = first;
        for year in 1..=9999 {
            for month in 1..=12 {
                let mut last = 0;
                for day in 1..=31 {
                    if let Some(found) = days_from_civil(year, month, day) {
                        assert_eq!(found, days, "{year}-{month}-{day}");
                        assert_eq!(civil_from_days(days), (year, month, day));
                        assert_eq!(days_of_day(year, month, day), days);
                        assert_eq!(months_from_days(days), (year * 12 + month) as i32 - 1);
                        last = day;
                        days += 1;
                    }
                }
                assert_eq!(days_of_month(year, month), last);
            }
        }
        assert_eq!(days_from_civil(9999, 12, 31), Some(days - 1));
        assert_eq!(days_from_civil(1970, 1, 1), Some(0));
        assert_eq!(days_from_civil(1899, 12, 30), Some(OLE_ZERO));
        assert_eq!(days_from_civil(1900, 2, 29), None);
        assert_eq!(days_from_civil(2000, 2, 30), None);
    }
}
