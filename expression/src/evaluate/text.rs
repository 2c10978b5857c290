//! Concatenation: all texts of `a + b + c` in one pass.

use std::sync::Arc;

use arrow::{
    array::{AsArray, StringViewArray},
    buffer::NullBuffer,
};

use super::{Value, union_of_nulls};
use crate::arrays::TextBuilder;

/// The texts of each row, one behind the other; NULL where one is.
pub(super) fn concat(parts: &[Value], rows: usize) -> Value {
    let is_scalar = parts.iter().all(|part| part.is_scalar);
    let rows = if is_scalar { 1 } else { rows };
    let nulls = union_of_nulls(parts, rows);
    let builder = TextBuilder::new(rows);
    let columns: Vec<Part<'_>> = parts.iter().map(Part::of).collect();
    let nulls_of = nulls.as_ref();
    let builder = match columns.as_slice() {
        // Known numbers of parts: the loops over them unroll.
        [a, b] => append_known(&[*a, *b], rows, nulls_of, builder),
        [a, b, c] => append_known(&[*a, *b, *c], rows, nulls_of, builder),
        parts => append(parts, rows, nulls_of, builder),
    };
    Value {
        array: Arc::new(builder.finish(nulls)),
        is_scalar,
    }
}

#[derive(Clone, Copy)]
struct Part<'a> {
    array: &'a StringViewArray,
    views: &'a [u128],
    /// From the text of a row to that of the next.
    step: usize,
}

impl<'a> Part<'a> {
    fn of(value: &'a Value) -> Self {
        let array = value.array.as_string_view();
        Self {
            array,
            views: array.views(),
            step: usize::from(!value.is_scalar),
        }
    }
}

fn append_known<'a, const N: usize>(
    parts: &[Part<'_>; N],
    rows: usize,
    nulls: Option<&NullBuffer>,
    builder: TextBuilder<'a>,
) -> TextBuilder<'a> {
    append(parts, rows, nulls, builder)
}

#[inline(always)]
fn append<'a>(
    parts: &[Part<'_>],
    rows: usize,
    nulls: Option<&NullBuffer>,
    mut builder: TextBuilder<'a>,
) -> TextBuilder<'a> {
    for row in 0..rows {
        if nulls.is_some_and(|nulls| nulls.is_null(row)) {
            builder.empty();
            continue;
        }
        let parts = parts.iter();
        let parts = parts.map(|part| (part.views[row * part.step], part.array));
        let length: u64 = parts.clone().map(|(view, _)| u64::from(view as u32)).sum();
        match u32::try_from(length) {
            Ok(length) => builder.joined(length, parts),
            Err(_) => builder.empty(),
        }
    }
    builder
}
