//! Splitting with one-byte separators: over the positions that the SIMD index found, not over the bytes.
//!
//! Gives exactly what [`super::split::split`] gives for the same rules, several times as fast; the tests hold the two
//! together.

use super::{
    error::SplitError,
    rules::{OneByte, SplitRules},
    split::{Consumed, RowSink},
};

/// Splits whole rows off the start of `text`. `positions` are those of all delimiters, row bytes and quotes (quotes may
/// be left out when there are none).
pub(super) fn walk(
    rules: &SplitRules,
    bytes: &OneByte,
    text: &[u8],
    positions: &[u32],
    at_end: bool,
    sink: &mut impl RowSink,
) -> Result<Consumed, SplitError> {
    let mut walker = Walker {
        rules,
        bytes,
        text,
        positions,
        entry: 0,
        at_end,
    };
    let last = rules.columns.len() - 1;
    let (mut row_start, mut partial_column) = (0, None);
    'rows: while row_start < text.len() {
        let (mut start, mut column) = (row_start, 0);
        loop {
            let field = walker.field(column, start)?;
            match field.stop {
                Stop::Column if column < last => {
                    sink.field(field.start, field.end, field.escaped);
                    (start, column) = (field.next, column + 1);
                    continue;
                }
                Stop::Text if column < last && !rules.always_check => {
                    partial_column = Some(column);
                    break 'rows;
                }
                Stop::Incomplete => break 'rows,
                Stop::Column | Stop::Row | Stop::Text => {}
            }
            sink.field(field.start, field.end, field.escaped);
            for _ in column..last {
                sink.field(field.next, field.next, false);
            }
            sink.row(field.next);
            row_start = field.next;
            continue 'rows;
        }
    }
    Ok(Consumed {
        end: row_start,
        partial_column,
    })
}

#[derive(Clone, Copy)]
enum Stop {
    Column,
    Row,
    Text,
    Incomplete,
}

struct Field {
    start: usize,
    end: usize,
    escaped: bool,
    stop: Stop,
    next: usize,
}

struct Walker<'a> {
    rules: &'a SplitRules,
    bytes: &'a OneByte,
    text: &'a [u8],
    positions: &'a [u32],
    /// The next position to look at.
    entry: usize,
    at_end: bool,
}

impl Walker<'_> {
    #[inline]
    fn field(&mut self, column: usize, start: usize) -> Result<Field, SplitError> {
        let last = column + 1 == self.rules.columns.len();
        if let Some(quote) = self.bytes.qualifier
            && self.rules.columns[column].qualified
            && self.text.get(start) == Some(&quote)
        {
            return self.qualified(column, start, quote, last);
        }
        Ok(self.unqualified(start, last))
    }

    #[inline]
    fn unqualified(&mut self, start: usize, last: bool) -> Field {
        while let Some(&position) = self.positions.get(self.entry) {
            self.entry += 1;
            let at = position as usize;
            let byte = self.text.get(at).copied().unwrap_or_default();
            let stop = if byte == self.bytes.row && (last || self.rules.always_check) {
                match self.row_delimiter_start(at, start) {
                    Some(end) => (end, Stop::Row),
                    None => continue,
                }
            } else if byte == self.bytes.delimiter && !last {
                (at, Stop::Column)
            } else {
                continue;
            };
            return Field {
                start,
                end: stop.0,
                escaped: false,
                stop: stop.1,
                next: at + 1,
            };
        }
        self.text_end(start, self.text.len(), false)
    }

    /// Where the row delimiter that ends at `at` starts; `None` when its CR is missing.
    #[inline]
    fn row_delimiter_start(&self, at: usize, start: usize) -> Option<usize> {
        if !self.bytes.carriage_return {
            return Some(at);
        }
        (at > start && self.text.get(at - 1) == Some(&b'\r')).then(|| at - 1)
    }

    fn text_end(&self, start: usize, end: usize, escaped: bool) -> Field {
        Field {
            start,
            end,
            escaped,
            stop: if self.at_end {
                Stop::Text
            } else {
                Stop::Incomplete
            },
            next: self.text.len(),
        }
    }

    fn qualified(
        &mut self,
        column: usize,
        at: usize,
        quote: u8,
        last: bool,
    ) -> Result<Field, SplitError> {
        let start = at + 1;
        let mut escaped = false;
        // The opening quote has a position too.
        self.entry += 1;
        let close = loop {
            let Some(found) = self.next_quote(quote) else {
                let offset = at as u64;
                let open = SplitError::OpenQualifier { column, offset };
                return if self.at_end {
                    Err(open)
                } else {
                    Ok(self.text_end(start, start, false))
                };
            };
            if self.text.get(found + 1) != Some(&quote) {
                break found;
            }
            escaped = true;
            self.entry += 1;
        };
        let after = close + 1;
        let row_at = after + usize::from(self.bytes.carriage_return);
        let byte = self.text.get(after).copied();
        if byte.is_none() || (!self.at_end && row_at >= self.text.len()) {
            return Ok(self.text_end(start, close, escaped));
        }
        let is_row = (last || self.rules.always_check)
            && self.text.get(row_at) == Some(&self.bytes.row)
            && (!self.bytes.carriage_return || byte == Some(b'\r'));
        let (stop, next) = if is_row {
            (Stop::Row, row_at + 1)
        } else if !last && byte == Some(self.bytes.delimiter) {
            (Stop::Column, after + 1)
        } else {
            let offset = close as u64;
            return Err(SplitError::StrayQualifier { column, offset });
        };
        self.entry += 1;
        Ok(Field {
            start,
            end: close,
            escaped,
            stop,
            next,
        })
    }

    fn next_quote(&mut self, quote: u8) -> Option<usize> {
        while let Some(&position) = self.positions.get(self.entry) {
            self.entry += 1;
            if self.text.get(position as usize) == Some(&quote) {
                return Some(position as usize);
            }
        }
        None
    }
}
