//! Execute SQL task: statements on a connection, with values from variables and results into them.
//!
//! ```text
//!  direct, variable or file ──GO──▶ batches ──adapt──▶ session ──▶ first row, rows, text, output parameters ──▶ variables
//! ```
//!
//! **Statement**: direct, in a variable or in a file; lines with `GO` divide it into batches, which are sent one after the
//! other. Parameters belong to the only batch, or to the first.
//! **Parameters** by place (from 0; ODBC counts from 1) or by name, whichever their names say.
//! **Results**: the only row's values by column name or place; all rows as an Object; text. A single row that is not there
//! is an error, as in SSIS (spec `ssis-semantics.md` 11.18). NULL is an empty text, and no value of another type.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch, new_null_array},
    compute::cast,
    datatypes::{DataType as ArrowType, SchemaRef},
};
use async_trait::async_trait;
use datafusion_common_runtime::SpawnedTask;
use dtsx::{
    Executable, ExecuteSql, Payload, ResultType, SqlDirection, SqlParameter, SqlSource, SsisCode,
};
use fletching_components::{
    FindingKind, Findings, Variables,
    database::{database_error, natural_type},
    flow::FlowError,
};
use fletching_connections::{
    database::{
        Cancel, DatabaseConnection, Direction, Executed, Parameter, ResultSet, Sessions, Statement,
    },
    package_files,
};
use fletching_expression::{Scalar, code_page::CodePage};
use parking_lot::Mutex;

use crate::{
    RunError, SqlReport, TaskResult,
    assigned_values::Handed,
    task::{Task, TaskHost, TaskRun},
    variables::split,
};

/// Settings of the task.
#[derive(Debug)]
struct ExecuteSqlTask {
    settings: ExecuteSql,
}

pub(super) fn new(executable: &Executable) -> Option<Box<dyn Task>> {
    match &executable.payload {
        Payload::ExecuteSql(settings) => Some(Box::new(ExecuteSqlTask {
            settings: settings.as_ref().clone(),
        })),
        _ => None,
    }
}

/// What one execution needs, with all expressions evaluated.
struct Prepared {
    connection: DatabaseConnection,
    sessions: Arc<Sessions>,
    text: String,
    is_procedure: bool,
    parameters: Vec<Parameter>,
    timeout_seconds: u32,
    path: String,
}

#[async_trait]
impl Task for ExecuteSqlTask {
    fn check(&self, host: &TaskHost<'_>) -> Result<(), RunError> {
        let mut findings = Findings::default();
        let mut wrong = |code, message| {
            findings.push(host.finding(FindingKind::Invalid, Some(code), message));
        };
        let names = self.settings.parameters.iter().map(|one| &one.variable);
        let results = self.settings.results.iter().map(|one| &one.variable);
        for name in names.chain(results) {
            if let Err(message) = host.has_variable(name) {
                wrong(SsisCode::VARIABLE_NOT_FOUND, message);
            }
        }
        if self.settings.source == SqlSource::Direct && self.settings.statement.trim().is_empty() {
            let message = "its statement is empty (SqlStatementSource)".to_owned();
            wrong(SsisCode::VALIDATION_FAILED, message);
        }
        let connections = host.connections()?;
        if let Err(error) = connections.database(&self.settings.connection) {
            // DTS_E_CANNOTACQUIRECONNECTIONFROMCONNECTIONMANAGER
            wrong(SsisCode(0xC020_801C), error.to_string());
        }
        findings.none_or(()).map_err(RunError::Findings)
    }

    fn connections(&self) -> Vec<String> {
        vec![self.settings.connection.clone()]
    }

    /// Runs the statements, and gives their results to variables.
    async fn run(&self, run: &TaskRun<'_>) -> Result<TaskResult, RunError> {
        let prepared = self.prepare(run)?;
        run.log("ExecuteSQLExecutingQuery", &prepared.text).await;
        let running: Arc<Mutex<Option<Arc<dyn Cancel>>>> = Arc::default();
        let guard = Guard(Arc::clone(&running));
        let executed = SpawnedTask::spawn_blocking(move || prepared.execute(&running));
        let (statements, executed) = executed
            .join()
            .await
            .map_err(|error| failure(run, format!("its thread is gone: {error}")))?
            .map_err(|error| run.failed(error))?;
        drop(guard);
        let mut sql = SqlReport {
            statements: statements as u64,
            rows_affected: executed.rows_affected,
            rows: None,
        };
        for message in &executed.messages {
            run.warn(None, format!("{}: {message}", run.path())).await;
        }
        let (sets, kept) = (executed.result_sets.len(), self.settings.results.len());
        if self.settings.result == ResultType::Rowset && sets > kept {
            let message = format!(
                "{}: of {sets} result sets the first {kept} are kept: an Object holds one table",
                run.path()
            );
            run.warn(None, message).await;
        }
        let mut assignments = self.of_parameters(run, &executed)?;
        assignments.extend(self.of_results(run, &executed, &mut sql)?);
        for assignment in assignments {
            run.assign(assignment).await;
        }
        Ok(TaskResult::Sql(sql))
    }
}

fn failure(host: &TaskHost<'_>, message: impl Into<String>) -> RunError {
    host.failure(Some(QUERY_FAILED), message)
}

impl ExecuteSqlTask {
    fn prepare(&self, run: &TaskRun<'_>) -> Result<Prepared, RunError> {
        let settings = &self.settings;
        let connections = run.connections()?;
        let connection = connections
            .database(&settings.connection)
            .map_err(|error| failure(run, error.to_string()))?;
        let variables = run.variables();
        let text = match settings.source {
            SqlSource::Direct => settings.statement.clone(),
            SqlSource::Variable => {
                let value = run.variable(&settings.statement);
                value.map_err(|message| failure(run, message))?.to_string()
            }
            SqlSource::File => {
                let file = connections
                    .file(&settings.statement)
                    .map_err(|error| failure(run, error.to_string()))?;
                read_text(&file, settings.code_page).map_err(|message| failure(run, message))?
            }
        };
        let mut parameters = Vec::new();
        for parameter in ordered(&settings.parameters) {
            let (namespace, name) = split(&parameter.variable);
            let value = variables.value(namespace, name);
            parameters.push(bound(parameter, value).map_err(|message| failure(run, message))?);
        }
        Ok(Prepared {
            text,
            is_procedure: settings.is_stored_procedure,
            connection,
            sessions: run.sessions(),
            parameters,
            timeout_seconds: settings.timeout_seconds,
            path: run.path().to_owned(),
        })
    }

    /// Output parameters and return values.
    fn of_parameters(
        &self,
        run: &TaskRun<'_>,
        executed: &Executed,
    ) -> Result<Vec<Handed>, RunError> {
        let outputs: Vec<&SqlParameter> = ordered(&self.settings.parameters)
            .into_iter()
            .filter(|parameter| parameter.direction != SqlDirection::Input)
            .collect();
        if outputs.len() != executed.outputs.len() {
            return Err(failure(
                run,
                format!(
                    "{} output parameters are wanted, the database gave {}: it may have none of this kind",
                    outputs.len(),
                    executed.outputs.len()
                ),
            ));
        }
        let values = outputs.iter().zip(&executed.outputs);
        values
            .map(|(parameter, value)| assignment(run, &parameter.variable, value))
            .collect()
    }

    fn of_results(
        &self,
        run: &TaskRun<'_>,
        executed: &Executed,
        sql: &mut SqlReport,
    ) -> Result<Vec<Handed>, RunError> {
        let settings = &self.settings;
        if settings.result == ResultType::None {
            return Ok(Vec::new());
        }
        let Some(set) = executed.result_sets.first() else {
            return Err(failure(
                run,
                "the statement yields no rows, and a result is wanted",
            ));
        };
        let rows: usize = set.batches.iter().map(RecordBatch::num_rows).sum();
        sql.rows = Some(rows as u64);
        match settings.result {
            ResultType::Rowset if settings.results.len() > executed.result_sets.len() => {
                Err(failure(
                    run,
                    format!(
                        "{} results are wanted, the statement yields {}",
                        settings.results.len(),
                        executed.result_sets.len()
                    ),
                ))
            }
            ResultType::Rowset => {
                let sets = settings.results.iter().zip(&executed.result_sets);
                sets.map(|(result, set)| kept(run, &result.variable, set))
                    .collect()
            }
            ResultType::Xml => {
                let text = joined_text(set).map_err(|message| failure(run, message))?;
                let result = settings.results.first();
                let assigned = result.map(|result| assignment(run, &result.variable, &text));
                assigned.into_iter().collect()
            }
            _ => {
                let row = set.batches.iter().find(|batch| batch.num_rows() > 0);
                let Some(row) = row else {
                    return Err(failure(
                        run,
                        "a single row is wanted (ResultSet), and the statement found none",
                    ));
                };
                let values = settings.results.iter().map(|result| {
                    let at = column_of(&set.schema, &result.name).ok_or_else(|| {
                        let names = set.schema.fields().iter();
                        let names: Vec<&str> = names.map(|field| field.name().as_str()).collect();
                        failure(
                            run,
                            format!(
                                "the result has no column `{}`; it has: {}",
                                result.name,
                                names.join(", ")
                            ),
                        )
                    })?;
                    assignment(run, &result.variable, row.column(at))
                });
                values.collect()
            }
        }
    }
}

/// The value of an array, which goes to a variable, and how to say it.
fn assignment(run: &TaskRun<'_>, variable: &str, array: &ArrayRef) -> Result<Handed, RunError> {
    let data_type = natural_type(array.data_type()).ok_or_else(|| {
        failure(
            run,
            format!(
                "variable `{variable}` cannot take a value of type {}",
                array.data_type()
            ),
        )
    })?;
    let assignment = run
        .state
        .variables()
        .assigned_value(run.path(), variable, data_type, array)
        .map_err(|message| failure(run, message))?;
    let shown = match array.is_null(0) {
        true => "NULL".to_owned(),
        false => Scalar {
            data_type,
            array: array.slice(0, 1),
        }
        .to_string(),
    };
    Ok((assignment, (variable.to_owned(), shown)))
}

/// All rows, into an Object.
fn kept(run: &TaskRun<'_>, variable: &str, set: &ResultSet) -> Result<Handed, RunError> {
    let rows: usize = set.batches.iter().map(RecordBatch::num_rows).sum();
    let assignment = run
        .state
        .variables()
        .assigned_batches(
            run.path(),
            variable,
            Arc::clone(&set.schema),
            Arc::new(set.batches.clone()),
        )
        .map_err(|message| failure(run, message))?;
    Ok((assignment, (variable.to_owned(), format!("{rows} rows"))))
}

/// Stops the statement when the task is dropped.
struct Guard(Arc<Mutex<Option<Arc<dyn Cancel>>>>);

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(cancel) = &*self.0.lock() {
            cancel.cancel();
        }
    }
}

impl Prepared {
    fn execute(
        &self,
        running: &Mutex<Option<Arc<dyn Cancel>>>,
    ) -> Result<(usize, Executed), FlowError> {
        let manager = &self.connection.manager;
        let fail = |error| database_error(&self.path, manager, &error);
        let mut session = self.sessions.acquire(&self.connection).map_err(fail)?;
        *running.lock() = Some(session.canceller());
        let statements = self
            .connection
            .adapt(session.dialect(), &self.text, &self.parameters)
            .map_err(|error| FlowError::new(&self.path, Some(QUERY_FAILED), error.to_string()))?;
        let mut all = Executed::default();
        for one in &statements {
            let statement = Statement {
                parameters: &one.parameters,
                timeout_seconds: self.timeout_seconds,
                is_procedure: self.is_procedure,
                ..Statement::new(&one.text)
            };
            let executed = session.execute(&statement).map_err(fail)?;
            all.rows_affected += executed.rows_affected;
            all.result_sets.extend(executed.result_sets);
            all.outputs.extend(executed.outputs);
            all.messages.extend(executed.messages);
        }
        *running.lock() = None;
        Ok((statements.len(), all))
    }
}

/// `DTS_E_SQLTASK_ERROREXECUTINGTHEQUERY`.
const QUERY_FAILED: SsisCode = SsisCode(0xC002_F210);

/// By the places that their names give; names that are none keep the order of the document.
fn ordered(parameters: &[SqlParameter]) -> Vec<&SqlParameter> {
    let mut ordered: Vec<&SqlParameter> = parameters.iter().collect();
    if parameters.iter().all(|one| one.name.parse::<u32>().is_ok()) {
        ordered.sort_by_key(|one| one.name.parse::<u32>().unwrap_or(u32::MAX));
    }
    ordered
}

fn bound(parameter: &SqlParameter, value: Option<Scalar>) -> Result<Parameter, String> {
    let direction = match parameter.direction {
        SqlDirection::Input => Direction::Input,
        SqlDirection::Output => Direction::Output,
        SqlDirection::ReturnValue => Direction::ReturnValue,
    };
    let value = match (value, direction) {
        (Some(value), _) => value.array,
        (None, Direction::Input) => {
            return Err(format!(
                "variable `{}` has no value for parameter `{}`",
                parameter.variable, parameter.name
            ));
        }
        (None, _) => new_null_array(&ArrowType::Null, 1),
    };
    let by_place = parameter.name.parse::<u32>().is_ok();
    Ok(Parameter {
        name: (!by_place && !parameter.name.is_empty()).then(|| parameter.name.clone()),
        direction,
        value,
        size: u32::try_from(parameter.size).unwrap_or(0),
    })
}

/// A result's column, by name or by its place from 0.
fn column_of(schema: &SchemaRef, name: &str) -> Option<usize> {
    let fields = schema.fields();
    let named = fields
        .iter()
        .position(|field| field.name().eq_ignore_ascii_case(name.trim()));
    named.or_else(|| {
        let place = name.trim().parse().ok();
        place.filter(|place| *place < fields.len())
    })
}

/// The text of all rows of the first column.
fn joined_text(set: &ResultSet) -> Result<ArrayRef, String> {
    let mut text = String::new();
    for batch in &set.batches {
        let column = batch
            .columns()
            .first()
            .ok_or("the result has no columns, and text is wanted")?;
        let column = cast(column, &ArrowType::Utf8View).map_err(|error| error.to_string())?;
        column
            .as_string_view()
            .iter()
            .flatten()
            .for_each(|part| text.push_str(part));
    }
    Ok(Arc::new(arrow::array::StringViewArray::from(vec![text])))
}

/// Largest script.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// The text of a file: by its byte order mark, else in a code page.
pub(super) fn read_text(file: &std::path::Path, code_page: Option<u32>) -> Result<String, String> {
    let bytes = package_files::read(file, FILE_BYTES_MAX).map_err(|error| error.to_string())?;
    match bytes.as_slice() {
        [0xEF, 0xBB, 0xBF, rest @ ..] => Ok(String::from_utf8_lossy(rest).into_owned()),
        [0xFF, 0xFE, rest @ ..] => {
            let units = rest
                .chunks_exact(2)
                .map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
            Ok(char::decode_utf16(units)
                .map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect())
        }
        bytes => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => {
                let page = CodePage::from_number(code_page.unwrap_or(1252));
                Ok(page
                    .map_err(|error| error.to_string())?
                    .decode(bytes)
                    .into_owned())
            }
        },
    }
}
