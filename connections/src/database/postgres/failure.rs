//! What PostgreSQL and its client say, as a [`DatabaseError`].

use std::error::Error as _;

use crate::database::{DatabaseError, Fault, sqlstate};

pub(super) fn failure(database: &str, error: &tokio_postgres::Error) -> DatabaseError {
    let Some(told) = error.as_db_error() else {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            message = format!("{message}: {cause}");
            source = cause.source();
        }
        let fault = if error.is_closed() || error.to_string().contains("communicating") {
            Fault::Lost
        } else if message.contains("password") {
            Fault::Login
        } else {
            Fault::Other
        };
        return DatabaseError::new(database, fault, message);
    };
    let mut message = told.message().to_owned();
    for more in [told.detail(), told.hint(), told.where_()]
        .into_iter()
        .flatten()
    {
        message = format!("{message}; {}", more.trim());
    }
    let state = told.code().code();
    DatabaseError {
        state: Some(state.to_owned()),
        ..DatabaseError::new(database, sqlstate::fault(state), message)
    }
}

/// Before there is a session.
pub(super) fn not_connected(database: &str, error: &tokio_postgres::Error) -> DatabaseError {
    let failure = failure(database, error);
    match failure.fault {
        Fault::Login | Fault::Unreachable => failure,
        Fault::Full => failure,
        _ => DatabaseError {
            fault: Fault::Unreachable,
            ..failure
        },
    }
}
