//! Functions of texts. Positions count characters, from 1.

use rusqlite::types::{Value, ValueRef};

use super::{Arguments, CallError, Result, numbers};

/// What REPLICATE may give, in bytes.
const REPLICATED_BYTES_MAX: usize = 16 << 20;

/// Trailing blanks do not count.
pub(super) fn len(arguments: &Arguments<'_>) -> Result<Value> {
    let text = arguments.text(0);
    Ok(count(text.trim_end_matches(' ').chars().count()))
}

/// Bytes of a text with one byte a character.
pub(super) fn datalength(arguments: &Arguments<'_>) -> Result<Value> {
    Ok(match arguments.value(0) {
        ValueRef::Blob(bytes) => count(bytes.len()),
        ValueRef::Integer(value) if i32::try_from(value).is_ok() => Value::Integer(4),
        ValueRef::Integer(_) | ValueRef::Real(_) => Value::Integer(8),
        _ => count(arguments.text(0).chars().count()),
    })
}

pub(super) fn left(arguments: &Arguments<'_>) -> Result<Value> {
    let length = length(arguments.integer(1)?)?;
    Ok(Value::Text(
        arguments.text(0).chars().take(length).collect(),
    ))
}

pub(super) fn right(arguments: &Arguments<'_>) -> Result<Value> {
    let length = length(arguments.integer(1)?)?;
    let text = arguments.text(0);
    let before = text.chars().count().saturating_sub(length);
    Ok(Value::Text(text.chars().skip(before).collect()))
}

/// A start before the text eats from the length.
pub(super) fn substring(arguments: &Arguments<'_>) -> Result<Value> {
    let start = arguments.integer(1)?;
    let length = arguments.integer(2)?;
    if length < 0 {
        return Err(CallError::Argument(format!("the length {length}")));
    }
    let end = start.saturating_add(length);
    let from = start.max(1);
    let take = usize::try_from(end.saturating_sub(from)).unwrap_or(0);
    let skip = usize::try_from(from - 1).unwrap_or(usize::MAX);
    if let ValueRef::Blob(bytes) = arguments.value(0) {
        return Ok(Value::Blob(
            bytes.iter().skip(skip).take(take).copied().collect(),
        ));
    }
    Ok(Value::Text(
        arguments.text(0).chars().skip(skip).take(take).collect(),
    ))
}

/// 0 where the text is not found, and for an empty one.
pub(super) fn charindex(arguments: &Arguments<'_>) -> Result<Value> {
    let wanted = arguments.text(0);
    let text = arguments.text(1);
    let start = if arguments.len() > 2 {
        arguments.integer(2)?
    } else {
        1
    };
    let skip = usize::try_from(start.max(1) - 1).unwrap_or(usize::MAX);
    if wanted.is_empty() {
        return Ok(Value::Integer(0));
    }
    let from = text
        .char_indices()
        .nth(skip)
        .map_or(text.len(), |(at, _)| at);
    let (before, rest) = text.split_at_checked(from).unwrap_or((&text, ""));
    Ok(match rest.find(&wanted) {
        Some(at) => {
            let between = rest.get(..at).unwrap_or_default();
            count(before.chars().count() + between.chars().count() + 1)
        }
        None => Value::Integer(0),
    })
}

pub(super) fn replicate(arguments: &Arguments<'_>) -> Result<Value> {
    let text = arguments.text(0);
    let Ok(times) = usize::try_from(arguments.integer(1)?) else {
        return Ok(Value::Null);
    };
    if text.len().saturating_mul(times) > REPLICATED_BYTES_MAX {
        return Err(CallError::Overflow("16 MiB".to_owned()));
    }
    Ok(Value::Text(text.repeat(times)))
}

pub(super) fn reverse(arguments: &Arguments<'_>) -> Result<Value> {
    Ok(Value::Text(arguments.text(0).chars().rev().collect()))
}

/// NULL where the start lies outside of the text, or the length is negative.
pub(super) fn stuff(arguments: &Arguments<'_>) -> Result<Value> {
    let text = arguments.text(0);
    let count = text.chars().count();
    let (Ok(start), Ok(length)) = (
        usize::try_from(arguments.integer(1)?),
        usize::try_from(arguments.integer(2)?),
    ) else {
        return Ok(Value::Null);
    };
    if start == 0 || start > count {
        return Ok(Value::Null);
    }
    let mut out: String = text.chars().take(start - 1).collect();
    out.push_str(&arguments.text(3));
    out.extend(text.chars().skip((start - 1).saturating_add(length)));
    Ok(Value::Text(out))
}

pub(super) fn translate(arguments: &Arguments<'_>) -> Result<Value> {
    let from: Vec<char> = arguments.text(1).chars().collect();
    let to: Vec<char> = arguments.text(2).chars().collect();
    if from.len() != to.len() {
        return Err(CallError::Argument("a list of another length".to_owned()));
    }
    let change = |character: char| {
        from.iter()
            .position(|of| *of == character)
            .and_then(|at| to.get(at).copied())
            .unwrap_or(character)
    };
    Ok(Value::Text(arguments.text(0).chars().map(change).collect()))
}

pub(super) fn upper(arguments: &Arguments<'_>) -> Result<Value> {
    Ok(Value::Text(one_to_one(&arguments.text(0), |character| {
        character.to_uppercase().collect()
    })))
}

pub(super) fn lower(arguments: &Arguments<'_>) -> Result<Value> {
    Ok(Value::Text(one_to_one(&arguments.text(0), |character| {
        character.to_lowercase().collect()
    })))
}

/// SQL Server changes the case of one character to one character.
fn one_to_one(text: &str, change: impl Fn(char) -> Vec<char>) -> String {
    text.chars()
        .map(|character| match change(character).as_slice() {
            [one] => *one,
            _ => character,
        })
        .collect()
}

pub(super) fn ascii(arguments: &Arguments<'_>) -> Result<Value> {
    Ok(match arguments.text(0).chars().next() {
        Some(first) => Value::Integer(i64::from(u32::from(first)).min(255)),
        None => Value::Null,
    })
}

/// NULL outside of 0 to 255.
pub(super) fn char(arguments: &Arguments<'_>) -> Result<Value> {
    Ok(match u8::try_from(arguments.integer(0)?) {
        Ok(code) => Value::Text(char::from(code).to_string()),
        Err(_) => Value::Null,
    })
}

/// Right-aligned, in stars when it does not fit.
pub(super) fn str(arguments: &Arguments<'_>) -> Result<Value> {
    let value = arguments.number(0)?;
    let width = if arguments.len() > 1 {
        length(arguments.integer(1)?)?
    } else {
        10
    };
    let places = if arguments.len() > 2 {
        arguments.integer(2)?.clamp(0, 16)
    } else {
        0
    };
    let text = numbers::fixed(value, places);
    if width > 8000 {
        return Err(CallError::Argument(format!("the length {width}")));
    }
    let whole = text.split('.').next().unwrap_or_default().len();
    if whole > width {
        return Ok(Value::Text("*".repeat(width)));
    }
    let text: String = text.chars().take(width).collect();
    Ok(Value::Text(format!("{text:>width$}")))
}

pub(super) fn count(count: usize) -> Value {
    Value::Integer(i64::try_from(count).unwrap_or(i64::MAX))
}

fn length(value: i64) -> Result<usize> {
    usize::try_from(value).map_err(|_| CallError::Argument(format!("the length {value}")))
}
