//! Views as numbers: what can be said of a short text without taking it apart.

use arrow::array::{Array, StringViewArray};

/// Text of at most this many bytes is inside its view.
pub(crate) const INLINE: u32 = 12;
/// One in each byte.
pub(crate) const ONES: u128 = 0x0101_0101_0101_0101_0101_0101_0101_0101;
/// The highest bit of each byte.
const HIGH: u128 = ONES * 0x80;
/// A blank in each byte.
pub(crate) const SPACES: u128 = ONES * 0x20;

/// The bytes of a short text, the first one lowest, zeros behind it.
pub(crate) fn inline_text(view: u128) -> u128 {
    view >> 32
}

/// The lowest `count` bytes set.
#[inline(always)]
pub(crate) fn low_bytes(count: u32) -> u128 {
    LOW_BYTES[count.min(16) as usize]
}

static LOW_BYTES: [u128; 17] = {
    let mut table = [u128::MAX; 17];
    let mut count = 0;
    while count < 16 {
        table[count] = (1 << (8 * count)) - 1;
        count += 1;
    }
    table
};

/// Whether these bytes are ASCII.
pub(crate) fn is_ascii_text(bytes: u128) -> bool {
    bytes & HIGH == 0
}

/// Whether every text is ASCII. Short texts are judged where they are, in their views.
pub(crate) fn are_ascii(array: &StringViewArray) -> bool {
    array.views().iter().enumerate().all(|(row, view)| {
        let is_short = *view as u32 <= INLINE;
        // The bytes behind a short text are zero; those of NULL may be anything.
        (is_short && is_ascii_text(inline_text(*view)))
            || array.is_null(row)
            || (!is_short && array.value(row).is_ascii())
    })
}

/// All bits of each byte that is `byte`, which is ASCII.
pub(crate) fn equal_bytes(bytes: u128, byte: u8) -> u128 {
    let differ = bytes ^ (ONES * u128::from(byte));
    // Seven bits can carry into the eighth, never into the next byte: it is clear where all eight are.
    let zero = !(((differ & !HIGH) + !HIGH) | differ) & HIGH;
    (zero >> 7) * 0xFF
}

/// Sixteen ASCII bytes with their letters in upper case, or in lower.
pub(crate) fn ascii_case(bytes: u128, upper: bool) -> u128 {
    let first = u128::from(if upper { b'a' } else { b'A' });
    let from = ONES * (0x80 - first);
    let behind = ONES * (0x80 - first - 26);
    let letters = ((bytes + from) ^ (bytes + behind)) & HIGH;
    bytes ^ (letters >> 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_of_sixteen_bytes() {
        let mut bytes = *b"aZ@[`{09 mAIL~\0z";
        let upper = ascii_case(u128::from_le_bytes(bytes), true).to_le_bytes();
        let lower = ascii_case(u128::from_le_bytes(bytes), false).to_le_bytes();
        bytes.make_ascii_uppercase();
        assert_eq!(upper, bytes);
        bytes.make_ascii_lowercase();
        assert_eq!(lower, bytes);
    }

    #[test]
    fn bytes_that_are_equal() {
        let bytes = *b"-,.-\xAD\x2D\x2C\x2E\0\x80\xFF-a-b-";
        let marks = equal_bytes(u128::from_le_bytes(bytes), b'-').to_le_bytes();
        let wanted = bytes.map(|byte| if byte == b'-' { 0xFF } else { 0 });
        assert_eq!(marks, wanted);
    }

    #[test]
    fn masks() {
        assert_eq!(low_bytes(0), 0);
        assert_eq!(low_bytes(1), 0xFF);
        assert_eq!(low_bytes(12), (1 << 96) - 1);
        assert_eq!(low_bytes(16), u128::MAX);
    }
}
