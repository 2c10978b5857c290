//! Lengths and parts of text. Positions count UTF-16 code units; a part is a view into its text, not a copy.

use std::{hint::select_unpredictable, sync::Arc};

use arrow::array::{Array, Int32Array};
use dtsx::{DataType, SsisCode};

use super::{
    Argument, Function, Mismatch, Signature, integer_argument, least,
    rows::{Rows, integers, texts},
    text_argument, text_result,
};
use crate::{
    arrays::{INLINE, ONES, SPACES, TextBuilder, inline_text, is_ascii_text, low_bytes},
    code_page::CodePage,
    error::EvaluateError,
    evaluate::{Context, Value},
};

pub(super) fn one_text(arguments: &[Argument<'_>]) -> Result<Signature, Mismatch> {
    let text = text_argument(arguments, 0)?;
    Ok(Signature {
        arguments: vec![text],
        result: text_result(&text),
    })
}

/// Of LEFT and RIGHT: no longer than a constant count.
fn text_and_count(arguments: &[Argument<'_>]) -> Result<Signature, Mismatch> {
    let text = text_argument(arguments, 0)?;
    let types = vec![text, integer_argument(arguments, 1)?];
    let count = least(arguments, 1, 0, SsisCode::EXPRESSION_RIGHT_LENGTH)?;
    Ok(Signature {
        arguments: types,
        result: shortened(&text, 0, count),
    })
}

/// The type of a part of a text that begins after `skipped` characters and has `count` at most, where that is known.
fn shortened(text: &DataType, skipped: i64, count: Option<i64>) -> DataType {
    match text_result(text) {
        DataType::WStr { length } => {
            let rest = (i64::from(length) - skipped).max(0);
            let length = rest.min(count.unwrap_or(rest)) as u32;
            DataType::WStr { length }
        }
        other => other,
    }
}

/// Characters; bytes of the long types (semantics 1.3.13).
pub(super) const LEN: Function = Function {
    name: "LEN",
    arguments: 1,
    deterministic: true,
    check: |arguments| {
        let argument = match arguments[0].data_type {
            DataType::Image => DataType::Image,
            long @ (DataType::Text { .. } | DataType::NText) => long,
            _ => text_argument(arguments, 0)?,
        };
        Ok(Signature {
            arguments: vec![argument],
            result: DataType::I4,
        })
    },
    apply: |values, types, context| match types.arguments[0] {
        DataType::Image => {
            let lengths = arrow::compute::kernels::length::length(values[0].array.as_ref())?;
            let array = arrow::compute::cast(&lengths, &arrow::datatypes::DataType::Int32)?;
            Ok(Value {
                array,
                is_scalar: values[0].is_scalar,
            })
        }
        DataType::NText => {
            let array = texts(&values[0]);
            let rows = Rows::of(values, context);
            Ok(rows.numbers::<arrow::datatypes::Int32Type>(context, |row| {
                Ok(2 * units(array.value(row)) as i32)
            }))
        }
        DataType::Text { code_page } => {
            let page = CodePage::from_number(code_page)
                .map_err(|error| EvaluateError::CodePage(error.to_string()))?;
            let array = texts(&values[0]);
            let rows = Rows::of(values, context);
            Ok(rows.numbers::<arrow::datatypes::Int32Type>(context, |row| {
                Ok(page.encode(array.value(row)).0.len() as i32)
            }))
        }
        _ => Ok(characters(&values[0])),
    },
};

fn characters(value: &Value) -> Value {
    let texts = texts(value);
    let buffers: Vec<&[u8]> = texts
        .data_buffers()
        .iter()
        .map(|buffer| &**buffer)
        .collect();
    let lengths = lengths(texts.views(), &buffers);
    Value {
        array: Arc::new(Int32Array::new(lengths.into(), texts.nulls().cloned())),
        is_scalar: value.is_scalar,
    }
}

/// UTF-16 code units of each text.
fn lengths(views: &[u128], buffers: &[&[u8]]) -> Vec<i32> {
    let far = |view: u128| {
        let buffer = buffers.get((view >> 64) as u32 as usize)?;
        buffer
            .get((view >> 96) as usize..)?
            .get(..view as u32 as usize)
    };
    let general = |view: u128| match view as u32 {
        length @ ..=INLINE => (length - follows(inline_text(view))) as i32,
        _ => far(view).map_or(0, units_of) as i32,
    };
    let [buffer] = buffers else {
        return views.iter().map(|view| general(*view)).collect();
    };
    // Short and long texts mostly alternate at random: a branch between them would be guessed wrong.
    let length = |view: &u128| {
        let length = *view as u32;
        let is_long = length > INLINE;
        let start = select_unpredictable(is_long, (view >> 96) as usize, 0);
        let Some(bytes) = buffer.get(start..).and_then(<[u8]>::first_chunk::<32>) else {
            return general(*view);
        };
        // Also what follows a long text: it seldom has other than ASCII.
        let far = bytes
            .as_chunks()
            .0
            .iter()
            .fold(0, |all, eight| all | u64::from_le_bytes(*eight));
        let near = (*view >> 64) as u64 | (*view as u64 & !u64::from(u32::MAX));
        let seen = select_unpredictable(is_long, far, near);
        match length {
            ..=32 if seen & HIGH_BITS == 0 => length as i32,
            13..=32 => {
                let (low, high) = halves(bytes);
                let low = follows(low & low_bytes(length.min(16)));
                let high = follows(high & low_bytes(length.saturating_sub(16)));
                (length - low - high) as i32
            }
            _ => general(*view),
        }
    };
    views.iter().map(length).collect()
}

#[inline(always)]
fn halves(bytes: &[u8; 32]) -> (u128, u128) {
    match bytes.as_chunks::<16>() {
        ([low, high], _) => (u128::from_le_bytes(*low), u128::from_le_bytes(*high)),
        _ => (0, 0),
    }
}

/// The bit of each of eight bytes that ASCII leaves out.
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

pub(super) const SUBSTRING: Function = Function {
    name: "SUBSTRING",
    arguments: 3,
    deterministic: true,
    check: |arguments| {
        let text = text_argument(arguments, 0)?;
        let types = vec![
            text,
            integer_argument(arguments, 1)?,
            integer_argument(arguments, 2)?,
        ];
        let start = least(arguments, 1, 1, SsisCode::EXPRESSION_SUBSTRING_START)?;
        let count = least(arguments, 2, 0, SsisCode::EXPRESSION_SUBSTRING_LENGTH)?;
        Ok(Signature {
            arguments: types,
            result: shortened(&text, start.unwrap_or(1) - 1, count),
        })
    },
    apply: |values, _, context| {
        let (starts, lengths) = (integers(&values[1]), integers(&values[2]));
        Ok(parts(values, context, |row, at, builder| {
            let start = match usize::try_from(starts(row)) {
                Ok(start @ 1..) => start - 1,
                _ => return Err(SsisCode::EXPRESSION_SUBSTRING_START),
            };
            let length =
                usize::try_from(lengths(row)).map_err(|_| SsisCode::EXPRESSION_SUBSTRING_LENGTH)?;
            characters_between(at, start, start.saturating_add(length), builder);
            Ok(())
        }))
    },
};

pub(super) const LEFT: Function = Function {
    name: "LEFT",
    arguments: 2,
    deterministic: true,
    check: text_and_count,
    apply: |values, _, context| {
        let counts = integers(&values[1]);
        Ok(parts(values, context, |row, at, builder| {
            let count =
                usize::try_from(counts(row)).map_err(|_| SsisCode::EXPRESSION_RIGHT_LENGTH)?;
            characters_between(at, 0, count, builder);
            Ok(())
        }))
    },
};

pub(super) const RIGHT: Function = Function {
    name: "RIGHT",
    arguments: 2,
    deterministic: true,
    check: text_and_count,
    apply: |values, _, context| {
        let counts = integers(&values[1]);
        let array = texts(&values[0]);
        Ok(parts(values, context, |row, at, builder| {
            let count =
                usize::try_from(counts(row)).map_err(|_| SsisCode::EXPRESSION_RIGHT_LENGTH)?;
            let view = array.views()[at.0];
            let length = view as u32;
            let kept = length.min(u32::try_from(count).unwrap_or(u32::MAX));
            let end = inline_text(view) >> (8 * (length.min(INLINE) - kept.min(INLINE)));
            if length <= INLINE && is_ascii_text(end) {
                builder.ascii(kept, end);
                return Ok(());
            }
            let text = array.value(at.0);
            let start = text.len().saturating_sub(count);
            // As many ASCII bytes are as many characters, whatever is before them.
            let start = match text.as_bytes().get(start..) {
                Some(end) if end.is_ascii() => start,
                _ => offset(text, units(text).saturating_sub(count), Side::Start),
            };
            builder.part(at.0, start, text.len());
            Ok(())
        }))
    },
};

/// Which row of the texts, and the texts.
type At<'a> = (usize, &'a arrow::array::StringViewArray);

/// Characters `start..end` of a text.
#[inline(always)]
fn characters_between(at: At<'_>, start: usize, end: usize, builder: &mut TextBuilder<'_>) {
    if builder.ascii_part(at.0, start, end) {
        return;
    }
    let text = at.1.value(at.0);
    let first = offset(text, start, Side::Start);
    builder.part(at.0, first, offset(text, end, Side::End).max(first));
}

/// Parts of the texts in argument 0; `part` is given the row and where its text is.
fn parts<'a>(
    values: &'a [Value],
    context: &mut Context<'_>,
    mut part: impl FnMut(usize, At<'a>, &mut TextBuilder<'a>) -> Result<(), SsisCode>,
) -> Value {
    let array = texts(&values[0]);
    let rows = Rows::of(values, context);
    let builder = TextBuilder::over(array, rows.count);
    rows.texts(builder, context, |row, builder| {
        part(row, (values[0].at(row), array), builder)
    })
}

macro_rules! trim {
    ($name:ident, $start:literal, $end:literal) => {
        pub(super) const $name: Function = Function {
            name: stringify!($name),
            arguments: 1,
            deterministic: true,
            check: one_text,
            apply: |values, _, context| Ok(trim(values, context, $start, $end)),
        };
    };
}

trim!(TRIM, true, true);
trim!(LTRIM, true, false);
trim!(RTRIM, false, true);

/// Only U+0020 is trimmed (semantics 1.3.12).
fn trim(values: &[Value], context: &mut Context<'_>, at_start: bool, at_end: bool) -> Value {
    parts(values, context, |_, (at, array), builder| {
        let view = array.views()[at];
        let length = view as u32;
        let (start, end) = if length <= INLINE {
            // What is no blank, as bytes that are not zero.
            let ink = (inline_text(view) ^ SPACES) & low_bytes(length);
            let start = (ink.trailing_zeros() / 8).min(length);
            let end = 16 - ink.leading_zeros() / 8;
            (start as usize, end as usize)
        } else {
            let text = array.value(at);
            let end = text.trim_end_matches(' ').len();
            let inked = text.get(..end).unwrap_or_default();
            (end - inked.trim_start_matches(' ').len(), end)
        };
        let start = if at_start { start } else { 0 };
        let end = if at_end { end } else { length as usize };
        builder.part(at, start, end.max(start));
        Ok(())
    })
}

/// UTF-16 code units: each byte that begins a character counts, and one more where a character has four.
pub(super) fn units(text: &str) -> usize {
    units_of(text.as_bytes())
}

fn units_of(text: &[u8]) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    let unit = |byte: &u8| usize::from(*byte & 0xC0 != 0x80) + usize::from(*byte >= 0xF0);
    text.iter().map(unit).sum()
}

/// Bytes that are no code unit of their own, of at most sixteen: those that follow a first one, but for one of four.
#[inline(always)]
fn follows(bytes: u128) -> u32 {
    let (top, second) = (bytes >> 7, bytes >> 6);
    let follows = top & !second & ONES;
    let four = top & second & (bytes >> 5) & (bytes >> 4) & ONES;
    follows.count_ones() - four.count_ones()
}

/// Which end of a part a place is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Start,
    End,
}

/// The byte at which `count` code units have passed; the end if there are fewer. A part has no half of a pair: it begins
/// after it, or ends before.
fn offset(text: &str, count: usize, side: Side) -> usize {
    if text.is_ascii() {
        return count.min(text.len());
    }
    let mut passed = 0;
    for (at, character) in text.char_indices() {
        let next = passed + character.len_utf16();
        if passed >= count || (side == Side::End && next > count) {
            return at;
        }
        passed = next;
    }
    text.len()
}
