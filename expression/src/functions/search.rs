//! FINDSTRING, REPLACE, TOKEN, TOKENCOUNT (semantics 1.3.8 to 1.3.10).

use std::sync::Arc;

use arrow::array::{AsArray, Int32Array};
use dtsx::{DataType, SsisCode};

use super::{
    Function, Signature, integer_argument,
    text::{build, integers, units},
    text_argument, text_result,
};

pub(super) const REPLACE: Function = Function {
    name: "REPLACE",
    arguments: 3,
    deterministic: true,
    check: |types| {
        let arguments = types
            .iter()
            .enumerate()
            .map(|(at, one)| text_argument(at + 1, one))
            .collect::<Result<Vec<_>, _>>()?;
        let result = match text_result(&types[0]) {
            DataType::WStr { .. } => DataType::WStr { length: 4000 },
            other => other,
        };
        Ok(Signature { arguments, result })
    },
    apply: |values, _, context| {
        let (from, to) = (
            values[1].array.as_string_view(),
            values[2].array.as_string_view(),
        );
        build(
            &values[0],
            &[&values[1], &values[2]],
            context,
            |text, row, out| {
                let needle = from.value(values[1].at(row));
                if needle.is_empty() {
                    out.push_str(text);
                    return true;
                }
                let replacement = to.value(values[2].at(row));
                let mut rest = text;
                while let Some((before, after)) = rest.split_once(needle) {
                    out.push_str(before);
                    out.push_str(replacement);
                    rest = after;
                }
                out.push_str(rest);
                true
            },
        )
    },
};

/// 1-based, overlaps count, an empty needle is not found.
pub(super) const FINDSTRING: Function = Function {
    name: "FINDSTRING",
    arguments: 3,
    deterministic: true,
    check: |types| {
        let arguments = vec![
            text_argument(1, &types[0])?,
            text_argument(2, &types[1])?,
            integer_argument(3, &types[2])?,
        ];
        Ok(Signature {
            arguments,
            result: DataType::I4,
        })
    },
    apply: |values, _, context| {
        let (texts, needles) = (
            values[0].array.as_string_view(),
            values[1].array.as_string_view(),
        );
        let occurrences = integers(&values[2]);
        let mut found = Vec::with_capacity(context.rows());
        for row in 0..context.rows() {
            if values.iter().any(|value| value.is_null(row)) {
                found.push(None);
                continue;
            }
            let occurrence = occurrences.value(values[2].at(row));
            if occurrence < 1 {
                context.fail(row, SsisCode::EXPRESSION_EVALUATION_FAILED);
                found.push(None);
                continue;
            }
            let (text, needle) = (
                texts.value(values[0].at(row)),
                needles.value(values[1].at(row)),
            );
            found.push(Some(position(text, needle, occurrence as usize)));
        }
        Ok(crate::evaluate::Value::array(Arc::new(Int32Array::from(
            found,
        ))))
    },
};

fn position(text: &str, needle: &str, occurrence: usize) -> i32 {
    if needle.is_empty() {
        return 0;
    }
    let starts = text.char_indices().map(|(at, _)| at);
    let hit = starts
        .filter(|&at| text.get(at..).is_some_and(|rest| rest.starts_with(needle)))
        .nth(occurrence - 1);
    hit.map_or(0, |at| units(text.get(..at).unwrap_or_default()) as i32 + 1)
}

/// Delimiters are a set; runs and edges are skipped, an empty text is one empty token.
pub(super) const TOKEN: Function = Function {
    name: "TOKEN",
    arguments: 3,
    deterministic: true,
    check: |types| {
        let arguments = vec![
            text_argument(1, &types[0])?,
            text_argument(2, &types[1])?,
            integer_argument(3, &types[2])?,
        ];
        Ok(Signature {
            arguments,
            result: text_result(&types[0]),
        })
    },
    apply: |values, _, context| {
        let delimiters = values[1].array.as_string_view();
        let occurrences = integers(&values[2]);
        build(
            &values[0],
            &[&values[1], &values[2]],
            context,
            |text, row, out| {
                let set = delimiters.value(values[1].at(row));
                let occurrence = occurrences.value(values[2].at(row));
                if set.is_empty() || occurrence < 1 {
                    return false;
                }
                let token = tokens(text, set).nth(occurrence as usize - 1);
                out.push_str(token.unwrap_or_default());
                true
            },
        )
    },
};

pub(super) const TOKENCOUNT: Function = Function {
    name: "TOKENCOUNT",
    arguments: 2,
    deterministic: true,
    check: |types| {
        let arguments = vec![text_argument(1, &types[0])?, text_argument(2, &types[1])?];
        Ok(Signature {
            arguments,
            result: DataType::I4,
        })
    },
    apply: |values, _, context| {
        let (texts, delimiters) = (
            values[0].array.as_string_view(),
            values[1].array.as_string_view(),
        );
        let mut counts = Vec::with_capacity(context.rows());
        for row in 0..context.rows() {
            if values.iter().any(|value| value.is_null(row)) {
                counts.push(None);
                continue;
            }
            let (text, set) = (
                texts.value(values[0].at(row)),
                delimiters.value(values[1].at(row)),
            );
            if set.is_empty() {
                context.fail(row, SsisCode::EXPRESSION_EVALUATION_FAILED);
                counts.push(None);
                continue;
            }
            let count = if text.is_empty() {
                1
            } else {
                tokens(text, set).count()
            };
            counts.push(Some(count as i32));
        }
        Ok(crate::evaluate::Value::array(Arc::new(Int32Array::from(
            counts,
        ))))
    },
};

fn tokens<'a>(text: &'a str, set: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(move |character| set.contains(character))
        .filter(|token| !token.is_empty())
}
