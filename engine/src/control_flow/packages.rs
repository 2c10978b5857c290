//! Packages that packages run: a run within a run.
//!
//! ```text
//!  task of the parent ──run_package──▶ Executor of its own: variables, sessions, permits, error counts
//!                     ◀── events, one by one, as those of the task ── report at the end, paths with the task's in front
//! ```

use std::sync::Arc;

use futures::future::BoxFuture;

use super::{Executor, Frame};
use crate::{
    Event, PackageReport, RunReport, TaskOutcome, TaskResult, error::within, state::PackageState,
};

/// Where a package runs that another one runs.
#[derive(Debug, Clone)]
pub(super) struct Outer<'p> {
    pub(super) executor: &'p Executor<'p>,
    /// The task that runs it.
    pub(super) frame: &'p Frame<'p>,
    /// Goes before its paths: `Package\Run load > Load.dtsx`.
    pub(super) place: String,
}

impl Outer<'_> {
    /// Raises an event of the package in the package around.
    pub(super) fn raise(&self, event: Event) -> BoxFuture<'_, ()> {
        let mut event = event;
        event.source.path = within(&self.place, &event.source.path);
        self.executor.raise(self.frame, event)
    }

    /// Whether the package around wants entries of this name.
    pub(super) fn asks_for(&self, entry: &'static str) -> bool {
        self.executor.asks_for(&self.frame.original.path, entry)
    }
}

impl Executor<'_> {
    /// Runs a package that a task runs, to its end.
    pub(crate) async fn run_package(
        &self,
        frame: &Frame<'_>,
        state: &Arc<PackageState>,
        name: &str,
    ) -> TaskResult {
        let outer = Outer {
            executor: self,
            frame,
            place: within(&frame.original.path, name),
        };
        let place = outer.place.clone();
        let (report, _) = Executor::within(outer, state).run().await;
        let result = report.result;
        self.merge(&place, report);
        TaskResult::Package(PackageReport {
            package: name.to_owned(),
            result,
        })
    }

    /// Takes what the report of an inner package says into that of this one.
    fn merge(&self, place: &str, inner: RunReport) {
        let errors = inner.errors.into_iter();
        self.keep_errors(errors.map(|error| error.within(place)));
        let mut report = self.report.lock();
        let tasks = inner.tasks.into_iter().map(|task| TaskOutcome {
            path: within(place, &task.path),
            ..task
        });
        tasks.for_each(|task| report.note(task));
        let variables = inner.variables.into_iter();
        for (name, value) in variables.map(|(name, value)| (within(place, &name), value)) {
            let mut known = report.variables.iter_mut();
            match known.find(|(known, _)| *known == name) {
                Some(known) => known.1 = value,
                None => report.variables.push((name, value)),
            }
        }
        for warning in inner.warnings {
            report.warn(within(place, &warning));
        }
    }
}
