//! Bytes to text and back: UTF-8 with or without BOM, UTF-16, and what the XML declaration names.

use crate::{Error, Position, document::position_of};

/// How the document was stored, so that it can be stored the same way again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Utf8 { bom: bool },
    Utf16 { big_endian: bool, bom: bool },
    Other(&'static encoding_rs::Encoding),
}

/// The text of a document without its BOM.
///
/// # Errors
/// [`Error::Encoding`] for bytes that are not in the encoding found, or one that is not known.
pub(super) fn decode(bytes: &[u8]) -> Result<(Encoding, String), Error> {
    let utf16 = |big_endian, bom, rest| {
        Ok((
            Encoding::Utf16 { big_endian, bom },
            decode_utf16(rest, big_endian)?,
        ))
    };
    match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => Ok((Encoding::Utf8 { bom: true }, decode_utf8(rest)?)),
        [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] => {
            Err(unreadable("", "UTF-8 or UTF-16 but UTF-32"))
        }
        [0xFF, 0xFE, rest @ ..] => utf16(false, true, rest),
        [0xFE, 0xFF, rest @ ..] => utf16(true, true, rest),
        [b'<', 0, ..] => utf16(false, false, bytes),
        [0, b'<', ..] => utf16(true, false, bytes),
        _ => match declared(bytes) {
            None => Ok((Encoding::Utf8 { bom: false }, decode_utf8(bytes)?)),
            Some(label) => decode_declared(bytes, &label),
        },
    }
}

/// The bytes of a text; characters that the encoding lacks become character references.
pub(super) fn encode(encoding: Encoding, text: &str) -> Vec<u8> {
    match encoding {
        Encoding::Utf8 { bom } => {
            let mut bytes = Vec::with_capacity(text.len() + 3);
            if bom {
                bytes.extend_from_slice(&[0xEF, 0xBB, 0xBF]);
            }
            bytes.extend_from_slice(text.as_bytes());
            bytes
        }
        Encoding::Utf16 { big_endian, bom } => {
            let mark = bom.then_some(0xFEFFu16);
            mark.into_iter()
                .chain(text.encode_utf16())
                .flat_map(|unit| {
                    if big_endian {
                        unit.to_be_bytes()
                    } else {
                        unit.to_le_bytes()
                    }
                })
                .collect()
        }
        Encoding::Other(other) => other.encode(text).0.into_owned(),
    }
}

fn decode_utf8(bytes: &[u8]) -> Result<String, Error> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => {
            let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
            Err(unreadable(&String::from_utf8_lossy(valid), "UTF-8"))
        }
    }
}

fn decode_utf16(bytes: &[u8], big_endian: bool) -> Result<String, Error> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units = pairs.iter().map(|&pair| {
        if big_endian {
            u16::from_be_bytes(pair)
        } else {
            u16::from_le_bytes(pair)
        }
    });
    let mut text = String::with_capacity(bytes.len() / 2);
    for unit in char::decode_utf16(units) {
        match unit {
            Ok(character) => text.push(character),
            Err(_) => return Err(unreadable(&text, "UTF-16")),
        }
    }
    if rest.is_empty() {
        Ok(text)
    } else {
        Err(unreadable(&text, "UTF-16"))
    }
}

fn decode_declared(bytes: &[u8], label: &str) -> Result<(Encoding, String), Error> {
    let Some(encoding) = encoding_rs::Encoding::for_label(label.as_bytes()) else {
        return Err(unreadable("", label));
    };
    // A declaration that could be read byte by byte is not UTF-16, whatever it says: tools store UTF-16 strings as UTF-8.
    if [
        encoding_rs::UTF_8,
        encoding_rs::UTF_16LE,
        encoding_rs::UTF_16BE,
    ]
    .contains(&encoding)
    {
        return Ok((Encoding::Utf8 { bom: false }, decode_utf8(bytes)?));
    }
    match encoding.decode_without_bom_handling_and_without_replacement(bytes) {
        Some(text) => Ok((Encoding::Other(encoding), text.into_owned())),
        None => Err(unreadable("", encoding.name())),
    }
}

/// `encoding="..."` of the XML declaration.
fn declared(bytes: &[u8]) -> Option<String> {
    let head = bytes.get(..bytes.len().min(256))?;
    let head: String = head.iter().map(|&byte| char::from(byte)).collect();
    let (declaration, _) = head.strip_prefix("<?xml")?.split_once("?>")?;
    let (_, value) = declaration.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value
        .chars()
        .next()
        .filter(|quote| ['"', '\''].contains(quote))?;
    value.split(quote).nth(1).map(str::to_owned)
}

fn unreadable(before: &str, encoding: &str) -> Error {
    let position = if before.is_empty() {
        Position { line: 1, column: 1 }
    } else {
        position_of(before, before.len())
    };
    Error::Encoding {
        position,
        encoding: encoding.to_owned(),
    }
}
