//! Concatenation of text.

use std::sync::Arc;

use arrow::array::{AsArray, StringViewBuilder};

use super::Value;
use crate::error::EvaluateError;

pub(super) fn concat(left: &Value, right: &Value, rows: usize) -> Result<Value, EvaluateError> {
    let (a, b) = (left.array.as_string_view(), right.array.as_string_view());
    let mut builder = StringViewBuilder::with_capacity(rows);
    let mut joined = String::new();
    for row in 0..rows {
        if left.is_null(row) || right.is_null(row) {
            builder.append_null();
            continue;
        }
        joined.clear();
        joined.push_str(a.value(left.at(row)));
        joined.push_str(b.value(right.at(row)));
        builder.append_value(&joined);
    }
    Ok(Value::array(Arc::new(builder.finish())))
}
