//! The settings of a flat file: what the connection manager and the source's output columns say, typed.

use dtsx::{DataType, Disposition};

/// How rows and columns are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Format {
    /// Each column ends at its delimiter.
    #[default]
    Delimited,
    /// Each column has a width; nothing stands between columns or rows.
    FixedWidth,
    /// Each column has a width but the last, which ends at the row delimiter. Fixed width with row delimiters is this
    /// with a dummy last column.
    RaggedRight,
}

/// How one column ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ColumnType {
    /// At its delimiter.
    #[default]
    Delimited,
    /// After its width.
    FixedWidth,
}

/// How the bytes of the file become characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// A Windows code page, 65001 for UTF-8.
    CodePage(u32),
    /// `Unicode=True`.
    Utf16Le,
}

/// A column of the file, decoded or not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileColumn {
    pub name: String,
    /// Unescaped; that of the last column ends the row.
    pub delimiter: String,
    /// In characters of the file: bytes in a single-byte code page, UTF-16 code units with `Unicode=True`.
    pub width: u32,
    pub text_qualified: bool,
    pub column_type: ColumnType,
}

/// A column of the source's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodedColumn {
    /// Index in [`FlatFileLayout::file_columns`].
    pub file_column: usize,
    pub name: String,
    pub data_type: DataType,
    /// Read integers, dates and times locale-neutrally (semantics 9.10).
    pub fast_parse: bool,
    /// Take the bytes of the file as they are into DT_BYTES.
    pub use_binary_format: bool,
    pub error: Disposition,
    pub truncation: Disposition,
}

/// The settings of a flat file. Immutable; shared by all threads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlatFileLayout {
    pub format: Format,
    pub encoding: Encoding,
    /// Rows at the start of the file to pass over, cut at [`Self::header_row_delimiter`], qualifiers ignored.
    pub header_rows_to_skip: u64,
    pub header_row_delimiter: String,
    /// Whether one data row after the header rows holds names.
    pub column_names_in_first_data_row: bool,
    /// Data rows to pass over after that.
    pub data_rows_to_skip: u64,
    /// The delimiter of the last column; empty for [`Format::FixedWidth`].
    pub row_delimiter: String,
    /// `None` or empty for none; may be of several characters.
    pub text_qualifier: Option<String>,
    /// Whether a row delimiter in unqualified data ends the row early (semantics 9.6).
    pub always_check_for_row_delimiters: bool,
    /// Whether an empty field is NULL; else it is the default of its type (semantics 9.9).
    pub retain_nulls: bool,
    /// The locale of standard parsing.
    pub locale_id: u32,
    /// All columns of the file, in file order.
    pub file_columns: Vec<FileColumn>,
    /// The columns to decode, in output order.
    pub output_columns: Vec<DecodedColumn>,
}
