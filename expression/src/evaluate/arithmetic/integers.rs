//! Integers.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrowPrimitiveType, AsArray, PrimitiveArray},
    buffer::NullBuffer,
};
use dtsx::SsisCode;

use super::Pair;
use crate::{
    evaluate::{Context, Value},
    syntax::BinaryOperator,
};

/// What the operations need of an integer type: results that wrap, and a sign of whether they may have.
pub(super) trait Integer: Copy + Default + PartialEq {
    /// Whether results may have wrapped, over all rows.
    type Wrong: Copy + Default;
    /// That one did.
    const WRONG: Self::Wrong;
    fn add(self, other: Self, wrong: &mut Self::Wrong) -> Self;
    fn subtract(self, other: Self, wrong: &mut Self::Wrong) -> Self;
    fn multiply(self, other: Self, wrong: &mut Self::Wrong) -> Self;
    fn is_wrong(wrong: Self::Wrong) -> bool;
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
    // Products have room in the wider type.
    ($sign:ident $type:ident, $wide:ident, $multiply:expr, $divide:expr) => {
        impl Integer for $type {
            type Wrong = ($type, $wide);
            const WRONG: Self::Wrong = (1, 1);

            #[inline(always)]
            fn add(self, other: Self, wrong: &mut Self::Wrong) -> Self {
                let result = self.wrapping_add(other);
                wrong.0 |= integer!(added $sign $type, self, other, result);
                result
            }
            #[inline(always)]
            fn subtract(self, other: Self, wrong: &mut Self::Wrong) -> Self {
                let result = self.wrapping_sub(other);
                wrong.0 |= integer!(subtracted $sign $type, self, other, result);
                result
            }
            #[inline(always)]
            fn multiply(self, other: Self, wrong: &mut Self::Wrong) -> Self {
                let multiply: fn($type, $type, &mut Self::Wrong) -> $type = $multiply;
                multiply(self, other, wrong)
            }
            #[inline(always)]
            fn divide(self, other: Self, remainder: bool) -> Self {
                let divide: fn($type, $type) -> $type = $divide;
                match remainder {
                    false => divide(self, other),
                    true => self.wrapping_sub(divide(self, other).wrapping_mul(other)),
                }
            }
            integer!(common $type);
        }
    };
    // A sum of another sign than both operands has wrapped.
    (added signed $type:ident, $x:expr, $y:expr, $result:expr) => {
        (($x ^ $result) & ($y ^ $result)) >> ($type::BITS - 1)
    };
    (added unsigned $type:ident, $x:expr, $y:expr, $result:expr) => {
        $type::from($result < $x)
    };
    (subtracted signed $type:ident, $x:expr, $y:expr, $result:expr) => {
        (($x ^ $y) & ($x ^ $result)) >> ($type::BITS - 1)
    };
    (subtracted unsigned $type:ident, $x:expr, $y:expr, $result:expr) => {
        $type::from($x < $y)
    };
    (common $type:ident) => {
        fn is_wrong(wrong: Self::Wrong) -> bool {
            wrong != (0, 0)
        }
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
        fn is_minus_one(self) -> bool {
            $type::MIN != 0 && self == $type::MIN.wrapping_add($type::MAX)
        }
    };
}

/// The bits that the narrow type lost are not zero where it wrapped.
macro_rules! widened {
    ($type:ident, $wide:ident) => {
        |x, y, wrong| {
            // The product of two UI8 wraps in its wider type too, and is not zero there.
            let result = $wide::from(x).wrapping_mul($wide::from(y));
            let narrow = result as $type;
            wrong.1 |= result ^ $wide::from(narrow);
            narrow
        }
    };
}

/// Products from here on, as floats have them, may not fit 32 bits: a little less than 2^31, as floats are rounded.
const LARGE: f32 = 2_147_483_008.0;

// Quotients of 32 bits are exact in a float: it has 53.
integer!(signed i8, i32, widened!(i8, i32), |x, y| (f32::from(x) / f32::from(y)) as i8);
integer!(signed i16, i32, widened!(i16, i32), |x, y| (f32::from(x) / f32::from(y)) as i16);
integer!(
    signed i32,
    i64,
    |x, y, wrong| {
        wrong.0 |= i32::from((x as f32 * y as f32).abs() >= LARGE);
        x.wrapping_mul(y)
    },
    |x, y| (f64::from(x) / f64::from(y)) as i32
);
integer!(signed i64, i128, widened!(i64, i128), |x, y| x.checked_div(y).unwrap_or(0));
integer!(unsigned u8, i32, widened!(u8, i32), |x, y| (f32::from(x) / f32::from(y)) as u8);
integer!(unsigned u16, i64, widened!(u16, i64), |x, y| (f32::from(x) / f32::from(y)) as u16);
integer!(unsigned u32, i128, widened!(u32, i128), |x, y| (f64::from(x) / f64::from(y)) as u32);
integer!(unsigned u64, i128, widened!(u64, i128), |x, y| x.checked_div(y).unwrap_or(0));

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
        BinaryOperator::Add => pair.each(|x, y, wrong| x.add(y, wrong)),
        BinaryOperator::Subtract => pair.each(|x, y, wrong| x.subtract(y, wrong)),
        BinaryOperator::Multiply => pair.each(|x, y, wrong| x.multiply(y, wrong)),
        _ => divided(&pair, operator),
    };
    let wrong = T::Native::is_wrong(wrong);
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
fn divided<T>(
    pair: &Pair<'_, T>,
    operator: BinaryOperator,
) -> (Vec<T::Native>, <T::Native as Integer>::Wrong)
where
    T: ArrowPrimitiveType,
    T::Native: Integer,
{
    let remainder = operator == BinaryOperator::Modulo;
    let special = |special, y: &T::Native| special | y.is_zero() | y.is_minus_one();
    match pair.right.iter().fold(false, special) {
        false => pair.each(|x, y, _| x.divide(y, remainder)),
        true => {
            let (values, _) =
                pair.each::<()>(|x, y, ()| x.checked(operator, y).unwrap_or_default());
            (values, T::Native::WRONG)
        }
    }
}

pub(super) fn negate<T>(operand: &Value, context: &mut Context<'_>) -> Value
where
    T: ArrowPrimitiveType,
    T::Native: Integer,
{
    let numbers = operand.array.as_primitive::<T>();
    let zero = T::Native::default();
    let mut wrong = <T::Native as Integer>::Wrong::default();
    let values: Vec<T::Native> = numbers
        .values()
        .iter()
        .map(|number| zero.subtract(*number, &mut wrong))
        .collect();
    let mut nulls = numbers.nulls().cloned();
    if T::Native::is_wrong(wrong) {
        let valid = numbers.iter().enumerate().map(|(row, number)| {
            let fits =
                number.map(|number| zero.checked(BinaryOperator::Subtract, number).is_some());
            if fits == Some(false) {
                context.fail(row, SsisCode::EXPRESSION_UNARY_OVERFLOW);
            }
            fits == Some(true)
        });
        nulls = Some(NullBuffer::from_iter(valid));
    }
    Value {
        array: Arc::new(PrimitiveArray::<T>::new(values.into(), nulls)),
        is_scalar: operand.is_scalar,
    }
}
