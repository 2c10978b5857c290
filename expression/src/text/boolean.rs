//! Booleans: `true` and `false` in any case, or a number that is zero or not (semantics 1.4.4).

use super::{ParseError, Style, parse_f64, trim};

/// A boolean.
///
/// # Errors
/// [`ParseError::Syntax`] for anything but the two words and numbers.
pub fn parse_bool(text: &[u8], style: Style<'_>) -> Result<bool, ParseError> {
    let text = trim(text);
    if text.eq_ignore_ascii_case(b"true") {
        return Ok(true);
    }
    if text.eq_ignore_ascii_case(b"false") {
        return Ok(false);
    }
    Ok(parse_f64(text, style)? != 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_words_and_numbers() {
        for (text, want) in [
            ("True", true),
            (" FALSE ", false),
            ("1", true),
            ("-1", true),
            ("0.0", false),
        ] {
            assert_eq!(parse_bool(text.as_bytes(), Style::Cast), Ok(want), "{text}");
        }
        for bad in ["", "yes", "t", "truee"] {
            assert_eq!(
                parse_bool(bad.as_bytes(), Style::Cast),
                Err(ParseError::Syntax),
                "{bad}"
            );
        }
    }
}
