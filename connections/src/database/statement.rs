//! What is asked of a session.

use std::{ops::ControlFlow, sync::Arc};

use arrow::{
    array::{ArrayRef, RecordBatch},
    datatypes::{DataType, SchemaRef},
};

use super::RowSink;

/// A statement with its parameters.
#[derive(Debug, Clone, Copy)]
pub struct Statement<'a> {
    /// In the database's own SQL.
    pub sql: &'a str,
    pub parameters: &'a [Parameter],
    /// `sql` is the name of a procedure, to be called with the parameters.
    pub is_procedure: bool,
    /// Seconds until it fails with [`Fault::Timeout`](super::Fault::Timeout); 0 for never.
    pub timeout_seconds: u32,
}

impl<'a> Statement<'a> {
    pub fn new(sql: &'a str) -> Self {
        Self {
            sql,
            parameters: &[],
            is_procedure: false,
            timeout_seconds: 0,
        }
    }
}

/// A value for a parameter marker, or a place for one that comes back.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// `None`: by its place among the markers.
    pub name: Option<String>,
    pub direction: Direction,
    /// One value.
    pub value: ArrayRef,
    /// Room for a text that comes back, in characters; 0 for as much as there is.
    pub size: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Input,
    Output,
    /// Of a procedure.
    ReturnValue,
}

/// What a batch of statements left.
#[derive(Debug, Clone, Default)]
pub struct Executed {
    /// In order; each with a schema also when it has no rows.
    pub result_sets: Vec<ResultSet>,
    /// Rows changed by all statements that say so.
    pub rows_affected: u64,
    /// For each output parameter and return value, in the order given, its value.
    pub outputs: Vec<ArrayRef>,
    /// What the database said on the way (PRINT), and what was lost of values.
    pub messages: Vec<String>,
}

#[derive(Debug, Clone)]
pub struct ResultSet {
    pub schema: SchemaRef,
    pub batches: Vec<RecordBatch>,
}

/// Keeps the rows of a query.
#[derive(Debug, Default)]
pub struct Collected(pub Option<ResultSet>);

impl RowSink for Collected {
    fn start(&mut self, schema: &SchemaRef) -> ControlFlow<()> {
        self.0 = Some(ResultSet {
            schema: Arc::clone(schema),
            batches: Vec::new(),
        });
        ControlFlow::Continue(())
    }

    fn batch(&mut self, batch: RecordBatch) -> ControlFlow<()> {
        if let Some(set) = &mut self.0 {
            set.batches.push(batch);
        }
        ControlFlow::Continue(())
    }
}

#[derive(Debug, Clone)]
pub struct ReadOptions {
    /// Rows of a batch, at most.
    pub batch_rows: usize,
    /// What the caller will make of the columns: a database whose columns have no types reads them so.
    pub wanted: Option<SchemaRef>,
}

impl ReadOptions {
    /// What the caller will make of a column: the wanted one of its name, or, for a name that nobody wants, the one at its
    /// place.
    pub fn wanted_type(&self, at: usize, name: &str) -> Option<&DataType> {
        let fields = self.wanted.as_ref()?.fields();
        let named = fields
            .iter()
            .find(|field| field.name().eq_ignore_ascii_case(name));
        named
            .or_else(|| fields.get(at))
            .map(|field| field.data_type())
    }
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            batch_rows: 8192,
            wanted: None,
        }
    }
}

/// How rows are loaded: the options of SSIS's fast load. A database that has none of an option's kind goes without.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadOptions {
    /// Values for identity columns are taken as they are.
    pub keep_identity: bool,
    /// NULL stays NULL where the column has a default.
    pub keep_nulls: bool,
    pub table_lock: bool,
    pub check_constraints: bool,
    pub fire_triggers: bool,
    pub rows_per_batch: Option<u64>,
    pub kilobytes_per_batch: Option<u64>,
    /// `ORDER(a ASC, b DESC)`: what stands between the brackets.
    pub order: Option<String>,
}

impl LoadOptions {
    /// What would help SQL Server to plan, as it is written there. No client here has a way to tell it.
    pub fn hints(&self) -> Vec<String> {
        let hints = [
            self.order.as_ref().map(|order| format!("ORDER({order})")),
            self.rows_per_batch
                .map(|rows| format!("ROWS_PER_BATCH = {rows}")),
            self.kilobytes_per_batch
                .map(|size| format!("KILOBYTES_PER_BATCH = {size}")),
        ];
        hints.into_iter().flatten().collect()
    }
}
