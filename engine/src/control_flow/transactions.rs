//! Transactions of containers and tasks (spec `ssis-semantics.md` 11.14).
//!
//! ```text
//!  Required, none around it ──▶ a new one: its own sessions, ended with the container
//!  Required, Supported      ──▶ that of the container around it, if there is one
//!  NotSupported             ──▶ none; a Required below it starts another
//! ```
//!
//! A transaction is one session of one database ([`Sessions::in_transaction`]), begun when a task first needs it. It is
//! committed when the result of the container that started it is Success, after the error count and a forced result, and
//! rolled back else; OnPostExecute and OnTaskFailed of that container come after it and are not part of it. Handlers of what
//! is inside are.

use std::sync::{Arc, atomic::Ordering};

use datafusion_common_runtime::SpawnedTask;
use dtsx::{Executable, ExecutableKind, SsisCode};
use fletching_components::{Finding, FindingKind, flow::FlowError};
use fletching_connections::database::{DatabaseConnection, Sessions, one_transaction};

use super::{ContainerSettings, ExecutionResult, Executor, Frame, TransactionOption};
use crate::{
    Event, EventKind, RunError,
    state::PackageState,
    task::{TaskHost, finding},
    tasks,
};

/// `DTS_I_STARTINGTRANSACTION` and its like.
const STARTING: SsisCode = SsisCode(0x4001_100A);
const COMMITTING: SsisCode = SsisCode(0x4001_100B);
const ABORTING: SsisCode = SsisCode(0x4001_100C);
/// `DTS_E_INCOMPATIBLETRANSACTIONCONTEXT`.
const INCOMPATIBLE: SsisCode = SsisCode(0xC001_A004);

/// The sessions that an executable and what is in it use.
#[derive(Debug)]
pub(super) struct Scope {
    sessions: Arc<Sessions>,
    /// It has started the transaction.
    starts: bool,
}

impl Scope {
    /// Of an executable; `around`: the sessions of what it is in.
    pub(super) fn of(
        settings: &ContainerSettings,
        around: Arc<Sessions>,
        state: &PackageState,
    ) -> Self {
        let (sessions, starts) = match settings.transaction {
            TransactionOption::NotSupported if around.is_transaction() => {
                (Arc::clone(&state.sessions), false)
            }
            TransactionOption::Required if !around.is_transaction() => {
                let level = settings.isolation;
                (Sessions::in_transaction(&around, level), true)
            }
            _ => (around, false),
        };
        Self { sessions, starts }
    }

    /// Whether the transaction is its own.
    pub(super) fn starts(&self) -> bool {
        self.starts
    }

    /// Those of the transaction until it has ended.
    pub(super) fn sessions(&self) -> Arc<Sessions> {
        self.sessions.current()
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        if self.starts {
            self.sessions.give_up();
        }
    }
}

impl Executor<'_> {
    pub(super) async fn begin_transaction(&self, frame: &Frame<'_>) {
        if frame.scope.starts {
            let message = "a transaction starts with it";
            self.tell(frame, STARTING, message).await;
        }
    }

    /// Commits or rolls back what the executable has started.
    pub(super) async fn end_transaction(
        &self,
        frame: &Frame<'_>,
        result: ExecutionResult,
    ) -> ExecutionResult {
        if !frame.scope.starts {
            return result;
        }
        // What was cut short is not whole.
        let whole = !frame.cut.load(Ordering::Relaxed);
        let commit = result == ExecutionResult::Success && whole;
        let (code, message) = match commit {
            true => (COMMITTING, "its transaction is committed"),
            false => (ABORTING, "its transaction is rolled back"),
        };
        self.tell(frame, code, message).await;
        let sessions = Arc::clone(&frame.scope.sessions);
        let path = frame.original.path.clone();
        let ended = SpawnedTask::spawn_blocking(move || sessions.end(commit));
        let error = match ended.join().await {
            Ok(Ok(())) => return result,
            Ok(Err(error)) => {
                let message = format!("the end of its transaction: {error}");
                RunError::Flow {
                    error: Box::new(FlowError::new(&path, Some(error.code()), message)),
                    task: path,
                }
            }
            Err(error) => RunError::Engine {
                task: path,
                message: format!("the thread of its transaction is gone: {error}"),
            },
        };
        self.fail(frame, error).await;
        ExecutionResult::Failure
    }

    async fn tell(&self, frame: &Frame<'_>, code: SsisCode, message: &str) {
        let message = format!("{}: {message}", frame.original.path);
        let event = Event::new(EventKind::Information, frame.executable, message);
        self.raise(frame, event.with_code(Some(code))).await;
    }
}

/// What can be known of the transactions of a package before it runs: each is one of one database.
pub(super) fn check(state: &PackageState) -> Vec<Finding> {
    let mut checking = Checking {
        state,
        findings: Vec::new(),
    };
    checking.visit(&state.root, None);
    checking.findings
}

/// The first database of a transaction, and the task that needs it.
type First = Option<(DatabaseConnection, String)>;

struct Checking<'a> {
    state: &'a PackageState,
    findings: Vec<Finding>,
}

impl Checking<'_> {
    /// `around`: the transaction that it is in.
    fn visit(&mut self, executable: &Executable, around: Option<&mut First>) {
        if executable.disabled {
            return;
        }
        // What its property expressions say is known when it runs.
        let settings = ContainerSettings::of(executable).unwrap_or_default();
        let mut own = None;
        let mut within = match (settings.transaction, around) {
            (TransactionOption::NotSupported, _) => None,
            (_, Some(around)) => Some(around),
            (TransactionOption::Required, None) => Some(&mut own),
            (TransactionOption::Supported, None) => None,
        };
        if let (Some(first), ExecutableKind::Task(_)) = (&mut within, executable.kind) {
            self.task(executable, first);
        }
        for child in &executable.executables {
            self.visit(child, within.as_deref_mut());
        }
        for handler in &executable.event_handlers {
            self.visit(&handler.container, within.as_deref_mut());
        }
    }

    fn task(&mut self, executable: &Executable, first: &mut First) {
        let host = TaskHost {
            state: self.state,
            executable,
        };
        let Some(task) = tasks::task(executable, &self.state.settings.extensions) else {
            return;
        };
        self.findings.extend(task.check_transaction(&host));
        let Ok(connections) = host.connections() else {
            return; // It is found elsewhere.
        };
        for manager in task.connections() {
            let Ok(connection) = connections.database(&manager) else {
                continue;
            };
            match first {
                None => *first = Some((connection, executable.path.clone())),
                Some((known, task)) => {
                    if let Err(message) = one_transaction(known, &connection) {
                        let message = format!("in one transaction with {task}: {message}");
                        self.findings.push(finding(
                            executable,
                            FindingKind::Unsupported,
                            Some(INCOMPATIBLE),
                            message,
                        ));
                    }
                }
            }
        }
    }
}
