//! What a task is to the engine, and what the engine is to a task.
//!
//! ```text
//!  Executable ──property expressions──▶ copy ──class::new──▶ dyn Task ──check──▶ findings
//!                                                                     └─run───▶ TaskResult, events, variables
//! ```
//!
//! A task is made for one validation or one run. [`TaskHost`] is what it may look at in both, [`TaskRun`] what it may do
//! when it runs. Dropping the future of [`Task::run`] cancels the task: it leaves no thread that works on, no child
//! process and no half-written file.

use std::{fmt, ops::Deref, sync::Arc};

use async_trait::async_trait;
use dtsx::{DataType, Executable, ExecutableKind, SsisCode};
use fletching_components::{Finding, FindingKind, Findings, Variables, flow::FlowError};
use fletching_connections::{Connections, database::Sessions};
use fletching_expression::{Scalar, variable_advice};

use crate::{
    Event, EventKind, RunError, TaskResult,
    assigned_values::Handed,
    control_flow::{Executor, Frame},
    scoped_variables::ScopedVariables,
    state::PackageState,
};

/// A task with its settings.
#[async_trait]
pub(crate) trait Task: fmt::Debug + Send + Sync {
    /// What can be known before it runs. Opens nothing; blocks for nothing.
    ///
    /// # Errors
    /// [`RunError::Findings`] with all that is unsupported or wrong.
    fn check(&self, host: &TaskHost<'_>) -> Result<(), RunError>;

    /// The connection managers that it needs sessions of, for the transaction that it may be in.
    fn connections(&self) -> Vec<String> {
        Vec::new()
    }

    /// What cannot be within a transaction.
    fn check_transaction(&self, _host: &TaskHost<'_>) -> Vec<Finding> {
        Vec::new()
    }

    /// What is checked once more before it runs: all of it, unless its work begins with that.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    fn recheck(&self, host: &TaskHost<'_>) -> Result<(), RunError> {
        self.check(host)
    }

    /// Does the work. Work that blocks goes to a blocking thread.
    ///
    /// # Errors
    /// What stopped it: the control flow raises it as OnError.
    async fn run(&self, run: &TaskRun<'_>) -> Result<TaskResult, RunError>;
}

/// The package around a task.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TaskHost<'a> {
    pub(crate) state: &'a PackageState,
    /// The task, its property expressions evaluated.
    pub(crate) executable: &'a Executable,
}

impl TaskHost<'_> {
    pub(crate) fn path(&self) -> &str {
        &self.executable.path
    }

    /// The variables as the task sees them now.
    pub(crate) fn variables(&self) -> ScopedVariables {
        self.state.scope(&self.executable.path)
    }

    /// The value of a variable by name (`User::X`, `X`).
    ///
    /// # Errors
    /// That it is not in scope, or why it has no value: for a person.
    pub(crate) fn variable(&self, name: &str) -> Result<Scalar, String> {
        variable(&self.variables(), name)
    }

    /// That a variable is there, with or without a value.
    ///
    /// # Errors
    /// That it is not in scope.
    pub(crate) fn has_variable(&self, name: &str) -> Result<(), String> {
        let (namespace, bare) = crate::variables::split(name.trim());
        match self.variables().fault(namespace, bare) {
            Some(_) => Ok(()),
            None => self.variable(name).map(|_| ()),
        }
    }

    /// Whether a variable holds text, as far as that is known now.
    pub(crate) fn may_be_text(&self, name: &str) -> bool {
        let value = self.variable(name);
        value.map_or(true, |value| {
            matches!(
                value.data_type,
                DataType::WStr { .. }
                    | DataType::Str { .. }
                    | DataType::NText
                    | DataType::Text { .. }
            )
        })
    }

    /// The connection managers as they stand now.
    pub(crate) fn connections(&self) -> Result<Connections, RunError> {
        self.state.connections()
    }

    /// LCID of the task, or of the package.
    pub(crate) fn locale_id(&self) -> u32 {
        let package = self.state.root.properties.int("LocaleID");
        crate::prepare::locale(self.executable.properties.int("LocaleID"), package)
    }

    pub(crate) fn finding(
        &self,
        kind: FindingKind,
        code: Option<SsisCode>,
        message: impl Into<String>,
    ) -> Finding {
        finding(self.executable, kind, code, message)
    }

    /// A setting that SSIS would refuse too.
    pub(crate) fn invalid(&self, message: impl Into<String>) -> Finding {
        let code = Some(SsisCode::VALIDATION_FAILED);
        self.finding(FindingKind::Invalid, code, message)
    }

    /// A setting that is not supported.
    pub(crate) fn unsupported(&self, message: impl Into<String>) -> Finding {
        self.finding(FindingKind::Unsupported, None, message)
    }

    /// A failure of the task.
    pub(crate) fn failure(&self, code: Option<SsisCode>, message: impl Into<String>) -> RunError {
        self.failed(FlowError::new(self.path(), code, message))
    }

    pub(crate) fn failed(&self, error: FlowError) -> RunError {
        RunError::Flow {
            task: self.path().to_owned(),
            error: Box::new(error),
        }
    }
}

/// The value of a variable by name (`User::X`, `X`).
///
/// # Errors
/// That it is not in scope, or why it has no value: for a person.
pub(crate) fn variable(variables: &ScopedVariables, name: &str) -> Result<Scalar, String> {
    let (namespace, bare) = crate::variables::split(name.trim());
    variables
        .value(namespace, bare)
        .ok_or_else(|| match variables.fault(namespace, bare) {
            Some(why) => format!("variable `{name}` {why}"),
            None => {
                let advice = variable_advice(name.trim(), &variables.names());
                format!("variable `{name}` is not in scope{advice}")
            }
        })
}

/// About an executable.
pub(crate) fn finding(
    executable: &Executable,
    kind: FindingKind,
    code: Option<SsisCode>,
    message: impl Into<String>,
) -> Finding {
    let class = match executable.kind {
        ExecutableKind::Task(Some(class)) => class,
        ExecutableKind::ForLoop => "STOCK:FORLOOP",
        ExecutableKind::ForeachLoop => "STOCK:FOREACHLOOP",
        ExecutableKind::Sequence => "STOCK:SEQUENCE",
        _ => &executable.class_id,
    };
    Finding {
        path: executable.path.clone(),
        class: class.to_owned(),
        kind,
        code,
        message: message.into(),
    }
}

/// A task that runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TaskRun<'a> {
    pub(crate) host: TaskHost<'a>,
    pub(crate) executor: &'a Executor<'a>,
    pub(crate) frame: &'a Frame<'a>,
}

impl<'a> Deref for TaskRun<'a> {
    type Target = TaskHost<'a>;

    fn deref(&self) -> &Self::Target {
        &self.host
    }
}

impl TaskRun<'_> {
    /// The sessions of the transaction that the task is in, else those of the package.
    pub(crate) fn sessions(&self) -> Arc<Sessions> {
        self.frame.sessions()
    }

    /// Gives a variable its value.
    pub(crate) async fn assign(&self, (assignment, said): Handed) {
        self.executor.assign(self.frame, assignment, said).await;
    }

    /// Gives a variable a text, in the variable's own type.
    ///
    /// # Errors
    /// Why it cannot have that value: for a person.
    pub(crate) async fn assign_text(&self, name: &str, text: &str) -> Result<(), String> {
        let variables = self.state.variables();
        let assignment = variables.assigned(self.path(), name.trim(), text)?;
        let said = (name.trim().to_owned(), text.to_owned());
        self.assign((assignment, said)).await;
        Ok(())
    }

    /// Gives the value of the execution to ExecValueVariable, for a task that fails and has one all the same.
    pub(crate) async fn keep_value(&self, result: &TaskResult) {
        self.executor.keep_value(self.frame, result).await;
    }

    /// Raises OnInformation.
    pub(crate) async fn inform(&self, code: Option<SsisCode>, message: impl Into<String> + Send) {
        let event = Event::new(EventKind::Information, self.executable, message);
        self.executor.raise(self.frame, event.with_code(code)).await;
    }

    /// Raises OnWarning, and notes it in the report.
    pub(crate) async fn warn(&self, code: Option<SsisCode>, message: impl Into<String> + Send) {
        self.executor.warn(self.frame, code, message.into()).await;
    }

    /// Raises OnProgress.
    pub(crate) async fn progress(&self, percent: u32, message: impl Into<String> + Send) {
        let event = Event {
            percent,
            ..Event::new(EventKind::Progress, self.executable, message)
        };
        self.executor.raise(self.frame, event).await;
    }

    /// Whether anybody wants log entries of this name.
    pub(crate) fn asks_for(&self, entry: &'static str) -> bool {
        self.executor.asks_for(self.path(), entry)
    }

    /// An entry of its own for logs: `ExecuteSQLExecutingQuery`.
    pub(crate) async fn log(&self, name: &'static str, message: impl Into<String> + Send) {
        let kind = EventKind::Log(name.into());
        let event = Event::new(kind, self.executable, message);
        self.executor.raise(self.frame, event).await;
    }
}

/// Several findings, or none.
pub(crate) fn all(findings: Vec<Finding>) -> Result<(), RunError> {
    Findings(findings).none_or(()).map_err(RunError::Findings)
}
