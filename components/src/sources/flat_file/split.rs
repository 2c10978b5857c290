//! The general splitter: any delimiters, widths, and every rule of semantics 9.5 to 9.8, one field after the other.
//!
//! ```text
//!  field of column c ──▶ Column: c ended, c+1 follows
//!                   ├──▶ Row: the row delimiter came early, the columns left are missing
//!                   ├──▶ Text: the file ends here
//!                   └──▶ Incomplete: more bytes of the file are needed to tell
//! ```

use super::{
    error::SplitError,
    rules::{ColumnEnd, ColumnRule, SplitRules, WidthUnit},
};

/// Receives the fields of rows in file order. Fields of an unfinished row may come before the splitter finds that out:
/// what follows the last [`RowSink::row`] does not count.
pub(super) trait RowSink {
    /// A field's text, without qualifiers; `escaped` when it holds doubled qualifiers.
    fn field(&mut self, start: usize, end: usize, escaped: bool);
    /// The row ends, and the next starts at `next`.
    fn row(&mut self, next: usize);
}

/// How far the text was split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Consumed {
    /// Where the first row that was not given to the sink starts.
    pub(super) end: usize,
    /// The file ended within that row, at this column, and the rules say to drop it.
    pub(super) partial_column: Option<usize>,
}

/// Splits whole rows off the start of `text`; `at_end` when the file ends with it.
pub(super) fn split(
    rules: &SplitRules,
    unit: WidthUnit,
    text: &[u8],
    at_end: bool,
    sink: &mut impl RowSink,
) -> Result<Consumed, SplitError> {
    let splitter = Splitter {
        rules,
        unit,
        text,
        at_end,
    };
    let mut start = 0;
    while start < text.len() {
        match splitter.row(start, sink)? {
            RowEnd::Next(next) => {
                sink.row(next);
                start = next;
            }
            RowEnd::Incomplete => break,
            RowEnd::Partial(column) => {
                return Ok(Consumed {
                    end: start,
                    partial_column: Some(column),
                });
            }
        }
    }
    Ok(Consumed {
        end: start,
        partial_column: None,
    })
}

enum RowEnd {
    Next(usize),
    Incomplete,
    Partial(usize),
}

/// The text of a field without its qualifiers.
#[derive(Clone, Copy)]
struct Content {
    start: usize,
    end: usize,
    escaped: bool,
}

enum FieldEnd {
    Column(Content, usize),
    Row(Content, usize),
    Text(Content),
    Incomplete,
}

struct Splitter<'a> {
    rules: &'a SplitRules,
    unit: WidthUnit,
    text: &'a [u8],
    at_end: bool,
}

impl Splitter<'_> {
    fn row(&self, start: usize, sink: &mut impl RowSink) -> Result<RowEnd, SplitError> {
        let last = self.rules.columns.len() - 1;
        let mut at = start;
        for (index, column) in self.rules.columns.iter().enumerate() {
            let (content, next) = match self.field(index, column, at)? {
                FieldEnd::Column(content, next) if index < last => {
                    sink.field(content.start, content.end, content.escaped);
                    at = next;
                    continue;
                }
                FieldEnd::Column(content, next) | FieldEnd::Row(content, next) => (content, next),
                FieldEnd::Text(content) if index == last || self.pads_last_row() => {
                    (content, self.text.len())
                }
                FieldEnd::Text(_) => return Ok(RowEnd::Partial(index)),
                FieldEnd::Incomplete => return Ok(RowEnd::Incomplete),
            };
            sink.field(content.start, content.end, content.escaped);
            for _ in index..last {
                sink.field(next, next, false);
            }
            return Ok(RowEnd::Next(next));
        }
        Ok(RowEnd::Next(at))
    }

    /// Whether a last row with columns missing counts (semantics 9.6, 9.8). Without row delimiters nothing tells a short
    /// row from stray bytes.
    fn pads_last_row(&self) -> bool {
        self.rules.always_check && !self.rules.row_delimiter.is_empty()
    }

    fn field(&self, index: usize, column: &ColumnRule, at: usize) -> Result<FieldEnd, SplitError> {
        let row = &*self.rules.row_delimiter;
        match &column.end {
            ColumnEnd::Width(width) => Ok(self.by_width(*width, at, index)),
            ColumnEnd::Delimiter(own) => {
                let early = self.rules.always_check
                    && index + 1 < self.rules.columns.len()
                    && **own != *row;
                let row = early.then_some(row);
                let qualifier = &*self.rules.qualifier;
                if column.qualified && !qualifier.is_empty() && self.tail(at).starts_with(qualifier)
                {
                    return self.qualified(index, at, own, row);
                }
                Ok(self.unqualified(at, own, row))
            }
        }
    }

    fn tail(&self, at: usize) -> &[u8] {
        self.text.get(at..).unwrap_or_default()
    }

    fn content(start: usize, end: usize) -> Content {
        Content {
            start,
            end,
            escaped: false,
        }
    }

    fn by_width(&self, width: usize, at: usize, index: usize) -> FieldEnd {
        let row = &*self.rules.row_delimiter;
        let end = advance(self.text, at, width, self.unit);
        let limit = end.unwrap_or(self.text.len());
        if self.rules.always_check && !row.is_empty() {
            // A delimiter that starts in this column, wherever it ends.
            let reach = (limit + row.len() - 1).min(self.text.len());
            let window = self.text.get(at..reach).unwrap_or_default();
            if let Some(found) = memchr::memmem::find(window, row) {
                let found = at + found;
                return FieldEnd::Row(Self::content(at, found), found + row.len());
            }
            if !self.at_end && limit + row.len() > self.text.len() {
                return FieldEnd::Incomplete;
            }
        }
        match end {
            Some(end) => FieldEnd::Column(Self::content(at, end), end),
            None if !self.at_end => FieldEnd::Incomplete,
            // The end of a fixed width file may cut its very last column short.
            None if row.is_empty() && index + 1 == self.rules.columns.len() => {
                FieldEnd::Column(Self::content(at, self.text.len()), self.text.len())
            }
            None => FieldEnd::Text(Self::content(at, self.text.len())),
        }
    }

    fn unqualified(&self, at: usize, own: &[u8], row: Option<&[u8]>) -> FieldEnd {
        let mut from = at;
        while let Some(found) = self.next_candidate(from, own, row) {
            if let Some(end) = self.delimiter_at(found, own, row, Self::content(at, found)) {
                return end;
            }
            from = found + 1;
        }
        if self.at_end {
            FieldEnd::Text(Self::content(at, self.text.len()))
        } else {
            FieldEnd::Incomplete
        }
    }

    /// The next byte from which a delimiter may start.
    fn next_candidate(&self, from: usize, own: &[u8], row: Option<&[u8]>) -> Option<usize> {
        let tail = self.tail(from);
        let first = own.first()?;
        let found = match row.and_then(<[u8]>::first) {
            Some(other) => memchr::memchr2(*first, *other, tail),
            None => memchr::memchr(*first, tail),
        };
        found.map(|found| from + found)
    }

    /// How a field ends with the delimiter at `at`, if one stands there; the longer one where both do.
    fn delimiter_at(
        &self,
        at: usize,
        own: &[u8],
        row: Option<&[u8]>,
        content: Content,
    ) -> Option<FieldEnd> {
        let tail = self.tail(at);
        let row = row.unwrap_or_default();
        if !self.at_end && tail.len() < own.len().max(row.len()) {
            return Some(FieldEnd::Incomplete);
        }
        let is_own = tail.starts_with(own);
        let is_row = !row.is_empty() && tail.starts_with(row);
        if is_row && !(is_own && own.len() > row.len()) {
            Some(FieldEnd::Row(content, at + row.len()))
        } else if is_own {
            Some(FieldEnd::Column(content, at + own.len()))
        } else {
            None
        }
    }

    fn qualified(
        &self,
        column: usize,
        at: usize,
        own: &[u8],
        row: Option<&[u8]>,
    ) -> Result<FieldEnd, SplitError> {
        let qualifier = &*self.rules.qualifier;
        let start = at + qualifier.len();
        let (mut from, mut escaped) = (start, false);
        let close = loop {
            let Some(found) = memchr::memmem::find(self.tail(from), qualifier) else {
                let offset = at as u64;
                let open = SplitError::OpenQualifier { column, offset };
                return if self.at_end {
                    Err(open)
                } else {
                    Ok(FieldEnd::Incomplete)
                };
            };
            let found = from + found;
            if !self.at_end && self.text.len() - found < qualifier.len() + self.rules.look_ahead {
                return Ok(FieldEnd::Incomplete);
            }
            from = found + qualifier.len();
            if !self.tail(from).starts_with(qualifier) {
                break found;
            }
            escaped = true;
            from += qualifier.len();
        };
        let content = Content {
            start,
            end: close,
            escaped,
        };
        if from == self.text.len() {
            return Ok(FieldEnd::Text(content));
        }
        let stray = SplitError::StrayQualifier {
            column,
            offset: close as u64,
        };
        self.delimiter_at(from, own, row, content).ok_or(stray)
    }
}

/// Where `width` characters from `at` end; `None` when the text ends before.
fn advance(text: &[u8], at: usize, width: usize, unit: WidthUnit) -> Option<usize> {
    if unit == WidthUnit::Bytes {
        let end = at.checked_add(width)?;
        return (end <= text.len()).then_some(end);
    }
    let (mut left, mut at) = (width, at);
    while left > 0 {
        let lead = *text.get(at)?;
        // A character outside the basic plane is two code units of the file.
        let units = if unit == WidthUnit::CodeUnits && (0xF0..0xF8).contains(&lead) {
            2
        } else {
            1
        };
        left = left.saturating_sub(units);
        at += 1;
        while text.get(at).is_some_and(|byte| byte & 0xC0 == 0x80) {
            at += 1;
        }
    }
    Some(at)
}
