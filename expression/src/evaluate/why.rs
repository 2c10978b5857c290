//! Why the one row of values that are given by hand fails: the part of the tree that does, with the values it is given.
//!
//! ```text
//!  1 + (DT_I4)S, S = abc     (DT_I4)S fails, S does not    ──▶    `abc` cannot become DT_I4
//! ```

use arrow::array::{AsArray, RecordBatch};
use dtsx::SsisCode;

use super::one_row;
use crate::{
    check::{Typed, TypedKind, cannot_become},
    error,
    scalar::Scalar,
    syntax::BinaryOperator,
};

/// The message for a tree whose one row fails with `code`.
pub(crate) fn why(node: &Typed, batch: &RecordBatch, code: SsisCode) -> String {
    let reason = error::reason(code);
    let part = failing(node, batch);
    let values: Result<Vec<Scalar>, _> = part
        .kind
        .operands()
        .into_iter()
        .map(|operand| one_row(operand, batch))
        .collect();
    let Ok(values) = values else {
        return reason.to_owned();
    };
    let name = match &part.kind {
        TypedKind::Convert(..) => {
            return match values.first() {
                Some(value) if code != SsisCode::EXPRESSION_TRUNCATION_AS_ERROR => {
                    cannot_become(value, "", &part.data_type)
                }
                _ => reason.to_owned(),
            };
        }
        TypedKind::Call(function, ..) => function.name,
        TypedKind::Arithmetic(operator, ..) | TypedKind::Bitwise(operator, ..) => operator.symbol(),
        TypedKind::Negate(_) => "-",
        _ => return reason.to_owned(),
    };
    let given: Vec<String> = values.iter().map(shown).collect();
    format!("{reason}: {name} is given {}", given.join(", "))
}

fn shown(value: &Scalar) -> String {
    match value.is_null() {
        true => format!("NULL ({})", value.data_type),
        false => format!("`{value}` ({})", value.data_type),
    }
}

/// The lowest part of a tree that fails by itself.
fn failing<'t>(node: &'t Typed, batch: &RecordBatch) -> &'t Typed {
    let fails = |node: &Typed| one_row(node, batch).is_err();
    let below: Option<&Typed> = match &node.kind {
        TypedKind::Conditional(test, yes, no) => match one_row(test, batch) {
            Err(_) => Some(test),
            Ok(value) => {
                let holds = value
                    .array
                    .as_boolean_opt()
                    .is_some_and(|test| test.value(0));
                Some(if holds { yes } else { no })
            }
        },
        // The right side is only asked where the left does not decide.
        TypedKind::Logic(BinaryOperator::And | BinaryOperator::Or, left, right) => {
            Some(if fails(left) { left } else { right })
        }
        kind => kind.operands().into_iter().find(|operand| fails(operand)),
    };
    below.map_or(node, |below| failing(below, batch))
}
