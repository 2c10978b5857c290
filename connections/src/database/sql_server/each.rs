//! A statement for each row, prepared once.
//!
//! ```text
//!  go on after failures:   sp_prepare ─ many sp_execute in one message ─ an answer for each
//!  stop at the first, or a time for each row:
//!                          sp_prepexec ─ answer ─ sp_execute ─ answer ─ ...
//! ```
//!
//! Each row stands by itself: outside of a transaction it is committed when it is done, as in SSIS.

use arrow::array::RecordBatch;
use mssql_tds::{
    connection::tds_client::{
        PreparedBatchResult, PreparedBatchRowResult, PreparedStatement, StatementResult,
    },
    error::Error,
    message::parameters::rpc_parameters::{RpcParameter, StatusFlags},
};

use super::{
    failure::server_failure,
    link::{Link, Wanted},
    markers::{marker, named},
    parameters::Column,
    session::settled,
};
use crate::database::{DatabaseError, Fault};

/// Rows whose calls travel in one message.
const MESSAGE_ROWS: usize = 500;

type Done = Vec<Result<u64, DatabaseError>>;

/// Runs a statement for each row, whose columns are its parameters.
pub(super) fn each_row(
    link: &mut Link,
    wanted: &Wanted,
    (sql, rows): (&str, &RecordBatch),
    go_on: bool,
) -> Result<Done, DatabaseError> {
    let marked = named(sql);
    if marked.count != rows.num_columns() {
        let message = format!(
            "the statement has {} parameter markers, {} columns are mapped to them",
            marked.count,
            rows.num_columns()
        );
        return Err(link.fail(Fault::Syntax, message));
    }
    let columns: Result<Vec<_>, String> = rows.columns().iter().map(Column::new).collect();
    let columns = columns.map_err(|message| link.fail(Fault::Unsupported, message))?;
    let within = link.client.has_active_transaction();
    let mut run = Run {
        link,
        wanted,
        prepared: PreparedStatement::new(marked.sql),
        columns,
        within,
    };
    let mut done = Vec::with_capacity(rows.num_rows());
    let together = go_on && wanted.timeout_seconds == 0;
    let step = if together { MESSAGE_ROWS } else { 1 };
    let mut failed = false;
    for start in (0..rows.num_rows()).step_by(step) {
        if failed && !go_on {
            break;
        }
        let end = (start + step).min(rows.num_rows());
        let some = match together {
            true => run.many(start..end)?,
            false => vec![run.one(start)?],
        };
        failed = some.iter().any(Result::is_err);
        done.extend(
            some.into_iter()
                .map(|changed| changed.map_err(|error: DatabaseError| error.with_statement(sql))),
        );
    }
    if let Some(id) = run.prepared.take_id() {
        link.wait(async |client| client.unprepare(id, ()).await)?;
    }
    Ok(done)
}

struct Run<'r> {
    link: &'r mut Link,
    wanted: &'r Wanted,
    prepared: PreparedStatement,
    columns: Vec<Column>,
    /// The caller's transaction is open.
    within: bool,
}

impl Run<'_> {
    fn parameters(&self, row: usize, with_names: bool) -> Result<Vec<RpcParameter>, DatabaseError> {
        let parameters = self.columns.iter().enumerate().map(|(at, column)| {
            let name = with_names.then(|| marker(at + 1));
            column.parameter(name, row, StatusFlags::NONE)
        });
        parameters
            .collect::<Result<_, String>>()
            .map_err(|message| self.link.fail(Fault::Value, message))
    }

    /// The statement of one row, with its answer.
    fn one(&mut self, row: usize) -> Result<Result<u64, DatabaseError>, DatabaseError> {
        let parameters = match self.parameters(row, true) {
            Ok(parameters) => parameters,
            Err(error) => return Ok(Err(error)),
        };
        let (prepared, wanted) = (&mut self.prepared, self.wanted);
        let changed = self.link.wait(async |client| {
            let mut changed = 0;
            let mut result = client
                .execute_prepared(prepared, parameters, &mut None, wanted.options())
                .await?;
            loop {
                match result {
                    StatementResult::NoRows { rows_affected } => {
                        changed += rows_affected.unwrap_or(0);
                    }
                    StatementResult::Rows => {}
                    StatementResult::End => break,
                }
                result = client.advance().await?;
            }
            client.close_query().await?;
            Ok(changed)
        });
        let seconds = self.wanted.timeout_seconds;
        let changed = settled(self.link, changed).map_err(|error| match error.fault {
            Fault::Timeout => error.into_late(seconds),
            _ => error,
        });
        if changed.as_ref().is_err_and(DatabaseError::is_fatal) {
            return changed.map(Ok);
        }
        self.still_within(changed, |changed| changed.clone().err())
    }

    /// The statements of some rows in one message.
    fn many(&mut self, rows: std::ops::Range<usize>) -> Result<Done, DatabaseError> {
        let built = rows.clone().map(|row| (row, self.parameters(row, false)));
        let (mut sent, mut done) = (Vec::new(), Vec::with_capacity(rows.len()));
        for (row, parameters) in built {
            match parameters {
                Ok(parameters) => {
                    sent.push(Ok::<_, Error>((row, parameters)));
                    done.push(Ok(0));
                }
                Err(error) => done.push(Err(error)),
            }
        }
        let count = sent.len();
        let (prepared, wanted) = (&mut self.prepared, self.wanted);
        let answered: PreparedBatchResult = self.link.wait(async |client| {
            client
                .execute_prepared_batch(prepared, sent, &mut None, wanted.options())
                .await
        })?;
        if !answered.complete || answered.rows.len() != count {
            let message = "the server did not answer for each row";
            return Err(self.link.fail(Fault::Lost, message));
        }
        for row in answered.rows {
            let place = row.row_index.checked_sub(rows.start);
            if let Some(place) = place.and_then(|at| done.get_mut(at)) {
                *place = self.changed(row);
            }
        }
        self.still_within(done, |done| {
            done.iter().find_map(|changed| changed.clone().err())
        })
    }

    fn changed(&self, row: PreparedBatchRowResult) -> Result<u64, DatabaseError> {
        match row.errors.as_slice() {
            [] => Ok(row.rows_affected.unwrap_or(0)),
            errors => Err(server_failure(&self.link.name, errors)),
        }
    }

    /// A deadlock, say, ends the caller's transaction: rows after it would be committed by themselves.
    fn still_within<T>(
        &self,
        done: T,
        failure: impl FnOnce(&T) -> Option<DatabaseError>,
    ) -> Result<T, DatabaseError> {
        if !self.within || self.link.client.has_active_transaction() {
            return Ok(done);
        }
        let message = "the server rolled back the transaction";
        Err(match failure(&done) {
            Some(error) => DatabaseError {
                fault: Fault::Lost,
                message: format!("{}; {message}", error.message),
                ..error
            },
            None => self.link.fail(Fault::Lost, message),
        })
    }
}
