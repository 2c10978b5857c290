//! The innermost loops: where the separators are, and digits eight at a time.
//!
//! Texts given to this module are *padded*: [`PADDING`] readable bytes follow the last byte that counts, so that whole
//! words are loaded without asking where the text ends. Loads stay bounds-checked (by one comparison); what stands behind a field never
//! changes a result.
#![expect(
    unsafe_code,
    reason = "SIMD loads and unchecked writes of positions, 64 bytes a step"
)]

/// Readable bytes behind a padded text.
pub(super) const PADDING: usize = 64;

/// What a pass over a text found besides the positions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// How often the row byte stands in the text.
    pub(super) rows: usize,
    pub(super) quote: bool,
    pub(super) non_ascii: bool,
    pub(super) nul: bool,
}

/// The bytes to look for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Needles {
    pub(super) delimiter: u8,
    pub(super) row: u8,
    pub(super) quote: Option<u8>,
    /// Whether quotes get positions; else they are only noticed.
    pub(super) index_quotes: bool,
}

/// Appends the positions of the needles in the first `length` bytes of `padded`, ascending.
pub(super) fn index(padded: &[u8], length: usize, needles: Needles, out: &mut Vec<u32>) -> Seen {
    #[cfg(target_arch = "x86_64")]
    if padded.len() >= length + PADDING
        && is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("popcnt")
    {
        // SAFETY: the features were detected, and the padding was checked.
        return unsafe {
            match needles.index_quotes {
                true => avx2::index::<true>(padded, length, needles, out),
                false => avx2::index::<false>(padded, length, needles, out),
            }
        };
    }
    index_bytewise(padded.get(..length).unwrap_or(padded), needles, out)
}

/// The same, one byte at a time.
pub(super) fn index_bytewise(text: &[u8], needles: Needles, out: &mut Vec<u32>) -> Seen {
    let mut seen = Seen::default();
    for (at, &byte) in text.iter().enumerate() {
        let quote = needles.quote == Some(byte);
        let row = byte == needles.row;
        seen.rows += usize::from(row);
        seen.quote |= quote;
        seen.non_ascii |= byte >= 0x80;
        seen.nul |= byte == 0;
        if row || byte == needles.delimiter || (quote && needles.index_quotes) {
            out.push(at as u32);
        }
    }
    seen
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::*;

    use super::{Needles, Seen};

    const STEP: usize = 64;

    /// # Safety
    /// AVX2, BMI1 and POPCNT must be there, and `length + 64` bytes in `padded`.
    #[target_feature(enable = "avx2,bmi1,popcnt")]
    pub(super) unsafe fn index<const QUOTES: bool>(
        padded: &[u8],
        length: usize,
        needles: Needles,
        out: &mut Vec<u32>,
    ) -> Seen {
        let all = |byte: u8| _mm256_set1_epi8(byte as i8);
        let (delimiter, row) = (all(needles.delimiter), all(needles.row));
        // Without a quote, look for the delimiter once more: it changes nothing and is ignored at the end.
        let quote = all(needles.quote.unwrap_or(needles.delimiter));
        let zero = _mm256_setzero_si256();
        let (mut quotes_seen, mut bits_seen, mut nul_seen) = (0u64, zero, 0u64);
        let mut rows = 0usize;
        let mut at = 0;
        while at < length {
            // SAFETY: `at < length`, and 64 bytes follow the last of `length`.
            let (low, high) = unsafe {
                let from = padded.as_ptr().add(at);
                (
                    _mm256_loadu_si256(from.cast()),
                    _mm256_loadu_si256(from.add(32).cast()),
                )
            };
            let valid = if length - at >= STEP {
                u64::MAX
            } else {
                (1u64 << (length - at)) - 1
            };
            let is = |needle| {
                mask(
                    _mm256_cmpeq_epi8(low, needle),
                    _mm256_cmpeq_epi8(high, needle),
                ) & valid
            };
            let (row_bits, quote_bits) = (is(row), is(quote));
            nul_seen |= is(zero);
            quotes_seen |= quote_bits;
            rows += row_bits.count_ones() as usize;
            let bits = is(delimiter) | row_bits | if QUOTES { quote_bits } else { 0 };
            if valid == u64::MAX {
                bits_seen = _mm256_or_si256(bits_seen, _mm256_or_si256(low, high));
            } else {
                let tail = mask(low, high) & valid;
                bits_seen = _mm256_or_si256(bits_seen, all(if tail == 0 { 0 } else { 0x80 }));
            }
            push(out, at as u32, bits);
            at += STEP;
        }
        Seen {
            rows,
            quote: needles.quote.is_some() && quotes_seen != 0,
            non_ascii: _mm256_movemask_epi8(bits_seen) != 0,
            nul: nul_seen != 0,
        }
    }

    /// The top bit of each of 64 bytes.
    #[target_feature(enable = "avx2")]
    fn mask(low: __m256i, high: __m256i) -> u64 {
        u64::from(_mm256_movemask_epi8(low) as u32)
            | u64::from(_mm256_movemask_epi8(high) as u32) << 32
    }

    /// Appends `base` plus the place of each bit. Writes eight at a time: the branch then depends on the count by eights
    /// only, and is nearly always taken the same way.
    #[target_feature(enable = "bmi1,popcnt")]
    fn push(out: &mut Vec<u32>, base: u32, mut bits: u64) {
        let count = bits.count_ones() as usize;
        out.reserve(STEP + 8);
        let length = out.len();
        // SAFETY: room for 72 more was reserved; at most 64 (rounded up to eights) are written, and the length grows by
        // those that hold positions.
        unsafe {
            let mut to = out.as_mut_ptr().add(length);
            for _ in 0..count.div_ceil(8) {
                for lane in 0..8 {
                    to.add(lane).write(base.wrapping_add(bits.trailing_zeros()));
                    bits = _blsr_u64(bits);
                }
                to = to.add(8);
            }
            out.set_len(length + count);
        }
    }
}

/// Eight bytes at `at`; zero outside the padded text, which no field reaches.
#[inline(always)]
pub(super) fn load8(padded: &[u8], at: usize) -> u64 {
    match padded.len().checked_sub(8) {
        // One comparison, against a value that stays the same over a column.
        Some(last) if at <= last => {
            // SAFETY: `at + 8` is within the slice.
            u64::from_le(unsafe { padded.as_ptr().add(at).cast::<u64>().read_unaligned() })
        }
        _ => 0,
    }
}

/// Sixteen bytes at `at`.
#[inline(always)]
pub(super) fn load16(padded: &[u8], at: usize) -> u128 {
    match padded.len().checked_sub(16) {
        Some(last) if at <= last => {
            // SAFETY: `at + 16` is within the slice.
            u128::from_le(unsafe { padded.as_ptr().add(at).cast::<u128>().read_unaligned() })
        }
        _ => 0,
    }
}

/// The positions at `at` and `at + 1`; zeros outside, which no field reaches.
#[inline(always)]
pub(super) fn pair(positions: &[u32], at: usize) -> (u32, u32) {
    match positions.len().checked_sub(2) {
        // SAFETY: both indices are within the slice.
        Some(last) if at <= last => unsafe {
            (
                *positions.get_unchecked(at),
                *positions.get_unchecked(at + 1),
            )
        },
        _ => (0, 0),
    }
}

const ZEROS: u64 = u64::from_le_bytes(*b"00000000");
const NIBBLES: u64 = 0xF0F0_F0F0_F0F0_F0F0;
const SIXES: u64 = 0x0606_0606_0606_0606;

/// The number that the `length` (1 to 8) digits at `at` write.
#[inline(always)]
pub(super) fn digits(padded: &[u8], at: usize, length: usize) -> Option<u64> {
    debug_assert!((1..=8).contains(&length));
    // The digits move to the high end; below them, what is shifted in reads as leading zeros.
    let shift = (8 - length) * 8;
    let values = (load8(padded, at) ^ ZEROS) << shift;
    if (values | values.wrapping_add(SIXES)) & NIBBLES != 0 {
        return None;
    }
    Some(join_digits(values))
}

/// Eight digit values, the first in the lowest byte, as one number: in pairs, then fours, then all.
#[inline(always)]
fn join_digits(values: u64) -> u64 {
    let pairs = values.wrapping_mul(10).wrapping_add(values >> 8);
    let even = (pairs & 0x0000_00FF_0000_00FF).wrapping_mul(1_000_000 << 32 | 100);
    let odd = (pairs >> 16 & 0x0000_00FF_0000_00FF).wrapping_mul(10_000 << 32 | 1);
    even.wrapping_add(odd) >> 32
}

/// The number that 1 to 16 digits write.
#[inline(always)]
pub(super) fn digits16(padded: &[u8], at: usize, length: usize) -> Option<u64> {
    match length {
        1..=8 => digits(padded, at, length),
        9..=16 => {
            let high = digits(padded, at, length - 8)?;
            Some(high * 100_000_000 + digits(padded, at + length - 8, 8)?)
        }
        _ => None,
    }
}

/// Year, month and day of `YYYY-MM-DD` at `at`, not yet checked against the calendar.
#[inline(always)]
pub(super) fn iso_date(padded: &[u8], at: usize) -> Option<(u32, u32, u32)> {
    let head = load8(padded, at) ^ u64::from_le_bytes(*b"0000-00-");
    let day = load8(padded, at + 8) as u16 ^ u16::from_le_bytes(*b"00");
    // Signs must be equal (zero now), digits zero to nine.
    let signs = head & 0xFF00_00FF_0000_0000;
    let digit = (head | head.wrapping_add(SIXES)) & NIBBLES;
    let day_digit = (day | day.wrapping_add(0x0606)) & 0xF0F0;
    if signs | digit | u64::from(day_digit) != 0 {
        return None;
    }
    let pairs = head.wrapping_mul(10).wrapping_add(head >> 8);
    let year = (pairs & 0xFF) * 100 + (pairs >> 16 & 0xFF);
    let month = pairs >> 40 & 0xFF;
    let day = (day & 0xFF) * 10 + (day >> 8);
    Some((year as u32, month as u32, u32::from(day)))
}

/// Seconds from midnight of `HH:MM:SS` at `at`.
#[inline(always)]
pub(super) fn iso_time(padded: &[u8], at: usize) -> Option<u32> {
    let word = load8(padded, at) ^ u64::from_le_bytes(*b"00:00:00");
    let signs = word & 0x0000_FF00_00FF_0000;
    let digit = (word | word.wrapping_add(SIXES)) & NIBBLES;
    let pairs = word.wrapping_mul(10).wrapping_add(word >> 8);
    let (hour, minute, second) = (pairs & 0xFF, pairs >> 24 & 0xFF, pairs >> 48 & 0xFF);
    if signs | digit != 0 || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some((hour * 3600 + minute * 60 + second) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn padded(text: &[u8]) -> Vec<u8> {
        // Hostile padding: nothing behind the text may change a result.
        let mut padded = text.to_vec();
        padded.extend([b'9'; PADDING]);
        padded
    }

    #[test]
    fn both_indexers_agree_at_every_length() {
        let alphabet = b"ab,\n\"\r\0\xC3";
        let mut seed = 7u64;
        for length in 0..300usize {
            let text: Vec<u8> = (0..length)
                .map(|_| {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    // Mostly plain letters, so that the flags are not always set.
                    alphabet[(seed >> 60) as usize % if length % 3 == 0 { 3 } else { 8 }]
                })
                .collect();
            for (quote, index_quotes) in [(None, false), (Some(b'"'), false), (Some(b'"'), true)] {
                let needles = Needles {
                    delimiter: b',',
                    row: b'\n',
                    quote,
                    index_quotes,
                };
                let (mut fast, mut slow) = (vec![5], vec![5]);
                let text = padded(&text);
                let seen = index(&text, length, needles, &mut fast);
                assert_eq!(
                    seen,
                    index_bytewise(&text[..length], needles, &mut slow),
                    "{length}"
                );
                assert_eq!(fast, slow, "{length}");
            }
        }
    }

    #[test]
    fn digits_of_every_length() {
        let text = padded(b"x1234567890123456");
        for length in 1..=16 {
            let want: u64 = std::str::from_utf8(&text[1..=length])
                .unwrap()
                .parse()
                .unwrap();
            assert_eq!(digits16(&text, 1, length), Some(want));
            assert_eq!(digits16(&text, 0, length), None);
        }
        for byte in 0..=255u8 {
            let text = padded(&[b'1', byte]);
            let want = byte
                .is_ascii_digit()
                .then(|| 10 + u64::from(byte.wrapping_sub(b'0')));
            assert_eq!(digits(&text, 0, 2), want, "{byte}");
        }
    }

    #[test]
    fn iso_forms_are_exact() {
        assert_eq!(iso_date(&padded(b"2003-08-06"), 0), Some((2003, 8, 6)));
        assert_eq!(iso_time(&padded(b"23:59:58"), 0), Some(86_398));
        for at in 0..10 {
            for byte in 0..=255u8 {
                let mut text = *b"2003-08-06";
                let same = text[at] == byte || (byte.is_ascii_digit() && text[at].is_ascii_digit());
                text[at] = byte;
                assert_eq!(iso_date(&padded(&text), 0).is_some(), same, "{text:?}");
            }
        }
        for bad in [
            b"24:00:00",
            b"23:60:00",
            b"23:00:60",
            b"23-00:00",
            b"23:00:0x",
        ] {
            assert_eq!(iso_time(&padded(bad), 0), None);
        }
    }
}
