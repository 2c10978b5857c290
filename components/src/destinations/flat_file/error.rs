//! What can be wrong with a layout, and with a value.

use std::fmt;

use arrow::datatypes::DataType as ArrowType;
use dtsx::SsisCode;
use fletching_expression::format::FormatError;

/// A flat file connection manager that cannot be written, found before any row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    #[error("the flat file connection manager has no columns; define them on its Advanced page")]
    NoColumns,
    #[error(
        "code page {0} is not supported; use 65001 (UTF-8), 1200 (Unicode) or an ANSI or OEM code page"
    )]
    UnknownCodePage(u32),
    #[error(
        "{what}: code page {code_page} has no `{character}`; choose another text or code page 65001"
    )]
    NotInCodePage {
        what: String,
        character: char,
        code_page: u32,
    },
    #[error("format `{0}` is not one of Delimited, FixedWidth, RaggedRight, Mixed")]
    UnknownFormat(String),
    #[error("column `{0}` has a width of 0; a fixed-width column needs one of at least 1")]
    NoWidth(String),
    #[error(
        "the name of column `{name}` is longer than its width of {width}; {}",
        SsisCode(0xC020_2095)
    )]
    NameTooLong { name: String, width: usize },
    #[error("column `{name}` takes input column {index}, but the input has {count}")]
    NoInputColumn {
        name: String,
        index: usize,
        count: usize,
    },
    #[error("input column `{name}` ({arrow}) does not say its SSIS type")]
    NoType { name: String, arrow: Box<ArrowType> },
}

/// A value that the file cannot take. `row` counts from 0 within the batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodeError {
    pub row: usize,
    pub column: String,
    /// The value's text, cut to 100 characters.
    pub value: String,
    pub fault: EncodeFault,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeFault {
    #[error(
        "it is {len} {unit} long and the column takes {limit}; widen the column or cut the value before"
    )]
    TooLong {
        len: usize,
        limit: usize,
        unit: &'static str,
    },
    #[error(
        "code page {code_page} has no `{character}`; use code page 65001 or Unicode, or allow lossy conversion"
    )]
    NotInCodePage { character: char, code_page: u32 },
    #[error("{0}")]
    Carrier(FormatError),
}

impl EncodeError {
    /// `DTS_E_FAILEDCOLUMNDATACONVERSIONSTATUS`: what SSIS reports for text that is too long or not in the code page.
    pub fn code(&self) -> SsisCode {
        SsisCode::FAILED_COLUMN_DATA_CONVERSION_STATUS
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            row, value, fault, ..
        } = self;
        write!(
            f,
            "value `{value}` in row {} of its batch: {fault}",
            row + 1
        )
    }
}

impl std::error::Error for EncodeError {}
