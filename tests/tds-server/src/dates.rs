//! The arithmetic of dates: DATEADD, DATEDIFF, DATEPART and the styles of CONVERT.

use rusqlite::types::Value;

use crate::convert::moment;
use crate::error::SqlError;
use crate::functions::Answer;
use crate::moment::{Moment, TICKS_PER_DAY, TICKS_PER_SECOND, days_of_month};
use crate::sql_type::SqlType;

fn read(value: &Value) -> Result<Moment, SqlError> {
    moment(value, SqlType::DateTime2(7))
}

/// The type a text looks like, so that a result is written like its argument.
fn shape(text: &str) -> SqlType {
    let fraction = text.split_once('.').map_or(0, |(_, rest)| {
        rest.bytes().take_while(u8::is_ascii_digit).count()
    });
    let scale = u8::try_from(fraction.min(7)).unwrap_or(7);
    match (text.contains('-'), text.contains(':')) {
        (true, false) => SqlType::Date,
        (false, true) => SqlType::Time(scale),
        _ if Moment::parse(text).is_some_and(|moment| moment.offset.is_some()) => {
            SqlType::DateTimeOffset(scale)
        }
        _ if fraction == 3 => SqlType::DateTime,
        _ => SqlType::DateTime2(scale),
    }
}

fn unit(part: &str) -> Result<&'static str, SqlError> {
    Ok(match part.to_ascii_lowercase().as_str() {
        "year" | "yy" | "yyyy" => "year",
        "quarter" | "qq" | "q" => "quarter",
        "month" | "mm" | "m" => "month",
        "dayofyear" | "dy" | "y" => "dayofyear",
        "day" | "dd" | "d" => "day",
        "week" | "wk" | "ww" => "week",
        "weekday" | "dw" => "weekday",
        "hour" | "hh" => "hour",
        "minute" | "mi" | "n" => "minute",
        "second" | "ss" | "s" => "second",
        "millisecond" | "ms" => "millisecond",
        "microsecond" | "mcs" => "microsecond",
        "nanosecond" | "ns" => "nanosecond",
        other => {
            return Err(SqlError::new(
                155,
                format!("'{other}' is not a recognized datepart option."),
            ));
        }
    })
}

fn ticks_of(unit: &str) -> i64 {
    match unit {
        "week" => 7 * TICKS_PER_DAY,
        "hour" => 3600 * TICKS_PER_SECOND,
        "minute" => 60 * TICKS_PER_SECOND,
        "second" => TICKS_PER_SECOND,
        "millisecond" => 10_000,
        "microsecond" => 10,
        _ => TICKS_PER_DAY,
    }
}

pub(crate) fn part_of(part: &str, value: &Value) -> Answer {
    let moment = read(value)?;
    let (year, month, day) = moment.date();
    let first_day = Moment::from_date(year, 1, 1).unwrap_or_default();
    let seconds = moment.ticks / TICKS_PER_SECOND;
    Ok(Value::Integer(match unit(part)? {
        "year" => year,
        "quarter" => (month + 2) / 3,
        "month" => month,
        "dayofyear" => moment.days - first_day + 1,
        "day" => day,
        "week" => (moment.days - first_day + (first_day + 1) % 7) / 7 + 1,
        // 0001-01-01 was a Monday, and Sunday is the first day.
        "weekday" => (moment.days + 1) % 7 + 1,
        "hour" => seconds / 3600,
        "minute" => seconds / 60 % 60,
        "second" => seconds % 60,
        "millisecond" => moment.ticks % TICKS_PER_SECOND / 10_000,
        "microsecond" => moment.ticks % TICKS_PER_SECOND / 10,
        _ => moment.ticks % TICKS_PER_SECOND * 100,
    }))
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
const DAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

fn month_name(month: i64) -> &'static str {
    let at = usize::try_from(month - 1).unwrap_or(usize::MAX);
    MONTHS.get(at).copied().unwrap_or_default()
}

fn day_name(moment: Moment) -> &'static str {
    let at = usize::try_from(moment.days % 7).unwrap_or(usize::MAX);
    DAYS.get(at).copied().unwrap_or_default()
}

pub(crate) fn name_of(part: &str, value: &Value) -> Answer {
    let moment = read(value)?;
    Ok(Value::Text(match unit(part)? {
        "month" => month_name(moment.date().1).to_owned(),
        "weekday" => day_name(moment).to_owned(),
        unit => crate::convert::text(part_of(unit, value)?),
    }))
}

fn out_of_range() -> SqlError {
    SqlError::new(
        517,
        "Adding a value to a 'datetime' column caused an overflow.",
    )
}

pub(crate) fn add(part: &str, number: i64, value: &Value) -> Answer {
    let moment = read(value)?;
    let ty = match value {
        Value::Text(text) => shape(text),
        _ => SqlType::DateTime,
    };
    let unit = unit(part)?;
    let months = match unit {
        "year" => number.checked_mul(12),
        "quarter" => number.checked_mul(3),
        "month" => Some(number),
        _ => None,
    };
    let moved = if matches!(unit, "year" | "quarter" | "month") {
        let (year, month, day) = moment.date();
        let total = months
            .and_then(|months| (year * 12 + month - 1).checked_add(months))
            .ok_or_else(out_of_range)?;
        let (year, month) = (total.div_euclid(12), total.rem_euclid(12) + 1);
        let days = Moment::from_date(year, month, day.min(days_of_month(year, month)))
            .ok_or_else(out_of_range)?;
        Moment { days, ..moment }
    } else {
        let ticks = if unit == "nanosecond" {
            Some(number / 100)
        } else {
            number.checked_mul(ticks_of(unit))
        };
        let total = ticks
            .and_then(|ticks| moment.total().checked_add(ticks))
            .ok_or_else(out_of_range)?;
        Moment::from_ticks(total, moment.offset)
    };
    if !(0..=3_652_058).contains(&moved.days) {
        return Err(out_of_range());
    }
    let ty = if ty == SqlType::Date && moved.ticks != 0 {
        SqlType::DateTime
    } else {
        ty
    };
    Ok(Value::Text(moved.text(ty)))
}

pub(crate) fn add_days(date: &str, days: &Value, sign: f64) -> Answer {
    let days = crate::convert::float(days, SqlType::Float)? * sign;
    let moment = read(&Value::Text(date.to_owned()))?;
    let moved = Moment::from_ticks(
        moment.total() + (days * TICKS_PER_DAY as f64) as i64,
        moment.offset,
    );
    let ty = if shape(date) == SqlType::Date && moved.ticks != 0 {
        SqlType::DateTime
    } else {
        shape(date)
    };
    Ok(Value::Text(moved.text(ty)))
}

/// How many borders of a unit lie between two moments.
pub(crate) fn difference(part: &str, from: &Value, to: &Value) -> Answer {
    let (from, to) = (read(from)?, read(to)?);
    let month = |moment: Moment| {
        let (year, month, _) = moment.date();
        year * 12 + month - 1
    };
    let borders = |size: i64, shift: i64| {
        (to.total() + shift).div_euclid(size) - (from.total() + shift).div_euclid(size)
    };
    Ok(Value::Integer(match unit(part)? {
        "year" => to.date().0 - from.date().0,
        "quarter" => month(to) / 3 - month(from) / 3,
        "month" => month(to) - month(from),
        "week" => borders(7 * TICKS_PER_DAY, TICKS_PER_DAY),
        "nanosecond" => (to.total() - from.total()) * 100,
        unit => borders(ticks_of(unit), 0),
    }))
}

pub(crate) fn end_of_month(value: &Value) -> Answer {
    let moment = read(value)?;
    let (year, month, day) = moment.date();
    let days = moment.days + days_of_month(year, month) - day;
    Ok(Value::Text(
        Moment {
            days,
            ticks: 0,
            offset: None,
        }
        .text(SqlType::Date),
    ))
}

/// A value as text in one of CONVERT's styles.
pub(crate) fn styled(value: &Value, style: i64) -> Result<String, SqlError> {
    let (Value::Text(original), Ok(moment)) = (value, read(value)) else {
        return Ok(crate::convert::text(value.clone()));
    };
    let (year, month, day) = moment.date();
    let whole = moment.text(SqlType::DateTime2(0));
    let time = whole.split_once(' ').map_or("", |(_, time)| time);
    let thousandths = moment.text(SqlType::DateTime2(3));
    Ok(match style {
        0 | 100 => return Err(SqlError::unsupported("style 0 of CONVERT")),
        101 => format!("{month:02}/{day:02}/{year:04}"),
        102 => format!("{year:04}.{month:02}.{day:02}"),
        103 => format!("{day:02}/{month:02}/{year:04}"),
        104 => format!("{day:02}.{month:02}.{year:04}"),
        105 => format!("{day:02}-{month:02}-{year:04}"),
        108 => time.to_owned(),
        110 => format!("{month:02}-{day:02}-{year:04}"),
        111 => format!("{year:04}/{month:02}/{day:02}"),
        112 => format!("{year:04}{month:02}{day:02}"),
        13 | 113 => {
            let name: String = month_name(month).chars().take(3).collect();
            let thousandth = moment.ticks % TICKS_PER_SECOND / 10_000;
            format!("{day:02} {name} {year:04} {time}:{thousandth:03}")
        }
        20 | 120 => whole,
        21 | 25 | 121 if shape(original) == SqlType::DateTime => thousandths,
        21 | 25 | 121 => original.clone(),
        23 => format!("{year:04}-{month:02}-{day:02}"),
        126 if moment.ticks % TICKS_PER_SECOND == 0 => whole.replace(' ', "T"),
        126 => thousandths.replace(' ', "T"),
        other => {
            return Err(SqlError::unsupported(format_args!(
                "style {other} of CONVERT"
            )));
        }
    })
}

/// FORMAT of a date, by a pattern of letters.
pub(crate) fn patterned(value: &Value, pattern: &str) -> Answer {
    let Value::Text(_) = value else {
        return Err(SqlError::unsupported("FORMAT of a number"));
    };
    let moment = read(value)?;
    let (year, month, day) = moment.date();
    let seconds = moment.ticks / TICKS_PER_SECOND;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let mut text = String::new();
    let mut rest = pattern;
    while let Some(letter) = rest.chars().next() {
        let (run, after) = rest.split_at(rest.len() - rest.trim_start_matches(letter).len());
        rest = after;
        text.push_str(&match run {
            "yyyy" => format!("{year:04}"),
            "yy" => format!("{:02}", year % 100),
            "MMMM" => month_name(month).to_owned(),
            "MMM" => month_name(month).chars().take(3).collect(),
            "MM" => format!("{month:02}"),
            "dddd" => day_name(moment).to_owned(),
            "dd" => format!("{day:02}"),
            "HH" => format!("{hour:02}"),
            "mm" => format!("{minute:02}"),
            "ss" => format!("{second:02}"),
            run if letter.is_alphabetic() => {
                return Err(SqlError::unsupported(format_args!("{run} in FORMAT")));
            }
            run => run.to_owned(),
        });
    }
    Ok(Value::Text(text))
}
