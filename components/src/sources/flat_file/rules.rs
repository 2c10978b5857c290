//! A layout made ready for splitting: delimiters and qualifier as bytes of one encoding, and which short cuts hold.

use super::{
    error::LayoutError,
    layout::{ColumnType, FlatFileLayout, Format},
};

/// Where rows and fields end, in bytes of one encoding.
#[derive(Debug, Clone)]
pub(super) struct SplitRules {
    pub(super) columns: Vec<ColumnRule>,
    /// Empty when rows end by width alone.
    pub(super) row_delimiter: Box<[u8]>,
    /// Empty for none.
    pub(super) qualifier: Box<[u8]>,
    pub(super) always_check: bool,
    pub(super) width_unit: WidthUnit,
    /// The longest delimiter or twice the qualifier: how far a decision may look ahead.
    pub(super) look_ahead: usize,
    /// Present when every column ends at the same byte and the rows at LF, CRLF or another byte.
    pub(super) one_byte: Option<OneByte>,
    /// Every row delimiter outside qualifiers ends a row, and it cannot overlap with anything else.
    pub(super) cut_at_row_delimiter: bool,
}

#[derive(Debug, Clone)]
pub(super) struct ColumnRule {
    pub(super) end: ColumnEnd,
    pub(super) qualified: bool,
}

#[derive(Debug, Clone)]
pub(super) enum ColumnEnd {
    Width(usize),
    Delimiter(Box<[u8]>),
}

/// What a width counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WidthUnit {
    Bytes,
    /// Characters of UTF-8.
    Characters,
    /// UTF-16 code units of text that is UTF-8 here.
    CodeUnits,
}

/// The one-byte short cut.
#[derive(Debug, Clone)]
pub(super) struct OneByte {
    /// Ends every column but the last; the row byte again when there is one column only.
    pub(super) delimiter: u8,
    /// The last byte of the row delimiter.
    pub(super) row: u8,
    /// CR before it belongs to the delimiter.
    pub(super) carriage_return: bool,
    pub(super) qualifier: Option<u8>,
}

impl SplitRules {
    /// `encode` writes a delimiter in the encoding of the text to split.
    pub(super) fn try_new(
        layout: &FlatFileLayout,
        width_unit: WidthUnit,
        encode: &dyn Fn(&str) -> Result<Vec<u8>, LayoutError>,
    ) -> Result<Self, LayoutError> {
        let last = layout
            .file_columns
            .len()
            .checked_sub(1)
            .ok_or(LayoutError::NoColumns)?;
        let mut columns = Vec::with_capacity(layout.file_columns.len());
        for (index, column) in layout.file_columns.iter().enumerate() {
            let by_width = match layout.format {
                Format::FixedWidth => true,
                Format::RaggedRight => index < last && column.column_type == ColumnType::FixedWidth,
                Format::Delimited => false,
            };
            let row_end = index == last && column.delimiter.is_empty();
            let delimiter = if row_end {
                &layout.row_delimiter
            } else {
                &column.delimiter
            };
            let end = if by_width {
                if column.width == 0 {
                    return Err(LayoutError::NoWidth {
                        column: column.name.clone(),
                    });
                }
                ColumnEnd::Width(column.width as usize)
            } else if delimiter.is_empty() {
                return Err(LayoutError::NoDelimiter {
                    column: column.name.clone(),
                });
            } else {
                ColumnEnd::Delimiter(encode(delimiter)?.into())
            };
            let qualified = column.text_qualified && !by_width;
            columns.push(ColumnRule { end, qualified });
        }
        let row_delimiter = match columns.last().map(|column| &column.end) {
            Some(ColumnEnd::Delimiter(delimiter)) => delimiter.clone(),
            _ => Box::default(),
        };
        let any_qualified = columns.iter().any(|column| column.qualified);
        let qualifier: Box<[u8]> = match &layout.text_qualifier {
            Some(qualifier) if any_qualified => encode(qualifier)?.into(),
            _ => Box::default(),
        };
        let mut rules = Self {
            look_ahead: longest(&columns).max(qualifier.len() * 2),
            columns,
            row_delimiter,
            qualifier,
            always_check: layout.always_check_for_row_delimiters,
            width_unit,
            one_byte: None,
            cut_at_row_delimiter: false,
        };
        rules.check_qualifier(layout)?;
        rules.one_byte = rules.find_one_byte();
        rules.cut_at_row_delimiter = rules.may_cut_at_row_delimiter();
        Ok(rules)
    }

    fn delimiters(&self) -> impl Iterator<Item = &[u8]> {
        self.columns.iter().filter_map(|column| match &column.end {
            ColumnEnd::Delimiter(delimiter) => Some(delimiter.as_ref()),
            ColumnEnd::Width(_) => None,
        })
    }

    fn check_qualifier(&self, layout: &FlatFileLayout) -> Result<(), LayoutError> {
        let inside = |delimiter: &&[u8]| memchr::memmem::find(delimiter, &self.qualifier).is_some();
        if !self.qualifier.is_empty() && self.delimiters().any(|delimiter| inside(&delimiter)) {
            return Err(LayoutError::QualifierInDelimiter {
                delimiter: layout.text_qualifier.clone().unwrap_or_default(),
            });
        }
        Ok(())
    }

    fn find_one_byte(&self) -> Option<OneByte> {
        let (row, carriage_return) = match *self.row_delimiter {
            [row] => (row, false),
            [b'\r', b'\n'] => (b'\n', true),
            _ => return None,
        };
        let (_, others) = self.columns.split_last()?;
        let mut delimiter = row;
        for (index, column) in others.iter().enumerate() {
            match &column.end {
                ColumnEnd::Delimiter(bytes) => match **bytes {
                    [byte] if index == 0 || byte == delimiter => delimiter = byte,
                    _ => return None,
                },
                ColumnEnd::Width(_) => return None,
            }
        }
        let clash = !others.is_empty() && (delimiter == row || delimiter == b'\r');
        let qualifier = match *self.qualifier {
            [] => None,
            [byte] if byte != b'\r' => Some(byte),
            _ => return None,
        };
        let ascii =
            delimiter.is_ascii() && row.is_ascii() && qualifier.is_none_or(|byte| byte.is_ascii());
        (ascii && !clash).then_some(OneByte {
            delimiter,
            row,
            carriage_return,
            qualifier,
        })
    }

    fn may_cut_at_row_delimiter(&self) -> bool {
        let row = &*self.row_delimiter;
        // A delimiter of equal ends (`\n\n`) could match one byte off when searched from behind.
        let overlaps_itself = (1..row.len()).any(|length| row.ends_with(&row[..length]));
        let others = self.columns.len().saturating_sub(1);
        let shares = self
            .delimiters()
            .take(others)
            .chain([&*self.qualifier])
            .any(|delimiter| delimiter.iter().any(|byte| row.contains(byte)));
        // With one column there is no other place where a row delimiter could stand.
        let every_one_ends_a_row = self.always_check || others == 0;
        let by_width = self
            .columns
            .iter()
            .any(|column| matches!(column.end, ColumnEnd::Width(_)));
        let widths_are_checked = !by_width || self.always_check;
        !row.is_empty() && every_one_ends_a_row && widths_are_checked && !overlaps_itself && !shares
    }
}

fn longest(columns: &[ColumnRule]) -> usize {
    let length = |column: &ColumnRule| match &column.end {
        ColumnEnd::Delimiter(delimiter) => delimiter.len(),
        ColumnEnd::Width(_) => 0,
    };
    columns.iter().map(length).max().unwrap_or(0)
}

impl OneByte {
    pub(super) fn needles(&self, index_quotes: bool) -> super::kernel::Needles {
        super::kernel::Needles {
            delimiter: self.delimiter,
            row: self.row,
            quote: self.qualifier,
            index_quotes,
        }
    }
}
