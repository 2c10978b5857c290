//! Decoding of a stream that arrives in pieces.

use std::{fmt, sync::Arc};

use encoding_rs::{Decoder, DecoderResult};

use super::{UNDECODABLE, single_byte::SingleByte};

/// Turns pieces of a file into UTF-8; keeps the bytes of a character that a piece cut.
pub struct StreamDecoder {
    source: Source,
}

pub(super) enum Source {
    Same,
    Table(Arc<SingleByte>),
    Decoder(Decoder),
}

impl StreamDecoder {
    pub(super) fn new(source: Source) -> Self {
        Self { source }
    }

    /// Appends the UTF-8 of `bytes` to `out`, [`UNDECODABLE`] in place of what is no character. `last` says that nothing
    /// follows. Byte order marks are characters like any other.
    pub fn decode(&mut self, bytes: &[u8], last: bool, out: &mut Vec<u8>) {
        match &mut self.source {
            Source::Same => out.extend_from_slice(bytes),
            Source::Table(table) => table.transcode(bytes, out),
            Source::Decoder(decoder) => decode(decoder, bytes, last, out),
        }
    }
}

impl fmt::Debug for StreamDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamDecoder").finish_non_exhaustive()
    }
}

fn decode(decoder: &mut Decoder, bytes: &[u8], last: bool, out: &mut Vec<u8>) {
    let mut rest = bytes;
    loop {
        // Three bytes of UTF-8 for each byte of a source is the worst of any code page; a small room would only loop more.
        let room = decoder
            .max_utf8_buffer_length_without_replacement(rest.len())
            .unwrap_or(rest.len() * 3 + 16);
        let start = out.len();
        out.resize(start + room, 0);
        let target = out.get_mut(start..).unwrap_or_default();
        let (result, read, written) =
            decoder.decode_to_utf8_without_replacement(rest, target, last);
        out.truncate(start + written);
        rest = rest.get(read..).unwrap_or_default();
        match result {
            DecoderResult::InputEmpty => return,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(..) => out.push(UNDECODABLE),
        }
    }
}
