//! Concatenation: all texts of `a + b + c` in one pass.

use std::sync::Arc;

use arrow::array::AsArray;

use super::{Value, union_of_nulls};
use crate::arrays::{INLINE, TextBuilder};

/// The texts of each row, one behind the other; NULL where one is.
pub(super) fn concat(parts: &[Value], rows: usize) -> Value {
    let is_scalar = parts.iter().all(|part| part.is_scalar);
    let rows = if is_scalar { 1 } else { rows };
    let nulls = union_of_nulls(parts, rows);
    let columns: Vec<_> = parts
        .iter()
        .map(|part| (part.array.as_string_view(), part))
        .collect();
    let mut builder = TextBuilder::new(rows);
    for row in 0..rows {
        if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            builder.empty();
            continue;
        }
        let views = columns
            .iter()
            .map(|(array, part)| array.views()[part.at(row)]);
        let length: u64 = views.clone().map(|view| u64::from(view as u32)).sum();
        if length <= u64::from(INLINE) {
            builder.joined(views);
            continue;
        }
        let written = builder.write(|out| {
            for (array, part) in &columns {
                out.push_str(array.value(part.at(row)));
            }
            Ok::<(), std::convert::Infallible>(())
        });
        let Ok(()) = written;
    }
    Value {
        array: Arc::new(builder.finish(nulls)),
        is_scalar,
    }
}
