//! What a data flow leaves behind when it succeeds: files to commit, variables to set. Nothing of it is visible before.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use dtsx::SsisCode;
use fletching_connections::{Files, StagedFile};
use parking_lot::Mutex;

use super::FlowError;

/// A value that a component hands to the control flow once its last row has passed.
#[derive(Debug, Clone)]
pub enum RunOutput {
    /// Row Count: the component, its variable and the number of rows (semantics 5.3).
    RowCount {
        component: String,
        variable: String,
        rows: u64,
    },
    /// Recordset destination: the component, its variable and its batches.
    Recordset {
        component: String,
        variable: String,
        schema: SchemaRef,
        batches: Arc<Vec<RecordBatch>>,
    },
}

/// Makes something visible when the whole data flow has succeeded; dropped unused, it leaves nothing behind.
type Commit = Box<dyn FnOnce() -> Result<(), FlowError> + Send>;

/// Says what a component hands over, once the flow has succeeded.
type Outcome = Box<dyn FnOnce() -> RunOutput + Send>;

/// Collected during a run, carried out by the engine when *all* plans of the data flow have succeeded.
#[derive(Default)]
pub struct RunState {
    commits: Mutex<Vec<Commit>>,
    outcomes: Mutex<Vec<Outcome>>,
    warnings: Mutex<Vec<(String, String)>>,
    /// Files that this data flow writes, with the component that does.
    claims: Mutex<Vec<(PathBuf, String)>>,
}

impl std::fmt::Debug for RunState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunState")
            .field("commits", &self.commits.lock().len())
            .finish_non_exhaustive()
    }
}

impl RunState {
    /// A finished file of the component at `path`: put in place when the flow succeeds, else removed.
    pub fn stage(&self, path: &str, file: StagedFile) {
        let path = path.to_owned();
        self.on_commit(move || {
            file.commit()
                .map_err(|error| FlowError::new(path, Some(error.code()), error.to_string()))
        });
    }

    /// Notes that the component at `path` will write `file`.
    ///
    /// # Errors
    /// Another component does: of two files staged for one place the first would be lost.
    pub fn claim(&self, path: &str, file: &Path, files: &dyn Files) -> Result<(), FlowError> {
        // A file that is not there yet is known by its folder.
        let by_folder = || {
            Some(
                files
                    .canonical(file.parent()?)
                    .ok()?
                    .join(file.file_name()?),
            )
        };
        let real = files.canonical(file).ok().or_else(by_folder);
        let real = real.unwrap_or_else(|| file.to_owned());
        let mut claims = self.claims.lock();
        if let Some((_, other)) = claims.iter().find(|(claimed, _)| *claimed == real) {
            let message = format!(
                "{other} writes the same file in this data flow: give one of them another file, or unite their rows before"
            );
            let code = Some(SsisCode(0xC020_200E)); // DTS_E_CANNOTOPENDATAFILE
            return Err(FlowError::new(path, code, message).with_file(file.display().to_string()));
        }
        claims.push((real, path.to_owned()));
        Ok(())
    }

    /// Carried out when the flow succeeds, in the order given.
    pub fn on_commit(&self, commit: impl FnOnce() -> Result<(), FlowError> + Send + 'static) {
        self.commits.lock().push(Box::new(commit));
    }

    /// As [`on_commit`](Self::on_commit), before all that are there: for what may well fail, so that nothing else is in
    /// place when it does.
    pub fn on_commit_first(&self, commit: impl FnOnce() -> Result<(), FlowError> + Send + 'static) {
        self.commits.lock().insert(0, Box::new(commit));
    }

    /// Asked for its output when the flow has succeeded.
    pub fn on_success(&self, outcome: impl FnOnce() -> RunOutput + Send + 'static) {
        self.outcomes.lock().push(Box::new(outcome));
    }

    /// A counter of the component at `path`, whose final value goes to a variable when the flow succeeds.
    pub fn count(&self, path: &str, variable: &str) -> Arc<AtomicU64> {
        let counter = Arc::new(AtomicU64::new(0));
        let rows = Arc::clone(&counter);
        let (component, variable) = (path.to_owned(), variable.to_owned());
        self.on_success(move || RunOutput::RowCount {
            component,
            variable,
            rows: rows.load(Ordering::Relaxed),
        });
        counter
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
        std::mem::take(&mut *self.warnings.lock())
            .into_iter()
            .map(|(_, message)| message)
            .collect()
    }

    /// Puts everything in place; the first failure stops, what is not yet in place is removed.
    pub fn commit(&self) -> Result<(), FlowError> {
        let commits = std::mem::take(&mut *self.commits.lock());
        commits.into_iter().try_for_each(|commit| commit())
    }

    pub fn take_outputs(&self) -> Vec<RunOutput> {
        std::mem::take(&mut *self.outcomes.lock())
            .into_iter()
            .map(|outcome| outcome())
            .collect()
    }
}
