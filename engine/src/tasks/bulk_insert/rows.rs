//! Cuts a file into rows and fields at its terminators, as BULK INSERT does: nothing quotes them.
//!
//! ```text
//!  InputFile ──▶ StreamDecoder ──▶ text: [rows given │ row ␍␊ row ␍␊ part of a row]
//!                                                     ▲ start
//! ```
//!
//! **Fields**: each ends at the field terminator, the last one at the end of the row: a row with more fields has the rest
//! in its last one. A row with fewer is an error; BULK INSERT would read on in the next line and fail there, or not at all.
//! **Rows before `FirstRow`** are counted by row terminators; BULK INSERT counts their fields, and a heading with fewer
//! fields swallows a row of data.
//! **The last row** may be without a terminator.
//! **A file whose lines end in LF** where the task says CR LF is read by LF, with a warning (as for flat files). CR LF later
//! in such a file is an error.
//! **A byte order mark** is left out where the code page is that of the mark.

use std::{io::Read, path::Path};

use dtsx::SsisCode;
use fletching_components::flow::FlowError;
use fletching_connections::InputFile;
use fletching_expression::code_page::{CodePage, StreamDecoder};
use memchr::memmem;

/// Bytes that are read at once.
const CHUNK: usize = 1 << 20;

/// Longest row in UTF-8: of a file that is longer the terminator is wrong.
const ROW_BYTES_MAX: usize = 64 << 20;

/// The rows of a file.
pub(super) struct RowReader {
    task: String,
    file: InputFile,
    decoder: StreamDecoder,
    /// Code page of the decoder.
    code_page: u32,
    chunk: Vec<u8>,
    text: Vec<u8>,
    /// Where the next row begins in `text`.
    start: usize,
    at_end: bool,
    row_end: String,
    /// LF is taken for CR LF; `None` while no line end was seen.
    lenient: Option<bool>,
    /// Of the row given last, from 1.
    pub(super) number: u64,
}

impl RowReader {
    pub(super) fn open(
        task: &str,
        file: &Path,
        code_page: &CodePage,
        row_end: &str,
    ) -> Result<Self, FlowError> {
        let shown = file.display().to_string();
        let file = InputFile::open(file).map_err(|error| {
            FlowError::new(task, Some(error.code()), error.to_string()).with_file(shown)
        })?;
        Ok(Self {
            task: task.to_owned(),
            file,
            decoder: code_page.stream_decoder(),
            code_page: code_page.number(),
            chunk: vec![0; CHUNK],
            text: Vec::new(),
            start: 0,
            at_end: false,
            row_end: row_end.to_owned(),
            lenient: (row_end != "\r\n").then_some(false),
            number: 0,
        })
    }

    /// A failure at a row of the file.
    pub(super) fn failure(&self, code: Option<SsisCode>, row: u64, message: String) -> FlowError {
        FlowError::new(&self.task, code, message)
            .with_row(row)
            .with_file(self.file.path().display().to_string())
    }

    /// What the user should know of the file.
    pub(super) fn warning(&self) -> Option<String> {
        self.lenient.unwrap_or(false).then(|| {
            format!(
                "{}: the rows of {} end in LF and RowTerminator is CR LF: it was read by LF, where SSIS would find no row",
                self.task,
                self.file.path().display()
            )
        })
    }

    /// The next row without its terminator.
    pub(super) fn row(&mut self) -> Result<Option<&[u8]>, FlowError> {
        let (from, to) = loop {
            let rest = self.text.get(self.start..).unwrap_or_default();
            if self.lenient.is_none() && memchr::memchr(b'\n', rest).is_some() {
                let lenient = memmem::find(rest, b"\r\n").is_none();
                if lenient {
                    "\n".clone_into(&mut self.row_end);
                }
                self.lenient = Some(lenient);
            }
            if let Some(length) = memmem::find(rest, self.row_end.as_bytes()) {
                let from = self.start;
                self.start += length + self.row_end.len();
                break (from, from + length);
            }
            if self.at_end {
                if rest.is_empty() {
                    return Ok(None);
                }
                let from = self.start;
                self.start = self.text.len();
                break (from, self.start);
            }
            if rest.len() > ROW_BYTES_MAX {
                let message = format!(
                    "the row has no end within {} MiB: RowTerminator {:?} is not what ends the file's rows",
                    ROW_BYTES_MAX >> 20,
                    self.row_end
                );
                // DTS_E_COLUMNDELIMITERNOTFOUND
                return Err(self.failure(Some(SsisCode(0xC020_2055)), self.number + 1, message));
            }
            self.fill()?;
        };
        self.number += 1;
        let row = self.text.get(from..to).unwrap_or_default();
        if self.lenient == Some(true) && row.last() == Some(&b'\r') {
            let message = "the row ends in CR LF and those before it in LF: let all rows end alike";
            return Err(self.failure(None, self.number, message.to_owned()));
        }
        Ok(Some(row))
    }

    fn fill(&mut self) -> Result<(), FlowError> {
        self.text.drain(..self.start);
        self.start = 0;
        let first = self.number == 0 && self.text.is_empty();
        let count = self.file.read(&mut self.chunk).map_err(|error| {
            let message = format!("cannot be read: {error}");
            self.failure(None, self.number + 1, message)
        })?;
        self.at_end = count == 0;
        let bytes = self.chunk.get(..count).unwrap_or_default();
        self.decoder.decode(bytes, self.at_end, &mut self.text);
        let mark = "\u{FEFF}".as_bytes();
        if first && matches!(self.code_page, 65001 | 1200) && self.text.starts_with(mark) {
            self.text.drain(..mark.len());
        }
        Ok(())
    }
}

/// Puts the fields of a row into `fields`, `count` of them; how many there are if these are fewer.
pub(super) fn cut<'a>(
    row: &'a [u8],
    end: &memmem::Finder<'_>,
    count: usize,
    fields: &mut Vec<&'a [u8]>,
) -> Result<(), usize> {
    fields.clear();
    let mut rest = row;
    while fields.len() + 1 < count {
        let Some((field, after)) = end.find(rest).and_then(|at| {
            let (field, after) = rest.split_at_checked(at)?;
            Some((field, after.get(end.needle().len()..)?))
        }) else {
            return Err(fields.len() + 1);
        };
        fields.push(field);
        rest = after;
    }
    fields.push(rest);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(row: &str, end: &str, count: usize) -> Result<Vec<String>, usize> {
        let mut found = Vec::new();
        cut(row.as_bytes(), &memmem::Finder::new(end), count, &mut found)?;
        let texts = found.iter().map(|field| String::from_utf8_lossy(field));
        Ok(texts.map(|text| text.into_owned()).collect())
    }

    #[test]
    fn terminators_cut_whatever_stands_around_them() {
        assert_eq!(fields("\"a,b\",c", ",", 3).unwrap(), ["\"a", "b\"", "c"]);
        assert_eq!(fields("a||b|c", "||", 2).unwrap(), ["a", "b|c"]);
        assert_eq!(fields("a,b,c", ",", 2).unwrap(), ["a", "b,c"]);
        assert_eq!(fields(",", ",", 2).unwrap(), ["", ""]);
        assert_eq!(fields("a,b", ",", 3), Err(2));
        assert_eq!(fields("", ",", 1).unwrap(), [""]);
    }

    #[expect(clippy::disallowed_methods, reason = "a test makes its own file")]
    fn rows(bytes: &[u8], page: u32, end: &str) -> (Vec<String>, Option<String>) {
        let folder = std::env::temp_dir().join(format!("bulk-{}", uuid::Uuid::new_v4()));
        std::fs::write(&folder, bytes).unwrap();
        let page = CodePage::from_number(page).unwrap();
        let mut reader = RowReader::open("T", &folder, &page, end).unwrap();
        std::fs::remove_file(&folder).unwrap();
        let mut rows = Vec::new();
        loop {
            match reader.row() {
                Ok(Some(row)) => rows.push(String::from_utf8_lossy(row).into_owned()),
                Ok(None) => return (rows, reader.warning()),
                Err(error) => {
                    rows.push(format!("row {:?}: {}", error.row, error.message));
                    return (rows, reader.warning());
                }
            }
        }
    }

    #[test]
    fn rows_of_files() {
        assert_eq!(rows(b"a\r\nb\nc\r\n", 1252, "\r\n").0, ["a", "b\nc"]);
        assert_eq!(rows(b"a\r\n\r\nb", 1252, "\r\n").0, ["a", "", "b"]);
        assert_eq!(rows(b"\xe4;b;", 1252, ";").0, ["ä", "b"]);
        assert_eq!(rows(b"\xff\xfea\0\n\0\xac\x20", 1200, "\n").0, ["a", "€"]);
        assert_eq!(rows(b"\xef\xbb\xbfa", 65001, "\n").0, ["a"]);
        let (found, warning) = rows(b"a\nb\n", 1252, "\r\n");
        assert_eq!(found, ["a", "b"]);
        assert!(warning.unwrap().contains("read by LF"));
        let (found, _) = rows(b"a\nb\r\n", 1252, "\n");
        assert_eq!(found, ["a", "b\r"]);
        let long = "x".repeat(CHUNK - 1) + "\r\ny\r\n";
        assert_eq!(rows(long.as_bytes(), 1252, "\r\n").0.len(), 2);
    }
}
