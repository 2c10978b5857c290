//! The page that the fast pass writes rows to, a few dozen at a time: it stays in the nearest cache, and a value needs one
//! look at the room, where a growing vector takes one for each piece of it.

use fletching_expression::format::{FIELD, Field};

use super::gap::Gap;

/// A page with more bytes than this is sent on before the next value.
const FULL: usize = 4096;

/// Rows on their way to `out`.
#[derive(Debug)]
pub(super) struct Page<'a> {
    /// One value, and what stands behind it, always fit.
    bytes: [u8; FULL + 2 * FIELD],
    /// Bytes in use.
    end: usize,
    out: &'a mut Vec<u8>,
}

impl<'a> Page<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self {
            bytes: [0; FULL + 2 * FIELD],
            end: 0,
            out,
        }
    }

    /// Keeps what `put` writes and the length it returns; `None` if that is `None`.
    #[inline(always)]
    pub(super) fn put(&mut self, put: impl FnOnce(&mut Field) -> Option<usize>) -> Option<usize> {
        if self.end > FULL {
            self.flush();
        }
        let len = put(self.bytes.get_mut(self.end..)?.first_chunk_mut()?)?;
        self.end += len;
        Some(len)
    }

    /// For values without a limit; returns the length.
    pub(super) fn append(&mut self, append: impl FnOnce(&mut Vec<u8>)) -> usize {
        let out = self.flush();
        let from = out.len();
        append(out);
        out.len() - from
    }

    #[inline(always)]
    pub(super) fn gap(&mut self, gap: &Gap) {
        let len = gap.bytes().len();
        match self
            .bytes
            .get_mut(self.end..)
            .and_then(<[u8]>::first_chunk_mut)
        {
            Some(room) if len <= gap.word.len() => {
                *room = gap.word;
                self.end += len;
            }
            _ => self.flush().extend_from_slice(gap.bytes()),
        }
    }

    /// Sends all bytes on.
    pub(super) fn flush(&mut self) -> &mut Vec<u8> {
        self.out
            .extend_from_slice(self.bytes.get(..self.end).unwrap_or_default());
        self.end = 0;
        self.out
    }
}
