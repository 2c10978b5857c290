//! Bulk Insert task: the rows of a text file into a table.
//!
//! ```text
//!  file ──1 MiB──▶ UTF-8 ──RowReader──▶ fields ──Columns──▶ record batch ──Session::load──▶ table
//!                                          └── bad rows: counted, one more than MaximumErrors stops the task
//! ```
//!
//! **Who reads the file**: in SSIS the server, by a path of its own; here the task, from where the source's connection
//! manager leads. What differs is said in [`rows`] and [`columns`].
//! **Transactions**: `BatchSize` rows each, or all rows. A failure leaves the transactions before it.
//! **Row numbers** in messages are those of the file, the first is 1.
//!
//! **Not supported**: files in SQL Server's native formats, format files.

mod columns;
mod load;
mod rows;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use datafusion_common_runtime::SpawnedTask;
use dtsx::{BulkCodePage, BulkFileType, BulkInsert, Executable, Payload, SsisCode};
use fletching_components::{Finding, FindingKind};
use fletching_connections::database::{Cancel, TableName};
use fletching_expression::code_page::CodePage;
use parking_lot::Mutex;

use crate::{
    RunError, TaskResult,
    task::{self, Task, TaskHost, TaskRun},
};

/// Settings of the task.
#[derive(Debug)]
struct BulkInsertTask {
    settings: BulkInsert,
}

pub(super) fn new(executable: &Executable) -> Option<Box<dyn Task>> {
    match &executable.payload {
        Payload::BulkInsert(settings) => Some(Box::new(BulkInsertTask {
            settings: settings.as_ref().clone(),
        })),
        _ => None,
    }
}

/// Properties that an expression can set, and the attributes that hold them.
pub(super) const PROPERTIES: &[(&str, &str)] = &[
    ("BatchSize", "BatchSize"),
    ("CheckConstraints", "CheckConstraints"),
    ("CodePage", "CodePage"),
    ("DataFileType", "DataFileType"),
    ("DestinationConnection", "DestinationConnectionName"),
    ("DestinationConnectionName", "DestinationConnectionName"),
    ("DestinationTableName", "DestinationTableName"),
    ("FieldTerminator", "FieldTerminator"),
    ("FireTriggers", "FireTriggers"),
    ("FirstRow", "FirstRow"),
    ("FormatFile", "FormatFile"),
    ("KeepIdentity", "KeepIdentity"),
    ("KeepNulls", "KeepNulls"),
    ("LastRow", "LastRow"),
    ("MaximumErrors", "MaximumErrors"),
    ("RowTerminator", "RowTerminator"),
    ("SortedData", "SortedData"),
    ("SourceConnection", "SourceConnectionName"),
    ("SourceConnectionName", "SourceConnectionName"),
    ("TableLock", "TableLock"),
    ("UseFormatFile", "UseFormatFile"),
];

/// Stops the thread when the task is dropped.
#[derive(Debug, Default)]
struct Stop {
    stopped: AtomicBool,
    running: Mutex<Option<Arc<dyn Cancel>>>,
}

struct Guard(Arc<Stop>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.stopped.store(true, Ordering::Relaxed);
        if let Some(cancel) = &*self.0.running.lock() {
            cancel.cancel();
        }
    }
}

impl BulkInsertTask {
    /// What its settings have against them, whatever they lead to.
    fn problems(&self, host: &TaskHost<'_>) -> Vec<Finding> {
        let settings = &self.settings;
        let mut findings = Vec::new();
        let unsupported =
            |message: &str| host.unsupported(format!("{message}: save the file as text"));
        match settings.file_type {
            BulkFileType::Char | BulkFileType::WideChar => {}
            BulkFileType::Native | BulkFileType::WideNative => findings.push(unsupported(
                "files in SQL Server's native format are not supported (DataFileType)",
            )),
        }
        if let Some(file) = &settings.format_file {
            let message = format!("format files are not supported (FormatFile `{file}`)");
            findings.push(unsupported(&message));
        }
        if let Err(error) = code_page(settings) {
            findings.push(host.invalid(error));
        }
        let terminators = [
            ("FieldTerminator", &settings.field_terminator),
            ("RowTerminator", &settings.row_terminator),
        ];
        for (name, _) in terminators.iter().filter(|(_, text)| text.is_empty()) {
            let message = format!("its {name} is empty");
            findings.push(host.invalid(message));
        }
        if let Some(last) = settings.last_row.filter(|last| *last < settings.first_row) {
            let message = format!(
                "FirstRow is {} and LastRow is {last}: there are no rows between them",
                settings.first_row
            );
            // DTS_E_INVALIDBULKINSERTFIRSTROWLASTROWVALUES
            let code = Some(SsisCode(0xC020_8370));
            findings.push(host.finding(FindingKind::Invalid, code, message));
        }
        if TableName::parse(&settings.table).is_none() {
            let message = format!(
                "`{}` is no table's name (DestinationTableName): [schema].[table] is wanted",
                settings.table
            );
            findings.push(host.invalid(message));
        }
        findings
    }
}

/// The code page in which a file is read. RAW is that of most servers' collations.
fn code_page(settings: &BulkInsert) -> Result<CodePage, String> {
    let number = match (settings.file_type, settings.code_page) {
        (BulkFileType::WideChar | BulkFileType::WideNative, _) => 1200,
        (_, BulkCodePage::Raw | BulkCodePage::Ansi) => 1252,
        (_, BulkCodePage::Oem) => 437,
        (_, BulkCodePage::Number(number)) => number,
    };
    CodePage::from_number(number).map_err(|error| error.to_string())
}

/// `DTS_E_CANNOTACQUIRECONNECTIONFROMCONNECTIONMANAGER`.
const NO_CONNECTION: SsisCode = SsisCode(0xC020_801C);

#[async_trait]
impl Task for BulkInsertTask {
    fn check(&self, host: &TaskHost<'_>) -> Result<(), RunError> {
        let mut findings = self.problems(host);
        let connections = host.connections()?;
        let mut wrong = |message| {
            findings.push(host.finding(FindingKind::Invalid, Some(NO_CONNECTION), message));
        };
        if let Err(error) = connections.database(&self.settings.destination) {
            wrong(error.to_string());
        }
        if let Err(error) = connections.file(&self.settings.source) {
            wrong(error.to_string());
        }
        task::all(findings)
    }

    fn connections(&self) -> Vec<String> {
        vec![self.settings.destination.clone()]
    }

    async fn run(&self, run: &TaskRun<'_>) -> Result<TaskResult, RunError> {
        let settings = self.settings.clone();
        let fail = |code, message| run.failure(code, message);
        let connections = run.connections()?;
        let no_connection = |message| fail(Some(NO_CONNECTION), message);
        let stop = Arc::<Stop>::default();
        let loading = load::Loading {
            path: run.path().to_owned(),
            file: connections
                .file(&settings.source)
                .map_err(|error| no_connection(error.to_string()))?,
            connection: connections
                .database(&settings.destination)
                .map_err(|error| no_connection(error.to_string()))?,
            sessions: run.sessions(),
            code_page: code_page(&settings).map_err(|message| fail(None, message))?,
            table: TableName::parse(&settings.table)
                .ok_or_else(|| fail(None, "names no table".to_owned()))?,
            batch_rows: run.state.settings.batch_size.max(1),
            locale_id: run.locale_id(),
            settings,
            stop: Arc::clone(&stop),
        };
        let guard = Guard(stop);
        let loaded = SpawnedTask::spawn_blocking(move || loading.run());
        let loaded = loaded
            .join()
            .await
            .map_err(|error| fail(None, format!("its thread is gone: {error}")))?;
        drop(guard);
        let (bulk, warnings) = loaded.map_err(|error| run.failed(error))?;
        for warning in warnings {
            run.warn(None, warning).await;
        }
        Ok(TaskResult::Bulk(bulk))
    }
}
