//! Integers.

use std::sync::Arc;

use arrow::array::{ArrowPrimitiveType, AsArray, PrimitiveArray};
use dtsx::SsisCode;

use super::Pair;
use crate::{
    evaluate::{Context, Value},
    syntax::BinaryOperator,
};

/// What the operations need of an integer type.
pub(super) trait Integer: Copy + Default + PartialEq {
    fn checked(self, operator: BinaryOperator, other: Self) -> Option<Self>;
    /// The quotient, or the remainder; anything for a divisor of zero.
    fn divide(self, other: Self, remainder: bool) -> Self;
    fn is_zero(self) -> bool {
        self == Self::default()
    }
    /// Whether this divisor makes some dividend overflow: -1 does.
    fn is_minus_one(self) -> bool;
}

macro_rules! integer {
    ($type:ident, $divide:expr) => {
        impl Integer for $type {
            fn checked(self, operator: BinaryOperator, other: Self) -> Option<Self> {
                match operator {
                    BinaryOperator::Add => self.checked_add(other),
                    BinaryOperator::Subtract => self.checked_sub(other),
                    BinaryOperator::Multiply => self.checked_mul(other),
                    BinaryOperator::Divide => self.checked_div(other),
                    // The least integer leaves nothing when divided by -1.
                    _ if other == 0 => None,
                    _ => Some(self.wrapping_rem(other)),
                }
            }
            #[inline(always)]
            fn divide(self, other: Self, remainder: bool) -> Self {
                let divide: fn($type, $type) -> $type = $divide;
                match remainder {
                    false => divide(self, other),
                    true => self.wrapping_sub(divide(self, other).wrapping_mul(other)),
                }
            }
            fn is_minus_one(self) -> bool {
                $type::MIN != 0 && self == $type::MIN.wrapping_add($type::MAX)
            }
        }
    };
}

// Quotients of 32 bits are exact in a float: it has 53.
integer!(i8, |x, y| (f32::from(x) / f32::from(y)) as i8);
integer!(i16, |x, y| (f32::from(x) / f32::from(y)) as i16);
integer!(i32, |x, y| (f64::from(x) / f64::from(y)) as i32);
integer!(i64, |x, y| x.checked_div(y).unwrap_or(0));
integer!(u8, |x, y| (f32::from(x) / f32::from(y)) as u8);
integer!(u16, |x, y| (f32::from(x) / f32::from(y)) as u16);
integer!(u32, |x, y| (f64::from(x) / f64::from(y)) as u32);
integer!(u64, |x, y| x.checked_div(y).unwrap_or(0));

/// Sums, differences and products that did not go in lanes ([`crate::evaluate::lanes`]), most likely since one fails.
pub(super) fn arithmetic<T>(
    operator: BinaryOperator,
    left: &Value,
    right: &Value,
    context: &mut Context<'_>,
) -> Value
where
    T: ArrowPrimitiveType,
    T::Native: Integer,
{
    let pair = Pair::<T>::new(left, right, context);
    let (values, wrong) = match operator {
        BinaryOperator::Divide | BinaryOperator::Modulo => divided(&pair, operator),
        _ => pair.each_or(|x, y| x.checked(operator, y)),
    };
    let code = |x: T::Native, y: T::Native| match x.checked(operator, y) {
        Some(_) => None,
        None if matches!(operator, BinaryOperator::Divide | BinaryOperator::Modulo)
            && y.is_zero() =>
        {
            Some(SsisCode::EXPRESSION_DIVIDE_BY_ZERO)
        }
        None => Some(SsisCode::EXPRESSION_OVERFLOW),
    };
    pair.finish(values, wrong, code, context)
}

/// Quotients or remainders; divisors that need a second look are noted.
fn divided<T>(pair: &Pair<'_, T>, operator: BinaryOperator) -> (Vec<T::Native>, bool)
where
    T: ArrowPrimitiveType,
    T::Native: Integer,
{
    let remainder = operator == BinaryOperator::Modulo;
    let special = |special, y: &T::Native| special | y.is_zero() | y.is_minus_one();
    match pair.right.iter().fold(false, special) {
        false => (pair.each(|x, y| x.divide(y, remainder)), false),
        true => pair.each_or(|x, y| x.checked(operator, y)),
    }
}

/// The opposite; the least integer has none.
pub(super) fn negate<T>(operand: &Value, context: &mut Context<'_>) -> Value
where
    T: ArrowPrimitiveType,
    T::Native: Integer,
{
    let numbers = operand.array.as_primitive::<T>();
    let zero = T::Native::default();
    let opposites = numbers.iter().enumerate().map(|(row, number)| {
        let opposite = zero.checked(BinaryOperator::Subtract, number?);
        if opposite.is_none() {
            context.fail(row, SsisCode::EXPRESSION_UNARY_OVERFLOW);
        }
        opposite
    });
    let opposites: PrimitiveArray<T> = opposites.collect();
    Value {
        array: Arc::new(opposites),
        is_scalar: operand.is_scalar,
    }
}
