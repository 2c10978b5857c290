//! What a data flow leaves behind when it succeeds: files to commit, variables to set. Nothing of it is visible before.

use std::sync::Arc;

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use fletching_connections::StagedFile;
use parking_lot::Mutex;

/// A value that a component hands to the control flow once its last row has passed.
#[derive(Debug, Clone)]
pub enum RunOutput {
    /// Row Count: the variable and the number of rows (semantics 5.3).
    RowCount { variable: String, rows: u64 },
    /// Recordset destination: the variable and its batches.
    Recordset { variable: String, schema: SchemaRef, batches: Arc<Vec<RecordBatch>> },
}

/// Collected during a run, taken by the engine when *all* plans of the data flow have succeeded. If one fails, dropping
/// it removes every staged file.
#[derive(Debug, Default)]
pub struct RunState {
    staged: Mutex<Vec<StagedFile>>,
    outputs: Mutex<Vec<RunOutput>>,
    warnings: Mutex<Vec<(String, String)>>,
}

impl RunState {
    pub fn stage(&self, file: StagedFile) {
        self.staged.lock().push(file);
    }

    pub fn set(&self, output: RunOutput) {
        self.outputs.lock().push(output);
    }

    /// What the user should know although the run goes on.
    pub fn warn(&self, message: impl Into<String>) {
        self.warnings.lock().push((String::new(), message.into()));
    }

    /// As [`warn`](Self::warn), the first time for a key only.
    pub fn warn_once(&self, key: &str, message: impl Into<String>) {
        let mut warnings = self.warnings.lock();
        if !warnings.iter().any(|(known, _)| known == key) {
            warnings.push((key.to_owned(), message.into()));
        }
    }

    pub fn take_warnings(&self) -> Vec<String> {
        std::mem::take(&mut *self.warnings.lock()).into_iter().map(|(_, message)| message).collect()
    }

    /// Files in the order in which they were finished.
    pub fn take_staged(&self) -> Vec<StagedFile> {
        std::mem::take(&mut *self.staged.lock())
    }

    pub fn take_outputs(&self) -> Vec<RunOutput> {
        std::mem::take(&mut *self.outputs.lock())
    }
}
