//! A yes or no for each row, packed into the bits of an Arrow array.

use arrow::buffer::{BooleanBuffer, MutableBuffer};

/// Rows of a word.
const WORD: usize = 64;

/// Whether something holds for the values of each row. A column that is `scalar` has one value for all rows.
pub(crate) fn bits<T: Copy, U: Copy>(
    left: &[T],
    right: &[U],
    scalars: (bool, bool),
    holds: impl Fn(T, U) -> bool,
) -> BooleanBuffer {
    let (words, rows) = match (scalars, left, right) {
        ((true, false), [x], right) => (of(right, |y| holds(*x, y)), right.len()),
        ((false, true), left, [y]) => (of(left, |x| holds(x, *y)), left.len()),
        (_, left, right) => (of_both(left, right, holds), left.len().min(right.len())),
    };
    BooleanBuffer::new(words.into(), 0, rows)
}

fn of<T: Copy, F: Fn(T) -> bool>(values: &[T], holds: F) -> MutableBuffer {
    let mut words = MutableBuffer::with_capacity(values.len().div_ceil(WORD) * 8);
    for word in values.chunks(WORD) {
        let mut flags = [0; WORD];
        for (flag, value) in flags.iter_mut().zip(word) {
            *flag = u8::from(holds(*value));
        }
        words.push(packed(&flags));
    }
    words
}

fn of_both<T: Copy, U: Copy, F: Fn(T, U) -> bool>(
    left: &[T],
    right: &[U],
    holds: F,
) -> MutableBuffer {
    let mut words = MutableBuffer::with_capacity(left.len().div_ceil(WORD) * 8);
    for (x, y) in left.chunks(WORD).zip(right.chunks(WORD)) {
        let mut flags = [0; WORD];
        for ((flag, x), y) in flags.iter_mut().zip(x).zip(y) {
            *flag = u8::from(holds(*x, *y));
        }
        words.push(packed(&flags));
    }
    words
}

/// A bit for each of these rows.
#[inline(always)]
pub(crate) fn word<T: Copy, U: Copy>(
    left: &[T; WORD],
    right: &[U; WORD],
    holds: impl Fn(T, U) -> bool,
) -> u64 {
    let mut flags = [0; WORD];
    for ((flag, x), y) in flags.iter_mut().zip(left).zip(right) {
        *flag = u8::from(holds(*x, *y));
    }
    packed(&flags)
}

/// A bit for each byte that is 0 or 1.
#[inline(always)]
fn packed(flags: &[u8; WORD]) -> u64 {
    let (eights, _) = flags.as_chunks::<8>();
    eights.iter().rev().fold(0, |word, eight| {
        // The product carries the lowest bit of each byte to a place of its own in the highest byte.
        let bits = u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        word << 8 | bits
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bit_for_each_row() {
        let left: Vec<i32> = (0..200).map(|row| row * 37 % 101).collect();
        let right: Vec<i64> = (0..200).map(|row| row * 53 % 97).collect();
        let holds = |x: i32, y: i64| i64::from(x) < y;
        for rows in [0, 1, 63, 64, 65, 200] {
            let (left, right) = (&left[..rows], &right[..rows]);
            let both = bits(left, right, (false, false), holds);
            let one = bits(left, &[50], (false, true), holds);
            let other = bits(&[50], right, (true, false), holds);
            for row in 0..rows {
                assert_eq!(both.value(row), holds(left[row], right[row]));
                assert_eq!(one.value(row), holds(left[row], 50));
                assert_eq!(other.value(row), holds(50, right[row]));
            }
            assert_eq!((both.len(), one.len(), other.len()), (rows, rows, rows));
        }
    }
}
