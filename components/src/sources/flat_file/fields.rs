//! Where the fields of a morsel are: as separators of equal rows, or field by field.

use super::{
    kernel::{PADDING, pair},
    split::RowSink,
};

/// A field's bytes, inside a padded buffer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field<'a> {
    pub(super) padded: &'a [u8],
    pub(super) start: usize,
    pub(super) length: usize,
    /// In the side buffer of unescaped fields, not in the morsel's text.
    pub(super) in_side: bool,
}

impl<'a> Field<'a> {
    #[inline(always)]
    pub(super) fn bytes(&self) -> &'a [u8] {
        self.padded
            .get(self.start..self.start + self.length)
            .unwrap_or_default()
    }
}

/// The fields of a morsel, by row and column of the file.
pub(super) trait Fields {
    fn rows(&self) -> usize;
    fn field(&self, row: usize, column: usize) -> Field<'_>;
    /// Text of fields that had doubled qualifiers, unpadded; empty when there were none.
    fn side(&self) -> &[u8];
}

/// Rows of equally many fields: separator `row * width + column` ends that field, and the one before starts it.
#[derive(Debug)]
pub(super) struct Indexed<'a> {
    pub(super) padded: &'a [u8],
    /// One in front that stands for a separator before the text (`u32::MAX`, so that adding one gives 0).
    pub(super) separators: &'a [u32],
    pub(super) width: usize,
    /// Bytes of the row delimiter before its last: 1 for CRLF.
    pub(super) row_trim: usize,
}

impl Fields for Indexed<'_> {
    fn rows(&self) -> usize {
        (self.separators.len() - 1) / self.width
    }

    #[inline(always)]
    fn field(&self, row: usize, column: usize) -> Field<'_> {
        let at = row * self.width + column;
        let trim = if column + 1 == self.width {
            self.row_trim
        } else {
            0
        };
        // Indices as u32 wrap around for the first field of all.
        let (before, end) = pair(self.separators, at);
        let start = before.wrapping_add(1);
        Field {
            padded: self.padded,
            start: start as usize,
            length: end.wrapping_sub(start) as usize - trim,
            in_side: false,
        }
    }

    fn side(&self) -> &[u8] {
        &[]
    }
}

/// Set in the start of a span whose text is in the side buffer.
const IN_SIDE: u32 = 1 << 31;

/// The longest text whose positions fit a span.
pub(super) const TEXT_MAX: usize = (IN_SIDE - 1) as usize - PADDING;

/// Fields one by one, in file order.
#[derive(Debug, Default)]
pub(super) struct Spans {
    /// Start and length.
    spans: Vec<(u32, u32)>,
    side: Vec<u8>,
    /// Where each row starts.
    pub(super) row_starts: Vec<u32>,
}

impl Spans {
    fn clear(&mut self) {
        self.spans.clear();
        self.side.clear();
        self.row_starts.clear();
    }
}

/// Fills [`Spans`] from a splitter.
#[derive(Debug)]
pub(super) struct SpanSink<'a> {
    text: &'a [u8],
    qualifier: &'a [u8],
    spans: &'a mut Spans,
}

impl<'a> SpanSink<'a> {
    pub(super) fn new(text: &'a [u8], qualifier: &'a [u8], spans: &'a mut Spans) -> Self {
        spans.clear();
        spans.row_starts.push(0);
        Self {
            text,
            qualifier,
            spans,
        }
    }

    /// Drops fields of a row that did not end, and pads the side buffer.
    pub(super) fn finish(self, width: usize) {
        let rows = self.spans.row_starts.len() - 1;
        self.spans.spans.truncate(rows * width);
        self.spans.side.resize(self.spans.side.len() + PADDING, 0);
    }
}

impl RowSink for SpanSink<'_> {
    #[inline]
    fn field(&mut self, start: usize, end: usize, escaped: bool) {
        let span = if escaped {
            let text = self.text.get(start..end).unwrap_or_default();
            let at = self.spans.side.len();
            unescape(text, self.qualifier, &mut self.spans.side);
            (at as u32 | IN_SIDE, (self.spans.side.len() - at) as u32)
        } else {
            (start as u32, (end - start) as u32)
        };
        self.spans.spans.push(span);
    }

    #[inline]
    fn row(&mut self, next: usize) {
        self.spans.row_starts.push(next as u32);
    }
}

/// Appends `text` with each doubled qualifier as one.
fn unescape(text: &[u8], qualifier: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(found) = memchr::memmem::find(rest, qualifier) {
        let (kept, tail) = rest.split_at(found + qualifier.len());
        out.extend_from_slice(kept);
        rest = tail.get(qualifier.len()..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}

/// [`Spans`] with the text they point into.
#[derive(Debug)]
pub(super) struct Spanned<'a> {
    pub(super) padded: &'a [u8],
    pub(super) spans: &'a Spans,
    pub(super) width: usize,
}

impl Fields for Spanned<'_> {
    fn rows(&self) -> usize {
        self.spans.row_starts.len() - 1
    }

    #[inline(always)]
    fn field(&self, row: usize, column: usize) -> Field<'_> {
        let (start, length) = self.spans.spans[row * self.width + column];
        let in_side = start & IN_SIDE != 0;
        Field {
            padded: if in_side {
                &self.spans.side
            } else {
                self.padded
            },
            start: (start & !IN_SIDE) as usize,
            length: length as usize,
            in_side,
        }
    }

    fn side(&self) -> &[u8] {
        let length = self.spans.side.len().saturating_sub(PADDING);
        self.spans.side.get(..length).unwrap_or_default()
    }
}
