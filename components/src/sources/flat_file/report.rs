//! The failing cells of a morsel.

use dtsx::SsisCode;
use fletching_expression::text::ParseError;

/// The text is not a value of the type.
pub const CANNOT_CONVERT: SsisCode = SsisCode(0xC020_9084);
/// The text is longer than the column.
pub const TRUNCATED: SsisCode = SsisCode(0xC020_9085);
/// A negative value for an unsigned type.
pub const SIGN_MISMATCH: SsisCode = SsisCode(0xC020_9086);
/// The value is outside the range of the type.
pub const DATA_OVERFLOW: SsisCode = SsisCode(0xC020_9087);

/// A cell that failed: NULL in the batch, or the cut value for a truncation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CellError {
    /// In the batch.
    pub row: u32,
    /// In the output columns of the layout.
    pub column: u32,
    /// What an ErrorCode column holds.
    pub code: SsisCode,
    /// Whether the truncation disposition applies; else the error disposition.
    pub truncation: bool,
}

/// Collects what the kernels meet while they decode one morsel.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) errors: Vec<CellError>,
    /// Non-zero digits of fractions of a second finer than the array can hold.
    pub(super) dropped_digits: u64,
    /// The output column at work.
    pub(super) column: u32,
}

impl Report {
    #[cold]
    pub(super) fn fail(&mut self, row: usize, code: SsisCode) {
        self.push(row, code, false);
    }

    #[cold]
    pub(super) fn truncate(&mut self, row: usize) {
        self.push(row, TRUNCATED, true);
    }

    fn push(&mut self, row: usize, code: SsisCode, truncation: bool) {
        self.errors.push(CellError {
            row: row as u32,
            column: self.column,
            code,
            truncation,
        });
    }

    /// By row, then column.
    pub(super) fn into_errors(mut self) -> Vec<CellError> {
        self.errors.sort_unstable();
        self.errors
    }
}

/// The code of a text that does not parse.
pub(super) fn code_of(error: ParseError) -> SsisCode {
    match error {
        ParseError::Syntax => CANNOT_CONVERT,
        ParseError::Overflow => DATA_OVERFLOW,
        ParseError::SignMismatch => SIGN_MISMATCH,
    }
}
