//! Concatenation: all texts of `a + b + c` in one pass.

use std::sync::Arc;

use arrow::{
    array::{AsArray, StringViewArray},
    buffer::NullBuffer,
};

use dtsx::SsisCode;

use super::{Context, Value, union_of_nulls};
use crate::arrays::TextBuilder;

/// The texts of each row, one behind the other; NULL where one is. A row whose text is longer than an Arrow text can be fails.
pub(super) fn concat(parts: &[Value], context: &mut Context<'_>) -> Value {
    let rows = context.rows();
    let is_scalar = parts.iter().all(|part| part.is_scalar);
    let rows = if is_scalar { 1 } else { rows };
    let nulls = union_of_nulls(parts, rows);
    let mut builder = TextBuilder::new(rows);
    let columns: Vec<Part<'_>> = parts.iter().map(Part::of).collect();
    let nulls_of = nulls.as_ref();
    let too_long = match columns.as_slice() {
        // Known numbers of parts: the loops over them unroll.
        [a, b] => append(&[*a, *b], rows, nulls_of, &mut builder),
        [a, b, c] => append(&[*a, *b, *c], rows, nulls_of, &mut builder),
        parts => append(parts, rows, nulls_of, &mut builder),
    };
    for row in too_long {
        context.fail(row, SsisCode::EXPRESSION_FUNCTION_OVERFLOW);
    }
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

/// Appends the text of each row; the rows whose text is too long.
#[inline(always)]
fn append(
    parts: &[Part<'_>],
    rows: usize,
    nulls: Option<&NullBuffer>,
    builder: &mut TextBuilder<'_>,
) -> Vec<usize> {
    let mut too_long = Vec::new();
    for row in 0..rows {
        if nulls.is_some_and(|nulls| nulls.is_null(row)) {
            builder.empty();
            continue;
        }
        let parts = parts.iter();
        let parts = parts.map(|part| (part.views[row * part.step], part.array));
        let length: u64 = parts.clone().map(|(view, _)| u64::from(view as u32)).sum();
        match i32::try_from(length) {
            Ok(length) => builder.joined(length.unsigned_abs(), parts),
            Err(_) => {
                builder.empty();
                too_long.push(row);
            }
        }
    }
    too_long
}
