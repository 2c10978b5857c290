//! An operation on two columns of numbers, without a branch: what may go wrong is noted, and looked for afterwards.

use super::prefetch_line;

/// Bytes of a page of memory: the processor looks ahead within it, not beyond.
const PAGE: usize = 4096;
const CACHE_LINE: usize = 64;
/// Cache lines of the next page that are asked for: what the processor needs to see that it goes on there.
const LINES: usize = 4;

/// `operation` on each row, and what it noted. A column that is `scalar` has one number for all rows.
pub(crate) fn zipped<T: Copy, U: Copy, R, N: Default>(
    left: &[T],
    right: &[U],
    scalars: (bool, bool),
    operation: impl Fn(T, U, &mut N) -> R,
) -> (Vec<R>, N) {
    match (scalars, left, right) {
        ((true, false), [x], right) => mapped(right, |y, noted| operation(*x, y, noted)),
        ((false, true), left, [y]) => mapped(left, |x, noted| operation(x, *y, noted)),
        (_, left, right) => both(left, right, operation),
    }
}

fn both<T: Copy, U: Copy, R, N: Default, F: Fn(T, U, &mut N) -> R>(
    left: &[T],
    right: &[U],
    operation: F,
) -> (Vec<R>, N) {
    let mut noted = N::default();
    let mut results = Vec::with_capacity(left.len().min(right.len()));
    let rows = page_rows::<T>().min(page_rows::<U>());
    for (at, (x, y)) in left.chunks(rows).zip(right.chunks(rows)).enumerate() {
        ask(left, (at + 1) * rows);
        ask(right, (at + 1) * rows);
        let pairs = x.iter().zip(y);
        results.extend(pairs.map(|(x, y)| operation(*x, *y, &mut noted)));
    }
    (results, noted)
}

fn mapped<T: Copy, R, N: Default, F: Fn(T, &mut N) -> R>(
    values: &[T],
    operation: F,
) -> (Vec<R>, N) {
    let mut noted = N::default();
    let mut results = Vec::with_capacity(values.len());
    let rows = page_rows::<T>();
    for (at, x) in values.chunks(rows).enumerate() {
        ask(values, (at + 1) * rows);
        results.extend(x.iter().map(|x| operation(*x, &mut noted)));
    }
    (results, noted)
}

/// Rows of a page; of what has no size, as many as there are.
fn page_rows<T>() -> usize {
    PAGE.checked_div(size_of::<T>())
        .unwrap_or(usize::MAX)
        .max(1)
}

/// Asks for the values from a place on.
fn ask<T>(values: &[T], from: usize) {
    let step = CACHE_LINE.checked_div(size_of::<T>()).unwrap_or(1).max(1);
    let ahead = values.get(from..).unwrap_or_default();
    for value in ahead.iter().step_by(step).take(LINES) {
        prefetch_line(value);
    }
}
