//! One file per command.

pub(crate) mod check;
pub(crate) mod explain;
pub(crate) mod read;
pub(crate) mod run;

use std::future::Future;

use fletching::{Progress, RunError, runtime};

use crate::exit::{Exit, Failure};

/// Runs a future to its end on `threads` threads; Ctrl-C drops it, which stops its tasks and removes unfinished files.
pub(crate) fn cancellable<T>(
    threads: usize,
    progress: &Progress,
    work: impl Future<Output = Result<T, RunError>>,
) -> Result<T, Failure> {
    let runtime = runtime(threads).map_err(|error| {
        Failure::new(
            Exit::Failed,
            format!("the threads could not be started: {error}"),
        )
    })?;
    let outcome = runtime.block_on(async {
        tokio::select! {
            outcome = work => outcome,
            _ = tokio::signal::ctrl_c() => Err(RunError::Cancelled),
        }
    });
    outcome.map_err(|error| Failure {
        warnings: progress.take_warnings(),
        ..error.into()
    })
}
