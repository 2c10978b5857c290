//! `! && || ?:` with NULL as the third value (semantics 1.2).

use std::sync::Arc;

use arrow::{
    array::{Array, AsArray, BooleanArray},
    compute::{self, kernels::zip::zip},
};

use super::{Context, RowFailure, Value, evaluate};
use crate::{check::Typed, error::EvaluateError, syntax::BinaryOperator};

pub(super) fn not(operand: &Value) -> Result<Value, EvaluateError> {
    let array = Arc::new(compute::not(boolean(operand)?)?);
    Ok(Value {
        array,
        is_scalar: operand.is_scalar,
    })
}

fn boolean(value: &Value) -> Result<&BooleanArray, EvaluateError> {
    value
        .array
        .as_boolean_opt()
        .ok_or_else(|| EvaluateError::Carrier {
            found: value.array.data_type().to_string(),
            wanted: "Boolean".to_owned(),
        })
}

/// A row whose left side decides does not fail on its right side.
pub(super) fn logic(
    operator: BinaryOperator,
    left: &Typed,
    right: &Typed,
    context: &mut Context<'_>,
) -> Result<Value, EvaluateError> {
    let rows = context.rows();
    let left = Value::array(evaluate(left, context)?.into_rows(rows)?);
    let (right, failures) = context.apart(right)?;
    let right = Value::array(right.into_rows(rows)?);
    let (left, right) = (boolean(&left)?, boolean(&right)?);
    let deciding = operator == BinaryOperator::Or;
    let decided = |row: usize| left.is_valid(row) && left.value(row) == deciding;
    context.failures.extend(
        failures
            .into_iter()
            .filter(|failure| !decided(failure.row as usize)),
    );
    let result = if deciding {
        compute::or_kleene(left, right)?
    } else {
        compute::and_kleene(left, right)?
    };
    Ok(Value::array(Arc::new(result)))
}

/// Only the chosen branch can fail; a NULL condition is NULL.
pub(super) fn conditional(
    test: &Typed,
    yes: &Typed,
    no: &Typed,
    context: &mut Context<'_>,
) -> Result<Value, EvaluateError> {
    let rows = context.rows();
    let test = Value::array(evaluate(test, context)?.into_rows(rows)?);
    let test = boolean(&test)?;
    let (yes, yes_failures) = context.apart(yes)?;
    let (no, no_failures) = context.apart(no)?;
    let chosen = |failure: &RowFailure, branch: bool| {
        let row = failure.row as usize;
        test.is_valid(row) && test.value(row) == branch
    };
    context.failures.extend(
        yes_failures
            .into_iter()
            .filter(|failure| chosen(failure, true)),
    );
    context.failures.extend(
        no_failures
            .into_iter()
            .filter(|failure| chosen(failure, false)),
    );
    let chosen = zip(test, yes.datum().as_ref(), no.datum().as_ref())?;
    if test.null_count() == 0 {
        return Ok(Value::array(chosen));
    }
    let unknown = compute::is_null(test)?;
    Ok(Value::array(compute::nullif(&chosen, &unknown)?))
}
