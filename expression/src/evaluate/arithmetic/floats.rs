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
    /// Sets a bit of `wrong` if this is no number.
    fn note(self, wrong: &mut u64) -> Self;
}

impl Float for f32 {
    fn is_number(self) -> bool {
        self.is_finite()
    }
    #[inline(always)]
    fn note(self, wrong: &mut u64) -> Self {
        *wrong |= u64::from(!self.is_finite());
        self
    }
}

impl Float for f64 {
    fn is_number(self) -> bool {
        self.is_finite()
    }
    #[inline(always)]
    fn note(self, wrong: &mut u64) -> Self {
        *wrong |= u64::from(!self.is_finite());
        self
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
    let (values, wrong) = match operator {
        BinaryOperator::Add => pair.each(|x, y, wrong| x.add_wrapping(y).note(wrong)),
        BinaryOperator::Subtract => pair.each(|x, y, wrong| x.sub_wrapping(y).note(wrong)),
        BinaryOperator::Multiply => pair.each(|x, y, wrong| x.mul_wrapping(y).note(wrong)),
        BinaryOperator::Divide => pair.each(|x, y, wrong| x.div_wrapping(y).note(wrong)),
        _ => pair.each(|x, y, wrong| x.mod_wrapping(y).note(wrong)),
    };
    let code = |x: T::Native, y: T::Native| {
        if matches!(operator, BinaryOperator::Divide | BinaryOperator::Modulo) && y.is_zero() {
            return Some(SsisCode::EXPRESSION_DIVIDE_BY_ZERO);
        }
        let overflowed = x.is_number() && y.is_number() && !apply(x, y).is_number();
        overflowed.then_some(SsisCode::EXPRESSION_OVERFLOW)
    };
    pair.finish(values, wrong != 0, code, context)
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
