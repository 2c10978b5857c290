//! Errors of a running data flow: always with the place in the package and, where there is one, the file, row and column.

use dtsx::SsisCode;

/// Stops a data flow. Travels through DataFusion as an external error and is unwrapped by the engine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}{}: {message}{}", place(.column, .row, .file), shown(.code))]
pub struct FlowError {
    /// Path of the component in the package.
    pub path: String,
    pub code: Option<SsisCode>,
    /// Found, wanted, and what to do.
    pub message: String,
    pub column: Option<String>,
    /// Counted from 1 as an editor shows it: the line of a file where the source is one.
    pub row: Option<u64>,
    pub file: Option<String>,
}

impl FlowError {
    pub fn new(
        path: impl Into<String>,
        code: Option<SsisCode>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            path: path.into(),
            code,
            message: message.into(),
            column: None,
            row: None,
            file: None,
        }
    }

    #[must_use]
    pub fn with_column(mut self, column: impl Into<String>) -> Self {
        self.column = Some(column.into());
        self
    }

    #[must_use]
    pub fn with_row(mut self, row: u64) -> Self {
        self.row = Some(row);
        self
    }

    #[must_use]
    pub fn with_file(mut self, file: impl Into<String>) -> Self {
        self.file = Some(file.into());
        self
    }
}

impl From<FlowError> for datafusion_common::DataFusionError {
    fn from(error: FlowError) -> Self {
        Self::External(Box::new(error))
    }
}

fn shown(code: &Option<SsisCode>) -> String {
    code.map(|code| format!(" [{code}]")).unwrap_or_default()
}

fn place(column: &Option<String>, row: &Option<u64>, file: &Option<String>) -> String {
    let mut text = String::new();
    if let Some(column) = column {
        text.push_str(&format!(", column `{column}`"));
    }
    if let Some(row) = row {
        text.push_str(&format!(", row {row}"));
    }
    if let Some(file) = file {
        text.push_str(&format!(", file {file}"));
    }
    text
}
