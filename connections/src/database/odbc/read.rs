//! Statements, and the rows that come back.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow_odbc::{
    OdbcReaderBuilder, TextEncoding,
    odbc_api::{
        Cursor, CursorImpl, Error, ParameterCollectionRef, Preallocated, Prepared,
        handles::{AsStatementRef, Statement as _, StatementImpl, StatementRef},
    },
};

use super::{
    failure::{failure, of_arrow},
    raw::{self, Interrupt},
    rows::Rows,
    shape::{Habits, Shape},
    write::all_cells,
};
use crate::database::{
    Collected, DatabaseError, Executed, Fault, ReadOptions, RowSink, natural::natural_batch,
};

/// Bytes of a row set, or of a batch that is read value by value.
const BATCH_BYTES: usize = 16 * 1024 * 1024;

/// What reading needs to know of the session.
#[derive(Clone, Copy)]
pub(super) struct Talk<'s> {
    pub(super) name: &'s str,
    pub(super) interrupt: &'s Interrupt,
    pub(super) habits: Habits,
    pub(super) sql: &'s str,
}

impl Talk<'_> {
    pub(super) fn fail(&self, error: &Error) -> DatabaseError {
        self.stopped(failure(self.name, error))
    }

    pub(super) fn stopped(&self, failure: DatabaseError) -> DatabaseError {
        let fault = if self.interrupt.is_cancelled() {
            Fault::Cancelled
        } else {
            failure.fault
        };
        DatabaseError { fault, ..failure }.with_statement(self.sql)
    }

    pub(super) fn refuse(&self, fault: Fault, message: impl Into<String>) -> DatabaseError {
        DatabaseError::new(self.name, fault, message).with_statement(self.sql)
    }

    fn look(&self) -> Result<(), DatabaseError> {
        match self.interrupt.is_cancelled() {
            true => Err(self.refuse(Fault::Cancelled, "cancelled")),
            false => Ok(()),
        }
    }
}

/// Where the statement is after something read from it.
pub(super) enum Read<'s> {
    /// All rows of a result are out.
    Whole(StatementRef<'s>),
    /// The sink wanted no more; the cursor is closed.
    BrokenOff,
}

/// Hands the rows of the result that `statement` is at to `sink`.
pub(super) fn rows<'s>(
    talk: Talk<'_>,
    statement: StatementRef<'s>,
    options: &ReadOptions,
    sink: &mut dyn RowSink,
) -> Result<Read<'s>, DatabaseError> {
    let mut cursor = raw::cursor(statement);
    let shape = Shape::of(&mut cursor, talk.habits).map_err(|error| talk.fail(&error))?;
    if sink.start(&shape.natural).is_break() {
        return Ok(Read::BrokenOff);
    }
    if shape.has_long {
        return values(talk, cursor, &shape, options, sink);
    }
    let encoding = if talk.habits.loose {
        TextEncoding::Utf8
    } else {
        TextEncoding::Utf16
    };
    let reader = OdbcReaderBuilder::new()
        .with_max_num_rows_per_batch(options.batch_rows.max(1))
        .with_max_bytes_per_batch(BATCH_BYTES)
        .with_schema(Arc::clone(&shape.fetched))
        .with_payload_text_encoding(encoding)
        .build(cursor);
    let mut reader = reader.map_err(|error| match &error {
        arrow_odbc::Error::ColumnFailure { .. } => {
            talk.refuse(Fault::Unsupported, error.to_string())
        }
        _ => talk.refuse(Fault::Other, error.to_string()),
    })?;
    for batch in reader.by_ref() {
        talk.look()?;
        let batch = batch.and_then(|batch| natural_batch(&batch, &shape.natural));
        let batch = batch.map_err(|error| talk.stopped(of_arrow(talk.name, &error)))?;
        if sink.batch(batch).is_break() {
            return Ok(Read::BrokenOff);
        }
    }
    talk.look()?;
    let cursor = reader.into_cursor().map_err(|error| talk.fail(&error))?;
    Ok(Read::Whole(cursor.into_stmt()))
}

fn values<'s>(
    talk: Talk<'_>,
    mut cursor: CursorImpl<StatementRef<'s>>,
    shape: &Shape,
    options: &ReadOptions,
    sink: &mut dyn RowSink,
) -> Result<Read<'s>, DatabaseError> {
    let mut rows = Rows::new(shape, talk.habits);
    loop {
        talk.look()?;
        let row = cursor.next_row().map_err(|error| talk.fail(&error))?;
        let more = row.is_some();
        if let Some(mut row) = row {
            rows.put(&mut row).map_err(|error| talk.fail(&error))?;
        }
        let full = rows.count >= options.batch_rows.max(1) || rows.size >= BATCH_BYTES;
        if full || !more && rows.count > 0 {
            let batch = rows.take();
            let batch = batch.map_err(|error| talk.refuse(Fault::Value, error.to_string()))?;
            if sink.batch(batch).is_break() {
                return Ok(Read::BrokenOff);
            }
        }
        if !more {
            return Ok(Read::Whole(cursor.into_stmt()));
        }
    }
}

/// Runs a text, and calls `results` with the statement at its first result.
pub(super) fn direct<T>(
    talk: Talk<'_>,
    statement: &mut Preallocated<StatementImpl<'_>>,
    parameters: impl ParameterCollectionRef,
    results: impl FnOnce(StatementRef<'_>) -> Result<T, DatabaseError>,
) -> Result<T, DatabaseError> {
    let first = statement
        .execute(talk.sql, parameters)
        .map_err(|error| talk.fail(&error))?;
    // Without its cursor, which would close it when it is dropped.
    match first.map(CursorImpl::into_stmt) {
        Some(first) => results(first),
        None => results(statement.as_stmt_ref()),
    }
}

/// The same of a statement with parameters that only go in.
pub(super) fn prepared<T>(
    talk: Talk<'_>,
    statement: &mut Prepared<StatementImpl<'_>>,
    values: &[ArrayRef],
    results: impl FnOnce(StatementRef<'_>) -> Result<T, DatabaseError>,
) -> Result<T, DatabaseError> {
    let cells = all_cells(values, talk.habits.loose);
    let cells = cells.map_err(|message| talk.refuse(Fault::Value, message))?;
    let descriptions: Vec<_> = cells.iter().map(|cells| cells.description()).collect();
    let mut inserter = statement
        .column_inserter(1, descriptions)
        .map_err(|error| talk.fail(&error))?;
    inserter.set_num_rows(1);
    for (at, cells) in cells.iter().enumerate() {
        let filled = cells.fill(inserter.column_mut(at));
        filled.ok_or_else(|| {
            talk.refuse(
                Fault::Value,
                format!("the value of parameter {} does not fit", at + 1),
            )
        })?;
    }
    let first = inserter.execute().map_err(|error| talk.fail(&error))?;
    match first.map(CursorImpl::into_stmt) {
        Some(first) => results(first),
        None => {
            drop(inserter);
            results(statement.as_stmt_ref())
        }
    }
}

/// The first result with rows goes to the sink, the others run to their end.
pub(super) fn first_rows(
    talk: Talk<'_>,
    mut statement: StatementRef<'_>,
    options: &ReadOptions,
    sink: &mut dyn RowSink,
) -> Result<(), DatabaseError> {
    let mut found = false;
    loop {
        let columns = statement.num_result_cols().into_result(&statement);
        let columns = columns.map_err(|error| talk.fail(&error))?;
        if columns > 0 && !found {
            found = true;
            match rows(talk, statement, options, sink)? {
                Read::Whole(after) => statement = after,
                Read::BrokenOff => return Ok(()),
            }
        }
        if !raw::more_results(&mut statement).map_err(|error| talk.fail(&error))? {
            break;
        }
    }
    match found {
        true => Ok(()),
        false => Err(talk.refuse(
            Fault::Syntax,
            "the statement yields no rows, a query was wanted",
        )),
    }
}

/// All results.
pub(super) fn all_results(
    talk: Talk<'_>,
    mut statement: StatementRef<'_>,
) -> Result<Executed, DatabaseError> {
    let mut executed = Executed::default();
    loop {
        // A driver may tell of a cancelled statement as of one that is done.
        talk.look()?;
        let columns = statement.num_result_cols().into_result(&statement);
        let columns = columns.map_err(|error| talk.fail(&error))?;
        if columns > 0 {
            let mut collected = Collected::default();
            let read = rows(talk, statement, &ReadOptions::default(), &mut collected)?;
            executed.result_sets.extend(collected.0);
            match read {
                Read::Whole(after) => statement = after,
                Read::BrokenOff => return Ok(executed),
            }
        } else {
            let count = statement.row_count().into_result(&statement).unwrap_or(0);
            executed.rows_affected += u64::try_from(count).unwrap_or(0);
        }
        if !raw::more_results(&mut statement).map_err(|error| talk.fail(&error))? {
            talk.look()?;
            return Ok(executed);
        }
    }
}

/// The rows of a batch, one after the other.
pub(super) fn each(
    talk: Talk<'_>,
    statement: &mut Prepared<StatementImpl<'_>>,
    rows: &RecordBatch,
    go_on: bool,
) -> Result<Vec<Result<u64, DatabaseError>>, DatabaseError> {
    let mut done = Vec::with_capacity(rows.num_rows());
    for row in 0..rows.num_rows() {
        talk.look()?;
        let slice = rows.slice(row, 1);
        let count = |statement: StatementRef<'_>| {
            let executed = all_results(talk, statement)?;
            Ok(executed.rows_affected)
        };
        let one = prepared(talk, statement, slice.columns(), count);
        let stop = match &one {
            Err(error) if error.is_fatal() => return one.map(|_| Vec::new()),
            Err(_) => !go_on,
            Ok(_) => false,
        };
        done.push(one);
        if stop {
            break;
        }
    }
    Ok(done)
}
