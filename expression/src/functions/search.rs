//! FINDSTRING, TOKEN, TOKENCOUNT (semantics 1.3.8, 1.3.10).

use arrow::{
    array::{Array, StringViewArray},
    datatypes::Int32Type,
};
use dtsx::{DataType, SsisCode};
use memchr::memmem::Finder;

use super::{
    Argument, Function, Mismatch, Signature, integer_argument, least,
    rows::{Rows, constant_integer, constant_text, integers, texts},
    text::units,
    text_argument, text_result,
};
use crate::arrays::{INLINE, MARKED_MAX, Marks, Span, TextBuilder};

/// Bytes of the shortest text that is not inside its view, and of the longest whose marks are one word.
const LONG: usize = INLINE as usize + 1;
const MARKS: usize = 64;

/// 1-based, overlaps count, an empty needle is not found.
pub(super) const FINDSTRING: Function = Function {
    name: "FINDSTRING",
    arguments: 3,
    deterministic: true,
    check: |arguments| {
        Ok(Signature {
            result: DataType::I4,
            ..two_texts_and_count(arguments, SsisCode::EXPRESSION_FINDSTRING_OCCURRENCE)?
        })
    },
    apply: |values, _, context| {
        let (array, needles) = (texts(&values[0]), texts(&values[1]));
        let occurrences = integers(&values[2]);
        let constant = constant_text(&values[1]).map(Finder::new);
        let rows = Rows::of(values, context);
        if let (Some(finder), Some(occurrence @ 1..), false) =
            (&constant, constant_integer(&values[2]), values[0].is_scalar)
            && let Some(span) = Span::of(array)
        {
            let places = places(array, &span, finder, occurrence as usize);
            return Ok(rows.known::<Int32Type>(places));
        }
        Ok(rows.numbers::<Int32Type>(context, |row| {
            let occurrence = match usize::try_from(occurrences(row)) {
                Ok(occurrence @ 1..) => occurrence,
                _ => return Err(SsisCode::EXPRESSION_FINDSTRING_OCCURRENCE),
            };
            let text = array.value(values[0].at(row));
            Ok(match &constant {
                Some(finder) => position(text, finder, occurrence),
                None => position(
                    text,
                    &Finder::new(needles.value(values[1].at(row))),
                    occurrence,
                ),
            })
        }))
    },
};

fn two_texts_and_count(arguments: &[Argument<'_>], code: SsisCode) -> Result<Signature, Mismatch> {
    let text = text_argument(arguments, 0)?;
    let types = vec![
        text,
        text_argument(arguments, 1)?,
        integer_argument(arguments, 2)?,
    ];
    least(arguments, 2, 1, code)?;
    Ok(Signature {
        arguments: types,
        result: text_result(&text),
    })
}

/// A constant set of delimiters has one at least.
fn delimiters(arguments: &[Argument<'_>]) -> Result<DataType, Mismatch> {
    let set = text_argument(arguments, 1)?;
    let constant = arguments[1].constant.filter(|set| !set.is_null());
    match constant.is_some_and(|set| set.to_string().is_empty()) {
        false => Ok(set),
        true => Err(Mismatch {
            argument: 1,
            code: SsisCode::EXPRESSION_FUNCTION_FAILED,
            message: "is empty, a set of delimiters is wanted".to_owned(),
        }),
    }
}

fn position(text: &str, finder: &Finder<'_>, occurrence: usize) -> i32 {
    if finder.needle().is_empty() {
        return 0;
    }
    let bytes = text.as_bytes();
    let mut from = 0;
    for left in (0..occurrence).rev() {
        let Some(found) = bytes.get(from..).and_then(|rest| finder.find(rest)) else {
            return 0;
        };
        if left == 0 {
            return units(text.get(..from + found).unwrap_or_default()) as i32 + 1;
        }
        from += found + 1;
    }
    0
}

/// [`position`] in each text, of a needle that is searched once in all of them.
fn places(
    array: &StringViewArray,
    span: &Span<'_>,
    finder: &Finder<'_>,
    occurrence: usize,
) -> Vec<i32> {
    let needle = finder.needle().len();
    if needle == 0 {
        return vec![0; array.len()];
    }
    let bytes = span.bytes;
    let is_ascii = bytes.is_ascii();
    let find = |from: usize| {
        let found = bytes.get(from..).and_then(|rest| finder.find(rest));
        found.map_or(usize::MAX - needle, |found| from + found)
    };
    let mut next = find(0);
    let mut place = |row: usize, view: u128| {
        if view as u32 <= INLINE {
            return position(array.value(row), finder, occurrence);
        }
        let (start, end) = span.place(view);
        for left in (0..occurrence).rev() {
            // One that begins in the text before this, and ends in it, is in neither.
            if next < start {
                next = find(start);
            }
            if next + needle > end {
                return 0;
            }
            if left == 0 {
                return match is_ascii {
                    true => (next - start) as i32 + 1,
                    false => {
                        units(array.value(row).get(..next - start).unwrap_or_default()) as i32 + 1
                    }
                };
            }
            next = find(next + 1);
        }
        0
    };
    let views = array.views().iter().enumerate();
    views.map(|(row, view)| place(row, *view)).collect()
}

/// A set of delimiters.
struct Delimiters<'a> {
    /// The only one, if that is ASCII.
    only: Option<u8>,
    /// Those that are ASCII, a bit each.
    ascii: u128,
    others: Option<&'a str>,
    set: &'a str,
}

impl<'a> Delimiters<'a> {
    /// An empty set is refused (semantics 1.3.10).
    fn new(set: &'a str) -> Result<Self, SsisCode> {
        if set.is_empty() {
            return Err(SsisCode::EXPRESSION_FUNCTION_FAILED);
        }
        let ascii = set
            .bytes()
            .filter(u8::is_ascii)
            .fold(0, |bits, byte| bits | 1 << byte);
        let others = (!set.is_ascii()).then_some(set);
        let only = match set.as_bytes() {
            [byte] => Some(*byte),
            _ => None,
        };
        Ok(Self {
            only,
            ascii,
            others,
            set,
        })
    }

    /// Where they are in the long texts, if these lie together.
    fn marks<'t>(&self, array: &'t StringViewArray) -> Option<(Span<'t>, Marks)> {
        if self.others.is_some() || self.set.len() > MARKED_MAX {
            return None;
        }
        let span = Span::of(array)?;
        Some((span, Marks::of(span.bytes, self.set.as_bytes())))
    }

    /// The tokens of a text, as places in it: runs and edges are skipped.
    fn tokens<'t>(&'t self, text: &'t str) -> impl Iterator<Item = (usize, usize)> + 't {
        let bytes = text.as_bytes();
        let mut from = 0;
        std::iter::from_fn(move || {
            while let Some(length) = self.at(text, bytes, from) {
                from += length;
            }
            let start = from;
            from = match self.only {
                Some(only) => memchr::memchr(only, bytes.get(from..)?)
                    .map_or(bytes.len(), |found| from + found),
                None => self.next(text, bytes, from),
            };
            (start < from).then_some((start, from))
        })
    }

    /// Where the next delimiter is, or the end.
    fn next(&self, text: &str, bytes: &[u8], mut from: usize) -> usize {
        while from < bytes.len() && self.at(text, bytes, from).is_none() {
            from += 1;
        }
        from
    }

    /// Bytes of the delimiter at a place, if there is one.
    fn at(&self, text: &str, bytes: &[u8], place: usize) -> Option<usize> {
        let byte = *bytes.get(place)?;
        if byte.is_ascii() {
            return (self.ascii >> byte & 1 == 1).then_some(1);
        }
        let character = text.get(place..)?.chars().next()?;
        self.others?
            .contains(character)
            .then(|| character.len_utf8())
    }
}

/// Tokens of a text of up to 64 bytes: a bit where each starts, and the delimiters and all that is behind the text.
fn tokens(delimiters: u64, length: usize) -> (u64, u64) {
    let behind = u64::MAX.checked_shl(length as u32).unwrap_or(0);
    let none = delimiters | behind;
    (!none & !(!none << 1), none)
}

/// The place of a token by its number from 0.
fn token(delimiters: u64, length: usize, number: usize) -> Option<(usize, usize)> {
    let (mut starts, none) = tokens(delimiters, length);
    for _ in 0..number {
        starts &= starts.wrapping_sub(1);
    }
    if starts == 0 {
        return None;
    }
    let start = starts.trailing_zeros() as usize;
    let end = start + (none >> start).trailing_zeros() as usize;
    Some((start, end.min(length)))
}

/// The tokens of one number, from 0, of all texts.
fn marked_tokens<'a>(
    array: &'a StringViewArray,
    marks: &(Span<'a>, Marks),
    delimiters: &Delimiters<'_>,
    number: usize,
    builder: TextBuilder<'a>,
) -> TextBuilder<'a> {
    let mut builder = builder;
    for (row, view) in array.views().iter().enumerate() {
        let length = *view as u32 as usize;
        let place = match length {
            LONG..=MARKS => token(marks.1.from(marks.0.place(*view).0), length, number),
            _ => delimiters.tokens(array.value(row)).nth(number),
        };
        match place {
            Some((start, end)) => builder.part(row, start, end),
            None => builder.empty(),
        }
    }
    builder
}

/// Delimiters are a set; runs and edges are skipped, an empty text is one empty token.
pub(super) const TOKEN: Function = Function {
    name: "TOKEN",
    arguments: 3,
    deterministic: true,
    check: |arguments| {
        delimiters(arguments)?;
        two_texts_and_count(arguments, SsisCode::EXPRESSION_FUNCTION_FAILED)
    },
    apply: |values, _, context| {
        let (array, sets) = (texts(&values[0]), texts(&values[1]));
        let occurrences = integers(&values[2]);
        let constant = constant_text(&values[1]).map(Delimiters::new);
        let rows = Rows::of(values, context);
        let builder = TextBuilder::over(array, rows.count);
        if let (Some(Ok(delimiters)), Some(occurrence @ 1..), false) =
            (&constant, constant_integer(&values[2]), values[0].is_scalar)
            && let Some(marks) = delimiters.marks(array)
        {
            let builder =
                marked_tokens(array, &marks, delimiters, occurrence as usize - 1, builder);
            return Ok(rows.built(builder));
        }
        Ok(rows.texts(builder, context, |row, builder| {
            let at = values[0].at(row);
            let occurrence = match usize::try_from(occurrences(row)) {
                Ok(occurrence @ 1..) => occurrence,
                _ => return Err(SsisCode::EXPRESSION_FUNCTION_FAILED),
            };
            let of_row;
            let delimiters = match &constant {
                Some(Ok(delimiters)) => delimiters,
                Some(Err(code)) => return Err(*code),
                None => {
                    of_row = Delimiters::new(sets.value(values[1].at(row)))?;
                    &of_row
                }
            };
            match delimiters.tokens(array.value(at)).nth(occurrence - 1) {
                Some((start, end)) => builder.part(at, start, end),
                None => builder.empty(),
            }
            Ok(())
        }))
    },
};

pub(super) const TOKENCOUNT: Function = Function {
    name: "TOKENCOUNT",
    arguments: 2,
    deterministic: true,
    check: |arguments| {
        Ok(Signature {
            arguments: vec![text_argument(arguments, 0)?, delimiters(arguments)?],
            result: DataType::I4,
        })
    },
    apply: |values, _, context| {
        let (array, sets) = (texts(&values[0]), texts(&values[1]));
        let constant = constant_text(&values[1]).map(Delimiters::new);
        let marks = match &constant {
            Some(Ok(delimiters)) if !values[0].is_scalar => delimiters.marks(array),
            _ => None,
        };
        Ok(
            Rows::of(values, context).numbers::<Int32Type>(context, |row| {
                if let Some((span, marks)) = &marks
                    && let view = array.views()[row]
                    && let length @ LONG..=MARKS = view as u32 as usize
                {
                    let (starts, _) = tokens(marks.from(span.place(view).0), length);
                    return Ok(starts.count_ones() as i32);
                }
                let text = array.value(values[0].at(row));
                let count = match &constant {
                    Some(Ok(delimiters)) => delimiters.tokens(text).count(),
                    Some(Err(code)) => return Err(*code),
                    None => Delimiters::new(sets.value(values[1].at(row)))?
                        .tokens(text)
                        .count(),
                };
                Ok(if text.is_empty() { 1 } else { count as i32 })
            }),
        )
    },
};
