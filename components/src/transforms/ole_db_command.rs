//! OLE DB Command: runs a statement for each row.
//!
//! ```text
//!  batch ──▶ columns of the parameters ──▶ session ──row by row──▶ the rows that it took, and those that failed
//! ```
//!
//! **Rows**: each row passes through, in the same order, once its statement has succeeded. Statements of a batch run one
//! after the other on one connection, in source order; a failing row goes where the input's disposition says.
//!
//! **Properties**: `SqlCommand`, whose `?` are bound by the place of their external column, not of the input column (spec
//! `ssis-semantics.md` 8.1); `CommandTimeout`, seconds that the statement of a row
//! may take, 0 for any time. `DefaultCodePage` is of no importance.

use std::{fmt, sync::Arc};

use arrow::{
    array::{ArrayRef, RecordBatch, RecordBatchOptions},
    datatypes::{Schema, SchemaRef},
};
use datafusion_common::Result;
use datafusion_physical_plan::ExecutionPlan;
use dtsx::{DataType, Disposition, SsisCode};
use fletching_connections::database::{
    DatabaseConnection, DatabaseError, Lease, Sessions, Statement,
};
use fletching_expression::types;
use parking_lot::Mutex;

use super::{
    computed::output_specs,
    settings::{Known, reject_unknown_everywhere, sole_input},
};
use crate::{
    Binding, Component, ComponentClass, ComponentKind, Findings, PlanContext, Planned,
    database::{ColumnCast, DatabaseAccess, Sql},
    flow::{
        Applied, FlowError, OutputRows, OutputSpec, RowError, RowWise, RunState, blocking, gather,
    },
};

pub static CLASS: ComponentClass = ComponentClass {
    name: "Microsoft.OLEDBCommand",
    kind: ComponentKind::Transform,
    read,
};

/// A marker of the statement.
#[derive(Debug, Clone)]
struct Marker {
    /// Place of the column in the batch.
    input: usize,
    name: String,
    cast: ColumnCast,
}

#[derive(Debug)]
struct OleDbCommand {
    access: DatabaseAccess,
    sql: Sql,
    markers: Vec<Marker>,
    outputs: Vec<OutputSpec>,
    on_error: Disposition,
}

fn read(binding: &Binding<'_>) -> Result<Box<dyn Component>, Findings> {
    let input = binding.input()?;
    let document = binding.document_input()?;
    let mut findings = Findings::default();
    let known = Known {
        component: &["SqlCommand", "CommandTimeout", "DefaultCodePage"],
        ..Known::default()
    };
    reject_unknown_everywhere(binding, known, &mut findings);
    let access = DatabaseAccess::read(binding, "CommandTimeout");
    let text = binding.component.properties.get("SqlCommand");
    let text = text.unwrap_or_default();
    if text.trim().is_empty() {
        findings.push(binding.finding("its SQL command is empty"));
    }
    let mut markers: Vec<(usize, Marker)> = Vec::new();
    for (column, position) in document.columns.iter().zip(&input.used) {
        let place = document
            .external_columns
            .iter()
            .position(|external| Some(&external.id) == column.external_column_id.as_ref());
        let found = place.and_then(|place| {
            let external = document.external_columns.get(place)?;
            Some((place, external, input.columns.get(*position)?))
        });
        // A column that is mapped to no parameter just passes through.
        let Some((place, external, bound)) = found else {
            continue;
        };
        match ColumnCast::new(bound.data_type, external.data_type, binding.locale_id) {
            Ok(cast) => markers.push((
                place,
                Marker {
                    input: *position,
                    name: bound.name.clone(),
                    cast,
                },
            )),
            Err(error) => findings.push(binding.finding(format!(
                "column `{}` cannot be parameter `{}`: {error}",
                bound.name, external.name
            ))),
        }
    }
    markers.sort_by_key(|(place, _)| *place);
    let access = match access {
        Ok(access) => access,
        Err(finding) => {
            findings.push(finding);
            return Err(findings);
        }
    };
    findings.none_or(Box::new(OleDbCommand {
        access,
        sql: Sql::new(text),
        markers: markers.into_iter().map(|(_, marker)| marker).collect(),
        outputs: output_specs(binding.outputs),
        on_error: document.error_row_disposition,
    }))
}

impl Component for OleDbCommand {
    fn plan(&self, inputs: Vec<Arc<dyn ExecutionPlan>>, context: &PlanContext) -> Result<Planned> {
        let fields = self
            .markers
            .iter()
            .map(|marker| types::field(&marker.name, marker.cast.to()));
        let operator = CommandRows {
            connection: self.access.connection(context)?,
            access: self.access.clone(),
            sessions: Arc::clone(&context.sessions),
            run: Arc::clone(&context.run),
            shares: context.shares_session,
            sql: self.sql.clone(),
            markers: self.markers.clone(),
            schema: Arc::new(Schema::new(fields.collect::<Vec<_>>())),
            outputs: self.outputs.clone(),
            on_error: self.on_error,
            session: Mutex::new(None),
            first_failure: Mutex::new(None),
        };
        Ok(Planned::RowWise {
            // Statements run in source order.
            input: gather(sole_input(inputs, &self.access.path)?)?,
            operator: Arc::new(operator),
        })
    }
}

struct CommandRows {
    access: DatabaseAccess,
    connection: DatabaseConnection,
    sessions: Arc<Sessions>,
    run: Arc<RunState>,
    /// The session is given back after each batch.
    shares: bool,
    sql: Sql,
    markers: Vec<Marker>,
    /// Of the parameters.
    schema: SchemaRef,
    outputs: Vec<OutputSpec>,
    on_error: Disposition,
    /// Opened with the first row.
    session: Mutex<Option<Lease>>,
    /// Of the batch at hand, for the error that stops the flow.
    first_failure: Mutex<Option<DatabaseError>>,
}

impl fmt::Debug for CommandRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandRows")
            .field("sql", &self.sql)
            .finish_non_exhaustive()
    }
}

impl CommandRows {
    /// The parameters of all rows; those that cannot be cast, by row.
    fn parameters(&self, batch: &RecordBatch) -> Result<(RecordBatch, Vec<(u32, SsisCode)>)> {
        let mut failed = Vec::new();
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.markers.len());
        for marker in &self.markers {
            let evaluated = marker
                .cast
                .apply(batch.column(marker.input))
                .map_err(|error| {
                    FlowError::new(&self.access.path, error.code(), error.to_string())
                        .with_column(&marker.name)
                })?;
            failed.extend(evaluated.errors.iter().map(|error| (error.row, error.code)));
            arrays.push(evaluated.array);
        }
        failed.sort_by_key(|(row, _)| *row);
        failed.dedup_by_key(|(row, _)| *row);
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let rows = RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)?;
        Ok((rows, failed))
    }

    /// Runs the statement for each row; those that fail, by row.
    fn run(&self, rows: &RecordBatch) -> Result<Vec<(u32, DatabaseError)>, FlowError> {
        let fail = |error: DatabaseError| self.access.error(&error);
        let mut lease = self.session.lock();
        if lease.is_none() {
            let (access, connection) = (&self.access, &self.connection);
            *lease = Some(access.acquire(&self.sessions, connection, &self.run)?);
        }
        let Some(session) = lease.as_mut() else {
            return Ok(Vec::new());
        };
        let statements = self
            .connection
            .adapt_markers(session.dialect(), &self.sql.text, self.markers.len())
            .map_err(|error| {
                let code = Some(SsisCode(0xC020_2009)); // DTS_E_OLEDBERROR
                FlowError::new(&self.access.path, code, error.to_string())
            })?;
        let goes_on = self.goes_on();
        let mut failed: Vec<(u32, DatabaseError)> = Vec::new();
        // Of several statements each row runs all before the next row does.
        let step = match statements.len() {
            1 => rows.num_rows().max(1),
            _ => 1,
        };
        for begin in (0..rows.num_rows()).step_by(step) {
            let part = rows.slice(begin, step.min(rows.num_rows() - begin));
            for (text, places) in &statements {
                let columns = part
                    .project(places)
                    .map_err(|error| FlowError::new(&self.access.path, None, error.to_string()))?;
                let statement = Statement {
                    timeout_seconds: self.access.timeout_seconds,
                    ..Statement::new(text)
                };
                let done = session
                    .execute_each(&statement, &columns, goes_on)
                    .map_err(fail)?;
                let before = failed.len();
                failed.extend(
                    (begin as u32..)
                        .zip(done)
                        .filter_map(|(row, done)| Some((row, done.err()?))),
                );
                if failed.len() > before {
                    break;
                }
            }
            if !goes_on && !failed.is_empty() {
                break;
            }
        }
        failed.sort_by_key(|(row, _)| *row);
        failed.dedup_by_key(|(row, _)| *row);
        if self.shares {
            *lease = None;
        }
        Ok(failed)
    }

    fn goes_on(&self) -> bool {
        matches!(
            self.on_error,
            Disposition::RedirectRow | Disposition::IgnoreFailure
        )
    }
}

impl RowWise for CommandRows {
    fn name(&self) -> &'static str {
        "OleDbCommand"
    }

    fn path(&self) -> &str {
        &self.access.path
    }

    fn details(&self) -> String {
        format!(
            "{}, {} parameters",
            self.connection.target,
            self.markers.len()
        )
    }

    fn outputs(&self) -> &[OutputSpec] {
        &self.outputs
    }

    fn apply(&self, batch: &RecordBatch) -> Result<Applied> {
        let rows_in = batch.num_rows();
        let mut errors = Vec::new();
        if rows_in > 0 {
            let (rows, uncast) = self.parameters(batch)?;
            let error = |row: u32, code: SsisCode| RowError {
                row,
                column: 0,
                code,
                disposition: self.on_error,
            };
            errors.extend(uncast.iter().map(|(row, code)| error(*row, *code)));
            // What cannot be cast is not run, nor is anything behind it that would not be reached.
            if uncast.is_empty() {
                let failed = blocking(|| self.run(&rows))?;
                *self.first_failure.lock() = failed.first().map(|(_, failure)| failure.clone());
                errors.extend(
                    failed
                        .iter()
                        .map(|(row, failure)| error(*row, failure.code())),
                );
            } else if self.goes_on() {
                let good: arrow::array::BooleanArray = (0..rows_in as u32)
                    .map(|row| Some(uncast.binary_search_by_key(&row, |(bad, _)| *bad).is_err()))
                    .collect();
                let kept: Vec<u32> = (0..rows_in as u32)
                    .filter(|row| good.value(*row as usize))
                    .collect();
                let rows = arrow::compute::filter_record_batch(&rows, &good)?;
                let failed = blocking(|| self.run(&rows))?;
                errors.extend(failed.iter().filter_map(|(row, failure)| {
                    Some(error(*kept.get(*row as usize)?, failure.code()))
                }));
                errors.sort_by_key(|error| error.row);
            }
        }
        let outputs = self.outputs.iter().map(|output| match output {
            output if output.is_error => Ok(OutputRows::Errors),
            output if output.connected => {
                let options = RecordBatchOptions::new().with_row_count(Some(rows_in));
                let rows = RecordBatch::try_new_with_options(
                    Arc::clone(&output.schema),
                    batch.columns().to_vec(),
                    &options,
                )?;
                Ok(OutputRows::Aligned(rows))
            }
            _ => {
                let redirected = match self.on_error {
                    Disposition::RedirectRow => errors.len(),
                    _ => 0,
                };
                Ok(OutputRows::Unconnected(rows_in - redirected))
            }
        });
        Ok(Applied {
            rows_in,
            outputs: outputs.collect::<Result<_>>()?,
            errors,
            error_rows: None,
        })
    }

    fn failure(&self, batch: &RecordBatch, error: &RowError) -> FlowError {
        let columns: Vec<usize> = self.markers.iter().map(|marker| marker.input).collect();
        let row = super::computed::shown_row(batch, &columns, error.row);
        match &*self.first_failure.lock() {
            Some(failure) => {
                let mut failure = self.access.error(failure);
                failure.message.push_str(&format!("; the row was: {row}"));
                failure
            }
            None => {
                let types: Vec<DataType> = self
                    .markers
                    .iter()
                    .map(|marker| *marker.cast.to())
                    .collect();
                let message = format!("{row}: does not fit the parameters' types {types:?}");
                FlowError::new(&self.access.path, Some(error.code), message)
            }
        }
    }
}
