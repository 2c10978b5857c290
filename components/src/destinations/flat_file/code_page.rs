//! The encoding of a text file: UTF-8 text to the bytes of a code page.
//!
//! ASCII is the same in all code pages here, so that only text beyond it is converted.

use encoding_rs::{EncoderResult, Encoding};
use oem_cp::{OEMCPHashMap, code_table::ENCODING_TABLE_CP_MAP};

use super::error::LayoutError;

#[derive(Debug, Clone, Copy)]
pub enum TextEncoding {
    /// A Unicode file.
    Utf16Le,
    /// Code page 65001.
    Utf8,
    /// Code pages 20127 (limit 0x80) and 28591 (limit 0x100): the character is the byte.
    Latin { code_page: u32, limit: u32 },
    /// A DOS code page.
    Oem {
        code_page: u32,
        table: &'static OEMCPHashMap<char, u8>,
    },
    /// A Windows, ISO or East Asian code page.
    Ansi {
        code_page: u32,
        encoding: &'static Encoding,
    },
}

impl TextEncoding {
    /// # Errors
    /// [`LayoutError::UnknownCodePage`].
    pub fn from_code_page(code_page: u32) -> Result<Self, LayoutError> {
        let label = match code_page {
            65001 => return Ok(Self::Utf8),
            1200 => return Ok(Self::Utf16Le),
            20127 => {
                return Ok(Self::Latin {
                    code_page,
                    limit: 0x80,
                });
            }
            28591 => {
                return Ok(Self::Latin {
                    code_page,
                    limit: 0x100,
                });
            }
            // the system's default code page is not known here; Windows set up for western languages has 1252
            0 => "windows-1252".to_owned(),
            874 => "windows-874".to_owned(),
            932 => "shift_jis".to_owned(),
            936 => "gbk".to_owned(),
            949 | 51949 => "euc-kr".to_owned(),
            950 => "big5".to_owned(),
            1250..=1258 => format!("windows-{code_page}"),
            10000 => "macintosh".to_owned(),
            20866 => "koi8-r".to_owned(),
            21866 => "koi8-u".to_owned(),
            28592..=28608 => format!("iso-8859-{}", code_page - 28590),
            51932 => "euc-jp".to_owned(),
            54936 => "gb18030".to_owned(),
            _ => {
                let oem = u16::try_from(code_page).ok();
                return match oem.and_then(|number| ENCODING_TABLE_CP_MAP.get(&number)) {
                    Some(&table) => Ok(Self::Oem { code_page, table }),
                    None => Err(LayoutError::UnknownCodePage(code_page)),
                };
            }
        };
        Encoding::for_label(label.as_bytes())
            .map(|encoding| Self::Ansi {
                code_page,
                encoding,
            })
            .ok_or(LayoutError::UnknownCodePage(code_page))
    }

    pub fn code_page(&self) -> u32 {
        match *self {
            Self::Utf16Le => 1200,
            Self::Utf8 => 65001,
            Self::Latin { code_page, .. }
            | Self::Oem { code_page, .. }
            | Self::Ansi { code_page, .. } => code_page,
        }
    }

    /// Whether UTF-8 text can be written without looking at single characters: UTF-16 is made of whole batches.
    pub(super) fn takes_any_text(&self) -> bool {
        matches!(self, Self::Utf8 | Self::Utf16Le)
    }

    /// Adds the bytes of `text`; for UTF-16 and UTF-8 that is the UTF-8 text itself. With `lossy` a missing character
    /// becomes `?`, else it is returned and `out` holds part of the text.
    pub(super) fn append(&self, text: &str, lossy: bool, out: &mut Vec<u8>) -> Result<(), char> {
        if self.takes_any_text() || text.is_ascii() {
            out.extend_from_slice(text.as_bytes());
            return Ok(());
        }
        if let Self::Ansi { encoding, .. } = self {
            return append_ansi(encoding, text, lossy, out);
        }
        for character in text.chars() {
            let byte = match self {
                _ if character.is_ascii() => Some(character as u8),
                Self::Latin { limit, .. } if u32::from(character) < *limit => {
                    u8::try_from(character).ok()
                }
                Self::Oem { table, .. } => table.get(&character).copied(),
                _ => None,
            };
            match byte {
                Some(byte) => out.push(byte),
                None if lossy => out.push(b'?'),
                None => return Err(character),
            }
        }
        Ok(())
    }
}

fn append_ansi(
    encoding: &'static Encoding,
    text: &str,
    lossy: bool,
    out: &mut Vec<u8>,
) -> Result<(), char> {
    let mut encoder = encoding.new_encoder();
    let mut rest = text;
    loop {
        let mut piece = [0; 256];
        let (result, read, written) =
            encoder.encode_from_utf8_without_replacement(rest, &mut piece, true);
        out.extend_from_slice(piece.get(..written).unwrap_or_default());
        rest = rest.split_at_checked(read).map_or("", |(_, rest)| rest);
        match result {
            EncoderResult::InputEmpty => return Ok(()),
            EncoderResult::OutputFull => {}
            EncoderResult::Unmappable(_) if lossy => out.push(b'?'),
            EncoderResult::Unmappable(character) => return Err(character),
        }
    }
}

/// Adds UTF-16LE code units.
pub(super) fn append_utf16(text: &str, out: &mut Vec<u8>) {
    if text.is_ascii() {
        out.extend(text.bytes().flat_map(|byte| [byte, 0]));
    } else {
        out.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(code_page: u32, text: &str) -> Result<Vec<u8>, char> {
        let mut out = Vec::new();
        TextEncoding::from_code_page(code_page)
            .unwrap()
            .append(text, false, &mut out)?;
        Ok(out)
    }

    #[test]
    fn code_pages() {
        for (code_page, text, wanted) in [
            (1252, "é€", &[0xE9, 0x80][..]),
            (28591, "é", &[0xE9]),
            (437, "é", &[0x82]),
            (850, "é", &[0x82]),
            (932, "日", &[0x93, 0xFA]),
            (1251, "Ж", &[0xC6]),
            (28592, "ł", &[0xB3]),
            (65001, "é", "é".as_bytes()),
        ] {
            assert_eq!(bytes(code_page, text).unwrap(), wanted, "{code_page}");
        }
        assert_eq!(bytes(28591, "€"), Err('€'));
        assert_eq!(bytes(20127, "aé"), Err('é'));
        assert_eq!(bytes(1252, "a日b"), Err('日'));
        assert_eq!(bytes(437, "€"), Err('€'));
        let mut out = Vec::new();
        let long = "é日".repeat(300);
        TextEncoding::from_code_page(1252)
            .unwrap()
            .append(&long, true, &mut out)
            .unwrap();
        assert_eq!(out, b"\xE9?".repeat(300));
        assert!(matches!(
            TextEncoding::from_code_page(12345),
            Err(LayoutError::UnknownCodePage(12345))
        ));
    }
}
