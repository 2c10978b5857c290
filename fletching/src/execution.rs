//! A run of a prepared package.

use std::sync::Arc;

use fletching_engine::{
    EventListener, Observers, Progress, ReaderBatches, ReaderHub, RunError, RunReport,
};
use fletching_planner::{DataFlowPlan, explain};
use parking_lot::Mutex;

use crate::Prepared;

/// One run. Dropping the future of [`run`](Self::run) cancels it: tasks stop, unfinished files are removed.
#[derive(Debug)]
pub struct Execution {
    prepared: Prepared,
    hub: ReaderHub,
    progress: Progress,
    listeners: Vec<Arc<dyn EventListener>>,
}

impl Execution {
    /// `progress` shows row counts while the run goes on; keep a clone of it.
    pub fn new(prepared: Prepared, progress: Progress) -> Self {
        Self {
            hub: ReaderHub::new(prepared.inner.settings()),
            prepared,
            progress,
            listeners: Vec::new(),
        }
    }

    /// Name of the package.
    pub fn package(&self) -> &str {
        self.prepared.inner.name()
    }

    pub(crate) fn threads(&self) -> usize {
        self.prepared.inner.settings().threads
    }

    pub(crate) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Adds one who hears every event of the run, as it happens.
    #[must_use]
    pub fn listener(mut self, listener: Arc<dyn EventListener>) -> Self {
        self.listeners.push(listener);
        self
    }

    /// Attaches a reader to the DataReader destination of this name. Its batches arrive while [`run`](Self::run) runs;
    /// its schema is known at once.
    pub fn reader(self, name: &str) -> Result<(Self, ReaderBatches), RunError> {
        let batches = self.prepared.inner.attach(name, &self.hub)?;
        Ok((self, batches))
    }

    /// Runs the package to its end. Within a runtime of tokio with I/O and time (`enable_all`), as [`runtime`] makes it.
    ///
    /// # Errors
    /// The first error of a package that failed; [`report`](Self::report) has all of them, and what succeeded.
    pub async fn run(self) -> Result<RunReport, RunError> {
        self.report().await.succeeded()
    }

    /// Runs the package to its end, as [`run`](Self::run): its report, whatever came of it.
    pub async fn report(mut self) -> RunReport {
        let observers = Observers {
            listeners: std::mem::take(&mut self.listeners),
            plans: None,
        };
        self.observed(observers).await
    }

    /// Runs the package; the plan of each data flow with what each operator did.
    pub async fn analyze(mut self) -> Result<Vec<String>, RunError> {
        let plans = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&plans);
        let observer = move |plan: &DataFlowPlan| {
            seen.lock().push(explain(plan, true));
        };
        let observers = Observers {
            listeners: std::mem::take(&mut self.listeners),
            plans: Some(Arc::new(observer)),
        };
        self.observed(observers).await.succeeded()?;
        Ok(std::mem::take(&mut *plans.lock()))
    }

    async fn observed(&mut self, observers: Observers) -> RunReport {
        let run = self
            .prepared
            .inner
            .run(&self.hub, &self.progress, observers);
        run.await
    }
}

/// A tokio runtime with `threads` workers, as runs want it.
pub fn runtime(threads: usize) -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads.max(1))
        .enable_all()
        .build()
}
