//! Ends a call that takes too long, where the client library does not.
//!
//! A thread sleeps until the call has used its time, and then cancels it. The time in which the taker of rows is busy does
//! not count.

use std::{
    ops::ControlFlow,
    sync::Arc,
    thread::{JoinHandle, spawn},
    time::{Duration, Instant},
};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use parking_lot::{Condvar, Mutex};

use super::{Cancel, DatabaseError, RowSink};

struct Clock {
    deadline: Instant,
    paused: bool,
    ended: bool,
    late: bool,
}

pub(super) struct Watch {
    clock: Arc<(Mutex<Clock>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// `None` for no limit.
    pub(super) fn start(seconds: u32, cancel: Arc<dyn Cancel>) -> Option<Self> {
        if seconds == 0 {
            return None;
        }
        let clock = Arc::new((
            Mutex::new(Clock {
                deadline: Instant::now() + Duration::from_secs(seconds.into()),
                paused: false,
                ended: false,
                late: false,
            }),
            Condvar::new(),
        ));
        let watched = Arc::clone(&clock);
        let thread = spawn(move || {
            let (clock, changed) = &*watched;
            let mut now = clock.lock();
            while !now.ended {
                if now.paused {
                    changed.wait(&mut now);
                } else if Instant::now() >= now.deadline {
                    now.late = true;
                    drop(now);
                    cancel.cancel();
                    return;
                } else {
                    let deadline = now.deadline;
                    changed.wait_until(&mut now, deadline);
                }
            }
        });
        Some(Self {
            clock,
            thread: Some(thread),
        })
    }

    fn set(&self, change: impl FnOnce(&mut Clock)) {
        let (clock, changed) = &*self.clock;
        change(&mut clock.lock());
        changed.notify_all();
    }

    /// Runs `work` while the clock stands.
    fn pause<T>(&self, work: impl FnOnce() -> T) -> T {
        let begin = Instant::now();
        self.set(|clock| clock.paused = true);
        let done = work();
        self.set(|clock| {
            clock.paused = false;
            clock.deadline += begin.elapsed();
        });
        done
    }

    /// A failure of the call: that it took too long, if that is why it was cancelled.
    pub(super) fn told(watch: Option<&Self>, seconds: u32, error: DatabaseError) -> DatabaseError {
        match watch.is_some_and(Self::is_late) {
            true => error.into_late(seconds),
            false => error,
        }
    }

    /// Whether the time was over.
    pub(super) fn is_late(&self) -> bool {
        self.clock.0.lock().late
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.set(|clock| clock.ended = true);
        if let Some(thread) = self.thread.take() {
            // It does nothing that could panic.
            drop(thread.join());
        }
    }
}

/// A sink whose own time does not count.
pub(super) struct Unhurried<'w> {
    pub(super) sink: &'w mut dyn RowSink,
    pub(super) watch: Option<&'w Watch>,
}

impl RowSink for Unhurried<'_> {
    fn start(&mut self, schema: &SchemaRef) -> ControlFlow<()> {
        self.sink.start(schema)
    }

    fn batch(&mut self, batch: RecordBatch) -> ControlFlow<()> {
        match self.watch {
            Some(watch) => watch.pause(|| self.sink.batch(batch)),
            None => self.sink.batch(batch),
        }
    }

    fn lost(&mut self, what: String) {
        self.sink.lost(what);
    }
}

/// For each row how many rows a statement changed, or why it failed.
type Each = Vec<Result<u64, DatabaseError>>;

/// Runs a statement row by row, each under a clock of its own; `run` is given one row.
pub(super) fn each_timed(
    rows: &RecordBatch,
    go_on: bool,
    (seconds, cancel): (u32, &Arc<dyn Cancel>),
    run: &mut dyn FnMut(&RecordBatch) -> Result<Each, DatabaseError>,
) -> Result<Each, DatabaseError> {
    let mut done = Vec::with_capacity(rows.num_rows());
    for row in 0..rows.num_rows() {
        let watch = Watch::start(seconds, Arc::clone(cancel));
        let one = run(&rows.slice(row, 1)).and_then(|one| one.into_iter().sum());
        let one = one.map_err(|error| Watch::told(watch.as_ref(), seconds, error));
        let stop = match &one {
            Err(error) if error.is_fatal() => return one.map(|_| Vec::new()),
            Err(_) => !go_on,
            Ok(_) => false,
        };
        done.push(one);
        if stop {
            break;
        }
    }
    Ok(done)
}
