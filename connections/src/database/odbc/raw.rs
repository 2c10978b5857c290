//! What odbc-api leaves to its callers: results one after the other, parameters that come back by the number of them, and
//! `SQLCancel` from another thread.
#![expect(
    unsafe_code,
    reason = "calls of ODBC that odbc-api has no safe form of"
)]

use std::sync::atomic::{AtomicBool, Ordering};

use arrow_odbc::odbc_api::{
    CursorImpl, Error, ParameterCollection,
    handles::{Statement, StatementRef},
    sys::{Desc, HStmt, SQLCancel},
};
use parking_lot::Mutex;

use super::places::{Place, Value};
use crate::database::Cancel;

struct Handle(HStmt);

// SAFETY: the handle is only given to SQLCancel, which ODBC allows on any thread while another is in a call of the same
// statement; `Running` keeps it from being freed meanwhile.
unsafe impl Send for Handle {}

/// The statement that a session is in.
#[derive(Default)]
pub(super) struct Interrupt {
    running: Mutex<Option<Handle>>,
    cancelled: AtomicBool,
}

impl std::fmt::Debug for Interrupt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Interrupt")
    }
}

impl Interrupt {
    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// The statement can be cancelled until the guard is dropped, which has to be before the statement is.
    pub(super) fn enter(&self, statement: &StatementRef<'_>) -> Running<'_> {
        self.cancelled.store(false, Ordering::Release);
        *self.running.lock() = Some(Handle(statement.as_sys()));
        Running(self)
    }
}

impl Cancel for Interrupt {
    fn cancel(&self) {
        let running = self.running.lock();
        if let Some(Handle(statement)) = &*running {
            self.cancelled.store(true, Ordering::Release);
            // SAFETY: the statement is not freed while the lock is held: `Running` takes the lock before it goes.
            let _done = unsafe { SQLCancel(*statement) };
        }
    }
}

#[must_use]
pub(super) struct Running<'i>(&'i Interrupt);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        *self.0.running.lock() = None;
    }
}

/// The rows of the result that a statement is at; it has columns.
pub(super) fn cursor(statement: StatementRef<'_>) -> CursorImpl<StatementRef<'_>> {
    // SAFETY: the callers have seen that the result has columns, so the statement has an open cursor.
    unsafe { CursorImpl::new(statement) }
}

/// Goes on to the next result, if there is one.
pub(super) fn more_results(statement: &mut StatementRef<'_>) -> Result<bool, Error> {
    // SAFETY: no buffers are bound: a reader unbinds its own when it hands its cursor back.
    unsafe { statement.more_results() }.into_result_bool(statement)
}

/// Whether the database numbers the rows by this column of a result.
pub(super) fn is_identity(statement: &mut StatementRef<'_>, column: u16) -> bool {
    // SAFETY: the attribute is a number, and it is asked for as one.
    let known = unsafe { statement.numeric_col_attribute(Desc::AutoUniqueValue, column) };
    known.into_result(statement).is_ok_and(|value| value == 1)
}

/// Parameters by their markers.
pub(super) struct Places(pub(super) Vec<Place>);

// SAFETY: what is bound lies in the vector, which nobody changes while a statement may write to it: who executes the
// statement holds it by `&mut`, and looks at it when all results are out.
unsafe impl ParameterCollection for Places {
    fn parameter_set_size(&self) -> usize {
        1
    }

    unsafe fn bind_parameters_to(&mut self, statement: &mut impl Statement) -> Result<(), Error> {
        for (number, Place { way, value, .. }) in (1_u16..).zip(&mut self.0) {
            // SAFETY: as above. Each value is whole, with an indicator of its own.
            let bound = unsafe {
                match value {
                    Value::Bit(value) => statement.bind_parameter(number, *way, value),
                    Value::Integer(value) => statement.bind_parameter(number, *way, value),
                    Value::Long(value) => statement.bind_parameter(number, *way, value),
                    Value::Real(value) => statement.bind_parameter(number, *way, value),
                    Value::Date(value) => statement.bind_parameter(number, *way, value),
                    Value::Timestamp(value) => statement.bind_parameter(number, *way, value),
                    Value::Digits(value) | Value::Narrow(value) => {
                        statement.bind_parameter(number, *way, value)
                    }
                    Value::Wide(value) => statement.bind_parameter(number, *way, value),
                    Value::Binary(value) => statement.bind_parameter(number, *way, value),
                }
            };
            bound.into_result(statement)?;
        }
        Ok(())
    }
}
