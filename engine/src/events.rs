//! What happens in a run, as it happens: to event handlers, log providers, and whoever listens.
//!
//! ```text
//!  task ──raise──▶ handlers of the task, its containers, the package ──▶ listeners (console, logs, traces)
//! ```
//!
//! The events are SSIS's (spec `ssis-matrix.md` section 12), and so are codes and symbols; the text of messages is ours.

use std::{borrow::Cow, fmt};

use chrono::{DateTime, Local};
use dtsx::{Executable, SsisCode};

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventKind {
    Error,
    ExecStatusChanged,
    Information,
    PostExecute,
    PostValidate,
    PreExecute,
    PreValidate,
    Progress,
    QueryCancel,
    TaskFailed,
    VariableValueChanged,
    Warning,
    /// An entry for logs that no handler sees: `PackageStart`, `ExecuteSQLExecutingQuery`.
    Log(Cow<'static, str>),
}

/// Events that handlers may be for, by the names of packages.
const NAMES: [(&str, EventKind); 12] = [
    ("OnError", EventKind::Error),
    ("OnExecStatusChanged", EventKind::ExecStatusChanged),
    ("OnInformation", EventKind::Information),
    ("OnPostExecute", EventKind::PostExecute),
    ("OnPostValidate", EventKind::PostValidate),
    ("OnPreExecute", EventKind::PreExecute),
    ("OnPreValidate", EventKind::PreValidate),
    ("OnProgress", EventKind::Progress),
    ("OnQueryCancel", EventKind::QueryCancel),
    ("OnTaskFailed", EventKind::TaskFailed),
    ("OnVariableValueChanged", EventKind::VariableValueChanged),
    ("OnWarning", EventKind::Warning),
];

impl EventKind {
    /// The event that handlers of this name are for; `None` if there is none.
    pub fn of_name(name: &str) -> Option<Self> {
        let mut known = NAMES.iter();
        let found = known.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, kind)| kind.clone())
    }

    /// The name in packages and logs: `OnError`, `PackageStart`.
    pub fn name(&self) -> &str {
        match self {
            Self::Log(name) => name,
            kind => NAMES
                .iter()
                .find(|(_, known)| known == kind)
                .map_or("", |(name, _)| name),
        }
    }

    /// Whether the event belongs to the validation, where handlers cannot stop it from climbing.
    pub(crate) fn is_validation(&self) -> bool {
        matches!(self, Self::PreValidate | Self::PostValidate)
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The package, container or task that an event comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventSource {
    /// `Package\Sequence\Task`.
    pub path: String,
    pub name: String,
    /// DTSID, in braces.
    pub id: String,
    pub description: String,
}

impl From<&Executable> for EventSource {
    fn from(executable: &Executable) -> Self {
        Self {
            path: executable.path.clone(),
            name: executable.name.clone(),
            id: executable.dtsid.clone(),
            description: executable.description.clone(),
        }
    }
}

/// Something that happened.
#[derive(Debug, Clone)]
pub struct Event {
    pub kind: EventKind,
    pub time: DateTime<Local>,
    pub source: EventSource,
    /// Of errors, warnings and information, where there is one.
    pub code: Option<SsisCode>,
    pub message: String,
    /// Of progress: 0 to 100.
    pub percent: u32,
    /// Of changed variables: namespace and name, and the new value as text.
    pub variable: Option<(String, String)>,
}

impl Event {
    pub(crate) fn new(kind: EventKind, source: &Executable, message: impl Into<String>) -> Self {
        Self {
            kind,
            time: crate::clock::now(),
            source: source.into(),
            code: None,
            message: message.into(),
            percent: 0,
            variable: None,
        }
    }

    pub(crate) fn with_code(self, code: Option<SsisCode>) -> Self {
        Self { code, ..self }
    }
}

/// Hears every event of a run, from several threads, in the order in which they were raised by each task.
pub trait EventListener: fmt::Debug + Send + Sync {
    /// Called once for each event, after its handlers.
    fn event(&self, event: &Event);

    /// Whether it wants log entries of this name that are made for those who ask only: `OnPipelineRowsSent` and the other
    /// entries of data flows.
    fn asks_for(&self, _entry: &str) -> bool {
        false
    }
}
