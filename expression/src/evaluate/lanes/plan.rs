//! What of a tree can go in lanes: decided by types alone.

use crate::{check::Typed, syntax::BinaryOperator};

/// Operators above each other, at most: each has a block of its own.
const DEPTH_MAX: usize = 16;

/// A number of each row.
#[derive(Debug)]
pub(super) enum Lane<T> {
    Constant(T),
    /// By its place among the leaves.
    Leaf(usize),
    Operation(Operation, Box<Lane<T>>, Box<Lane<T>>),
    /// With one number for all rows on the right.
    WithConstant(Operation, Box<Lane<T>>, T),
    /// To a multiple of a power of ten.
    Rounded(Rounding, Box<Lane<T>>, T),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Operation {
    Add,
    Subtract,
    /// The left from the right.
    SubtractFrom,
    Multiply,
    /// Of two numbers that have 32 bits.
    MultiplySmall,
    Divide,
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
    /// What `operation` plans for a node, or else a leaf.
    pub(super) fn lane<T>(
        &mut self,
        node: &'n Typed,
        operation: impl FnOnce(&mut Self, &'n Typed) -> Option<Lane<T>>,
    ) -> Lane<T> {
        let leaves = self.leaves.len();
        self.depth += 1;
        let lane = match self.depth <= DEPTH_MAX {
            true => operation(self, node),
            false => None,
        };
        self.depth -= 1;
        lane.unwrap_or_else(|| {
            self.leaves.truncate(leaves);
            self.leaf(node)
        })
    }

    pub(super) fn leaf<T>(&mut self, node: &'n Typed) -> Lane<T> {
        self.leaves.push(node);
        Lane::Leaf(self.leaves.len() - 1)
    }
}

impl<T> Lane<T> {
    pub(super) fn of(operation: Operation, left: Self, right: Self) -> Self {
        match (left, right, operation.turned()) {
            (left, Self::Constant(y), _) => Self::WithConstant(operation, Box::new(left), y),
            (Self::Constant(x), right, Some(turned)) => {
                Self::WithConstant(turned, Box::new(right), x)
            }
            (left, right, _) => Self::Operation(operation, Box::new(left), Box::new(right)),
        }
    }

    /// Blocks that are needed to work it out.
    pub(super) fn depth(&self) -> usize {
        match self {
            Self::Constant(_) => 0,
            Self::Leaf(_) => 1,
            Self::WithConstant(_, number, _) | Self::Rounded(_, number, _) => 1 + number.depth(),
            Self::Operation(_, left, right) => (1 + left.depth()).max(2 + right.depth()),
        }
    }

    /// Whether any of its leaves is one of these.
    pub(super) fn has_leaf(&self, wanted: &impl Fn(usize) -> bool) -> bool {
        match self {
            Self::Constant(_) => false,
            Self::Leaf(place) => wanted(*place),
            Self::WithConstant(_, number, _) | Self::Rounded(_, number, _) => {
                number.has_leaf(wanted)
            }
            Self::Operation(_, left, right) => left.has_leaf(wanted) || right.has_leaf(wanted),
        }
    }
}

impl Operation {
    pub(super) fn new(operator: BinaryOperator) -> Option<Self> {
        match operator {
            BinaryOperator::Add => Some(Self::Add),
            BinaryOperator::Subtract => Some(Self::Subtract),
            BinaryOperator::Multiply => Some(Self::Multiply),
            BinaryOperator::Divide => Some(Self::Divide),
            _ => None,
        }
    }

    /// The same with its operands exchanged.
    fn turned(self) -> Option<Self> {
        match self {
            Self::Subtract => Some(Self::SubtractFrom),
            Self::SubtractFrom => Some(Self::Subtract),
            Self::Add | Self::Multiply | Self::MultiplySmall => Some(self),
            Self::Divide => None,
        }
    }
}
