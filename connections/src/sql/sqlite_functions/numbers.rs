//! Functions of numbers. Decimals are SQLite's floats: they are rounded by their shortest digits, half away from zero.

use rusqlite::types::{Value, ValueRef};

use crate::sql::functions::random::of_seed;

use super::{Arguments, CallError, Result, dates, number_of, text_of};

/// Numbers are added, texts joined; to a date a number of days is added.
pub(super) fn add(arguments: &Arguments<'_>) -> Result<Value> {
    match (arguments.value(0), arguments.value(1)) {
        (ValueRef::Text(_), ValueRef::Text(_)) => {
            Ok(Value::Text(arguments.text(0) + &arguments.text(1)))
        }
        (ValueRef::Blob(one), ValueRef::Blob(other)) => Ok(Value::Blob([one, other].concat())),
        (date @ ValueRef::Text(_), days) | (days, date @ ValueRef::Text(_)) => {
            match dates::plus_days(&text_of(date), number_of(days)?) {
                Some(moved) => Ok(Value::Text(moved)),
                None => sum(date, days, 1.0),
            }
        }
        (one, other) => sum(one, other, 1.0),
    }
}

pub(super) fn subtract(arguments: &Arguments<'_>) -> Result<Value> {
    match (arguments.value(0), arguments.value(1)) {
        (date @ ValueRef::Text(_), days @ (ValueRef::Integer(_) | ValueRef::Real(_))) => {
            match dates::plus_days(&text_of(date), -number_of(days)?) {
                Some(moved) => Ok(Value::Text(moved)),
                None => sum(date, days, -1.0),
            }
        }
        (one, other) => sum(one, other, -1.0),
    }
}

fn sum(one: ValueRef<'_>, other: ValueRef<'_>, sign: f64) -> Result<Value> {
    if let (ValueRef::Integer(one), ValueRef::Integer(other)) = (one, other) {
        let sum = if sign > 0.0 {
            one.checked_add(other)
        } else {
            one.checked_sub(other)
        };
        return sum
            .map(Value::Integer)
            .ok_or_else(|| CallError::Overflow("bigint".to_owned()));
    }
    let sum = number_of(one)? + sign * number_of(other)?;
    match (one, other) {
        // A text beside a whole number is a whole number.
        (ValueRef::Integer(_), ValueRef::Text(_)) | (ValueRef::Text(_), ValueRef::Integer(_))
            if sum.fract() == 0.0 =>
        {
            Ok(Value::Integer(truncated(sum)?))
        }
        _ => Ok(Value::Real(sum)),
    }
}

/// The number that a text holds, for a comparison with one.
pub(super) fn number(arguments: &Arguments<'_>) -> Result<Value> {
    match arguments.value(0) {
        ValueRef::Integer(number) => Ok(Value::Integer(number)),
        other => match text_of(other).trim().parse() {
            Ok(whole) => Ok(Value::Integer(whole)),
            Err(_) => number_of(other).map(Value::Real),
        },
    }
}

/// NULLIF of a number and a text, which are compared as numbers; of others as SQLite does.
pub(super) fn nullif(arguments: &Arguments<'_>) -> Result<Value> {
    let (value, other) = (arguments.value(0), arguments.value(1));
    let is_equal = match (value, other) {
        (ValueRef::Text(_), ValueRef::Integer(_) | ValueRef::Real(_))
        | (ValueRef::Integer(_) | ValueRef::Real(_), ValueRef::Text(_)) => {
            number_of(value)? == number_of(other)?
        }
        (ValueRef::Integer(one), ValueRef::Integer(other)) => one == other,
        (ValueRef::Integer(_) | ValueRef::Real(_), ValueRef::Integer(_) | ValueRef::Real(_)) => {
            number_of(value)? == number_of(other)?
        }
        _ => false,
    };
    Ok(match is_equal {
        true => Value::Null,
        false => Value::try_from(value)
            .map_err(|_| CallError::Argument("a text that is no Unicode".to_owned()))?,
    })
}

pub(super) fn round(arguments: &Arguments<'_>) -> Result<Value> {
    let places = arguments.integer(1)?;
    let cut = arguments.len() > 2 && arguments.integer(2)? != 0;
    let value = arguments.number(0)?;
    let rounded = rounded(value, places, cut);
    match arguments.value(0) {
        ValueRef::Integer(whole) if places >= 0 => Ok(Value::Integer(whole)),
        ValueRef::Integer(_) => Ok(Value::Integer(truncated(rounded)?)),
        _ => Ok(Value::Real(rounded)),
    }
}

pub(super) fn ceiling(arguments: &Arguments<'_>) -> Result<Value> {
    like_argument(arguments, f64::ceil)
}

pub(super) fn floor(arguments: &Arguments<'_>) -> Result<Value> {
    like_argument(arguments, f64::floor)
}

fn like_argument(arguments: &Arguments<'_>, function: fn(f64) -> f64) -> Result<Value> {
    match arguments.value(0) {
        ValueRef::Integer(value) => Ok(Value::Integer(value)),
        other => Ok(Value::Real(function(number_of(other)?))),
    }
}

/// Of the type of the base: POWER(2, 0.5) is 1.
pub(super) fn power(arguments: &Arguments<'_>) -> Result<Value> {
    let power = finite(arguments.number(0)?.powf(arguments.number(1)?))?;
    match arguments.value(0) {
        ValueRef::Integer(_) => Ok(Value::Integer(truncated(power)?)),
        _ => Ok(Value::Real(power)),
    }
}

pub(super) fn square(arguments: &Arguments<'_>) -> Result<Value> {
    let value = arguments.number(0)?;
    Ok(Value::Real(finite(value * value)?))
}

pub(super) fn sqrt(arguments: &Arguments<'_>) -> Result<Value> {
    Ok(Value::Real(finite(arguments.number(0)?.sqrt())?))
}

pub(super) fn exp(arguments: &Arguments<'_>) -> Result<Value> {
    Ok(Value::Real(finite(arguments.number(0)?.exp())?))
}

pub(super) fn log(arguments: &Arguments<'_>) -> Result<Value> {
    let value = arguments.number(0)?;
    let log = match arguments.len() {
        1 => value.ln(),
        _ if arguments.number(1)? == 10.0 => value.log10(),
        _ => value.ln() / arguments.number(1)?.ln(),
    };
    Ok(Value::Real(finite(log)?))
}

pub(super) fn sign(arguments: &Arguments<'_>) -> Result<Value> {
    let value = arguments.number(0)?;
    let sign = if value > 0.0 {
        1
    } else {
        -i64::from(value < 0.0)
    };
    #[expect(clippy::as_conversions, reason = "it is -1, 0 or 1")]
    Ok(match arguments.value(0) {
        ValueRef::Integer(_) => Value::Integer(sign),
        _ => Value::Real(sign as f64),
    })
}

/// Of a seed.
pub(super) fn rand(arguments: &Arguments<'_>) -> Result<Value> {
    let seed = arguments.integer(0)?;
    let seed = u32::try_from(seed)
        .ok()
        .filter(|seed| *seed <= i32::MAX.cast_unsigned());
    let seed =
        seed.ok_or_else(|| CallError::Argument("a seed below 0 or above 2147483647".to_owned()))?;
    Ok(Value::Real(of_seed(seed)))
}

pub(super) fn isnumeric(arguments: &Arguments<'_>) -> Result<Value> {
    let is = match arguments.value(0) {
        ValueRef::Integer(_) | ValueRef::Real(_) => true,
        ValueRef::Null | ValueRef::Blob(_) => false,
        text => {
            let text = text_of(text);
            let plain = text.trim().trim_start_matches('$').replace(',', "");
            plain.contains(|character: char| character.is_ascii_digit())
                && plain.parse::<f64>().is_ok_and(f64::is_finite)
        }
    };
    Ok(Value::Integer(i64::from(is)))
}

fn finite(value: f64) -> Result<f64> {
    match value.is_finite() {
        true => Ok(value),
        false => Err(CallError::Overflow("float".to_owned())),
    }
}

/// The whole part.
pub(super) fn truncated(value: f64) -> Result<i64> {
    if value.abs() >= 9.223_372_036_854_775e18 {
        return Err(CallError::Overflow("bigint".to_owned()));
    }
    #[expect(
        clippy::as_conversions,
        clippy::cast_possible_truncation,
        reason = "the range is checked, the fraction is cut off"
    )]
    Ok(value as i64)
}

/// Rounded to places behind the point, or before it when they are negative.
pub(super) fn rounded(value: f64, places: i64, cut: bool) -> f64 {
    if !value.is_finite() || value == 0.0 {
        return value;
    }
    let text = value.abs().to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let point = i64::try_from(whole.len()).unwrap_or(i64::MAX);
    let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
    let kept = point.saturating_add(places);
    let Ok(kept) = usize::try_from(kept) else {
        return 0.0;
    };
    if kept >= digits.len() {
        return value;
    }
    let up = !cut && digits.get(kept).is_some_and(|digit| *digit >= b'5');
    let mut digits: Vec<u8> = digits.into_iter().take(kept).collect();
    let carried = up && carry(&mut digits);
    let mut out = String::from(if value < 0.0 { "-" } else { "" });
    if carried {
        out.push('1');
    }
    out.extend(digits.iter().map(|digit| char::from(*digit)));
    if digits.is_empty() && !carried {
        out.push('0');
    }
    format!("{out}e{}", -places).parse().unwrap_or(value)
}

/// Adds one to the last digit; whether a digit is needed in front.
fn carry(digits: &mut [u8]) -> bool {
    for digit in digits.iter_mut().rev() {
        if *digit != b'9' {
            *digit += 1;
            return false;
        }
        *digit = b'0';
    }
    true
}

/// A number with so many places behind the point.
pub(super) fn fixed(value: f64, places: i64) -> String {
    let digits = usize::try_from(places).unwrap_or(0);
    format!("{:.digits$}", rounded(value, places, false))
}
