//! Builds text arrays out of views. Kernel module: it promises Arrow that every view is UTF-8 that lies in its buffers.
#![expect(
    unsafe_code,
    reason = "views are made from whole `&str`s or cut at character borders; checking each again costs more than making them"
)]

use arrow::{
    array::{StringViewArray, make_view},
    buffer::{Buffer, NullBuffer},
};

use super::views::{INLINE, inline_text, is_ascii_text, low_bytes};
use crate::format::Field;

/// A buffer that is longer than this is closed: places in it are 32 bit numbers.
const BLOCK: usize = 1 << 30;
/// Most bytes of a text that are copied in one move, with what is behind it.
const SLACK: usize = 32;

/// Rows of text: parts of a source's texts, which stay where they are, and new texts, in buffers of their own.
#[derive(Debug)]
pub(crate) struct TextBuilder<'a> {
    source: Option<&'a StringViewArray>,
    views: Vec<u128>,
    text: String,
    blocks: Vec<Buffer>,
}

impl<'a> TextBuilder<'a> {
    /// For `rows` new texts.
    pub(crate) fn new(rows: usize) -> Self {
        Self {
            source: None,
            views: Vec::with_capacity(rows),
            text: String::new(),
            blocks: Vec::new(),
        }
    }

    /// For `rows` texts that may be parts of those of `source`.
    pub(crate) fn over(source: &'a StringViewArray, rows: usize) -> Self {
        Self {
            source: Some(source),
            ..Self::new(rows)
        }
    }

    /// Appends an empty text, which also stands for NULL.
    pub(crate) fn empty(&mut self) {
        self.views.push(0);
    }

    /// Appends a short text by its length and its bytes as a number.
    ///
    /// `bytes` has zeros behind `length`, and is UTF-8: ASCII, or cut from a text at character borders.
    fn inline(&mut self, length: u32, bytes: u128) {
        self.views.push(u128::from(length) | bytes << 32);
    }

    /// Appends the text that `write` appends to its argument; takes it back, and appends nothing, if `write` refuses.
    pub(crate) fn write<E>(
        &mut self,
        write: impl FnOnce(&mut String) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.text.len() > BLOCK {
            self.close();
        }
        let start = self.text.len();
        if let Err(refused) = write(&mut self.text) {
            self.text.truncate(start);
            return Err(refused);
        }
        let bytes = &self.text.as_bytes()[start..];
        let view = make_view(bytes, self.block(), start as u32);
        if bytes.len() <= INLINE as usize {
            self.text.truncate(start);
        }
        self.views.push(view);
        Ok(())
    }

    /// Appends a new text.
    pub(crate) fn push(&mut self, text: &str) {
        let written = self.write(|out| {
            out.push_str(text);
            Ok::<(), std::convert::Infallible>(())
        });
        let Ok(()) = written;
    }

    /// The number of the buffer that is being written.
    fn block(&self) -> u32 {
        let before = self.source.map_or(0, |source| source.data_buffers().len());
        (before + self.blocks.len()) as u32
    }

    fn close(&mut self) {
        let block = std::mem::take(&mut self.text);
        self.blocks.push(Buffer::from(block.into_bytes()));
    }

    /// Appends the whole text of a row of the source.
    pub(crate) fn keep(&mut self, at: usize) {
        self.views
            .push(self.source.map_or(0, |source| source.views()[at]));
    }

    /// Appends bytes `start..end` of the text of a row of the source; both are character borders.
    #[inline(always)]
    pub(crate) fn part(&mut self, at: usize, start: usize, end: usize) {
        let Some(source) = self.source else {
            return self.empty();
        };
        let view = source.views()[at];
        let length = view as u32;
        if length <= INLINE {
            let kept = (end - start) as u32;
            let bytes = inline_text(view) >> (8 * start) & low_bytes(kept);
            return self.inline(kept, bytes);
        }
        self.push_far(source, view, start, end);
    }

    /// Appends bytes `start..end` of a text that lies in a buffer.
    #[inline(always)]
    fn push_far(&mut self, source: &StringViewArray, view: u128, start: usize, end: usize) {
        let (buffer, place) = ((view >> 64) as u32, (view >> 96) as usize + start);
        let rest = far_text(source, view).get(start..).unwrap_or_default();
        let kept = (end - start) as u32;
        // A text near the end of its buffer has not so many bytes behind it.
        let Some(first) = rest.first_chunk::<16>() else {
            let part = rest.get(..end - start).unwrap_or_default();
            return self.views.push(make_view(part, buffer, place as u32));
        };
        let first = u128::from_le_bytes(*first);
        match kept <= INLINE {
            true => self.inline(kept, first & low_bytes(kept)),
            false => self.views.push(
                u128::from(kept)
                    | (first & 0xFFFF_FFFF) << 32
                    | u128::from(buffer) << 64
                    | (place as u128) << 96,
            ),
        }
    }

    /// Appends characters `start..end` of the text of a row of the source if they, and all before them, are ASCII.
    #[inline(always)]
    pub(crate) fn ascii_part(&mut self, at: usize, start: usize, end: usize) -> bool {
        let Some(source) = self.source else {
            return false;
        };
        let view = source.views()[at];
        let length = view as u32;
        let end = end.min(length as usize);
        let start = start.min(end);
        // The first four bytes of a long text are in its view too.
        let within = if length <= INLINE { INLINE as usize } else { 4 };
        if end <= within {
            let seen = inline_text(view) & low_bytes(end as u32);
            if is_ascii_text(seen) {
                self.inline((end - start) as u32, seen >> (8 * start));
            }
            return is_ascii_text(seen);
        }
        let text = far_text(source, view);
        let is_ascii = match text.first_chunk::<16>() {
            Some(first) if end <= 16 => {
                is_ascii_text(u128::from_le_bytes(*first) & low_bytes(end as u32))
            }
            _ => text.get(..end).unwrap_or_default().is_ascii(),
        };
        if is_ascii {
            self.push_far(source, view, start, end);
        }
        is_ascii
    }

    /// Appends ASCII bytes as a short text.
    pub(crate) fn ascii(&mut self, length: u32, bytes: u128) {
        debug_assert!(length <= INLINE && is_ascii_text(bytes));
        self.inline(length, bytes & low_bytes(length));
    }

    /// Appends ASCII bytes as short texts, each by its length; zeros are behind it.
    pub(crate) fn all_ascii(&mut self, texts: impl Iterator<Item = (u32, u128)>) {
        self.views.extend(texts.map(|(length, bytes)| {
            debug_assert!(length <= INLINE && is_ascii_text(bytes));
            debug_assert!(bytes & !low_bytes(length) == 0);
            u128::from(length) | bytes << 32
        }));
    }

    /// Appends a short text in which some ASCII characters have become others.
    pub(crate) fn changed_short(&mut self, length: u32, bytes: u128) {
        debug_assert!(length <= INLINE);
        self.inline(length, bytes);
    }

    /// Appends the text of a row of the source, one ASCII character exchanged for another.
    pub(crate) fn exchanged(&mut self, at: usize, old: u8, new: u8) {
        debug_assert!(old.is_ascii() && new.is_ascii());
        let Some(source) = self.source else {
            return self.empty();
        };
        let bytes = source.value(at).as_bytes();
        let exchange = |byte: &u8| if *byte == old { new } else { *byte };
        self.append(bytes.iter().map(exchange));
    }

    /// Appends bytes that are UTF-8.
    fn append(&mut self, bytes: impl Iterator<Item = u8>) {
        if self.text.len() > BLOCK {
            self.close();
        }
        let start = self.text.len();
        // SAFETY: the callers' bytes are ASCII, or those of a text with ASCII exchanged for ASCII.
        unsafe { self.text.as_mut_vec() }.extend(bytes);
        let view = make_view(&self.text.as_bytes()[start..], self.block(), start as u32);
        self.views.push(view);
    }

    /// Appends the first `length` bytes of a field; nothing if they are not ASCII.
    pub(crate) fn field(&mut self, field: &Field, length: usize) {
        let bytes = field.get(..length).unwrap_or_default();
        if !bytes.is_ascii() {
            return self.empty();
        }
        if let (Ok(short @ 0..=INLINE), Some(first)) = (u32::try_from(length), field.first_chunk())
        {
            return self.ascii(short, u128::from_le_bytes(*first));
        }
        self.append(bytes.iter().copied());
    }

    /// Appends texts, one behind the other, as one of `length` bytes: each by its view and the array that it is in.
    #[inline(always)]
    pub(crate) fn joined<'p>(
        &mut self,
        length: u32,
        parts: impl Iterator<Item = (u128, &'p StringViewArray)>,
    ) {
        if length <= INLINE {
            let (_, bytes) = parts.fold((0, 0), |(at, bytes), (view, _)| {
                (at + (view as u32), bytes | inline_text(view) << (8 * at))
            });
            return self.inline(length, bytes);
        }
        if self.text.len() > BLOCK {
            self.close();
        }
        let start = self.text.len();
        // SAFETY: whole texts are appended; zeros may follow them, and are cut off.
        let bytes = unsafe { self.text.as_mut_vec() };
        let end = start + length as usize;
        bytes.resize(end + SLACK, 0);
        let mut at = start;
        for (view, array) in parts {
            let length = view as u32 as usize;
            let text = far_text(array, view);
            if length <= INLINE as usize {
                store(bytes, at, inline_text(view).to_le_bytes());
            } else if let Some(text) = text.first_chunk::<SLACK>()
                && length <= SLACK
            {
                store(bytes, at, *text);
            } else if let (Some(text), Some(room)) =
                (text.get(..length), bytes.get_mut(at..at + length))
            {
                room.copy_from_slice(text);
            }
            at += length;
        }
        bytes.truncate(end);
        let prefix = bytes.get(start..).and_then(<[u8]>::first_chunk::<4>);
        let prefix = prefix.map_or(0, |prefix| u32::from_le_bytes(*prefix));
        let place = u128::from(self.block()) << 64 | (start as u128) << 96;
        self.views
            .push(u128::from(length) | u128::from(prefix) << 32 | place);
    }

    /// The texts; NULL where `nulls` says so.
    pub(crate) fn finish(mut self, nulls: Option<NullBuffer>) -> StringViewArray {
        if !self.text.is_empty() {
            self.close();
        }
        let mut buffers = self
            .source
            .map_or_else(Vec::new, |source| source.data_buffers().to_vec());
        buffers.append(&mut self.blocks);
        // SAFETY: each view is empty, or was made of a `&str` that lies in one of these buffers, cut at character borders or
        // within ASCII; short texts are inside their view, with zeros behind them.
        unsafe { StringViewArray::new_unchecked(self.views.into(), buffers, nulls) }
    }
}

/// The text of a view that lies in a buffer, and what is behind it; nothing for a short one.
#[inline(always)]
fn far_text(array: &StringViewArray, view: u128) -> &[u8] {
    let (buffer, start) = ((view >> 64) as u32 as usize, (view >> 96) as usize);
    match array.data_buffers().get(buffer) {
        Some(buffer) if view as u32 > INLINE => buffer.get(start..).unwrap_or_default(),
        _ => &[],
    }
}

/// Stores a piece, of which what is too much does not matter: it is written over.
#[inline(always)]
fn store<const N: usize>(bytes: &mut [u8], at: usize, piece: [u8; N]) {
    if let Some(room) = bytes.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
        *room = piece;
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::Array;

    use super::*;

    #[test]
    fn parts_and_new_texts() {
        let source =
            StringViewArray::from(vec!["a text of more than twelve bytes", "short", "ünï"]);
        let mut builder = TextBuilder::over(&source, 8);
        builder.keep(0);
        builder.part(0, 2, 20);
        builder.part(0, 2, 6);
        builder.part(2, 0, 2);
        assert!(builder.ascii_part(1, 1, 3));
        assert!(builder.ascii_part(0, 30, 90));
        assert!(!builder.ascii_part(2, 0, 1));
        builder
            .write(|out| {
                out.push_str("a new text that is longer than a view");
                Ok::<_, ()>(())
            })
            .unwrap();
        assert!(builder.write(|_| Err(())).is_err());
        let views = source.views();
        let joined = |builder: &mut TextBuilder<'_>, rows: &[usize]| {
            let parts = rows.iter().map(|row| (views[*row], &source));
            let length = parts.clone().map(|(view, _)| view as u32).sum();
            builder.joined(length, parts);
        };
        joined(&mut builder, &[1, 2]);
        joined(&mut builder, &[2, 0, 1, 0, 1]);
        let built = builder.finish(None);
        built.to_data().validate_full().unwrap();
        let texts: Vec<_> = built.iter().flatten().collect();
        let wanted = [
            "a text of more than twelve bytes",
            "text of more than ",
            "text",
            "ü",
            "ho",
            "es",
            "a new text that is longer than a view",
            "shortünï",
            "ünïa text of more than twelve bytesshorta text of more than twelve bytesshort",
        ];
        assert_eq!(texts, wanted);
    }
}
