//! A block of rows: each operation goes over it in a loop of its own and says whether all results fit.

use arrow::buffer::ScalarBuffer;

use super::plan::{Lane, Operation, Rounding};
use crate::arrays::prefetch;

/// Rows of a block: several of them fit the nearest cache.
pub(super) const BLOCK: usize = 1024;
/// Decimals of a cache line.
const LINE: usize = 4;
/// How far ahead lines are asked for: the processor itself looks no further than the page.
const AHEAD: usize = 256;

/// The numbers of a leaf.
#[derive(Debug)]
pub(super) enum Column {
    Decimal(ScalarBuffer<i128>),
    I1(ScalarBuffer<i8>),
    I2(ScalarBuffer<i16>),
    I4(ScalarBuffer<i32>),
    I8(ScalarBuffer<i64>),
}

/// The leaves of a plan over the rows of a batch.
#[derive(Debug)]
pub(super) struct Lanes {
    pub(super) columns: Vec<Column>,
    pub(super) rows: usize,
}

impl Lanes {
    /// The numbers of `block.len()` rows from `start`; false if one does not fit.
    pub(super) fn fill(&self, lane: &Lane, start: usize, block: &mut [i64]) -> bool {
        match lane {
            Lane::Constant(number) => {
                block.fill(*number);
                true
            }
            Lane::Leaf(place) => self
                .columns
                .get(*place)
                .is_some_and(|column| column.fill(start, block)),
            Lane::Scaled(number, factor) => {
                self.fill(number, start, block) && each(block, |x| x.overflowing_mul(*factor))
            }
            Lane::Operation(operation, left, right) => match (&**left, &**right) {
                (Lane::Constant(x), right) => {
                    self.fill(right, start, block) && with_left(*operation, *x, block)
                }
                (left, Lane::Constant(y)) => {
                    self.fill(left, start, block) && with_right(*operation, block, *y)
                }
                (left, right) => {
                    let mut other = [0; BLOCK];
                    let other = &mut other[..block.len()];
                    self.fill(left, start, block)
                        && self.fill(right, start, other)
                        && with_other(*operation, block, other)
                }
            },
            Lane::Rounded(rounding, number, unit) => {
                self.fill(number, start, block) && round(*rounding, *unit, block)
            }
        }
    }
}

fn with_left(operation: Operation, x: i64, block: &mut [i64]) -> bool {
    match operation {
        Operation::Add => each(block, |y| x.overflowing_add(y)),
        Operation::Subtract => each(block, |y| x.overflowing_sub(y)),
        Operation::Multiply => each(block, |y| x.overflowing_mul(y)),
    }
}

fn with_right(operation: Operation, block: &mut [i64], y: i64) -> bool {
    match operation {
        Operation::Add => each(block, |x| x.overflowing_add(y)),
        Operation::Subtract => each(block, |x| x.overflowing_sub(y)),
        Operation::Multiply => each(block, |x| x.overflowing_mul(y)),
    }
}

fn with_other(operation: Operation, block: &mut [i64], other: &[i64]) -> bool {
    match operation {
        Operation::Add => pairs(block, other, i64::overflowing_add),
        Operation::Subtract => pairs(block, other, i64::overflowing_sub),
        Operation::Multiply => pairs(block, other, i64::overflowing_mul),
    }
}

impl Column {
    fn fill(&self, start: usize, block: &mut [i64]) -> bool {
        match self {
            Self::Decimal(numbers) => {
                let numbers = &numbers[start..];
                let ahead = numbers.get(AHEAD..).unwrap_or_default();
                let mut beyond = 0;
                for (line, block) in block.chunks_mut(LINE).enumerate() {
                    prefetch(ahead.get(line * LINE..line * LINE + 1).unwrap_or_default());
                    for (number, wide) in block.iter_mut().zip(&numbers[line * LINE..]) {
                        *number = *wide as i64;
                        beyond |= (*wide >> 64) as i64 ^ (*number >> 63);
                    }
                }
                beyond == 0
            }
            Self::I1(numbers) => widen(&numbers[start..], block),
            Self::I2(numbers) => widen(&numbers[start..], block),
            Self::I4(numbers) => widen(&numbers[start..], block),
            Self::I8(numbers) => widen(&numbers[start..], block),
        }
    }
}

fn widen<T: Copy + Into<i64>>(numbers: &[T], block: &mut [i64]) -> bool {
    for (wide, number) in block.iter_mut().zip(numbers) {
        *wide = (*number).into();
    }
    true
}

#[inline(always)]
fn each(block: &mut [i64], operation: impl Fn(i64) -> (i64, bool)) -> bool {
    let mut wrong = false;
    for x in block {
        let (result, wraps) = operation(*x);
        *x = result;
        wrong |= wraps;
    }
    !wrong
}

#[inline(always)]
fn pairs(block: &mut [i64], other: &[i64], operation: impl Fn(i64, i64) -> (i64, bool)) -> bool {
    let mut wrong = false;
    for (x, y) in block.iter_mut().zip(other) {
        let (result, wraps) = operation(*x, *y);
        *x = result;
        wrong |= wraps;
    }
    !wrong
}

fn round(rounding: Rounding, unit: i64, block: &mut [i64]) -> bool {
    // A division by a known number is a multiplication.
    match unit {
        1 => true,
        10 => round_to(rounding, 10, block),
        100 => round_to(rounding, 100, block),
        1000 => round_to(rounding, 1000, block),
        10_000 => round_to(rounding, 10_000, block),
        100_000 => round_to(rounding, 100_000, block),
        1_000_000 => round_to(rounding, 1_000_000, block),
        _ => round_to(rounding, unit, block),
    }
}

#[inline(always)]
fn round_to(rounding: Rounding, unit: i64, block: &mut [i64]) -> bool {
    match rounding {
        Rounding::HalfAway => each(block, |x| {
            // Half a unit away from zero, then cut.
            let sign = x >> 63;
            let (moved, wraps) = x.overflowing_add(((unit / 2) ^ sign) - sign);
            (moved - moved % unit, wraps)
        }),
        Rounding::Floor => each(block, |x| {
            let rest = x % unit;
            (x - rest).overflowing_sub(if rest < 0 { unit } else { 0 })
        }),
        Rounding::Ceiling => each(block, |x| {
            let rest = x % unit;
            (x - rest).overflowing_add(if rest > 0 { unit } else { 0 })
        }),
    }
}
