//! The thread that writes the logs of a run.
//!
//! Entries wait in a queue of limited length; a run that is faster than its logs waits for them. What waits when the run is
//! dropped is written all the same, and the end of the package with it.

use std::sync::Arc;

use datafusion_common_runtime::SpawnedTask;
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use super::{
    LogPlan, RunIdentity, destination,
    entry::LogEntry,
    log::{Log, LogFailure},
    plan,
    selection::Selection,
};
use crate::{Event, EventKind, RunError, control_flow::ExecutionResult, state::PackageState};

/// Entries that wait, at most.
const QUEUE: usize = 1024;

/// Where events become entries. Dropped before [`close`](Self::close), it says that the package was canceled.
#[derive(Debug)]
pub(crate) struct LogWriter {
    selection: Selection,
    identity: RunIdentity,
    queue: Option<mpsc::Sender<Message>>,
    failures: Arc<Mutex<Vec<LogFailure>>>,
    thread: Option<SpawnedTask<()>>,
    /// What the end of the package is said with if nobody else says it.
    end: Option<Event>,
    pub(crate) warnings: Vec<String>,
}

#[derive(Debug)]
enum Message {
    Entry(Box<LogEntry>, Vec<usize>),
    /// Answered when all that came before is written.
    Flush(oneshot::Sender<()>),
}

/// A log, until it fails.
type Open = Option<Box<dyn Log>>;

impl LogWriter {
    /// Opens the logs of a package; `None` if it has none. Those that cannot be opened are among the failures.
    ///
    /// # Errors
    /// What can be known without opening them.
    pub(crate) async fn open(state: &Arc<PackageState>) -> Result<Option<Self>, RunError> {
        if !super::is_wanted(state) {
            return Ok(None);
        }
        let LogPlan {
            selection,
            destinations,
            warnings,
        } = plan(state)?;
        let failures: Arc<Mutex<Vec<LogFailure>>> = Arc::default();
        let noted = Arc::clone(&failures);
        let (queue, waiting) = mpsc::channel(QUEUE);
        let (opened, ready) = oneshot::channel();
        let thread = SpawnedTask::spawn_blocking(move || {
            let mut logs: Vec<Open> = Vec::new();
            for destination in destinations {
                let log = destination.map(|(path, found)| destination::open(&path, found));
                match log.transpose() {
                    Ok(log) => logs.push(log),
                    Err(failure) => {
                        noted.lock().push(failure);
                        logs.push(None);
                    }
                }
            }
            // Whoever waited may be gone.
            opened.send(()).unwrap_or_default();
            write_all(waiting, &mut logs, &noted);
        });
        // An error: the thread is gone, and so is the queue's other end.
        drop(ready.await);
        Ok(Some(Self {
            selection,
            identity: RunIdentity::of(state),
            queue: Some(queue),
            failures,
            thread: Some(thread),
            end: Some(package_end(state, ExecutionResult::Canceled)),
            warnings,
        }))
    }

    /// What went wrong since the last call.
    pub(crate) fn failures(&self) -> Vec<LogFailure> {
        std::mem::take(&mut *self.failures.lock())
    }

    /// Whether an entry of this name that `path` raises would be written.
    pub(crate) fn asks_for(&self, path: &str, name: &'static str) -> bool {
        let kind = EventKind::Log(name.into());
        !self.selection.of(path, &kind).0.is_empty()
    }

    /// Writes an event, where a log wants it.
    pub(crate) async fn event(&self, event: &Event) {
        let message = self.message(event, 0);
        if let (Some(message), Some(queue)) = (message, &self.queue) {
            // Nobody is there to write it: the thread is gone, which `close` tells.
            drop(queue.send(message).await);
        }
    }

    fn message(&self, event: &Event, data_code: i32) -> Option<Message> {
        let (providers, columns) = self.selection.of(&event.source.path, &event.kind);
        if providers.is_empty() {
            return None;
        }
        let entry = LogEntry::new(event, data_code, &self.identity, columns);
        Some(Message::Entry(Box::new(entry), providers))
    }

    /// Waits until all that came is written.
    pub(crate) async fn flush(&self) {
        let (done, written) = oneshot::channel();
        if let Some(queue) = &self.queue
            && queue.send(Message::Flush(done)).await.is_ok()
        {
            // An error: the thread is gone.
            drop(written.await);
        }
    }

    /// Says how the package ended, and closes the logs. What went wrong since the last time anybody asked.
    pub(crate) async fn close(&mut self, end: &Event, result: ExecutionResult) -> Vec<LogFailure> {
        let message = self.message(end, data_code(result));
        if let (Some(message), Some(queue)) = (message, self.queue.take()) {
            drop(queue.send(message).await);
        }
        self.end = None;
        self.queue = None;
        if let Some(thread) = self.thread.take()
            && let Err(error) = thread.join().await
        {
            let failure = LogFailure::writing("log providers", error);
            self.failures.lock().push(failure);
        }
        self.failures()
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        if let (Some(end), Some(queue)) = (self.end.take(), self.queue.take())
            && let Some(message) = self.message(&end, data_code(ExecutionResult::Canceled))
        {
            // A full queue: the run was cancelled for a log that does not come to an end.
            drop(queue.try_send(message));
        }
    }
}

/// PackageEnd.
pub(crate) fn package_end(state: &PackageState, result: ExecutionResult) -> Event {
    let how = match result {
        ExecutionResult::Success => "succeeded",
        ExecutionResult::Failure => "failed",
        ExecutionResult::Canceled => "was canceled",
    };
    let message = format!("package {} {how}", state.name);
    Event::new(EventKind::Log("PackageEnd".into()), &state.root, message)
}

/// DTSExecResult.
fn data_code(result: ExecutionResult) -> i32 {
    match result {
        ExecutionResult::Success => 0,
        ExecutionResult::Failure => 1,
        ExecutionResult::Canceled => 3,
    }
}

/// Writes what comes until nothing more can come. Blocks.
fn write_all(
    mut waiting: mpsc::Receiver<Message>,
    logs: &mut [Open],
    failures: &Mutex<Vec<LogFailure>>,
) {
    let mut some = Vec::new();
    while waiting.blocking_recv_many(&mut some, QUEUE) > 0 {
        for part in some.split_inclusive(|message| matches!(message, Message::Flush(_))) {
            write(part, logs, failures);
        }
        for message in some.drain(..) {
            if let Message::Flush(done) = message {
                // Whoever waited may be gone.
                done.send(()).unwrap_or_default();
            }
        }
    }
    for log in logs.iter_mut().filter_map(Option::as_mut) {
        if let Err(failure) = log.close() {
            failures.lock().push(failure);
        }
    }
}

fn write(messages: &[Message], logs: &mut [Open], failures: &Mutex<Vec<LogFailure>>) {
    for (at, log) in logs.iter_mut().enumerate() {
        let entries: Vec<&LogEntry> = messages
            .iter()
            .filter_map(|message| match message {
                Message::Entry(entry, providers) if providers.contains(&at) => Some(&**entry),
                _ => None,
            })
            .collect();
        if let Some(open) = log
            && !entries.is_empty()
            && let Err(failure) = open.write(&entries)
        {
            failures.lock().push(failure);
            *log = None;
        }
    }
}
