//! Runs in the background, for callers without a runtime of their own.
//!
//! ```text
//!  Execution ──start──▶ a thread with its own runtime ──▶ RunReport
//!                 └─ Running: wait, cancel, look at the progress; the last one that is dropped cancels, and waits for the end
//! ```

use std::{io, sync::Arc, thread, time::Duration};

use fletching_engine::{Progress, RunReport};
use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use crate::{Execution, runtime};

/// How long dropped work may take to undo what it began.
const UNDO: Duration = Duration::from_secs(1);

/// A run that goes on in the background. Clones are of the same run.
#[derive(Debug, Clone)]
pub struct Running {
    run: Arc<Run>,
}

#[derive(Debug)]
struct Run {
    progress: Progress,
    end: Arc<End>,
    stop: Mutex<Option<oneshot::Sender<()>>>,
    thread: Mutex<Option<thread::JoinHandle<()>>>,
}

/// How it ended, once it has.
#[derive(Debug, Default)]
struct End {
    report: Mutex<Option<RunReport>>,
    told: Condvar,
}

impl Execution {
    /// Runs the package in the background, on threads of its own.
    ///
    /// # Errors
    /// The system gives no threads.
    pub fn start(self) -> io::Result<Running> {
        let runtime = runtime(self.threads())?;
        let (stop, stopped) = oneshot::channel();
        let end = Arc::<End>::default();
        let progress = self.progress().clone();
        let package = self.package().to_owned();
        let told = Arc::clone(&end);
        let work = move || {
            let report = runtime.block_on(async {
                tokio::select! {
                    report = self.report() => report,
                    // One who went away without a word does not want it either.
                    _ = stopped => RunReport::canceled(&package),
                }
            });
            runtime.shutdown_timeout(UNDO);
            *told.report.lock() = Some(report);
            told.told.notify_all();
        };
        let thread = thread::Builder::new()
            .name("fletching run".to_owned())
            .spawn(work)?;
        Ok(Running {
            run: Arc::new(Run {
                progress,
                end,
                stop: Mutex::new(Some(stop)),
                thread: Mutex::new(Some(thread)),
            }),
        })
    }
}

impl Running {
    /// The rows that each component has passed on so far.
    pub fn progress(&self) -> &Progress {
        &self.run.progress
    }

    /// Stops it: tasks end, unfinished files are removed. Does not wait.
    pub fn cancel(&self) {
        self.run.cancel();
    }

    /// Its report, if it has ended.
    pub fn report(&self) -> Option<RunReport> {
        self.run.end.report.lock().clone()
    }

    /// Waits for the end, whatever comes of it.
    pub fn wait(&self) -> RunReport {
        loop {
            if let Some(report) = self.wait_for(Duration::from_secs(3600)) {
                return report;
            }
        }
    }

    /// Waits for the end, at most so long.
    pub fn wait_for(&self, most: Duration) -> Option<RunReport> {
        let mut report = self.run.end.report.lock();
        if report.is_none() {
            self.run.end.told.wait_for(&mut report, most);
        }
        report.clone()
    }
}

impl Run {
    fn cancel(&self) {
        if let Some(stop) = self.stop.lock().take() {
            // One that has ended by itself hears nothing.
            let _ended: Result<(), ()> = stop.send(());
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.cancel();
        if let Some(thread) = self.thread.lock().take() {
            // A panic in there was reported as it happened; there is no report of the run then.
            drop(thread.join());
        }
    }
}
