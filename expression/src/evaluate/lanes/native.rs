//! What of a tree of integers or floats can go in lanes of their own type.

use arrow::array::{Array, ArrowPrimitiveType, AsArray};
use dtsx::DataType;

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
    let is_float = matches!(node.data_type, DataType::R4 | DataType::R8);
    match &node.kind {
        TypedKind::Arithmetic(operator, left, right) => {
            let operation = Operation::new(*operator)?;
            if matches!(operation, Operation::Divide) && !is_float {
                return None;
            }
            let (left, right) = (lane::<T>(plan, left, node)?, lane::<T>(plan, right, node)?);
            Some(Lane::of(operation, left, right))
        }
        // Zero less a float of zero has another sign.
        TypedKind::Negate(operand) if !is_float => {
            let zero = Lane::Constant(T::Native::default());
            Some(Lane::of(
                Operation::Subtract,
                zero,
                lane::<T>(plan, operand, node)?,
            ))
        }
        _ => None,
    }
}

/// `None` if the node has other numbers than that above it, or none at all.
fn lane<'n, T>(plan: &mut Plan<'n>, node: &'n Typed, above: &Typed) -> Option<Lane<T::Native>>
where
    T: ArrowPrimitiveType<Native: Native>,
{
    if node.data_type != above.data_type {
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
