//! Data Profiling task: what the columns of tables hold, as the XML that the Data Profile Viewer reads.
//!
//! ```text
//!  ProfileInput ──Input──▶ requests ──by table──▶ SELECT ──batches──▶ measures ──write──▶ DataProfile: file or variable
//! ```
//!
//! A table is read once, whatever is asked of it, from any database that a connection manager leads to.
//!
//! **Column Null Ratio** of every column; **Column Statistics** of numbers, dates and times (mean, and deviation over all
//! values, of numbers alone); **Column Length Distribution** of texts, in UTF-16 units; **Column Value Distribution** of whole
//! numbers, texts, dates and times. A wildcard stands for all columns of a kind that the profile is for. Values are the same
//! when they are written the same, where SQL Server goes by the collation of the column; NULL is no value. Of an empty table
//! nothing is written, of a column without values only how many NULLs it has.
//!
//! **Candidate Key** of columns of the same types and bits: those that are named, together; a wildcard adds each other column
//! or none. Different values (NULL is one) for each row make the strength, which is written with six digits behind the point
//! at most; a key is reported when it is exact or stronger than the threshold. Violations that have a NULL or a bit in them
//! are an error: how SSIS writes them is not known.
//!
//! **Column Pattern** of texts: [`patterns`] says how they are found. A table of tags is not supported.
//!
//! **As SSIS writes it**: elements, attributes, their order and the formats of numbers and times are those of profiles that
//! SSIS wrote; the number of rows is -1 where the column cannot be NULL. Lengths and values are in ascending order, where
//! SSIS has them as SQL Server gives them, often by hash. LCID is -1: the collation of a column is not read; a
//! single-column primary key is counted, where SSIS asks the catalogue and writes -1 rows.
//!
//! **Bounds**: a table of which more is to be kept than [`measure`] allows is an error, which names the column; so are
//! wildcards that stand for more keys than [`keys`] allows.
//!
//! **Not supported**: Functional Dependency and Value Inclusion. What they measure is documented; which elements SSIS writes
//! for them is not, but in its schema `DataProfile.xsd`, and neither that nor a profile with one of them is to be found in
//! public. With either at hand they are to be added as the others are.

mod input;
mod keys;
mod measure;
mod patterns;
mod profile;
mod value;

use std::sync::Arc;

use async_trait::async_trait;
use datafusion_common_runtime::SpawnedTask;
use dtsx::{Executable, Payload, SsisCode, TaskData};
use fletching_components::{Finding, FindingKind, flow::FlowError};
use fletching_connections::{
    Connections, StagedFile,
    database::{Cancel, DatabaseConnection, Sessions, TableName, Target},
};
use parking_lot::Mutex;

use crate::{
    RunError, TaskResult,
    task::{self, Task, TaskHost, TaskRun},
};
use input::{Input, Request};

/// Properties that an expression can set, and the attributes that hold them.
pub(super) const PROPERTIES: &[(&str, &str)] = &[
    ("Destination", "Destination"),
    ("DestinationType", "DestinationType"),
    ("OverwriteDestination", "OverwriteDestination"),
    ("ProfileInput", "ProfileInput"),
];

/// Settings of the task.
#[derive(Debug)]
struct DataProfilingTask {
    data: TaskData,
}

pub(super) fn new(executable: &Executable) -> Option<Box<dyn Task>> {
    match &executable.payload {
        Payload::Other(data) if data.element == "DataProfilingTaskData" => {
            Some(Box::new(DataProfilingTask {
                data: data.as_ref().clone(),
            }))
        }
        _ => None,
    }
}

/// Where the profile goes, by name.
#[derive(Debug, Clone)]
enum Destination {
    /// A FILE connection manager.
    File(String),
    Variable(String),
}

/// `DTS_E_CANNOTACQUIRECONNECTIONFROMCONNECTIONMANAGER`.
const NO_CONNECTION: SsisCode = SsisCode(0xC020_801C);

impl DataProfilingTask {
    fn destination(&self) -> Result<Destination, String> {
        let properties = &self.data.properties;
        let name = properties.get("Destination").unwrap_or_default().to_owned();
        match properties.get("DestinationType").map(str::trim) {
            None | Some("" | "FileConnection" | "0") => Ok(Destination::File(name)),
            Some("Variable" | "1") => Ok(Destination::Variable(name)),
            Some(other) => Err(format!(
                "DestinationType is `{other}`: FileConnection or Variable is wanted"
            )),
        }
    }

    fn overwrites(&self) -> bool {
        let overwrites = self.data.properties.bool("OverwriteDestination");
        overwrites.unwrap_or(false)
    }

    fn input(&self) -> Result<Input, String> {
        Input::read(self.data.properties.get("ProfileInput").unwrap_or_default())
    }

    fn problems(&self, host: &TaskHost<'_>) -> Vec<Finding> {
        let mut findings = Vec::new();
        match self.input() {
            Err(error) => findings.push(host.invalid(error)),
            Ok(input) => {
                let unsupported = input.unsupported.iter();
                findings.extend(unsupported.map(|message| host.unsupported(message.as_str())));
                let connections = host.connections().ok();
                for source in input.sources() {
                    let wrong = connections.as_ref();
                    let wrong = wrong.and_then(|all| all.database(source).err());
                    findings.extend(wrong.map(|error| {
                        let code = Some(NO_CONNECTION);
                        host.finding(FindingKind::Invalid, code, error.to_string())
                    }));
                }
            }
        }
        match self.destination() {
            Err(error) => findings.push(host.invalid(error)),
            Ok(Destination::File(name)) => {
                let wrong = host.connections().ok();
                let wrong = wrong.and_then(|all| all.file(&name).err());
                findings.extend(wrong.map(|error| {
                    let message = format!("Destination: {error}");
                    host.finding(FindingKind::Invalid, Some(NO_CONNECTION), message)
                }));
            }
            Ok(Destination::Variable(name)) => {
                findings.extend(host.has_variable(&name).err().map(|error| {
                    let code = Some(SsisCode::VARIABLE_NOT_FOUND);
                    let message = format!("Destination: {error}");
                    host.finding(FindingKind::Invalid, code, message)
                }));
            }
        }
        findings
    }
}

#[async_trait]
impl Task for DataProfilingTask {
    fn check(&self, host: &TaskHost<'_>) -> Result<(), RunError> {
        task::all(self.problems(host))
    }

    fn connections(&self) -> Vec<String> {
        let sources = self.input().map(|input| {
            let sources = input.sources();
            sources.into_iter().map(str::to_owned).collect()
        });
        sources.unwrap_or_default()
    }

    async fn run(&self, run: &TaskRun<'_>) -> Result<TaskResult, RunError> {
        let fail = |message: String| run.failure(None, message);
        let input = self.input().map_err(fail)?;
        let destination = self.destination().map_err(fail)?;
        let connections = run.connections()?;
        let mut tables = Vec::new();
        for (source, table, requests) in input.tables() {
            let connection = connections.database(source);
            let connection =
                connection.map_err(|error| run.failure(Some(NO_CONNECTION), error.to_string()))?;
            let message = format!("profiles {table} of `{}`", name(&connections, source));
            run.log("DataProfilingTaskTrace", message).await;
            tables.push(Table {
                connection,
                table: table.clone(),
                requests: requests.into_iter().cloned().collect(),
            });
        }
        let running: Arc<Mutex<Option<Arc<dyn Cancel>>>> = Arc::default();
        let guard = Guard(Arc::clone(&running));
        let work = Work {
            input,
            tables,
            sessions: run.sessions(),
            connections,
            destination: destination.clone(),
            overwrites: self.overwrites(),
            path: run.path().to_owned(),
        };
        let done = SpawnedTask::spawn_blocking(move || work.run(&running)).join();
        let profile = done
            .await
            .map_err(|error| fail(format!("its thread is gone: {error}")))?
            .map_err(|error| run.failed(error))?;
        drop(guard);
        if let Destination::Variable(name) = &destination {
            let held = run.variable(name).map(|value| value.to_string());
            if !self.overwrites() && held.is_ok_and(|text| !text.is_empty()) {
                return Err(fail(format!(
                    "variable `{name}` has a value, and OverwriteDestination is False"
                )));
            }
            run.assign_text(name, &profile).await.map_err(fail)?;
        }
        Ok(TaskResult::Expression)
    }
}

fn name<'c>(connections: &'c Connections, id: &'c str) -> &'c str {
    connections.get(id).map_or(id, |manager| &manager.name)
}

/// The server and the database; where there is no server, the connection manager stands for it.
fn place(connection: &DatabaseConnection, connections: &Connections) -> (String, String) {
    let Target::SqlServer(target) = &connection.target else {
        return (connection.manager.clone(), String::new());
    };
    let manager = connections.get(&connection.manager);
    let text = manager.and_then(|one| one.properties.get("ConnectionString"));
    // As the connection string has it: `.` stays a point.
    let server = text.unwrap_or_default().split(';').find_map(|part| {
        let (key, value) = part.split_once('=')?;
        let key = key.trim().to_ascii_lowercase();
        let is_server = ["data source", "server", "address", "addr"].contains(&key.as_str());
        is_server.then(|| value.trim().to_owned())
    });
    let server = server.unwrap_or_else(|| target.host.clone());
    (server, target.database.clone().unwrap_or_default())
}

/// Stops the query when the task is dropped.
struct Guard(Arc<Mutex<Option<Arc<dyn Cancel>>>>);

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(cancel) = &*self.0.lock() {
            cancel.cancel();
        }
    }
}

/// A table, and what is asked of it.
struct Table {
    connection: DatabaseConnection,
    table: TableName,
    requests: Vec<Request>,
}

/// What the task needs, on its thread.
struct Work {
    input: Input,
    tables: Vec<Table>,
    sessions: Arc<Sessions>,
    connections: Connections,
    destination: Destination,
    overwrites: bool,
    path: String,
}

impl Work {
    fn run(&self, running: &Mutex<Option<Arc<dyn Cancel>>>) -> Result<String, FlowError> {
        let fail = |message: String| FlowError::new(&self.path, None, message);
        let file = match &self.destination {
            Destination::Variable(_) => None,
            Destination::File(name) => {
                let path = self.connections.file(name);
                let path = path.map_err(|error| fail(error.to_string()))?;
                let files = self.connections.path_map.files();
                if !self.overwrites && files.kind(&path).is_ok() {
                    return Err(fail(format!(
                        "the file `{}` is there already, and OverwriteDestination is False",
                        path.display()
                    )));
                }
                Some(path)
            }
        };
        let mut profiles = Vec::new();
        for table in &self.tables {
            let of = |message: String| fail(format!("table {}: {message}", table.table));
            let mut session = self
                .sessions
                .acquire(&table.connection)
                .map_err(|error| fail(error.to_string()))?;
            *running.lock() = Some(session.canceller());
            let columns = session.describe(&table.table);
            let columns = columns.map_err(|error| of(error.to_string()))?;
            let measured = measure::read(
                &mut *session,
                &table.table,
                &columns,
                &table.requests,
                self.input.timeout_seconds,
            );
            *running.lock() = None;
            let (rows, measures) = measured.map_err(of)?;
            let (server, database) = place(&table.connection, &self.connections);
            profiles.push(profile::TableProfile {
                source: table.requests.first().map_or("", |one| &one.source),
                server,
                database,
                table: &table.table,
                rows,
                measures,
            });
        }
        // All of them, as SSIS has it.
        let names = self.connections.iter();
        let names = names.map(|one| (one.dtsid.as_str(), one.name.as_str()));
        let text = profile::write(&self.input, &names.collect::<Vec<_>>(), &profiles);
        if let Some(path) = file {
            let files = self.connections.path_map.files();
            let staged = StagedFile::create(files, &path);
            let mut staged = staged.map_err(|error| fail(error.to_string()))?;
            std::io::Write::write_all(&mut staged, text.as_bytes())
                .map_err(|error| fail(format!("the file `{}`: {error}", path.display())))?;
            staged.commit().map_err(|error| fail(error.to_string()))?;
        }
        Ok(text)
    }
}
