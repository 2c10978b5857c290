//! What drivers and the driver manager say, as a [`DatabaseError`].

use std::error::Error as StdError;

use arrow::error::ArrowError;
use arrow_odbc::odbc_api::{Environment, Error};

use crate::database::{DatabaseError, Fault, sqlstate};

pub(super) fn failure(database: &str, error: &Error) -> DatabaseError {
    let Error::Diagnostics { record, .. } = error else {
        let fault = match error {
            Error::TooLargeValueForBuffer { .. } => Fault::Value,
            _ => Fault::Other,
        };
        let mut message = error.to_string();
        if fault == Fault::Value {
            message.push_str("; the driver reports too small a width: cast the column to a wider one, or to a long text");
        }
        return DatabaseError::new(database, fault, message);
    };
    let state = record.state.as_str().to_owned();
    let message = told(record);
    let fault = match sqlstate::fault(&state) {
        Fault::Other => by_words(&message),
        known => known,
    };
    DatabaseError {
        state: Some(state),
        number: (record.native_error != 0).then_some(record.native_error),
        ..DatabaseError::new(database, fault, message)
    }
}

fn told(record: &arrow_odbc::odbc_api::handles::Record) -> String {
    let message = arrow_odbc::odbc_api::handles::slice_to_cow_utf8(&record.message);
    message.trim_matches(['\0', ' ', '\n']).to_owned()
}

/// Drivers that put everything under HY000 (SQLite's, and others in places).
fn by_words(message: &str) -> Fault {
    const WORDS: [(&str, Fault); 15] = [
        ("constraint failed", Fault::Constraint),
        ("duplicate", Fault::Constraint),
        ("no such table", Fault::Missing),
        ("no such column", Fault::Missing),
        ("syntax error", Fault::Syntax),
        ("database is locked", Fault::Locked),
        ("lock wait timeout", Fault::Locked),
        ("interrupt", Fault::Cancelled),
        ("access denied", Fault::Login),
        ("password authentication failed", Fault::Login),
        ("gone away", Fault::Lost),
        ("lost connection", Fault::Lost),
        ("broken pipe", Fault::Lost),
        ("connection was killed", Fault::Lost),
        ("terminating connection", Fault::Lost),
    ];
    let message = message.to_lowercase();
    let found = WORDS.iter().find(|(words, _)| message.contains(words));
    found.map_or(Fault::Other, |(_, fault)| *fault)
}

/// Before there is a session: says which drivers there are, if the one that was wanted is not among them.
pub(super) fn not_connected(
    database: &str,
    error: &Error,
    environment: &Environment,
) -> DatabaseError {
    let mut failure = failure(database, error);
    let by_words = by_words(&failure.message);
    failure.fault = match failure.fault {
        Fault::Login => Fault::Login,
        _ if by_words == Fault::Login => Fault::Login,
        _ => Fault::Unreachable,
    };
    let manager = failure
        .state
        .as_deref()
        .is_some_and(|state| state.starts_with("IM"))
        || failure.message.contains("Can't open lib");
    if manager {
        let drivers = environment.drivers().unwrap_or_default();
        let mut names: Vec<String> = drivers
            .into_iter()
            .map(|driver| driver.description)
            .collect();
        names.sort();
        let known = match names.is_empty() {
            true => "none".to_owned(),
            false => names.join(", "),
        };
        failure.message = format!(
            "{}; drivers of this machine (odbcinst -q -d): {known}",
            failure.message
        );
    }
    failure
}

/// A failure of arrow-odbc, which wraps those of ODBC.
pub(super) fn of_arrow(database: &str, error: &ArrowError) -> DatabaseError {
    let source = match error {
        ArrowError::ExternalError(source) => Some(source.as_ref() as &(dyn StdError + 'static)),
        other => other.source(),
    };
    match source.and_then(|source| source.downcast_ref::<Error>()) {
        Some(error) => failure(database, error),
        None => DatabaseError::new(database, Fault::Value, error.to_string()),
    }
}
