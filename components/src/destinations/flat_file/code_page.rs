//! The encoding of a text file: UTF-8 text to the bytes of a code page.
//!
//! ASCII is the same in all code pages here, so that only text beyond it is converted.

use fletching_expression::code_page::CodePage;

use super::error::LayoutError;

#[derive(Debug, Clone)]
pub enum TextEncoding {
    /// A Unicode file.
    Utf16Le,
    /// Code page 65001.
    Utf8,
    Page(CodePage),
}

impl TextEncoding {
    /// # Errors
    /// [`LayoutError::UnknownCodePage`].
    pub fn from_code_page(code_page: u32) -> Result<Self, LayoutError> {
        match code_page {
            65001 => Ok(Self::Utf8),
            1200 => Ok(Self::Utf16Le),
            // The system's default code page is not known here; Windows set up for western languages has 1252.
            0 => Self::from_code_page(1252),
            number => CodePage::from_number(number)
                .map(Self::Page)
                .map_err(|_| LayoutError::UnknownCodePage(number)),
        }
    }

    pub fn code_page(&self) -> u32 {
        match self {
            Self::Utf16Le => 1200,
            Self::Utf8 => 65001,
            Self::Page(page) => page.number(),
        }
    }

    /// Whether UTF-8 text can be written without looking at single characters: UTF-16 is made of whole batches.
    pub(super) fn takes_any_text(&self) -> bool {
        matches!(self, Self::Utf8 | Self::Utf16Le)
    }

    /// Adds the bytes of `text`; for UTF-16 and UTF-8 that is the UTF-8 text itself. With `lossy` a missing character
    /// becomes `?`, else it is returned.
    pub(super) fn append(&self, text: &str, lossy: bool, out: &mut Vec<u8>) -> Result<(), char> {
        let page = match self {
            Self::Page(page) if !text.is_ascii() => page,
            _ => {
                out.extend_from_slice(text.as_bytes());
                return Ok(());
            }
        };
        if !page.encode_into(text, out) || lossy {
            return Ok(());
        }
        let is_missing = |character: &char| page.encode(character.encode_utf8(&mut [0; 4])).1;
        Err(text.chars().find(is_missing).unwrap_or('?'))
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
