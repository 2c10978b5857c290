//! A block of rows: each operation goes over it in a loop of its own. How far from zero its numbers can be says whether
//! all results fit, mostly without a look at them.

use arrow::buffer::ScalarBuffer;

use super::{
    ahead::Ahead,
    plan::{Lane, Operation, Rounding},
};

/// Rows of a block: several of them fit the nearest cache.
pub(super) const BLOCK: usize = 256;

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
    pub(super) ahead: Ahead,
}

/// No number of a block is further from zero; nothing has been cut off.
pub(super) type Bound = u64;

/// Numbers of a block fit if none is further from zero.
const LARGEST: Bound = i64::MAX as u64;

/// Numbers of a block of rows.
pub(super) type Block = [i64; BLOCK];

impl Lanes {
    /// The numbers of `rows` rows from `start`, into the first of the blocks; the others, of which [`Lane::depth`] says how
    /// many are needed, are for what lies between. `None` if a number does not fit.
    pub(super) fn fill(
        &self,
        lane: &Lane,
        start: usize,
        rows: usize,
        blocks: &mut [Block],
    ) -> Option<Bound> {
        self.ahead.ask(&self.columns, start);
        match lane {
            Lane::Constant(number) => {
                blocks.first_mut()?.get_mut(..rows)?.fill(*number);
                Some(number.unsigned_abs())
            }
            Lane::Leaf(place) => {
                let block = blocks.first_mut()?.get_mut(..rows)?;
                self.columns.get(*place)?.fill(start, block)
            }
            Lane::Scaled(number, factor) => {
                let bound = self.fill(number, start, rows, blocks)?;
                let block = blocks.first_mut()?.get_mut(..rows)?;
                with_constant(Operation::Multiply, block, bound, *factor)
            }
            Lane::Operation(operation, left, right) => {
                self.operate(*operation, (left, right), start, rows, blocks)
            }
            Lane::Rounded(rounding, number, unit) => {
                let bound = self.fill(number, start, rows, blocks)?;
                let bound = bound
                    .checked_add(unit.unsigned_abs())
                    .filter(|bound| *bound <= LARGEST)?;
                round(*rounding, *unit, blocks.first_mut()?.get_mut(..rows)?);
                Some(bound)
            }
        }
    }

    /// As [`fill`](Self::fill), of an operation on two lanes.
    fn operate(
        &self,
        operation: Operation,
        operands: (&Lane, &Lane),
        start: usize,
        rows: usize,
        blocks: &mut [Block],
    ) -> Option<Bound> {
        match operands {
            (Lane::Constant(x), right) => {
                let bound = self.fill(right, start, rows, blocks)?;
                let block = blocks.first_mut()?.get_mut(..rows)?;
                match operation {
                    // x - y is -(y - x).
                    Operation::Subtract => {
                        let bound = with_constant(Operation::Subtract, block, bound, *x)?;
                        with_constant(Operation::Multiply, block, bound, -1)
                    }
                    _ => with_constant(operation, block, bound, *x),
                }
            }
            (left, Lane::Constant(y)) => {
                let bound = self.fill(left, start, rows, blocks)?;
                with_constant(operation, blocks.first_mut()?.get_mut(..rows)?, bound, *y)
            }
            (left, right) => {
                let left = self.fill(left, start, rows, blocks)?;
                let (first, others) = blocks.split_first_mut()?;
                let right = self.fill(right, start, rows, others)?;
                let other = others.first()?.get(..rows)?;
                with_other(operation, first.get_mut(..rows)?, other, (left, right))
            }
        }
    }
}

/// No result of an operation is further from zero; `None` if one may not fit.
fn bound(operation: Operation, (x, y): (Bound, Bound)) -> Option<Bound> {
    let bound = match operation {
        Operation::Add | Operation::Subtract => x.checked_add(y),
        Operation::Multiply => x.checked_mul(y),
    };
    bound.filter(|bound| *bound <= LARGEST)
}

/// Whether a number has 32 bits: their product is a single instruction.
fn is_small(bound: Bound) -> bool {
    bound <= i32::MAX as u64
}

fn with_constant(operation: Operation, block: &mut [i64], x: Bound, y: i64) -> Option<Bound> {
    let bounds = (x, y.unsigned_abs());
    let Some(bound) = bound(operation, bounds) else {
        return checked(block, |x| apply_checked(operation, x, y));
    };
    match operation {
        Operation::Add => each(block, |x| x.wrapping_add(y)),
        Operation::Subtract => each(block, |x| x.wrapping_sub(y)),
        Operation::Multiply if is_small(x) && is_small(bounds.1) => {
            each(block, |x| i64::from(x as i32) * i64::from(y as i32));
        }
        Operation::Multiply => each(block, |x| x.wrapping_mul(y)),
    }
    Some(bound)
}

fn with_other(
    operation: Operation,
    block: &mut [i64],
    other: &[i64],
    bounds: (Bound, Bound),
) -> Option<Bound> {
    let Some(bound) = bound(operation, bounds) else {
        let mut others = other.iter();
        return checked(block, |x| apply_checked(operation, x, *others.next()?));
    };
    match operation {
        Operation::Add => pairs(block, other, i64::wrapping_add),
        Operation::Subtract => pairs(block, other, i64::wrapping_sub),
        Operation::Multiply if is_small(bounds.0) && is_small(bounds.1) => {
            pairs(block, other, |x, y| {
                i64::from(x as i32) * i64::from(y as i32)
            });
        }
        Operation::Multiply => pairs(block, other, i64::wrapping_mul),
    }
    Some(bound)
}

fn apply_checked(operation: Operation, x: i64, y: i64) -> Option<i64> {
    match operation {
        Operation::Add => x.checked_add(y),
        Operation::Subtract => x.checked_sub(y),
        Operation::Multiply => x.checked_mul(y),
    }
}

/// An operation whose results may not fit: each is looked at.
fn checked(block: &mut [i64], mut operation: impl FnMut(i64) -> Option<i64>) -> Option<Bound> {
    let mut bound = 0;
    for x in block {
        *x = operation(*x)?;
        bound = bound.max(x.unsigned_abs());
    }
    (bound <= LARGEST).then_some(bound)
}

impl Column {
    pub(super) fn decimals(&self) -> Option<&[i128]> {
        match self {
            Self::Decimal(numbers) => Some(numbers),
            _ => None,
        }
    }

    pub(super) fn is_decimal(&self) -> bool {
        self.decimals().is_some()
    }

    fn fill(&self, start: usize, block: &mut [i64]) -> Option<Bound> {
        let magnitude = match self {
            Self::Decimal(numbers) => narrow(numbers.get(start..)?, block)?,
            Self::I1(numbers) => widen(numbers.get(start..)?, block),
            Self::I2(numbers) => widen(numbers.get(start..)?, block),
            Self::I4(numbers) => widen(numbers.get(start..)?, block),
            Self::I8(numbers) => widen(numbers.get(start..)?, block),
        };
        // A negative number is one more than its bits say.
        Some(magnitude + 1).filter(|bound| *bound <= LARGEST)
    }
}

/// The bits of a number's distance from zero.
#[inline(always)]
fn magnitude(number: i64) -> u64 {
    (number ^ (number >> 63)) as u64
}

/// The numbers, and the bits of their magnitudes.
fn widen<T: Copy + Into<i64>>(numbers: &[T], block: &mut [i64]) -> u64 {
    let mut magnitudes = 0;
    for (wide, number) in block.iter_mut().zip(numbers) {
        *wide = (*number).into();
        magnitudes |= magnitude(*wide);
    }
    magnitudes
}

/// The numbers, and the bits of their magnitudes; `None` if one has more than 64 bits.
fn narrow(numbers: &[i128], block: &mut [i64]) -> Option<u64> {
    let (mut beyond, mut magnitudes) = (0, 0);
    for (number, wide) in block.iter_mut().zip(numbers) {
        *number = *wide as i64;
        beyond |= (*wide >> 64) as i64 ^ (*number >> 63);
        magnitudes |= magnitude(*number);
    }
    (beyond == 0).then_some(magnitudes)
}

fn each<F: Fn(i64) -> i64>(block: &mut [i64], operation: F) {
    for x in block {
        *x = operation(*x);
    }
}

fn pairs<F: Fn(i64, i64) -> i64>(block: &mut [i64], other: &[i64], operation: F) {
    for (x, y) in block.iter_mut().zip(other) {
        *x = operation(*x, *y);
    }
}

/// To a multiple of `unit`; there is room for one more.
fn round(rounding: Rounding, unit: i64, block: &mut [i64]) {
    // A division by a known number is a multiplication.
    match unit {
        1 => {}
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
fn round_to(rounding: Rounding, unit: i64, block: &mut [i64]) {
    match rounding {
        Rounding::HalfAway => each(block, |x| {
            // Half a unit away from zero, then cut.
            let sign = x >> 63;
            let moved = x + (((unit / 2) ^ sign) - sign);
            moved - moved % unit
        }),
        Rounding::Floor => each(block, |x| {
            let rest = x % unit;
            x - rest - if rest < 0 { unit } else { 0 }
        }),
        Rounding::Ceiling => each(block, |x| {
            let rest = x % unit;
            x - rest + if rest > 0 { unit } else { 0 }
        }),
    }
}
