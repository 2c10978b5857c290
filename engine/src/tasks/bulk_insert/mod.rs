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
//! Property expressions on the task's properties are evaluated before it runs.
//!
//! **Not supported**: files in SQL Server's native formats, format files.

mod columns;
mod load;
mod rows;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use datafusion_common_runtime::SpawnedTask;
use dtsx::{BulkCodePage, BulkFileType, BulkInsert, Executable, PropertyExpression, SsisCode};
use fletching_components::{Finding, FindingKind, Findings, flow::FlowError};
use fletching_connections::database::{Cancel, TableName};
use fletching_expression::code_page::CodePage;
use parking_lot::Mutex;

use crate::{BulkReport, PreparedPackage, RunError, RunReport, control_flow};

/// Settings of the task.
#[derive(Debug)]
pub struct BulkInsertTask {
    path: String,
    class: String,
    settings: BulkInsert,
    expressions: Vec<PropertyExpression>,
    locale_id: u32,
}

/// Properties that an expression can set, and the attributes that hold them.
const PROPERTIES: [(&str, &str); 21] = [
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

/// The attribute that holds a property.
fn attribute(property: &str) -> Option<&'static str> {
    let mut known = PROPERTIES.iter();
    let found = known.find(|(name, _)| name.eq_ignore_ascii_case(property));
    found.map(|(_, attribute)| *attribute)
}

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
    pub(crate) fn new(task: &Executable, settings: &BulkInsert, locale_id: u32) -> Self {
        Self {
            path: task.path.clone(),
            class: task.class_id.clone(),
            settings: settings.clone(),
            expressions: task.property_expressions.clone(),
            locale_id,
        }
    }

    /// Whether a property expression on `property` is evaluated.
    pub(crate) fn sets(property: &str) -> bool {
        attribute(property).is_some() || property.eq_ignore_ascii_case("Name")
    }

    fn finding(&self, kind: FindingKind, code: Option<SsisCode>, message: String) -> Finding {
        Finding {
            path: self.path.clone(),
            class: self.class.clone(),
            kind,
            code,
            message,
        }
    }

    fn invalid(&self, code: Option<SsisCode>, message: impl Into<String>) -> Finding {
        self.finding(FindingKind::Invalid, code, message.into())
    }

    /// What its settings have against them, whatever they lead to.
    fn problems(&self, settings: &BulkInsert) -> Vec<Finding> {
        let mut findings = Vec::new();
        let unsupported = |message: &str| {
            let message = format!("{message}: save the file as text");
            self.finding(FindingKind::Unsupported, None, message)
        };
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
            findings.push(self.invalid(Some(SsisCode::VALIDATION_FAILED), error));
        }
        let terminators = [
            ("FieldTerminator", &settings.field_terminator),
            ("RowTerminator", &settings.row_terminator),
        ];
        for (name, _) in terminators.iter().filter(|(_, text)| text.is_empty()) {
            let message = format!("its {name} is empty");
            findings.push(self.invalid(Some(SsisCode::VALIDATION_FAILED), message));
        }
        if let Some(last) = settings.last_row.filter(|last| *last < settings.first_row) {
            let message = format!(
                "FirstRow is {} and LastRow is {last}: there are no rows between them",
                settings.first_row
            );
            // DTS_E_INVALIDBULKINSERTFIRSTROWLASTROWVALUES
            findings.push(self.invalid(Some(SsisCode(0xC020_8370)), message));
        }
        if TableName::parse(&settings.table).is_none() {
            let message = format!(
                "`{}` is no table's name (DestinationTableName): [schema].[table] is wanted",
                settings.table
            );
            findings.push(self.invalid(Some(SsisCode::VALIDATION_FAILED), message));
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

impl PreparedPackage {
    /// What can be known of the task before anything runs.
    pub(crate) fn check_bulk(&self, task: &BulkInsertTask) -> Result<(), RunError> {
        let settings = self.bulk_settings(task)?;
        let mut findings = Findings(task.problems(&settings));
        let connections = self.connections()?;
        let database = connections.database(&settings.destination);
        if let Err(error) = database {
            findings.push(task.invalid(Some(NO_CONNECTION), error.to_string()));
        }
        if let Err(error) = connections.file(&settings.source) {
            findings.push(task.invalid(Some(NO_CONNECTION), error.to_string()));
        }
        findings.none_or(()).map_err(RunError::Findings)
    }

    /// The settings with the property expressions evaluated.
    fn bulk_settings(&self, task: &BulkInsertTask) -> Result<BulkInsert, RunError> {
        let wrong = |code, message| RunError::Findings(Findings(vec![task.invalid(code, message)]));
        let mut properties = task.settings.properties.clone();
        let variables = self.variables.scope(&task.path);
        for expression in &task.expressions {
            let locale_id = self.variables.locale_id();
            let value = control_flow::evaluate(&expression.expression, &variables, locale_id);
            let value = value.map_err(|error| {
                let property = &expression.property;
                wrong(
                    error.code,
                    format!("property expression on `{property}`: {error}"),
                )
            })?;
            if let Some(attribute) = attribute(&expression.property) {
                properties.set(attribute, value.to_string());
            }
        }
        BulkInsert::new(properties).map_err(|value| {
            let (name, found, wanted) = (value.name, &value.found, value.wanted);
            let message = format!("{name} is `{found}`: {wanted} is wanted");
            wrong(Some(SsisCode::VALIDATION_FAILED), message)
        })
    }

    /// Runs the task.
    pub(crate) async fn run_bulk(
        &self,
        task: &BulkInsertTask,
        report: &mut RunReport,
    ) -> Result<BulkReport, RunError> {
        let settings = self.bulk_settings(task)?;
        let problems = Findings(task.problems(&settings));
        problems.none_or(()).map_err(RunError::Findings)?;
        let failed = |error| RunError::Flow {
            task: task.path.clone(),
            error: Box::new(error),
        };
        let fail = |code, message| failed(FlowError::new(&task.path, code, message));
        let connections = self.connections()?;
        let no_connection = |message| fail(Some(NO_CONNECTION), message);
        let stop = Arc::<Stop>::default();
        let loading = load::Loading {
            path: task.path.clone(),
            file: connections
                .file(&settings.source)
                .map_err(|error| no_connection(error.to_string()))?,
            connection: connections
                .database(&settings.destination)
                .map_err(|error| no_connection(error.to_string()))?,
            sessions: Arc::clone(&self.sessions),
            code_page: code_page(&settings).map_err(|message| fail(None, message))?,
            table: TableName::parse(&settings.table)
                .ok_or_else(|| fail(None, "names no table".to_owned()))?,
            batch_rows: self.settings.batch_size.max(1),
            locale_id: task.locale_id,
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
        let (bulk, warnings) = loaded.map_err(failed)?;
        report.warnings.extend(warnings);
        Ok(bulk)
    }
}
