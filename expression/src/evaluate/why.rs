//! Why the one row of values that are given by hand fails: the part of the tree that does, with the values it is given.
//!
//! ```text
//!  1 + (DT_I4)S, S = abc     (DT_I4)S fails, S does not    ──▶    `abc` cannot become DT_I4
//! ```

use arrow::array::{AsArray, RecordBatch};
use dtsx::SsisCode;

use super::{one_row, truncation::why_cut};
use crate::{
    check::{Typed, TypedKind, cannot_become},
    error,
    scalar::Scalar,
    syntax::BinaryOperator,
};

/// The message for a tree whose one row fails with `code`; `None` if there is nothing to say but the code's own.
pub(crate) fn why(node: &Typed, batch: &RecordBatch, code: SsisCode) -> Option<String> {
    if code == SsisCode::EXPRESSION_TRUNCATION_AS_ERROR {
        return why_cut(node, batch, code);
    }
    let part = failing(node, batch);
    let values = part.kind.operands().into_iter();
    let values = values.map(|operand| one_row(operand, batch).ok());
    let values = values.collect::<Option<Vec<_>>>()?;
    let name = match &part.kind {
        TypedKind::Convert(..) => return Some(cannot_become(values.first()?, "", &part.data_type)),
        TypedKind::Call(function, ..) => function.name,
        TypedKind::Arithmetic(operator, ..) | TypedKind::Bitwise(operator, ..) => operator.symbol(),
        TypedKind::Negate(_) => "-",
        _ => return None,
    };
    let given: Vec<String> = values.iter().map(shown).collect();
    let reason = error::reason(code);
    Some(format!("{reason}: {name} is given {}", given.join(", ")))
}

fn shown(value: &Scalar) -> String {
    match value.is_null() {
        true => format!("NULL ({})", value.data_type),
        false => format!("`{value}` ({})", value.data_type),
    }
}

/// The lowest part of a tree that fails by itself.
pub(super) fn failing<'t>(node: &'t Typed, batch: &RecordBatch) -> &'t Typed {
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
