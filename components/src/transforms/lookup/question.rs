//! The statements by which a reference in a database is asked.
//!
//! ```text
//!  select * from (...) [refTable] where [refTable].[a] = ? and [refTable].[b] = ?
//!  the same for several keys:      where (... = ? and ... = ?) or (... = ? and ... = ?) or ...
//! ```

use std::{collections::HashMap, ops::ControlFlow, sync::Arc};

use arrow::{
    array::{ArrayRef, RecordBatch},
    datatypes::SchemaRef,
};
use dtsx::SsisCode;
use fletching_connections::{
    database::{
        Collected, DatabaseConnection, Direction, Lease, Parameter, ReadOptions, ResultSet,
        RowSink, Statement,
    },
    sql::Dialect,
};

use super::{component::Equality, statement::for_keys};
use crate::{PlanContext, database::DatabaseAccess, flow::FlowError};

/// Keys of one statement, at most.
const KEYS_MAX: usize = 128;
/// Parameters of one statement, at most: SQLite takes 999, SQL Server 2100.
const PARAMETERS_MAX: usize = 900;

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) access: &'a DatabaseAccess,
    pub(super) sql: &'a str,
    /// Positions of the input columns that are its parameters.
    pub(super) parameters: &'a [usize],
    pub(super) equality: Option<&'a Equality>,
    /// All columns of the reference, where the query is the designer's own.
    pub(super) declared: Option<&'a SchemaRef>,
}

impl Question<'_> {
    /// How many keys go into one statement.
    pub(super) fn keys_max(&self) -> usize {
        (PARAMETERS_MAX / self.parameters.len().max(1)).clamp(1, KEYS_MAX)
    }

    fn fail(&self, message: String) -> FlowError {
        let code = Some(SsisCode(0xC020_2009)); // DTS_E_OLEDBERROR
        FlowError::new(&self.access.path, code, message)
    }
}

/// An open session, with its statements by the number of keys that they take.
#[derive(Debug)]
pub(super) struct Asked {
    /// Taken when it is needed, where the session is shared.
    lease: Option<Lease>,
    connection: DatabaseConnection,
    statements: HashMap<usize, Prepared>,
    context: PlanContext,
    /// Digits were lost, and that was said.
    told_loss: bool,
}

/// A statement in the database's own SQL, and for each of its markers the parameter that it takes.
type Prepared = Arc<(String, Vec<usize>)>;

impl Asked {
    pub(super) fn open(question: &Question<'_>, context: &PlanContext) -> Result<Self, FlowError> {
        let connection = question.access.connection(context)?;
        let access = question.access;
        let lease = match context.shares_session {
            true => None,
            false => Some(access.acquire(&context.sessions, &connection, &context.run)?),
        };
        Ok(Self {
            lease,
            connection,
            statements: HashMap::new(),
            context: context.clone(),
            told_loss: false,
        })
    }

    /// The first row for the key of a row.
    pub(super) fn first_row(
        &mut self,
        question: &Question<'_>,
        keys: &[ArrayRef],
        row: usize,
    ) -> Result<Option<RecordBatch>, FlowError> {
        let mut first = FirstRow::default();
        self.run(question, keys, &[row], 1, &mut first)?;
        Ok(first.0)
    }

    /// All rows for the keys of some rows, no more than [`Question::keys_max`].
    pub(super) fn rows(
        &mut self,
        question: &Question<'_>,
        keys: &[ArrayRef],
        rows: &[usize],
    ) -> Result<Option<ResultSet>, FlowError> {
        let mut collected = Collected::default();
        // Few statements serve any number of keys: the last key fills up.
        let count = rows.len().next_power_of_two().min(question.keys_max());
        self.run(question, keys, rows, count, &mut collected)?;
        Ok(collected.0)
    }

    fn run(
        &mut self,
        question: &Question<'_>,
        keys: &[ArrayRef],
        rows: &[usize],
        count: usize,
        sink: &mut dyn RowSink,
    ) -> Result<(), FlowError> {
        let mut lease = match self.lease.take() {
            Some(lease) => lease,
            None => {
                let context = &self.context;
                question
                    .access
                    .acquire(&context.sessions, &self.connection, &context.run)?
            }
        };
        let prepared = self.prepared(question, count, lease.dialect())?;
        let (sql, order) = (&prepared.0, &prepared.1);
        let mut parameters = Vec::with_capacity(order.len());
        for at in order {
            let (group, key) = (at / keys.len().max(1), at % keys.len().max(1));
            let row = rows.get(group).or(rows.last());
            let (Some(row), Some(column)) = (row, keys.get(key)) else {
                return Err(question.fail("a key has no value".to_owned()));
            };
            parameters.push(Parameter {
                name: None,
                direction: Direction::Input,
                value: column.slice(*row, 1),
                size: 0,
            });
        }
        let statement = Statement {
            parameters: &parameters,
            timeout_seconds: question.access.timeout_seconds,
            ..Statement::new(sql)
        };
        let options = ReadOptions {
            wanted: question.declared.cloned(),
            ..ReadOptions::default()
        };
        let mut watched = Watched { sink, lost: None };
        let done = lease.query(&statement, &options, &mut watched);
        if let Some(lost) = watched.lost.filter(|_| !self.told_loss) {
            self.told_loss = true;
            let path = &question.access.path;
            let run = &self.context.run;
            run.warn(format!("{path}: {lost}; it is told once"));
        }
        if !self.context.shares_session {
            self.lease = Some(lease);
        }
        done.map_err(|error| question.access.error(&error))
    }

    fn prepared(
        &mut self,
        question: &Question<'_>,
        count: usize,
        dialect: Dialect,
    ) -> Result<Prepared, FlowError> {
        if let Some(prepared) = self.statements.get(&count) {
            return Ok(Arc::clone(prepared));
        }
        let text = for_keys(question.sql, count);
        let markers = question.parameters.len() * count;
        let adapted = self.connection.adapt_markers(dialect, &text, markers);
        let adapted = adapted.map_err(|error| question.fail(error.to_string()))?;
        let count_of = adapted.len();
        let Ok([prepared]) = <[_; 1]>::try_from(adapted) else {
            return Err(question.fail(format!(
                "SqlCommandParam is {count_of} statements, one query is wanted"
            )));
        };
        let prepared = Arc::new(prepared);
        self.statements.insert(count, Arc::clone(&prepared));
        Ok(prepared)
    }
}

/// Hears what is lost of the rows that another sink takes.
struct Watched<'a> {
    sink: &'a mut dyn RowSink,
    lost: Option<String>,
}

impl RowSink for Watched<'_> {
    fn start(&mut self, schema: &SchemaRef) -> ControlFlow<()> {
        self.sink.start(schema)
    }

    fn batch(&mut self, batch: RecordBatch) -> ControlFlow<()> {
        self.sink.batch(batch)
    }

    fn lost(&mut self, what: String) {
        self.lost = Some(what);
    }
}

/// Takes one row, and has enough.
#[derive(Debug, Default)]
struct FirstRow(Option<RecordBatch>);

impl RowSink for FirstRow {
    fn start(&mut self, _schema: &SchemaRef) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn batch(&mut self, batch: RecordBatch) -> ControlFlow<()> {
        self.0 = Some(batch.slice(0, 1));
        ControlFlow::Break(())
    }
}
