//! SQL Server's failures, and those of its client, in our words.

use mssql_tds::error::{BulkCopyError, Error, SqlErrorInfo};

use crate::database::{DatabaseError, Fault};

/// Number of a timeout that the client noticed, as OLE DB and ADO.NET have it.
const TIMEOUT: i32 = -2;

/// `name`: the database, without secrets.
pub(super) fn failure(name: &str, error: &Error) -> DatabaseError {
    let plain = |fault| DatabaseError::new(name, fault, error.to_string());
    match error {
        Error::SqlServerError { diagnostics } => server_failure(name, &diagnostics.errors),
        Error::TimeoutError(_) => timeout(name),
        Error::BulkCopyError(BulkCopyError::Timeout(_)) => timeout(name),
        Error::OperationCancelledError(_) => {
            DatabaseError::new(name, Fault::Cancelled, "it was cancelled")
        }
        Error::TypeConversionError(_) | Error::EncodedValueTooLong { .. } => plain(Fault::Value),
        Error::UnsupportedEncoding { .. } | Error::UnimplementedFeature { .. } => {
            plain(Fault::Unsupported)
        }
        Error::Security(_) => plain(Fault::Login),
        Error::UsageError(_) | Error::ImplementationError(_) => plain(Fault::Other),
        _ => plain(Fault::Lost),
    }
}

fn timeout(name: &str) -> DatabaseError {
    DatabaseError::new(name, Fault::Timeout, "it took longer than is allowed").with_number(TIMEOUT)
}

/// The first error names the fault, the others follow it in the message.
pub(super) fn server_failure(name: &str, errors: &[SqlErrorInfo]) -> DatabaseError {
    let Some(first) = errors.first() else {
        return DatabaseError::new(name, Fault::Other, "the server failed and did not say why");
    };
    let number = i32::try_from(first.number).unwrap_or(i32::MAX);
    let message: Vec<String> = errors.iter().map(shown).collect();
    DatabaseError::new(name, fault(number), message.join("; ")).with_number(number)
}

fn shown(error: &SqlErrorInfo) -> String {
    let mut place = format!("class {}, state {}", error.class, error.state);
    if let Some(line) = error.line_number.filter(|line| *line > 0) {
        place.push_str(&format!(", line {line}"));
    }
    if let Some(procedure) = error.proc_name.as_deref().filter(|name| !name.is_empty()) {
        place.push_str(&format!(", procedure {procedure}"));
    }
    format!("{} ({place})", error.message)
}

/// What SQL Server's number means.
pub(super) fn fault(number: i32) -> Fault {
    match number {
        4060 | 4064 | 18452 | 18456 | 18461 | 18470 | 18486..=18488 => Fault::Login,
        102 | 103 | 105 | 137 | 156 | 170 | 201 | 319 | 8144 | 8178 => Fault::Syntax,
        195 | 207 | 208 | 911 | 2812 | 3701 | 4104 | 4121 | 4902 | 8145 => Fault::Missing,
        515 | 547 | 1505 | 2601 | 2627 => Fault::Constraint,
        220 | 232 | 241 | 242 | 245 | 295 | 296 | 512 | 2628 | 8114 | 8115 | 8134 | 8152 | 8169
        | 9420 => Fault::Value,
        // Of bulk loads: a length, and conversions.
        4815 | 4863 | 4864 | 4866 => Fault::Value,
        1204 | 1205 | 1211 | 1222 | 3960 => Fault::Locked,
        TIMEOUT => Fault::Timeout,
        701 | 1101 | 1105 | 9002 => Fault::Full,
        229 | 230 | 262 | 297 | 300 | 916 | 3906 | 15247 => Fault::Denied,
        _ => Fault::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_places() {
        let error = SqlErrorInfo {
            message: "Invalid object name 'x'.".to_owned(),
            state: 1,
            class: 16,
            number: 208,
            server_name: None,
            proc_name: Some("dbo.p".to_owned()),
            line_number: Some(3),
        };
        let shown = server_failure("mssql://h", &[error]);
        assert_eq!((shown.fault, shown.number), (Fault::Missing, Some(208)));
        assert_eq!(
            shown.to_string(),
            "mssql://h: Invalid object name 'x'. (class 16, state 1, line 3, procedure dbo.p) (error 208)"
        );
        let faults = [
            (18456, Fault::Login),
            (207, Fault::Missing),
            (2812, Fault::Missing),
            (102, Fault::Syntax),
            (2627, Fault::Constraint),
            (515, Fault::Constraint),
            (2628, Fault::Value),
            (1205, Fault::Locked),
            (-2, Fault::Timeout),
            (9002, Fault::Full),
            (229, Fault::Denied),
            (50000, Fault::Other),
        ];
        for (number, wanted) in faults {
            assert_eq!(fault(number), wanted, "{number}");
        }
    }
}
