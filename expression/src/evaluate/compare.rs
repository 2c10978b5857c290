//! Comparisons: `==` and `!=` are ordinal, `<` and the like linguistic for text (semantics 1.3.1).

use std::{
    cmp::Ordering,
    sync::{Arc, LazyLock},
};

use arrow::{
    array::{
        Array, ArrowPrimitiveType, AsArray, BooleanArray, PrimitiveArray,
        TimestampMicrosecondArray, downcast_primitive_array,
    },
    buffer::BooleanBuffer,
    compute::kernels::cmp,
    datatypes::{Decimal128Type, TimestampMicrosecondType},
};
use dtsx::DataType;

use super::{Value, union_of_nulls};
use crate::{
    arrays::{self, bits},
    check::{decimal_shape, is_text},
    collation::{Collation, CollationError},
    error::EvaluateError,
    syntax::BinaryOperator,
};

/// The order of the invariant culture.
static INVARIANT: LazyLock<Result<Collation, CollationError>> =
    LazyLock::new(|| Collation::try_new(127, 0));

pub(super) fn compare(
    operator: BinaryOperator,
    left: &Value,
    right: &Value,
    (data_type, other): &(DataType, DataType),
    rows: usize,
) -> Result<Value, EvaluateError> {
    if is_text(data_type) {
        return texts(operator, left, right, rows);
    }
    let (left, right) = (
        &in_scale(left, data_type, other),
        &in_scale(right, other, data_type),
    );
    let (left, right) = (instants(left, data_type), instants(right, data_type));
    let is_scalar = left.is_scalar && right.is_scalar;
    let array = left.array.as_ref();
    let result = downcast_primitive_array!(
        array => primitives(operator, array, &left, &right, rows),
        _ => by_kernel(operator, &left, &right)?,
    );
    Ok(Value {
        array: Arc::new(result),
        is_scalar,
    })
}

/// Numbers as the processor compares them: -0 is 0.
fn primitives<T: ArrowPrimitiveType>(
    operator: BinaryOperator,
    _like: &PrimitiveArray<T>,
    left: &Value,
    right: &Value,
    rows: usize,
) -> BooleanArray {
    let scalars = (left.is_scalar, right.is_scalar);
    let rows = if scalars == (true, true) { 1 } else { rows };
    let nulls = union_of_nulls([left, right], rows);
    let x = left.array.as_primitive::<T>().values();
    let y = right.array.as_primitive::<T>().values();
    let bits = match operator {
        BinaryOperator::Equal => bits(x, y, scalars, |x, y| x == y),
        BinaryOperator::NotEqual => bits(x, y, scalars, |x, y| x != y),
        BinaryOperator::Less => bits(x, y, scalars, |x, y| x < y),
        BinaryOperator::LessEqual => bits(x, y, scalars, |x, y| x <= y),
        BinaryOperator::Greater => bits(x, y, scalars, |x, y| x > y),
        _ => bits(x, y, scalars, |x, y| x >= y),
    };
    BooleanArray::new(bits, nulls)
}

fn by_kernel(
    operator: BinaryOperator,
    left: &Value,
    right: &Value,
) -> Result<BooleanArray, EvaluateError> {
    let (a, b) = (left.datum(), right.datum());
    let (a, b) = (a.as_ref(), b.as_ref());
    Ok(match operator {
        BinaryOperator::Equal => cmp::eq(a, b)?,
        BinaryOperator::NotEqual => cmp::neq(a, b)?,
        BinaryOperator::Less => cmp::lt(a, b)?,
        BinaryOperator::LessEqual => cmp::lt_eq(a, b)?,
        BinaryOperator::Greater => cmp::gt(a, b)?,
        _ => cmp::gt_eq(a, b)?,
    })
}

/// A decimal with as many digits behind the point as another. One that 128 bits do not hold then is the largest that they do:
/// it stays beyond the other, which has 38 digits at most.
fn in_scale(value: &Value, own: &DataType, other: &DataType) -> Value {
    let (Some(numbers), Some((_, own)), Some((_, other))) = (
        value.array.as_primitive_opt::<Decimal128Type>(),
        decimal_shape(own),
        decimal_shape(other),
    ) else {
        return value.clone();
    };
    if own >= other {
        return value.clone();
    }
    let factor = 10_i128.pow((other - own).into());
    let numbers = numbers.unary::<_, Decimal128Type>(|number| number.saturating_mul(factor));
    Value {
        array: Arc::new(numbers),
        is_scalar: value.is_scalar,
    }
}

/// Moments with an offset compare by their UTC time.
fn instants(value: &Value, data_type: &DataType) -> Value {
    let (DataType::DbTimeStampOffset { .. }, Some(moments)) =
        (data_type, value.array.as_struct_opt())
    else {
        return value.clone();
    };
    let utc = moments.column(0).as_primitive::<TimestampMicrosecondType>();
    let array = TimestampMicrosecondArray::new(utc.values().clone(), moments.nulls().cloned());
    Value {
        array: Arc::new(array),
        is_scalar: value.is_scalar,
    }
}

fn texts(
    operator: BinaryOperator,
    left: &Value,
    right: &Value,
    rows: usize,
) -> Result<Value, EvaluateError> {
    let is_scalar = left.is_scalar && right.is_scalar;
    let rows = if is_scalar { 1 } else { rows };
    let nulls = union_of_nulls([left, right], rows);
    let (a, b) = (left.array.as_string_view(), right.array.as_string_view());
    let scalars = (left.is_scalar, right.is_scalar);
    let result = match operator {
        BinaryOperator::Equal => arrays::equal(a, b, scalars, rows),
        BinaryOperator::NotEqual => !&arrays::equal(a, b, scalars, rows),
        _ => {
            let wanted = |order: Ordering| match operator {
                BinaryOperator::Less => order == Ordering::Less,
                BinaryOperator::LessEqual => order != Ordering::Greater,
                BinaryOperator::Greater => order == Ordering::Greater,
                _ => order != Ordering::Less,
            };
            let collation = match &*INVARIANT {
                Ok(collation) => collation,
                Err(error) => return Err(EvaluateError::CodePage(error.to_string())),
            };
            BooleanBuffer::collect_bool(rows, |row| {
                let (at, other) = (left.at(row), right.at(row));
                if a.is_null(at) || b.is_null(other) {
                    return false;
                }
                wanted(collation.compare(a.value(at), b.value(other)))
            })
        }
    };
    Ok(Value {
        array: Arc::new(BooleanArray::new(result, nulls)),
        is_scalar,
    })
}
