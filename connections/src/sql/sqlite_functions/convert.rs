//! CAST and CONVERT. The first argument is the type as T-SQL writes it, the last a style.

use chrono::{TimeDelta, Timelike};
use rusqlite::types::{Value, ValueRef};

use super::{
    super::functions::convert::pattern_of,
    Arguments, CallError, Result,
    dates::{Moment, date_text, formatted, time_text},
    number_of, numbers, text_of,
};

pub(super) fn convert(arguments: &Arguments<'_>) -> Result<Value> {
    let of = arguments.text(0);
    let (name, parentheses) = of.split_once('(').unwrap_or((&of, ""));
    let sizes: Vec<&str> = parentheses
        .trim_end_matches(')')
        .split(',')
        .map(str::trim)
        .collect();
    let size = |index: usize| sizes.get(index).and_then(|size| size.parse::<usize>().ok());
    let style = match arguments.len() {
        3 => Some(arguments.integer(2)?),
        _ => None,
    };
    let value = arguments.value(1);
    match name {
        "bit" => bit(value),
        "tinyint" => whole(value, name, 0, 255),
        "smallint" => whole(value, name, -32_768, 32_767),
        "int" | "integer" => whole(value, name, i64::from(i32::MIN), i64::from(i32::MAX)),
        "bigint" => whole(value, name, i64::MIN, i64::MAX),
        "decimal" | "numeric" | "dec" => {
            decimal(value, &of, size(0).unwrap_or(18), size(1).unwrap_or(0))
        }
        "money" => money(value, 922_337_203_685_477.6),
        "smallmoney" => money(value, 214_748.364_8),
        "float" | "real" => Ok(Value::Real(number_of(value)?)),
        "varchar" | "nvarchar" | "char" | "nchar" | "text" | "ntext" | "sysname" | "xml" => {
            text(value, name, size(0), style)
        }
        "date" | "datetime" | "datetime2" | "smalldatetime" | "datetimeoffset" | "time" => {
            date(value, name, style)
        }
        "uniqueidentifier" => guid(value),
        "binary" | "varbinary" | "image" => binary(value, style, size(0)),
        _ => Value::try_from(value).map_err(|_| refused(value, name)),
    }
}

/// NULL in place of an error.
pub(super) fn try_convert(arguments: &Arguments<'_>) -> Result<Value> {
    Ok(convert(arguments).unwrap_or(Value::Null))
}

fn refused(value: ValueRef<'_>, to: &str) -> CallError {
    CallError::Conversion {
        value: text_of(value),
        to: to.to_owned(),
    }
}

fn bit(value: ValueRef<'_>) -> Result<Value> {
    let is = match value {
        ValueRef::Text(_) => match text_of(value).trim().to_ascii_lowercase().as_str() {
            "true" => true,
            "false" | "" => false,
            number => number.parse::<i64>().map_err(|_| refused(value, "bit"))? != 0,
        },
        other => number_of(other)? != 0.0,
    };
    Ok(Value::Integer(i64::from(is)))
}

/// Fractions of numbers are cut off; texts may have none.
fn whole(value: ValueRef<'_>, to: &str, min: i64, max: i64) -> Result<Value> {
    let number = match value {
        ValueRef::Integer(value) => value,
        ValueRef::Text(_) => match text_of(value).trim() {
            "" => 0,
            text => text.parse().map_err(|_| refused(value, to))?,
        },
        ValueRef::Blob(bytes) => bytes
            .iter()
            .rev()
            .take(8)
            .rev()
            .fold(0, |number: i64, byte| number << 8 | i64::from(*byte)),
        other => numbers::truncated(number_of(other)?)?,
    };
    match (min..=max).contains(&number) {
        true => Ok(Value::Integer(number)),
        false => Err(CallError::Overflow(to.to_owned())),
    }
}

fn decimal(value: ValueRef<'_>, to: &str, precision: usize, scale: usize) -> Result<Value> {
    if let ValueRef::Text(_) = value
        && text_of(value).trim().is_empty()
    {
        return Err(refused(value, to));
    }
    let places = i64::try_from(scale).unwrap_or(0);
    let number = numbers::rounded(
        number_of(value).map_err(|_| refused(value, to))?,
        places,
        false,
    );
    let whole = number.abs().trunc().to_string();
    if whole != "0" && whole.len() + scale > precision {
        return Err(CallError::Overflow(to.to_owned()));
    }
    match (scale, value) {
        (0, _) => Ok(numbers::truncated(number).map_or(Value::Real(number), Value::Integer)),
        _ => Ok(Value::Real(number)),
    }
}

fn money(value: ValueRef<'_>, max: f64) -> Result<Value> {
    let number = match value {
        ValueRef::Text(_) => {
            let text = text_of(value).replace(['$', ',', '€', '£'], "");
            match text.trim() {
                "" => 0.0,
                text => text.parse().map_err(|_| refused(value, "money"))?,
            }
        }
        other => number_of(other)?,
    };
    match number.abs() <= max {
        true => Ok(Value::Real(numbers::rounded(number, 4, false))),
        false => Err(CallError::Overflow("money".to_owned())),
    }
}

fn text(value: ValueRef<'_>, to: &str, size: Option<usize>, style: Option<i64>) -> Result<Value> {
    let styled = style
        .filter(|_| matches!(value, ValueRef::Text(_)))
        .and_then(|style| {
            let moment = Moment::parse(&text_of(value))?;
            Some(formatted(moment.at, pattern_of(style)?))
        });
    let text = match (styled, value, style) {
        (Some(text), ..) => text,
        (None, ValueRef::Blob(bytes), Some(style @ (1 | 2))) => {
            let digits: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
            if style == 1 {
                format!("0x{digits}")
            } else {
                digits
            }
        }
        _ => text_of(value),
    };
    let Some(size) = size else {
        return Ok(Value::Text(text));
    };
    let length = text.chars().count();
    if length > size {
        return match value {
            ValueRef::Integer(_) => Ok(Value::Text("*".to_owned())),
            ValueRef::Real(_) => Err(CallError::Overflow(format!("{to}({size})"))),
            _ => Ok(Value::Text(text.chars().take(size).collect())),
        };
    }
    match to {
        "char" | "nchar" if size <= 8000 => Ok(Value::Text(format!("{text:<size$}"))),
        _ => Ok(Value::Text(text)),
    }
}

fn date(value: ValueRef<'_>, to: &str, style: Option<i64>) -> Result<Value> {
    let moment = match value {
        ValueRef::Text(_) => {
            let order = match style {
                Some(3..=5 | 103..=105 | 13 | 113) => "DMY",
                Some(2 | 11 | 12 | 102 | 111 | 112) => "YMD",
                _ => "MDY",
            };
            Moment::parse_ordered(&text_of(value), order).ok_or_else(|| refused(value, to))?
        }
        other => Moment::of(other)?,
    };
    let at = match to {
        "date" => return Ok(Value::Text(date_text(moment.at.date()))),
        "time" => return Ok(Value::Text(time_text(moment.at.time()))),
        "smalldatetime" => {
            let second = f64::from(moment.at.second()) + f64::from(moment.at.nanosecond()) / 1e9;
            let floor = moment
                .at
                .with_nanosecond(0)
                .and_then(|at| at.with_second(0));
            // From 29.999 seconds on it is the next minute.
            let up = TimeDelta::try_seconds(if second >= 29.999 { 60 } else { 0 });
            floor
                .zip(up)
                .and_then(|(floor, up)| floor.checked_add_signed(up))
        }
        "datetime" => {
            let nanoseconds = i64::from(moment.at.nanosecond());
            // Steps of 1/300 of a second, shown as .000, .003 and .007.
            let steps = (nanoseconds * 300 + 500_000_000) / 1_000_000_000;
            let milliseconds = (steps * 10 + 1) / 3;
            moment
                .at
                .with_nanosecond(0)
                .zip(TimeDelta::try_milliseconds(milliseconds))
                .and_then(|(at, more)| at.checked_add_signed(more))
        }
        _ => Some(moment.at),
    };
    let at = at.ok_or_else(|| CallError::Overflow(to.to_owned()))?;
    Ok(Value::Text(Moment { at, has_time: true }.text()))
}

fn guid(value: ValueRef<'_>) -> Result<Value> {
    let text = text_of(value);
    let bare: String = text
        .trim()
        .trim_start_matches('{')
        .chars()
        .take(36)
        .collect();
    uuid::Uuid::try_parse(&bare)
        .map(|guid| Value::Text(guid.hyphenated().to_string().to_uppercase()))
        .map_err(|_| refused(value, "uniqueidentifier"))
}

fn binary(value: ValueRef<'_>, style: Option<i64>, size: Option<usize>) -> Result<Value> {
    let mut bytes = match (value, style) {
        (ValueRef::Integer(value), _) => match i32::try_from(value) {
            Ok(value) => value.to_be_bytes().to_vec(),
            Err(_) => value.to_be_bytes().to_vec(),
        },
        (ValueRef::Blob(bytes), _) => bytes.to_vec(),
        (text, Some(1 | 2)) => {
            let text = text_of(text);
            let digits: Vec<u32> = text
                .trim_start_matches("0x")
                .chars()
                .map(|digit| digit.to_digit(16))
                .collect::<Option<_>>()
                .ok_or_else(|| refused(value, "varbinary"))?;
            digits
                .chunks(2)
                .map(|pair| {
                    u8::try_from(pair.iter().fold(0, |byte, digit| byte * 16 + digit))
                        .unwrap_or_default()
                })
                .collect()
        }
        (other, _) => text_of(other).into_bytes(),
    };
    if let Some(size) = size {
        bytes.truncate(size);
    }
    Ok(Value::Blob(bytes))
}
