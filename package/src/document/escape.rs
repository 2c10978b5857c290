//! Text as XML stores it: references and line ends, and the `_xHHHH_` escapes that SSIS adds for control characters.

use std::borrow::Cow;

/// Where raw text stands, which decides how its white space reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Character data: line ends become LF.
    Content,
    /// CDATA: as content, but `&` means itself.
    CData,
    /// An attribute value: tabs and line ends become blanks, unless written as references.
    Attribute,
}

/// The first reference that XML does not define: its offset and name.
pub(super) fn bad_reference(raw: &str) -> Option<(usize, String)> {
    let mut offset = 0;
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('&') {
        offset += before.len();
        let name = match after.split_once(';') {
            Some((name, _)) if name.len() <= 12 => name,
            _ => return Some((offset, after.chars().take(12).collect())),
        };
        if resolve(name).is_none() {
            return Some((offset, name.to_owned()));
        }
        offset += name.len() + 2;
        rest = after.split_once(';').map_or("", |(_, rest)| rest);
    }
    None
}

/// The text that raw text stands for. References have been checked; one that does not resolve stays as it is.
pub(super) fn decode(raw: &str, place: Place) -> Cow<'_, str> {
    let plain = match place {
        Place::Content => !raw.contains(['&', '\r']),
        Place::CData => !raw.contains('\r'),
        Place::Attribute => !raw.contains(['&', '\r', '\n', '\t']),
    };
    if plain {
        return Cow::Borrowed(raw);
    }
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw.chars();
    while let Some(character) = rest.next() {
        match character {
            '\r' => {
                if let Some(after) = rest.as_str().strip_prefix('\n') {
                    rest = after.chars();
                }
                text.push(if place == Place::Attribute { ' ' } else { '\n' });
            }
            '\n' | '\t' if place == Place::Attribute => text.push(' '),
            '&' if place != Place::CData => match rest.as_str().split_once(';') {
                Some((name, after)) if resolve(name).is_some() => {
                    text.extend(resolve(name));
                    rest = after.chars();
                }
                _ => text.push('&'),
            },
            other => text.push(other),
        }
    }
    Cow::Owned(text)
}

/// Writes text so that [`decode`] gives it back, in content and in double-quoted attributes alike.
pub(super) fn encode(text: &str, place: Place) -> String {
    let mut raw = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => raw.push_str("&amp;"),
            '<' => raw.push_str("&lt;"),
            '>' => raw.push_str("&gt;"),
            '\r' => raw.push_str("&#xD;"),
            '"' if place == Place::Attribute => raw.push_str("&quot;"),
            '\n' if place == Place::Attribute => raw.push_str("&#xA;"),
            '\t' if place == Place::Attribute => raw.push_str("&#x9;"),
            other => raw.push(other),
        }
    }
    raw
}

/// Text as what an element contains.
pub(crate) fn encode_content(text: &str) -> String {
    encode(text, Place::Content)
}

/// Text as the value of an attribute in double quotes, for XML that is put together.
pub fn escape_attribute(text: &str) -> String {
    encode_attribute(text)
}

/// Text as the value of an attribute in double quotes.
pub(crate) fn encode_attribute(text: &str) -> String {
    encode(text, Place::Attribute)
}

fn resolve(name: &str) -> Option<char> {
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "apos" => Some('\''),
        "quot" => Some('"'),
        _ => {
            let digits = name.strip_prefix('#')?;
            let code = match digits.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => digits.parse(),
            };
            // `+5` parses as a number but is no reference.
            let sign = digits.contains(['+', '-']);
            char::from_u32(code.ok()?).filter(|&character| character != '\0' && !sign)
        }
    }
}

/// Decodes `_xHHHH_` (UTF-16 code units in hexadecimal), as delimiters and qualifiers write control characters:
/// `_x000D__x000A_` is CR LF.
pub(crate) fn decode_hex_escapes(text: &str) -> String {
    let mut units: Vec<u16> = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("_x") {
        units.extend(before.encode_utf16());
        let unit = after
            .get(..4)
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u16::from_str_radix(digits, 16).ok());
        match (unit, after.get(4..).and_then(|tail| tail.strip_prefix('_'))) {
            (Some(unit), Some(tail)) => {
                units.push(unit);
                rest = tail;
            }
            _ => {
                units.extend("_x".encode_utf16());
                rest = after;
            }
        }
    }
    units.extend(rest.encode_utf16());
    String::from_utf16_lossy(&units)
}

/// Text with what is no letter or digit as `_xHHHH_`, as delimiters are stored; [`decode_hex_escapes`] gives it back.
pub(crate) fn encode_hex_escapes(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            plain if plain.is_ascii_alphanumeric() => escaped.push(plain),
            other => {
                let mut units = [0; 2];
                for unit in other.encode_utf16(&mut units) {
                    escaped.push_str(&format!("_x{unit:04X}_"));
                }
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_and_line_ends() {
        assert_eq!(decode("a&#xA;b&lt;\r\n\tc", Place::Attribute), "a\nb<  c");
        assert_eq!(decode("a\r\nb\rc&amp;lt;", Place::Content), "a\nb\nc&lt;");
        assert_eq!(decode("&amp;\r\n", Place::CData), "&amp;\n");
        for text in ["a<b>&\"'\r\n\t", "&#x41;", ""] {
            assert_eq!(
                decode(&encode(text, Place::Attribute), Place::Attribute),
                text
            );
            assert_eq!(decode(&encode(text, Place::Content), Place::Content), text);
        }
    }

    #[test]
    fn bad_references_are_found() {
        assert_eq!(bad_reference("a&lt;b&#65;&#x1F600;"), None);
        for raw in [
            "x&nbsp;",
            "x&",
            "x&#xD800;",
            "x&#0;",
            "x&#x110000;",
            "x& y;",
            "x&#+5;",
        ] {
            assert_eq!(bad_reference(raw).map(|found| found.0), Some(1), "{raw}");
        }
    }

    #[test]
    fn hex_escapes() {
        assert_eq!(decode_hex_escapes("_x000D__x000A_"), "\r\n");
        assert_eq!(decode_hex_escapes("_x003C_none_x003E_"), "<none>");
        assert_eq!(
            decode_hex_escapes("_xD83D__xDE00_|_x00_"),
            "\u{1F600}|_x00_"
        );
        assert_eq!(decode_hex_escapes("_x_x0009_"), "_x\t");
        for text in ["\r\n", "\u{1F600}|", "a_x0009_", "<none>"] {
            assert_eq!(decode_hex_escapes(&encode_hex_escapes(text)), text);
        }
    }
}
