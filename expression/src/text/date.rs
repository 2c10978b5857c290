//! Dates and times as people write them, by the rules of OLE automation under a locale (semantics 9.11, 1.5.2).
//!
//! ```text
//!  "6 August 2003 2:05 PM" ──▶ pieces: number, word, sign ──▶ date numbers + month + time + zone ──▶ DateTime
//! ```
//! A numeric date is read in the locale's order; when that is no day, in the other orders, as OLE automation does. A number
//! of four digits is the year wherever it stands. Years of two digits run from 1930 to 2029. OLE automation knows no fractions
//! of a second: SSIS reads them only behind a date that begins with its year (`2014-04-30 00:00:00.000`), and refuses
//! `30-04-2014 00:00:00.000`.

use super::{
    DateOrder, DateTime, Locale, ParseError, Style,
    calendar::{OLE_ZERO, days_from_civil},
    trim,
};

const NANOS_PER_SECOND: i64 = 1_000_000_000;
/// Longer texts are no dates.
const LENGTH_MAX: usize = 64;

/// A date, a time, or both, in any order of the two. [`Style::Cast`] reads as en-US; [`Style::Fast`] is not read here.
///
/// # Errors
/// [`ParseError::Syntax`] for anything else, also for a date without a year; [`ParseError::Overflow`] outside the years 1
/// to 9999.
pub fn parse_date_time(text: &[u8], style: Style<'_>) -> Result<DateTime, ParseError> {
    let locale = match style {
        Style::Standard(locale) => Some(locale),
        Style::Cast | Style::Fast => None,
    };
    let text = trim(text);
    if text.is_empty() || text.len() > LENGTH_MAX {
        return Err(ParseError::Syntax);
    }
    let text = std::str::from_utf8(text).map_err(|_| ParseError::Syntax)?;
    let mut reader = Reader {
        rest: text,
        locale,
        found: Found::default(),
    };
    reader.read()?;
    reader
        .found
        .finish(locale.map_or(DateOrder::MonthDayYear, |locale| locale.date_order))
}

/// The parts met so far.
#[derive(Default)]
struct Found {
    /// Value and number of digits.
    numbers: [(u32, usize); 3],
    count: usize,
    /// The month by name.
    month: Option<u32>,
    nanos: Option<i64>,
    /// The time has a fraction of a second.
    fraction: bool,
    afternoon: Option<bool>,
    offset_minutes: Option<i16>,
}

struct Reader<'t, 'l> {
    rest: &'t str,
    locale: Option<&'l Locale>,
    found: Found,
}

impl Reader<'_, '_> {
    fn read(&mut self) -> Result<(), ParseError> {
        // A sign between two parts of a date; two in a row are none.
        let mut separator = true;
        while let Some(first) = self.rest.chars().next() {
            if first.is_ascii_digit() {
                self.number()?;
                separator = false;
            } else if first.is_alphabetic() {
                self.word()?;
                separator = false;
            } else if first == ' ' || first == '\t' {
                self.skip(first);
            } else if matches!(first, '+' | '-') && self.found.nanos.is_some() {
                self.zone()?;
            } else if matches!(first, '/' | '-' | '.' | ',') && !separator {
                separator = true;
                self.skip(first);
            } else {
                return Err(ParseError::Syntax);
            }
        }
        // A sign at the end (`8/6/`) leaves the date unfinished.
        if separator {
            Err(ParseError::Syntax)
        } else {
            Ok(())
        }
    }

    fn skip(&mut self, sign: char) {
        self.rest = self.rest.strip_prefix(sign).unwrap_or(self.rest);
    }

    /// Takes digits off the front; at most nine.
    fn digits(&mut self) -> Result<(u32, usize), ParseError> {
        let tail = self.rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let length = self.rest.len() - tail.len();
        if !(1..=9).contains(&length) {
            return Err(ParseError::Syntax);
        }
        let value = self
            .rest
            .bytes()
            .take(length)
            .fold(0, |value, digit| value * 10 + u32::from(digit - b'0'));
        self.rest = tail;
        Ok((value, length))
    }

    fn number(&mut self) -> Result<(), ParseError> {
        let (value, length) = self.digits()?;
        let after = self.rest.trim_start_matches(' ');
        let clock = self.rest.starts_with(':') || (length <= 2 && meridiem(after).is_some());
        if clock {
            return self.time(value);
        }
        let slot = self
            .found
            .numbers
            .get_mut(self.found.count)
            .ok_or(ParseError::Syntax)?;
        *slot = (value, length);
        self.found.count += 1;
        Ok(())
    }

    /// `hour[:minute[:second[.fraction]]]`; the fraction may follow a colon (DT_FILETIME's form).
    fn time(&mut self, hour: u32) -> Result<(), ParseError> {
        if self.found.nanos.is_some() {
            return Err(ParseError::Syntax);
        }
        let (mut minute, mut second, mut nanos) = (0, 0, 0);
        if self.take(':') {
            minute = self.digits()?.0;
            if self.take(':') {
                second = self.digits()?.0;
                let fraction = self.rest.chars().nth(1).is_some_and(|c| c.is_ascii_digit());
                if fraction && (self.take('.') || self.take(':')) {
                    let (value, length) = self.digits()?;
                    self.found.fraction = true;
                    nanos = i64::from(value) * 10i64.pow(9 - length as u32);
                }
            }
        }
        if hour > 23 || minute > 59 || second > 59 {
            return Err(ParseError::Syntax);
        }
        let seconds = i64::from(hour * 3600 + minute * 60 + second);
        self.found.nanos = Some(seconds * NANOS_PER_SECOND + nanos);
        Ok(())
    }

    fn take(&mut self, sign: char) -> bool {
        match self.rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn word(&mut self) -> Result<(), ParseError> {
        let text = self.rest;
        let tail = text.trim_start_matches(|c: char| c.is_alphabetic());
        let word = text.strip_suffix(tail).unwrap_or(text);
        self.rest = tail;
        if let Some(afternoon) = meridiem(text) {
            let twice = self.found.afternoon.replace(afternoon).is_some();
            return if twice || self.found.nanos.is_none() {
                Err(ParseError::Syntax)
            } else {
                Ok(())
            };
        }
        match word {
            "T" if self.found.count == 3 && self.found.nanos.is_none() => Ok(()),
            "Z" if self.found.nanos.is_some() && self.found.offset_minutes.is_none() => {
                self.found.offset_minutes = Some(0);
                Ok(())
            }
            _ => self.month(word),
        }
    }

    fn month(&mut self, word: &str) -> Result<(), ParseError> {
        let month = match self.locale {
            Some(locale) => locale.month(word),
            None => Locale::from_lcid(1033)
                .ok()
                .and_then(|locale| locale.month(word)),
        };
        let month = month.ok_or(ParseError::Syntax)?;
        if self.found.month.replace(month).is_some() {
            return Err(ParseError::Syntax);
        }
        Ok(())
    }

    fn zone(&mut self) -> Result<(), ParseError> {
        let east = self.take('+');
        let sign = if !east && self.take('-') { -1 } else { 1 };
        // Documented: `16:34:52.1234567 + 5:35`.
        self.rest = self.rest.trim_start_matches(' ');
        let (mut hours, length) = self.digits()?;
        let mut minutes = 0;
        if length == 4 {
            (hours, minutes) = (hours / 100, hours % 100);
        } else if self.take(':') {
            minutes = self.digits()?.0;
        }
        let total = hours.saturating_mul(60).saturating_add(minutes);
        let twice = self.found.offset_minutes.is_some();
        if twice || minutes > 59 || total > 14 * 60 {
            return Err(ParseError::Syntax);
        }
        self.found.offset_minutes = Some(sign * total as i16);
        Ok(())
    }
}

/// AM or PM at the start of `text` as a whole word: whether it is the afternoon.
fn meridiem(text: &str) -> Option<bool> {
    let tail = text.trim_start_matches(|c: char| c.is_alphabetic());
    let word = text.strip_suffix(tail).unwrap_or(text);
    if word.eq_ignore_ascii_case("am") || word.eq_ignore_ascii_case("a") {
        Some(false)
    } else if word.eq_ignore_ascii_case("pm") || word.eq_ignore_ascii_case("p") {
        Some(true)
    } else {
        None
    }
}

impl Found {
    fn finish(&self, order: DateOrder) -> Result<DateTime, ParseError> {
        if self.fraction && !self.is_time_or_iso() {
            return Err(ParseError::Syntax);
        }
        let nanos = self.nanos_of_day()?;
        let days = match (self.month, self.count) {
            (None, 0) if self.nanos.is_some() => OLE_ZERO,
            (None, 3) => self.numeric(order).ok_or(ParseError::Syntax)?,
            (None, 2) => self.year_and_month().ok_or(ParseError::Syntax)?,
            (Some(month), 1 | 2) => self.named(month).ok_or(ParseError::Syntax)?,
            _ => return Err(ParseError::Syntax),
        };
        DateTime::normalised(days, nanos, self.offset_minutes)
    }

    fn is_time_or_iso(&self) -> bool {
        let [year, ..] = self.numbers;
        self.month.is_none() && (self.count == 0 || self.count == 3 && year.1 == 4)
    }

    fn nanos_of_day(&self) -> Result<i64, ParseError> {
        let nanos = self.nanos.unwrap_or(0);
        let half_day = 12 * 3600 * NANOS_PER_SECOND;
        match self.afternoon {
            None => Ok(nanos),
            // 13 PM reads as 13:00, 0 PM and 13 AM do not read.
            Some(true) if nanos >= half_day => Ok(nanos),
            Some(true) => Ok(nanos + half_day),
            Some(false) if nanos < half_day => Ok(nanos),
            Some(false) if nanos < half_day + 3600 * NANOS_PER_SECOND => Ok(nanos - half_day),
            Some(false) => Err(ParseError::Syntax),
        }
    }

    /// Three numbers: the locale's order first, then the others.
    fn numeric(&self, order: DateOrder) -> Option<i32> {
        use DateOrder::{DayMonthYear, MonthDayYear, YearMonthDay};
        let [a, b, c] = self.numbers;
        let day = |order: DateOrder| {
            let (year, month, day) = match order {
                MonthDayYear => (c, a, b),
                DayMonthYear => (c, b, a),
                YearMonthDay => (a, b, c),
            };
            if month.1 > 2 || day.1 > 2 {
                return None;
            }
            days_from_civil(full_year(year)?, month.0, day.0)
        };
        let orders = match order {
            MonthDayYear => [MonthDayYear, DayMonthYear, YearMonthDay],
            DayMonthYear => [DayMonthYear, MonthDayYear, YearMonthDay],
            YearMonthDay => [YearMonthDay, MonthDayYear, DayMonthYear],
        };
        orders.into_iter().find_map(day)
    }

    /// Two numbers are a month when one is a year of four digits. Without a year a date would depend on today.
    fn year_and_month(&self) -> Option<i32> {
        let [a, b, _] = self.numbers;
        match (a.1, b.1) {
            (4, 1 | 2) => days_from_civil(a.0, b.0, 1),
            (1 | 2, 4) => days_from_civil(b.0, a.0, 1),
            _ => None,
        }
    }

    /// A month by name with a day and a year, or a year only.
    fn named(&self, month: u32) -> Option<i32> {
        let [a, b, _] = self.numbers;
        if self.count == 1 {
            return if a.1 == 4 {
                days_from_civil(a.0, month, 1)
            } else {
                None
            };
        }
        let (day, year) = if a.1 > 2 || a.0 > 31 { (b, a) } else { (a, b) };
        if day.1 > 2 {
            return None;
        }
        days_from_civil(full_year(year)?, month, day.0)
    }
}

/// One or two digits are 1930 to 2029; four are the year.
fn full_year((value, digits): (u32, usize)) -> Option<u32> {
    match digits {
        1 | 2 if value < 30 => Some(2000 + value),
        1 | 2 => Some(1900 + value),
        4 => Some(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, lcid: u32) -> Result<String, ParseError> {
        let locale = Locale::from_lcid(lcid).unwrap();
        let found = parse_date_time(text.as_bytes(), Style::Standard(&locale))?;
        let (year, month, day) = super::super::civil_from_days(found.days);
        let (seconds, nanos) = (
            found.nanos / NANOS_PER_SECOND,
            found.nanos % NANOS_PER_SECOND,
        );
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        let mut text = format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}");
        if nanos != 0 {
            text += &format!(".{nanos:09}");
        }
        if let Some(offset) = found.offset_minutes {
            text += &format!(" {offset:+}");
        }
        Ok(text)
    }

    #[test]
    fn reads_what_people_write() {
        for (text, lcid, want) in [
            ("8/6/2003", 1033, "2003-08-06 00:00:00"),
            ("8/6/2003", 2057, "2003-06-08 00:00:00"),
            ("13/1/2003", 1033, "2003-01-13 00:00:00"),
            ("6.8.2003", 1031, "2003-08-06 00:00:00"),
            ("6/8/03", 1036, "2003-08-06 00:00:00"),
            ("2003-08-06", 2057, "2003-08-06 00:00:00"),
            ("2003/8/6", 1041, "2003-08-06 00:00:00"),
            ("8/6/29", 1033, "2029-08-06 00:00:00"),
            ("8/6/30", 1033, "1930-08-06 00:00:00"),
            ("Aug 6, 2003", 1033, "2003-08-06 00:00:00"),
            ("6-AUG-03", 1033, "2003-08-06 00:00:00"),
            ("6 août 2003", 1036, "2003-08-06 00:00:00"),
            ("6. März 2003", 1031, "2003-03-06 00:00:00"),
            ("August 2003", 1033, "2003-08-01 00:00:00"),
            (
                "2003-08-06 14:05:09.123",
                1033,
                "2003-08-06 14:05:09.123000000",
            ),
            ("2003-08-06T14:05:09Z", 1033, "2003-08-06 14:05:09 +0"),
            (
                "2003-08-06 14:05:09.1234567 +05:30",
                1033,
                "2003-08-06 14:05:09.123456700 +330",
            ),
            (
                "2003-08-06 14:05:09 - 5:35",
                1033,
                "2003-08-06 14:05:09 -335",
            ),
            (
                "2003-08-06 14:05:09:123",
                1033,
                "2003-08-06 14:05:09.123000000",
            ),
            ("8/6/2003 2:05 PM", 1033, "2003-08-06 14:05:00"),
            ("8/6/2003 12:30am", 1033, "2003-08-06 00:30:00"),
            ("2 PM", 1033, "1899-12-30 14:00:00"),
            ("12:00:00", 1033, "1899-12-30 12:00:00"),
            ("14:05 8/6/2003", 1033, "2003-08-06 14:05:00"),
            ("12:00:00.5", 1033, "1899-12-30 12:00:00.500000000"),
        ] {
            assert_eq!(read(text, lcid).as_deref(), Ok(want), "{text} under {lcid}");
        }
    }

    #[test]
    fn refuses_what_is_no_date() {
        for text in [
            "",
            "8/6",
            "8",
            "20030806",
            "2003-02-30",
            "31/31/2003",
            "8/6/2003/1",
            "Augustus",
            "8//6/2003",
            "8/6/",
            "25:00",
            "12:61",
            "PM",
            "13 AM",
            "8/6/2003 PM",
            "abc",
            "0/0/0",
            "8/6/200",
            "8/6/2003 12:00 +15:00",
            "1:2:3:4:5",
            "30-04-2014 00:00:00.000",
            "01-05-2014 00:00:00.000",
            "Aug 6, 2003 14:05:09.123",
        ] {
            assert_eq!(read(text, 1033), Err(ParseError::Syntax), "{text}");
        }
    }
}
