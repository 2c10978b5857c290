//! A run of a prepared package.

use fletching_engine::{Progress, ReaderBatches, ReaderHub, RunError, RunReport};
use fletching_planner::explain;

use crate::Prepared;

/// One run. Dropping the future of [`run`](Self::run) cancels it: tasks stop, unfinished files are removed.
#[derive(Debug)]
pub struct Execution {
    prepared: Prepared,
    hub: ReaderHub,
    progress: Progress,
}

impl Execution {
    /// `progress` shows row counts while the run goes on; keep a clone of it.
    pub fn new(prepared: Prepared, progress: Progress) -> Self {
        Self {
            prepared,
            hub: ReaderHub::default(),
            progress,
        }
    }

    /// Attaches a reader to the DataReader destination of this name. Its batches arrive while [`run`](Self::run) runs;
    /// its schema is known at once.
    pub fn reader(self, name: &str) -> Result<(Self, ReaderBatches), RunError> {
        let batches = self.prepared.inner.attach(name, &self.hub)?;
        Ok((self, batches))
    }

    /// Runs the package to its end.
    pub async fn run(mut self) -> Result<RunReport, RunError> {
        self.prepared.inner.run(&self.hub, &self.progress).await
    }

    /// Runs the package; the plan of each data flow with what each operator did.
    pub async fn analyze(mut self) -> Result<Vec<String>, RunError> {
        let mut plans = Vec::new();
        let finished = |plan: &fletching_planner::DataFlowPlan| plans.push(explain(plan, true));
        self.prepared
            .inner
            .run_observed(&self.hub, &self.progress, finished)
            .await?;
        Ok(plans)
    }
}

/// A tokio runtime with `threads` workers, as runs want it.
pub fn runtime(threads: usize) -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads.max(1))
        .enable_all()
        .build()
}
