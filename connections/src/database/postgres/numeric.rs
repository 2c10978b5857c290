//! `numeric` on the wire: digits to the base of 10,000.
//!
//! ```text
//!  count of digits, weight of the first, sign, digits behind the point; then the digits, 16 bits each
//!  1234.5  =  1234 · 10000⁰ + 5000 · 10000⁻¹  ─▶  2, 0, 0, 1, [1234, 5000]
//! ```

use std::fmt::Write;

use bytes::{BufMut, BytesMut};

const POSITIVE: u16 = 0x0000;
const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const INFINITY: u16 = 0xD000;
const MINUS_INFINITY: u16 = 0xF000;
const BASE: u128 = 10_000;

struct Wire<'a> {
    digits: &'a [u8],
    weight: i16,
    sign: u16,
    scale: u16,
}

impl<'a> Wire<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let (head, digits) = bytes.split_first_chunk::<8>()?;
        let half = |at: usize| {
            let pair = head.get(at..at + 2)?;
            <[u8; 2]>::try_from(pair).ok().map(u16::from_be_bytes)
        };
        Some(Self {
            digits,
            weight: half(2)?.cast_signed(),
            sign: half(4)?,
            scale: half(6)?,
        })
    }

    fn digits(&self) -> impl Iterator<Item = u16> + '_ {
        self.digits
            .chunks_exact(2)
            .filter_map(|pair| pair.try_into().ok().map(u16::from_be_bytes))
    }
}

/// The number times ten to the power of `scale`; `None` if it is none or does not fit.
pub(super) fn decimal(bytes: &[u8], scale: i8) -> Option<i128> {
    let wire = Wire::of(bytes)?;
    if wire.sign != POSITIVE && wire.sign != NEGATIVE {
        return None;
    }
    let mut power = 4 * i32::from(wire.weight) + i32::from(scale);
    let mut sum: i128 = 0;
    for digit in wire.digits() {
        let digit = i128::from(digit);
        let part = match u32::try_from(power) {
            Ok(power) if digit != 0 => digit.checked_mul(10_i128.checked_pow(power)?)?,
            Ok(_) => 0,
            // Behind the scale there is nothing but zeros.
            Err(_) => digit / 10_i128.checked_pow(power.unsigned_abs())?,
        };
        sum = sum.checked_add(part)?;
        power -= 4;
    }
    Some(if wire.sign == NEGATIVE { -sum } else { sum })
}

/// As the server would write it.
pub(super) fn text(bytes: &[u8], text: &mut String) -> Option<()> {
    let wire = Wire::of(bytes)?;
    match wire.sign {
        POSITIVE => {}
        NEGATIVE => text.push('-'),
        NAN => {
            text.push_str("NaN");
            return Some(());
        }
        INFINITY => {
            text.push_str("Infinity");
            return Some(());
        }
        MINUS_INFINITY => {
            text.push_str("-Infinity");
            return Some(());
        }
        _ => return None,
    }
    let digits: Vec<u16> = wire.digits().collect();
    let digit = |place: i32| {
        let at = usize::try_from(i32::from(wire.weight) - place).ok();
        at.and_then(|at| digits.get(at)).copied().unwrap_or(0)
    };
    let first = i32::from(wire.weight).max(0);
    for place in (0..=first).rev() {
        let width = if place == first { 1 } else { 4 };
        write!(text, "{:0width$}", digit(place)).ok()?;
    }
    if wire.scale > 0 {
        text.push('.');
        let end = text.len() + usize::from(wire.scale);
        let mut place = -1;
        while text.len() < end {
            write!(text, "{:04}", digit(place)).ok()?;
            place -= 1;
        }
        text.truncate(end);
    }
    Some(())
}

/// Writes `value` / 10^`scale`, its length before it.
pub(super) fn put_decimal(value: i128, scale: i8, out: &mut BytesMut) {
    let negative = value < 0;
    let value = value.unsigned_abs();
    let scale = u32::from(scale.unsigned_abs());
    let one = 10_u128.pow(scale.min(38));
    let (mut whole, fraction) = (value / one, value % one);
    let mut digits = [0_u16; 24];
    let mut count = 0;
    let mut push = |digit: u128| {
        if let (Some(place), Ok(digit)) = (digits.get_mut(count), u16::try_from(digit)) {
            *place = digit;
            count += 1;
        }
    };
    let mut places: u32 = 0;
    let mut rest = whole;
    while rest > 0 {
        rest /= BASE;
        places += 1;
    }
    for place in (0..places).rev() {
        let unit = BASE.pow(place);
        push(whole / unit);
        whole %= unit;
    }
    let mut behind = 0;
    while behind < scale {
        let digit = match scale.checked_sub(behind + 4) {
            Some(rest) => fraction / 10_u128.pow(rest) % BASE,
            None => {
                let rest = scale - behind;
                fraction % 10_u128.pow(rest) * 10_u128.pow(4 - rest)
            }
        };
        push(digit);
        behind += 4;
    }
    let weight = i16::try_from(places).unwrap_or(i16::MAX) - 1;
    let sign = if negative { NEGATIVE } else { POSITIVE };
    put(
        digits.get(..count).unwrap_or_default(),
        weight,
        sign,
        scale,
        out,
    );
}

fn put(digits: &[u16], mut weight: i16, sign: u16, scale: u32, out: &mut BytesMut) {
    let mut digits = digits;
    while let [0, rest @ ..] = digits {
        digits = rest;
        weight -= 1;
    }
    while let [rest @ .., 0] = digits {
        digits = rest;
    }
    if digits.is_empty() {
        weight = 0;
    }
    let sign = if digits.is_empty() && sign == NEGATIVE {
        POSITIVE
    } else {
        sign
    };
    let count = u16::try_from(digits.len()).unwrap_or(u16::MAX);
    out.put_i32(8 + 2 * i32::from(count));
    out.put_u16(count);
    out.put_i16(weight);
    out.put_u16(sign);
    out.put_u16(u16::try_from(scale).unwrap_or(u16::MAX));
    for digit in digits {
        out.put_u16(*digit);
    }
}

/// Writes the number that a text shows, its length before it; `None` if it shows none.
pub(super) fn put_text(text: &str, out: &mut BytesMut) -> Option<()> {
    let text = text.trim();
    let special = match text.to_ascii_lowercase().as_str() {
        "nan" => Some(NAN),
        "infinity" | "inf" => Some(INFINITY),
        "-infinity" | "-inf" => Some(MINUS_INFINITY),
        _ => None,
    };
    if let Some(sign) = special {
        put(&[], 0, sign, 0, out);
        return Some(());
    }
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (NEGATIVE, digits),
        None => (POSITIVE, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (digits, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() || exponent.unsigned_abs() > 20_000 {
        return None;
    }
    let mut ten: Vec<u8> = Vec::with_capacity(mantissa.len() + 8);
    for digit in whole.bytes().chain(fraction.bytes()) {
        ten.push(digit.checked_sub(b'0').filter(|digit| *digit <= 9)?);
    }
    // Where the point stands among the digits.
    let mut point = i32::try_from(whole.len()).ok()? + exponent;
    while point < 0 || point % 4 != 0 {
        ten.insert(0, 0);
        point += 1;
    }
    let point = usize::try_from(point).ok()?;
    let scale = ten.len().saturating_sub(point);
    while ten.len() < point || !ten.len().is_multiple_of(4) {
        ten.push(0);
    }
    let digits = ten.chunks_exact(4).map(|four| {
        four.iter()
            .fold(0, |sum, digit| sum * 10 + u16::from(*digit))
    });
    let digits: Vec<u16> = digits.collect();
    let weight = i16::try_from(point / 4).ok()? - 1;
    put(&digits, weight, sign, u32::try_from(scale).ok()?, out);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(shown: &str) -> String {
        let mut out = BytesMut::new();
        put_text(shown, &mut out).unwrap();
        let mut back = String::new();
        text(&out[4..], &mut back).unwrap();
        back
    }

    #[test]
    fn numbers_keep_their_digits() {
        for shown in [
            "0",
            "1",
            "-1.50",
            "0.0001",
            "0.00001",
            "12345678901234567890.123456789",
            "10000",
            "NaN",
        ] {
            assert_eq!(there_and_back(shown), shown);
        }
        assert_eq!(there_and_back("1e3"), "1000");
        assert_eq!(there_and_back("-2.5E-6"), "-0.0000025");
        assert_eq!(there_and_back(".5"), "0.5");
        for (value, scale) in [
            (0, 0),
            (15, 1),
            (-123_456, 3),
            (10_i128.pow(38) - 1, 0),
            (1 - 10_i128.pow(38), 38),
            (5, 38),
            (99_999, 4),
            (-1, 2),
        ] {
            let mut out = BytesMut::new();
            put_decimal(value, scale, &mut out);
            assert_eq!(decimal(&out[4..], scale), Some(value), "{value} {scale}");
        }
    }
}
