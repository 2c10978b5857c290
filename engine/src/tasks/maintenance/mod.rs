//! The tasks of database maintenance plans: T-SQL that SQL Server carries out.
//!
//! ```text
//!  attributes ──▶ Action ─┬─ of the server: history, jobs, operators ─────────────┐
//!                         └─ Databases::find ─▶ each: USE, tables or indexes ─────┴─▶ batches ─▶ session
//! ```
//!
//! Back Up Database, Check Database Integrity, Execute SQL Server Agent Job, History Cleanup, Notify Operator, Rebuild Index,
//! Reorganize Index, Shrink Database and Update Statistics are here; Execute T-SQL Statement is an Execute SQL task, and
//! Maintenance Cleanup deletes files itself.
//!
//! **Databases** are those that the server has when the task runs; indexes and tables too. One that fails does not keep the
//! others from their turn; the task fails after the last one. Statements go to the server as they are, and files of backups
//! are the server's: the path map does not touch them.
//!
//! **Shrink Database** shrinks only what is larger than DatabaseSizeLimit.

mod action;
mod backup;
mod databases;
mod quote;
mod reader;

use async_trait::async_trait;
use dtsx::{Executable, ExecutableKind, ExecuteSql, Payload, SsisCode};
use fletching_components::{Finding, FindingKind};
use fletching_connections::{
    database::{DatabaseConnection, TableName},
    sql::Dialect,
};

use self::{
    action::{Action, Within},
    databases::Databases,
    quote::bracketed,
    reader::{Problem, Reader},
};
use super::on_session::{SessionError, Work, first_text, on_session};
use crate::{
    RunError, SqlReport, TaskResult,
    task::{self, Task, TaskHost, TaskRun},
};

/// Properties that an expression can set, and the attributes that hold them.
pub(super) const PROPERTIES: &[(&str, &str)] = &[
    ("AgentJobID", "AgentJobID"),
    ("BackupAction", "BackupAction"),
    ("BackupFileExtension", "BackupFileExtension"),
    ("BackupIsIncremental", "BackupIsIncremental"),
    ("CreateSubFolder", "BackupCreateSubFolder"),
    ("DatabaseSelectionType", "DatabaseSelectionType"),
    (
        "DestinationAutoFolderPath",
        "BackupDestinationAutoFolderPath",
    ),
    ("Message", "Message"),
    ("RemoveOlderThan", "RemoveOlderThan"),
    ("RetainDays", "RetainDays"),
    ("Subject", "Subject"),
    ("VerifyIntegrity", "BackupVerifyIntegrity"),
];

/// `DTS_E_CANNOTACQUIRECONNECTIONFROMCONNECTIONMANAGER`.
const NO_CONNECTION: SsisCode = SsisCode(0xC020_801C);

/// The task as the package has it.
#[derive(Debug)]
struct MaintenanceTask {
    class: &'static str,
    data: ExecuteSql,
}

pub(super) fn new(executable: &Executable) -> Option<Box<dyn Task>> {
    match (executable.kind, &executable.payload) {
        (ExecutableKind::Task(Some(class)), Payload::ExecuteSql(data)) => {
            Some(Box::new(MaintenanceTask {
                class,
                data: data.as_ref().clone(),
            }))
        }
        _ => None,
    }
}

/// Its settings, read.
#[derive(Debug, Clone)]
struct Settings {
    connection: DatabaseConnection,
    action: Action,
    databases: Databases,
    /// Leaves out databases that are not online; else they fail.
    online_only: bool,
    /// `None` for all.
    tables: Option<Vec<TableName>>,
    timeout_seconds: u32,
    /// Where the entries of a maintenance plan would go.
    log: String,
}

#[async_trait]
impl Task for MaintenanceTask {
    fn check(&self, host: &TaskHost<'_>) -> Result<(), RunError> {
        self.read(host).map(drop)
    }

    fn connections(&self) -> Vec<String> {
        vec![self.data.connection.clone()]
    }

    fn check_transaction(&self, host: &TaskHost<'_>) -> Vec<Finding> {
        let refused = [
            "Microsoft.DbMaintenanceBackupTask",
            "Microsoft.DbMaintenanceShrinkTask",
        ];
        let message = "SQL Server refuses this statement within a transaction (TransactionOption)";
        let is_refused = refused.contains(&self.class);
        is_refused
            .then(|| host.invalid(message))
            .into_iter()
            .collect()
    }

    async fn run(&self, run: &TaskRun<'_>) -> Result<TaskResult, RunError> {
        let settings = self.read(run)?;
        if !settings.log.is_empty() {
            let message = format!(
                "{}: the log of maintenance plans in msdb is not written (LocalConnectionForLogging)",
                run.path()
            );
            run.warn(None, message).await;
        }
        let (connection, timeout) = (settings.connection.clone(), settings.timeout_seconds);
        let work = move |work: &mut Work| carry_out(work, &settings);
        let (report, messages) = on_session(run, connection, timeout, work).await?;
        for message in &messages {
            run.inform(None, message).await;
        }
        Ok(TaskResult::Sql(report))
    }
}

impl MaintenanceTask {
    fn read(&self, host: &TaskHost<'_>) -> Result<Settings, RunError> {
        let reader = Reader::new(&self.data.properties, &self.data.selected);
        // Property expressions set these in the typed view.
        reader.text("Connection");
        reader.text("TimeOut");
        let id = self.data.connection.trim();
        let action = Action::read(self.class, &reader);
        let within = action.as_ref().map(Action::within);
        let databases = match within {
            Some(Within::Server) => Databases::These(Vec::new()),
            _ => Databases::read(&reader),
        };
        let online_only = reader.flag("IgnoreDatabasesInNotOnlineState", false);
        let tables = match within {
            Some(Within::Indexes | Within::Tables) => databases::tables(&reader),
            _ => None,
        };
        let log = reader.text("LocalConnectionForLogging").to_owned();
        let timeout_seconds = self.data.timeout_seconds;
        let problems = reader.problems();
        let mut findings: Vec<Finding> = problems
            .into_iter()
            .map(|problem| match problem {
                Problem::Invalid(message) => host.invalid(message),
                Problem::Unsupported(message) => host.unsupported(message),
            })
            .collect();
        let connection = connection(host, id, &mut findings);
        task::all(findings)?;
        match (connection, action) {
            (Some(connection), Some(action)) => Ok(Settings {
                connection,
                action,
                databases,
                online_only,
                tables,
                timeout_seconds,
                log,
            }),
            // The first left a finding; of other classes no task is made.
            _ => Err(host.failure(None, "its settings are not complete")),
        }
    }
}

fn connection(
    host: &TaskHost<'_>,
    id: &str,
    findings: &mut Vec<Finding>,
) -> Option<DatabaseConnection> {
    let found = match host.connections() {
        Ok(connections) => connections.database(id).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    match found {
        Ok(connection) if is_sql_server(connection.target.dialect()) => Some(connection),
        Ok(connection) => {
            findings.push(host.unsupported(format!(
                "connection manager `{}` leads to {}: this task is T-SQL for the administration of SQL Server, which other \
                 databases do not have",
                connection.manager, connection.target
            )));
            None
        }
        Err(message) => {
            let message = match id {
                "" => "Connection is empty: name an ADO.NET connection manager".to_owned(),
                _ => message,
            };
            let code = Some(NO_CONNECTION);
            findings.push(host.finding(FindingKind::Invalid, code, message));
            None
        }
    }
}

/// A driver may lead anywhere.
fn is_sql_server(dialect: Dialect) -> bool {
    matches!(dialect, Dialect::MsSql | Dialect::Other)
}

/// Sends everything; what was done, and what the server said.
fn carry_out(
    work: &mut Work,
    settings: &Settings,
) -> Result<(SqlReport, Vec<String>), SessionError> {
    if !is_sql_server(work.dialect()) {
        return Err(SessionError::Other("it is no SQL Server".to_owned()));
    }
    let now = crate::clock::now();
    let action = &settings.action;
    if action.within() == Within::Server {
        let batches = action.of_server(now).map_err(SessionError::Other)?;
        for batch in batches {
            work.execute(&batch, &[])?;
        }
        return Ok(done(work));
    }
    let databases = &settings.databases;
    let databases = databases.find(work, settings.online_only, action.without())?;
    let home = match action.uses_database() {
        true => first_text(&work.rows("SELECT DB_NAME()", &[])?)?,
        false => None,
    };
    let mut failed = Vec::new();
    for database in &databases {
        match in_database(work, settings, database, now) {
            Ok(()) => {}
            // Nothing can be sent any more.
            Err(SessionError::Database(error)) if error.is_fatal() => {
                return Err(SessionError::Database(error));
            }
            Err(error) => failed.push(format!("database `{database}`: {error}")),
        }
    }
    // Whoever has the session next finds it where it was.
    if let Some(home) = home {
        work.execute(&format!("USE {}", bracketed(&home)), &[])?;
    }
    match failed.is_empty() {
        true => Ok(done(work)),
        false => Err(SessionError::Other(failed.join("; "))),
    }
}

fn done(work: &mut Work) -> (SqlReport, Vec<String>) {
    let report = SqlReport {
        statements: work.statements,
        rows_affected: work.rows_affected,
        rows: None,
    };
    (report, std::mem::take(&mut work.messages))
}

fn in_database(
    work: &mut Work,
    settings: &Settings,
    database: &str,
    now: chrono::DateTime<chrono::Local>,
) -> Result<(), SessionError> {
    let action = &settings.action;
    let tables = settings.tables.as_deref();
    if action.uses_database() {
        work.execute(&format!("USE {}", bracketed(database)), &[])?;
    }
    let batches: Vec<String> = match action.within() {
        Within::Indexes => {
            let indexes = databases::indexes(work, database, tables)?;
            let batches = indexes.iter().filter_map(|index| action.of_index(index));
            batches.collect()
        }
        Within::Tables => {
            let tables = databases::found_tables(work, database, tables)?;
            let batches = tables.iter().filter_map(|table| action.of_table(table));
            batches.collect()
        }
        Within::Database => action.of_database(database, now),
        Within::Server => Vec::new(),
    };
    for batch in batches {
        work.execute(&batch, &[])?;
    }
    Ok(())
}
