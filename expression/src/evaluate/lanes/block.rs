//! A block of rows: each operation goes over it in a loop of its own. How far from zero its numbers can be says whether
//! all results fit, mostly without a look at them.

use arrow::buffer::ScalarBuffer;

use super::plan::{Lane, Operation, Rounding};

/// Rows of a block. So few that the processor sees all columns being read at once, a kilobyte of decimals of each in turn, and
/// reads ahead in all of them; with 256 rows each column is read by itself, at two thirds of the speed.
pub(super) const BLOCK: usize = 64;

/// A number of 128 bits as two of 64, the low half first.
type Halves = [i64; 2];

/// The numbers of a leaf.
#[derive(Debug)]
pub(super) enum Column {
    /// By halves.
    Decimal(ScalarBuffer<i64>),
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

/// No number of a block is further from zero; nothing has been cut off.
pub(super) type Bound = u64;

/// Numbers of a block fit if none is further from zero.
const LARGEST: Bound = i64::MAX as u64;

/// Numbers of a block of rows; zeros behind the last row.
pub(super) type Block = [i64; BLOCK];

impl Lanes {
    /// The numbers of the block that begins at row `start`, into the first of the blocks; the others, of which
    /// [`Lane::depth`] says how many are needed, are for what lies between. `None` if a number does not fit.
    pub(super) fn fill(&self, lane: &Lane, start: usize, blocks: &mut [Block]) -> Option<Bound> {
        match lane {
            Lane::Constant(number) => {
                *blocks.first_mut()? = [*number; BLOCK];
                Some(number.unsigned_abs())
            }
            Lane::Leaf(place) => self.columns.get(*place)?.fill(start, blocks.first_mut()?),
            Lane::Operation(operation, left, right) => {
                let left = self.fill(left, start, blocks)?;
                let (first, others) = blocks.split_first_mut()?;
                let right = self.fill(right, start, others)?;
                with_other(*operation, first, others.first()?, (left, right))
            }
            Lane::WithConstant(operation, number, constant) => {
                let bound = self.fill(number, start, blocks)?;
                with_constant(*operation, blocks.first_mut()?, bound, *constant)
            }
            Lane::Rounded(rounding, number, unit) => {
                let bound = self.fill(number, start, blocks)?;
                let bound = bound
                    .checked_add(unit.unsigned_abs())
                    .filter(|bound| *bound <= LARGEST)?;
                round(*rounding, *unit, blocks.first_mut()?);
                Some(bound)
            }
        }
    }
}

/// No result of an operation is further from zero; `None` if one may not fit.
fn bound(operation: Operation, (x, y): (Bound, Bound)) -> Option<Bound> {
    let bound = match operation {
        Operation::Add | Operation::Subtract | Operation::SubtractFrom => x.checked_add(y),
        Operation::Multiply => x.checked_mul(y),
    };
    bound.filter(|bound| *bound <= LARGEST)
}

/// Whether a number has 32 bits: their product is a single instruction.
fn is_small(bound: Bound) -> bool {
    bound <= i32::MAX as u64
}

fn with_constant(operation: Operation, block: &mut Block, x: Bound, y: i64) -> Option<Bound> {
    let bounds = (x, y.unsigned_abs());
    let Some(bound) = bound(operation, bounds) else {
        return checked(block, |x| apply_checked(operation, x, y));
    };
    match operation {
        Operation::Add => each(block, |x| x.wrapping_add(y)),
        Operation::Subtract => each(block, |x| x.wrapping_sub(y)),
        Operation::SubtractFrom => each(block, |x| y.wrapping_sub(x)),
        Operation::Multiply if is_small(x) && is_small(bounds.1) => {
            each(block, |x| i64::from(x as i32) * i64::from(y as i32));
        }
        Operation::Multiply => each(block, |x| x.wrapping_mul(y)),
    }
    Some(bound)
}

fn with_other(
    operation: Operation,
    block: &mut Block,
    other: &Block,
    bounds: (Bound, Bound),
) -> Option<Bound> {
    let Some(bound) = bound(operation, bounds) else {
        let mut others = other.iter();
        return checked(block, |x| apply_checked(operation, x, *others.next()?));
    };
    match operation {
        Operation::Add => pairs(block, other, i64::wrapping_add),
        Operation::Subtract => pairs(block, other, i64::wrapping_sub),
        Operation::SubtractFrom => pairs(block, other, |x, y| y.wrapping_sub(x)),
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
        Operation::SubtractFrom => y.checked_sub(x),
        Operation::Multiply => x.checked_mul(y),
    }
}

/// An operation whose results may not fit: each is looked at.
fn checked(block: &mut Block, mut operation: impl FnMut(i64) -> Option<i64>) -> Option<Bound> {
    let mut bound = 0;
    for x in block {
        *x = operation(*x)?;
        bound = bound.max(x.unsigned_abs());
    }
    (bound <= LARGEST).then_some(bound)
}

impl Column {
    fn fill(&self, start: usize, block: &mut Block) -> Option<Bound> {
        let magnitude = match self {
            Self::Decimal(halves) => of_block(halves.as_chunks().0, start, narrow, block)??,
            Self::I1(numbers) => of_block(numbers, start, widen, block)?,
            Self::I2(numbers) => of_block(numbers, start, widen, block)?,
            Self::I4(numbers) => of_block(numbers, start, widen, block)?,
            Self::I8(numbers) => of_block(numbers, start, widen, block)?,
        };
        // A negative number is one more than its bits say.
        Some(magnitude + 1).filter(|bound| *bound <= LARGEST)
    }
}

/// What `take` makes of the numbers from row `start`, of a whole block of them: zeros follow the last row.
#[inline(always)]
fn of_block<T: Copy + Default, R>(
    numbers: &[T],
    start: usize,
    take: impl Fn(&[T; BLOCK], &mut Block) -> R,
    block: &mut Block,
) -> Option<R> {
    let numbers = numbers.get(start..)?;
    if let Some(numbers) = numbers.first_chunk() {
        return Some(take(numbers, block));
    }
    let mut last = [T::default(); BLOCK];
    last.get_mut(..numbers.len())?.copy_from_slice(numbers);
    Some(take(&last, block))
}

/// The numbers of a block, and the bits of their distances from zero.
fn widen<T: Copy + Into<i64>>(numbers: &[T; BLOCK], block: &mut Block) -> u64 {
    let mut magnitudes = 0;
    for (wide, number) in block.iter_mut().zip(numbers) {
        *wide = (*number).into();
        magnitudes |= (*wide ^ (*wide >> 63)) as u64;
    }
    magnitudes
}

/// As [`widen`], of numbers in two halves; `None` if one has more than 64 bits.
fn narrow(numbers: &[Halves; BLOCK], block: &mut Block) -> Option<u64> {
    let (mut beyond, mut magnitudes) = (0, 0);
    for (number, [low, high]) in block.iter_mut().zip(numbers) {
        *number = *low;
        // The high half is nothing but the sign, or the number does not fit.
        beyond |= high ^ (low >> 63);
        magnitudes |= (low ^ high) as u64;
    }
    (beyond == 0).then_some(magnitudes)
}

/// The numbers in 128 bits.
pub(super) fn wide(block: &Block) -> [Halves; BLOCK] {
    let mut wide = [[0; 2]; BLOCK];
    for (halves, number) in wide.iter_mut().zip(block) {
        *halves = [*number, *number >> 63];
    }
    wide
}

fn each<F: Fn(i64) -> i64>(block: &mut Block, operation: F) {
    for x in block {
        *x = operation(*x);
    }
}

fn pairs<F: Fn(i64, i64) -> i64>(block: &mut Block, other: &Block, operation: F) {
    for (x, y) in block.iter_mut().zip(other) {
        *x = operation(*x, *y);
    }
}

/// To a multiple of `unit`; there is room for one more.
fn round(rounding: Rounding, unit: i64, block: &mut Block) {
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
fn round_to(rounding: Rounding, unit: i64, block: &mut Block) {
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
