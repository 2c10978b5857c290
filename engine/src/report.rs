//! What a run leaves: the outcome of each task, and for data flows the rows of each path and the time of each component.

use std::{collections::HashMap, time::Duration};

use fletching_expression::Scalar;

use crate::{Rounds, RunError, control_flow::ExecutionResult};

#[derive(Debug, Clone, Default)]
pub struct RunReport {
    pub package: String,
    pub result: ExecutionResult,
    /// What was raised as OnError, in this order; a package may succeed in spite of it.
    pub errors: Vec<RunError>,
    /// In the order in which they first ended, those that did not run when their container ended; one for each task,
    /// however many rounds of a loop it had.
    pub tasks: Vec<TaskOutcome>,
    /// Where in `tasks` the outcome of a path is.
    pub(crate) places: HashMap<String, usize>,
    pub elapsed: Duration,
    /// Variables that components have set (Row Count, Recordset), and their values as text.
    pub variables: Vec<(String, String)>,
    /// What was raised as OnWarning, each text once.
    pub warnings: Vec<String>,
    /// More than were kept.
    pub(crate) left_out: u64,
}

/// Errors and warnings that a report keeps, each. Whoever listens to events, a log among them, has all.
pub(crate) const KEPT_MAX: usize = 1000;

impl RunReport {
    pub(crate) fn warn(&mut self, message: String) {
        if self.warnings.contains(&message) {
            return;
        }
        match self.warnings.len() < KEPT_MAX {
            true => self.warnings.push(message),
            false => self.left_out += 1,
        }
    }

    /// Says what it has left out.
    pub(crate) fn close(&mut self) {
        let count = std::mem::take(&mut self.left_out);
        if count > 0 {
            let message = format!(
                "{count} more errors and warnings than the {KEPT_MAX} of each that a report keeps: a log of the package has all"
            );
            self.warnings.push(message);
        }
    }

    /// Of a run that was stopped from outside.
    pub fn canceled(package: &str) -> Self {
        Self {
            package: package.to_owned(),
            result: ExecutionResult::Canceled,
            ..Self::default()
        }
    }

    /// Of a run that could not begin.
    pub(crate) fn failed(package: &str, error: RunError) -> Self {
        Self {
            package: package.to_owned(),
            result: ExecutionResult::Failure,
            errors: vec![error],
            ..Self::default()
        }
    }

    /// The report of a package that succeeded.
    ///
    /// # Errors
    /// The first error of one that did not.
    pub fn succeeded(self) -> Result<Self, RunError> {
        match self.result {
            ExecutionResult::Success => Ok(self),
            ExecutionResult::Canceled => Err(RunError::Cancelled),
            ExecutionResult::Failure => Err(match self.errors.into_iter().next() {
                Some(error) => error,
                None => RunError::Failed {
                    package: self.package,
                },
            }),
        }
    }
}

#[derive(Debug, Clone)]
pub struct TaskOutcome {
    /// Path of the task.
    pub path: String,
    /// What it did, in all rounds; Failed, Skipped or Disabled where it never did anything else.
    pub result: TaskResult,
    /// Of all rounds.
    pub elapsed: Duration,
    pub rounds: Rounds,
    /// Why it did not run when it last did not.
    pub not_run: Option<String>,
}

impl TaskOutcome {
    /// Of one round.
    pub(crate) fn new(path: String, result: TaskResult, elapsed: Duration) -> Self {
        Self {
            path,
            rounds: Rounds::of(&result),
            not_run: match &result {
                TaskResult::Skipped(why) => Some(why.clone()),
                _ => None,
            },
            result,
            elapsed,
        }
    }
}

/// What a task did.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum TaskResult {
    Disabled,
    /// Its precedence constraints did not let it run, or the package had failed: why.
    Skipped(String),
    /// Its errors are among those of the run.
    Failed,
    Flow(FlowReport),
    Sql(SqlReport),
    Expression,
    Bulk(BulkReport),
    /// The tasks of the package that it ran come before it, with their own results.
    Package(PackageReport),
    Process(ProcessReport),
    Files(FileReport),
    /// A message went to a server.
    Sent,
    /// The CDC state that a CDC Control task left.
    CdcState(String),
    /// A task of the caller's own did what it does.
    Custom,
}

impl TaskResult {
    /// What goes to ExecValueVariable (spec `ssis-matrix.md` section 8); `None` for tasks that have no such value.
    pub(crate) fn execution_value(&self) -> Option<Scalar> {
        let count = |rows: u64| Some(Scalar::from(i64::try_from(rows).unwrap_or(i64::MAX)));
        match self {
            Self::Sql(sql) => count(sql.rows_affected),
            Self::Bulk(bulk) => count(bulk.rows),
            Self::Process(process) => Some(Scalar::from(i64::from(process.exit_code))),
            Self::Disabled
            | Self::Skipped(_)
            | Self::Failed
            | Self::Flow(_)
            | Self::Expression
            | Self::Files(_)
            | Self::Sent
            | Self::CdcState(_)
            | Self::Custom
            | Self::Package(_) => None,
        }
    }

    /// What it means for the constraints after the task.
    pub(crate) fn execution_result(&self) -> ExecutionResult {
        match self {
            Self::Package(package) => package.result,
            Self::Failed => ExecutionResult::Failure,
            _ => ExecutionResult::Success,
        }
    }
}

/// What an Execute Package task did.
#[derive(Debug, Clone)]
pub struct PackageReport {
    /// Name of the package that it ran: `Load.dtsx`.
    pub package: String,
    pub result: ExecutionResult,
}

/// What an Execute SQL task did.
#[derive(Debug, Clone, Default)]
pub struct SqlReport {
    pub statements: u64,
    pub rows_affected: u64,
    /// Rows of the result that was kept; `None` if none was.
    pub rows: Option<u64>,
}

/// What a Bulk Insert task did.
#[derive(Debug, Clone, Copy, Default)]
pub struct BulkReport {
    pub rows: u64,
    /// Bad rows, which MaximumErrors lets pass.
    pub skipped: u64,
}

/// What an Execute Process task did.
#[derive(Debug, Clone, Default)]
pub struct ProcessReport {
    /// The file that was run.
    pub program: String,
    pub exit_code: i32,
}

/// What a task did with files: copied, moved, made, deleted.
#[derive(Debug, Clone, Copy, Default)]
pub struct FileReport {
    pub files: u64,
    pub folders: u64,
}

#[derive(Debug, Clone, Default)]
pub struct FlowReport {
    /// In the order rows travel.
    pub components: Vec<ComponentReport>,
}

#[derive(Debug, Clone)]
pub struct ComponentReport {
    pub name: String,
    pub class: String,
    /// 0 for a source.
    pub rows_in: u64,
    pub outputs: Vec<OutputReport>,
    pub redirected: u64,
    /// Ended here by a named rule (unconnected output, duplicate removed).
    pub dropped: u64,
    /// Rows written by a destination.
    pub written: Option<u64>,
    /// CPU time of its operators, summed over threads.
    pub elapsed: Duration,
}

#[derive(Debug, Clone)]
pub struct OutputReport {
    pub name: String,
    pub rows: u64,
    /// Name of the component that the path leads to; `None` if there is no path.
    pub leads_to: Option<String>,
}
