//! Code pages: bytes of a file or of DT_STR to Unicode text and back.
//!
//! ```text
//!            decode / decode_strict / transcode / StreamDecoder
//!   bytes  ─────────────────────────────────────────────────────▶  UTF-8
//!   bytes  ◀─────────────────────────────────────────────────────  UTF-8      encode (`?` for what is missing)
//! ```
//! Every code page here maps the bytes below 0x80 to themselves when they stand alone, so that text of ASCII bytes only is
//! already UTF-8. Double-byte code pages may use such bytes as the second of a pair; [`CodePage::is_ascii_safe`] tells.

use std::{borrow::Cow, fmt, sync::Arc};

use encoding_rs::Encoding;

mod single_byte;
mod stream;

use single_byte::SingleByte;
pub use stream::StreamDecoder;

/// A byte that stands in transcoded text for bytes that are no character. It never occurs in UTF-8, so that the text fails
/// validation exactly where the file is wrong.
pub const UNDECODABLE: u8 = 0xFF;

/// A Windows code page.
#[derive(Debug, Clone)]
pub struct CodePage {
    number: u32,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Utf8,
    SingleByte(Arc<SingleByte>),
    DoubleByte(&'static Encoding),
    Utf16,
}

/// A code page that is not supported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "code page {0} is not supported; supported are 65001, 1200, 1250 to 1258, 437, 720, 737, 775, 850 to 869, 874, 932, 936, 949, 950, 51932, 51949, 54936, 10000, 20127, 20866, 21866 and 28591 to 28606"
)]
pub struct UnknownCodePage(pub u32);

/// Bytes that are no character of the code page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("byte {offset} (0x{byte:02X}) is not a character of code page {code_page}")]
pub struct Undecodable {
    /// Where, from the start of the bytes given.
    pub offset: usize,
    /// The byte there.
    pub byte: u8,
    /// The code page.
    pub code_page: u32,
}

impl CodePage {
    /// By number; 65001 is UTF-8, 1200 is UTF-16LE.
    ///
    /// # Errors
    /// [`UnknownCodePage`].
    pub fn from_number(number: u32) -> Result<Self, UnknownCodePage> {
        let kind = match number {
            65001 => Kind::Utf8,
            1200 => Kind::Utf16,
            932 => Kind::DoubleByte(encoding_rs::SHIFT_JIS),
            936 => Kind::DoubleByte(encoding_rs::GBK),
            949 | 51949 => Kind::DoubleByte(encoding_rs::EUC_KR),
            950 => Kind::DoubleByte(encoding_rs::BIG5),
            51932 => Kind::DoubleByte(encoding_rs::EUC_JP),
            54936 => Kind::DoubleByte(encoding_rs::GB18030),
            _ => Kind::SingleByte(Arc::new(
                SingleByte::from_number(number).ok_or(UnknownCodePage(number))?,
            )),
        };
        Ok(Self { number, kind })
    }

    /// The number of the code page.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Whether a byte below 0x80 always is that ASCII character, wherever it stands.
    pub fn is_ascii_safe(&self) -> bool {
        matches!(self.kind, Kind::Utf8 | Kind::SingleByte(_))
    }

    /// Whether each byte is one character.
    pub fn is_single_byte(&self) -> bool {
        matches!(self.kind, Kind::SingleByte(_))
    }

    /// The text, U+FFFD in place of what is no character. No copy for ASCII and for valid UTF-8.
    pub fn decode<'a>(&self, bytes: &'a [u8]) -> Cow<'a, str> {
        if self.is_ascii_safe()
            && let Some(text) = ascii(bytes)
        {
            return Cow::Borrowed(text);
        }
        match &self.kind {
            Kind::Utf8 => String::from_utf8_lossy(bytes),
            Kind::SingleByte(_) | Kind::DoubleByte(_) | Kind::Utf16 => {
                let mut out = Vec::new();
                self.transcode(bytes, &mut out);
                Cow::Owned(
                    String::from_utf8(out).unwrap_or_else(|error| {
                        String::from_utf8_lossy(error.as_bytes()).into_owned()
                    }),
                )
            }
        }
    }

    /// The text, provided that every byte is part of a character.
    ///
    /// # Errors
    /// [`Undecodable`] at the first byte that is not.
    pub fn decode_strict<'a>(&self, bytes: &'a [u8]) -> Result<Cow<'a, str>, Undecodable> {
        if self.is_ascii_safe()
            && let Some(text) = ascii(bytes)
        {
            return Ok(Cow::Borrowed(text));
        }
        if let Kind::Utf8 = self.kind {
            let text = std::str::from_utf8(bytes)
                .map_err(|error| self.undecodable(bytes, error.valid_up_to()))?;
            return Ok(Cow::Borrowed(text));
        }
        let mut out = Vec::new();
        self.transcode(bytes, &mut out);
        String::from_utf8(out).map(Cow::Owned).map_err(|error| {
            // Every character before the mark came from at least one byte of the source: find it by encoding again.
            let at = error.utf8_error().valid_up_to();
            let good = String::from_utf8_lossy(error.as_bytes().get(..at).unwrap_or_default())
                .into_owned();
            self.undecodable(bytes, self.encode(&good).0.len())
        })
    }

    fn undecodable(&self, bytes: &[u8], offset: usize) -> Undecodable {
        Undecodable {
            offset,
            byte: bytes.get(offset).copied().unwrap_or_default(),
            code_page: self.number,
        }
    }

    /// Appends the UTF-8 of `bytes` to `out`, [`UNDECODABLE`] in place of what is no character. UTF-8 passes unchecked.
    pub fn transcode(&self, bytes: &[u8], out: &mut Vec<u8>) {
        match &self.kind {
            Kind::Utf8 => out.extend_from_slice(bytes),
            Kind::SingleByte(table) => table.transcode(bytes, out),
            Kind::DoubleByte(_) | Kind::Utf16 => {
                let mut decoder = self.stream_decoder();
                decoder.decode(bytes, true, out);
            }
        }
    }

    /// A decoder for bytes that come in pieces, which may end in the middle of a character.
    pub fn stream_decoder(&self) -> StreamDecoder {
        StreamDecoder::new(match &self.kind {
            Kind::Utf8 => stream::Source::Same,
            Kind::SingleByte(table) => stream::Source::Table(Arc::clone(table)),
            Kind::DoubleByte(encoding) => {
                stream::Source::Decoder(encoding.new_decoder_without_bom_handling())
            }
            Kind::Utf16 => {
                stream::Source::Decoder(encoding_rs::UTF_16LE.new_decoder_without_bom_handling())
            }
        })
    }

    /// The bytes of `text` and whether a character was missing in the code page and became `?` (semantics 1.3.4).
    pub fn encode(&self, text: &str) -> (Vec<u8>, bool) {
        let mut out = Vec::with_capacity(text.len());
        let lossy = self.encode_into(text, &mut out);
        (out, lossy)
    }

    /// Appends the bytes of `text` to `out`; says whether a character was missing and became `?`.
    pub fn encode_into(&self, text: &str, out: &mut Vec<u8>) -> bool {
        match &self.kind {
            Kind::Utf8 => {
                out.extend_from_slice(text.as_bytes());
                false
            }
            Kind::Utf16 => {
                out.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
                false
            }
            Kind::SingleByte(table) => table.encode(text, out),
            Kind::DoubleByte(encoding) => encode_pairs(encoding, text, out),
        }
    }

    /// How many bytes `text` takes in this code page; a missing character takes one (`?`).
    pub fn encoded_length(&self, text: &str) -> usize {
        match &self.kind {
            Kind::Utf8 => text.len(),
            Kind::Utf16 => text.encode_utf16().count() * 2,
            Kind::SingleByte(_) => text.chars().count(),
            Kind::DoubleByte(_) if text.is_ascii() => text.len(),
            Kind::DoubleByte(_) => self.encode(text).0.len(),
        }
    }

    /// The character of each byte from 0x80, for a single-byte code page.
    pub fn high_characters(&self) -> Option<&[Option<char>; 128]> {
        match &self.kind {
            Kind::SingleByte(table) => Some(table.high_characters()),
            Kind::Utf8 | Kind::DoubleByte(_) | Kind::Utf16 => None,
        }
    }
}

impl PartialEq for CodePage {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for CodePage {}

impl fmt::Display for CodePage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.number)
    }
}

fn ascii(bytes: &[u8]) -> Option<&str> {
    if !bytes.is_ascii() {
        return None;
    }
    std::str::from_utf8(bytes).ok()
}

fn encode_pairs(encoding: &'static Encoding, text: &str, out: &mut Vec<u8>) -> bool {
    let mut encoder = encoding.new_encoder();
    let (mut rest, mut lossy) = (text.as_bytes(), false);
    loop {
        // `rest` starts at a character: the encoder stops behind whole ones.
        let Ok(text) = std::str::from_utf8(rest) else {
            return true;
        };
        let room = encoder
            .max_buffer_length_from_utf8_without_replacement(text.len())
            .unwrap_or(text.len() * 4);
        out.reserve(room);
        let (result, read) = encoder.encode_from_utf8_to_vec_without_replacement(text, out, true);
        rest = rest.get(read..).unwrap_or_default();
        match result {
            encoding_rs::EncoderResult::InputEmpty => return lossy,
            encoding_rs::EncoderResult::OutputFull => {}
            encoding_rs::EncoderResult::Unmappable(_) => {
                lossy = true;
                out.push(b'?');
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(number: u32) -> CodePage {
        CodePage::from_number(number).unwrap()
    }

    #[test]
    fn known_bytes_of_many_code_pages() {
        for (number, bytes, text) in [
            (1252, &b"\x80uro \xe4"[..], "€uro ä"),
            (28591, b"\x80\xe4", "\u{80}ä"),
            (28605, b"\xa4", "€"),
            (28599, b"\xfd\x80", "ı\u{80}"),
            (437, b"\x81\xe1", "üß"),
            (850, b"\xd5", "ı"),
            (858, b"\xd5", "€"),
            (852, b"\xfd", "ř"),
            (866, b"\x8f\xe0", "Пр"),
            (1251, b"\xcf\xf0", "Пр"),
            (932, b"\x83\x5c\x41", "ソA"),
            (936, b"\xd6\xd0", "中"),
            (949, b"\xb0\xa1", "가"),
            (950, b"\xa4\xa4", "中"),
            (20866, b"\xf0", "П"),
            (65001, "ä€".as_bytes(), "ä€"),
            (1200, b"\xac\x20A\0", "€A"),
        ] {
            assert_eq!(
                page(number).decode_strict(bytes).as_deref(),
                Ok(text),
                "{number}"
            );
            assert_eq!(
                page(number).encode(text),
                (bytes.to_vec(), false),
                "{number}"
            );
            assert_eq!(page(number).encoded_length(text), bytes.len(), "{number}");
        }
    }

    #[test]
    fn what_is_no_character_is_told() {
        assert_eq!(page(1252).encode("aП"), (b"a?".to_vec(), true));
        assert_eq!(page(932).encode("a\u{1F600}b"), (b"a?b".to_vec(), true));
        let error = page(932).decode_strict(b"\x83\x5cA\x83").unwrap_err();
        assert_eq!((error.offset, error.byte), (3, 0x83));
        assert_eq!(page(20127).decode_strict(b"ab\xe4").unwrap_err().offset, 2);
        assert_eq!(page(65001).decode_strict(b"ab\xe4").unwrap_err().offset, 2);
        assert_eq!(page(65001).decode(b"a\xe4"), "a\u{fffd}");
        assert_eq!(page(1253).decode(b"a\xaa"), "a\u{fffd}");
        assert_eq!(
            CodePage::from_number(4711).unwrap_err(),
            UnknownCodePage(4711)
        );
    }

    #[test]
    fn a_stream_may_be_cut_anywhere() {
        for (number, text) in [
            (932, "ソA表\r\n"),
            (1200, "a€\u{1F600}z"),
            (1252, "äöü"),
            (65001, "ä€"),
        ] {
            let bytes = page(number).encode(text).0;
            for cut in 0..=bytes.len() {
                let mut decoder = page(number).stream_decoder();
                let mut out = Vec::new();
                decoder.decode(&bytes[..cut], false, &mut out);
                decoder.decode(&bytes[cut..], true, &mut out);
                assert_eq!(out, text.as_bytes(), "{number} cut at {cut}");
            }
        }
        let mut out = Vec::new();
        page(1200)
            .stream_decoder()
            .decode(b"\x3d\xd8A\0\x42", true, &mut out);
        assert_eq!(out, [UNDECODABLE, b'A', UNDECODABLE]);
    }
}
