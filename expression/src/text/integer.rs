//! Integers: blanks trimmed, an optional sign, digits. Nothing else is read as an integer: no decimals, no exponent
//! (semantics 1.4.3); standard parsing adds groups, currency and parentheses of the locale (1.4.6).

use super::{ParseError, Style, number::Plain, trim};

/// A signed integer.
///
/// # Errors
/// [`ParseError::Syntax`] for anything but an integer, [`ParseError::Overflow`] beyond 64 bits.
pub fn parse_i64(text: &[u8], style: Style<'_>) -> Result<i64, ParseError> {
    let (negative, magnitude) = parse(text, style)?;
    if negative {
        0i64.checked_sub_unsigned(magnitude)
            .ok_or(ParseError::Overflow)
    } else {
        i64::try_from(magnitude).map_err(|_| ParseError::Overflow)
    }
}

/// An unsigned integer.
///
/// # Errors
/// As [`parse_i64`], and [`ParseError::SignMismatch`] for a value below zero.
pub fn parse_u64(text: &[u8], style: Style<'_>) -> Result<u64, ParseError> {
    match parse(text, style)? {
        (true, magnitude) if magnitude != 0 => Err(ParseError::SignMismatch),
        (_, magnitude) => Ok(magnitude),
    }
}

fn parse(text: &[u8], style: Style<'_>) -> Result<(bool, u64), ParseError> {
    let text = trim(text);
    match style {
        Style::Fast if text.is_empty() => Ok((false, 0)),
        Style::Cast | Style::Fast => plain(text),
        Style::Standard(locale) => plain(text).or_else(|error| match error {
            ParseError::Syntax => plain(Plain::read(text, locale)?.as_bytes()),
            other => Err(other),
        }),
    }
}

fn plain(text: &[u8]) -> Result<(bool, u64), ParseError> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(ParseError::Syntax);
    }
    let magnitude = digits.iter().try_fold(0u64, |value, digit| {
        value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
    });
    Ok((negative, magnitude.ok_or(ParseError::Overflow)?))
}

#[cfg(test)]
mod tests {
    use super::super::Locale;
    use super::*;

    #[test]
    fn a_cast_reads_trimmed_signed_digits_only() {
        assert_eq!(parse_i64(b" -42 ", Style::Cast), Ok(-42));
        assert_eq!(parse_i64(b"+7", Style::Cast), Ok(7));
        for bad in ["", "1.0", "1e3", "1,000", "12a", "-", "- 1", "$5"] {
            assert_eq!(
                parse_i64(bad.as_bytes(), Style::Cast),
                Err(ParseError::Syntax),
                "{bad}"
            );
        }
        assert_eq!(
            parse_i64(b"-9223372036854775808", Style::Cast),
            Ok(i64::MIN)
        );
        assert_eq!(
            parse_i64(b"9223372036854775808", Style::Cast),
            Err(ParseError::Overflow)
        );
        assert_eq!(
            parse_u64(b"18446744073709551615", Style::Cast),
            Ok(u64::MAX)
        );
        assert_eq!(parse_u64(b"-1", Style::Cast), Err(ParseError::SignMismatch));
        assert_eq!(parse_u64(b"-0", Style::Cast), Ok(0));
    }

    #[test]
    fn fast_parse_reads_blanks_as_zero() {
        assert_eq!(parse_i64(b" \t ", Style::Fast), Ok(0));
        assert_eq!(parse_i64(b"\t-12", Style::Fast), Ok(-12));
        assert_eq!(parse_i64(b"$12", Style::Fast), Err(ParseError::Syntax));
    }

    #[test]
    fn standard_parsing_takes_groups_currency_and_parentheses() {
        let us = Locale::from_lcid(1033).unwrap();
        let german = Locale::from_lcid(1031).unwrap();
        assert_eq!(parse_i64(b"1,234,567", Style::Standard(&us)), Ok(1_234_567));
        assert_eq!(parse_i64(b"($1,000)", Style::Standard(&us)), Ok(-1000));
        assert_eq!(
            parse_i64("1.234 €".as_bytes(), Style::Standard(&german)),
            Ok(1234)
        );
        assert_eq!(parse_i64(b"5-", Style::Standard(&us)), Ok(-5));
        for bad in ["1.5", ",", "1.234,5", "$", "--1", "", "  "] {
            assert_eq!(
                parse_i64(bad.as_bytes(), Style::Standard(&us)),
                Err(ParseError::Syntax),
                "{bad}"
            );
        }
    }
}
