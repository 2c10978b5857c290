//! A block of rows: each operation goes over it in a loop of its own. How far from zero its numbers can be says whether
//! all results are right, mostly without a look at them.

use arrow::buffer::{MutableBuffer, NullBuffer, ScalarBuffer};

use super::{
    column::Column,
    number::Number,
    plan::{Lane, Operation},
};

/// The leaves of a plan over the rows of a batch, a block of `ROWS` at a time. So few that the processor sees all columns
/// being read at once, half a kilobyte or one of each in turn, and reads ahead in all of them; with more rows each column is
/// read by itself, at two thirds of the speed.
#[derive(Debug)]
pub(super) struct Lanes<T: Number, const ROWS: usize> {
    pub(super) columns: Vec<Column<T, ROWS>>,
    /// Where each is NULL.
    pub(super) nulls: Vec<Option<NullBuffer>>,
    pub(super) rows: usize,
}

impl<T: Number, const ROWS: usize> Lanes<T, ROWS> {
    /// The numbers of all rows; `None` if one went wrong.
    pub(super) fn numbers(&self, lane: &Lane<T>) -> Option<ScalarBuffer<T>> {
        let mut numbers = self.zeros::<T>();
        let mut blocks = self.blocks(lane);
        let (own, _) = numbers.typed_data_mut().as_chunks_mut();
        for (at, block) in own.iter_mut().enumerate() {
            self.fill(lane, at * ROWS, block, &mut blocks)?;
        }
        Some(ScalarBuffer::new(numbers.into(), 0, self.rows))
    }

    /// Room for the results of whole blocks.
    pub(super) fn zeros<Z>(&self) -> MutableBuffer {
        MutableBuffer::from_len_zeroed(self.rows.next_multiple_of(ROWS) * size_of::<Z>())
    }

    /// Room for what lies between the columns and the numbers of a lane.
    pub(super) fn blocks(&self, lane: &Lane<T>) -> Vec<[T; ROWS]> {
        vec![[T::default(); ROWS]; lane.depth()]
    }

    /// The numbers of the block that begins at row `start`; `others` are as [`Self::blocks`] makes them. `None` if one went
    /// wrong.
    pub(super) fn fill(
        &self,
        lane: &Lane<T>,
        start: usize,
        block: &mut [T; ROWS],
        others: &mut [[T; ROWS]],
    ) -> Option<T::Bound> {
        match lane {
            Lane::Constant(number) => {
                block.fill(*number);
                Some(T::bound(&[*number]))
            }
            Lane::Leaf(place) => self.columns.get(*place)?.fill(start, block),
            Lane::Operation(operation, left, right) => {
                let (first, others) = others.split_first_mut()?;
                let x = self.operand(left, start, first, others)?;
                let (second, others) = others.split_first_mut()?;
                let (y, bound) = self.operand(right, start, second, others)?;
                let step = Step {
                    lane,
                    operation: *operation,
                    start,
                };
                self.operate(&step, block, x, (Right::Numbers(y), bound))
            }
            Lane::WithConstant(operation, number, constant) => {
                let (first, others) = others.split_first_mut()?;
                let x = self.operand(number, start, first, others)?;
                let y = (Right::Constant(*constant), T::bound(&[*constant]));
                let step = Step {
                    lane,
                    operation: *operation,
                    start,
                };
                self.operate(&step, block, x, y)
            }
            Lane::Rounded(rounding, number, unit) => {
                let bound = self.fill(number, start, block, others)?;
                T::round(*rounding, *unit, bound, block)
            }
        }
    }

    /// As [`Self::fill`], where the numbers lie or in `block`.
    fn operand<'b>(
        &'b self,
        lane: &Lane<T>,
        start: usize,
        block: &'b mut [T; ROWS],
        others: &mut [[T; ROWS]],
    ) -> Option<(&'b [T; ROWS], T::Bound)> {
        if let Lane::Leaf(place) = lane
            && let Some(numbers) = self.columns.get(*place)?.whole_block(start)
        {
            return Some((numbers, T::bound(numbers)));
        }
        let bound = self.fill(lane, start, block, others)?;
        Some((block, bound))
    }

    fn operate(
        &self,
        step: &Step<'_, T>,
        block: &mut [T; ROWS],
        (x, x_bound): (&[T; ROWS], T::Bound),
        (y, y_bound): (Right<'_, T, ROWS>, T::Bound),
    ) -> Option<T::Bound> {
        if let Some((operation, bound)) = T::certain(step.operation, x_bound, y_bound) {
            y.with::<false>(operation, block, x);
            return Some(bound);
        }
        let wrong = y.with::<true>(step.operation, block, x);
        if T::is_wrong(wrong) {
            self.excuse(step, block, x, y)?;
        }
        Some(T::bound(block))
    }

    /// Zeros for results that went wrong where an operand is NULL; `None` if one did elsewhere.
    #[cold]
    fn excuse(
        &self,
        step: &Step<'_, T>,
        block: &mut [T; ROWS],
        x: &[T; ROWS],
        y: Right<'_, T, ROWS>,
    ) -> Option<()> {
        for (row, result) in (step.start..self.rows).zip(block) {
            let mut wrong = T::Wrong::default();
            let place = row - step.start;
            T::note(step.operation, x[place], y.at(place), *result, &mut wrong);
            if T::is_wrong(wrong) {
                let is_null = |leaf: usize| matches!(self.nulls.get(leaf), Some(Some(nulls)) if nulls.is_null(row));
                step.lane.has_leaf(&is_null).then_some(())?;
                *result = T::default();
            }
        }
        Some(())
    }
}

/// An operation on a block.
struct Step<'l, T> {
    /// What it is the root of.
    lane: &'l Lane<T>,
    operation: Operation,
    /// The first row.
    start: usize,
}

/// The right operands.
#[derive(Clone, Copy)]
enum Right<'b, T, const ROWS: usize> {
    Numbers(&'b [T; ROWS]),
    Constant(T),
}

impl<T: Number, const ROWS: usize> Right<'_, T, ROWS> {
    fn at(&self, row: usize) -> T {
        match self {
            Self::Numbers(numbers) => numbers[row],
            Self::Constant(number) => *number,
        }
    }

    /// An operation with these on the right; what went wrong is noted if that is asked for.
    fn with<const NOTED: bool>(
        self,
        operation: Operation,
        block: &mut [T; ROWS],
        x: &[T; ROWS],
    ) -> T::Wrong {
        match self {
            Self::Numbers(y) => run::<T, ROWS, NOTED>(operation, block, x, y.iter().copied()),
            Self::Constant(y) => run::<T, ROWS, NOTED>(operation, block, x, std::iter::repeat(y)),
        }
    }
}

#[inline(always)]
fn run<T: Number, const ROWS: usize, const NOTED: bool>(
    operation: Operation,
    block: &mut [T; ROWS],
    x: &[T; ROWS],
    y: impl Iterator<Item = T>,
) -> T::Wrong {
    // A loop for each, which knows its operation.
    match operation {
        Operation::Add => each::<T, ROWS, NOTED>(Operation::Add, block, x, y),
        Operation::Subtract => each::<T, ROWS, NOTED>(Operation::Subtract, block, x, y),
        Operation::SubtractFrom => each::<T, ROWS, NOTED>(Operation::SubtractFrom, block, x, y),
        Operation::Multiply => each::<T, ROWS, NOTED>(Operation::Multiply, block, x, y),
        Operation::MultiplySmall => each::<T, ROWS, NOTED>(Operation::MultiplySmall, block, x, y),
        Operation::Divide => each::<T, ROWS, NOTED>(Operation::Divide, block, x, y),
    }
}

#[inline(always)]
fn each<T: Number, const ROWS: usize, const NOTED: bool>(
    operation: Operation,
    block: &mut [T; ROWS],
    x: &[T; ROWS],
    y: impl Iterator<Item = T>,
) -> T::Wrong {
    let mut wrong = T::Wrong::default();
    for ((result, x), y) in block.iter_mut().zip(x).zip(y) {
        *result = T::apply(operation, *x, y);
        if NOTED {
            T::note(operation, *x, y, *result, &mut wrong);
        }
    }
    wrong
}
