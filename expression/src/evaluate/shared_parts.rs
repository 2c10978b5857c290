//! Parts that several expressions of one component have in common are worked out once for a batch.
//!
//! ```text
//!  net   = price * (1 - discount)                    share ──▶  net   = part 0
//!  gross = price * (1 - discount) * (1 + tax)                   gross = part 0 * (1 + tax)
//! ```

use std::{collections::HashMap, sync::Arc};

use super::{Context, RowFailure, Value};
use crate::{
    check::{Typed, TypedKind},
    error::EvaluateError,
    tall::HEIGHT_USUAL,
};

/// The parts that have been worked out for the batch at hand.
#[derive(Debug, Default)]
pub struct SharedParts(Vec<Option<Part>>);

#[derive(Debug, Clone)]
struct Part {
    value: Value,
    failures: Vec<RowFailure>,
}

/// Numbers the parts that occur more than once in these trees.
pub(crate) fn share<'a>(trees: impl Iterator<Item = &'a mut Typed>) {
    let mut trees: Vec<&mut Typed> = trees.collect();
    let mut counts = HashMap::new();
    for tree in &mut trees {
        visit(tree, &mut |node| {
            if let Some(key) = key(node) {
                *counts.entry(key).or_insert(0_usize) += 1;
            }
        });
    }
    let mut numbers = HashMap::new();
    for tree in trees {
        mark(tree, &counts, &mut numbers);
    }
}

fn mark(node: &mut Typed, counts: &HashMap<String, usize>, numbers: &mut HashMap<String, usize>) {
    let shared_key = key(node);
    let shared = shared_key.filter(|key| counts.get(key).is_some_and(|count| *count > 1));
    node.kind
        .each_operand(&mut |operand| mark(operand, counts, numbers));
    if let Some(key) = shared {
        let next = numbers.len();
        let number = *numbers.entry(key).or_insert(next);
        let part = Arc::new(node.clone());
        node.kind = TypedKind::Shared(number, part);
    }
}

fn visit(node: &mut Typed, see: &mut impl FnMut(&mut Typed)) {
    see(node);
    node.kind.each_operand(&mut |operand| visit(operand, see));
}

/// Constants and columns are at hand already.
fn is_work(node: &Typed) -> bool {
    !matches!(node.kind, TypedKind::Constant(_) | TypedKind::Column(_))
}

/// Equal for equal parts: they have the same types, operators, columns and constants. None for a part that is no work, or so
/// tall that the keys of it and of all that it is made of would fill the memory.
fn key(node: &mut Typed) -> Option<String> {
    (is_work(node) && is_low(node, HEIGHT_USUAL)).then(|| format!("{node:?}"))
}

/// Whether a tree has no more nodes above each other than these.
fn is_low(node: &mut Typed, height: usize) -> bool {
    let mut low = height > 0;
    node.kind
        .each_operand(&mut |operand| low = low && is_low(operand, height - 1));
    low
}

/// The value of a part: remembered, or worked out now.
pub(super) fn evaluate(
    number: usize,
    part: &Typed,
    context: &mut Context<'_>,
) -> Result<Value, EvaluateError> {
    if let Some(Some(known)) = context.shared.0.get(number) {
        let known = known.clone();
        context.failures.extend(known.failures);
        return Ok(known.value);
    }
    let (value, failures) = context.apart(part)?;
    if context.shared.0.len() <= number {
        context.shared.0.resize(number + 1, None);
    }
    context.failures.extend_from_slice(&failures);
    let known = Part {
        value: value.clone(),
        failures,
    };
    if let Some(place) = context.shared.0.get_mut(number) {
        *place = Some(known);
    }
    Ok(value)
}
