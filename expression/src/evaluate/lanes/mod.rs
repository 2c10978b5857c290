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
    buffer::{BooleanBuffer, MutableBuffer, NullBuffer},
    datatypes::{DataType as ArrowType, Decimal128Type, Int8Type, Int16Type, Int32Type, Int64Type},
};

use self::{
    block::{BLOCK, Column, Lanes},
    plan::{Lane, Plan},
};
use super::{Context, Value, evaluate, union_of_nulls};
use crate::{
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
    let roots = match &node.kind {
        TypedKind::Compare(operator, left, right) => plan
            .operands(left, right)
            .map(|lanes| (Some(*operator), lanes)),
        _ => plan
            .operation(node)
            .map(|lane| (None, (lane, Lane::Constant(0)))),
    };
    let Some((comparison, (left, right))) = roots else {
        return Ok(None);
    };
    let known = context.failures.len();
    let Some((columns, nulls)) = columns(&plan, context)? else {
        context.failures.truncate(known);
        return Ok(None);
    };
    let rows = context.rows();
    let lanes = Lanes { columns, rows };
    let array = match comparison {
        Some(operator) => lanes
            .compare(operator, &left, &right)
            .map(|bits| Arc::new(BooleanArray::new(bits, nulls)) as ArrayRef),
        None => lanes.numbers(&left).map(|numbers| {
            let array = Decimal128Array::new(numbers.into(), nulls);
            Arc::new(array.with_data_type(arrow_type(&node.data_type))) as ArrayRef
        }),
    };
    if array.is_none() {
        context.failures.truncate(known);
    }
    Ok(array.map(Value::array))
}

/// The columns of a plan, and where one of them is NULL; `None` if one of them is the same for all rows.
fn columns(
    plan: &Plan<'_>,
    context: &mut Context<'_>,
) -> Result<Option<(Vec<Column>, Option<NullBuffer>)>, EvaluateError> {
    let mut values = Vec::with_capacity(plan.leaves.len());
    let mut columns = Vec::with_capacity(plan.leaves.len());
    for leaf in &plan.leaves {
        let value = evaluate(leaf, context)?;
        match column(&value) {
            Some(column) => columns.push(column),
            None => return Ok(None),
        }
        values.push(value);
    }
    let nulls = union_of_nulls(&values, context.rows());
    Ok(Some((columns, nulls)))
}

fn column(value: &Value) -> Option<Column> {
    fn of<T: ArrowPrimitiveType>(
        value: &Value,
        wrap: impl Fn(arrow::buffer::ScalarBuffer<T::Native>) -> Column,
    ) -> Option<Column> {
        Some(wrap(value.array.as_primitive::<T>().values().clone()))
    }
    if value.is_scalar {
        return None;
    }
    match value.array.data_type() {
        ArrowType::Decimal128(..) => of::<Decimal128Type>(value, Column::Decimal),
        ArrowType::Int8 => of::<Int8Type>(value, Column::I1),
        ArrowType::Int16 => of::<Int16Type>(value, Column::I2),
        ArrowType::Int32 => of::<Int32Type>(value, Column::I4),
        ArrowType::Int64 => of::<Int64Type>(value, Column::I8),
        _ => None,
    }
}

impl Lanes {
    /// The numbers of all rows; `None` if one does not fit.
    fn numbers(&self, lane: &Lane) -> Option<Vec<i128>> {
        let mut numbers = Vec::with_capacity(self.rows);
        let mut blocks = vec![[0; BLOCK]; lane.depth()];
        for start in (0..self.rows).step_by(BLOCK) {
            let rows = BLOCK.min(self.rows - start);
            self.fill(lane, start, rows, &mut blocks)?;
            let block = blocks.first()?.get(..rows)?;
            numbers.extend(block.iter().map(|number| i128::from(*number)));
        }
        Some(numbers)
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
            let rows = BLOCK.min(self.rows - start);
            self.fill(left, start, rows, &mut x)?;
            self.fill(right, start, rows, &mut y)?;
            let (x, y) = (x.first()?.get(..rows)?, y.first()?.get(..rows)?);
            for (x, y) in x.chunks(64).zip(y.chunks(64)) {
                let pairs = x.iter().zip(y).enumerate();
                let word = pairs.fold(0_u64, |word, (bit, (x, y))| {
                    word | u64::from(holds(*x, *y)) << bit
                });
                words.push(word);
            }
        }
        Some(BooleanBuffer::new(words.into(), 0, self.rows))
    }
}
