//! Lengths, parts and case of text. Positions count UTF-16 code units; parts of a text are views into it, not copies.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, Int32Array, StringViewArray, StringViewBuilder},
    datatypes::Int32Type,
};
use dtsx::{DataType, SsisCode};

use super::{Function, Signature, integer_argument, text_argument, text_result, views};
use crate::{
    error::EvaluateError,
    evaluate::{Context, Value},
};

fn one_text(types: &[DataType]) -> Result<Signature, String> {
    let text = text_argument(1, &types[0])?;
    Ok(Signature {
        arguments: vec![text],
        result: text_result(&text),
    })
}

fn text_and_count(types: &[DataType]) -> Result<Signature, String> {
    let text = text_argument(1, &types[0])?;
    Ok(Signature {
        arguments: vec![text, integer_argument(2, &types[1])?],
        result: text_result(&text),
    })
}

pub(super) const LEN: Function = Function {
    name: "LEN",
    arguments: 1,
    deterministic: true,
    check: |types| {
        Ok(Signature {
            arguments: vec![text_argument(1, &types[0])?],
            result: DataType::I4,
        })
    },
    apply: |values, _, _| {
        let texts = values[0].array.as_string_view();
        let ascii = views::are_ascii(texts);
        let lengths: Vec<i32> = if ascii {
            texts
                .views()
                .iter()
                .map(|view| *view as u32 as i32)
                .collect()
        } else {
            (0..texts.len())
                .map(|row| {
                    if texts.is_null(row) {
                        0
                    } else {
                        units(texts.value(row)) as i32
                    }
                })
                .collect()
        };
        let array = Int32Array::new(lengths.into(), texts.nulls().cloned());
        Ok(Value {
            array: Arc::new(array),
            is_scalar: values[0].is_scalar,
        })
    },
};

pub(super) const SUBSTRING: Function = Function {
    name: "SUBSTRING",
    arguments: 3,
    deterministic: true,
    check: |types| {
        let text = text_argument(1, &types[0])?;
        let arguments = vec![
            text,
            integer_argument(2, &types[1])?,
            integer_argument(3, &types[2])?,
        ];
        Ok(Signature {
            arguments,
            result: text_result(&text),
        })
    },
    apply: |values, _, context| {
        let (starts, lengths) = (integers(&values[1]), integers(&values[2]));
        part(
            &values[0],
            &[&values[1], &values[2]],
            context,
            |text, row| {
                let (start, length) = (
                    starts.value(values[1].at(row)),
                    lengths.value(values[2].at(row)),
                );
                (start >= 1 && length >= 0)
                    .then(|| take(skip(text, start as usize - 1), length as usize))
            },
        )
    },
};

pub(super) const LEFT: Function = Function {
    name: "LEFT",
    arguments: 2,
    deterministic: true,
    check: text_and_count,
    apply: |values, _, context| {
        let counts = integers(&values[1]);
        part(&values[0], &[&values[1]], context, |text, row| {
            usize::try_from(counts.value(values[1].at(row)))
                .ok()
                .map(|count| take(text, count))
        })
    },
};

pub(super) const RIGHT: Function = Function {
    name: "RIGHT",
    arguments: 2,
    deterministic: true,
    check: text_and_count,
    apply: |values, _, context| {
        let counts = integers(&values[1]);
        part(&values[0], &[&values[1]], context, |text, row| {
            let count = usize::try_from(counts.value(values[1].at(row))).ok()?;
            Some(skip(text, units(text).saturating_sub(count)))
        })
    },
};

/// Only U+0020 is trimmed (semantics 1.3.12).
pub(super) const TRIM: Function = Function {
    name: "TRIM",
    arguments: 1,
    deterministic: true,
    check: one_text,
    apply: |values, _, context| {
        part(&values[0], &[], context, |text, _| {
            Some(text.trim_matches(' '))
        })
    },
};

pub(super) const LTRIM: Function = Function {
    name: "LTRIM",
    arguments: 1,
    deterministic: true,
    check: one_text,
    apply: |values, _, context| {
        part(&values[0], &[], context, |text, _| {
            Some(text.trim_start_matches(' '))
        })
    },
};

pub(super) const RTRIM: Function = Function {
    name: "RTRIM",
    arguments: 1,
    deterministic: true,
    check: one_text,
    apply: |values, _, context| {
        part(&values[0], &[], context, |text, _| {
            Some(text.trim_end_matches(' '))
        })
    },
};

/// Invariant simple casing: one character stays one (semantics 1.3.11).
pub(super) const UPPER: Function = Function {
    name: "UPPER",
    arguments: 1,
    deterministic: true,
    check: one_text,
    apply: |values, _, context| {
        if let Some(value) = short_case(&values[0], true) {
            return Ok(value);
        }
        rewrite(&values[0], context, |text, out| {
            if text.is_ascii() {
                out.push_str(text);
                out.make_ascii_uppercase();
            } else {
                out.extend(
                    text.chars()
                        .map(|character| simple(character, character.to_uppercase())),
                );
            }
        })
    },
};

pub(super) const LOWER: Function = Function {
    name: "LOWER",
    arguments: 1,
    deterministic: true,
    check: one_text,
    apply: |values, _, context| {
        if let Some(value) = short_case(&values[0], false) {
            return Ok(value);
        }
        rewrite(&values[0], context, |text, out| {
            if text.is_ascii() {
                out.push_str(text);
                out.make_ascii_lowercase();
            } else {
                out.extend(
                    text.chars()
                        .map(|character| simple(character, character.to_lowercase())),
                );
            }
        })
    },
};

pub(super) const REVERSE: Function = Function {
    name: "REVERSE",
    arguments: 1,
    deterministic: true,
    check: one_text,
    apply: |values, _, context| {
        rewrite(&values[0], context, |text, out| {
            out.extend(text.chars().rev())
        })
    },
};

/// Longer results fail: 4,000 characters at most (semantics 1.3.5).
pub(super) const REPLICATE: Function = Function {
    name: "REPLICATE",
    arguments: 2,
    deterministic: true,
    check: |types| {
        let signature = text_and_count(types)?;
        Ok(Signature {
            result: DataType::WStr { length: 4000 },
            ..signature
        })
    },
    apply: |values, _, context| {
        let counts = integers(&values[1]);
        build(&values[0], &[&values[1]], context, |text, row, out| {
            let Ok(count) = usize::try_from(counts.value(values[1].at(row))) else {
                return false;
            };
            if text.len().saturating_mul(count) > 4000 * 4 {
                return false;
            }
            (0..count).for_each(|_| out.push_str(text));
            true
        })
    },
};

pub(super) fn integers(value: &Value) -> &Int32Array {
    value.array.as_primitive::<Int32Type>()
}

/// UTF-16 code units.
pub(super) fn units(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.encode_utf16().count()
    }
}

fn skip(text: &str, count: usize) -> &str {
    text.get(offset(text, count)..).unwrap_or_default()
}

fn take(text: &str, count: usize) -> &str {
    text.get(..offset(text, count)).unwrap_or_default()
}

/// The byte at which `count` code units have passed; the end if there are fewer.
pub(super) fn offset(text: &str, count: usize) -> usize {
    if text.is_ascii() {
        return count.min(text.len());
    }
    let mut passed = 0;
    for (at, character) in text.char_indices() {
        if passed >= count {
            return at;
        }
        passed += character.len_utf16();
    }
    text.len()
}

fn simple(character: char, mut mapped: impl Iterator<Item = char>) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => one,
        _ => character,
    }
}

fn any_null(values: &[&Value], row: usize) -> bool {
    values.iter().any(|value| value.is_null(row))
}

/// Parts of the texts as views into the same buffers. `None` from `choose` fails the row.
fn part<'a>(
    texts: &'a Value,
    others: &[&Value],
    context: &mut Context<'_>,
    choose: impl Fn(&'a str, usize) -> Option<&'a str>,
) -> Result<Value, EvaluateError> {
    let array: &'a StringViewArray = texts.array.as_string_view();
    let is_scalar = texts.is_scalar && others.iter().all(|other| other.is_scalar);
    let rows = if is_scalar { 1 } else { context.rows() };
    let parts = views::parts(
        array,
        rows,
        |row| texts.at(row),
        |row, at| {
            if array.is_null(at) || any_null(others, row) {
                return None;
            }
            let chosen = choose(array.value(at), row);
            if chosen.is_none() {
                context.fail(row, SsisCode::EXPRESSION_EVALUATION_FAILED);
            }
            chosen
        },
    );
    Ok(Value {
        array: Arc::new(parts) as ArrayRef,
        is_scalar,
    })
}

/// New texts, one buffer for all.
pub(super) fn build(
    texts: &Value,
    others: &[&Value],
    context: &mut Context<'_>,
    mut write: impl FnMut(&str, usize, &mut String) -> bool,
) -> Result<Value, EvaluateError> {
    let array = texts.array.as_string_view();
    let is_scalar = texts.is_scalar && others.iter().all(|other| other.is_scalar);
    let rows = if is_scalar { 1 } else { context.rows() };
    let mut builder = StringViewBuilder::with_capacity(rows);
    let mut out = String::new();
    for row in 0..rows {
        let at = texts.at(row);
        if array.is_null(at) || any_null(others, row) {
            builder.append_null();
            continue;
        }
        out.clear();
        if write(array.value(at), row, &mut out) {
            builder.append_value(&out);
        } else {
            context.fail(row, SsisCode::EXPRESSION_EVALUATION_FAILED);
            builder.append_null();
        }
    }
    Ok(Value {
        array: Arc::new(builder.finish()),
        is_scalar,
    })
}

/// The common case of UPPER and LOWER.
fn short_case(texts: &Value, upper: bool) -> Option<Value> {
    let array = views::short_ascii_case(texts.array.as_string_view_opt()?, upper)?;
    Some(Value {
        array: Arc::new(array),
        is_scalar: texts.is_scalar,
    })
}

fn rewrite(
    texts: &Value,
    context: &mut Context<'_>,
    mut write: impl FnMut(&str, &mut String),
) -> Result<Value, EvaluateError> {
    build(texts, &[], context, |text, _, out| {
        write(text, out);
        true
    })
}
