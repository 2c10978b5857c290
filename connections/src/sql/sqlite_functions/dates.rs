//! Functions of dates, which are text.

use chrono::{Datelike, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike};
use rusqlite::types::{Value, ValueRef};

use super::{Arguments, CallError, Result, number_of, numbers, text_of};

/// A moment, and whether it was written with a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Moment {
    pub(super) at: NaiveDateTime,
    pub(super) has_time: bool,
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

impl Moment {
    /// From text in any of T-SQL's usual forms; months come before days where neither is named.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::parse_ordered(text, "MDY")
    }

    pub(super) fn parse_ordered(text: &str, order: &str) -> Option<Self> {
        let text = text.trim();
        let (date, time) = match text.find(['T', ' ']).filter(|_| {
            !text.contains(|character: char| character.is_ascii_alphabetic() && character != 'T')
                || text.ends_with(['M', 'm'])
        }) {
            Some(at) => {
                let (date, time) = text.split_at_checked(at)?;
                (date, time.trim_start_matches('T').trim())
            }
            None if text.contains(':') && !text.contains(['-', '/']) => ("1900-01-01", text),
            None => (text, ""),
        };
        let (date, time) = match named_month(text) {
            Some((date, time)) => (date, time),
            None => (parse_date(date, order)?, time),
        };
        let at = date.and_time(if time.is_empty() {
            NaiveTime::MIN
        } else {
            parse_time(time)?
        });
        Some(Self {
            at,
            has_time: !time.is_empty(),
        })
    }

    pub(super) fn of(value: ValueRef<'_>) -> Result<Self> {
        let found = match value {
            ValueRef::Integer(_) | ValueRef::Real(_) => {
                let epoch =
                    NaiveDate::from_ymd_opt(1900, 1, 1).map(|date| date.and_time(NaiveTime::MIN));
                epoch
                    .and_then(|epoch| shifted(epoch, number_of(value).ok()?))
                    .map(|at| Self { at, has_time: true })
            }
            other => Self::parse(&text_of(other)),
        };
        found.ok_or_else(|| CallError::Conversion {
            value: text_of(value),
            to: "a date".to_owned(),
        })
    }

    pub(super) fn text(&self) -> String {
        match self.has_time {
            true => format!(
                "{} {}",
                date_text(self.at.date()),
                time_text(self.at.time())
            ),
            false => date_text(self.at.date()),
        }
    }
}

pub(super) fn date_text(date: NaiveDate) -> String {
    format!("{:04}-{:02}-{:02}", date.year(), date.month(), date.day())
}

pub(super) fn time_text(time: NaiveTime) -> String {
    let text = format!(
        "{:02}:{:02}:{:02}",
        time.hour(),
        time.minute(),
        time.second()
    );
    match time.nanosecond() % 1_000_000_000 {
        0 => text,
        nanoseconds if nanoseconds.is_multiple_of(1_000_000) => {
            format!("{text}.{:03}", nanoseconds / 1_000_000)
        }
        nanoseconds => format!("{text}.{:07}", nanoseconds / 100),
    }
}

/// `Jan 2 2020`, `2 January 2020`, `Jan 2, 2020 10:00AM`.
fn named_month(text: &str) -> Option<(NaiveDate, &str)> {
    let first_colon = text.find(':').unwrap_or(text.len());
    let before = text.get(..first_colon)?;
    let end = match first_colon < text.len() {
        true => before.rfind(' ')?,
        false => text.len(),
    };
    let (date, time) = text.split_at_checked(end)?;
    let words: Vec<&str> = date
        .split([' ', ',', '-'])
        .filter(|word| !word.is_empty())
        .collect();
    let [one, two, year] = words.as_slice() else {
        return None;
    };
    let month_of = |word: &str| {
        (word.len() >= 3).then_some(())?;
        let at = MONTHS.iter().position(|name| {
            name.get(..word.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(word))
        })?;
        u32::try_from(at + 1).ok()
    };
    let (month, day) = match (month_of(one), month_of(two)) {
        (Some(month), None) => (month, two),
        (None, Some(month)) => (month, one),
        _ => return None,
    };
    Some((
        NaiveDate::from_ymd_opt(full_year(year)?, month, day.parse().ok()?)?,
        time.trim(),
    ))
}

/// Two digits are of 1950 to 2049.
fn full_year(text: &str) -> Option<i32> {
    let year: i32 = text.parse().ok()?;
    match text.len() {
        4 => Some(year),
        1 | 2 if year < 50 => Some(2000 + year),
        1 | 2 => Some(1900 + year),
        _ => None,
    }
}

fn parse_date(text: &str, order: &str) -> Option<NaiveDate> {
    let parts: Vec<&str> = text.split(['-', '/', '.']).collect();
    if parts
        .iter()
        .any(|part| part.is_empty() || part.contains(|character: char| !character.is_ascii_digit()))
    {
        return None;
    }
    match parts.as_slice() {
        [all] if all.len() == 8 => {
            let (year, rest) = all.split_at_checked(4)?;
            let (month, day) = rest.split_at_checked(2)?;
            NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
        }
        [all] if all.len() == 6 => {
            let (year, rest) = all.split_at_checked(2)?;
            let (month, day) = rest.split_at_checked(2)?;
            NaiveDate::from_ymd_opt(full_year(year)?, month.parse().ok()?, day.parse().ok()?)
        }
        [year, month, day] if year.len() == 4 => {
            NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
        }
        [one, two, three] => {
            let (year, month, day) = match order {
                "DMY" => (three, two, one),
                "YMD" => (one, two, three),
                _ => (three, one, two),
            };
            NaiveDate::from_ymd_opt(full_year(year)?, month.parse().ok()?, day.parse().ok()?)
        }
        _ => None,
    }
}

fn parse_time(text: &str) -> Option<NaiveTime> {
    let upper = text.trim().trim_end_matches('Z').to_ascii_uppercase();
    let (clock, half) = match upper
        .strip_suffix("AM")
        .map(|clock| (clock, 0))
        .or_else(|| upper.strip_suffix("PM").map(|clock| (clock, 12)))
    {
        Some((clock, half)) => (clock.trim(), Some(half)),
        None => (upper.as_str(), None),
    };
    let mut parts = clock.splitn(3, ':');
    let hour: u32 = parts.next()?.trim().parse().ok()?;
    let minute: u32 = parts.next().map_or(Some(0), |minute| minute.parse().ok())?;
    let (second, nanosecond) = match parts.next() {
        None => (0, 0),
        Some(seconds) => {
            let (second, fraction) = seconds.split_once(['.', ':']).unwrap_or((seconds, ""));
            let digits: String = fraction
                .chars()
                .chain(std::iter::repeat('0'))
                .take(9)
                .collect();
            (second.parse().ok()?, digits.parse().ok()?)
        }
    };
    let hour = match half {
        Some(half) if (1..=12).contains(&hour) => hour % 12 + half,
        Some(_) => return None,
        None => hour,
    };
    NaiveTime::from_hms_nano_opt(hour, minute, second, nanosecond)
}

/// Days may have a fraction.
fn shifted(at: NaiveDateTime, days: f64) -> Option<NaiveDateTime> {
    let milliseconds = numbers::truncated((days * 86_400_000.0).round()).ok()?;
    at.checked_add_signed(TimeDelta::try_milliseconds(milliseconds)?)
}

/// A text that is a date in our form, so many days later.
pub(super) fn plus_days(text: &str, days: f64) -> Option<String> {
    let our_form = text.len() >= 10
        && text.as_bytes().get(4) == Some(&b'-')
        && text.as_bytes().get(7) == Some(&b'-');
    let moment = our_form.then(|| Moment::parse(text)).flatten()?;
    let at = shifted(moment.at, days)?;
    let has_time = moment.has_time || at.time() != NaiveTime::MIN;
    Some(Moment { at, has_time }.text())
}

/// Arguments: part, number, date.
pub(super) fn add(arguments: &Arguments<'_>) -> Result<Value> {
    let part = arguments.text(0);
    let number = arguments.integer(1)?;
    let moment = Moment::of(arguments.value(2))?;
    let at = added(&part, number, moment.at)
        .ok_or_else(|| CallError::Overflow("datetime".to_owned()))?;
    let has_time =
        moment.has_time || matches!(part.as_str(), "hour" | "minute" | "second" | "millisecond");
    Ok(Value::Text(Moment { at, has_time }.text()))
}

fn added(part: &str, number: i64, at: NaiveDateTime) -> Option<NaiveDateTime> {
    let months = match part {
        "year" => Some(number.checked_mul(12)?),
        "quarter" => Some(number.checked_mul(3)?),
        "month" => Some(number),
        _ => None,
    };
    let moved = match months {
        Some(months) => {
            let size = Months::new(u32::try_from(months.unsigned_abs()).ok()?);
            if months < 0 {
                at.checked_sub_months(size)?
            } else {
                at.checked_add_months(size)?
            }
        }
        None => {
            let delta = match part {
                "day" | "dayofyear" | "weekday" => TimeDelta::try_days(number)?,
                "week" => TimeDelta::try_weeks(number)?,
                "hour" => TimeDelta::try_hours(number)?,
                "minute" => TimeDelta::try_minutes(number)?,
                "second" => TimeDelta::try_seconds(number)?,
                "millisecond" => TimeDelta::try_milliseconds(number)?,
                _ => return None,
            };
            at.checked_add_signed(delta)?
        }
    };
    (1..=9999).contains(&moved.year()).then_some(moved)
}

/// Arguments: part, from, to. Boundaries are counted.
pub(super) fn difference(arguments: &Arguments<'_>) -> Result<Value> {
    let part = arguments.text(0);
    let from = Moment::of(arguments.value(1))?.at;
    let to = Moment::of(arguments.value(2))?.at;
    let count = |at: NaiveDateTime| {
        let days = i64::from(at.num_days_from_ce());
        let seconds = days * 86_400 + i64::from(at.num_seconds_from_midnight());
        let year = i64::from(at.year());
        let count = match part.as_str() {
            "year" => year,
            "quarter" => year * 4 + i64::from(at.month0() / 3),
            "month" => year * 12 + i64::from(at.month0()),
            "day" | "dayofyear" | "weekday" => days,
            // Day 0 of the common era is a Sunday.
            "week" => days.div_euclid(7),
            "hour" => seconds.div_euclid(3_600),
            "minute" => seconds.div_euclid(60),
            "second" => seconds,
            "millisecond" => seconds * 1_000 + i64::from(at.nanosecond() / 1_000_000),
            _ => return None,
        };
        Some(count)
    };
    match (count(from), count(to)) {
        (Some(from), Some(to)) => Ok(Value::Integer(to - from)),
        _ => Err(CallError::Argument(format!("the part {part}"))),
    }
}

/// Arguments: part, date.
pub(super) fn part(arguments: &Arguments<'_>) -> Result<Value> {
    let part = arguments.text(0);
    let at = Moment::of(arguments.value(1))?.at;
    number_of_part(&part, at)
        .map(Value::Integer)
        .ok_or_else(|| CallError::Argument(format!("the part {part}")))
}

fn number_of_part(part: &str, at: NaiveDateTime) -> Option<i64> {
    let number = match part {
        "year" => return Some(i64::from(at.year())),
        "quarter" => at.month0() / 3 + 1,
        "month" => at.month(),
        "dayofyear" => at.ordinal(),
        "day" => at.day(),
        // The week of 1 January is the first, and weeks begin on Sunday.
        "week" => {
            let first = NaiveDate::from_ymd_opt(at.year(), 1, 1)?;
            (at.ordinal0() + first.weekday().num_days_from_sunday()) / 7 + 1
        }
        "iso_week" => at.iso_week().week(),
        "weekday" => at.weekday().num_days_from_sunday() + 1,
        "hour" => at.hour(),
        "minute" => at.minute(),
        "second" => at.second(),
        "millisecond" => at.nanosecond() / 1_000_000,
        _ => return None,
    };
    Some(i64::from(number))
}

pub(super) fn name(arguments: &Arguments<'_>) -> Result<Value> {
    let part = arguments.text(0);
    let at = Moment::of(arguments.value(1))?.at;
    let name = match part.as_str() {
        "month" => month_name(at).to_owned(),
        "weekday" => weekday_name(at).to_owned(),
        part => number_of_part(part, at)
            .map(|number| number.to_string())
            .ok_or_else(|| CallError::Argument(format!("the part {part}")))?,
    };
    Ok(Value::Text(name))
}

fn month_name(at: NaiveDateTime) -> &'static str {
    usize::try_from(at.month0())
        .ok()
        .and_then(|month| MONTHS.get(month).copied())
        .unwrap_or_default()
}

fn weekday_name(at: NaiveDateTime) -> &'static str {
    usize::try_from(at.weekday().num_days_from_sunday())
        .ok()
        .and_then(|day| WEEKDAYS.get(day).copied())
        .unwrap_or_default()
}

pub(super) fn end_of_month(arguments: &Arguments<'_>) -> Result<Value> {
    let at = Moment::of(arguments.value(0))?.at;
    let months = if arguments.len() > 1 {
        arguments.integer(1)?
    } else {
        0
    };
    let overflow = || CallError::Overflow("date".to_owned());
    let first = at.date().with_day(1).ok_or_else(overflow)?;
    let next = months
        .checked_add(1)
        .and_then(|months| added("month", months, first.and_time(NaiveTime::MIN)))
        .and_then(|next| next.checked_sub_days(Days::new(1)))
        .ok_or_else(overflow)?;
    Ok(Value::Text(date_text(next.date())))
}

pub(super) fn from_parts(arguments: &Arguments<'_>) -> Result<Value> {
    let part = |index| {
        arguments
            .integer(index)
            .ok()
            .and_then(|value| u32::try_from(value).ok())
    };
    let date = match (part(0), part(1), part(2)) {
        (Some(year), Some(month), Some(day)) if (1..=9999).contains(&year) => i32::try_from(year)
            .ok()
            .and_then(|year| NaiveDate::from_ymd_opt(year, month, day)),
        _ => None,
    };
    date.map(|date| Value::Text(date_text(date)))
        .ok_or_else(|| CallError::Argument("a date with these parts".to_owned()))
}

pub(super) fn isdate(arguments: &Arguments<'_>) -> Result<Value> {
    let is = match arguments.value(0) {
        text @ ValueRef::Text(_) => Moment::parse(&text_of(text)).is_some(),
        ValueRef::Integer(year) => (1753..=9999).contains(&year),
        _ => false,
    };
    Ok(Value::Integer(i64::from(is)))
}

/// Arguments: date, pattern.
pub(super) fn format(arguments: &Arguments<'_>) -> Result<Value> {
    let at = Moment::of(arguments.value(0))?.at;
    Ok(Value::Text(formatted(at, &arguments.text(1))))
}

/// A date by a pattern of `y`, `M`, `d`, `H`, `h`, `m`, `s`, `f`, `t`.
pub(super) fn formatted(at: NaiveDateTime, pattern: &str) -> String {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        let run = rest
            .chars()
            .take_while(|character| *character == first)
            .count();
        let (token, after) = rest
            .split_at_checked(run * first.len_utf8())
            .unwrap_or((rest, ""));
        rest = after;
        let text = match token {
            "yyyy" => format!("{:04}", at.year()),
            "yy" => format!("{:02}", at.year() % 100),
            "MMMM" => month_name(at).to_owned(),
            "MMM" => month_name(at).chars().take(3).collect(),
            "MM" => format!("{:02}", at.month()),
            "M" => at.month().to_string(),
            "dddd" => weekday_name(at).to_owned(),
            "ddd" => weekday_name(at).chars().take(3).collect(),
            "dd" => format!("{:02}", at.day()),
            "d" => at.day().to_string(),
            "HH" => format!("{:02}", at.hour()),
            "hh" => format!("{:02}", at.hour12().1),
            "mm" => format!("{:02}", at.minute()),
            "ss" => format!("{:02}", at.second()),
            "fff" => format!("{:03}", at.nanosecond() / 1_000_000),
            "tt" if at.hour() < 12 => "AM".to_owned(),
            "tt" => "PM".to_owned(),
            other => other.to_owned(),
        };
        out.push_str(&text);
    }
    out
}
