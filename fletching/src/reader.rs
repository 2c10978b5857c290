//! The rows of a DataReader destination for a program: while the package runs, with or without async.
//!
//! ```text
//!  Package::reader ──▶ Reader ─┬─ Iterator, RecordBatchReader: blocks until the next batch is there
//!                              └─ Stream: the same, awaited
//! ```

use std::{
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};

use arrow::{
    array::{RecordBatch, RecordBatchReader},
    datatypes::SchemaRef,
    error::ArrowError,
};
use fletching_engine::{Progress, ReaderBatches, RunError, Settings};
use futures::{Stream, StreamExt};

use crate::{Execution, Package, Running};

/// The rows of one DataReader destination. A slow reader holds the package back (`ReadTimeout` says how long); one that is
/// dropped before the end cancels it. A failure of the package, however late, is the last item, so that no failed run looks
/// like a short success.
#[derive(Debug)]
pub struct Reader {
    rows: ReaderBatches,
    running: Running,
    ended: bool,
}

/// Why no reader could be opened.
#[derive(Debug, thiserror::Error)]
pub enum ReaderError {
    /// The package does not run as it is set up, or has no such destination.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Its threads could not be started.
    #[error("the threads of the run could not be started: {0}")]
    Threads(#[from] std::io::Error),
}

impl Package {
    /// Runs the package in the background and reads the DataReader destination of this name.
    ///
    /// # Errors
    /// Those of [`Package::prepare`] and of [`Execution::reader`].
    pub fn reader(&self, name: &str, settings: Settings) -> Result<Reader, ReaderError> {
        let mut readers = self.readers(&[name], settings)?;
        // One was asked for.
        readers.pop().ok_or(ReaderError::Run(RunError::Cancelled))
    }

    /// Runs the package once and reads several of its DataReader destinations. Read them at the same time: one that nobody
    /// reads holds the others back.
    ///
    /// # Errors
    /// As [`Package::reader`].
    pub fn readers(&self, names: &[&str], settings: Settings) -> Result<Vec<Reader>, ReaderError> {
        let prepared = self.prepare(settings)?;
        let mut execution = Execution::new(prepared, Progress::default());
        let mut rows = Vec::with_capacity(names.len());
        for name in names {
            let (attached, batches) = execution.reader(name)?;
            execution = attached;
            rows.push(batches);
        }
        Ok(Reader::start(execution, rows)?)
    }
}

impl Reader {
    /// Starts a run whose rows are these.
    pub fn start(execution: Execution, rows: Vec<ReaderBatches>) -> std::io::Result<Vec<Self>> {
        let running = execution.start()?;
        let readers = rows.into_iter().map(|rows| Self {
            rows,
            running: running.clone(),
            ended: false,
        });
        Ok(readers.collect())
    }

    /// The schema of every batch; known before the first row.
    pub fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }

    /// The run that makes the rows.
    pub fn running(&self) -> &Running {
        &self.running
    }

    /// The next batch; waits for it.
    pub fn next_batch(&mut self) -> Option<Result<RecordBatch, RunError>> {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut context = Context::from_waker(&waker);
        loop {
            match self.poll_next_unpin(&mut context) {
                Poll::Ready(next) => return next,
                Poll::Pending => thread::park(),
            }
        }
    }

    /// The next batch, waited for at most so long: [`Poll::Pending`] if it is not there then. For callers that have to look
    /// after something else while they wait.
    pub fn next_batch_within(
        &mut self,
        most: Duration,
    ) -> Poll<Option<Result<RecordBatch, RunError>>> {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut context = Context::from_waker(&waker);
        let until = Instant::now() + most;
        loop {
            let next = self.poll_next_unpin(&mut context);
            let left = until.saturating_duration_since(Instant::now());
            if next.is_ready() || left.is_zero() {
                return next;
            }
            thread::park_timeout(left);
        }
    }
}

/// Wakes the thread that waits.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

impl Stream for Reader {
    type Item = Result<RecordBatch, RunError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = pin!(&mut self.rows).poll_next(context);
        if let Poll::Ready(None | Some(Err(_))) = next {
            self.ended = true;
        }
        next
    }
}

impl Iterator for Reader {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_batch()?;
        Some(next.map_err(|error| ArrowError::ExternalError(Box::new(error))))
    }
}

impl RecordBatchReader for Reader {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if !self.ended {
            self.running.cancel();
        }
    }
}
