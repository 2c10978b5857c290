//! Dates and times as days and ticks, and as the text SQLite keeps.
//!
//! Kept as `2024-02-29 13:45:10.1234567 +02:00`, each type with as much of it as it has, so that the order of
//! the texts is the order of the moments.

use crate::sql_type::SqlType;

pub(crate) const TICKS_PER_SECOND: i64 = 10_000_000;
pub(crate) const TICKS_PER_DAY: i64 = 86_400 * TICKS_PER_SECOND;

/// From 0001-01-01 to 1900-01-01.
pub(crate) const DAYS_TO_1900: i64 = 693_595;
/// From 0001-01-01 to 1970-01-01.
pub(crate) const DAYS_TO_1970: i64 = 719_162;

/// A day since 0001-01-01, a time in ticks of 100 ns, minutes east of Greenwich.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) days: i64,
    pub(crate) ticks: i64,
    pub(crate) offset: Option<i64>,
}

impl Moment {
    pub(crate) fn from_ticks(total: i64, offset: Option<i64>) -> Self {
        Self {
            days: total.div_euclid(TICKS_PER_DAY),
            ticks: total.rem_euclid(TICKS_PER_DAY),
            offset,
        }
    }

    pub(crate) fn total(self) -> i64 {
        self.days * TICKS_PER_DAY + self.ticks
    }

    /// Now, in UTC: a fixture has no time zone.
    #[expect(
        clippy::disallowed_methods,
        reason = "a test server of its own has no run that reads the clock"
    )]
    pub(crate) fn now() -> Self {
        let since = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        let ticks = i64::try_from(since.as_nanos() / 100).unwrap_or_default();
        Self::from_ticks(DAYS_TO_1970 * TICKS_PER_DAY + ticks, None)
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (text, offset) = split_offset(text);
        let (date, time) = match text.split_once(['T', ' ']) {
            Some((date, time)) => (Some(date), Some(time.trim())),
            None if text.contains(':') => (None, Some(text)),
            None => (Some(text), None),
        };
        let days = date.map_or(Some(DAYS_TO_1900), parse_date)?;
        let ticks = time.map_or(Some(0), parse_time)?;
        let moment = Self::from_ticks(days * TICKS_PER_DAY + ticks, offset);
        ((0..=3_652_058).contains(&moment.days)).then_some(moment)
    }

    /// Year, month and day.
    pub(crate) fn date(self) -> (i64, i64, i64) {
        // Counted from March of year 0, so that the leap day is the last of its year.
        let days = self.days + 306;
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 {
            shifted + 3
        } else {
            shifted - 9
        };
        (era * 400 + year_of_era + i64::from(month <= 2), month, day)
    }

    pub(crate) fn from_date(year: i64, month: i64, day: i64) -> Option<i64> {
        if !(1..=9999).contains(&year)
            || !(1..=12).contains(&month)
            || day < 1
            || day > days_of_month(year, month)
        {
            return None;
        }
        let year = year - i64::from(month <= 2);
        let shifted = (month + 9) % 12;
        let day_of_year = (153 * shifted + 2) / 5 + day - 1;
        Some(
            year * 365 + year.div_euclid(4) - year.div_euclid(100)
                + year.div_euclid(400)
                + day_of_year
                - 306,
        )
    }

    /// Rounded to what a type can hold.
    pub(crate) fn rounded(self, ty: SqlType) -> Self {
        let step = match ty {
            SqlType::SmallDateTime => 60 * TICKS_PER_SECOND,
            SqlType::Time(scale) | SqlType::DateTime2(scale) | SqlType::DateTimeOffset(scale) => {
                10_i64.pow(7 - u32::from(scale.min(7)))
            }
            SqlType::DateTime => {
                let thirds = (self.total() * 3 + 50_000) / 100_000;
                return Self::from_ticks((thirds * 100_000 + 1) / 3, self.offset);
            }
            _ => 1,
        };
        Self::from_ticks(
            (self.total() + step / 2).div_euclid(step) * step,
            self.offset,
        )
    }

    /// As a type's text.
    pub(crate) fn text(self, ty: SqlType) -> String {
        let moment = self.rounded(ty);
        let (year, month, day) = moment.date();
        let date = format!("{year:04}-{month:02}-{day:02}");
        let seconds = moment.ticks / TICKS_PER_SECOND;
        let time = format!(
            "{:02}:{:02}:{:02}",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60
        );
        match ty {
            SqlType::Date => date,
            SqlType::Time(scale) => time + &fraction(moment.ticks, scale),
            SqlType::SmallDateTime => format!("{date} {time}"),
            SqlType::DateTime => {
                let milliseconds = (moment.ticks % TICKS_PER_SECOND + 5_000) / 10_000;
                format!("{date} {time}.{milliseconds:03}")
            }
            SqlType::DateTimeOffset(scale) => {
                let offset = moment.offset.unwrap_or_default();
                let sign = if offset < 0 { '-' } else { '+' };
                let (hours, minutes) = (offset.abs() / 60, offset.abs() % 60);
                format!(
                    "{date} {time}{} {sign}{hours:02}:{minutes:02}",
                    fraction(moment.ticks, scale)
                )
            }
            SqlType::DateTime2(scale) => format!("{date} {time}{}", fraction(moment.ticks, scale)),
            _ => format!("{date} {time}{}", fraction(moment.ticks, 7)),
        }
    }
}

pub(crate) fn days_of_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

fn fraction(ticks: i64, scale: u8) -> String {
    let scale = scale.min(7);
    if scale == 0 {
        return String::new();
    }
    let part = ticks % TICKS_PER_SECOND / 10_i64.pow(7 - u32::from(scale));
    format!(".{part:0width$}", width = usize::from(scale))
}

fn split_offset(text: &str) -> (&str, Option<i64>) {
    if let Some(rest) = text.strip_suffix('Z') {
        return (rest.trim_end(), Some(0));
    }
    let Some(at) = text.rfind(['+', '-']) else {
        return (text, None);
    };
    let (head, tail) = text.split_at(at);
    if !head.contains(':') {
        return (text, None);
    }
    let sign = if tail.starts_with('-') { -1 } else { 1 };
    let Some((hours, minutes)) = tail.trim_start_matches(['+', '-']).split_once(':') else {
        return (text, None);
    };
    match (hours.parse::<i64>(), minutes.parse::<i64>()) {
        (Ok(hours), Ok(minutes)) => (head.trim_end(), Some(sign * (hours * 60 + minutes))),
        _ => (text, None),
    }
}

fn parse_date(text: &str) -> Option<i64> {
    let number = |part: Option<&str>| part?.trim().parse::<i64>().ok();
    if text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let all: i64 = text.parse().ok()?;
        return Moment::from_date(all / 10_000, all / 100 % 100, all % 100);
    }
    if text.contains('/') {
        let mut parts = text.split('/');
        let (month, day, year) = (
            number(parts.next())?,
            number(parts.next())?,
            number(parts.next())?,
        );
        return Moment::from_date(year, month, day);
    }
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, number(parts.next())?, number(parts.next())?);
    if year.len() != 4 || parts.next().is_some() {
        return None;
    }
    Moment::from_date(year.parse().ok()?, month, day)
}

fn parse_time(text: &str) -> Option<i64> {
    let (text, shift) = match text.to_ascii_uppercase() {
        upper if upper.ends_with("PM") => {
            (upper.trim_end_matches("PM").trim().to_owned(), Some(12))
        }
        upper if upper.ends_with("AM") => (upper.trim_end_matches("AM").trim().to_owned(), Some(0)),
        upper => (upper, None),
    };
    let (clock, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let mut parts = clock.split(':').map(|part| part.trim().parse::<i64>().ok());
    let (mut hours, minutes) = (parts.next()??, parts.next()??);
    let seconds = parts.next().unwrap_or(Some(0))?;
    if let Some(shift) = shift {
        hours = hours % 12 + shift;
    }
    if !(0..24).contains(&hours) || !(0..60).contains(&minutes) || !(0..60).contains(&seconds) {
        return None;
    }
    let digits: String = fraction.chars().chain("0000000".chars()).take(7).collect();
    let part: i64 = digits.parse().ok()?;
    Some((hours * 3600 + minutes * 60 + seconds) * TICKS_PER_SECOND + part)
}
