//! One line of a log: the columns of SSIS's log schema (spec `ssis-matrix.md` section 12).

use chrono::{DateTime, Local};
use dtsx::ColumnFilter;
use fletching_components::Variables;

use crate::{Event, EventKind, state::PackageState};

/// Whose run it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunIdentity {
    /// Name of the machine.
    pub computer: String,
    /// Name of the user.
    pub operator: String,
    /// GUID of the execution, in braces.
    pub execution_id: String,
}

impl RunIdentity {
    pub(crate) fn of(state: &PackageState) -> Self {
        let variables = state.scope(&state.root.path);
        let text = |name: &str| {
            let value = variables.value(Some("System"), name);
            value.map(|value| value.to_string()).unwrap_or_default()
        };
        Self {
            computer: text("MachineName"),
            operator: text("UserName"),
            execution_id: text("ExecutionInstanceGUID"),
        }
    }
}

/// An entry; columns that a filter leaves out are empty.
#[derive(Debug, Clone)]
pub(super) struct LogEntry {
    /// `OnError`; with `User:` before it for what a task logs by itself, as SSIS writes it.
    pub(super) event: String,
    pub(super) computer: String,
    pub(super) operator: String,
    pub(super) source: String,
    pub(super) source_id: String,
    pub(super) execution_id: String,
    pub(super) time: DateTime<Local>,
    /// SSIS code of errors, warnings and information; DTSExecResult of PackageEnd.
    pub(super) data_code: i32,
    /// `None` for events that say nothing more.
    pub(super) message: Option<String>,
}

/// Entries that are the engine's own, not a task's.
const OWN: [&str; 4] = ["PackageStart", "PackageEnd", "Diagnostic", "DiagnosticEx"];

impl LogEntry {
    pub(super) fn new(
        event: &Event,
        data_code: i32,
        identity: &RunIdentity,
        columns: Option<&ColumnFilter>,
    ) -> Self {
        let kept = |keep: fn(&ColumnFilter) -> bool, value: &str| match columns.is_none_or(keep) {
            true => value.to_owned(),
            false => String::new(),
        };
        let name = event.kind.name();
        let message = kept(|columns| columns.message, &event.message);
        Self {
            event: match &event.kind {
                EventKind::Log(_) if !OWN.contains(&name) => format!("User:{name}"),
                _ => name.to_owned(),
            },
            computer: kept(|columns| columns.computer, &identity.computer),
            operator: kept(|columns| columns.operator, &identity.operator),
            source: kept(|columns| columns.source_name, &event.source.name),
            source_id: kept(|columns| columns.source_id, &event.source.id),
            execution_id: kept(|columns| columns.execution_id, &identity.execution_id),
            time: event.time,
            data_code: event.code.map_or(data_code, |code| code.as_i32()),
            message: Some(message).filter(|message| !message.is_empty()),
        }
    }

    /// As SSIS writes it into files: `11/28/2026 9:05:07 AM`.
    pub(super) fn shown_time(&self) -> String {
        self.time.format("%-m/%-d/%Y %-I:%M:%S %p").to_string()
    }
}
