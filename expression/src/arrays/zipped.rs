//! An operation on two columns of numbers, without a branch: what may go wrong is noted, and looked for afterwards.

use super::prefetch_rows;

/// Rows that are worked on while later ones are fetched.
const BLOCK: usize = 128;
/// How much later those are.
const AHEAD: usize = 2 * BLOCK;

/// Whether numbers are asked for ahead: wider ones come at the pace of memory anyway, and lose by it (measured with doubles).
const fn is_asked<T>() -> bool {
    size_of::<T>() <= 4
}

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
    if !is_asked::<T>() {
        let pairs = left.iter().zip(right);
        let results = pairs.map(|(x, y)| operation(*x, *y, &mut noted)).collect();
        return (results, noted);
    }
    let mut results = Vec::with_capacity(left.len().min(right.len()));
    for (at, (x, y)) in left.chunks(BLOCK).zip(right.chunks(BLOCK)).enumerate() {
        prefetch_rows(left, at * BLOCK + AHEAD, BLOCK);
        prefetch_rows(right, at * BLOCK + AHEAD, BLOCK);
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
    let results = values.iter().map(|x| operation(*x, &mut noted)).collect();
    (results, noted)
}
