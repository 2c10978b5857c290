//! What of a tree of exact numbers can go in lanes of 64 bits.

use arrow::{
    array::{Array, AsArray},
    datatypes::{Decimal128Type, Int32Type},
};
use dtsx::DataType;

use super::plan::{Lane, Operation, Plan, Rounding};
use crate::{
    check::{Typed, TypedKind, decimal_shape},
    scalar::Scalar,
    syntax::BinaryOperator,
};

/// Both operands of a comparison of exact numbers, if one of them at least is an operation.
pub(super) fn operands<'n>(
    plan: &mut Plan<'n>,
    left: &'n Typed,
    right: &'n Typed,
) -> Option<(Lane<i64>, Lane<i64>)> {
    let scale = |node: &Typed| decimal_shape(&node.data_type).map(|(_, scale)| scale);
    if !is_exact(&left.data_type) || !is_exact(&right.data_type) || scale(left) != scale(right) {
        return None;
    }
    Some((lane(plan, left)?, lane(plan, right)?))
}

/// An operation on exact numbers whose result fits its type, whatever the operands are.
pub(super) fn operation<'n>(plan: &mut Plan<'n>, node: &'n Typed) -> Option<Lane<i64>> {
    if !is_exact(&node.data_type) {
        return None;
    }
    match &node.kind {
        TypedKind::Arithmetic(operator, left, right) => {
            arithmetic(plan, *operator, left, right, &node.data_type)
        }
        TypedKind::Convert(operand, _) => scaled(plan, operand, &node.data_type),
        TypedKind::Call(function, types, arguments) => {
            let rounding = match function.name {
                "ROUND" => Rounding::HalfAway,
                "CEILING" => Rounding::Ceiling,
                "FLOOR" => Rounding::Floor,
                _ => return None,
            };
            let (precision, scale) = decimal_shape(&types.result)?;
            let digits = match arguments.get(1) {
                Some(digits) => whole(digits.constant()?)?,
                None => 0,
            };
            if precision == 38 {
                return None; // Rounding up may need one digit more.
            }
            let unit = power(u32::from(scale).saturating_sub(digits))?;
            let number = lane(plan, arguments.first()?)?;
            Some(Lane::Rounded(rounding, Box::new(number), unit))
        }
        _ => None,
    }
}

fn arithmetic<'n>(
    plan: &mut Plan<'n>,
    operator: BinaryOperator,
    left: &'n Typed,
    right: &'n Typed,
    result: &DataType,
) -> Option<Lane<i64>> {
    let (_, scale) = decimal_shape(result)?;
    let (s1, s2) = (
        decimal_shape(&left.data_type)?.1,
        decimal_shape(&right.data_type)?.1,
    );
    let operation = Operation::new(operator)?;
    let (scale_of_result, up_left, up_right) = match operation {
        Operation::Multiply => (s1 + s2, 0, 0),
        Operation::Divide => return None,
        _ => (s1.max(s2), s2.saturating_sub(s1), s1.saturating_sub(s2)),
    };
    // A result that gives up decimals is rounded, and one of the widest type may not fit.
    if scale_of_result != scale {
        return None;
    }
    let (up_left, up_right) = (power(u32::from(up_left))?, power(u32::from(up_right))?);
    let (left, right) = (lane(plan, left)?, lane(plan, right)?);
    let (left, right) = (times(left, up_left)?, times(right, up_right)?);
    Some(Lane::of(operation, left, right))
}

/// A conversion that keeps all digits.
fn scaled<'n>(plan: &mut Plan<'n>, operand: &'n Typed, to: &DataType) -> Option<Lane<i64>> {
    let ((p1, s1), (p2, s2)) = (decimal_shape(&operand.data_type)?, decimal_shape(to)?);
    let is_integer = matches!(
        operand.data_type,
        DataType::I1 | DataType::I2 | DataType::I4 | DataType::I8
    );
    let keeps = s1 <= s2 && p1 - s1 <= p2 - s2;
    if !keeps || !(is_integer || is_exact(&operand.data_type)) {
        return None;
    }
    let factor = power(u32::from(s2 - s1))?;
    let number = match is_integer {
        true => plan.leaf(operand),
        false => lane(plan, operand)?,
    };
    times(number, factor)
}

fn lane<'n>(plan: &mut Plan<'n>, node: &'n Typed) -> Option<Lane<i64>> {
    match node.constant() {
        Some(constant) => number(constant).map(Lane::Constant),
        None => Some(plan.lane(node, operation)),
    }
}

/// With more decimals: times a power of ten. `None` if that is a constant that does not fit.
fn times(lane: Lane<i64>, factor: i64) -> Option<Lane<i64>> {
    match (lane, factor) {
        (lane, 1) => Some(lane),
        (Lane::Constant(number), _) => number.checked_mul(factor).map(Lane::Constant),
        (lane, _) => Some(Lane::of(Operation::Multiply, lane, Lane::Constant(factor))),
    }
}

/// Whether numbers of a type are decimals.
fn is_exact(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Cy | DataType::Decimal { .. } | DataType::Numeric { .. }
    )
}

fn power(digits: u32) -> Option<i64> {
    10_i64.checked_pow(digits)
}

/// The digits of a constant.
fn number(constant: &Scalar) -> Option<i64> {
    let numbers = constant.array.as_primitive_opt::<Decimal128Type>()?;
    match numbers.is_valid(0) {
        true => i64::try_from(numbers.value(0)).ok(),
        false => None,
    }
}

fn whole(constant: &Scalar) -> Option<u32> {
    let numbers = constant.array.as_primitive_opt::<Int32Type>()?;
    match numbers.is_valid(0) {
        true => u32::try_from(numbers.value(0)).ok(),
        false => None,
    }
}
