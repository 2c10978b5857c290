//! Text of the wire, as UTF-8.

use std::borrow::Cow;

use mssql_tds::datatypes::sql_string::EncodingType;

/// UTF-16LE as UTF-8 in `scratch`, whose old content goes. What is half a pair becomes U+FFFD, an odd byte at the end is
/// left out.
pub(super) fn utf16<'s>(bytes: &[u8], scratch: &'s mut Vec<u8>) -> &'s str {
    scratch.clear();
    let (units, _) = bytes.as_chunks::<2>();
    match units.iter().all(|[low, high]| *high == 0 && low.is_ascii()) {
        true => scratch.extend(units.iter().map(|[low, _]| *low)),
        false => {
            scratch.reserve(units.len() * 3);
            let units = units.iter().map(|unit| u16::from_le_bytes(*unit));
            for letter in char::decode_utf16(units) {
                let letter = letter.unwrap_or(char::REPLACEMENT_CHARACTER);
                scratch.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
    }
    std::str::from_utf8(scratch).unwrap_or_default()
}

/// A narrow text in UTF-8. `None`: its code page is not known.
pub(super) fn narrow(bytes: &[u8], encoding: EncodingType) -> Option<Cow<'_, str>> {
    if bytes.is_ascii() {
        return std::str::from_utf8(bytes).ok().map(Cow::Borrowed);
    }
    let encoding = encoding.resolved_encoding()?;
    Some(encoding.decode_without_bom_handling(bytes).0)
}

/// UTF-16LE of a text, behind what `out` has.
pub(super) fn push_utf16(text: &str, out: &mut Vec<u8>) {
    if !text.is_ascii() {
        out.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
        return;
    }
    let start = out.len();
    out.resize(start + 2 * text.len(), 0);
    let (units, _) = out
        .get_mut(start..)
        .unwrap_or_default()
        .as_chunks_mut::<2>();
    for ([low, _], byte) in units.iter_mut().zip(text.bytes()) {
        *low = byte;
    }
}

/// Length of a text in UTF-16, in letters of two bytes.
pub(super) fn utf16_len(text: &str) -> usize {
    match text.is_ascii() {
        true => text.len(),
        false => text.encode_utf16().count(),
    }
}

/// The bytes of a text in a code page. What the code page lacks becomes `?`, one for each UTF-16 letter, as SQL Server has it.
pub(super) fn to_narrow<'t>(text: &'t str, encoding: EncodingType) -> Option<Cow<'t, [u8]>> {
    if text.is_ascii() {
        return Some(Cow::Borrowed(text.as_bytes()));
    }
    let encoding = encoding.resolved_encoding()?;
    let (bytes, _, lossy) = encoding.encode(text);
    if !lossy {
        return Some(bytes);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut letter_text = [0; 4];
    for letter in text.chars() {
        let (bytes, _, lossy) = encoding.encode(letter.encode_utf8(&mut letter_text));
        match lossy {
            true => out.resize(out.len() + letter.len_utf16(), b'?'),
            false => out.extend_from_slice(&bytes),
        }
    }
    Some(Cow::Owned(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf16_both_ways() {
        let mut scratch = Vec::new();
        for wanted in ["", "plain", "Grüße \u{1F600} 漢"] {
            let mut bytes = Vec::new();
            push_utf16(wanted, &mut bytes);
            assert_eq!(bytes.len(), 2 * utf16_len(wanted));
            assert_eq!(utf16(&bytes, &mut scratch), wanted);
        }
        assert_eq!(
            utf16(&[0x41, 0, 0x3D, 0xD8, 0x42], &mut scratch),
            "A\u{FFFD}"
        );
    }
}
