//! New texts out of old ones: UPPER, LOWER, REVERSE, REPLICATE, REPLACE.

use std::sync::Arc;

use arrow::array::StringViewArray;
use dtsx::{DataType, SsisCode};
use icu_casemap::CaseMapper;
use memchr::memmem::Finder;

use super::{
    Argument, Function, Mismatch, Signature, integer_argument, least,
    rows::{Rows, constant_text, integers, texts},
    text::{one_text, units},
    text_argument, text_result,
};
use crate::{
    arrays::{
        INLINE, ONES, TextBuilder, ascii_case, equal_bytes, exchanged, inline_text, is_ascii_text,
        low_bytes,
    },
    evaluate::{Context, Value},
};

/// Characters of the longest text (semantics 1.3.5).
const CHARACTERS_MAX: usize = 4000;
/// Bytes of the longest DT_NTEXT that is made.
const LONG_MAX: usize = 1 << 30;

/// One text in, one text out: `short` for ASCII in a number, `write` for all others.
fn rewrite(
    values: &[Value],
    context: &mut Context<'_>,
    short: impl Fn(u128, u32) -> u128,
    write: impl Fn(&str, &mut String),
) -> Value {
    let array = texts(&values[0]);
    let rows = Rows::of(values, context);
    let builder = TextBuilder::over(array, rows.count);
    rows.texts(builder, context, |row, builder| {
        let view = array.views()[values[0].at(row)];
        let (length, bytes) = (view as u32, inline_text(view));
        if length <= INLINE && is_ascii_text(bytes) {
            builder.ascii(length, short(bytes, length));
            return Ok(());
        }
        let text = array.value(values[0].at(row));
        builder.write(|out| {
            write(text, out);
            Ok(())
        })
    })
}

/// Invariant simple casing: one character stays one (semantics 1.3.11).
macro_rules! case {
    ($name:ident, $upper:literal, $ascii:ident, $simple:ident) => {
        pub(super) const $name: Function = Function {
            name: stringify!($name),
            arguments: 1,
            deterministic: true,
            check: one_text,
            apply: |values, _, context| {
                let short = |bytes, _| ascii_case(bytes, $upper);
                let mapper = CaseMapper::new();
                Ok(rewrite(values, context, short, |text, out| {
                    let start = out.len();
                    out.push_str(text);
                    match out.get_mut(start..) {
                        Some(new) if new.is_ascii() => new.$ascii(),
                        _ => {
                            out.truncate(start);
                            out.extend(text.chars().map(|character| match character {
                                // The invariant culture leaves the Turkish and the long letter alone.
                                '\u{130}' | '\u{131}' | '\u{17F}' => character,
                                _ => mapper.$simple(character),
                            }));
                        }
                    }
                }))
            },
        };
    };
}

case!(UPPER, true, make_ascii_uppercase, simple_uppercase);
case!(LOWER, false, make_ascii_lowercase, simple_lowercase);

pub(super) const REVERSE: Function = Function {
    name: "REVERSE",
    arguments: 1,
    deterministic: true,
    check: one_text,
    apply: |values, _, context| {
        let short = |bytes: u128, length: u32| match length {
            0 => 0,
            _ => bytes.swap_bytes() >> (8 * (16 - length)),
        };
        Ok(rewrite(values, context, short, |text, out| {
            out.extend(text.chars().rev())
        }))
    },
};

/// Longer results fail: in columns 4,000 characters at most (semantics 1.3.5), elsewhere what the check allows.
pub(super) const REPLICATE: Function = Function {
    name: "REPLICATE",
    arguments: 2,
    deterministic: true,
    check: |arguments| {
        let text = text_argument(arguments, 0)?;
        let count = integer_argument(arguments, 1)?;
        least(arguments, 1, 0, SsisCode::EXPRESSION_REPLICATE_COUNT)?;
        Ok(Signature {
            arguments: vec![text, count],
            result: grown(&text),
        })
    },
    apply: |values, types, context| {
        let (array, counts) = (texts(&values[0]), integers(&values[1]));
        let limit = limit(&types.result);
        let rows = Rows::of(values, context);
        let builder = TextBuilder::new(rows.count);
        Ok(rows.texts(builder, context, |row, builder| {
            let text = array.value(values[0].at(row));
            let count =
                usize::try_from(counts(row)).map_err(|_| SsisCode::EXPRESSION_REPLICATE_COUNT)?;
            if units(text).saturating_mul(count) > limit {
                return Err(SsisCode::EXPRESSION_FUNCTION_OVERFLOW);
            }
            // However often an empty text is asked for.
            let count = if text.is_empty() { 0 } else { count };
            builder.write(|out| {
                (0..count).for_each(|_| out.push_str(text));
                Ok(())
            })
        }))
    },
};

/// The type of a text that can become longer.
fn grown(text: &DataType) -> DataType {
    match text_result(text) {
        DataType::WStr { .. } => DataType::WStr {
            length: CHARACTERS_MAX as u32,
        },
        other => other,
    }
}

/// Characters that a text of a type can have.
fn limit(data_type: &DataType) -> usize {
    match data_type {
        DataType::WStr { length } => *length as usize,
        _ => LONG_MAX,
    }
}

pub(super) const REPLACE: Function = Function {
    name: "REPLACE",
    arguments: 3,
    deterministic: true,
    check: three_texts,
    apply: |values, types, context| {
        let array = texts(&values[0]);
        let (needles, replacements) = (texts(&values[1]), texts(&values[2]));
        let limit = limit(&types.result);
        let constant = constant_text(&values[1]).map(Finder::new);
        let rows = Rows::of(values, context);
        if let (Some(&[old]), Some(&[new]), false) = (
            constant_text(&values[1]).map(str::as_bytes),
            constant_text(&values[2]).map(str::as_bytes),
            values[0].is_scalar,
        ) && let Some(exchanged) = exchanged(array, old, new, rows.nulls())
        {
            return Ok(Value::array(Arc::new(exchanged)));
        }
        let builder = TextBuilder::over(array, rows.count);
        Ok(rows.texts(builder, context, |row, builder| {
            let at = values[0].at(row);
            let replacement = replacements.value(values[2].at(row));
            let of_row;
            let finder = match &constant {
                Some(finder) => finder,
                None => {
                    of_row = Finder::new(needles.value(values[1].at(row)));
                    &of_row
                }
            };
            match (finder.needle(), replacement.as_bytes()) {
                ([old], [new]) if old.is_ascii() && new.is_ascii() => {
                    exchange(array, at, *old, *new, builder);
                    Ok(())
                }
                _ => replace(array, at, finder, replacement, limit, builder),
            }
        }))
    },
};

fn three_texts(arguments: &[Argument<'_>]) -> Result<Signature, Mismatch> {
    let text = text_argument(arguments, 0)?;
    let types = vec![
        text,
        text_argument(arguments, 1)?,
        text_argument(arguments, 2)?,
    ];
    Ok(Signature {
        arguments: types,
        result: grown(&text),
    })
}

/// One ASCII character for another.
fn exchange(array: &StringViewArray, at: usize, old: u8, new: u8, builder: &mut TextBuilder<'_>) {
    let view = array.views()[at];
    let (length, bytes) = (view as u32, inline_text(view));
    let change = old ^ new;
    if length <= INLINE {
        let places = equal_bytes(bytes, old) & low_bytes(length);
        let changed = bytes ^ (places & (ONES * u128::from(change)));
        return builder.changed_short(length, changed);
    }
    match array.value(at).as_bytes().contains(&old) {
        true => builder.exchanged(at, old, new),
        false => builder.keep(at),
    }
}

/// A text without the needle stays where it is; an empty needle is in no text (semantics 1.3.9).
fn replace(
    array: &StringViewArray,
    at: usize,
    finder: &Finder<'_>,
    replacement: &str,
    limit: usize,
    builder: &mut TextBuilder<'_>,
) -> Result<(), SsisCode> {
    let text = array.value(at);
    let needle = finder.needle().len();
    let first = match needle {
        0 => None,
        _ => finder.find(text.as_bytes()),
    };
    let Some(mut found) = first else {
        builder.keep(at);
        return Ok(());
    };
    builder.write(|out| {
        let start = out.len();
        let mut rest = text;
        loop {
            out.push_str(rest.get(..found).unwrap_or_default());
            out.push_str(replacement);
            rest = rest.get(found + needle..).unwrap_or_default();
            match finder.find(rest.as_bytes()) {
                Some(next) => found = next,
                None => break,
            }
        }
        out.push_str(rest);
        let length = out.len() - start;
        if length > limit && units(out.get(start..).unwrap_or_default()) > limit {
            return Err(SsisCode::EXPRESSION_FUNCTION_OVERFLOW);
        }
        Ok(())
    })
}
