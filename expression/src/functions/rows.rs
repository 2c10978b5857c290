//! How a function goes over its rows: which of them are NULL, which fail, and whether one answers for all.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrowPrimitiveType, AsArray, PrimitiveArray, StringViewArray},
    buffer::NullBuffer,
    datatypes::Int32Type,
};
use dtsx::SsisCode;

use crate::{
    arrays::TextBuilder,
    evaluate::{Context, Value, union_of_nulls},
};

/// The rows of a call: one if all arguments are constant.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) count: usize,
    is_scalar: bool,
    /// Where an argument is NULL, the result is.
    nulls: Option<NullBuffer>,
}

impl Rows {
    pub(super) fn of(values: &[Value], context: &Context<'_>) -> Self {
        let is_scalar = values.iter().all(|value| value.is_scalar);
        let count = if is_scalar { 1 } else { context.rows() };
        Self {
            count,
            is_scalar,
            nulls: union_of_nulls(values, count),
        }
    }

    /// Where the result is NULL.
    pub(super) fn nulls(&self) -> Option<NullBuffer> {
        self.nulls.clone()
    }

    pub(super) fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }

    /// A number for each row that is not NULL, or the code by which it fails.
    pub(super) fn numbers<T: ArrowPrimitiveType>(
        self,
        context: &mut Context<'_>,
        number: impl Fn(usize) -> Result<T::Native, SsisCode>,
    ) -> Value {
        let mut failed = Vec::new();
        let numbers: Vec<T::Native> = (0..self.count)
            .map(|row| {
                if self.is_null(row) {
                    return T::Native::default();
                }
                number(row).unwrap_or_else(|code| {
                    failed.push((row, code));
                    T::Native::default()
                })
            })
            .collect();
        let nulls = without(self.nulls, &failed, self.count, context);
        Value {
            array: Arc::new(PrimitiveArray::<T>::new(numbers.into(), nulls)),
            is_scalar: self.is_scalar,
        }
    }

    /// Numbers that are worked out already, for NULL rows too.
    pub(super) fn known<T: ArrowPrimitiveType>(self, numbers: Vec<T::Native>) -> Value {
        Value {
            array: Arc::new(PrimitiveArray::<T>::new(numbers.into(), self.nulls)),
            is_scalar: self.is_scalar,
        }
    }

    /// Texts that are built already, for NULL rows too.
    pub(super) fn built(self, builder: TextBuilder<'_>) -> Value {
        Value {
            array: Arc::new(builder.finish(self.nulls)),
            is_scalar: self.is_scalar,
        }
    }

    /// A text for each row that is not NULL, appended by `text`, or the code by which it fails.
    pub(super) fn texts<'a>(
        self,
        mut builder: TextBuilder<'a>,
        context: &mut Context<'_>,
        mut text: impl FnMut(usize, &mut TextBuilder<'a>) -> Result<(), SsisCode>,
    ) -> Value {
        let nulls = self.nulls.as_ref();
        let failed = each(self.count, nulls, &mut builder, &mut text);
        let nulls = without(self.nulls, &failed, self.count, context);
        Value {
            array: Arc::new(builder.finish(nulls)),
            is_scalar: self.is_scalar,
        }
    }
}

/// Appends a text for each row; those that fail.
fn each<'a, F: FnMut(usize, &mut TextBuilder<'a>) -> Result<(), SsisCode>>(
    rows: usize,
    nulls: Option<&NullBuffer>,
    builder: &mut TextBuilder<'a>,
    text: &mut F,
) -> Vec<(usize, SsisCode)> {
    let mut failed = Vec::new();
    for row in 0..rows {
        if nulls.is_some_and(|nulls| nulls.is_null(row)) {
            builder.empty();
        } else if let Err(code) = text(row, builder) {
            builder.empty();
            failed.push((row, code));
        }
    }
    failed
}

/// Failed rows are NULL.
fn without(
    nulls: Option<NullBuffer>,
    failed: &[(usize, SsisCode)],
    rows: usize,
    context: &mut Context<'_>,
) -> Option<NullBuffer> {
    if failed.is_empty() {
        return nulls;
    }
    let mut valid = vec![true; rows];
    for (row, code) in failed {
        context.fail(*row, *code);
        valid[*row] = false;
    }
    NullBuffer::union(nulls.as_ref(), Some(&NullBuffer::from(valid)))
}

/// A text argument.
pub(super) fn texts(value: &Value) -> &StringViewArray {
    value.array.as_string_view()
}

/// The integers of an argument, by row.
pub(super) fn integers(value: &Value) -> impl Fn(usize) -> i32 {
    let integers = value.array.as_primitive::<Int32Type>().values();
    move |row| integers[value.at(row)]
}

/// The text of an argument that is the same for all rows.
pub(super) fn constant_text(value: &Value) -> Option<&str> {
    (value.is_scalar && value.array.is_valid(0)).then(|| texts(value).value(0))
}

/// The integer of an argument that is the same for all rows.
pub(super) fn constant_integer(value: &Value) -> Option<i32> {
    let integers = value.array.as_primitive::<Int32Type>();
    (value.is_scalar && integers.is_valid(0)).then(|| integers.value(0))
}
