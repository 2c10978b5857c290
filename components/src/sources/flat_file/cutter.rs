//! Cuts a file into morsels of whole rows, sequentially and without looking at more than it must.
//!
//! ```text
//!  Read ──▶ [decode UTF-16, double-byte code pages] ──▶ buffer ──▶ mark, header rows, names, rows to skip
//!                                                         │
//!                                                         └──▶ last row end in the buffer ──▶ Morsel | rest
//! ```
//! Where no qualifier can hide a row delimiter, the last row end is found from behind; else the rows are walked. The
//! buffer is always filled before it is cut, so that morsels depend on the file alone, not on how reads return.

use std::{io::Read, sync::Arc};

use arrow::buffer::Buffer;
use fletching_expression::code_page::StreamDecoder;

use super::{
    decode::FlatFileDecoder,
    error::{CutError, LayoutError},
    fields::TEXT_MAX,
    indexed, kernel,
    kernel::PADDING,
    row_ends,
    rules::{ColumnEnd, SplitRules, WidthUnit},
    split::{Consumed, RowSink, split},
};

/// How large morsels and rows may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CutterOptions {
    /// The aim; a morsel ends with the last row that ends within so many bytes.
    pub morsel_bytes: usize,
    /// The longest row that is accepted.
    pub row_bytes_max: usize,
}

impl Default for CutterOptions {
    fn default() -> Self {
        Self {
            morsel_bytes: 1 << 20,
            row_bytes_max: 64 << 20,
        }
    }
}

/// Whole rows of a file.
#[derive(Debug, Clone)]
pub struct Morsel {
    /// The rows, with padding behind [`Self::length`].
    pub(super) buffer: Buffer,
    pub(super) length: usize,
    /// The place among the morsels of the file, from 0.
    pub ordinal: u64,
    /// The number of data rows before this morsel.
    pub first_row: u64,
    /// Where the morsel starts, in bytes of the file (of its UTF-8 form for UTF-16 and double-byte code pages).
    pub offset: u64,
    /// Whether the file ends with this morsel.
    pub is_last: bool,
}

impl Morsel {
    /// The rows as the file has them (UTF-8 for UTF-16 and double-byte code pages).
    pub fn bytes(&self) -> &[u8] {
        self.buffer.get(..self.length).unwrap_or_default()
    }
}

/// Yields the morsels of one file, in order.
#[derive(Debug)]
pub struct Cutter<R> {
    decoder: Arc<FlatFileDecoder>,
    options: CutterOptions,
    input: Input<R>,
    /// Bytes read and not yet given out.
    pending: Vec<u8>,
    /// Of the first byte of `pending`.
    offset: u64,
    ordinal: u64,
    row: u64,
    started: bool,
    ended_in_header: bool,
    /// Whether the rows end in LF instead of the CR LF that was declared.
    by_line_feed: bool,
    positions: Vec<u32>,
}

impl<R: Read> Cutter<R> {
    /// Reads `reader`, which stands at the start of the file.
    ///
    /// # Errors
    /// [`LayoutError::Limit`] for options that cannot be kept.
    pub fn try_new(
        decoder: Arc<FlatFileDecoder>,
        reader: R,
        options: CutterOptions,
    ) -> Result<Self, LayoutError> {
        // Transcoding may triple a text; positions are 31 bits.
        let most = TEXT_MAX / 4;
        for (name, value) in [
            ("the size of a morsel", options.morsel_bytes),
            ("the longest row", options.row_bytes_max),
        ] {
            if !(1..=most).contains(&value) {
                let least = 1;
                return Err(LayoutError::Limit {
                    name,
                    value,
                    least,
                    most,
                });
            }
        }
        let stream_decoder = decoder.stream_decoder();
        Ok(Self {
            decoder,
            options,
            input: Input {
                reader,
                stream_decoder,
                block: Vec::new(),
                ahead: Vec::new(),
                at_end: false,
                read_to_end: false,
            },
            pending: Vec::new(),
            offset: 0,
            ordinal: 0,
            row: 0,
            started: false,
            ended_in_header: false,
            by_line_feed: false,
            positions: Vec::new(),
        })
    }

    /// The next morsel; `None` after the last.
    ///
    /// # Errors
    /// [`CutError`]; the cutter is then of no further use.
    pub fn next_morsel(&mut self) -> Result<Option<Morsel>, CutError> {
        if !self.started {
            self.started = true;
            self.skip_to_data()?;
        }
        let (consumed, rows) = self.read_rows(self.options.morsel_bytes, u64::MAX)?;
        if consumed == 0 {
            return Ok(None);
        }
        if self.by_line_feed {
            self.refuse_crlf(consumed)?;
        }
        let mut text = std::mem::take(&mut self.pending);
        self.pending = text.get(consumed..).unwrap_or_default().to_vec();
        text.truncate(consumed);
        text.resize(consumed + PADDING, 0);
        let morsel = Morsel {
            buffer: Buffer::from_vec(text),
            length: consumed,
            ordinal: self.ordinal,
            first_row: self.row,
            offset: self.offset,
            is_last: self.input.at_end && self.pending.is_empty(),
        };
        self.offset += consumed as u64;
        self.ordinal += 1;
        self.row += rows;
        Ok(Some(morsel))
    }

    /// Whether the file ended among the rows to skip (DTS_W_ENDOFFILEREACHWHILEREADINGHEADERROWS).
    pub fn ended_in_header(&self) -> bool {
        self.ended_in_header
    }

    /// The decoder for the morsels: the one given, or its twin for LF ([`super::row_ends`]). Final once a morsel is out.
    pub fn decoder(&self) -> &Arc<FlatFileDecoder> {
        &self.decoder
    }

    /// Whether the rows end in LF instead of the CR LF that was declared. Final once a morsel is out.
    pub fn by_line_feed(&self) -> bool {
        self.by_line_feed
    }

    fn choose_row_end(&mut self) -> Result<(), CutError> {
        self.fill(row_ends::BEGINNING_BYTES.max(self.options.morsel_bytes))?;
        if let Some(decoder) = row_ends::decoder_for(&self.decoder, &self.pending) {
            self.decoder = Arc::new(decoder);
            self.by_line_feed = true;
        }
        Ok(())
    }

    fn refuse_crlf(&self, length: usize) -> Result<(), CutError> {
        let rows = self.pending.get(..length).unwrap_or_default();
        match row_ends::find_crlf(rows) {
            Some(at) => Err(CutError::MixedRowEnds {
                offset: self.offset + at as u64,
            }),
            None => Ok(()),
        }
    }

    /// Passes over the byte order mark, the header rows, the names and the data rows to skip.
    fn skip_to_data(&mut self) -> Result<(), CutError> {
        self.choose_row_end()?;
        let decoder = Arc::clone(&self.decoder);
        if decoder.is_unicode() {
            if self.pending.starts_with("\u{fffe}".as_bytes()) {
                return Err(CutError::ByteOrder);
            }
            if self.pending.starts_with("\u{feff}".as_bytes()) {
                self.drop_front("\u{feff}".len());
            }
        }
        self.input
            .put_back(&mut self.pending, self.options.morsel_bytes);
        for _ in 0..decoder.layout().header_rows_to_skip {
            self.skip_header_row(decoder.header_row_delimiter())?;
        }
        if decoder.layout().column_names_in_first_data_row {
            let (consumed, _) = self.read_rows(self.options.morsel_bytes, 1)?;
            self.refuse_line_feeds_in_names(consumed)?;
            if !self.skip_rows(consumed) {
                return Ok(());
            }
        }
        let mut left = decoder.layout().data_rows_to_skip;
        while left > 0 {
            let (consumed, rows) = self.read_rows(self.options.morsel_bytes, left)?;
            if !self.skip_rows(consumed) {
                return Ok(());
            }
            left -= rows;
        }
        Ok(())
    }

    /// Whether there were any.
    fn skip_rows(&mut self, consumed: usize) -> bool {
        self.ended_in_header = consumed == 0;
        self.drop_front(consumed);
        consumed > 0
    }

    /// Names are one line: where they hold LF, and CR LF comes later only, the rows up to it would pass for names.
    fn refuse_line_feeds_in_names(&self, consumed: usize) -> Result<(), CutError> {
        let names = self.pending.get(..consumed).unwrap_or_default();
        match row_ends::crlf_after_line_feeds(self.decoder.layout(), names) {
            Some(at) => Err(CutError::MixedRowEnds {
                offset: self.offset + at as u64,
            }),
            None => Ok(()),
        }
    }

    fn skip_header_row(&mut self, delimiter: &[u8]) -> Result<(), CutError> {
        let mut want = self.options.morsel_bytes;
        loop {
            self.fill(want)?;
            if let Some(found) = memchr::memmem::find(&self.pending, delimiter) {
                self.drop_front(found + delimiter.len());
                return Ok(());
            }
            if self.input.at_end {
                self.ended_in_header = true;
                self.drop_front(self.pending.len());
                return Ok(());
            }
            want = self.grown(want)?;
        }
    }

    fn drop_front(&mut self, count: usize) {
        self.pending.drain(..count);
        self.offset += count as u64;
    }

    fn grown(&self, want: usize) -> Result<usize, CutError> {
        let limit = self.options.row_bytes_max;
        if want >= limit {
            return Err(CutError::RowTooLong {
                offset: self.offset,
                limit,
            });
        }
        Ok((want * 2).min(limit))
    }

    /// Fills `pending` to `want` bytes unless the file ends before.
    fn fill(&mut self, want: usize) -> Result<(), CutError> {
        let offset = self.offset + self.pending.len() as u64;
        self.input
            .fill(&mut self.pending, want)
            .map_err(|source| CutError::Read { offset, source })
    }

    /// Bytes and number of the whole rows at the front of `pending`, at most `rows_max` rows. Zero bytes: no more rows.
    fn read_rows(&mut self, bytes: usize, rows_max: u64) -> Result<(usize, u64), CutError> {
        let mut want = bytes;
        loop {
            self.fill(want)?;
            if self.pending.is_empty() {
                return Ok((0, 0));
            }
            let (end, rows) = self.whole_rows(rows_max)?;
            if end > 0 {
                return Ok((end, rows));
            }
            if self.input.at_end {
                // A partial row: the decoder tells it apart and drops it by the rules.
                return Ok((self.pending.len(), 1));
            }
            want = self.grown(want)?;
        }
    }

    fn whole_rows(&mut self, rows_max: u64) -> Result<(usize, u64), CutError> {
        let decoder = Arc::clone(&self.decoder);
        let rules = decoder.cut_rules();
        let at_end = self.input.at_end;
        if rows_max == u64::MAX && at_end {
            // All that is left; nobody needs the number of its rows.
            return Ok((self.pending.len(), 0));
        }
        let quoted = |text: &[u8]| match rules.qualifier.first() {
            Some(quote) => memchr::memchr(*quote, text).is_some(),
            None => false,
        };
        if rows_max == u64::MAX && rules.cut_at_row_delimiter && !quoted(&self.pending) {
            return Ok(cut_from_behind(&self.pending, &rules.row_delimiter));
        }
        if let Some(length) = bytes_of_row(rules) {
            let rows =
                (self.pending.len() / length).min(usize::try_from(rows_max).unwrap_or(usize::MAX));
            return Ok((rows * length, rows as u64));
        }
        let mut sink = Counter {
            rows: 0,
            rows_max,
            end: 0,
        };
        walk(
            rules,
            &mut self.pending,
            &mut self.positions,
            at_end,
            &mut sink,
        )
        .map_err(|error| error.at(self.offset))?;
        Ok((sink.end, sink.rows))
    }
}

/// The length of every row, where it is known.
fn bytes_of_row(rules: &SplitRules) -> Option<usize> {
    if rules.width_unit != WidthUnit::Bytes || !rules.row_delimiter.is_empty() {
        return None;
    }
    let width = |end: &ColumnEnd| match end {
        ColumnEnd::Width(width) => Some(*width),
        ColumnEnd::Delimiter(_) => None,
    };
    rules.columns.iter().map(|column| width(&column.end)).sum()
}

fn cut_from_behind(text: &[u8], row_delimiter: &[u8]) -> (usize, u64) {
    let Some(found) = memchr::memmem::rfind(text, row_delimiter) else {
        return (0, 0);
    };
    let end = found + row_delimiter.len();
    let whole = text.get(..end).unwrap_or_default();
    let rows = match row_delimiter {
        [byte] => memchr::memchr_iter(*byte, whole).count(),
        _ => memchr::memmem::find_iter(whole, row_delimiter).count(),
    };
    (end, rows as u64)
}

fn walk(
    rules: &SplitRules,
    pending: &mut Vec<u8>,
    positions: &mut Vec<u32>,
    at_end: bool,
    sink: &mut Counter,
) -> Result<Consumed, super::error::SplitError> {
    let Some(bytes) = &rules.one_byte else {
        return split(rules, rules.width_unit, pending, at_end, sink);
    };
    let length = pending.len();
    pending.resize(length + PADDING, 0);
    positions.clear();
    kernel::index(pending, length, bytes.needles(true), positions);
    pending.truncate(length);
    indexed::walk(rules, bytes, pending, positions, at_end, sink)
}

/// Counts rows, up to a number.
struct Counter {
    rows: u64,
    rows_max: u64,
    end: usize,
}

impl RowSink for Counter {
    fn field(&mut self, _start: usize, _end: usize, _escaped: bool) {}

    fn row(&mut self, next: usize) {
        if self.rows < self.rows_max {
            self.rows += 1;
            self.end = next;
        }
    }
}

/// The file as the splitters want it: bytes in which ASCII characters stand for themselves.
#[derive(Debug)]
struct Input<R> {
    reader: R,
    stream_decoder: Option<StreamDecoder>,
    /// Raw bytes on their way through the decoder.
    block: Vec<u8>,
    /// Looked at before their turn.
    ahead: Vec<u8>,
    /// Nothing follows what was given out.
    at_end: bool,
    /// Nothing follows `ahead`.
    read_to_end: bool,
}

impl<R: Read> Input<R> {
    /// Takes back what is beyond `keep` bytes of `out`.
    fn put_back(&mut self, out: &mut Vec<u8>, keep: usize) {
        if out.len() > keep {
            self.ahead = out.split_off(keep);
            self.read_to_end = self.at_end;
            self.at_end = false;
        }
    }

    fn fill(&mut self, out: &mut Vec<u8>, want: usize) -> std::io::Result<()> {
        if out.len() < want && !self.ahead.is_empty() {
            let count = self.ahead.len().min(want - out.len());
            out.extend(self.ahead.drain(..count));
            self.at_end = self.read_to_end && self.ahead.is_empty();
        }
        while out.len() < want && !self.at_end {
            let missing = want - out.len();
            // Room for the padding too: it is appended in place.
            out.reserve(missing + PADDING);
            let Some(decoder) = &mut self.stream_decoder else {
                let read = (&mut self.reader).take(missing as u64).read_to_end(out)?;
                self.at_end = read < missing;
                return Ok(());
            };
            // Pieces of a fixed size: a morsel may then end a little behind `want`, at the same place each time.
            const PIECE: usize = 1 << 16;
            self.block.clear();
            let read = (&mut self.reader)
                .take(PIECE as u64)
                .read_to_end(&mut self.block)?;
            self.at_end = read < PIECE;
            decoder.decode(&self.block, self.at_end, out);
        }
        Ok(())
    }
}
