//! What can be wrong with a sort before any row moves.

use dtsx::SsisCode;

/// Settings that no sort can run with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SortError {
    /// No column is a key.
    #[error(
        "{}: a sort needs at least one key column; mark one with NewSortKeyPosition",
        SsisCode(0xC020_8009)
    )]
    NoKeys,
    /// A key or output column that the input does not have.
    #[error("the sort names input column {column}, but its input has {columns} columns")]
    NoSuchColumn {
        /// The index asked for.
        column: usize,
        /// Columns of the input.
        columns: usize,
    },
    /// The output declares another number of columns than are passed through.
    #[error("the sort passes {passed} columns through, but its output declares {declared}")]
    ColumnCount {
        /// Columns in the settings.
        passed: usize,
        /// Columns of the output schema.
        declared: usize,
    },
    /// The output declares another type than the input column has.
    #[error(
        "output column `{name}` of the sort is declared as {declared}, but the input column is {found}"
    )]
    ColumnType {
        /// Name of the output column.
        name: String,
        /// Type in the output schema.
        declared: String,
        /// Type of the input column.
        found: String,
    },
}
