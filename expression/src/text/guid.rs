//! GUIDs: 8-4-4-4-12 hexadecimal digits, with or without braces.

use super::{ParseError, trim};

/// The sixteen bytes in the order in which the text shows them (what `arrow.uuid` holds).
///
/// # Errors
/// [`ParseError::Syntax`] for any other form.
pub fn parse_guid(text: &[u8]) -> Result<[u8; 16], ParseError> {
    let text = match trim(text) {
        [b'{', inner @ .., b'}'] => inner,
        text => text,
    };
    if text.len() != 36 {
        return Err(ParseError::Syntax);
    }
    let mut bytes = [0u8; 16];
    let mut digits = text
        .iter()
        .enumerate()
        .filter(|(at, _)| !matches!(at, 8 | 13 | 18 | 23));
    if [8, 13, 18, 23].iter().any(|at| text[*at] != b'-') {
        return Err(ParseError::Syntax);
    }
    for byte in &mut bytes {
        let mut digit = || {
            let (_, digit) = digits.next()?;
            char::from(*digit).to_digit(16)
        };
        let (Some(high), Some(low)) = (digit(), digit()) else {
            return Err(ParseError::Syntax);
        };
        *byte = (high * 16 + low) as u8;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_forms_in_text_order() {
        let want = [
            0x59, 0x18, 0x25, 0x1B, 0x29, 0x70, 0x45, 0xA4, 0xAB, 0x5F, 0x01, 0xC3, 0xC5, 0x88,
            0xFE, 0x5A,
        ];
        assert_eq!(
            parse_guid(b"{5918251B-2970-45A4-AB5F-01C3C588FE5A}"),
            Ok(want)
        );
        assert_eq!(
            parse_guid(b" 5918251b-2970-45a4-ab5f-01c3c588fe5a"),
            Ok(want)
        );
        for bad in [
            "",
            "5918251b297045a4ab5f01c3c588fe5a",
            "{5918251B-2970-45A4-AB5F-01C3C588FE5G}",
        ] {
            assert_eq!(parse_guid(bad.as_bytes()), Err(ParseError::Syntax), "{bad}");
        }
    }
}
