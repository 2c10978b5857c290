//! `! && || ?:` with NULL as the third value (semantics 1.2).

use std::sync::Arc;

use arrow::{
    array::{Array, AsArray, BooleanArray},
    compute,
};

use super::{Context, RowFailure, Value, evaluate};
use crate::{arrays::choose, check::Typed, error::EvaluateError, syntax::BinaryOperator};

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
    let left = boolean(&left)?;
    let deciding = operator == BinaryOperator::Or;
    let deciders = if deciding {
        left.true_count()
    } else {
        left.false_count()
    };
    if rows > 0 && deciders == rows {
        return Ok(Value::array(Arc::new(left.clone())));
    }
    let (right, failures) = context.apart(right)?;
    let right = Value::array(right.into_rows(rows)?);
    let right = boolean(&right)?;
    let decided = |row: usize| left.is_valid(row) && left.value(row) == deciding;
    let undecided = failures
        .into_iter()
        .filter(|failure| !decided(failure.row as usize));
    context.failures.extend(undecided);
    let result = match (left.null_count() + right.null_count() > 0, deciding) {
        (true, true) => compute::or_kleene(left, right)?,
        (true, false) => compute::and_kleene(left, right)?,
        (false, true) => BooleanArray::new(left.values() | right.values(), None),
        (false, false) => BooleanArray::new(left.values() & right.values(), None),
    };
    Ok(Value::array(Arc::new(result)))
}

/// Only the chosen branch can fail; a NULL condition is NULL. A branch that no row chooses is not evaluated.
pub(super) fn conditional(
    test: &Typed,
    yes: &Typed,
    no: &Typed,
    context: &mut Context<'_>,
) -> Result<Value, EvaluateError> {
    let rows = context.rows();
    let test = Value::array(evaluate(test, context)?.into_rows(rows)?);
    let test = boolean(&test)?;
    // Of rows, also where one value answers for all: the test may have failed for some of them.
    if rows > 0 && test.true_count() == rows {
        return Ok(Value::array(evaluate(yes, context)?.into_rows(rows)?));
    }
    if rows > 0 && test.false_count() == rows {
        return Ok(Value::array(evaluate(no, context)?.into_rows(rows)?));
    }
    let (yes, yes_failures) = context.apart(yes)?;
    let (no, no_failures) = context.apart(no)?;
    for (failures, branch) in [(yes_failures, true), (no_failures, false)] {
        let chosen = |failure: &RowFailure| {
            let row = failure.row as usize;
            test.is_valid(row) && test.value(row) == branch
        };
        context.failures.extend(failures.into_iter().filter(chosen));
    }
    let chosen = choose(test.values(), &yes, &no)?;
    if test.null_count() == 0 {
        return Ok(Value::array(chosen));
    }
    let unknown = compute::is_null(test)?;
    Ok(Value::array(compute::nullif(&chosen, &unknown)?))
}
