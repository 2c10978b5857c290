//! What of a tree can go in lanes: decided by types alone.

use dtsx::DataType;

use arrow::{
    array::{Array, AsArray},
    datatypes::{Decimal128Type, Int32Type},
};

use crate::{
    check::{Typed, TypedKind, decimal_shape},
    scalar::Scalar,
    syntax::BinaryOperator,
};

/// Operators above each other, at most: each has a block on the stack.
const DEPTH_MAX: usize = 16;

/// A number of each row.
#[derive(Debug)]
pub(super) enum Lane {
    Constant(i64),
    /// By its place among the leaves.
    Leaf(usize),
    Operation(Operation, Box<Lane>, Box<Lane>),
    /// With one number for all rows on the right.
    WithConstant(Operation, Box<Lane>, i64),
    /// To a multiple of a power of ten.
    Rounded(Rounding, Box<Lane>, i64),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Operation {
    Add,
    Subtract,
    /// The left from the right.
    SubtractFrom,
    Multiply,
}

/// How a number becomes a multiple.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rounding {
    HalfAway,
    Ceiling,
    Floor,
}

/// The leaves of the lanes that are planned, each to be worked out for itself.
#[derive(Debug, Default)]
pub(super) struct Plan<'n> {
    pub(super) leaves: Vec<&'n Typed>,
    depth: usize,
}

impl<'n> Plan<'n> {
    /// Both operands of a comparison of exact numbers, if one of them at least is an operation.
    pub(super) fn operands(&mut self, left: &'n Typed, right: &'n Typed) -> Option<(Lane, Lane)> {
        let scale = |node: &Typed| decimal_shape(&node.data_type).map(|(_, scale)| scale);
        if !is_exact(&left.data_type) || !is_exact(&right.data_type) || scale(left) != scale(right)
        {
            return None;
        }
        Some((self.lane(left)?, self.lane(right)?))
    }

    /// An operation on exact numbers whose result fits its type, whatever the operands are.
    pub(super) fn operation(&mut self, node: &'n Typed) -> Option<Lane> {
        if !is_exact(&node.data_type) {
            return None;
        }
        match &node.kind {
            TypedKind::Arithmetic(operator, left, right) => {
                self.arithmetic(*operator, left, right, &node.data_type)
            }
            TypedKind::Convert(operand, _) => self.scaled(operand, &node.data_type),
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
                let number = self.lane(arguments.first()?)?;
                Some(Lane::Rounded(rounding, Box::new(number), unit))
            }
            _ => None,
        }
    }

    fn arithmetic(
        &mut self,
        operator: BinaryOperator,
        left: &'n Typed,
        right: &'n Typed,
        result: &DataType,
    ) -> Option<Lane> {
        let (_, scale) = decimal_shape(result)?;
        let (s1, s2) = (
            decimal_shape(&left.data_type)?.1,
            decimal_shape(&right.data_type)?.1,
        );
        let operation = operation(operator)?;
        let (scale_of_result, up_left, up_right) = match operation {
            Operation::Multiply => (s1 + s2, 0, 0),
            _ => (s1.max(s2), s2.saturating_sub(s1), s1.saturating_sub(s2)),
        };
        // A result that gives up decimals is rounded, and one of the widest type may not fit.
        if scale_of_result != scale {
            return None;
        }
        let (up_left, up_right) = (power(u32::from(up_left))?, power(u32::from(up_right))?);
        let (left, right) = (self.lane(left)?, self.lane(right)?);
        let (left, right) = (left.times(up_left)?, right.times(up_right)?);
        Some(match (left, right) {
            (left, Lane::Constant(y)) => Lane::WithConstant(operation, Box::new(left), y),
            (Lane::Constant(x), right) => {
                Lane::WithConstant(operation.turned(), Box::new(right), x)
            }
            (left, right) => Lane::Operation(operation, Box::new(left), Box::new(right)),
        })
    }

    /// A conversion that keeps all digits.
    fn scaled(&mut self, operand: &'n Typed, to: &DataType) -> Option<Lane> {
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
            true => self.leaf(operand),
            false => self.lane(operand)?,
        };
        number.times(factor)
    }

    fn lane(&mut self, node: &'n Typed) -> Option<Lane> {
        if let Some(constant) = node.constant() {
            return number(constant).map(Lane::Constant);
        }
        let leaves = self.leaves.len();
        self.depth += 1;
        let operation = match self.depth <= DEPTH_MAX {
            true => self.operation(node),
            false => None,
        };
        self.depth -= 1;
        Some(operation.unwrap_or_else(|| {
            self.leaves.truncate(leaves);
            self.leaf(node)
        }))
    }

    fn leaf(&mut self, node: &'n Typed) -> Lane {
        self.leaves.push(node);
        Lane::Leaf(self.leaves.len() - 1)
    }
}

impl Lane {
    /// Blocks that are needed to work it out.
    pub(super) fn depth(&self) -> usize {
        match self {
            Self::Constant(_) | Self::Leaf(_) => 1,
            Self::WithConstant(_, number, _) | Self::Rounded(_, number, _) => number.depth(),
            Self::Operation(_, left, right) => left.depth().max(1 + right.depth()),
        }
    }

    /// With more decimals: times a power of ten. `None` if that is a constant that does not fit.
    fn times(self, factor: i64) -> Option<Self> {
        match (self, factor) {
            (lane, 1) => Some(lane),
            (Self::Constant(number), _) => number.checked_mul(factor).map(Self::Constant),
            (lane, _) => Some(Self::WithConstant(
                Operation::Multiply,
                Box::new(lane),
                factor,
            )),
        }
    }
}

impl Operation {
    /// The same with its operands exchanged.
    fn turned(self) -> Self {
        match self {
            Self::Subtract => Self::SubtractFrom,
            Self::SubtractFrom => Self::Subtract,
            Self::Add | Self::Multiply => self,
        }
    }
}

fn operation(operator: BinaryOperator) -> Option<Operation> {
    match operator {
        BinaryOperator::Add => Some(Operation::Add),
        BinaryOperator::Subtract => Some(Operation::Subtract),
        BinaryOperator::Multiply => Some(Operation::Multiply),
        _ => None,
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
