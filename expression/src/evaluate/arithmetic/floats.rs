//! Floats. What is no number any more has overflowed; they do not divide by zero.

use std::sync::Arc;

use arrow::{
    array::{ArrowPrimitiveType, AsArray},
    datatypes::ArrowNativeTypeOp,
};
use dtsx::SsisCode;

use super::Pair;
use crate::{
    evaluate::{Context, Value},
    syntax::BinaryOperator,
};

/// A float that may be no number any more.
pub(super) trait Float: ArrowNativeTypeOp {
    fn is_finite(self) -> bool;
}

impl Float for f32 {
    fn is_finite(self) -> bool {
        self.is_finite()
    }
}

impl Float for f64 {
    fn is_finite(self) -> bool {
        self.is_finite()
    }
}

pub(super) fn arithmetic<T>(
    operator: BinaryOperator,
    left: &Value,
    right: &Value,
    context: &mut Context<'_>,
) -> Value
where
    T: ArrowPrimitiveType,
    T::Native: Float,
{
    let pair = Pair::<T>::new(left, right, context);
    let apply = |x: T::Native, y: T::Native| match operator {
        BinaryOperator::Add => x.add_wrapping(y),
        BinaryOperator::Subtract => x.sub_wrapping(y),
        BinaryOperator::Multiply => x.mul_wrapping(y),
        BinaryOperator::Divide => x.div_wrapping(y),
        _ => x.mod_wrapping(y),
    };
    let values = pair.each(apply);
    let wrong = values.iter().any(|value| !value.is_finite());
    let code = |x: T::Native, y: T::Native| {
        if matches!(operator, BinaryOperator::Divide | BinaryOperator::Modulo) && y.is_zero() {
            return Some(SsisCode::EXPRESSION_DIVIDE_BY_ZERO);
        }
        let overflowed = x.is_finite() && y.is_finite() && !apply(x, y).is_finite();
        overflowed.then_some(SsisCode::EXPRESSION_OVERFLOW)
    };
    pair.finish(values, wrong, code, context)
}

pub(super) fn negate<T>(operand: &Value) -> Value
where
    T: ArrowPrimitiveType,
    T::Native: Float,
{
    let numbers = operand.array.as_primitive::<T>();
    Value {
        array: Arc::new(numbers.unary::<_, T>(|number| number.neg_wrapping())),
        is_scalar: operand.is_scalar,
    }
}
