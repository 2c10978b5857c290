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

/// Whether a float is a number, without a branch.
pub(super) trait Float: ArrowNativeTypeOp {
    fn is_number(self) -> bool;
}

impl Float for f32 {
    fn is_number(self) -> bool {
        self.is_finite()
    }
}

impl Float for f64 {
    fn is_number(self) -> bool {
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
    let mut fine = true;
    let mut noted = |result: T::Native| {
        fine &= result.is_number();
        result
    };
    let values = match operator {
        BinaryOperator::Add => pair.each(|x, y| noted(x.add_wrapping(y))),
        BinaryOperator::Subtract => pair.each(|x, y| noted(x.sub_wrapping(y))),
        BinaryOperator::Multiply => pair.each(|x, y| noted(x.mul_wrapping(y))),
        BinaryOperator::Divide => pair.each(|x, y| noted(x.div_wrapping(y))),
        _ => pair.each(|x, y| noted(x.mod_wrapping(y))),
    };
    let code = |x: T::Native, y: T::Native| {
        if matches!(operator, BinaryOperator::Divide | BinaryOperator::Modulo) && y.is_zero() {
            return Some(SsisCode::EXPRESSION_DIVIDE_BY_ZERO);
        }
        let overflowed = x.is_number() && y.is_number() && !apply(x, y).is_number();
        overflowed.then_some(SsisCode::EXPRESSION_OVERFLOW)
    };
    pair.finish(values, !fine, code, context)
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
