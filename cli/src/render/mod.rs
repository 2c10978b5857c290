//! What the user sees. The only place that prints.

mod progress;
mod report;
mod rows;

use std::io::Write;

use serde::Serialize;

pub(crate) use progress::ProgressDisplay;
pub(crate) use report::{report, report_json};
pub(crate) use rows::RowWriter;
#[cfg(feature = "sql")]
pub(crate) use rows::WriteError;

use crate::exit::{Exit, Failure};

/// Text to standard output.
pub(crate) fn text(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    finish(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// One JSON value on a line.
pub(crate) fn json_line(value: &impl Serialize) -> Result<(), Failure> {
    let line = serde_json::to_string(value)
        .map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
    text(&format!("{line}\n"))
}

/// An error on standard error, in the form that the command was asked for.
pub(crate) fn error(failure: &Failure) {
    #[derive(Serialize)]
    struct Line<'a> {
        error: &'a str,
        exit: u8,
        code: Option<&'a str>,
        symbol: Option<&'a str>,
        warnings: &'a [String],
    }
    let line = if failure.json {
        let line = Line {
            error: &failure.message,
            exit: failure.exit as u8,
            code: failure.code.as_deref(),
            symbol: failure.symbol,
            warnings: &failure.warnings,
        };
        serde_json::to_string(&line).unwrap_or_else(|error| error.to_string())
    } else {
        warnings(&failure.warnings);
        format!("error: {}", failure.message)
    };
    // Nobody is left to tell if standard error is closed.
    drop(writeln!(std::io::stderr().lock(), "{line}"));
}

/// On standard error, where rows go to standard output.
pub(crate) fn warnings(warnings: &[String]) {
    for warning in warnings {
        // Nobody is left to tell if standard error is closed.
        drop(writeln!(std::io::stderr().lock(), "warning: {warning}"));
    }
}

fn finish(written: std::io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::new(
            Exit::Failed,
            format!("standard output: {error}"),
        )),
        _ => Ok(()),
    }
}
