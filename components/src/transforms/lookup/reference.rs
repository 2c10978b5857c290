//! The reference of a full cache: read whole, converted to the types that the package declares, compacted, indexed.

use std::{ops::ControlFlow, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array},
    compute::{concat, take},
    datatypes::{DataType as ArrowType, SchemaRef},
};
use datafusion_common::{DataFusionError, Result, internal_err};
use datafusion_execution::{
    TaskContext,
    memory_pool::{MemoryConsumer, MemoryReservation},
};
use fletching_connections::database::{ReadOptions, RowSink};
use fletching_expression::EvaluateError;

use super::{
    cache_file::read_cache,
    component::{Lookup, Source, Wanted},
    error::{DUPLICATE_KEYS, FILL_FAILED, no_column, no_memory},
    exec::Stop,
    probe::Matches,
    table::KeyTable,
};
use crate::{
    PlanContext,
    database::{ColumnCast, DatabaseAccess, Sql, natural_type},
    flow::FlowError,
};

/// A batch of at most so many rows is copied to fit.
const SHORT_ROWS: usize = 4096;

/// A loaded reference.
#[derive(Debug)]
pub(crate) struct Reference {
    table: KeyTable,
    /// In the order of the wanted columns; `None` for those that are not copied.
    columns: Vec<Option<ArrayRef>>,
    _reservation: MemoryReservation,
}

impl Reference {
    pub(super) fn matches(&self, settings: &Lookup, batch: &RecordBatch) -> Result<Matches> {
        let keys = settings.joins.iter();
        let keys: Vec<ArrayRef> = keys
            .map(|join| Arc::clone(batch.column(join.input)))
            .collect();
        Ok(Matches {
            rows: self.find(&keys)?,
            columns: self.columns.clone(),
        })
    }

    /// The rows with these keys, which are in the order of the joins.
    pub(crate) fn find(&self, keys: &[ArrayRef]) -> Result<Vec<u32>> {
        self.table.find(keys)
    }

    /// In the order of the wanted columns; `None` for those that are not copied.
    pub(crate) fn columns(&self) -> &[Option<ArrayRef>] {
        &self.columns
    }
}

/// Reads the reference of a Lookup with a full cache. Blocks.
pub(crate) fn load(
    settings: &Lookup,
    context: &PlanContext,
    task: &Arc<TaskContext>,
    stop: &Stop,
) -> Result<Reference, FlowError> {
    let reservation = MemoryConsumer::new(format!("the reference of {}", settings.path))
        .register(task.memory_pool());
    let mut rows = Rows::new(settings, &reservation);
    match &settings.source {
        Source::Query { access, sql } => {
            read_query(access, sql, settings, context, &mut rows, stop)?;
        }
        Source::Cache { manager } => {
            read_cache(&settings.path, manager, context, &mut |batch| {
                rows.take(batch.schema_ref(), batch)
            })?;
        }
        Source::Asked { .. } => {}
    }
    if let Some(lost) = rows.lost.take() {
        context.run.warn(format!("{}: {lost}", settings.path));
    }
    let (columns, count) = rows.finish()?;
    let keys: Vec<ArrayRef> = settings
        .joins
        .iter()
        .map(|join| Arc::clone(&columns[join.column]))
        .collect();
    let fail = |error: DataFusionError| no_memory(&settings.path, count, &error);
    // Twice as many places as rows, of sixteen bytes.
    reservation.try_grow(count * 32).map_err(fail)?;
    let (table, duplicates) = KeyTable::build(&keys).map_err(fail)?;
    let held: usize = columns.iter().map(Array::get_array_memory_size).sum();
    reservation.try_resize(held + table.size()).map_err(fail)?;
    if duplicates > 0 {
        say_duplicates(settings, context, duplicates)?;
    }
    let is_copied = |at: usize| settings.copies.iter().any(|copied| copied.column == at);
    let columns = columns.into_iter().enumerate();
    Ok(Reference {
        table,
        columns: columns
            .map(|(at, column)| is_copied(at).then_some(column))
            .collect(),
        _reservation: reservation,
    })
}

fn say_duplicates(
    settings: &Lookup,
    context: &PlanContext,
    duplicates: u64,
) -> Result<(), FlowError> {
    let names = settings.joins.iter();
    let names: Vec<&str> = names
        .map(|join| settings.columns[join.column].name.as_str())
        .collect();
    let names = names.join(", ");
    if settings.duplicates_fail {
        let message = format!(
            "{duplicates} rows of the reference have the key ({names}) of an earlier row: select each key once, or set \
             TreatDuplicateKeysAsError to False, and the first of them wins"
        );
        return Err(FlowError::new(
            &settings.path,
            Some(DUPLICATE_KEYS),
            message,
        ));
    }
    context.run.warn(format!(
        "{}: {duplicates} rows of the reference have the key ({names}) of an earlier row and are not used [{DUPLICATE_KEYS}]",
        settings.path
    ));
    Ok(())
}

fn read_query(
    access: &DatabaseAccess,
    sql: &str,
    settings: &Lookup,
    context: &PlanContext,
    rows: &mut Rows<'_>,
    stop: &Stop,
) -> Result<(), FlowError> {
    let connection = access.connection(context)?;
    let mut session = access.acquire(&context.sessions, &connection, &context.run)?;
    if !stop.of(Some(session.canceller())) {
        return Ok(());
    }
    let options = ReadOptions {
        wanted: settings.declared.clone(),
        ..ReadOptions::default()
    };
    let asked = access.query(&connection, &mut session, &Sql::new(sql), &options, rows);
    stop.of(None);
    // What the rows stopped at came first.
    rows.failure.take().map_or(asked, Err)
}

/// Takes the columns of a reference that are wanted, from batches of more.
struct Rows<'a> {
    settings: &'a Lookup,
    reservation: &'a MemoryReservation,
    columns: Option<Vec<ReferenceColumn>>,
    /// By wanted column.
    pieces: Vec<Vec<ArrayRef>>,
    rows: usize,
    failure: Option<FlowError>,
    /// Of values, on the way.
    lost: Option<String>,
}

/// Where a wanted column comes from.
#[derive(Debug)]
pub(super) struct ReferenceColumn {
    position: usize,
    /// `None`: it has the type.
    cast: Option<ColumnCast>,
}

impl ReferenceColumn {
    /// Finds each wanted column by its name in `schema`, which may hold SSIS types or the natural ones of a database.
    pub(super) fn of(
        settings: &Lookup,
        wanted: &[Wanted],
        schema: &SchemaRef,
    ) -> Result<Vec<Self>, FlowError> {
        let fields = schema.fields();
        let names: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
        let of = |wanted: &Wanted| {
            let same = |name: &&str| name.to_lowercase() == wanted.name.to_lowercase();
            let Some(position) = names.iter().position(same) else {
                return Err(no_column(&settings.path, &wanted.name, &names));
            };
            let field = &fields[position];
            let from = fletching_expression::types::data_type(field)
                .or_else(|| natural_type(field.data_type()));
            let unknown = || {
                let message = format!("column `{}` is {}", wanted.name, field.data_type());
                FlowError::new(&settings.path, Some(FILL_FAILED), message)
            };
            let from = from.ok_or_else(unknown)?;
            let cast = match from == wanted.data_type {
                true => None,
                false => {
                    let cast = ColumnCast::new(from, wanted.data_type, settings.locale_id);
                    Some(cast.map_err(|error| failed_cast(settings, wanted, &error))?)
                }
            };
            Ok(Self { position, cast })
        };
        wanted.iter().map(of).collect()
    }

    /// The column in the type that is wanted.
    pub(super) fn take(
        &self,
        settings: &Lookup,
        wanted: &Wanted,
        batch: &RecordBatch,
        rows_before: usize,
    ) -> Result<ArrayRef, FlowError> {
        let array = batch.column(self.position);
        let Some(cast) = &self.cast else {
            return Ok(Arc::clone(array));
        };
        let cast = cast
            .apply(array)
            .map_err(|error| failed_cast(settings, wanted, &error))?;
        let Some(failure) = cast.errors.first() else {
            return Ok(cast.array);
        };
        let what = match failure.truncation {
            true => "is longer than",
            false => "is no value of",
        };
        let message = format!(
            "column `{}` of the reference {what} {}, the type that the lookup was designed with, in row {}: correct the \
             query, or edit the lookup in the designer",
            wanted.name,
            wanted.data_type,
            rows_before + failure.row as usize + 1
        );
        Err(FlowError::new(&settings.path, Some(failure.code), message))
    }
}

fn failed_cast(settings: &Lookup, wanted: &Wanted, error: &EvaluateError) -> FlowError {
    let message = format!("column `{}` of the reference: {error}", wanted.name);
    FlowError::new(&settings.path, Some(FILL_FAILED), message)
}

impl<'a> Rows<'a> {
    fn new(settings: &'a Lookup, reservation: &'a MemoryReservation) -> Self {
        Self {
            settings,
            reservation,
            columns: None,
            pieces: vec![Vec::new(); settings.columns.len()],
            rows: 0,
            failure: None,
            lost: None,
        }
    }

    fn take(&mut self, schema: &SchemaRef, batch: &RecordBatch) -> Result<(), FlowError> {
        let (settings, wanted) = (self.settings, &self.settings.columns);
        let columns = match self.columns.take() {
            Some(columns) => columns,
            None => ReferenceColumn::of(settings, wanted, schema)?,
        };
        let mut size = 0;
        for ((column, wanted), pieces) in columns.iter().zip(wanted).zip(&mut self.pieces) {
            let array = compacted(column.take(settings, wanted, batch, self.rows)?);
            size += array.get_array_memory_size();
            pieces.push(array);
        }
        self.columns = Some(columns);
        self.rows += batch.num_rows();
        let grown = self.reservation.try_grow(size);
        grown.map_err(|error| no_memory(&settings.path, self.rows, &error))
    }

    /// The wanted columns, and how many rows they have.
    fn finish(self) -> Result<(Vec<ArrayRef>, usize), FlowError> {
        let settings = self.settings;
        let columns = self.pieces.into_iter().zip(&settings.columns);
        let columns = columns.map(|(pieces, wanted)| {
            joined(pieces, wanted).map_err(|error| no_memory(&settings.path, self.rows, &error))
        });
        Ok((columns.collect::<Result<_, _>>()?, self.rows))
    }
}

impl RowSink for Rows<'_> {
    fn start(&mut self, schema: &SchemaRef) -> ControlFlow<()> {
        let found = ReferenceColumn::of(self.settings, &self.settings.columns, schema);
        match found {
            Ok(columns) => {
                self.columns = Some(columns);
                ControlFlow::Continue(())
            }
            Err(failure) => {
                self.failure = Some(failure);
                ControlFlow::Break(())
            }
        }
    }

    fn lost(&mut self, what: String) {
        self.lost = Some(what);
    }

    fn batch(&mut self, batch: RecordBatch) -> ControlFlow<()> {
        let schema = batch.schema();
        match self.take(&schema, &batch) {
            Ok(()) => ControlFlow::Continue(()),
            Err(failure) => {
                self.failure = Some(failure);
                ControlFlow::Break(())
            }
        }
    }
}

/// One array of several, compacted.
pub(super) fn joined(pieces: Vec<ArrayRef>, wanted: &Wanted) -> Result<ArrayRef> {
    let arrow_type = fletching_expression::types::arrow_type(&wanted.data_type);
    let Some(first) = pieces.first() else {
        return Ok(arrow::array::new_empty_array(&arrow_type));
    };
    if *first.data_type() != arrow_type {
        return internal_err!("column {} is {}", wanted.name, first.data_type());
    }
    if let [only] = &pieces[..] {
        return Ok(Arc::clone(only));
    }
    let arrays: Vec<&dyn Array> = pieces.iter().map(AsRef::as_ref).collect();
    let joined = concat(&arrays)?;
    drop(pieces);
    // One buffer of text instead of one for each piece: a batch that takes from it names them all.
    Ok(compacted(joined))
}

/// The array with nothing that no row needs.
fn compacted(array: ArrayRef) -> ArrayRef {
    let array: ArrayRef = match array.data_type() {
        ArrowType::Utf8View => Arc::new(array.as_string_view().gc()),
        ArrowType::BinaryView => Arc::new(array.as_binary_view().gc()),
        _ => array,
    };
    if array.len() > SHORT_ROWS {
        return array;
    }
    // What built it left room for a whole batch.
    let all = UInt32Array::from_iter_values(0..array.len() as u32);
    take(array.as_ref(), &all, None).unwrap_or(array)
}
