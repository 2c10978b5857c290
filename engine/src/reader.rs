//! DataReader destinations: how their batches reach a caller while the package runs.
//!
//! ```text
//!  reader root ──▶ ReaderHub: bounded channel by name ──▶ ReaderBatches (stream) ──▶ caller
//!                  no caller for a name: rows are counted and dropped, with a warning
//! ```
//!
//! A slow caller holds the flow back, until the destination's ReadTimeout has passed; a caller that goes away cancels it.
//! A stream ends when the *package* has: without error only if that succeeded and no row was dropped (semantics section 13).

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll, ready},
};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use fletching_components::flow::FlowError;
use futures::{FutureExt, Stream, StreamExt};
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use crate::{RunError, Settings};

/// Batches in flight between the flow and a caller.
const CAPACITY: usize = 2;

type Outcome = Result<(), RunError>;

/// Callers waiting for the rows of DataReader destinations, by component name.
#[derive(Debug, Clone, Default)]
pub struct ReaderHub {
    callers: Arc<Mutex<BTreeMap<String, Caller>>>,
    /// The package within others whose destinations these are; empty for the first.
    place: String,
    /// No destination stops waiting.
    pub(crate) patient: bool,
}

#[derive(Debug)]
struct Caller {
    /// Taken by the data flow, so that the rows end with it.
    batches: Option<RowSender>,
    outcome: oneshot::Sender<Outcome>,
}

/// Hands batches to a caller.
#[derive(Debug)]
pub(crate) struct RowSender {
    batches: mpsc::Sender<RecordBatch>,
    lapsed: Arc<OnceLock<FlowError>>,
}

impl RowSender {
    /// Waits until the caller takes it, or fails with one that went away.
    pub(crate) async fn send(
        &self,
        batch: RecordBatch,
    ) -> Result<(), mpsc::error::SendError<RecordBatch>> {
        self.batches.send(batch).await
    }

    /// Ends the rows with an error, though the package goes on.
    pub(crate) fn lapse(self, error: FlowError) {
        // It is consumed here, so that there is no other error before it.
        self.lapsed.get_or_init(|| error);
    }
}

impl ReaderHub {
    /// For a run with these settings.
    pub fn new(settings: &Settings) -> Self {
        Self {
            patient: settings.patient_readers,
            ..Self::default()
        }
    }

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
        let lapsed = Arc::<OnceLock<FlowError>>::default();
        let caller = Caller {
            batches: Some(RowSender {
                batches: sender,
                lapsed: Arc::clone(&lapsed),
            }),
            outcome,
        };
        callers.insert(name.to_owned(), caller);
        Ok(ReaderBatches {
            schema,
            batches,
            lapsed,
            end: Some(end),
        })
    }

    /// The hub for a package that is run by another one.
    pub(crate) fn within(&self, place: &str) -> Self {
        Self {
            callers: Arc::clone(&self.callers),
            place: self.name_of(place),
            patient: self.patient,
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
    pub(crate) fn sender(&self, name: &str) -> Option<RowSender> {
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

/// The rows of one DataReader destination: a stream that ends when the package has.
#[derive(Debug)]
pub struct ReaderBatches {
    schema: SchemaRef,
    batches: mpsc::Receiver<RecordBatch>,
    /// Why rows were dropped.
    lapsed: Arc<OnceLock<FlowError>>,
    /// `None` once it was told.
    end: Option<oneshot::Receiver<Outcome>>,
}

impl ReaderBatches {
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// The next batch, as the stream yields it.
    pub async fn next(&mut self) -> Option<Result<RecordBatch, RunError>> {
        StreamExt::next(self).await
    }
}

/// `None` when the package has succeeded. The failure of the package, whenever it comes, is the last item.
impl Stream for ReaderBatches {
    type Item = Result<RecordBatch, RunError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(batch) = ready!(self.batches.poll_recv(context)) {
            return Poll::Ready(Some(Ok(batch)));
        }
        let lapsed = self.lapsed.get().cloned();
        let Some(end) = &mut self.end else {
            return Poll::Ready(None);
        };
        let outcome = match lapsed {
            Some(error) => Err(RunError::Flow {
                task: error.path.clone(),
                error: Box::new(error),
            }),
            // One who never says how it ended went away with the run.
            None => ready!(end.poll_unpin(context)).unwrap_or(Err(RunError::Cancelled)),
        };
        self.end = None;
        Poll::Ready(outcome.err().map(Err))
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
