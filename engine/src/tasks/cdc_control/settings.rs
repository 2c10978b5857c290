//! The settings of a CDC Control task: attributes of `CDCControlTask`.
//!
//! | Property | Meaning |
//! |---|---|
//! | Connection | the ADO.NET connection to the database whose changes are captured |
//! | TaskOperation, OperationParameter | what is done; for MarkCdcStart an LSN, the name of a snapshot, or nothing |
//! | StateVariable | the variable that has the state |
//! | AutomaticStatePersistence | the state is kept in a table: StateConnection (else Connection), StateTable, StateName |
//! | CommandTimeout | seconds of a statement |
//! | ChangeDetectionTimeout, ChangeDetectionRetryInterval | how long MarkInitialLoadEnd waits for a change, and how often it looks |

use std::time::Duration;

use dtsx::{Properties, SsisCode};
use fletching_components::{Finding, FindingKind};
use fletching_connections::{
    database::{DatabaseConnection, TableName},
    sql::Dialect,
};

use super::{
    state::Lsn,
    transitions::{OPERATIONS, Operation},
};
use crate::{
    RunError,
    task::{self, TaskHost},
};

/// Properties that an expression can set, and the attributes that hold them.
pub(in crate::tasks) const PROPERTIES: &[(&str, &str)] = &[
    ("AutomaticStatePersistence", "AutomaticStatePersistence"),
    (
        "ChangeDetectionRetryInterval",
        "ChangeDetectionRetryInterval",
    ),
    ("ChangeDetectionTimeout", "ChangeDetectionTimeout"),
    ("CommandTimeout", "CommandTimeout"),
    ("Connection", "Connection"),
    ("OperationParameter", "OperationParameter"),
    ("StateConnection", "StateConnection"),
    ("StateName", "StateName"),
    ("StateTable", "StateTable"),
    ("StateVariable", "StateVariable"),
    ("TaskOperation", "TaskOperation"),
];

/// `DTS_E_CANNOTACQUIRECONNECTIONFROMCONNECTIONMANAGER`.
const NO_CONNECTION: SsisCode = SsisCode(0xC020_801C);

/// Where MarkCdcStart starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Start {
    /// At the last LSN of the database.
    Last,
    At(Lsn),
    /// At the LSN of a database snapshot.
    Snapshot(String),
}

impl Start {
    fn parse(text: &str) -> Result<Self, String> {
        match text.trim() {
            "" => Ok(Self::Last),
            text if text
                .get(..2)
                .is_some_and(|start| start.eq_ignore_ascii_case("0x")) =>
            {
                let lsn = text.parse().map(Self::At);
                lsn.map_err(|error| format!("OperationParameter: {error}"))
            }
            name => Ok(Self::Snapshot(name.to_owned())),
        }
    }
}

/// Where the state is kept.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) connection: DatabaseConnection,
    /// In brackets.
    pub(super) table: String,
    pub(super) name: String,
}

/// The settings, read.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) connection: DatabaseConnection,
    pub(super) operation: Operation,
    pub(super) start: Start,
    pub(super) variable: String,
    /// `None`: the package keeps the state itself.
    pub(super) kept: Option<Kept>,
    pub(super) timeout_seconds: u32,
    pub(super) patience: Duration,
    pub(super) interval: Duration,
}

/// The managers, by what the task calls them.
pub(super) fn managers(properties: &Properties) -> Vec<String> {
    let own = properties.get("Connection").unwrap_or_default();
    let mut managers = vec![own.to_owned()];
    if keeps(properties)
        && let Some(state) = properties.get("StateConnection")
        && !state.is_empty()
        && state != own
    {
        managers.push(state.to_owned());
    }
    managers
}

fn keeps(properties: &Properties) -> bool {
    properties
        .bool("AutomaticStatePersistence")
        .unwrap_or(false)
}

/// Reads the settings.
///
/// # Errors
/// All that is wrong with them, or not supported.
pub(super) fn read(properties: &Properties, host: &TaskHost<'_>) -> Result<Settings, RunError> {
    let reader = Reader { properties, host };
    let mut findings = Vec::new();
    let connection = reader.source(&mut findings);
    let operation = reader.operation(&mut findings);
    let start = Start::parse(reader.text("OperationParameter"));
    let start = start.map_err(|message| findings.push(host.invalid(message)));
    let variable = reader.text("StateVariable");
    if let Err(message) = host.has_variable(variable) {
        let message = match variable {
            "" => "StateVariable is empty: name the variable that has the CDC state".to_owned(),
            _ => message,
        };
        let code = Some(SsisCode::VARIABLE_NOT_FOUND);
        findings.push(host.finding(FindingKind::Invalid, code, message));
    }
    let kept = match keeps(properties) {
        true => reader.kept(connection.as_ref(), &mut findings).map(Some),
        false => Some(None),
    };
    let mut seconds = |name, default| reader.seconds(name, default, &mut findings);
    let timeout_seconds = seconds("CommandTimeout", 30);
    let patience = seconds("ChangeDetectionTimeout", 60);
    let interval = seconds("ChangeDetectionRetryInterval", 10);
    task::all(findings)?;
    match (connection, operation, start, kept) {
        (Some(connection), Some(operation), Ok(start), Some(kept)) => Ok(Settings {
            connection,
            operation,
            start,
            variable: variable.to_owned(),
            kept,
            timeout_seconds,
            patience: Duration::from_secs(patience.into()),
            interval: Duration::from_secs(interval.max(1).into()),
        }),
        // Each of them left a finding.
        _ => Err(host.failure(None, "its settings are not complete")),
    }
}

struct Reader<'a> {
    properties: &'a Properties,
    host: &'a TaskHost<'a>,
}

impl Reader<'_> {
    fn text(&self, name: &str) -> &str {
        self.properties.get(name).unwrap_or_default().trim()
    }

    /// The database whose changes are captured: SQL Server has that, nothing else does.
    fn source(&self, findings: &mut Vec<Finding>) -> Option<DatabaseConnection> {
        let connection = self.database("Connection", self.text("Connection"), findings)?;
        match connection.target.dialect() {
            Dialect::MsSql | Dialect::Other => Some(connection),
            _ => {
                findings.push(self.host.unsupported(format!(
                    "connection manager `{}` leads to {}, which captures no changes: the CDC Control task works on SQL \
                     Server's change data capture (Connection)",
                    connection.manager, connection.target
                )));
                None
            }
        }
    }

    fn database(
        &self,
        property: &str,
        id: &str,
        findings: &mut Vec<Finding>,
    ) -> Option<DatabaseConnection> {
        let found = match self.host.connections() {
            Ok(connections) => connections.database(id).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let message = match (found, id) {
            (Ok(connection), _) => return Some(connection),
            (Err(_), "") => format!("{property} is empty: name an ADO.NET connection manager"),
            (Err(message), _) => message,
        };
        let code = Some(NO_CONNECTION);
        findings.push(self.host.finding(FindingKind::Invalid, code, message));
        None
    }

    fn operation(&self, findings: &mut Vec<Finding>) -> Option<Operation> {
        let text = self.text("TaskOperation");
        let operation = Operation::parse(text);
        if operation.is_none() {
            let known = OPERATIONS.map(|(name, _)| name).join(", ");
            let message = format!("TaskOperation is `{text}`: one of {known} is wanted");
            findings.push(self.host.invalid(message));
        }
        operation
    }

    fn kept(
        &self,
        source: Option<&DatabaseConnection>,
        findings: &mut Vec<Finding>,
    ) -> Option<Kept> {
        let connection = match self.text("StateConnection") {
            "" => source.cloned(),
            id => self.database("StateConnection", id, findings),
        };
        let (table, name) = (self.text("StateTable"), self.text("StateName"));
        let parsed = TableName::parse(table);
        if parsed.is_none() {
            let message = format!(
                "StateTable is `{table}`: the name of a table with the columns name and state is wanted"
            );
            findings.push(self.host.invalid(message));
        }
        if name.is_empty() {
            let message = "StateName is empty: the state is kept in a table, under a name";
            findings.push(self.host.invalid(message));
        }
        Some(Kept {
            connection: connection?,
            table: in_brackets(&parsed?),
            name: name.to_owned(),
        })
    }

    fn seconds(&self, name: &str, default: u32, findings: &mut Vec<Finding>) -> u32 {
        match self.text(name) {
            "" => default,
            text => text.parse().unwrap_or_else(|_| {
                let message = format!("{name} is `{text}`: a number of seconds is wanted");
                findings.push(self.host.invalid(message));
                default
            }),
        }
    }
}

/// `[dbo].[cdc_states]`; a part that is left out stays so.
fn in_brackets(table: &TableName) -> String {
    let parts = table.parts.iter().map(|part| match part.as_str() {
        "" => String::new(),
        part => format!("[{}]", part.replace(']', "]]")),
    });
    parts.collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_cdc_starts() {
        assert_eq!(Start::parse(" "), Ok(Start::Last));
        assert_eq!(
            Start::parse("Sales_S"),
            Ok(Start::Snapshot("Sales_S".to_owned()))
        );
        assert!(matches!(Start::parse("0x2A"), Ok(Start::At(_))));
        assert!(Start::parse("0x2G").is_err());
    }

    #[test]
    fn the_table_keeps_its_name() {
        let named = |text: &str| in_brackets(&TableName::parse(text).unwrap());
        assert_eq!(named("[dbo].[cdc_states]"), "[dbo].[cdc_states]");
        assert_eq!(named("Utility..states"), "[Utility]..[states]");
        assert_eq!(named("[a]]b]"), "[a]]b]");
    }
}
