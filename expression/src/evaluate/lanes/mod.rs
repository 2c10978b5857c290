//! Exact numbers in 64-bit lanes: a tree of sums, products, roundings and changes of scale goes over a block of rows at a
//! time, so that what lies between the columns and the result stays in the nearest cache.
//!
//! ```text
//!  price * (1 - discount)        columns (128 bits)      lanes (64 bits, a block)           result (128 bits)
//!                                price ────────────────▶ price ──────────────┐
//!                                discount ─────────────▶ 1 - discount ───────┴▶ product ──▶ product
//! ```
//!
//! A number that has more than 64 bits is seen on the way; the batch then goes the general way, operator by operator, as do
//! trees with other operators ([`super::arithmetic`]).

mod block;
mod plan;

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, Decimal128Array},
    buffer::{BooleanBuffer, Buffer, MutableBuffer, NullBuffer, ScalarBuffer},
    datatypes::{DataType as ArrowType, Decimal128Type, Int8Type, Int16Type, Int32Type, Int64Type},
};

use self::{
    block::{BLOCK, Column, Lanes},
    plan::{Lane, Plan},
};
use super::{Context, Known, Value, evaluate, union_of_nulls};
use crate::{
    arrays::word,
    check::{Typed, TypedKind},
    error::EvaluateError,
    syntax::BinaryOperator,
    types::arrow_type,
};

/// The value of a node; `None` if it has to be worked out in the general way.
pub(super) fn value(
    node: &Typed,
    context: &mut Context<'_>,
) -> Result<Option<Value>, EvaluateError> {
    let mut plan = Plan::default();
    let root = match &node.kind {
        TypedKind::Compare(operator, left, right) => plan
            .operands(left, right)
            .map(|(left, right)| Root::Comparison(*operator, left, right)),
        _ => plan.operation(node).map(Root::Numbers),
    };
    let Some(root) = root else {
        return Ok(None);
    };
    let before = context.failures.len();
    let mut leaves = Vec::with_capacity(plan.leaves.len());
    for leaf in &plan.leaves {
        let failed = context.failures.len();
        let value = evaluate(leaf, context)?;
        leaves.push(Known {
            node: *leaf,
            value,
            failures: context.failures[failed..].to_vec(),
        });
    }
    let rows = context.rows();
    let columns: Option<Vec<_>> = leaves.iter().map(|leaf| column(&leaf.value)).collect();
    let array = columns.and_then(|columns| {
        let nulls = union_of_nulls(leaves.iter().map(|leaf| &leaf.value), rows);
        Lanes { columns, rows }.array(&root, node, nulls)
    });
    if array.is_none() {
        context.failures.truncate(before);
        context.known.append(&mut leaves);
    }
    Ok(array.map(Value::array))
}

/// What is worked out.
#[derive(Debug)]
enum Root {
    Numbers(Lane),
    Comparison(BinaryOperator, Lane, Lane),
}

fn column(value: &Value) -> Option<Column> {
    fn of<T: ArrowPrimitiveType>(
        value: &Value,
        wrap: impl Fn(ScalarBuffer<T::Native>) -> Column,
    ) -> Option<Column> {
        Some(wrap(value.array.as_primitive::<T>().values().clone()))
    }
    if value.is_scalar {
        return None;
    }
    match value.array.data_type() {
        ArrowType::Decimal128(..) => {
            let numbers = value.array.as_primitive::<Decimal128Type>().values();
            let halves = ScalarBuffer::new(numbers.inner().clone(), 0, 2 * numbers.len());
            Some(Column::Decimal(halves))
        }
        ArrowType::Int8 => of::<Int8Type>(value, Column::I1),
        ArrowType::Int16 => of::<Int16Type>(value, Column::I2),
        ArrowType::Int32 => of::<Int32Type>(value, Column::I4),
        ArrowType::Int64 => of::<Int64Type>(value, Column::I8),
        _ => None,
    }
}

impl Lanes {
    /// The values of all rows; `None` if a number does not fit.
    fn array(&self, root: &Root, node: &Typed, nulls: Option<NullBuffer>) -> Option<ArrayRef> {
        let lane = match root {
            Root::Numbers(lane) => lane,
            Root::Comparison(operator, left, right) => {
                let bits = self.compare(*operator, left, right)?;
                return Some(Arc::new(BooleanArray::new(bits, nulls)));
            }
        };
        let array = Decimal128Array::new(self.numbers(lane)?, nulls);
        Some(Arc::new(array.with_data_type(arrow_type(&node.data_type))))
    }

    /// The numbers of all rows; `None` if one does not fit.
    fn numbers(&self, lane: &Lane) -> Option<ScalarBuffer<i128>> {
        let mut numbers = MutableBuffer::with_capacity(self.rows * size_of::<i128>());
        let mut blocks = vec![[0; BLOCK]; lane.depth()];
        for start in (0..self.rows).step_by(BLOCK) {
            self.fill(lane, start, &mut blocks)?;
            let wide = block::wide(blocks.first()?);
            let rows = BLOCK.min(self.rows - start);
            numbers.extend_from_slice(wide.get(..rows)?.as_flattened());
        }
        Some(Buffer::from(numbers).into())
    }

    /// For each row how two numbers compare; `None` if one does not fit.
    fn compare(
        &self,
        operator: BinaryOperator,
        left: &Lane,
        right: &Lane,
    ) -> Option<BooleanBuffer> {
        match operator {
            BinaryOperator::Equal => self.bits(left, right, |x, y| x == y),
            BinaryOperator::NotEqual => self.bits(left, right, |x, y| x != y),
            BinaryOperator::Less => self.bits(left, right, |x, y| x < y),
            BinaryOperator::LessEqual => self.bits(left, right, |x, y| x <= y),
            BinaryOperator::Greater => self.bits(left, right, |x, y| x > y),
            BinaryOperator::GreaterEqual => self.bits(left, right, |x, y| x >= y),
            _ => None,
        }
    }

    fn bits(
        &self,
        left: &Lane,
        right: &Lane,
        holds: impl Fn(i64, i64) -> bool,
    ) -> Option<BooleanBuffer> {
        let mut words = MutableBuffer::with_capacity(self.rows.div_ceil(64) * 8);
        let mut x = vec![[0; BLOCK]; left.depth()];
        let mut y = vec![[0; BLOCK]; right.depth()];
        for start in (0..self.rows).step_by(BLOCK) {
            self.fill(left, start, &mut x)?;
            self.fill(right, start, &mut y)?;
            words.push(word(x.first()?, y.first()?, &holds));
        }
        Some(BooleanBuffer::new(words.into(), 0, self.rows))
    }
}
