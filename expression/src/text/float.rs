//! Floats (DT_R4, DT_R8): decimal text, exponents accepted (semantics 1.4.5); no infinities, no NaN.

use super::{ParseError, Style, number::Plain, trim};

/// A double.
///
/// # Errors
/// [`ParseError::Syntax`] for anything but a number, [`ParseError::Overflow`] beyond the range.
pub fn parse_f64(text: &[u8], style: Style<'_>) -> Result<f64, ParseError> {
    let value: f64 = parse(text, style)?;
    if value.is_finite() {
        Ok(value)
    } else {
        Err(ParseError::Overflow)
    }
}

/// A single float, rounded once from the text.
///
/// # Errors
/// As [`parse_f64`].
pub fn parse_f32(text: &[u8], style: Style<'_>) -> Result<f32, ParseError> {
    let value: f32 = parse(text, style)?;
    if value.is_finite() {
        Ok(value)
    } else {
        Err(ParseError::Overflow)
    }
}

fn parse<T: std::str::FromStr>(text: &[u8], style: Style<'_>) -> Result<T, ParseError> {
    let text = trim(text);
    match style {
        Style::Cast | Style::Fast => plain(text),
        Style::Standard(locale) => plain(Plain::read(text, locale)?.as_bytes()),
    }
}

fn plain<T: std::str::FromStr>(text: &[u8]) -> Result<T, ParseError> {
    // The standard library also reads `inf` and `nan`: letters other than the exponent's are refused first.
    let plain = |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
    if !text.iter().all(plain) {
        return Err(ParseError::Syntax);
    }
    let text = std::str::from_utf8(text).map_err(|_| ParseError::Syntax)?;
    text.parse().map_err(|_| ParseError::Syntax)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_decimals_and_exponents_only() {
        assert_eq!(parse_f64(b" -1.5e3 ", Style::Cast), Ok(-1500.0));
        assert_eq!(parse_f64(b"1e400", Style::Cast), Err(ParseError::Overflow));
        assert_eq!(parse_f32(b"1e39", Style::Cast), Err(ParseError::Overflow));
        assert_eq!(parse_f32(b"16777217", Style::Cast), Ok(16_777_216.0));
        for bad in ["", "nan", "inf", "1,5", "e", "0x1p3"] {
            assert_eq!(
                parse_f64(bad.as_bytes(), Style::Cast),
                Err(ParseError::Syntax),
                "{bad}"
            );
        }
    }
}
