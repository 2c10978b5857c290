//! Dates and times. The calendar is worked out by multiplication, without tables or branches per value.
//!
//! Years 1 to 9999 have four digits; a year outside them (no SSIS type holds one) is written with its sign and all digits.

use super::integer::two_digits;

const DAY_US: i64 = 86_400_000_000;

/// `DT_DBDATE`: `2024-02-29` from days since 1970-01-01.
#[inline]
pub fn append_date(days: i32, out: &mut Vec<u8>) {
    // years 1 to 9999
    if (-719_162..=2_932_896).contains(&days) {
        let (year, month, day) = civil(days);
        let [y0, y1] = two_digits(year / 100);
        let [y2, y3] = two_digits(year % 100);
        let [m0, m1] = two_digits(month);
        let [d0, d1] = two_digits(day);
        out.extend_from_slice(&[y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1]);
    } else {
        append_far_date(days, out);
    }
}

/// `DT_DBTIME`: `13:05:09` from seconds since midnight.
pub fn append_time(seconds: i32, out: &mut Vec<u8>) {
    append_clock(seconds.unsigned_abs(), b':', out);
}

/// `DT_DBTIME2`: `13:05:09.1234567` from nanoseconds since midnight, `scale` digits of fraction.
pub fn append_time2(nanoseconds: i64, scale: u8, out: &mut Vec<u8>) {
    let nanoseconds = nanoseconds.unsigned_abs();
    append_clock((nanoseconds / 1_000_000_000) as u32, b':', out);
    append_fraction((nanoseconds % 1_000_000_000) as u32, scale, b'.', out);
}

/// `DT_DATE`, `DT_DBTIMESTAMP`: `2024-02-29 13:05:09` from microseconds since 1970-01-01, followed by `.fff` if there is a
/// fraction (`.ffffff` if milliseconds do not hold it: no digit is dropped).
pub fn append_timestamp(microseconds: i64, out: &mut Vec<u8>) {
    let fraction = append_date_and_clock(microseconds, out);
    if fraction != 0 {
        let scale = if fraction.is_multiple_of(1000) { 3 } else { 6 };
        append_fraction(fraction * 1000, scale, b'.', out);
    }
}

/// `DT_DBTIMESTAMP2`: `scale` digits of fraction, 0 to 7.
pub fn append_timestamp2(microseconds: i64, scale: u8, out: &mut Vec<u8>) {
    let fraction = append_date_and_clock(microseconds, out);
    append_fraction(fraction * 1000, scale, b'.', out);
}

/// `DT_DBTIMESTAMPOFFSET`: `2024-02-29 13:05:09.12 +01:00`, local time from UTC and the offset.
pub fn append_timestamp_offset(
    utc_microseconds: i64,
    offset_minutes: i16,
    scale: u8,
    out: &mut Vec<u8>,
) {
    let local = utc_microseconds.saturating_add(i64::from(offset_minutes) * 60_000_000);
    append_timestamp2(local, scale, out);
    let minutes = u32::from(offset_minutes.unsigned_abs());
    let [h0, h1] = two_digits(minutes / 60);
    let [m0, m1] = two_digits(minutes % 60);
    let sign = if offset_minutes < 0 { b'-' } else { b'+' };
    out.extend_from_slice(&[b' ', sign, h0, h1, b':', m0, m1]);
}

/// `DT_FILETIME`: `2024-02-29 13:05:09:123`.
pub fn append_filetime(microseconds: i64, out: &mut Vec<u8>) {
    let fraction = append_date_and_clock(microseconds, out);
    append_fraction(fraction * 1000, 3, b':', out);
}

/// Returns the microseconds within the second.
#[inline]
fn append_date_and_clock(microseconds: i64, out: &mut Vec<u8>) -> u32 {
    append_date(microseconds.div_euclid(DAY_US) as i32, out);
    let in_day = microseconds.rem_euclid(DAY_US);
    out.push(b' ');
    append_clock((in_day / 1_000_000) as u32, b':', out);
    (in_day % 1_000_000) as u32
}

#[inline]
fn append_clock(seconds: u32, between: u8, out: &mut Vec<u8>) {
    let [h0, h1] = two_digits(seconds / 3600);
    let [m0, m1] = two_digits(seconds / 60 % 60);
    let [s0, s1] = two_digits(seconds % 60);
    out.extend_from_slice(&[h0, h1, between, m0, m1, between, s0, s1]);
}

/// The first `scale` of nine digits; nothing for scale 0.
fn append_fraction(nanoseconds: u32, scale: u8, before: u8, out: &mut Vec<u8>) {
    if scale == 0 {
        return;
    }
    out.push(before);
    let end = out.len() + usize::from(scale.min(9));
    out.push(b'0' + (nanoseconds / 100_000_000) as u8);
    super::integer::append_eight(nanoseconds % 100_000_000, out);
    out.truncate(end);
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

#[cold]
fn append_far_date(days: i32, out: &mut Vec<u8>) {
    let shifted = i64::from(days) + 719_468;
    let (era, in_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let (year, month, day) = civil(in_era as i32 - 719_468);
    let year = era * 400 + i64::from(year);
    if (0..1000).contains(&year) {
        out.extend_from_slice(b"0000");
        out.truncate(
            out.len()
                - year
                    .checked_ilog10()
                    .map_or(1, |digits| digits as usize + 1),
        );
    }
    super::append_i64(year, out);
    let [m0, m1] = two_digits(month);
    let [d0, d1] = two_digits(day);
    out.extend_from_slice(&[b'-', m0, m1, b'-', d0, d1]);
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Datelike, NaiveDate};

    use super::*;

    fn text(append: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        append(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_day_of_years_1_to_9999() {
        let mut day = NaiveDate::from_ymd_opt(1, 1, 1).unwrap();
        for days in -719_162..=2_932_896 {
            assert_eq!(civil(days), (day.year() as u32, day.month(), day.day()));
            day = day.succ_opt().unwrap_or(day);
        }
        assert_eq!(text(|out| append_date(-719_162, out)), "0001-01-01");
        assert_eq!(text(|out| append_date(2_932_896, out)), "9999-12-31");
        assert_eq!(text(|out| append_date(2_932_897, out)), "10000-01-01");
        assert_eq!(text(|out| append_date(-719_163, out)), "0000-12-31");
    }

    #[test]
    fn times() {
        let at = DateTime::parse_from_rfc3339("2024-02-29T13:05:09.120Z")
            .unwrap()
            .timestamp_micros();
        assert_eq!(
            text(|out| append_timestamp(at, out)),
            "2024-02-29 13:05:09.120"
        );
        assert_eq!(
            text(|out| append_timestamp(at - 120_000, out)),
            "2024-02-29 13:05:09"
        );
        assert_eq!(
            text(|out| append_timestamp(at + 5, out)),
            "2024-02-29 13:05:09.120005"
        );
        assert_eq!(
            text(|out| append_timestamp2(at, 0, out)),
            "2024-02-29 13:05:09"
        );
        assert_eq!(
            text(|out| append_timestamp2(at, 7, out)),
            "2024-02-29 13:05:09.1200000"
        );
        assert_eq!(
            text(|out| append_filetime(at, out)),
            "2024-02-29 13:05:09:120"
        );
        assert_eq!(
            text(|out| append_timestamp_offset(at, -570, 2, out)),
            "2024-02-29 03:35:09.12 -09:30"
        );
        assert_eq!(
            text(|out| append_timestamp(-1_000_000, out)),
            "1969-12-31 23:59:59"
        );
        assert_eq!(text(|out| append_time(86_399, out)), "23:59:59");
        assert_eq!(
            text(|out| append_time2(1_234_567_890, 7, out)),
            "00:00:01.2345678"
        );
    }
}
