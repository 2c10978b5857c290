//! Ordinal equality of texts.

use arrow::{
    array::{Array, StringViewArray},
    buffer::BooleanBuffer,
};

use super::{bits, views::INLINE};

/// Whether the texts of two arrays are the same, row by row; an array of one row meets every row of the other.
pub(crate) fn equal(
    a: &StringViewArray,
    b: &StringViewArray,
    scalars: (bool, bool),
    rows: usize,
) -> BooleanBuffer {
    match scalars {
        (false, true) => to_one(a, b, rows),
        (true, false) => to_one(b, a, rows),
        _ => {
            let (x, y) = (a.views(), b.views());
            BooleanBuffer::collect_bool(rows, |row| {
                let (x, y) = (x[row], y[row]);
                // Length and first bytes differ, or the texts are inside the views: that decides.
                x == y || (x as u64 == y as u64 && x as u32 > INLINE && long_equal(a, row, b, row))
            })
        }
    }
}

fn to_one(a: &StringViewArray, one: &StringViewArray, rows: usize) -> BooleanBuffer {
    let (x, y) = (a.views(), one.views()[0]);
    if y as u32 <= INLINE {
        return bits(&x[..rows], &[y], (false, true), |x, y| x == y);
    }
    BooleanBuffer::collect_bool(rows, |row| {
        x[row] as u64 == y as u64 && long_equal(a, row, one, 0)
    })
}

fn long_equal(a: &StringViewArray, at: usize, b: &StringViewArray, other: usize) -> bool {
    a.is_valid(at) && b.is_valid(other) && a.value(at) == b.value(other)
}
