//! SQLite's failures in our words.

use rusqlite::{Error, ErrorCode};

use crate::database::{DatabaseError, Fault};

/// `name`: the database, without secrets.
pub(super) fn failure(name: &str, error: &Error) -> DatabaseError {
    let code = error.sqlite_error();
    let message = match error {
        Error::SqliteFailure(_, Some(message)) => message.clone(),
        Error::SqlInputError { msg, .. } => msg.clone(),
        other => other.to_string(),
    };
    let fault = match code.map(|code| code.code) {
        Some(ErrorCode::ConstraintViolation) => Fault::Constraint,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Fault::Locked,
        Some(ErrorCode::OperationInterrupted) => Fault::Cancelled,
        Some(ErrorCode::DiskFull | ErrorCode::OutOfMemory) => Fault::Full,
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Fault::Denied,
        Some(ErrorCode::CannotOpen | ErrorCode::NotADatabase) => Fault::Unreachable,
        Some(ErrorCode::TypeMismatch | ErrorCode::TooBig) => Fault::Value,
        Some(ErrorCode::SystemIoFailure | ErrorCode::DatabaseCorrupt) => Fault::Lost,
        _ if message.starts_with("no such") || message.contains("has no column") => Fault::Missing,
        _ if matches!(error, Error::SqlInputError { .. }) || message.contains("syntax") => {
            Fault::Syntax
        }
        _ => Fault::Other,
    };
    let mut failure = DatabaseError::new(name, fault, message);
    failure.number = code.map(|code| code.extended_code);
    failure
}

/// A failure that a cell may be the reason of.
#[derive(Debug)]
pub(super) enum Refusal {
    Sqlite(Error),
    /// A value that cannot pass, with its column and row where they are known.
    Value(String),
}

impl Refusal {
    pub(super) fn of(self, name: &str, sql: &str) -> DatabaseError {
        match self {
            Self::Sqlite(error) => failure(name, &error).with_statement(sql),
            Self::Value(message) => {
                DatabaseError::new(name, Fault::Value, message).with_statement(sql)
            }
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Sqlite(error)
    }
}
