//! Dates and times. The calendar is worked out by multiplication, without tables or branches per value.
//!
//! Years 1 to 9999 have four digits; a year outside them (no SSIS type holds one) is written with its sign and all digits.

use super::{
    field::{Field, store},
    integer::{eight, put_i64, two_digits},
};

const DAY_US: i64 = 86_400_000_000;

/// `DT_DBDATE`: `2024-02-29` from days since 1970-01-01. As all of this file, returns where the text ends.
#[inline]
pub fn put_date(days: i32, field: &mut Field) -> usize {
    // years 1 to 9999
    if !(-719_162..=2_932_896).contains(&days) {
        return put_far_date(days, field);
    }
    let (year, month, day) = civil(days);
    let [y0, y1] = two_digits(year / 100);
    let [y2, y3] = two_digits(year % 100);
    let [m0, m1] = two_digits(month);
    let [d0, d1] = two_digits(day);
    store(field, 0, [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1]);
    10
}

/// `DT_DBTIME`: `13:05:09` from seconds since midnight.
pub fn put_time(seconds: i32, field: &mut Field) -> usize {
    put_clock(seconds.unsigned_abs(), field, 0)
}

/// `DT_DBTIME2`: `13:05:09.1234567` from nanoseconds since midnight, `scale` digits of fraction.
pub fn put_time2(nanoseconds: i64, scale: u8, field: &mut Field) -> usize {
    let nanoseconds = nanoseconds.unsigned_abs();
    let end = put_clock((nanoseconds / 1_000_000_000) as u32, field, 0);
    let fraction = (nanoseconds % 1_000_000_000) as u32;
    put_fraction(fraction, scale, b'.', field, end)
}

/// `DT_DBTIMESTAMP`: `2024-02-29 13:05:09` from microseconds since 1970-01-01, followed by nine digits of fraction if there
/// is one: `2024-02-29 13:05:09.120000000`.
#[inline]
pub fn put_timestamp(microseconds: i64, field: &mut Field) -> usize {
    let (fraction, end) = put_date_and_clock(microseconds, field);
    match fraction {
        0 => end,
        _ => put_fraction(fraction * 1000, 9, b'.', field, end),
    }
}

/// `DT_DATE` where no locale is known: `2024-02-29 13:05:09`, followed by `.fff` if there is a fraction (`.ffffff` if
/// milliseconds do not hold it: no digit is dropped).
pub fn put_ole_date(microseconds: i64, field: &mut Field) -> usize {
    let (fraction, end) = put_date_and_clock(microseconds, field);
    match fraction {
        0 => end,
        _ if fraction.is_multiple_of(1000) => put_fraction(fraction * 1000, 3, b'.', field, end),
        _ => put_fraction(fraction * 1000, 6, b'.', field, end),
    }
}

/// `DT_DBTIMESTAMP2`: `scale` digits of fraction, 0 to 7.
pub fn put_timestamp2(microseconds: i64, scale: u8, field: &mut Field) -> usize {
    let (fraction, end) = put_date_and_clock(microseconds, field);
    put_fraction(fraction * 1000, scale, b'.', field, end)
}

/// `DT_DBTIMESTAMPOFFSET`: `2024-02-29 13:05:09.12 +01:00`, local time from UTC and the offset.
pub fn put_timestamp_offset(
    utc_microseconds: i64,
    offset_minutes: i16,
    scale: u8,
    field: &mut Field,
) -> usize {
    let local = utc_microseconds.saturating_add(i64::from(offset_minutes) * 60_000_000);
    let end = put_timestamp2(local, scale, field);
    let minutes = u32::from(offset_minutes.unsigned_abs());
    let [h0, h1] = two_digits(minutes / 60);
    let [m0, m1] = two_digits(minutes % 60);
    let sign = if offset_minutes < 0 { b'-' } else { b'+' };
    store(field, end, [b' ', sign, h0, h1, b':', m0, m1]);
    end + 7
}

/// `DT_FILETIME`: `2024-02-29 13:05:09:123`.
pub fn put_filetime(microseconds: i64, field: &mut Field) -> usize {
    let (fraction, end) = put_date_and_clock(microseconds, field);
    put_fraction(fraction * 1000, 3, b':', field, end)
}

/// Returns the microseconds within the second, and where the text ends.
#[inline]
fn put_date_and_clock(microseconds: i64, field: &mut Field) -> (u32, usize) {
    let end = put_date(microseconds.div_euclid(DAY_US) as i32, field);
    let in_day = microseconds.rem_euclid(DAY_US);
    store(field, end, [b' ']);
    let end = put_clock((in_day / 1_000_000) as u32, field, end + 1);
    ((in_day % 1_000_000) as u32, end)
}

#[inline]
fn put_clock(seconds: u32, field: &mut Field, at: usize) -> usize {
    let [h0, h1] = two_digits(seconds / 3600);
    let [m0, m1] = two_digits(seconds / 60 % 60);
    let [s0, s1] = two_digits(seconds % 60);
    store(field, at, [h0, h1, b':', m0, m1, b':', s0, s1]);
    at + 8
}

/// The first `scale` of nine digits; nothing for scale 0.
fn put_fraction(nanoseconds: u32, scale: u8, before: u8, field: &mut Field, at: usize) -> usize {
    if scale == 0 {
        return at;
    }
    store(
        field,
        at,
        [before, b'0' + (nanoseconds / 100_000_000) as u8],
    );
    store(field, at + 2, eight(nanoseconds % 100_000_000));
    at + 1 + usize::from(scale.min(9))
}

/// Year, month and day of a day since 1970-01-01 in the years 1 to 9999.
///
/// Days are counted from 0000-03-01, so that the leap day comes last; a quotient by a constant gives century, year of the
/// century and month in turn.
#[inline]
fn civil(days: i32) -> (u32, u32, u32) {
    let quarters = 4 * (days + 719_468) as u32 + 3;
    let (century, in_century) = (quarters / 146_097, quarters % 146_097 / 4);
    let quarters = 4 * in_century + 3;
    let (year, in_year) = (quarters / 1461, quarters % 1461 / 4);
    let month = (5 * in_year + 2) / 153; // March is 0
    let day = in_year - (153 * month + 2) / 5 + 1;
    let late = u32::from(month >= 10); // January and February belong to the next year
    (century * 100 + year + late, month + 3 - 12 * late, day)
}

/// A year that no SSIS type holds, with its sign and all digits.
#[cold]
fn put_far_date(days: i32, field: &mut Field) -> usize {
    let shifted = i64::from(days) + 719_468;
    let (era, in_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let (year, month, day) = civil(in_era as i32 - 719_468);
    let year = era * 400 + i64::from(year);
    let end = if year == 0 {
        store(field, 0, *b"0000");
        4
    } else {
        put_i64(year, field)
    };
    let [m0, m1] = two_digits(month);
    let [d0, d1] = two_digits(day);
    store(field, end, [b'-', m0, m1, b'-', d0, d1]);
    end + 6
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Datelike, NaiveDate};

    use super::{super::field::FIELD, *};

    fn text(put: impl FnOnce(&mut Field) -> usize) -> String {
        let mut field = [b'#'; FIELD];
        let end = put(&mut field);
        String::from_utf8(field[..end].to_vec()).unwrap()
    }

    #[test]
    fn every_day_of_years_1_to_9999() {
        let mut day = NaiveDate::from_ymd_opt(1, 1, 1).unwrap();
        for days in -719_162..=2_932_896 {
            assert_eq!(civil(days), (day.year() as u32, day.month(), day.day()));
            day = day.succ_opt().unwrap_or(day);
        }
        assert_eq!(text(|field| put_date(-719_162, field)), "0001-01-01");
        assert_eq!(text(|field| put_date(2_932_896, field)), "9999-12-31");
        assert_eq!(text(|field| put_date(2_932_897, field)), "10000-01-01");
        assert_eq!(text(|field| put_date(-719_163, field)), "0000-12-31");
    }

    #[test]
    fn times() {
        let at = DateTime::parse_from_rfc3339("2024-02-29T13:05:09.120Z")
            .unwrap()
            .timestamp_micros();
        assert_eq!(
            text(|field| put_timestamp(at, field)),
            "2024-02-29 13:05:09.120000000"
        );
        assert_eq!(
            text(|field| put_ole_date(at, field)),
            "2024-02-29 13:05:09.120"
        );
        assert_eq!(
            text(|field| put_ole_date(at + 5, field)),
            "2024-02-29 13:05:09.120005"
        );
        assert_eq!(
            text(|field| put_timestamp(at - 120_000, field)),
            "2024-02-29 13:05:09"
        );
        assert_eq!(
            text(|field| put_timestamp(at + 5, field)),
            "2024-02-29 13:05:09.120005000"
        );
        assert_eq!(
            text(|field| put_timestamp2(at, 0, field)),
            "2024-02-29 13:05:09"
        );
        assert_eq!(
            text(|field| put_timestamp2(at, 7, field)),
            "2024-02-29 13:05:09.1200000"
        );
        assert_eq!(
            text(|field| put_filetime(at, field)),
            "2024-02-29 13:05:09:120"
        );
        assert_eq!(
            text(|field| put_timestamp_offset(at, -570, 2, field)),
            "2024-02-29 03:35:09.12 -09:30"
        );
        assert_eq!(
            text(|field| put_timestamp(-1_000_000, field)),
            "1969-12-31 23:59:59"
        );
        assert_eq!(text(|field| put_time(86_399, field)), "23:59:59");
        assert_eq!(
            text(|field| put_time2(1_234_567_890, 7, field)),
            "00:00:01.2345678"
        );
    }
}
