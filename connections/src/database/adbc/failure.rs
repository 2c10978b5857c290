//! What drivers say, as a [`DatabaseError`].

use std::error::Error as StdError;

use adbc_core::error::{Error, Status};
use arrow::error::ArrowError;

use crate::database::{DatabaseError, Fault, sqlstate};

pub(super) fn failure(database: &str, error: &Error) -> DatabaseError {
    let letters = error
        .sqlstate
        .iter()
        .map(|letter| char::from(letter.cast_unsigned()));
    let state: String = letters
        .take_while(|letter| letter.is_ascii_alphanumeric())
        .collect();
    let has_state = state.len() == 5 && state != "00000";
    let message = error.message.trim().to_owned();
    let mut fault = if has_state {
        sqlstate::fault(&state)
    } else {
        Fault::Other
    };
    if fault == Fault::Other {
        fault = by_words(&message);
    }
    if fault == Fault::Other {
        fault = by_status(error.status);
    }
    DatabaseError {
        state: has_state.then_some(state),
        number: (error.vendor_code > 0).then_some(error.vendor_code),
        ..DatabaseError::new(database, fault, message)
    }
}

fn by_status(status: Status) -> Fault {
    match status {
        Status::NotImplemented => Fault::Unsupported,
        Status::NotFound => Fault::Missing,
        Status::AlreadyExists | Status::Integrity => Fault::Constraint,
        Status::InvalidData => Fault::Value,
        Status::Cancelled => Fault::Cancelled,
        Status::Timeout => Fault::Timeout,
        Status::Unauthenticated => Fault::Login,
        Status::Unauthorized => Fault::Denied,
        _ => Fault::Other,
    }
}

fn by_words(message: &str) -> Fault {
    const WORDS: [(&str, Fault); 22] = [
        ("constraint failed", Fault::Constraint),
        ("constraint error", Fault::Constraint),
        ("violates", Fault::Constraint),
        ("no such table", Fault::Missing),
        ("no such column", Fault::Missing),
        ("does not exist", Fault::Missing),
        ("catalog error", Fault::Missing),
        ("syntax error", Fault::Syntax),
        ("parser error", Fault::Syntax),
        ("binder error", Fault::Syntax),
        ("conversion error", Fault::Value),
        ("out of range", Fault::Value),
        ("database is locked", Fault::Locked),
        ("conflicting lock", Fault::Locked),
        ("interrupt", Fault::Cancelled),
        ("password authentication failed", Fault::Login),
        ("connection refused", Fault::Unreachable),
        ("terminating connection", Fault::Lost),
        ("server closed the connection", Fault::Lost),
        ("no connection to the server", Fault::Lost),
        ("unexpected eof", Fault::Lost),
        ("connection reset", Fault::Lost),
    ];
    let message = message.to_lowercase();
    let found = WORDS.iter().find(|(words, _)| message.contains(words));
    found.map_or(Fault::Other, |(_, fault)| *fault)
}

/// Before there is a session.
pub(super) fn not_connected(database: &str, error: &Error) -> DatabaseError {
    let failure = failure(database, error);
    match failure.fault {
        Fault::Login | Fault::Locked => failure,
        _ => DatabaseError {
            fault: Fault::Unreachable,
            ..failure
        },
    }
}

/// A failure of a stream of batches.
pub(super) fn of_arrow(database: &str, error: &ArrowError) -> DatabaseError {
    let source = match error {
        ArrowError::ExternalError(source) => Some(source.as_ref() as &(dyn StdError + 'static)),
        other => other.source(),
    };
    if let Some(error) = source.and_then(|source| source.downcast_ref::<Error>()) {
        return failure(database, error);
    }
    let message = error.to_string();
    let fault = match by_words(&message) {
        Fault::Other if message.to_lowercase().contains("cancel") => Fault::Cancelled,
        Fault::Other if matches!(error, ArrowError::CastError(_)) => Fault::Value,
        known => known,
    };
    DatabaseError::new(database, fault, message)
}
