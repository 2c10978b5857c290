//! Floats and decimals among each other: a decimal is the nearest float, and a float is the decimal that its text shows, the
//! shortest digits that read back as the same float, rounded half to even at the scale (semantics 1.4.2).
//!
//! ```text
//!  1.015 (R8)  ──times 100──▶ 101.49999999999999, near a half ──▶ digits "1.015" ──▶ 101.5 ──▶ 102
//!  1.25  (R8)  ──times 10───▶ 12.5, near a half               ──▶ digits "1.25"  ──▶ 12.5  ──▶ 12
//!  3.14159     ──times 100──▶ 314.159, far from one ──────────────────────────────────────▶ 314
//! ```
//!
//! So a cast to DT_NUMERIC gives what a cast to text and from there to DT_NUMERIC does. What SSIS does with the digits behind
//! the fifteenth is not measured: OLE automation drops them, and with them the last digits of whole numbers that a DT_R8 holds
//! exactly.

use std::io::Write as _;

use crate::text::{Style, parse_decimal};

/// Whole numbers up to here are exact in a DT_R8.
const EXACT_R8: u128 = 1 << 53;
/// Powers of ten up to here are exact in a DT_R8.
const EXACT_TENS: u8 = 22;
/// How far, by the number itself, a scaled float may lie from what its digits are: more than one step of a DT_R8.
const DOUBT_R8: f64 = 1.0 / (1u64 << 50) as f64;
/// The same of a DT_R4.
const DOUBT_R4: f64 = 1.0 / (1u64 << 21) as f64;

/// The decimals of one scale.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    digits: u8,
    factor: f64,
}

impl Scale {
    pub(super) fn new(digits: u8) -> Self {
        let factor = 10_f64.powi(digits.into());
        Self { digits, factor }
    }

    /// A float times ten to the scale; `None` if 128 bits do not hold it.
    pub(super) fn of_r8(self, value: f64) -> Option<i128> {
        self.whole(value, DOUBT_R8).or_else(|| {
            let mut buffer = ryu::Buffer::new();
            let digits = value.is_finite().then(|| buffer.format_finite(value))?;
            self.of_digits(digits)
        })
    }

    /// As [`of_r8`](Self::of_r8).
    pub(super) fn of_r4(self, value: f32) -> Option<i128> {
        self.whole(value.into(), DOUBT_R4).or_else(|| {
            let mut buffer = ryu::Buffer::new();
            let digits = value.is_finite().then(|| buffer.format_finite(value))?;
            self.of_digits(digits)
        })
    }

    /// Where the product alone tells to which whole number its digits are rounded: it lies too far from a half.
    #[inline]
    fn whole(self, value: f64, doubt: f64) -> Option<i128> {
        let scaled = value * self.factor;
        let whole = scaled.round_ties_even();
        let far = (scaled - whole).abs() + scaled.abs() * doubt < 0.5;
        far.then_some(whole as i64 as i128)
    }

    fn of_digits(self, digits: &str) -> Option<i128> {
        let all = i128::MIN..=i128::MAX;
        parse_decimal(digits.as_bytes(), &all, self.digits, Style::Cast).ok()
    }

    /// The nearest DT_R8 of a decimal.
    #[inline]
    pub(super) fn r8(self, number: i128) -> f64 {
        match number.unsigned_abs() <= EXACT_R8 && self.digits <= EXACT_TENS {
            // Both are exact: the division rounds once.
            true => number as i64 as f64 / self.factor,
            false => self.read(number),
        }
    }

    /// The nearest DT_R4 of a decimal.
    #[inline]
    pub(super) fn r4(self, number: i128) -> f32 {
        let wide = self.r8(number);
        // Half way between two DT_R4, or so small that these lie wider apart: it may be on either side.
        let half = wide.to_bits() & 0x1FFF_FFFF == 0x1000_0000;
        let small = wide != 0.0 && wide.abs() < f64::from(f32::MIN_POSITIVE);
        match half || small {
            true => self.read(number),
            false => wide as f32,
        }
    }

    /// By the digits: the standard library reads them to the nearest float.
    fn read<T: std::str::FromStr + Default>(self, number: i128) -> T {
        // A sign, 39 digits, an exponent of at most two.
        let mut text = [0; 48];
        let mut free = text.as_mut_slice();
        let is_written = write!(free, "{number}e-{}", self.digits).is_ok();
        let length = 48 - free.len();
        let text = text.get(..length).filter(|_| is_written);
        text.and_then(|text| std::str::from_utf8(text).ok())
            .and_then(|text| text.parse().ok())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn floats_are_the_decimals_that_they_show() {
        for (value, scale, want) in [
            (0.1, 38, Some(10_i128.pow(37))),
            (1e37, 0, Some(10_i128.pow(37))),
            (1.115, 2, Some(112)),
            (1.015, 2, Some(102)),
            (1.005, 2, Some(100)),
            (2.0005, 3, Some(2000)),
            (2.0015, 3, Some(2002)),
            (-1.015, 2, Some(-102)),
            (0.5, 0, Some(0)),
            (1.5, 0, Some(2)),
            (9_007_199_254_740_993.0, 0, Some(9_007_199_254_740_992)),
            (1e-320, 38, Some(0)),
            (1e38, 0, Some(10_i128.pow(38))),
            (1e39, 0, None),
            (f64::INFINITY, 0, None),
            (f64::NAN, 0, None),
        ] {
            assert_eq!(Scale::new(scale).of_r8(value), want, "{value} {scale}");
        }
        assert_eq!(Scale::new(38).of_r4(0.1), Some(10_i128.pow(37)));
        assert_eq!(Scale::new(2).of_r4(1.005), Some(100));
        assert_eq!(Scale::new(0).of_r4(16_777_216.0), Some(16_777_216));
    }

    fn reference(number: i128, scale: u8) -> String {
        format!("{number}e-{scale}")
    }

    proptest! {
        #[test]
        fn any_float_is_the_decimal_of_its_text(bits: u64, places in 0u8..30, units in -100_000i64..100_000) {
            for value in [f64::from_bits(bits), units as f64 / 1000.0, units as f64 / 7.0, units as f64 * 1e11 / 8.0] {
                let text = format!("{value:e}");
                let want = parse_decimal(text.as_bytes(), &(i128::MIN..=i128::MAX), places, Style::Cast).ok();
                prop_assert_eq!(Scale::new(places).of_r8(value), want, "{} at {}", value, places);
                let small = value as f32;
                let text = format!("{small:e}");
                let want = parse_decimal(text.as_bytes(), &(i128::MIN..=i128::MAX), places, Style::Cast).ok();
                prop_assert_eq!(Scale::new(places).of_r4(small), want, "{} at {}", small, places);
            }
        }

        #[test]
        fn any_decimal_is_the_nearest_float(high: i64, low: u64, shift in 0u32..127, scale in 0u8..=38) {
            let number = ((i128::from(high) << 64) | i128::from(low)) >> shift;
            let scaled = Scale::new(scale);
            prop_assert_eq!(scaled.r8(number), reference(number, scale).parse::<f64>().unwrap());
            prop_assert_eq!(scaled.r4(number), reference(number, scale).parse::<f32>().unwrap());
        }
    }
}
