//! Numbers and dates of at most twelve characters, read out of the view that carries them: no buffer is touched, and
//! eight digits are one multiplication chain.
//!
//! ```text
//!  view (16 bytes)   length │ 1 2 3 4 . 5 0      ──▶ digits 1234 50 ──▶ 12345000 at scale 4
//! ```
//! Whatever is not plain (blanks, signs of currency, exponents, groups) is `None`: the parsers of [`crate::text`] decide.

/// A text of at most twelve bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Short {
    /// The bytes, the first lowest; those past the length are zero.
    bytes: u128,
    length: u32,
}

/// One in each byte.
const ONES: u128 = 0x0101_0101_0101_0101_0101_0101_0101_0101;
/// `0` in each byte.
const ZEROS: u128 = ONES * 0x30;

/// Powers of ten by which twelve digits stay within 63 bits.
const POWERS: [u64; 7] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000];

impl Short {
    /// Of a view; `None` if the text lies in a buffer.
    #[inline(always)]
    pub(super) fn of(view: u128) -> Option<Self> {
        let length = view as u32;
        (length <= 12).then_some(Self {
            bytes: view >> 32,
            length,
        })
    }

    /// `[-]digits`.
    #[inline(always)]
    pub(super) fn integer(self) -> Option<i64> {
        let (negative, rest) = self.sign();
        let magnitude = rest.digits()? as i64;
        Some(if negative { -magnitude } else { magnitude })
    }

    /// `[-]digits[.digits]`, no more of them behind the point than `scale`, times ten to the scale.
    #[inline(always)]
    pub(super) fn decimal(self, scale: u32) -> Option<i64> {
        let (negative, rest) = self.sign();
        let (magnitude, behind) = match rest.find(b'.') {
            Some(0) => return None,
            Some(at) => (rest.without(at).digits()?, rest.length - at - 1),
            None => (rest.digits()?, 0),
        };
        let power = POWERS.get(scale.checked_sub(behind)? as usize)?;
        let value = (magnitude * power) as i64;
        Some(if negative { -value } else { value })
    }

    /// `YYYY-MM-DD`: year, month and day, whatever their values.
    #[inline(always)]
    pub(super) fn iso_date(self) -> Option<(u32, u32, u32)> {
        let (head, day) = (self.bytes as u64, (self.bytes >> 64) as u64);
        let dashes = (head >> 32) as u8 == b'-' && (head >> 56) as u8 == b'-';
        if self.length != 10 || !dashes {
            return None;
        }
        let digits = Self {
            bytes: u128::from(
                (head & 0xFFFF_FFFF) | ((head >> 40) << 32 & 0xFFFF << 32) | day << 48,
            ),
            length: 8,
        };
        let digits = digits.digits()?;
        let (year, rest) = ((digits / 10_000) as u32, (digits % 10_000) as u32);
        Some((year, rest / 100, rest % 100))
    }

    #[inline(always)]
    fn sign(self) -> (bool, Self) {
        let negative = self.length > 0 && self.bytes as u8 == b'-';
        match negative {
            true => (
                true,
                Self {
                    bytes: self.bytes >> 8,
                    length: self.length - 1,
                },
            ),
            false => (false, self),
        }
    }

    /// The place of a byte.
    #[inline(always)]
    fn find(self, byte: u8) -> Option<u32> {
        let place = |word: u64| {
            let differing = word ^ (ONES as u64 * u64::from(byte));
            let zero = differing.wrapping_sub(ONES as u64) & !differing & ((ONES as u64) << 7);
            zero.trailing_zeros() / 8
        };
        let at = match place(self.bytes as u64) {
            8 if self.length > 8 => 8 + place((self.bytes >> 64) as u64),
            at => at,
        };
        (at < self.length).then_some(at)
    }

    /// The text without the byte at a place.
    #[inline(always)]
    fn without(self, at: u32) -> Self {
        let before = (1u128 << (8 * at)) - 1;
        Self {
            bytes: (self.bytes & before) | ((self.bytes >> 8) & !before),
            length: self.length - 1,
        }
    }

    /// The number that one to twelve digits form.
    #[inline(always)]
    fn digits(self) -> Option<u64> {
        // The last digit goes to the last place; what comes in below the first reads as leading zeros.
        match self.length {
            1..=8 => {
                let values = (self.bytes as u64 ^ ZEROS as u64) << (8 * (8 - self.length));
                are_digits(values).then(|| eight(values))
            }
            9..=12 => {
                let values = (self.bytes ^ ZEROS) << (8 * (16 - self.length));
                let (high, low) = (values as u64, (values >> 64) as u64);
                (are_digits(high) && are_digits(low))
                    .then(|| eight(high) * 100_000_000 + eight(low))
            }
            _ => None,
        }
    }
}

/// Whether each byte is 0 to 9: six more reaches the upper half of the byte.
#[inline]
fn are_digits(values: u64) -> bool {
    (values | values.wrapping_add(ONES as u64 * 6)) & (ONES as u64 * 0xF0) == 0
}

/// Eight digits, the most significant lowest.
#[inline]
fn eight(values: u64) -> u64 {
    let pairs = (values * 10 + (values >> 8)) & 0x00FF_00FF_00FF_00FF;
    let fours = (pairs * 100 + (pairs >> 16)) & 0x0000_FFFF_0000_FFFF;
    (fours * 10_000 + (fours >> 32)) & 0xFFFF_FFFF
}

#[cfg(test)]
mod tests {
    use arrow::array::StringViewArray;
    use proptest::prelude::*;

    use super::*;
    use crate::text::{self, Style};

    fn short(text: &str) -> Option<Short> {
        Short::of(StringViewArray::from(vec![text]).views()[0])
    }

    #[test]
    fn plain_forms() {
        assert_eq!(short("0").unwrap().integer(), Some(0));
        assert_eq!(
            short("-12345678901").unwrap().integer(),
            Some(-12_345_678_901)
        );
        assert_eq!(short("12.5").unwrap().decimal(2), Some(1250));
        assert_eq!(short("-7").unwrap().decimal(4), Some(-70_000));
        assert_eq!(short("1998-09-12").unwrap().iso_date(), Some((1998, 9, 12)));
        for odd in [
            "", "-", "+1", " 1", "1e3", "1,0", "1:", "1/", "1..0", ".5", "é",
        ] {
            assert_eq!(short(odd).unwrap().integer(), None, "{odd}");
            assert_eq!(short(odd).unwrap().decimal(2), None, "{odd}");
        }
        assert!(short("1234567890123").is_none());
    }

    proptest! {
        #[test]
        fn agrees_with_the_parsers(text in "[-+ ]?[0-9.:/a]{0,6}[0-9.,-]{0,5}[0-9]?", scale in 0u8..6) {
            let Some(short) = short(&text) else { return Ok(()) };
            if let Some(value) = short.integer() {
                prop_assert_eq!(text::parse_i64(text.as_bytes(), Style::Cast), Ok(value));
            }
            if let Some(value) = short.decimal(scale.into()) {
                prop_assert_eq!(
                    text::parse_decimal(text.as_bytes(), &(i128::MIN..=i128::MAX), scale, Style::Cast),
                    Ok(value.into())
                );
            }
        }

        #[test]
        fn plain_numbers_are_never_missed(value in -9_999_999_999i64..99_999_999_999) {
            prop_assert_eq!(short(&value.to_string()).unwrap().integer(), Some(value));
        }
    }
}
