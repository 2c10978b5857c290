//! What can be wrong with a flat file or with its settings.

use dtsx::SsisCode;
use fletching_expression::{code_page::UnknownCodePage, text::UnknownLocale};

/// Settings that describe no readable file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    #[error("the flat file has no columns; define them in the connection manager")]
    NoColumns,
    #[error(
        "output column `{column}` reads file column {file_column}, but the file has {count} columns"
    )]
    NoSuchFileColumn {
        column: String,
        file_column: usize,
        count: usize,
    },
    #[error(
        "column `{column}` has neither a delimiter nor a width; set one in the connection manager"
    )]
    NoDelimiter { column: String },
    #[error(
        "column `{column}` of a fixed width file has width 0; set its width in the connection manager"
    )]
    NoWidth { column: String },
    #[error(
        "HeaderRowsToSkip is {rows} but HeaderRowDelimiter is empty; set the delimiter in the connection manager"
    )]
    NoHeaderRowDelimiter { rows: u64 },
    #[error(
        "`{text}` cannot be written in code page {code_page}; choose a delimiter or qualifier that can"
    )]
    NotInCodePage { text: String, code_page: u32 },
    #[error(
        "a text qualifier may not be part of the delimiter `{delimiter}`; choose another qualifier"
    )]
    QualifierInDelimiter { delimiter: String },
    #[error(
        "column `{column}` uses the binary format, which needs type DT_BYTES; it has {data_type}"
    )]
    BinaryFormatType { column: String, data_type: String },
    #[error(
        "column `{column}` uses the binary format, which needs UTF-8 or a single-byte code page; the file has code page {code_page}"
    )]
    BinaryFormatEncoding { column: String, code_page: u32 },
    #[error("column `{column}` has type {data_type}, which no text can be read as")]
    Type { column: String, data_type: String },
    #[error(transparent)]
    CodePage(#[from] UnknownCodePage),
    #[error(transparent)]
    Locale(#[from] UnknownLocale),
    #[error("{name} is {value}; it must be between {least} and {most}")]
    Limit {
        name: &'static str,
        value: usize,
        least: usize,
        most: usize,
    },
}

/// A row that cannot be told apart from the next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// The qualifier that ends a field is followed by something other than a delimiter.
    #[error(
        "the column delimiter for column {column} was not found: a text qualifier at byte {offset} is followed by other text; double it if it is part of the data"
    )]
    StrayQualifier { column: usize, offset: u64 },
    /// A qualified field does not end.
    #[error(
        "the text qualifier that ends column {column} was not found; the field starts at byte {offset}"
    )]
    OpenQualifier { column: usize, offset: u64 },
}

impl SplitError {
    /// The code SSIS reports.
    pub fn code(&self) -> SsisCode {
        match self {
            Self::StrayQualifier { .. } => SsisCode::COLUMN_DELIMITER_NOT_FOUND,
            // DTS_E_TEXTQUALIFIERNOTFOUND
            Self::OpenQualifier { .. } => SsisCode(0xC020_2011),
        }
    }

    /// The same error, `base` bytes further into the file.
    pub(super) fn at(self, base: u64) -> Self {
        match self {
            Self::StrayQualifier { column, offset } => Self::StrayQualifier {
                column,
                offset: offset + base,
            },
            Self::OpenQualifier { column, offset } => Self::OpenQualifier {
                column,
                offset: offset + base,
            },
        }
    }
}

/// A file that cannot be cut into rows.
#[derive(Debug, thiserror::Error)]
pub enum CutError {
    #[error("reading the flat file failed at byte {offset}: {source}")]
    Read { offset: u64, source: std::io::Error },
    #[error(
        "the row that starts at byte {offset} is longer than {limit} bytes; check the row delimiter, or raise the limit"
    )]
    RowTooLong { offset: u64, limit: usize },
    #[error(
        "the file starts with a byte order mark of UTF-16, high byte first; only low byte first is read: convert the file"
    )]
    ByteOrder,
    #[error(
        "the rows before byte {offset} end in LF, this one in CR LF, and the connection manager says CR LF: make the row ends of the file alike"
    )]
    MixedRowEnds { offset: u64 },
    #[error(transparent)]
    Split(#[from] SplitError),
}

/// A morsel that cannot be decoded.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    #[error(transparent)]
    Split(#[from] SplitError),
    #[error("the columns do not form a batch: {0}")]
    Arrow(#[from] arrow::error::ArrowError),
    /// A morsel that a [`super::Cutter`] of other settings made.
    #[error("a morsel of {length} bytes is larger than the {limit} that can be addressed")]
    MorselTooLarge { length: usize, limit: usize },
}

impl CutError {
    /// The code SSIS reports, where one exists.
    pub fn code(&self) -> Option<SsisCode> {
        match self {
            Self::Split(error) => Some(error.code()),
            Self::Read { .. }
            | Self::RowTooLong { .. }
            | Self::ByteOrder
            | Self::MixedRowEnds { .. } => None,
        }
    }
}

impl DecodeError {
    /// The code SSIS reports, where one exists.
    pub fn code(&self) -> Option<SsisCode> {
        match self {
            Self::Split(error) => Some(error.code()),
            Self::Arrow(_) | Self::MorselTooLarge { .. } => None,
        }
    }
}
