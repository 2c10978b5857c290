//! Decimals are asked for a block ahead of their use, a share of them with each step of the work: memory is then busy all the
//! time, also while numbers are multiplied. The processor itself looks no further than a page.

use std::cell::Cell;

use super::block::{BLOCK, Column};
use crate::arrays::prefetch_line;

/// Decimals of a cache line.
const LINE: usize = 4;
/// Cache lines of a column of decimals in a block.
const LINES: usize = BLOCK / LINE;

/// How much of the next block has been asked for.
#[derive(Debug)]
pub(super) struct Ahead {
    /// Cache lines a step.
    share: usize,
    asked: Cell<usize>,
}

impl Ahead {
    /// For as many steps a block.
    pub(super) fn new(columns: &[Column], steps: usize) -> Self {
        let decimals = columns.iter().filter(|column| column.is_decimal()).count();
        Self {
            share: (decimals * LINES).div_ceil(steps.max(1)),
            asked: Cell::new(0),
        }
    }

    /// A block begins.
    pub(super) fn begin(&self) {
        self.asked.set(0);
    }

    /// Asks for a share of the block behind the one that begins at row `start`.
    pub(super) fn ask(&self, columns: &[Column], start: usize) {
        let from = self.asked.get();
        let to = from + self.share;
        self.asked.set(to);
        let decimals = columns.iter().filter_map(Column::decimals);
        for (at, numbers) in decimals.enumerate() {
            let first = at * LINES;
            let lines =
                from.clamp(first, first + LINES) - first..to.clamp(first, first + LINES) - first;
            let next = start + BLOCK;
            let numbers = numbers.get(next + lines.start * LINE..).unwrap_or_default();
            for number in numbers.iter().step_by(LINE).take(lines.len()) {
                prefetch_line(number);
            }
        }
    }
}
