//! Numbers in lanes: a tree of operations goes over a block of rows at a time, so that what lies between the columns and the
//! result stays in the nearest cache. Integers and floats go in lanes of their own type; exact numbers, with roundings and
//! changes of scale, in lanes of 64 bits.
//!
//! ```text
//!  price * (1 - discount)        columns (128 bits)      lanes (64 bits, a block)           result (128 bits)
//!                                price ────────────────▶ price ──────────────┐
//!                                discount ─────────────▶ 1 - discount ───────┴▶ product ──▶ product
//! ```
//!
//! A number that does not fit its lane, or a result that fails its row, is seen on the way; the batch then goes the general
//! way, operator by operator, as do trees with other operators ([`super::arithmetic`]).

mod block;
mod column;
mod exact;
mod native;
mod number;
mod plan;

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, ArrowPrimitiveType, BooleanArray, Decimal128Array, PrimitiveArray},
    buffer::{BooleanBuffer, MutableBuffer, NullBuffer, ScalarBuffer},
    datatypes::{
        Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
        UInt32Type, UInt64Type,
    },
};
use dtsx::DataType;

use self::{
    block::Lanes,
    column::{Column, Native},
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

/// Rows of a block of integers or floats: half a kilobyte of 32 bits.
const ROWS: usize = 128;
/// Rows of a block of exact numbers, a kilobyte of each column.
const EXACT_ROWS: usize = 64;

/// The value of a node; `None` if it has to be worked out in the general way.
pub(super) fn value(
    node: &Typed,
    context: &mut Context<'_>,
) -> Result<Option<Value>, EvaluateError> {
    match (&node.kind, node.data_type) {
        (TypedKind::Column(_) | TypedKind::Constant(_), _) => Ok(None),
        (_, DataType::I1) => native::<Int8Type>(node, context),
        (_, DataType::I2) => native::<Int16Type>(node, context),
        (_, DataType::I4) => native::<Int32Type>(node, context),
        (_, DataType::I8) => native::<Int64Type>(node, context),
        (_, DataType::UI1) => native::<UInt8Type>(node, context),
        (_, DataType::UI2) => native::<UInt16Type>(node, context),
        (_, DataType::UI4) => native::<UInt32Type>(node, context),
        (_, DataType::UI8) => native::<UInt64Type>(node, context),
        (_, DataType::R4) => native::<Float32Type>(node, context),
        (_, DataType::R8) => native::<Float64Type>(node, context),
        (TypedKind::Compare(..), _)
        | (_, DataType::Cy | DataType::Decimal { .. } | DataType::Numeric { .. }) => {
            exact(node, context)
        }
        _ => Ok(None),
    }
}

fn exact(node: &Typed, context: &mut Context<'_>) -> Result<Option<Value>, EvaluateError> {
    let mut plan = Plan::default();
    let root = match &node.kind {
        TypedKind::Compare(operator, left, right) => exact::operands(&mut plan, left, right)
            .map(|(left, right)| Root::Comparison(*operator, left, right)),
        _ => exact::operation(&mut plan, node).map(Root::Numbers),
    };
    let Some(root) = root else {
        return Ok(None);
    };
    let column = column::exact::<EXACT_ROWS>;
    attempt(&plan, context, column, |lanes, nulls| match &root {
        Root::Numbers(lane) => {
            let array = Decimal128Array::new(lanes.wide_numbers(lane)?, nulls);
            Some(Arc::new(array.with_data_type(arrow_type(&node.data_type))))
        }
        Root::Comparison(operator, left, right) => {
            let bits = lanes.compare(*operator, left, right)?;
            Some(Arc::new(BooleanArray::new(bits, nulls)))
        }
    })
}

/// What is worked out of exact numbers.
enum Root {
    Numbers(Lane<i64>),
    Comparison(BinaryOperator, Lane<i64>, Lane<i64>),
}

fn native<T>(node: &Typed, context: &mut Context<'_>) -> Result<Option<Value>, EvaluateError>
where
    T: ArrowPrimitiveType<Native: Native>,
{
    let mut plan = Plan::default();
    let Some(lane) = native::operation::<T>(&mut plan, node) else {
        return Ok(None);
    };
    attempt(&plan, context, T::Native::column::<ROWS>, |lanes, nulls| {
        let numbers = ScalarBuffer::new(lanes.numbers(&lane)?.into(), 0, lanes.rows);
        Some(Arc::new(PrimitiveArray::<T>::new(numbers, nulls)))
    })
}

/// Works out the leaves of a plan, and what `whole` makes of their columns. If that is nothing, they are known when the
/// general way comes to them.
fn attempt<T: number::Number, const ROWS: usize>(
    plan: &Plan<'_>,
    context: &mut Context<'_>,
    column: impl for<'v> Fn(&'v Value) -> Option<Column<'v, T, ROWS>>,
    whole: impl FnOnce(&Lanes<'_, T, ROWS>, Option<NullBuffer>) -> Option<ArrayRef>,
) -> Result<Option<Value>, EvaluateError> {
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
    let is_scalar = leaves.iter().all(|leaf| leaf.value.is_scalar);
    let array = columns.filter(|_| !is_scalar).and_then(|columns| {
        let nulls = union_of_nulls(leaves.iter().map(|leaf| &leaf.value), rows);
        let lanes = Lanes {
            columns,
            nulls: leaves.iter().map(|leaf| leaf.value.array.nulls()).collect(),
            rows,
        };
        whole(&lanes, nulls)
    });
    if array.is_none() {
        context.failures.truncate(before);
        context.known.append(&mut leaves);
    }
    Ok(array.map(Value::array))
}

impl Lanes<'_, i64, EXACT_ROWS> {
    /// The numbers of all rows in 128 bits; `None` if one went wrong.
    fn wide_numbers(&self, lane: &Lane<i64>) -> Option<ScalarBuffer<i128>> {
        let mut numbers: Vec<i128> = Vec::with_capacity(self.rows.next_multiple_of(EXACT_ROWS));
        let mut blocks = self.blocks(lane);
        let mut narrow = [0; EXACT_ROWS];
        for start in (0..self.rows).step_by(EXACT_ROWS) {
            self.fill(lane, start, &mut narrow, &mut blocks)?;
            numbers.extend(narrow.iter().map(|number| i128::from(*number)));
        }
        Some(ScalarBuffer::new(numbers.into(), 0, self.rows))
    }

    /// For each row how two numbers compare; `None` if one went wrong.
    fn compare(
        &self,
        operator: BinaryOperator,
        left: &Lane<i64>,
        right: &Lane<i64>,
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
        left: &Lane<i64>,
        right: &Lane<i64>,
        holds: impl Fn(i64, i64) -> bool,
    ) -> Option<BooleanBuffer> {
        let mut words = MutableBuffer::with_capacity(self.rows.div_ceil(EXACT_ROWS) * 8);
        let (mut x, mut y) = ([0; EXACT_ROWS], [0; EXACT_ROWS]);
        let (mut x_blocks, mut y_blocks) = (self.blocks(left), self.blocks(right));
        for start in (0..self.rows).step_by(EXACT_ROWS) {
            self.fill(left, start, &mut x, &mut x_blocks)?;
            self.fill(right, start, &mut y, &mut y_blocks)?;
            words.push(word(&x, &y, &holds));
        }
        Some(BooleanBuffer::new(words.into(), 0, self.rows))
    }
}
