//! Comparisons: `==` and `!=` are ordinal, `<` and the like linguistic for text (semantics 1.3.1).

use std::{cmp::Ordering, sync::Arc};

use arrow::{
    array::{AsArray, BooleanArray},
    compute::kernels::cmp,
};
use dtsx::DataType;

use super::Value;
use crate::{check::is_text, collation::Collation, error::EvaluateError, syntax::BinaryOperator};

pub(super) fn compare(
    operator: BinaryOperator,
    left: &Value,
    right: &Value,
    data_type: &DataType,
    rows: usize,
) -> Result<Value, EvaluateError> {
    let (a, b) = (left.datum(), right.datum());
    let (a, b) = (a.as_ref(), b.as_ref());
    let equality = matches!(operator, BinaryOperator::Equal | BinaryOperator::NotEqual);
    if is_text(data_type) && !equality {
        return linguistic(operator, left, right, rows);
    }
    let result = match operator {
        BinaryOperator::Equal => cmp::eq(a, b)?,
        BinaryOperator::NotEqual => cmp::neq(a, b)?,
        BinaryOperator::Less => cmp::lt(a, b)?,
        BinaryOperator::LessEqual => cmp::lt_eq(a, b)?,
        BinaryOperator::Greater => cmp::gt(a, b)?,
        _ => cmp::gt_eq(a, b)?,
    };
    Ok(Value {
        array: Arc::new(result),
        is_scalar: left.is_scalar && right.is_scalar,
    })
}

fn linguistic(
    operator: BinaryOperator,
    left: &Value,
    right: &Value,
    rows: usize,
) -> Result<Value, EvaluateError> {
    let collation =
        Collation::try_new(127, 0).map_err(|error| EvaluateError::CodePage(error.to_string()))?;
    let (a, b) = (left.array.as_string_view(), right.array.as_string_view());
    let result: BooleanArray = (0..rows)
        .map(|row| {
            if left.is_null(row) || right.is_null(row) {
                return None;
            }
            let order = collation.compare(a.value(left.at(row)), b.value(right.at(row)));
            Some(match operator {
                BinaryOperator::Less => order == Ordering::Less,
                BinaryOperator::LessEqual => order != Ordering::Greater,
                BinaryOperator::Greater => order == Ordering::Greater,
                _ => order != Ordering::Less,
            })
        })
        .collect();
    Ok(Value::array(Arc::new(result)))
}
