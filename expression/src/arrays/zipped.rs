//! An operation on two columns of numbers, without a branch: what may go wrong is noted, and looked for afterwards.

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
    let pairs = left.iter().zip(right);
    let results = pairs.map(|(x, y)| operation(*x, *y, &mut noted)).collect();
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
