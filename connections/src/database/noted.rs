//! A session that notes when its connection breaks.
//!
//! Every call passes through; what is noted is a failure with [`Fault::Lost`], of the session itself or of a load on it. A
//! session that broke is not for the next one who needs it ([`Sessions`](super::Sessions)).

use std::sync::Arc;

use arrow::array::RecordBatch;

use super::{
    Cancel, DatabaseError, Executed, Fault, Load, LoadOptions, ReadOptions, RowSink, Session,
    Statement, TableColumn, TableName,
};
use crate::sql::Dialect;

#[derive(Debug)]
pub(super) struct Noted {
    session: Box<dyn Session>,
    /// A call failed because the connection broke.
    lost: bool,
}

impl Noted {
    pub(super) fn new(session: Box<dyn Session>) -> Self {
        Self {
            session,
            lost: false,
        }
    }

    /// Whether nothing can be asked of it any more.
    pub(super) fn is_broken(&self) -> bool {
        self.lost && self.session.is_alive() != Some(true)
    }

    fn call<T>(
        &mut self,
        work: impl FnOnce(&mut dyn Session) -> Result<T, DatabaseError>,
    ) -> Result<T, DatabaseError> {
        let done = work(self.session.as_mut());
        note(&mut self.lost, done)
    }
}

fn note<T>(lost: &mut bool, done: Result<T, DatabaseError>) -> Result<T, DatabaseError> {
    *lost |= done.as_ref().is_err_and(|error| error.fault == Fault::Lost);
    done
}

impl Session for Noted {
    fn dialect(&self) -> Dialect {
        self.session.dialect()
    }

    fn query(
        &mut self,
        statement: &Statement<'_>,
        options: &ReadOptions,
        sink: &mut dyn RowSink,
    ) -> Result<(), DatabaseError> {
        self.call(|session| session.query(statement, options, sink))
    }

    fn execute(&mut self, statement: &Statement<'_>) -> Result<Executed, DatabaseError> {
        self.call(|session| session.execute(statement))
    }

    fn execute_each(
        &mut self,
        statement: &Statement<'_>,
        rows: &RecordBatch,
        go_on: bool,
    ) -> Result<Vec<Result<u64, DatabaseError>>, DatabaseError> {
        let done = self.call(|session| session.execute_each(statement, rows, go_on))?;
        let failures = done.iter().filter_map(|row| row.as_ref().err());
        self.lost |= failures.into_iter().any(|error| error.fault == Fault::Lost);
        Ok(done)
    }

    fn describe(&mut self, table: &TableName) -> Result<Vec<TableColumn>, DatabaseError> {
        self.call(|session| session.describe(table))
    }

    fn load<'s>(
        &'s mut self,
        table: &TableName,
        columns: &[String],
        options: &LoadOptions,
    ) -> Result<Box<dyn Load + 's>, DatabaseError> {
        let Self { session, lost } = self;
        match session.load(table, columns, options) {
            Ok(load) => Ok(Box::new(NotedLoad { load, lost })),
            Err(error) => note(lost, Err(error)),
        }
    }

    fn begin(&mut self) -> Result<(), DatabaseError> {
        self.call(|session| session.begin())
    }

    fn commit(&mut self) -> Result<(), DatabaseError> {
        self.call(|session| session.commit())
    }

    fn rollback(&mut self) -> Result<(), DatabaseError> {
        self.call(|session| session.rollback())
    }

    fn is_alive(&self) -> Option<bool> {
        self.session.is_alive()
    }

    fn in_transaction(&self) -> Option<bool> {
        self.session.in_transaction()
    }

    fn canceller(&self) -> Arc<dyn Cancel> {
        self.session.canceller()
    }
}

struct NotedLoad<'s> {
    load: Box<dyn Load + 's>,
    lost: &'s mut bool,
}

impl Load for NotedLoad<'_> {
    fn allow(&mut self, seconds: u32) {
        self.load.allow(seconds);
    }

    fn write(&mut self, rows: &RecordBatch) -> Result<(), DatabaseError> {
        note(self.lost, self.load.write(rows))
    }

    fn write_each(
        &mut self,
        rows: &RecordBatch,
        go_on: bool,
    ) -> Result<Vec<(usize, DatabaseError)>, DatabaseError> {
        note(self.lost, self.load.write_each(rows, go_on))
    }

    fn commit(&mut self) -> Result<(), DatabaseError> {
        note(self.lost, self.load.commit())
    }
}
