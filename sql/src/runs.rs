//! The runs that queries have set off: waited for by whoever ends the process, with what they warned of.

use std::{sync::Arc, time::Duration};

use fletching::Reader;
use parking_lot::{Condvar, Mutex};

/// How long a run that has told its last row may take to give its report.
const REPORT: Duration = Duration::from_secs(2);

/// The runs of a [`PackageFunction`](crate::PackageFunction). A run ends a moment after its query: what a cancelled package
/// had begun is undone then.
#[derive(Debug, Clone, Default)]
pub struct Runs {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Debug, Default)]
struct State {
    running: usize,
    warnings: Vec<String>,
}

impl Runs {
    /// Waits until all have ended, at most so long; whether they have.
    pub fn wait(&self, most: Duration) -> bool {
        let mut state = self.shared.state.lock();
        self.shared
            .ended
            .wait_while_for(&mut state, |state| state.running > 0, most);
        state.running == 0
    }

    /// How many go on.
    pub fn running(&self) -> usize {
        self.shared.state.lock().running
    }

    /// What the packages that have run to their ends warned of, since this was last asked: the package, and the warning.
    pub fn take_warnings(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.state.lock().warnings)
    }

    /// A run that begins.
    pub(crate) fn enter(&self, package: &str) -> Place {
        self.shared.state.lock().running += 1;
        Place {
            package: package.to_owned(),
            runs: self.clone(),
        }
    }
}

/// The place of one run.
#[derive(Debug)]
pub(crate) struct Place {
    package: String,
    runs: Runs,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.runs.shared.state.lock().running -= 1;
        self.runs.shared.ended.notify_all();
    }
}

/// A run that is read. Dropped before its end, it is cancelled.
#[derive(Debug)]
pub(crate) struct Run {
    /// Taken when it is dropped.
    parts: Option<(Reader, Place)>,
}

impl Run {
    pub(crate) fn new(reader: Reader, place: Place) -> Self {
        Self {
            parts: Some((reader, place)),
        }
    }

    pub(crate) fn reader(&mut self) -> Option<&mut Reader> {
        self.parts.as_mut().map(|(reader, _)| reader)
    }

    /// All rows have come: what the package warned of is kept.
    pub(crate) fn end(mut self) {
        let parts = self.parts.take();
        aside(move || {
            if let Some((reader, place)) = parts {
                let report = reader.running().wait_for(REPORT);
                let warnings = report.into_iter().flat_map(|report| report.warnings);
                let warnings = warnings.map(|warning| format!("{}: {warning}", place.package));
                place.runs.shared.state.lock().warnings.extend(warnings);
                drop(reader);
            }
        });
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if let Some((reader, place)) = self.parts.take() {
            reader.running().cancel();
            aside(move || {
                drop(reader);
                drop(place);
            });
        }
    }
}

/// To drop a reader waits until its package has ended: not on a thread that others need.
fn aside(work: impl FnOnce() + Send + 'static) {
    // Without a thread the closure is dropped here, which ends the run too.
    let _thread = std::thread::Builder::new()
        .name("end of a run".to_owned())
        .spawn(work);
}
