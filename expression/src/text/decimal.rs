//! Decimals (DT_CY, DT_DECIMAL, DT_NUMERIC): the value times ten to the scale, rounded half to even (semantics 1.4.2).

use std::ops::RangeInclusive;

use super::{ParseError, Style, number::Plain, trim};

/// The integer `value * 10^scale`, which is to lie within the range of its type ([`exact_range`](crate::types::exact_range)).
///
/// # Errors
/// [`ParseError::Syntax`] for anything but a number, [`ParseError::Overflow`] when it lies outside the range.
pub fn parse_decimal(
    text: &[u8],
    range: &RangeInclusive<i128>,
    scale: u8,
    style: Style<'_>,
) -> Result<i128, ParseError> {
    let text = trim(text);
    match style {
        Style::Cast | Style::Fast => plain(text, range, scale),
        Style::Standard(locale) => plain(Plain::read(text, locale)?.as_bytes(), range, scale),
    }
}

/// Significant digits, and how many of them stand before the decimal point (may be negative or beyond the digits).
struct Digits<'a> {
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

fn plain(text: &[u8], range: &RangeInclusive<i128>, scale: u8) -> Result<i128, ParseError> {
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let digits = read(text)?;
    let magnitude = scaled(&digits, i64::from(scale))?;
    let value = if negative { -magnitude } else { magnitude };
    match range.contains(&value) {
        true => Ok(value),
        false => Err(ParseError::Overflow),
    }
}

fn read(text: &[u8]) -> Result<Digits<'_>, ParseError> {
    let (mantissa, exponent) = match text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(at) => (&text[..at], read_exponent(&text[at + 1..])?),
        None => (text, 0),
    };
    let (whole, fraction) = match mantissa.iter().position(|byte| *byte == b'.') {
        Some(at) => (&mantissa[..at], &mantissa[at + 1..]),
        None => (mantissa, &mantissa[..0]),
    };
    let all_digits = whole.iter().chain(fraction).all(u8::is_ascii_digit);
    if whole.len() + fraction.len() == 0 || !all_digits {
        return Err(ParseError::Syntax);
    }
    Ok(Digits {
        whole,
        fraction,
        exponent,
    })
}

fn read_exponent(text: &[u8]) -> Result<i64, ParseError> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(ParseError::Syntax);
    }
    // Saturates: an exponent beyond the thousands overflows or vanishes either way.
    let value = digits.iter().fold(0i64, |value, digit| {
        (value * 10 + i64::from(digit - b'0')).min(1_000_000)
    });
    Ok(if negative { -value } else { value })
}

/// Keeps `scale` digits behind the point and rounds the rest half to even.
fn scaled(digits: &Digits<'_>, scale: i64) -> Result<i128, ParseError> {
    let mut keep = digits.whole.len() as i64 + digits.exponent + scale;
    let mut all = digits
        .whole
        .iter()
        .chain(digits.fraction)
        .map(|digit| i128::from(digit - b'0'));
    let mut value = 0i128;
    while keep > 0 {
        let digit = match all.next() {
            Some(digit) => digit,
            None if value == 0 => return Ok(0),
            None => 0,
        };
        value = value
            .checked_mul(10)
            .and_then(|value| value.checked_add(digit))
            .ok_or(ParseError::Overflow)?;
        keep -= 1;
    }
    if keep < 0 {
        return Ok(value);
    }
    let first = all.next().unwrap_or(0);
    let up = first > 5 || (first == 5 && (all.any(|digit| digit != 0) || value % 2 == 1));
    value
        .checked_add(i128::from(up))
        .ok_or(ParseError::Overflow)
}

#[cfg(test)]
mod tests {
    use super::super::Locale;
    use super::*;

    fn parse(text: &[u8], precision: u8, scale: u8, style: Style<'_>) -> Result<i128, ParseError> {
        let range = crate::types::exact_range(&dtsx::DataType::Numeric { precision, scale });
        parse_decimal(text, &range, scale, style)
    }

    #[test]
    fn rounds_half_to_even() {
        for (text, want) in [
            ("1.005", 100),
            ("1.015", 102),
            ("1.0050001", 101),
            ("-1.005", -100),
            ("7", 700),
            (".5", 50),
            ("5.", 500),
            ("1.5e1", 1500),
            ("125e-5", 0),
            ("0.005", 0),
            ("0.015", 2),
            ("999e-900", 0),
            ("0e999999999", 0),
        ] {
            assert_eq!(
                parse(text.as_bytes(), 10, 2, Style::Cast),
                Ok(want),
                "{text}"
            );
        }
    }

    #[test]
    fn refuses_what_does_not_fit_or_is_no_number() {
        assert_eq!(parse(b"100", 4, 2, Style::Cast), Err(ParseError::Overflow));
        assert_eq!(
            parse(b"99.995", 4, 2, Style::Cast),
            Err(ParseError::Overflow)
        );
        assert_eq!(
            parse(b"1e99999999999", 38, 0, Style::Cast),
            Err(ParseError::Overflow)
        );
        assert_eq!(
            parse(
                b"99999999999999999999999999999999999999",
                38,
                0,
                Style::Cast
            ),
            Ok(10i128.pow(38) - 1)
        );
        for bad in ["", ".", "-", "1.2.3", "1 2", "1,5", "0x1", "1e", "e5"] {
            assert_eq!(
                parse(bad.as_bytes(), 10, 2, Style::Cast),
                Err(ParseError::Syntax),
                "{bad}"
            );
        }
    }

    #[test]
    fn money_has_64_bits_and_a_decimal_96() {
        let parse = |text: &str, data_type: dtsx::DataType, scale| {
            let range = crate::types::exact_range(&data_type);
            parse_decimal(text.as_bytes(), &range, scale, Style::Cast)
        };
        for (text, fits) in [
            ("922337203685477.5807", true),
            ("922337203685477.5808", false),
            ("-922337203685477.5808", true),
            ("-922337203685477.5809", false),
        ] {
            assert_eq!(parse(text, dtsx::DataType::Cy, 4).is_ok(), fits, "{text}");
        }
        for (text, fits) in [
            ("79228162514264337593543950335", true),
            ("79228162514264337593543950336", false),
            ("-79228162514264337593543950336", false),
            ("170141183460469231731687303715884105727.9", false),
        ] {
            let decimal = dtsx::DataType::Decimal { scale: 0 };
            assert_eq!(parse(text, decimal, 0).is_ok(), fits, "{text}");
        }
    }

    #[test]
    fn standard_parsing_follows_the_locale() {
        let german = Locale::from_lcid(1031).unwrap();
        let us = Locale::from_lcid(1033).unwrap();
        let french = Locale::from_lcid(1036).unwrap();
        assert_eq!(
            parse("1.234,56 €".as_bytes(), 19, 4, Style::Standard(&german)),
            Ok(12_345_600)
        );
        assert_eq!(
            parse(b"($1,234.56)", 19, 4, Style::Standard(&us)),
            Ok(-12_345_600)
        );
        assert_eq!(
            parse("1\u{a0}234,5".as_bytes(), 19, 1, Style::Standard(&french)),
            Ok(12_345)
        );
        assert_eq!(parse(b"1.5E2", 19, 0, Style::Standard(&us)), Ok(150));
    }
}
