//! FastParse dates and times (semantics 9.10): ISO forms only, no locale.
//!
//! ```text
//!  date   YYYYMMDD  YYYY-MM-DD  YYYY-MM  YYYY          missing parts are 01
//!  time   HH[.f]  HHMI[.f]  HHMISS[.f]  HH:MI[.f]  HH:MI:SS[.f]      24:00:00, second 60
//!  zone   Z  +HH  +HHMI  +HH:MI                        follows the time without a blank
//!  both   date T time
//! ```

use super::{
    DateTime, NANOS_PER_DAY, ParseError,
    calendar::{OLE_ZERO, days_from_civil},
    trim,
};

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// A date, or a date and a time joined by `T`.
///
/// # Errors
/// [`ParseError::Syntax`] for any other form, [`ParseError::Overflow`] outside the years 1 to 9999.
pub fn parse_fast_date_time(text: &[u8]) -> Result<DateTime, ParseError> {
    let text = trim(text);
    let (date, time) = match text.iter().position(|byte| *byte == b'T') {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let days = read_date(date)?;
    let (nanos, offset) = time.map_or(Ok((0, None)), read_time)?;
    DateTime::normalised(days, nanos, offset)
}

/// A time of day. The date is the zero of OLE automation; 24:00:00 is midnight.
///
/// # Errors
/// [`ParseError::Syntax`] for any other form.
pub fn parse_fast_time(text: &[u8]) -> Result<DateTime, ParseError> {
    let (nanos, offset_minutes) = read_time(trim(text))?;
    Ok(DateTime {
        days: OLE_ZERO,
        nanos: nanos % NANOS_PER_DAY,
        offset_minutes,
    })
}

fn number(digits: &[u8]) -> Result<u32, ParseError> {
    if digits.is_empty() || digits.len() > 9 || !digits.iter().all(u8::is_ascii_digit) {
        return Err(ParseError::Syntax);
    }
    Ok(digits
        .iter()
        .fold(0, |value, digit| value * 10 + u32::from(digit - b'0')))
}

fn read_date(text: &[u8]) -> Result<i32, ParseError> {
    let (year, month, day) = match text.len() {
        4 => (number(text)?, 1, 1),
        7 if text[4] == b'-' => (number(&text[..4])?, number(&text[5..])?, 1),
        8 => (
            number(&text[..4])?,
            number(&text[4..6])?,
            number(&text[6..])?,
        ),
        10 if text[4] == b'-' && text[7] == b'-' => (
            number(&text[..4])?,
            number(&text[5..7])?,
            number(&text[8..])?,
        ),
        _ => return Err(ParseError::Syntax),
    };
    days_from_civil(year, month, day).ok_or(ParseError::Syntax)
}

/// Nanoseconds from midnight (a whole day for 24:00:00, beyond a minute for second 60) and the zone.
fn read_time(text: &[u8]) -> Result<(i64, Option<i16>), ParseError> {
    let (clock, offset) = match text
        .iter()
        .position(|byte| matches!(byte, b'Z' | b'+' | b'-'))
    {
        Some(at) => (&text[..at], Some(read_zone(&text[at..])?)),
        None => (text, None),
    };
    let (units, fraction) = match clock.iter().position(|byte| *byte == b'.') {
        Some(at) => (&clock[..at], &clock[at + 1..]),
        None => (clock, &clock[..0]),
    };
    if units.len() < clock.len() && fraction.is_empty() {
        return Err(ParseError::Syntax);
    }
    let (hour, minute, second, last_unit) = match units.len() {
        2 => (number(units)?, 0, 0, 3600),
        4 => (number(&units[..2])?, number(&units[2..])?, 0, 60),
        5 if units[2] == b':' => (number(&units[..2])?, number(&units[3..])?, 0, 60),
        6 => (
            number(&units[..2])?,
            number(&units[2..4])?,
            number(&units[4..])?,
            1,
        ),
        8 if units[2] == b':' && units[5] == b':' => (
            number(&units[..2])?,
            number(&units[3..5])?,
            number(&units[6..])?,
            1,
        ),
        _ => return Err(ParseError::Syntax),
    };
    let part = read_fraction(fraction, last_unit)?;
    let seconds = i64::from(hour * 3600 + minute * 60 + second);
    let nanos = seconds * NANOS_PER_SECOND + part;
    if hour > 24 || minute > 59 || second > 60 || (hour == 24 && nanos != NANOS_PER_DAY) {
        return Err(ParseError::Syntax);
    }
    Ok((nanos, offset))
}

/// The fraction of a unit of `seconds` seconds, in nanoseconds, what is finer cut off.
fn read_fraction(digits: &[u8], seconds: i64) -> Result<i64, ParseError> {
    if !digits.iter().all(u8::is_ascii_digit) {
        return Err(ParseError::Syntax);
    }
    // 13 digits are finer than a nanosecond even of an hour, and 3600e9 * 1e13 fits well in 128 bits.
    let digits = digits.get(..13).unwrap_or(digits);
    let value = digits
        .iter()
        .fold(0i128, |value, digit| value * 10 + i128::from(digit - b'0'));
    let unit = i128::from(seconds * NANOS_PER_SECOND);
    Ok((value * unit / 10i128.pow(digits.len() as u32)) as i64)
}

fn read_zone(text: &[u8]) -> Result<i16, ParseError> {
    let (sign, digits) = match text {
        b"Z" => return Ok(0),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return Err(ParseError::Syntax),
    };
    let (hours, minutes) = match digits.len() {
        2 => (number(digits)?, 0),
        4 => (number(&digits[..2])?, number(&digits[2..])?),
        5 if digits[2] == b':' => (number(&digits[..2])?, number(&digits[3..])?),
        _ => return Err(ParseError::Syntax),
    };
    if hours > 14 || minutes > 59 || (hours == 14 && minutes > 0) {
        return Err(ParseError::Syntax);
    }
    Ok(sign * (hours * 60 + minutes) as i16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date_time(text: &str) -> Result<(i32, i64, Option<i16>), ParseError> {
        parse_fast_date_time(text.as_bytes())
            .map(|found| (found.days, found.nanos, found.offset_minutes))
    }

    fn time(text: &str) -> Result<i64, ParseError> {
        parse_fast_time(text.as_bytes()).map(|found| found.nanos)
    }

    #[test]
    fn dates_in_the_four_forms() {
        let day = |year, month, day| Ok((days_from_civil(year, month, day).unwrap(), 0, None));
        assert_eq!(date_time("20030806"), day(2003, 8, 6));
        assert_eq!(date_time(" 2003-08-06\t"), day(2003, 8, 6));
        assert_eq!(date_time("2003-08"), day(2003, 8, 1));
        assert_eq!(date_time("2003"), day(2003, 1, 1));
        for bad in [
            "8/6/2003",
            "2003-8-6",
            "03-08-06",
            "Aug 2003",
            "2003-02-30",
            "0000",
            "",
            "2003-08-06 12:00",
        ] {
            assert_eq!(date_time(bad), Err(ParseError::Syntax), "{bad}");
        }
    }

    #[test]
    fn a_fraction_belongs_to_the_last_unit() {
        let second = NANOS_PER_SECOND;
        assert_eq!(time("12.5"), Ok((12 * 3600 + 1800) * second));
        assert_eq!(time("1220.25"), Ok((12 * 3600 + 20 * 60 + 15) * second));
        assert_eq!(time("12:20.25"), time("1220.25"));
        assert_eq!(
            time("122040.250"),
            Ok((12 * 3600 + 20 * 60 + 40) * second + second / 4)
        );
        assert_eq!(
            time("12:20:40.1234567"),
            Ok((12 * 3600 + 20 * 60 + 40) * second + 123_456_700)
        );
        for bad in [
            "12.", "1:20", "12:60", "25", "12:20:61", "12:20 PM", "1220407", "12:20:4",
        ] {
            assert_eq!(time(bad), Err(ParseError::Syntax), "{bad}");
        }
    }

    #[test]
    fn the_day_carries_and_zones_follow() {
        let next = days_from_civil(2004, 1, 1).unwrap();
        assert_eq!(date_time("2003-12-31T24:00:00"), Ok((next, 0, None)));
        assert_eq!(date_time("20031231T235960"), Ok((next, 0, None)));
        assert_eq!(time("24:00:00"), Ok(0));
        assert_eq!(date_time("2003-12-31T24:00:01"), Err(ParseError::Syntax));
        assert_eq!(
            date_time("2004-01-01T01:00+02:00"),
            Ok((next, 3600 * NANOS_PER_SECOND, Some(120)))
        );
        assert_eq!(date_time("2004-01-01T0100-0330").unwrap().2, Some(-210));
        assert_eq!(date_time("2004-01-01T01Z").unwrap().2, Some(0));
        assert_eq!(date_time("2004-01-01T01+15"), Err(ParseError::Syntax));
        assert_eq!(date_time("9999-12-31T24:00:00"), Err(ParseError::Overflow));
    }
}
