//! Integers: eight digits at a time in one register, leading zeros shifted out.

use super::field::{self, Field, store};

/// Sign and digits; returns where they end.
#[inline]
pub fn put_i64(value: i64, field: &mut Field) -> usize {
    store(field, 0, [b'-']);
    put_digits(value.unsigned_abs(), field, usize::from(value < 0))
}

/// Digits; returns where they end.
#[inline]
pub fn put_u64(value: u64, field: &mut Field) -> usize {
    put_digits(value, field, 0)
}

/// The digits from `at` on.
#[inline]
pub(super) fn put_digits(value: u64, field: &mut Field, at: usize) -> usize {
    if value < 100_000_000 {
        put_below_1e8(value as u32, field, at)
    } else {
        put_large(value, field, at)
    }
}

#[inline]
fn put_below_1e8(value: u32, field: &mut Field, at: usize) -> usize {
    let digits = eight_digits(value);
    // leading zero bytes come first; the last digit stays even for 0
    let skip = (digits.trailing_zeros() / 8).min(7);
    store(field, at, ((digits | ASCII) >> (8 * skip)).to_le_bytes());
    at + 8 - skip as usize
}

fn put_large(value: u64, field: &mut Field, at: usize) -> usize {
    let (high, low) = (value / 100_000_000, (value % 100_000_000) as u32);
    let end = put_digits(high, field, at);
    store(field, end, eight(low));
    end + 8
}

/// Digits.
#[inline]
pub fn append_u64(value: u64, out: &mut Vec<u8>) {
    field::append(out, |field| put_u64(value, field));
}

/// Exactly eight digits, zeros in front.
#[inline]
pub(super) fn eight(value: u32) -> [u8; 8] {
    (eight_digits(value) | ASCII).to_le_bytes()
}

/// `'0'` in each byte.
pub(super) const ASCII: u64 = 0x3030_3030_3030_3030;

/// The eight decimal digits of a number below 10^8, one a byte, the most significant in the lowest byte.
///
/// Halves, quarters and eighths are split off side by side: a division by 10^k becomes a multiplication and a shift in
/// lanes wide enough that no lane reaches the next.
#[inline]
pub(super) fn eight_digits(value: u32) -> u64 {
    let halves = u64::from(value / 10_000) | (u64::from(value % 10_000) << 32);
    let hundreds = ((halves * 10_486) >> 20) & 0x0000_007F_0000_007F;
    let quarters = hundreds | ((halves - 100 * hundreds) << 16);
    let tens = ((quarters * 103) >> 10) & 0x000F_000F_000F_000F;
    tens | ((quarters - 10 * tens) << 8)
}

/// `00` to `99`.
#[inline]
pub(super) fn two_digits(value: u32) -> [u8; 2] {
    TWO_DIGITS.get(value as usize).copied().unwrap_or(*b"??")
}

static TWO_DIGITS: [[u8; 2]; 100] = {
    let mut table = [[0; 2]; 100];
    let mut value = 0;
    while value < 100 {
        table[value] = [b'0' + (value / 10) as u8, b'0' + (value % 10) as u8];
        value += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::{super::field::FIELD, *};

    #[test]
    fn all_lengths_and_limits() {
        let mut values = vec![0, 1, u64::MAX, u64::MAX - 1, i64::MAX as u64, 1 << 63];
        let mut power = 1u64;
        for _ in 0..19 {
            values.extend([power - 1, power, power + 1, power.wrapping_mul(7) / 3]);
            power = power.wrapping_mul(10);
        }
        values.extend((0..2_000_000u64).step_by(37));
        values.extend((0..100_000_000u64).step_by(99_991));
        for value in values {
            let mut out = Vec::new();
            append_u64(value, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), value.to_string());
            let mut field = [b'#'; FIELD];
            let end = put_i64(value as i64, &mut field);
            assert_eq!(&field[..end], (value as i64).to_string().as_bytes());
        }
    }
}
