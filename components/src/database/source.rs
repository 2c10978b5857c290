//! The rows of a query as the rows of a source: what OLE DB, ADO NET and ODBC sources share.
//!
//! ```text
//!  blocking thread: session ──query──▶ batches, columns picked by name ──▶ FeedExec ──▶ SourceRows: casts, row errors ──▶ outputs
//!                                      natural types                       1 reader     any number of threads
//! ```
//!
//! **Columns** are found in the result by the names of the external columns, without regard to case; a column that has no
//! name there (an expression) by its place. A column that is not there is an error that says what is; one of a table whose
//! texts may be longer by now is told (nobody knows that of a query).
//! **Rows**: in the order in which the database gives them. A value that does not fit the declared type goes where the
//! column's dispositions say.

use std::{ops::ControlFlow, sync::Arc};

use arrow::{
    array::{ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array},
    compute::{cast, take_record_batch},
    datatypes::{Field, Schema, SchemaRef},
};
use datafusion_common::{DataFusionError, Result};
use datafusion_physical_plan::ExecutionPlan;
use dtsx::{DataType, Disposition, SsisCode};
use fletching_connections::database::{
    Cancel, DatabaseConnection, DatabaseError, ReadOptions, RowSink, Sessions, Statement, TableName,
};
use fletching_expression::types;
use parking_lot::Mutex;

use super::{ColumnCast, DatabaseAccess, Sql, lengths::check_lengths, natural_type, spool::Spool};
use crate::{
    Binding, Component, Drift, Finding, Findings, PlanContext, Planned,
    flow::{
        Applied, FeedExec, FlowError, OutputRows, OutputSpec, PushBatches, RowError, RowWise,
        RunState, Stop,
    },
    transforms::computed::{ComputedColumn, batch_of, cell_failure, output_specs, shown_value},
};

/// What a source reads.
#[derive(Debug, Clone)]
pub(crate) enum RowsOf {
    /// The columns that are wanted of a table or view.
    Table(TableName),
    Query(Sql),
}

/// Settings of a source.
#[derive(Debug)]
pub(crate) struct DatabaseSource {
    access: DatabaseAccess,
    rows_of: RowsOf,
    columns: Arc<Vec<SourceColumn>>,
    outputs: Vec<OutputSpec>,
    locale_id: u32,
    /// Shown by EXPLAIN: `OleDbSource`.
    operator: &'static str,
}

/// An output column, and where its values come from.
#[derive(Debug, Clone)]
struct SourceColumn {
    column: ComputedColumn,
    /// Its name in the database.
    external: String,
    /// Its place among the external columns.
    place: usize,
}

impl DatabaseSource {
    /// The parts that all sources have, of a bound component.
    fn read(
        binding: &Binding<'_>,
        operator: &'static str,
        access: DatabaseAccess,
        rows_of: RowsOf,
    ) -> Result<Self, Findings> {
        let regular = binding
            .component
            .outputs
            .iter()
            .zip(binding.outputs)
            .find(|(document, _)| !document.is_error);
        let Some((document, bound)) = regular else {
            return Err(binding.finding("has no output").into());
        };
        let columns = document.columns.iter().zip(&bound.columns);
        let columns = columns.enumerate().map(|(at, (output, column))| {
            let place = document
                .external_columns
                .iter()
                .position(|external| Some(&external.id) == output.external_column_id.as_ref());
            let external = place.and_then(|place| document.external_columns.get(place));
            SourceColumn {
                column: ComputedColumn::added(output, column),
                external: external.map_or_else(|| output.name.clone(), |found| found.name.clone()),
                place: place.unwrap_or(at),
            }
        });
        Ok(Self {
            access,
            rows_of,
            columns: Arc::new(columns.collect()),
            outputs: output_specs(binding.outputs),
            locale_id: binding.locale_id,
            operator,
        })
    }
}

impl DatabaseSource {
    /// The source as a component, or all that is wrong with it.
    pub(crate) fn component(
        binding: &Binding<'_>,
        operator: &'static str,
        access: Result<DatabaseAccess, Finding>,
        rows_of: Result<RowsOf, Findings>,
        mut findings: Findings,
    ) -> Result<Box<dyn Component>, Findings> {
        match (access, rows_of) {
            (Ok(access), Ok(rows_of)) => {
                let source = Self::read(binding, operator, access, rows_of)?;
                findings.none_or(Box::new(source))
            }
            (access, rows_of) => {
                findings.0.extend(access.err());
                findings.0.extend(rows_of.err().unwrap_or_default().0);
                Err(findings)
            }
        }
    }
}

impl Component for DatabaseSource {
    fn plan(&self, _inputs: Vec<Arc<dyn ExecutionPlan>>, context: &PlanContext) -> Result<Planned> {
        let connection = self.access.connection(context)?;
        let details = match &self.rows_of {
            RowsOf::Table(table) => format!("{} {table}", connection.target),
            RowsOf::Query(_) => format!("{} query", connection.target),
        };
        let running: Running = Arc::default();
        let reading = Reading {
            access: self.access.clone(),
            connection,
            sessions: Arc::clone(&context.sessions),
            rows_of: self.rows_of.clone(),
            columns: Arc::clone(&self.columns),
            batch_rows: context.batch_size,
            drift: context.drift,
            shares: context.shares_session,
            running: Arc::clone(&running),
            run: Arc::clone(&context.run),
        };
        let stop: Stop = Box::new(move || {
            if let Some(cancel) = &*running.lock() {
                cancel.cancel();
            }
        });
        let schema = wanted_schema(&self.columns);
        let feed = FeedExec::pushed(details, schema, context.partitions, reading.into_push());
        let operator = SourceRows {
            path: self.access.path.clone(),
            name: self.operator,
            columns: Arc::clone(&self.columns),
            outputs: self.outputs.clone(),
            locale_id: self.locale_id,
            widens: context.drift == Drift::Widen,
        };
        Ok(Planned::RowWise {
            input: Arc::new(feed.with_stop(stop)),
            operator: Arc::new(operator),
        })
    }
}

/// The columns as the package declares them, under their names in the database. The batches of the feed have the types
/// of the database instead, which are known when the query runs.
fn wanted_schema(columns: &[SourceColumn]) -> SchemaRef {
    let fields = columns
        .iter()
        .map(|column| types::field(&column.external, &column.column.data_type));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// What stops the statement that runs.
type Running = Arc<Mutex<Option<Arc<dyn Cancel>>>>;

/// What the feed's thread needs.
struct Reading {
    access: DatabaseAccess,
    connection: DatabaseConnection,
    sessions: Arc<Sessions>,
    rows_of: RowsOf,
    columns: Arc<Vec<SourceColumn>>,
    batch_rows: usize,
    /// What columns that have changed are.
    drift: Drift,
    /// The session is not held while the flow has no room for more.
    shares: bool,
    running: Running,
    run: Arc<RunState>,
}

impl Reading {
    fn into_push(self) -> PushBatches {
        Box::new(move |context, hand| {
            if !self.shares {
                return Ok(self.run(hand)?);
            }
            let mut spool = Spool::new(&self.access.path, context);
            let mut full = Ok(());
            self.run(&mut |batch| match spool.push(batch) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    full = Err(error);
                    ControlFlow::Break(())
                }
            })?;
            full?;
            spool.hand_over(|batch| Ok(hand(batch)))
        })
    }

    fn run(self, hand: &mut dyn FnMut(RecordBatch) -> ControlFlow<()>) -> Result<(), FlowError> {
        let fail = |error: DatabaseError| self.access.error(&error);
        let (access, connection) = (&self.access, &self.connection);
        let mut session = access.acquire(&self.sessions, connection, &self.run)?;
        *self.running.lock() = Some(session.canceller());
        let table_sql = match &self.rows_of {
            RowsOf::Query(_) => None,
            RowsOf::Table(table) => {
                let live = session.describe(table).map_err(fail)?;
                let names: Vec<&str> = live.iter().map(|column| column.name.as_str()).collect();
                check_columns(&self.access, &self.columns, &names, &table.to_string())?;
                let saved = self.columns.iter();
                check_lengths(
                    access,
                    (&table.to_string(), &live),
                    saved.map(|one| (one.external.as_str(), &one.column.data_type)),
                    (session.dialect(), self.drift),
                    &self.run,
                )?;
                let wanted = self.columns.iter().map(|column| {
                    let known = names
                        .iter()
                        .find(|name| name.eq_ignore_ascii_case(&column.external));
                    known.map_or(column.external.as_str(), |name| name)
                });
                Some(session.dialect().select(wanted, table))
            }
        };
        let options = ReadOptions {
            batch_rows: self.batch_rows,
            wanted: Some(wanted_schema(&self.columns)),
        };
        let mut sink = Picking {
            reading: &self,
            hand,
            positions: Vec::new(),
            first_row: 1,
            failed: None,
        };
        let queried = match (&self.rows_of, &table_sql) {
            (RowsOf::Query(sql), _) => {
                access.query(connection, &mut session, sql, &options, &mut sink)
            }
            (RowsOf::Table(_), sql) => {
                let statement = Statement {
                    timeout_seconds: self.access.timeout_seconds,
                    ..Statement::new(sql.as_deref().unwrap_or_default())
                };
                session.query(&statement, &options, &mut sink).map_err(fail)
            }
        };
        let failed = sink.failed;
        // What runs on this session from now on is somebody else's.
        *self.running.lock() = None;
        match failed {
            Some(error) => Err(error),
            None => queried,
        }
    }
}

/// Every column of the source must be among `names`.
fn check_columns(
    access: &DatabaseAccess,
    columns: &[SourceColumn],
    names: &[&str],
    of: &str,
) -> Result<(), FlowError> {
    let missing: Vec<&str> = columns
        .iter()
        .filter(|column| {
            !names
                .iter()
                .any(|name| name.eq_ignore_ascii_case(&column.external))
        })
        .map(|column| column.external.as_str())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(drift(access, of, &missing, names))
}

/// Columns that the package knows and the database does not have.
fn drift(access: &DatabaseAccess, of: &str, missing: &[&str], found: &[&str]) -> FlowError {
    let message = format!(
        "{of} has changed since the package was saved:\n  missing: {}\n  it has:  {}\n  open the source in the designer, or \
         give the query aliases of these names",
        missing.join(", "),
        found.join(", ")
    );
    FlowError::new(&access.path, Some(SsisCode(0xC020_2005)), message) // DTS_E_COLUMNNOTFOUND
}

/// Picks the source's columns out of the result.
struct Picking<'a> {
    reading: &'a Reading,
    hand: &'a mut dyn FnMut(RecordBatch) -> ControlFlow<()>,
    /// For each column of the source its place in the result.
    positions: Vec<usize>,
    /// Number of the next row, from 1.
    first_row: u64,
    failed: Option<FlowError>,
}

/// Metadata of a batch: the number of its first row.
const FIRST_ROW: &str = "first row";

impl Picking<'_> {
    /// Columns whose type is not the saved one.
    fn changed(&self, schema: &SchemaRef) -> Option<FlowError> {
        let pairs = self.reading.columns.iter().zip(&self.positions);
        let changed: Vec<String> = pairs
            .filter_map(|(column, at)| {
                let found = schema.fields().get(*at)?.data_type();
                let declared = column.column.data_type;
                let same = types::arrow_type(&declared) == *found;
                (!same).then(|| {
                    format!(
                        "`{}` was {declared}, is {}",
                        column.external,
                        natural_type(found)
                            .map_or_else(|| found.to_string(), |one| one.to_string())
                    )
                })
            })
            .collect();
        if changed.is_empty() {
            return None;
        }
        let message = format!(
            "columns have changed since the package was saved:\n  {}\n  open the source in the designer, or run with `--drift \
             by-name`",
            changed.join("\n  ")
        );
        let code = Some(SsisCode(0xC020_2005)); // DTS_E_COLUMNNOTFOUND
        Some(FlowError::new(&self.reading.access.path, code, message))
    }
}

impl RowSink for Picking<'_> {
    fn start(&mut self, schema: &SchemaRef) -> ControlFlow<()> {
        let names: Vec<&str> = schema
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .collect();
        let columns = &self.reading.columns;
        let of_place = |column: &SourceColumn| {
            // The name of an expression is the database's own affair.
            let name = names.get(column.place)?;
            let wanted = columns
                .iter()
                .any(|other| other.external.eq_ignore_ascii_case(name));
            (!wanted).then_some(column.place)
        };
        let mut missing = Vec::new();
        for column in columns.iter() {
            let named = names
                .iter()
                .position(|name| name.eq_ignore_ascii_case(&column.external));
            let placed = || of_place(column).filter(|at| is_nameless(names.get(*at)));
            match (named, named.is_none().then(placed).flatten()) {
                (Some(position), _) => self.positions.push(position),
                (None, Some(position)) => {
                    let reading = self.reading;
                    reading.run.warn(format!(
                        "{}: column `{}` is taken by its place: the database calls it `{}`",
                        reading.access.path,
                        column.external,
                        names.get(position).unwrap_or(&"")
                    ));
                    self.positions.push(position);
                }
                (None, None) => missing.push(column.external.as_str()),
            }
        }
        if missing.is_empty() {
            let reading = self.reading;
            let strict = reading.drift == Drift::Strict;
            self.failed = strict.then(|| self.changed(schema)).flatten();
            return match self.failed {
                Some(_) => ControlFlow::Break(()),
                None => ControlFlow::Continue(()),
            };
        }
        self.failed = Some(drift(
            &self.reading.access,
            "the query's result",
            &missing,
            &names,
        ));
        ControlFlow::Break(())
    }

    fn lost(&mut self, what: String) {
        let reading = self.reading;
        reading.run.warn(format!("{}: {what}", reading.access.path));
    }

    fn batch(&mut self, batch: RecordBatch) -> ControlFlow<()> {
        let picked = self.positions.iter().filter_map(|at| {
            let field = batch.schema_ref().fields().get(*at)?;
            Some((Arc::clone(field), Arc::clone(batch.columns().get(*at)?)))
        });
        let (fields, columns): (Vec<Arc<Field>>, Vec<ArrayRef>) = picked.unzip();
        let metadata = [(FIRST_ROW.to_owned(), self.first_row.to_string())];
        let schema = Arc::new(Schema::new(fields).with_metadata(metadata.into()));
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        self.first_row += batch.num_rows() as u64;
        match RecordBatch::try_new_with_options(schema, columns, &options) {
            Ok(batch) => (self.hand)(batch),
            Err(error) => {
                let access = &self.reading.access;
                self.failed = Some(FlowError::new(&access.path, None, error.to_string()));
                ControlFlow::Break(())
            }
        }
    }
}

/// Whether a result's column has no name that somebody gave it.
fn is_nameless(name: Option<&&str>) -> bool {
    name.is_none_or(|name| {
        let plain = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | ' ' | '#');
        name.is_empty() || !name.chars().all(plain) || *name == "?column?"
    })
}

/// Casts the rows of the feed.
#[derive(Debug)]
struct SourceRows {
    path: String,
    name: &'static str,
    columns: Arc<Vec<SourceColumn>>,
    outputs: Vec<OutputSpec>,
    locale_id: u32,
    /// Text may be longer than it was.
    widens: bool,
}

impl SourceRows {
    fn cast(&self, column: &SourceColumn, field: &Field) -> Result<ColumnCast, FlowError> {
        let fail = |message: String| {
            FlowError::new(&self.path, Some(SsisCode::VALIDATION_FAILED), message)
                .with_column(&column.column.name)
        };
        let declared = match column.column.data_type {
            DataType::WStr { .. } if self.widens => DataType::NText,
            DataType::Str { code_page, .. } if self.widens => DataType::Text { code_page },
            declared => declared,
        };
        let Some(natural) = natural_type(field.data_type()) else {
            return Err(fail(format!(
                "values of type {} cannot be read",
                field.data_type()
            )));
        };
        ColumnCast::new(natural, declared, self.locale_id).map_err(|error| {
            fail(format!(
                "the database has {} where the package has {declared}: {error}",
                field.data_type()
            ))
        })
    }

    fn error_rows(&self, rows: &RecordBatch, errors: &[RowError]) -> Result<Option<RecordBatch>> {
        let Some(output) = self.outputs.iter().find(|output| output.is_error) else {
            return Ok(None);
        };
        let mut redirected: Vec<u32> = errors
            .iter()
            .filter(|error| error.disposition == Disposition::RedirectRow)
            .map(|error| error.row)
            .collect();
        redirected.dedup();
        // The error output has the source's columns, those that it lists, and then code and column.
        let own = output.schema.fields().len().saturating_sub(2);
        let columns = output.schema.fields().iter().take(own).map(|field| {
            let at = rows.schema_ref().index_of(field.name())?;
            // The designer may have given it another type there.
            Ok(cast(rows.column(at), field.data_type())?)
        });
        let columns: Vec<ArrayRef> = columns.collect::<Result<_, DataFusionError>>()?;
        let fields = output.schema.fields().iter().take(own).cloned();
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let all = batch_of(&schema, columns, rows.num_rows())?;
        Ok(Some(take_record_batch(
            &all,
            &UInt32Array::from(redirected),
        )?))
    }
}

impl RowWise for SourceRows {
    fn name(&self) -> &'static str {
        self.name
    }

    fn path(&self) -> &str {
        &self.path
    }

    fn details(&self) -> String {
        format!("{} columns", self.columns.len())
    }

    fn outputs(&self) -> &[OutputSpec] {
        &self.outputs
    }

    fn apply(&self, batch: &RecordBatch) -> Result<Applied> {
        let rows_in = batch.num_rows();
        let mut arrays = Vec::with_capacity(self.columns.len());
        let mut errors = Vec::new();
        let fields = batch.schema_ref().fields();
        for ((column, array), field) in self.columns.iter().zip(batch.columns()).zip(fields) {
            let cast = self.cast(column, field)?;
            let evaluated = cast.apply(array).map_err(|error| {
                FlowError::new(&self.path, error.code(), error.to_string())
                    .with_column(&column.column.name)
            })?;
            column.column.row_errors(&evaluated.errors, &mut errors);
            arrays.push(evaluated.array);
        }
        errors.sort_by_key(|error: &RowError| error.row);
        let regular = self.outputs.iter().find(|output| !output.is_error);
        let schema = regular.map_or_else(|| batch.schema(), |output| Arc::clone(&output.schema));
        let rows = batch_of(&schema, arrays, rows_in)?;
        let error_rows = self.error_rows(&rows, &errors)?;
        let outputs = self.outputs.iter().map(|output| match output.is_error {
            true => OutputRows::Errors,
            false => OutputRows::Aligned(rows.clone()),
        });
        Ok(Applied {
            rows_in,
            outputs: outputs.collect(),
            errors,
            error_rows,
        })
    }

    fn failure(&self, batch: &RecordBatch, error: &RowError) -> FlowError {
        let found = self
            .columns
            .iter()
            .position(|column| column.column.number == error.column);
        let Some((at, column)) = found.and_then(|at| Some((at, self.columns.get(at)?))) else {
            return FlowError::new(&self.path, Some(error.code), "a row failed");
        };
        let declared: DataType = column.column.data_type;
        let what = format!(
            "converting {} of the database's column `{}` ({}) to {declared}",
            shown_value(batch, at, error.row),
            column.external,
            batch.schema_ref().field(at).data_type()
        );
        let first: Option<u64> = batch
            .schema_ref()
            .metadata()
            .get(FIRST_ROW)
            .and_then(|row| row.parse().ok());
        let failure = cell_failure(&self.path, &column.column.name, error, &what);
        match first {
            Some(first) => failure.with_row(first + u64::from(error.row)),
            None => failure,
        }
    }
}
