//! What of a tree of integers or floats can go in lanes of their own type.

use arrow::{
    array::{Array, ArrowPrimitiveType, AsArray},
    datatypes::DataType as ArrowType,
};

use super::{
    column::Native,
    plan::{Lane, Operation, Plan},
};
use crate::{
    check::{Typed, TypedKind},
    scalar::Scalar,
    types::arrow_type,
};

/// A sum, difference or product, or a quotient of floats; the sign of an integer.
pub(super) fn operation<'n, T>(plan: &mut Plan<'n>, node: &'n Typed) -> Option<Lane<T::Native>>
where
    T: ArrowPrimitiveType<Native: Native>,
{
    if arrow_type(&node.data_type) != T::DATA_TYPE {
        return None;
    }
    let is_float = matches!(T::DATA_TYPE, ArrowType::Float32 | ArrowType::Float64);
    match &node.kind {
        TypedKind::Arithmetic(operator, left, right) => {
            let operation = Operation::new(*operator)?;
            if matches!(operation, Operation::Divide) && !is_float {
                return None;
            }
            let (left, right) = (lane::<T>(plan, left)?, lane::<T>(plan, right)?);
            Some(Lane::of(operation, left, right))
        }
        // Zero less a float of zero has another sign.
        TypedKind::Negate(operand) if !is_float => {
            let zero = Lane::Constant(T::Native::default());
            Some(Lane::of(
                Operation::Subtract,
                zero,
                lane::<T>(plan, operand)?,
            ))
        }
        _ => None,
    }
}

/// `None` if the node has other numbers, or is no number at all.
fn lane<'n, T>(plan: &mut Plan<'n>, node: &'n Typed) -> Option<Lane<T::Native>>
where
    T: ArrowPrimitiveType<Native: Native>,
{
    if arrow_type(&node.data_type) != T::DATA_TYPE {
        return None;
    }
    match &node.kind {
        TypedKind::Constant(constant) => number::<T>(constant).map(Lane::Constant),
        // Narrower numbers become wider ones on the way.
        TypedKind::Convert(operand, _)
            if T::Native::NARROWER.contains(&arrow_type(&operand.data_type)) =>
        {
            Some(plan.leaf(operand))
        }
        _ => Some(plan.lane(node, operation::<T>)),
    }
}

fn number<T: ArrowPrimitiveType>(constant: &Scalar) -> Option<T::Native> {
    let numbers = constant.array.as_primitive_opt::<T>()?;
    numbers.is_valid(0).then(|| numbers.value(0))
}
