//! The careful pass: value by value, for batches with characters beyond ASCII, qualifiers inside values, or long values.

use arrow::buffer::NullBuffer;
use fletching_expression::format::ColumnText;

use super::{
    code_page::TextEncoding,
    encoder::EncodedColumn,
    error::{EncodeError, EncodeFault},
    layout::FlatFileOutputLayout,
};

/// One column of the batch in hand.
pub(super) struct CarefulColumn<'a> {
    pub(super) column: &'a EncodedColumn,
    pub(super) values: ColumnText<'a>,
    pub(super) nulls: Option<&'a NullBuffer>,
    pub(super) gap: &'a [u8],
}

/// Adds all rows (a UTF-16 file: still as UTF-8). On an error `out` holds part of them.
pub(super) fn encode(
    layout: &FlatFileOutputLayout,
    lead: &[u8],
    columns: &[CarefulColumn<'_>],
    rows: usize,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let mut text = Vec::new();
    for row in 0..rows {
        out.extend_from_slice(lead);
        for column in columns {
            text.clear();
            if column.nulls.is_none_or(|nulls| nulls.is_valid(row)) {
                column.values.append(row, &mut text);
            }
            let text = String::from_utf8_lossy(&text);
            append_value(layout, column.column, &text, out).map_err(|fault| EncodeError {
                row,
                column: column.column.name.clone(),
                value: text.chars().take(100).collect(),
                fault,
            })?;
            out.extend_from_slice(column.gap);
        }
    }
    Ok(())
}

fn append_value(
    layout: &FlatFileOutputLayout,
    column: &EncodedColumn,
    text: &str,
    out: &mut Vec<u8>,
) -> Result<(), EncodeFault> {
    let encoding = &layout.encoding;
    let lacks = |character| EncodeFault::NotInCodePage {
        character,
        code_page: encoding.code_page(),
    };
    let too_long = |len, limit| EncodeFault::TooLong {
        len,
        limit,
        unit: match encoding {
            TextEncoding::Utf16Le => "characters",
            _ => "bytes",
        },
    };
    let from = out.len();
    encoding.append(text, layout.lossy, out).map_err(lacks)?;
    let mut len = units(encoding, out.get(from..).unwrap_or_default());
    if len > column.limit {
        return Err(too_long(len, column.limit));
    }
    if column.qualified && layout.escape_qualifier && text.contains(&layout.text_qualifier) {
        out.truncate(from);
        let doubled = text.replace(&layout.text_qualifier, &layout.text_qualifier.repeat(2));
        encoding
            .append(&doubled, layout.lossy, out)
            .map_err(lacks)?;
        len = units(encoding, out.get(from..).unwrap_or_default());
    }
    if column.width > 0 {
        let blanks = column
            .width
            .checked_sub(len)
            .ok_or_else(|| too_long(len, column.width))?;
        out.extend(std::iter::repeat_n(b' ', blanks));
    }
    Ok(())
}

/// What a width counts: bytes of the code page; UTF-16 code units (of text that is UTF-8 here) in a Unicode file.
pub(super) fn units(encoding: &TextEncoding, bytes: &[u8]) -> usize {
    match encoding {
        // one for every character start, one more for those of four bytes, which become surrogate pairs
        TextEncoding::Utf16Le => bytes
            .iter()
            .map(|byte| usize::from(byte & 0xC0 != 0x80) + usize::from(*byte >= 0xF0))
            .sum(),
        _ => bytes.len(),
    }
}
