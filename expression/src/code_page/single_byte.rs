//! Single-byte code pages: one table from the bytes 0x80 to 0xFF to characters, used both ways.

use encoding_rs::Encoding;

use super::UNDECODABLE;

/// The upper half of a code page; the lower half is ASCII.
#[derive(Debug)]
pub(super) struct SingleByte {
    high: [Option<char>; 128],
    /// UTF-8 of each upper byte in the low bytes, its length in the top byte.
    utf8: [u32; 128],
    /// By character, for encoding.
    by_character: Vec<(char, u8)>,
}

impl SingleByte {
    pub(super) fn from_number(number: u32) -> Option<Self> {
        let high = high_half(number)?;
        let utf8 = high.map(|character| match character {
            Some(character) => {
                let mut bytes = [0u8; 4];
                let length = character.encode_utf8(&mut bytes).len() as u32;
                // Characters of code pages are of the basic plane: three bytes at most.
                u32::from_le_bytes(bytes) | length << 24
            }
            None => u32::from(UNDECODABLE) | 1 << 24,
        });
        let mut by_character: Vec<_> = (0x80..=0xFFu8)
            .zip(high)
            .filter_map(|(byte, character)| Some((character?, byte)))
            .collect();
        by_character.sort_unstable();
        Some(Self {
            high,
            utf8,
            by_character,
        })
    }

    pub(super) fn high_characters(&self) -> &[Option<char>; 128] {
        &self.high
    }

    pub(super) fn transcode(&self, bytes: &[u8], out: &mut Vec<u8>) {
        out.reserve(bytes.len() + bytes.len() / 8);
        let mut rest = bytes;
        while !rest.is_empty() {
            // A run of ASCII is copied as it is.
            let run = rest
                .iter()
                .position(|byte| *byte >= 0x80)
                .unwrap_or(rest.len());
            let (ascii, tail) = rest.split_at(run);
            out.extend_from_slice(ascii);
            let Some((byte, tail)) = tail.split_first() else {
                return;
            };
            let entry = self.utf8[usize::from(byte & 0x7F)];
            out.extend(entry.to_le_bytes().iter().take((entry >> 24) as usize));
            rest = tail;
        }
    }

    /// Says whether a character was missing and became `?`.
    pub(super) fn encode(&self, text: &str, out: &mut Vec<u8>) -> bool {
        let mut lossy = false;
        for character in text.chars() {
            let byte = match u8::try_from(character) {
                Ok(byte) if byte < 0x80 => byte,
                _ => match self
                    .by_character
                    .binary_search_by_key(&character, |entry| entry.0)
                {
                    Ok(at) => self.by_character[at].1,
                    Err(_) => {
                        lossy = true;
                        b'?'
                    }
                },
            };
            out.push(byte);
        }
        lossy
    }
}

fn high_half(number: u32) -> Option<[Option<char>; 128]> {
    Some(match number {
        20127 => [None; 128],
        28591 => std::array::from_fn(|at| char::from_u32(0x80 + at as u32)),
        // Windows reads 0x80 to 0x9F of ISO 8859-9 as control characters; the rest is Windows-1254.
        28599 => {
            let turkish = from_encoding(encoding_rs::WINDOWS_1254);
            std::array::from_fn(|at| match at {
                0..0x20 => char::from_u32(0x80 + at as u32),
                _ => turkish[at],
            })
        }
        _ => match encoding(number) {
            Some(encoding) => from_encoding(encoding),
            None => oem(number)?,
        },
    })
}

fn from_encoding(encoding: &'static Encoding) -> [Option<char>; 128] {
    std::array::from_fn(|at| {
        let byte = [0x80 + at as u8];
        let text = encoding.decode_without_bom_handling_and_without_replacement(&byte)?;
        text.chars().next()
    })
}

fn oem(number: u32) -> Option<[Option<char>; 128]> {
    use oem_cp::code_table_type::TableType;
    let number = u16::try_from(number).ok()?;
    Some(
        match oem_cp::code_table::DECODING_TABLE_CP_MAP.get(&number)? {
            TableType::Complete(table) => table.map(Some),
            TableType::Incomplete(table) => **table,
        },
    )
}

#[rustfmt::skip]
fn encoding(number: u32) -> Option<&'static Encoding> {
    Some(match number {
        874 => encoding_rs::WINDOWS_874,
        1250 => encoding_rs::WINDOWS_1250,
        1251 => encoding_rs::WINDOWS_1251,
        1252 => encoding_rs::WINDOWS_1252,
        1253 => encoding_rs::WINDOWS_1253,
        1254 => encoding_rs::WINDOWS_1254,
        1255 => encoding_rs::WINDOWS_1255,
        1256 => encoding_rs::WINDOWS_1256,
        1257 => encoding_rs::WINDOWS_1257,
        1258 => encoding_rs::WINDOWS_1258,
        10000 => encoding_rs::MACINTOSH,
        20866 => encoding_rs::KOI8_R,
        21866 => encoding_rs::KOI8_U,
        28592 => encoding_rs::ISO_8859_2,
        28593 => encoding_rs::ISO_8859_3,
        28594 => encoding_rs::ISO_8859_4,
        28595 => encoding_rs::ISO_8859_5,
        28596 => encoding_rs::ISO_8859_6,
        28597 => encoding_rs::ISO_8859_7,
        28598 => encoding_rs::ISO_8859_8,
        28600 => encoding_rs::ISO_8859_10,
        28603 => encoding_rs::ISO_8859_13,
        28604 => encoding_rs::ISO_8859_14,
        28605 => encoding_rs::ISO_8859_15,
        28606 => encoding_rs::ISO_8859_16,
        _ => return None,
    })
}
