//! Exact numbers: 64 bits where operands and result have no more, 128 where they do, 256 where a step needs them.

use std::sync::Arc;

use arrow::{
    array::{Array, AsArray, Decimal128Array},
    buffer::NullBuffer,
    datatypes::{ArrowNativeTypeOp, Decimal128Type, i256},
};
use dtsx::{DataType, SsisCode};

use crate::{
    check::decimal_shape,
    error::EvaluateError,
    evaluate::{Context, Value, union_of_nulls},
    syntax::BinaryOperator,
    types::exact_range,
};

/// Exact numbers: the result in 128 bits where it fits, through 256 where a step does not.
pub(super) fn arithmetic(
    operator: BinaryOperator,
    left: &Value,
    right: &Value,
    (from, to, result): (DataType, DataType, DataType),
    context: &mut Context<'_>,
) -> Result<Value, EvaluateError> {
    let shape = |data_type: &DataType| decimal_shape(data_type).unwrap_or((38, 0));
    let ((_, s1), (_, s2)) = (shape(&from), shape(&to));
    let (a, b) = (
        left.array.as_primitive::<Decimal128Type>(),
        right.array.as_primitive::<Decimal128Type>(),
    );
    let step = Step::new(operator, s1, s2, &result);
    let rows = if left.is_scalar && right.is_scalar {
        1
    } else {
        context.rows()
    };
    let (x, y) = (a.values(), b.values());
    if let Some(values) = step.quick(x, y, (left.is_scalar, right.is_scalar)) {
        let array = Decimal128Array::new(values.into(), nulls(left, right, rows))
            .with_data_type(crate::types::arrow_type(&result));
        return Ok(Value {
            array: Arc::new(array),
            is_scalar: left.is_scalar && right.is_scalar,
        });
    }
    let mut values: Vec<i128> = Vec::with_capacity(rows);
    let mut failed = false;
    let mut put = |value: Option<i128>| {
        failed |= value.is_none();
        values.push(value.unwrap_or(0));
    };
    match (left.is_scalar, right.is_scalar) {
        (false, false) => x
            .iter()
            .zip(y.iter())
            .for_each(|(x, y)| put(step.apply(*x, *y))),
        (true, false) => y.iter().for_each(|y| put(step.apply(x[0], *y))),
        (false, true) => x.iter().for_each(|x| put(step.apply(*x, y[0]))),
        (true, true) => put(step.apply(x[0], y[0])),
    }
    let nulls = nulls(left, right, rows);
    let nulls = if failed {
        fail_rows(&step, left, right, nulls, rows, context)
    } else {
        nulls
    };
    let array = Decimal128Array::new(values.into(), nulls)
        .with_data_type(crate::types::arrow_type(&result));
    Ok(Value {
        array: Arc::new(array),
        is_scalar: left.is_scalar && right.is_scalar,
    })
}

fn nulls(left: &Value, right: &Value, rows: usize) -> Option<NullBuffer> {
    union_of_nulls([left, right], rows)
}

fn fail_rows(
    step: &Step,
    left: &Value,
    right: &Value,
    nulls: Option<NullBuffer>,
    rows: usize,
    context: &mut Context<'_>,
) -> Option<NullBuffer> {
    let (a, b) = (
        left.array.as_primitive::<Decimal128Type>(),
        right.array.as_primitive::<Decimal128Type>(),
    );
    let valid: Vec<bool> = (0..rows)
        .map(|row| {
            if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                return false;
            }
            let (x, y) = (a.value(left.at(row)), b.value(right.at(row)));
            let value = step.apply(x, y);
            if value.is_none() {
                let zero = step.operator == BinaryOperator::Divide && y == 0;
                let code = if zero {
                    SsisCode::EXPRESSION_DIVIDE_BY_ZERO
                } else {
                    SsisCode::EXPRESSION_NUMERIC_OVERFLOW
                };
                context.fail(row, code);
            }
            value.is_some()
        })
        .collect();
    Some(NullBuffer::from(valid))
}

/// One decimal operation with its scales worked out.
struct Step {
    operator: BinaryOperator,
    /// Factors that bring the operands to a common scale.
    left: i128,
    right: i128,
    /// Power of ten by which a sum or product has too many digits, or a dividend too few.
    shift: i32,
    /// The least and the largest number of the type.
    range: (i128, i128),
}

impl Step {
    fn new(operator: BinaryOperator, s1: u8, s2: u8, result: &DataType) -> Self {
        let (_, scale) = decimal_shape(result).unwrap_or((38, 0));
        let (s1, s2, scale) = (i32::from(s1), i32::from(s2), i32::from(scale));
        let common = s1.max(s2);
        let (left, right, shift) = match operator {
            BinaryOperator::Multiply => (1, 1, s1 + s2 - scale),
            BinaryOperator::Divide => (1, 1, scale + s2 - s1),
            _ => (ten(common - s1), ten(common - s2), common - scale),
        };
        Self {
            operator,
            left,
            right,
            shift,
            range: exact_range(result).into_inner(),
        }
    }

    /// All results in one pass where no step can overflow: operands of 64 bits, a product that keeps its scale. `None` if
    /// that is not so, or if a result has too many digits.
    fn quick(&self, x: &[i128], y: &[i128], scalars: (bool, bool)) -> Option<Vec<i128>> {
        let of_64_bits = |factor: i128| i64::try_from(factor).ok().map(i128::from);
        let (left, right) = (of_64_bits(self.left)?, of_64_bits(self.right)?);
        if self.shift != 0 {
            return None;
        }
        let range = self.range;
        // A sum or product of 64 bit numbers has 38 digits at most.
        match self.operator {
            BinaryOperator::Add => each(x, y, scalars, range, |x, y| x * left + y * right),
            BinaryOperator::Subtract if (left, right) == (1, 1) => {
                each(x, y, scalars, range, |x, y| x - y)
            }
            BinaryOperator::Subtract => each(x, y, scalars, range, |x, y| x * left - y * right),
            BinaryOperator::Multiply => each(x, y, scalars, range, |x, y| x * y),
            _ => None,
        }
    }

    #[inline]
    fn apply(&self, x: i128, y: i128) -> Option<i128> {
        let value = match self.operator {
            BinaryOperator::Multiply => self.multiply(x, y)?,
            BinaryOperator::Divide => self.divide(x, y)?,
            _ => self.add(x, y)?,
        };
        is_within(value, self.range).then_some(value)
    }

    fn add(&self, x: i128, y: i128) -> Option<i128> {
        let subtract = self.operator == BinaryOperator::Subtract;
        let narrow = || {
            let (x, y) = (x.checked_mul(self.left)?, y.checked_mul(self.right)?);
            if subtract {
                x.checked_sub(y)
            } else {
                x.checked_add(y)
            }
        };
        match narrow() {
            Some(sum) if self.shift == 0 => Some(sum),
            Some(sum) => Some(round_half_away(sum, ten(self.shift))),
            None => {
                let wide =
                    |number, factor| i256::from_i128(number).wrapping_mul(i256::from_i128(factor));
                let (x, y) = (wide(x, self.left), wide(y, self.right));
                let sum = if subtract {
                    x.wrapping_sub(y)
                } else {
                    x.wrapping_add(y)
                };
                wide_round(sum, wide_ten(self.shift)?)
            }
        }
    }

    #[inline]
    fn multiply(&self, x: i128, y: i128) -> Option<i128> {
        // Operands of 64 bits cannot overflow, and that is a single instruction.
        let product = match (i64::try_from(x), i64::try_from(y)) {
            (Ok(x), Ok(y)) => Some(i128::from(x) * i128::from(y)),
            _ => x.checked_mul(y),
        };
        match (product, self.shift) {
            (Some(product), 0) => Some(product),
            (Some(product), shift @ 1..=38) => Some(round_half_away(product, ten(shift))),
            _ => {
                let wide = i256::from_i128(x).checked_mul(i256::from_i128(y))?;
                wide_round(wide, wide_ten(self.shift)?)
            }
        }
    }

    fn divide(&self, x: i128, y: i128) -> Option<i128> {
        if y == 0 {
            return None;
        }
        if self.shift < 0 {
            return round_half_away(x, ten(-self.shift)).checked_div(y);
        }
        match x.checked_mul(ten(self.shift)) {
            Some(dividend) if self.shift <= 38 => dividend.checked_div(y),
            _ => {
                let dividend = i256::from_i128(x).checked_mul(wide_ten(self.shift)?)?;
                dividend.checked_div(i256::from_i128(y))?.to_i128()
            }
        }
    }
}

/// The results of an operation whose operands have 64 bits and whose results stay within a range; `None` if one does not.
fn each(
    x: &[i128],
    y: &[i128],
    scalars: (bool, bool),
    range: (i128, i128),
    operation: impl Fn(i128, i128) -> i128,
) -> Option<Vec<i128>> {
    let mut beyond = 0;
    let mut small = |value: i128| {
        let low = i128::from(value as i64);
        beyond |= ((value ^ low) >> 64) as i64;
        low
    };
    let mut fit = true;
    let mut one = |x: i128, y: i128| {
        let value = operation(small(x), small(y));
        fit &= is_within(value, range);
        value
    };
    let values = match (scalars, x, y) {
        ((true, false), [x], _) => y.iter().map(|y| one(*x, *y)).collect(),
        ((false, true), _, [y]) => x.iter().map(|x| one(*x, *y)).collect(),
        _ => x.iter().zip(y).map(|(x, y)| one(*x, *y)).collect(),
    };
    (beyond == 0 && fit).then_some(values)
}

#[inline]
fn is_within(value: i128, (least, largest): (i128, i128)) -> bool {
    least <= value && value <= largest
}

fn ten(power: i32) -> i128 {
    10_i128
        .checked_pow(power.max(0) as u32)
        .unwrap_or(i128::MAX)
}

fn wide_ten(power: i32) -> Option<i256> {
    i256::from_i128(10)
        .pow_checked(u32::try_from(power).ok()?)
        .ok()
}

fn round_half_away(value: i128, divisor: i128) -> i128 {
    let (quotient, remainder) = (value / divisor, value % divisor);
    // Twice the remainder, without overflow.
    if divisor > 1 && remainder.unsigned_abs() >= divisor.unsigned_abs() - remainder.unsigned_abs()
    {
        quotient + value.signum()
    } else {
        quotient
    }
}

fn wide_round(value: i256, divisor: i256) -> Option<i128> {
    let quotient = value.checked_div(divisor)?;
    let remainder = value.checked_rem(divisor)?.wrapping_abs();
    let up = remainder.checked_add(remainder)? >= divisor;
    let quotient = quotient.to_i128()?;
    if up {
        quotient.checked_add(if value < i256::ZERO { -1 } else { 1 })
    } else {
        Some(quotient)
    }
}

/// Zero less the amount: the least has no opposite.
pub(super) fn negate_currency(
    operand: &Value,
    context: &mut Context<'_>,
) -> Result<Value, EvaluateError> {
    let zero = Decimal128Array::from(vec![0]).with_data_type(operand.array.data_type().clone());
    let zero = Value {
        array: Arc::new(zero),
        is_scalar: true,
    };
    let types = (DataType::Cy, DataType::Cy, DataType::Cy);
    arithmetic(BinaryOperator::Subtract, &zero, operand, types, context)
}
