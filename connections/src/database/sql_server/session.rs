//! An open connection to SQL Server.

use std::{ops::ControlFlow, sync::Arc};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use mssql_tds::{
    connection::tds_client::{ResultSet as _, StatementResult, TdsClient},
    core::TdsResult,
    message::transaction_management::TransactionIsolationLevel,
};

use super::{
    connect::connect,
    describe::describe,
    each::each_row,
    link::{Link, Wanted},
    load::SqlServerLoad,
    parameters::{Request, outputs, request},
    read::{Rows, schema},
};
use crate::{
    database::{
        Cancel, Collected, DatabaseError, Executed, Fault, Load, LoadOptions, ReadOptions, RowSink,
        Session, SqlServerTarget, Statement, TableColumn, TableName,
    },
    sql::Dialect,
};

/// Seconds that the server has to say that it stopped.
const ATTENTION_SECONDS: u32 = 10;
/// Messages about the database and the language that a login or USE selects.
const CONTEXT_CHANGES: [u32; 2] = [5701, 5703];

pub(crate) struct SqlServerSession {
    link: Link,
}

impl std::fmt::Debug for SqlServerSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqlServerSession")
            .field("name", &self.link.name)
            .finish_non_exhaustive()
    }
}

impl SqlServerSession {
    pub(crate) fn open(target: &SqlServerTarget) -> Result<Self, DatabaseError> {
        Ok(Self {
            link: connect(target)?,
        })
    }

    /// Runs `work` as a call that may be cancelled and knows its timeout.
    fn call<T>(
        &mut self,
        timeout_seconds: u32,
        sql: &str,
        work: impl FnOnce(&mut Link, &Wanted) -> Result<T, DatabaseError>,
    ) -> Result<T, DatabaseError> {
        let wanted = self.link.enter(timeout_seconds);
        let done = work(&mut self.link, &wanted);
        self.link.leave();
        done.map_err(|error| match error.fault {
            Fault::Timeout => error.into_late(timeout_seconds).with_statement(sql),
            _ => error.with_statement(sql),
        })
    }
}

/// Sends a statement and waits for its first result.
async fn send(
    client: &mut TdsClient,
    request: Request,
    wanted: &Wanted,
) -> TdsResult<StatementResult> {
    let options = wanted.options();
    match request {
        Request::Batch(sql) => client.execute(sql, options).await,
        Request::Typed(sql, parameters) => {
            client.execute_sp_executesql(sql, parameters, options).await
        }
        Request::Procedure {
            name,
            positional,
            named,
        } => {
            client
                .execute_stored_procedure(name, Some(positional), Some(named), options)
                .await
        }
    }
}

fn start(
    link: &mut Link,
    statement: &Statement<'_>,
    wanted: &Wanted,
) -> Result<StatementResult, DatabaseError> {
    let request = request(statement).map_err(|message| link.fail(Fault::Syntax, message))?;
    link.wait(async |client| send(client, request, wanted).await)
}

/// Hands the rows of the current result set to a sink.
fn read(
    link: &mut Link,
    rows_max: usize,
    sink: &mut dyn RowSink,
) -> Result<ControlFlow<()>, DatabaseError> {
    let opened =
        schema(link.client.get_metadata()).and_then(|schema| Ok((Rows::new(&schema)?, schema)));
    let (mut rows, schema) = opened.map_err(|message| link.fail(Fault::Unsupported, message))?;
    if sink.start(&schema).is_break() {
        return Ok(ControlFlow::Break(()));
    }
    loop {
        let more = link.wait(async |client| rows.fill(client, rows_max).await)?;
        let batch = rows
            .take()
            .map_err(|message| link.fail(Fault::Other, message))?;
        let enough = batch.is_some_and(|batch| sink.batch(batch).is_break());
        if (enough || !more) && rows.cut() > 0 {
            sink.lost(format!(
                "{} moments have lost the seventh digit of their fraction of a second",
                rows.cut()
            ));
        }
        match (enough, more) {
            (true, _) => return Ok(ControlFlow::Break(())),
            (false, false) => return Ok(ControlFlow::Continue(())),
            (false, true) => {}
        }
    }
}

/// Tells the server that the rest is not wanted.
fn abandon(link: &mut Link) -> Result<(), DatabaseError> {
    link.wait(async |client| client.cancel_query(ATTENTION_SECONDS).await)
}

fn advance(link: &mut Link) -> Result<StatementResult, DatabaseError> {
    link.wait(async |client| client.advance().await)
}

/// The first result set that has columns goes to the sink, the rest is run.
fn query(
    link: &mut Link,
    first: StatementResult,
    rows_max: usize,
    sink: &mut dyn RowSink,
) -> Result<(), DatabaseError> {
    let mut result = first;
    loop {
        match result {
            StatementResult::Rows => break,
            StatementResult::NoRows { .. } => result = advance(link)?,
            StatementResult::End => {
                let message = "the statement yields no rows, a query was wanted";
                return Err(link.fail(Fault::Syntax, message));
            }
        }
    }
    match read(link, rows_max, sink)? {
        ControlFlow::Break(()) => {
            // Who has enough does not care how it ends; the next call does.
            if abandon(link).is_err() {
                link.client.mark_connection_dead();
            }
            Ok(())
        }
        ControlFlow::Continue(()) => link.wait(async |client| client.close_query().await),
    }
}

fn execute(
    link: &mut Link,
    first: StatementResult,
    statement: &Statement<'_>,
) -> Result<Executed, DatabaseError> {
    let (mut executed, mut lost) = (Executed::default(), Vec::new());
    let mut result = first;
    loop {
        match result {
            StatementResult::Rows => {
                let mut kept = Kept::default();
                link.client.take_dml_result_counts();
                let rows_max = ReadOptions::default().batch_rows;
                let _unbroken = read(link, rows_max, &mut kept)?;
                executed.result_sets.extend(kept.rows.0);
                lost.extend(kept.lost);
                // Rows of an OUTPUT clause come with a count of rows that were changed.
                let counts = link.client.take_dml_result_counts();
                executed.rows_affected += counts
                    .iter()
                    .filter_map(|count| u64::try_from(*count).ok())
                    .sum::<u64>();
            }
            StatementResult::NoRows { rows_affected } => {
                executed.rows_affected += rows_affected.unwrap_or(0);
            }
            StatementResult::End => break,
        }
        result = advance(link)?;
    }
    let came = link.client.get_return_values();
    let status = link.client.get_return_status();
    executed.outputs = outputs(statement.parameters, came, status, statement.is_procedure)
        .map_err(|message| link.fail(Fault::Unsupported, message))?;
    executed.messages = messages(link);
    executed.messages.append(&mut lost);
    link.wait(async |client| client.close_query().await)?;
    Ok(executed)
}

/// Keeps the rows of a query, and what was lost of them.
#[derive(Debug, Default)]
struct Kept {
    rows: Collected,
    lost: Option<String>,
}

impl RowSink for Kept {
    fn start(&mut self, schema: &SchemaRef) -> ControlFlow<()> {
        self.rows.start(schema)
    }

    fn batch(&mut self, batch: RecordBatch) -> ControlFlow<()> {
        self.rows.batch(batch)
    }

    fn lost(&mut self, what: String) {
        self.lost = Some(what);
    }
}

fn messages(link: &mut Link) -> Vec<String> {
    let said = link.client.take_info_messages().into_iter();
    said.filter(|message| !CONTEXT_CHANGES.contains(&message.number))
        .map(|message| message.message)
        .collect()
}

impl Session for SqlServerSession {
    fn dialect(&self) -> Dialect {
        Dialect::MsSql
    }

    fn query(
        &mut self,
        statement: &Statement<'_>,
        options: &ReadOptions,
        sink: &mut dyn RowSink,
    ) -> Result<(), DatabaseError> {
        self.call(statement.timeout_seconds, statement.sql, |link, wanted| {
            let first = start(link, statement, wanted)?;
            let done = query(link, first, options.batch_rows, sink);
            settled(link, done)
        })
    }

    fn execute(&mut self, statement: &Statement<'_>) -> Result<Executed, DatabaseError> {
        self.call(statement.timeout_seconds, statement.sql, |link, wanted| {
            let first = start(link, statement, wanted)?;
            let done = execute(link, first, statement);
            settled(link, done)
        })
    }

    fn execute_each(
        &mut self,
        statement: &Statement<'_>,
        rows: &RecordBatch,
        go_on: bool,
    ) -> Result<Vec<Result<u64, DatabaseError>>, DatabaseError> {
        let (seconds, sql) = (statement.timeout_seconds, statement.sql);
        self.call(seconds, sql, |link, wanted| {
            each_row(link, wanted, (sql, rows), go_on)
        })
    }

    fn describe(&mut self, table: &TableName) -> Result<Vec<TableColumn>, DatabaseError> {
        self.call(0, "", |link, wanted| describe(link, wanted, table))
            .map_err(without_statement)
    }

    fn load<'s>(
        &'s mut self,
        table: &TableName,
        columns: &[String],
        options: &LoadOptions,
    ) -> Result<Box<dyn Load + 's>, DatabaseError> {
        let load = SqlServerLoad::open(&mut self.link, table, columns, options)?;
        Ok(Box::new(load))
    }

    fn begin(&mut self) -> Result<(), DatabaseError> {
        self.call(0, "BEGIN TRANSACTION", |link, wanted| {
            link.wait(async |client| {
                let level = TransactionIsolationLevel::NoChange;
                client
                    .begin_transaction_with_options(level, None, wanted.options())
                    .await
            })
        })
    }

    fn commit(&mut self) -> Result<(), DatabaseError> {
        self.call(0, "COMMIT TRANSACTION", |link, _| {
            link.wait(async |client| client.commit_transaction(None, None).await)
        })
    }

    fn rollback(&mut self) -> Result<(), DatabaseError> {
        if !self.link.client.has_active_transaction() {
            return Ok(());
        }
        self.call(0, "ROLLBACK TRANSACTION", |link, _| {
            link.wait(async |client| client.rollback_transaction(None, None).await)
        })
    }

    /// A transaction that the server rolled back is lost, its connection is not.
    fn is_alive(&self) -> Option<bool> {
        Some(!self.link.client.is_connection_dead())
    }

    fn in_transaction(&self) -> Option<bool> {
        Some(self.link.client.has_active_transaction())
    }

    fn canceller(&self) -> Arc<dyn Cancel> {
        Arc::clone(&self.link.running) as Arc<dyn Cancel>
    }
}

fn without_statement(error: DatabaseError) -> DatabaseError {
    DatabaseError {
        statement: error.statement.filter(|statement| !statement.is_empty()),
        ..error
    }
}

/// After a failure nothing of the answer may be left: the next call would read it.
pub(super) fn settled<T>(
    link: &mut Link,
    done: Result<T, DatabaseError>,
) -> Result<T, DatabaseError> {
    if done.is_err() && link.client.has_open_batch() && !link.client.is_connection_dead() {
        // The first failure is the one to tell.
        if abandon(link).is_err() {
            link.client.mark_connection_dead();
        }
    }
    done
}
