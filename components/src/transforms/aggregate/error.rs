//! What can be wrong with an aggregate.

use datafusion_common::DataFusionError;
use dtsx::SsisCode;

use super::Operation;
use crate::flow::FlowError;

const ARITHMETIC_OVERFLOW: SsisCode = SsisCode(0xC020_9011);
const INVALID_INPUT_TYPE: SsisCode = SsisCode(0xC020_8203);
const INVALID_OUTPUT_TYPE: SsisCode = SsisCode(0xC020_8202);

/// Settings that no aggregate can run with, and results that cannot be represented.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AggregateError {
    /// A column that the input does not have, or none where one is needed.
    #[error(
        "column `{name}` ({operation:?}) needs one of the {columns} input columns, found {found:?}"
    )]
    NoSuchColumn {
        /// Output column.
        name: String,
        /// Its operation.
        operation: Operation,
        /// The index given.
        found: Option<usize>,
        /// Columns of the input.
        columns: usize,
    },
    /// An operation that the type of its input column does not have.
    #[error("column `{name}`: {operation:?} of a column of type {found} is not possible")]
    InputType {
        /// Output column.
        name: String,
        /// Its operation.
        operation: Operation,
        /// Type of the input column.
        found: String,
    },
    /// A declared type that cannot hold the operation's result.
    #[error("column `{name}`: {operation:?} of a column of type {input} cannot be {declared}")]
    OutputType {
        /// Output column.
        name: String,
        /// Its operation.
        operation: Operation,
        /// Type of the input column.
        input: String,
        /// Type that the output column declares.
        declared: String,
    },
    /// The schema of the output is not that of the settings.
    #[error(
        "the aggregate's output schema differs from its settings at column {column}: {found} where {wanted} is set"
    )]
    Schema {
        /// Index of the column.
        column: usize,
        /// What the schema has.
        found: String,
        /// What the settings have.
        wanted: String,
    },
    /// A result beyond its declared type.
    #[error("column `{name}`: a result does not fit {declared}; declare a wider type")]
    Overflow {
        /// Output column.
        name: String,
        /// Type that the output column declares.
        declared: String,
    },
    /// One group's state alone is larger than the memory allowed.
    #[error(
        "the aggregate cannot divide its groups further to fit memory: raise the memory limit ({refused})"
    )]
    TooLarge {
        /// What the memory pool said.
        refused: String,
    },
}

impl AggregateError {
    /// The code of SSIS for it, if it has one.
    pub fn code(&self) -> Option<SsisCode> {
        match self {
            Self::InputType { .. } => Some(INVALID_INPUT_TYPE),
            Self::OutputType { .. } => Some(INVALID_OUTPUT_TYPE),
            Self::Overflow { .. } => Some(ARITHMETIC_OVERFLOW),
            _ => None,
        }
    }

    /// An error of this kind with the path of its component; any other as it is.
    pub(super) fn located(error: DataFusionError, path: &str) -> DataFusionError {
        match &error {
            DataFusionError::External(inner) => match inner.downcast_ref::<Self>() {
                Some(found) => FlowError::new(path, found.code(), found.to_string()).into(),
                None => error,
            },
            _ => error,
        }
    }
}

impl From<AggregateError> for DataFusionError {
    fn from(error: AggregateError) -> Self {
        Self::External(Box::new(error))
    }
}
