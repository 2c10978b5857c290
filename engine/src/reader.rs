//! DataReader destinations: how their batches reach a caller while the package runs.
//!
//! ```text
//!  reader root ──▶ ReaderHub: bounded channel by name ──▶ ReaderBatches (stream) ──▶ caller
//!                  no caller for a name: rows are counted and dropped, with a warning
//! ```
//!
//! A slow caller holds the flow back; a caller that goes away cancels it. A stream ends when the *package* has: without
//! error only if that succeeded (semantics section 13).

use std::{collections::BTreeMap, sync::Arc};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use crate::RunError;

/// Batches in flight between the flow and a caller.
const CAPACITY: usize = 2;

type Outcome = Result<(), RunError>;

/// Callers waiting for the rows of DataReader destinations, by component name.
#[derive(Debug, Clone, Default)]
pub struct ReaderHub {
    callers: Arc<Mutex<BTreeMap<String, Caller>>>,
    /// The package within others whose destinations these are; empty for the first.
    place: String,
}

#[derive(Debug)]
struct Caller {
    /// Taken by the data flow, so that the rows end with it.
    batches: Option<mpsc::Sender<RecordBatch>>,
    outcome: oneshot::Sender<Outcome>,
}

impl ReaderHub {
    /// Announces a caller for the DataReader destination of this name.
    ///
    /// # Errors
    /// It has one already.
    pub fn attach(&self, name: &str, schema: SchemaRef) -> Result<ReaderBatches, RunError> {
        let mut callers = self.callers.lock();
        if callers.contains_key(name) {
            return Err(RunError::BadValue {
                what: "DataReader destination",
                name: name.to_owned(),
                message: "is read already: its rows go to one caller".to_owned(),
            });
        }
        let (sender, batches) = mpsc::channel(CAPACITY);
        let (outcome, end) = oneshot::channel();
        let caller = Caller {
            batches: Some(sender),
            outcome,
        };
        callers.insert(name.to_owned(), caller);
        Ok(ReaderBatches {
            schema,
            batches,
            end: Some(end),
        })
    }

    /// The hub for a package that is run by another one.
    pub(crate) fn within(&self, place: &str) -> Self {
        Self {
            callers: Arc::clone(&self.callers),
            place: self.name_of(place),
        }
    }

    /// The name of a destination as a caller knows it.
    fn name_of(&self, name: &str) -> String {
        match self.place.is_empty() {
            true => name.to_owned(),
            false => crate::error::within(&self.place, name),
        }
    }

    /// Where the rows of a destination go; given once, so that its stream ends with the flow.
    pub(crate) fn sender(&self, name: &str) -> Option<mpsc::Sender<RecordBatch>> {
        let name = self.name_of(name);
        self.callers.lock().get_mut(&name)?.batches.take()
    }

    /// Ends the streams of all callers.
    fn end(&self, outcome: &Outcome) {
        for (_, caller) in std::mem::take(&mut *self.callers.lock()) {
            // A caller that went away needs no outcome.
            drop(caller.outcome.send(outcome.clone()));
        }
    }

    /// Ends the streams when the run does, as cancelled if it never says how.
    pub(crate) fn run(&self) -> ReadersOfRun {
        ReadersOfRun {
            hub: self.clone(),
            outcome: Err(RunError::Cancelled),
        }
    }
}

/// Ends the streams of a hub when it is dropped.
#[derive(Debug)]
pub(crate) struct ReadersOfRun {
    hub: ReaderHub,
    pub(crate) outcome: Outcome,
}

impl Drop for ReadersOfRun {
    fn drop(&mut self) {
        self.hub.end(&self.outcome);
    }
}

/// The rows of one DataReader destination.
#[derive(Debug)]
pub struct ReaderBatches {
    schema: SchemaRef,
    batches: mpsc::Receiver<RecordBatch>,
    /// `None` once it was told.
    end: Option<oneshot::Receiver<Outcome>>,
}

impl ReaderBatches {
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// The next batch; `None` when the package has succeeded. The failure of the package, whenever it comes, is the last
    /// item.
    pub async fn next(&mut self) -> Option<Result<RecordBatch, RunError>> {
        if let Some(batch) = self.batches.recv().await {
            return Some(Ok(batch));
        }
        match self.end.take()?.await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(Err(error)),
            // The hub went away with the run.
            Err(_) => Some(Err(RunError::Cancelled)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attached() -> (ReaderHub, ReaderBatches) {
        let hub = ReaderHub::default();
        let rows = hub.attach("Rows", Arc::new(arrow::datatypes::Schema::empty()));
        (hub, rows.unwrap())
    }

    async fn send_one(hub: &ReaderHub) {
        let batch = RecordBatch::new_empty(Arc::new(arrow::datatypes::Schema::empty()));
        hub.sender("Rows").unwrap().send(batch).await.unwrap();
    }

    #[tokio::test]
    async fn a_stream_ends_as_the_package_does() {
        let failure = RunError::Engine {
            task: "Later".into(),
            message: "failed".into(),
        };
        for outcome in [Ok(()), Err(failure)] {
            let (hub, mut rows) = attached();
            let mut run = hub.run();
            send_one(&hub).await;
            assert!(rows.next().await.unwrap().is_ok());
            run.outcome = outcome.clone();
            drop(run);
            let last = rows.next().await;
            match outcome {
                Ok(()) => assert!(last.is_none()),
                Err(_) => assert!(matches!(last, Some(Err(RunError::Engine { .. })))),
            }
            assert!(rows.next().await.is_none());
        }
    }

    #[tokio::test]
    async fn a_run_that_is_dropped_is_cancelled() {
        let (hub, mut rows) = attached();
        drop(hub.run());
        assert!(matches!(rows.next().await, Some(Err(RunError::Cancelled))));
        let (hub, mut rows) = attached();
        drop(hub);
        assert!(matches!(rows.next().await, Some(Err(RunError::Cancelled))));
    }

    #[test]
    fn a_destination_has_one_caller() {
        let (hub, rows) = attached();
        assert!(hub.attach("Rows", rows.schema()).is_err());
    }
}
