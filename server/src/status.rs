//! Errors as the status of a call: what kind it is, the message, and the SSIS code in it.

use fletching::{FolderError, LoadError, ReaderError, RunError};
use tonic::{Code, Status};

use crate::query::QueryError;

/// Longest message: it travels in a header, which clients bound.
const MESSAGE_MAX: usize = 3000;

fn status(code: Code, message: &str) -> Status {
    let mut short: String = message.chars().take(MESSAGE_MAX).collect();
    if short.len() < message.len() {
        short.push_str(" ... (`fletch check` shows all of it)");
    }
    Status::new(code, short)
}

pub(crate) fn of_query(error: &QueryError) -> Status {
    status(Code::InvalidArgument, &error.to_string())
}

pub(crate) fn of_folder(error: &FolderError) -> Status {
    let code = match error {
        FolderError::Missing { .. } => Code::NotFound,
        FolderError::Load(error) if error.is_not_found() => Code::NotFound,
        FolderError::Outside { .. } | FolderError::NotAPackage { .. } => Code::InvalidArgument,
        _ => Code::FailedPrecondition,
    };
    let ssis = match error {
        FolderError::Load(error) => LoadError::code(error),
        _ => None,
    };
    let message = error.to_string();
    match ssis {
        Some(ssis) => status(code, &format!("{message} [{ssis}]")),
        None => status(code, &message),
    }
}

pub(crate) fn of_run(error: &RunError) -> Status {
    let code = match error {
        RunError::Findings(_) => Code::FailedPrecondition,
        RunError::UnknownOverride {
            what: "DataReader destination",
            ..
        } => Code::NotFound,
        RunError::UnknownOverride { .. } | RunError::BadValue { .. } => Code::InvalidArgument,
        RunError::Cancelled => Code::Cancelled,
        _ => Code::Aborted,
    };
    let message = error.to_string();
    match error.code() {
        Some(ssis) if !message.contains(&format!("0x{:08X}", ssis.0)) => {
            status(code, &format!("{message} [{ssis}]"))
        }
        _ => status(code, &message),
    }
}

pub(crate) fn of_reader(error: &ReaderError) -> Status {
    match error {
        ReaderError::Run(error) => of_run(error),
        ReaderError::Threads(_) => status(Code::ResourceExhausted, &error.to_string()),
    }
}
