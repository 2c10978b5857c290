//! A block of rows: each operation goes over it in a loop of its own. How far from zero its operands are says whether all
//! results are right, mostly without a look at them.

use arrow::buffer::NullBuffer;

use super::{
    column::Column,
    number::Number,
    plan::{Lane, Operation},
};

/// The leaves of a plan over the rows of a batch, of which `ROWS` make a block: half a kilobyte or one of each column. Those are
/// so few that the processor sees all columns being read at once, and reads ahead in all of them; with more, each column is
/// read by itself, at two thirds of the speed.
#[derive(Debug)]
pub(super) struct Lanes<'v, T: Number, const ROWS: usize> {
    pub(super) columns: Vec<Column<'v, T, ROWS>>,
    /// Where each is NULL.
    pub(super) nulls: Vec<Option<&'v NullBuffer>>,
    pub(super) rows: usize,
}

/// The numbers of a block of rows; zeros or anything behind the last row.
pub(super) type Block<T, const ROWS: usize> = [T; ROWS];

/// Where results go.
pub(super) trait Sink<T, const ROWS: usize> {
    fn put(&mut self, results: impl Iterator<Item = T>);

    /// What was put there.
    fn block(&mut self) -> Option<&mut Block<T, ROWS>>;
}

impl<T, const ROWS: usize> Sink<T, ROWS> for Block<T, ROWS> {
    #[inline(always)]
    fn put(&mut self, results: impl Iterator<Item = T>) {
        for (own, result) in self.iter_mut().zip(results) {
            *own = result;
        }
    }

    fn block(&mut self) -> Option<&mut Self> {
        Some(self)
    }
}

/// Behind the others.
impl<T, const ROWS: usize> Sink<T, ROWS> for Vec<T> {
    #[inline(always)]
    fn put(&mut self, results: impl Iterator<Item = T>) {
        self.extend(results);
    }

    fn block(&mut self) -> Option<&mut Block<T, ROWS>> {
        self.last_chunk_mut()
    }
}

impl<T: Number, const ROWS: usize> Lanes<'_, T, ROWS> {
    /// The numbers of all rows, and some more; `None` if one went wrong.
    pub(super) fn numbers(&self, lane: &Lane<T>) -> Option<Vec<T>> {
        let mut numbers = Vec::with_capacity(self.rows.next_multiple_of(ROWS));
        let mut blocks = self.blocks(lane);
        for start in (0..self.rows).step_by(ROWS) {
            self.fill(lane, start, &mut numbers, &mut blocks)?;
        }
        Some(numbers)
    }

    /// Room for what lies between the columns and the numbers of a lane.
    pub(super) fn blocks(&self, lane: &Lane<T>) -> Vec<Block<T, ROWS>> {
        vec![[T::default(); ROWS]; lane.depth()]
    }

    /// The numbers of the block that begins at row `start`, and their bound; `others` are as [`Self::blocks`] makes them.
    /// `None` if one went wrong.
    pub(super) fn fill<S: Sink<T, ROWS>>(
        &self,
        lane: &Lane<T>,
        start: usize,
        sink: &mut S,
        others: &mut [Block<T, ROWS>],
    ) -> Option<T::Bound> {
        let (operation, left, right) = match lane {
            Lane::Operation(operation, left, right) => (*operation, left, Right::Lane(right)),
            Lane::WithConstant(operation, left, right) => {
                (*operation, left, Right::Constant(*right))
            }
            Lane::Rounded(rounding, number, unit) => {
                let (first, others) = others.split_first_mut()?;
                let bound = self.fill(number, start, first, others)?;
                let bound = T::round(*rounding, *unit, bound, first)?;
                sink.put(first.iter().copied());
                return Some(bound);
            }
            Lane::Constant(number) => {
                sink.put(std::iter::repeat_n(*number, ROWS));
                return Some(T::bound_of(&[*number]));
            }
            Lane::Leaf(place) => {
                let (first, _) = others.split_first_mut()?;
                let (numbers, bound) = self.columns.get(*place)?.block(start, first)?;
                sink.put(numbers.iter().copied());
                return Some(bound.unwrap_or_else(|| T::bound_of(numbers)));
            }
        };
        let (first, others) = others.split_first_mut()?;
        let (x, x_bound) = self.operand(left, start, first, others)?;
        let place = Place { lane, start };
        match right {
            Right::Constant(y) => {
                let bounds = x_bound.map(|bound| (bound, T::bound_of(&[y])));
                self.operate(operation, place, sink, x, || std::iter::repeat(y), bounds)
            }
            Right::Lane(right) => {
                let (second, others) = others.split_first_mut()?;
                let (y, y_bound) = self.operand(right, start, second, others)?;
                let bounds = x_bound.and_then(|bound| Some((bound, y_bound?)));
                self.operate(operation, place, sink, x, || y.iter().copied(), bounds)
            }
        }
    }

    /// The numbers of a block, where they lie or in `block`, and their bound if it is known.
    #[inline(always)]
    fn operand<'b>(
        &'b self,
        lane: &Lane<T>,
        start: usize,
        block: &'b mut Block<T, ROWS>,
        others: &mut [Block<T, ROWS>],
    ) -> Option<(&'b Block<T, ROWS>, Option<T::Bound>)> {
        if let Lane::Leaf(place) = lane {
            return self.columns.get(*place)?.block(start, block);
        }
        let bound = self.fill(lane, start, block, others)?;
        Some((block, Some(bound)))
    }

    #[inline(always)]
    fn operate<S: Sink<T, ROWS>, Y: Iterator<Item = T>>(
        &self,
        operation: Operation,
        place: Place<'_, T>,
        sink: &mut S,
        x: &Block<T, ROWS>,
        y: impl Fn() -> Y,
        bounds: Option<(T::Bound, T::Bound)>,
    ) -> Option<T::Bound> {
        if !T::ARE_LOOKED_AT {
            let certain = match bounds {
                Some((x_bound, y_bound)) => {
                    let certain = T::certain(operation, x_bound, y_bound);
                    if let Some((operation, _)) = certain {
                        run::<T, (), S, ROWS>(operation, sink, x, y());
                    }
                    certain
                }
                // Looked at on the way: the results stay if they turn out to be right.
                None => {
                    let seen: Seen<T> = run(operation, sink, x, y());
                    let certain = T::certain(operation, T::bound(seen.0), T::bound(seen.1));
                    if certain.is_none() {
                        let block = sink.block()?;
                        let wrong: Wrong<T> = run(operation, block, x, y());
                        return self.judge(operation, place, block, wrong, x, y());
                    }
                    certain
                }
            };
            if let Some((_, bound)) = certain {
                return Some(bound);
            }
        }
        let wrong: Wrong<T> = run(operation, sink, x, y());
        self.judge(operation, place, sink.block()?, wrong, x, y())
    }

    /// The bound of results of which `wrong` says whether all are right. Where an operand is NULL they need not be, and become
    /// zero; `None` if one is wrong elsewhere.
    #[inline(always)]
    fn judge(
        &self,
        operation: Operation,
        place: Place<'_, T>,
        block: &mut Block<T, ROWS>,
        wrong: Wrong<T>,
        x: &Block<T, ROWS>,
        y: impl Iterator<Item = T>,
    ) -> Option<T::Bound> {
        if wrong.is_any() {
            let rows = (place.start..self.rows).zip(block.iter_mut());
            for ((row, result), (x, y)) in rows.zip(x.iter().zip(y)) {
                let mut wrong = Wrong::<T>::default();
                wrong.see(operation, *x, y, *result);
                if wrong.is_any() {
                    self.is_null(place.lane, row).then_some(())?;
                    *result = T::default();
                }
            }
        }
        Some(T::bound_of(block))
    }

    /// Whether any leaf of a lane is NULL in a row.
    #[cold]
    fn is_null(&self, lane: &Lane<T>, row: usize) -> bool {
        lane.has_leaf(&|leaf| match self.nulls.get(leaf) {
            Some(Some(nulls)) => nulls.is_null(row),
            _ => false,
        })
    }
}

enum Right<'l, T> {
    Lane(&'l Lane<T>),
    Constant(T),
}

/// Where an operation is at work.
#[derive(Clone, Copy)]
struct Place<'l, T> {
    /// Of which it is the root.
    lane: &'l Lane<T>,
    /// The first row of the block.
    start: usize,
}

/// What is looked at while an operation goes over its block.
trait Look<T>: Default {
    fn see(&mut self, operation: Operation, x: T, y: T, result: T);
}

/// Nothing is.
impl<T> Look<T> for () {
    #[inline(always)]
    fn see(&mut self, _: Operation, _: T, _: T, _: T) {}
}

/// The operands.
#[derive(Default)]
struct Seen<T: Number>(T::Bits, T::Bits);

impl<T: Number> Look<T> for Seen<T> {
    #[inline(always)]
    fn see(&mut self, _: Operation, x: T, y: T, _: T) {
        x.look(&mut self.0);
        y.look(&mut self.1);
    }
}

/// The results.
#[derive(Default)]
struct Wrong<T: Number>(T::Wrong);

impl<T: Number> Wrong<T> {
    fn is_any(&self) -> bool {
        T::is_wrong(self.0)
    }
}

impl<T: Number> Look<T> for Wrong<T> {
    #[inline(always)]
    fn see(&mut self, operation: Operation, x: T, y: T, result: T) {
        T::note(operation, x, y, result, &mut self.0);
    }
}

/// An operation on a block, in a loop that knows which one it is.
#[inline(always)]
fn run<T: Number, L: Look<T>, S: Sink<T, ROWS>, const ROWS: usize>(
    operation: Operation,
    sink: &mut S,
    x: &Block<T, ROWS>,
    y: impl Iterator<Item = T>,
) -> L {
    match operation {
        Operation::Add => each(Operation::Add, sink, x, y),
        Operation::Subtract => each(Operation::Subtract, sink, x, y),
        Operation::SubtractFrom => each(Operation::SubtractFrom, sink, x, y),
        Operation::Multiply => each(Operation::Multiply, sink, x, y),
        Operation::MultiplySmall => each(Operation::MultiplySmall, sink, x, y),
        Operation::Divide => each(Operation::Divide, sink, x, y),
    }
}

#[inline(always)]
fn each<T: Number, L: Look<T>, S: Sink<T, ROWS>, const ROWS: usize>(
    operation: Operation,
    sink: &mut S,
    x: &Block<T, ROWS>,
    y: impl Iterator<Item = T>,
) -> L {
    let mut look = L::default();
    sink.put(x.iter().zip(y).map(|(x, y)| {
        let result = T::apply(operation, *x, y);
        look.see(operation, *x, y, result);
        result
    }));
    look
}
