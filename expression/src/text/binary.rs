//! Binary values written as hexadecimal digits, with or without `0x`.

use super::{ParseError, trim};

/// Appends the bytes that `text` writes to `out`.
///
/// # Errors
/// [`ParseError::Syntax`] for anything but an even number of hexadecimal digits; `out` is then as it was.
pub fn parse_hex(text: &[u8], out: &mut Vec<u8>) -> Result<(), ParseError> {
    let digits = match trim(text) {
        [b'0', b'x' | b'X', rest @ ..] => rest,
        text => text,
    };
    if !digits.len().is_multiple_of(2) || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(ParseError::Syntax);
    }
    let value = |digit: u8| match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    };
    out.extend(
        digits
            .chunks_exact(2)
            .map(|pair| value(pair[0]) << 4 | value(pair[1])),
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_pairs_of_digits() {
        let mut out = vec![9];
        assert_eq!(parse_hex(b"0xDEadBE", &mut out), Ok(()));
        assert_eq!(out, [9, 0xDE, 0xAD, 0xBE]);
        assert_eq!(parse_hex(b"ABC", &mut out), Err(ParseError::Syntax));
        assert_eq!(parse_hex(b"GG", &mut out), Err(ParseError::Syntax));
        assert_eq!(out.len(), 4);
    }
}
