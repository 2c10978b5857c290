//! Files whose rows end in LF though the connection manager says CR LF.
//!
//! Packages come from Windows; their files often reach Linux through a tool that turns line ends into LF (git does, by
//! its default). SSIS would then find no row at all. The cutter looks at the beginning of the file: when it has LF but
//! no CR LF, the rows are read by LF and the run warns. A CR LF later in such a file is an error, so that no CR slips
//! into the last column.

use super::{decode::FlatFileDecoder, layout::FlatFileLayout};

const CRLF: &str = "\r\n";

/// How much of a file is looked at, at least.
pub(super) const BEGINNING_BYTES: usize = 1 << 16;

/// The decoder to use for a file that starts with `beginning`, where it is not `declared`.
pub(super) fn decoder_for(declared: &FlatFileDecoder, beginning: &[u8]) -> Option<FlatFileDecoder> {
    let layout = declared.layout();
    let named = layout.row_delimiter == CRLF
        || (layout.header_rows_to_skip > 0 && layout.header_row_delimiter == CRLF);
    if !named || memchr::memchr(b'\n', beginning).is_none() || find_crlf(beginning).is_some() {
        return None;
    }
    // Settings that LF makes unreadable, a column delimited by LF say, stay as declared.
    FlatFileDecoder::try_new(with_line_feeds(layout)).ok()
}

/// The place of the first CR LF.
pub(super) fn find_crlf(text: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, CRLF.as_bytes())
}

/// Where the first row ends in the declared CR LF, if it holds LF before that and no qualifier that could hide it.
pub(super) fn crlf_after_line_feeds(layout: &FlatFileLayout, row: &[u8]) -> Option<usize> {
    let qualifier = layout.text_qualifier.as_deref().unwrap_or_default();
    let hidden = !qualifier.is_empty() && memchr::memmem::find(row, qualifier.as_bytes()).is_some();
    let end = find_crlf(row).filter(|_| layout.row_delimiter == CRLF && !hidden)?;
    memchr::memchr(b'\n', row.get(..end)?).map(|_| end)
}

fn with_line_feeds(layout: &FlatFileLayout) -> FlatFileLayout {
    let mut layout = layout.clone();
    let columns = layout
        .file_columns
        .iter_mut()
        .map(|column| &mut column.delimiter);
    for delimiter in columns.chain([&mut layout.row_delimiter, &mut layout.header_row_delimiter]) {
        if delimiter == CRLF {
            "\n".clone_into(delimiter);
        }
    }
    layout
}
