//! The runs that go on: each is a stream of batches with a name, by which it can be cancelled.
//!
//! ```text
//! Reader ──▶ RunStream ──batches, columns as asked──▶ the call; its end or its drop takes the run off the list
//! ```

use std::{
    collections::{BTreeMap, VecDeque},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use arrow_flight::error::FlightError;
use datafusion_common_runtime::SpawnedTask;
use fletching::{Reader, Running};
use futures::{Stream, StreamExt};
use parking_lot::Mutex;
use tonic::Status;

use crate::{packing::packed, status};

/// Runs at a time; each has threads and memory of its own.
const RUNS_MAX: usize = 64;
/// Cancelled tickets that are remembered, for one that is read after that.
const CANCELLED_MAX: usize = 1024;

/// All runs of a server.
#[derive(Debug, Clone, Default)]
pub(crate) struct Runs {
    list: Arc<Mutex<List>>,
}

#[derive(Debug, Default)]
struct List {
    next: u64,
    /// `None` while it is being prepared.
    runs: BTreeMap<u64, (String, Option<Running>)>,
    cancelled: VecDeque<String>,
    stopping: bool,
}

/// The place of one run in the list.
#[derive(Debug)]
pub(crate) struct Place {
    number: u64,
    ticket: String,
    runs: Runs,
}

impl Runs {
    /// A place for a run of this ticket.
    pub(crate) fn enter(&self, ticket: &str) -> Result<Place, Status> {
        let mut list = self.list.lock();
        if list.stopping {
            return Err(Status::unavailable("the server is stopping"));
        }
        if list.cancelled.iter().any(|cancelled| cancelled == ticket) {
            return Err(Status::cancelled(
                "this query was cancelled; ask for it again",
            ));
        }
        if list.runs.len() >= RUNS_MAX {
            let message = format!("{RUNS_MAX} packages are running; try again when one has ended");
            return Err(Status::resource_exhausted(message));
        }
        list.next += 1;
        let number = list.next;
        list.runs.insert(number, (ticket.to_owned(), None));
        Ok(Place {
            number,
            ticket: ticket.to_owned(),
            runs: self.clone(),
        })
    }

    /// Cancels what runs for a ticket, and what would.
    pub(crate) fn cancel(&self, ticket: &str) {
        let mut list = self.list.lock();
        if list.cancelled.len() >= CANCELLED_MAX {
            list.cancelled.pop_front();
        }
        list.cancelled.push_back(ticket.to_owned());
        let named = list.runs.values().filter(|(name, _)| name == ticket);
        named
            .filter_map(|(_, running)| running.as_ref())
            .for_each(Running::cancel);
    }

    /// Cancels all, and waits for their ends, at most so long.
    pub(crate) async fn stop(&self, most: Duration) {
        let running: Vec<Running> = {
            let mut list = self.list.lock();
            list.stopping = true;
            list.runs
                .values()
                .filter_map(|(_, running)| running.clone())
                .collect()
        };
        running.iter().for_each(Running::cancel);
        let until = Instant::now() + most;
        while running.iter().any(|running| running.report().is_none()) && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // The last of a run waits for its thread, which is not for the thread of all calls.
        drop(SpawnedTask::spawn_blocking(move || drop(running)).await);
    }
}

impl Place {
    /// Its run has started.
    fn started(&self, running: &Running) {
        let mut list = self.runs.list.lock();
        if list.stopping || list.cancelled.contains(&self.ticket) {
            running.cancel();
        }
        if let Some((_, slot)) = list.runs.get_mut(&self.number) {
            *slot = Some(running.clone());
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let left = self.runs.list.lock().runs.remove(&self.number);
        drop(left);
    }
}

/// The batches of one run.
pub(crate) struct RunStream {
    run: Option<(Reader, Place)>,
    columns: Option<Vec<usize>>,
    schema: SchemaRef,
}

impl RunStream {
    pub(crate) fn new(
        reader: Reader,
        place: Place,
        columns: Option<Vec<usize>>,
        schema: SchemaRef,
    ) -> Self {
        place.started(reader.running());
        Self {
            run: Some((reader, place)),
            columns,
            schema,
        }
    }
}

impl Stream for RunStream {
    type Item = Result<RecordBatch, FlightError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some((reader, _)) = &mut self.run else {
            return Poll::Ready(None);
        };
        let batch = match ready!(reader.poll_next_unpin(context)) {
            None => return Poll::Ready(None),
            Some(Err(error)) => {
                let failed = FlightError::Tonic(Box::new(status::of_run(&error)));
                return Poll::Ready(Some(Err(failed)));
            }
            Some(Ok(batch)) => batch,
        };
        let packed = packed(&batch, self.columns.as_deref(), &self.schema);
        Poll::Ready(Some(packed.map_err(FlightError::Arrow)))
    }
}

impl Drop for RunStream {
    fn drop(&mut self) {
        if let Some((reader, place)) = self.run.take() {
            reader.running().cancel();
            // To drop a reader waits until its package has stopped: not on a thread that serves others.
            let dropping = move || {
                drop(reader);
                drop(place);
            };
            // Without a thread the closure is dropped here, which does the same.
            let _thread = std::thread::Builder::new()
                .name("end of a run".to_owned())
                .spawn(dropping);
        }
    }
}
