//! One file per command.

pub(crate) mod check;
pub(crate) mod connections;
pub(crate) mod eval;
pub(crate) mod explain;
pub(crate) mod providers;
pub(crate) mod read;
pub(crate) mod run;
pub(crate) mod running;
pub(crate) mod script;
#[cfg(feature = "serve")]
pub(crate) mod serve;
#[cfg(feature = "sql")]
pub(crate) mod sql;

use std::{future::Future, time::Duration};

use fletching::{RunError, runtime};

use crate::{
    exit::{Exit, Failure},
    signals::Stop,
};

/// How long dropped work may take to undo what it began. A thread that a read still blocks then is left to the end of
/// the process; it holds nothing of a destination.
const UNDO: Duration = Duration::from_secs(1);

/// Runs a future to its end on `threads` threads; a signal drops it, which stops its tasks and removes unfinished files.
pub(crate) fn cancellable<T>(
    threads: usize,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let failed = |error| {
        let message = format!("the threads could not be started: {error}");
        Failure::new(Exit::Failed, message)
    };
    let runtime = runtime(threads).map_err(failed)?;
    let outcome = runtime.block_on(async {
        let mut stop = Stop::listen().map_err(failed)?;
        tokio::select! {
            outcome = work => outcome,
            () = stop.asked() => Err(RunError::Cancelled.into()),
        }
    });
    runtime.shutdown_timeout(UNDO);
    outcome
}
