//! The layout of a file that is written: from the flat file connection manager and the destination's own properties.

use dtsx::{ConnectionManager, DataType, FlatFileColumnType};

use super::{code_page::TextEncoding, error::LayoutError};

/// Everything that decides the bytes of a flat file.
#[derive(Debug, Clone)]
pub struct FlatFileOutputLayout {
    pub encoding: TextEncoding,
    /// In the order of the file.
    pub columns: Vec<FlatFileOutputColumn>,
    /// Empty for none.
    pub text_qualifier: String,
    /// Doubles a qualifier inside a qualified value.
    pub escape_qualifier: bool,
    /// The destination's Header text, written first and followed by `header_row_delimiter`; empty for none.
    pub header: String,
    pub header_row_delimiter: String,
    pub column_names_in_first_row: bool,
    /// Writes `?` for characters that the code page lacks.
    pub lossy: bool,
}

#[derive(Debug, Clone)]
pub struct FlatFileOutputColumn {
    pub name: String,
    pub shape: ColumnShape,
    pub text_qualified: bool,
    /// Type of the column in the file: its text length is a limit.
    pub data_type: DataType,
    /// Position of the input column that is mapped to it; an unmapped column is written as NULL.
    pub source: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnShape {
    Delimited(String),
    FixedWidth(u32),
}

impl FlatFileOutputLayout {
    /// The layout that a FLATFILE connection manager states. The destination adds `header`, `escape_qualifier` and the
    /// columns' `source`.
    ///
    /// # Errors
    /// [`LayoutError`] for a code page or format that is not known, or no columns.
    pub fn read(manager: &ConnectionManager) -> Result<Self, LayoutError> {
        let properties = &manager.properties;
        let text = |name: &str| properties.get(name).unwrap_or_default();
        let fixed = match text("Format").to_ascii_lowercase().as_str() {
            "fixedwidth" => true,
            "" | "delimited" | "raggedright" | "mixed" => false,
            other => return Err(LayoutError::UnknownFormat(other.to_owned())),
        };
        if manager.flat_file_columns.is_empty() {
            return Err(LayoutError::NoColumns);
        }
        let columns: Vec<_> = manager
            .flat_file_columns
            .iter()
            .map(|column| FlatFileOutputColumn {
                name: column.name.clone(),
                shape: match column.column_type {
                    FlatFileColumnType::FixedWidth => ColumnShape::FixedWidth(column.width),
                    _ if fixed => ColumnShape::FixedWidth(column.width),
                    _ => ColumnShape::Delimited(column.delimiter.clone()),
                },
                text_qualified: column.text_qualified,
                data_type: column.data_type,
                source: None,
            })
            .collect();
        let row_delimiter = match columns.last().map(|column| &column.shape) {
            Some(ColumnShape::Delimited(delimiter)) => delimiter.clone(),
            _ => text("RowDelimiter").to_owned(),
        };
        let encoding = if properties.bool("Unicode").unwrap_or(false) {
            TextEncoding::Utf16Le
        } else {
            let code_page = properties.int("CodePage").unwrap_or(0);
            TextEncoding::from_code_page(u32::try_from(code_page).unwrap_or(u32::MAX))?
        };
        Ok(Self {
            encoding,
            text_qualifier: match text("TextQualifier") {
                "<none>" | "none" => String::new(),
                qualifier => qualifier.to_owned(),
            },
            escape_qualifier: false,
            header: String::new(),
            header_row_delimiter: match text("HeaderRowDelimiter") {
                "" => row_delimiter,
                delimiter => delimiter.to_owned(),
            },
            column_names_in_first_row: properties
                .bool("ColumnNamesInFirstDataRow")
                .unwrap_or(false),
            lossy: false,
            columns,
        })
    }
}
