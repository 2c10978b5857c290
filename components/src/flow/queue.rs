//! The bounded queues between a router and the plans that read its outputs.
//!
//! ```text
//!  router task p ──place──▶ queue (output o, partition p) ──take──▶ RouterOutputExec o, partition p
//!                           in memory: at most CAPACITY batches
//!                           beyond that: the task waits, or, when waiting could starve a sibling, the batch goes to disk
//! ```
//!
//! When the outputs of a router meet again downstream, the reader of one may depend on the reader of another. A full queue
//! then waits only while no reader of this router is waiting on an empty one: some reader can always go on, hence so
//! can the whole flow. Batches on disk keep their place in the queue.

use std::{
    collections::VecDeque,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use datafusion_common::{DataFusionError, Result, internal_err};
use datafusion_execution::{
    SendableRecordBatchStream,
    memory_pool::{MemoryConsumer, MemoryReservation},
    runtime_env::RuntimeEnv,
};
use datafusion_physical_plan::{
    metrics::{ExecutionPlanMetricsSet, SpillMetrics},
    spill::{SpillManager, spill_pool},
};
use futures::{StreamExt, ready};
use parking_lot::Mutex;

/// Batches in memory per queue: one being read, one ready.
const CAPACITY: usize = 2;

/// A new spill file is begun after this many bytes, so that what was read can be deleted.
const SPILL_FILE_BYTES_MAX: usize = 64 << 20;

enum Item {
    Batch(RecordBatch, usize),
    Spilled,
    Failed(DataFusionError),
}

#[derive(Default)]
struct Queue {
    items: VecDeque<Item>,
    in_memory: usize,
    /// The router task is done.
    finished: bool,
    /// The reader is gone: batches for it are discarded.
    abandoned: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
    spill_writer: Option<spill_pool::SpillPoolSink>,
}

impl Queue {
    fn starving(&self) -> bool {
        self.reader.is_some() && self.items.is_empty() && !self.finished
    }
}

/// All queues of one router: `outputs x partitions`.
pub(super) struct Queues {
    state: Mutex<Vec<Queue>>,
    outputs: usize,
    /// Outputs meet again downstream: a full queue must not wait for ever.
    may_spill: bool,
    reservation: MemoryReservation,
    /// The reading ends of the spill files, until their queue is opened.
    spilled: Mutex<Vec<Option<SendableRecordBatchStream>>>,
}

impl std::fmt::Debug for Queues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queues")
            .field("outputs", &self.outputs)
            .field("may_spill", &self.may_spill)
            .finish()
    }
}

impl Queues {
    pub(super) fn new(
        name: &str,
        schemas: &[SchemaRef],
        partitions: usize,
        may_spill: bool,
        env: &Arc<RuntimeEnv>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> Self {
        let mut queues = Vec::with_capacity(schemas.len() * partitions);
        let mut spilled = Vec::with_capacity(schemas.len() * partitions);
        for partition in 0..partitions {
            for schema in schemas {
                let metrics = SpillMetrics::new(metrics, partition);
                let manager = SpillManager::new(Arc::clone(env), metrics, Arc::clone(schema));
                let (writer, reader) =
                    spill_pool::spsc_channel(SPILL_FILE_BYTES_MAX, Arc::new(manager));
                queues.push(Queue {
                    spill_writer: Some(writer),
                    ..Queue::default()
                });
                spilled.push(Some(reader));
            }
        }
        Self {
            state: Mutex::new(queues),
            outputs: schemas.len(),
            may_spill,
            reservation: MemoryConsumer::new(format!("queues of {name}"))
                .with_can_spill(true)
                .register(&env.memory_pool),
            spilled: Mutex::new(spilled),
        }
    }

    /// The reading end of a queue; each can be taken once.
    pub(super) fn reader(self: &Arc<Self>, output: usize, partition: usize) -> Result<QueueReader> {
        let index = self.index(output, partition);
        match self.spilled.lock().get_mut(index).and_then(Option::take) {
            Some(spilled) => Ok(QueueReader {
                queues: Arc::clone(self),
                index,
                spilled,
                reading_spilled: false,
            }),
            None => internal_err!("output {output}, partition {partition} was opened twice"),
        }
    }

    fn index(&self, output: usize, partition: usize) -> usize {
        partition * self.outputs + output
    }

    /// Places as many of a round's batches as fit; ready when all are placed. `pending[o]` is the batch for output `o`.
    pub(super) fn poll_place(
        &self,
        context: &mut Context<'_>,
        partition: usize,
        pending: &mut [Option<RecordBatch>],
    ) -> Poll<Result<()>> {
        let mut waiting = false;
        for (output, slot) in pending.iter_mut().enumerate() {
            let Some(batch) = slot.take() else { continue };
            let bytes = batch.get_array_memory_size();
            let mut queues = self.state.lock();
            let starving = self.may_spill && queues.iter().any(Queue::starving);
            let index = self.index(output, partition);
            let queue = &mut queues[index];
            if queue.abandoned {
                continue;
            }
            // An empty queue always takes a batch: progress needs one in flight.
            let fits = queue.in_memory == 0
                || queue.in_memory < CAPACITY
                    && (!self.may_spill || self.reservation.try_grow(bytes).is_ok());
            if fits || batch.num_rows() == 0 {
                let reserved = if queue.in_memory > 0 && self.may_spill && batch.num_rows() > 0 {
                    bytes
                } else {
                    0
                };
                queue.in_memory += 1;
                queue.items.push_back(Item::Batch(batch, reserved));
                wake(&mut queue.reader);
            } else if starving {
                drop(queues);
                self.spill(index, &batch)?;
            } else {
                queue.writer = Some(context.waker().clone());
                *slot = Some(batch);
                waiting = true;
            }
        }
        if waiting {
            Poll::Pending
        } else {
            Poll::Ready(Ok(()))
        }
    }

    fn spill(&self, index: usize, batch: &RecordBatch) -> Result<()> {
        let writer = self.state.lock()[index].spill_writer.take();
        let Some(writer) = writer else {
            return internal_err!("queue {index} is written by two tasks");
        };
        writer.push_batch(batch)?;
        let mut queues = self.state.lock();
        let queue = &mut queues[index];
        queue.spill_writer = Some(writer);
        queue.items.push_back(Item::Spilled);
        wake(&mut queue.reader);
        Ok(())
    }

    /// The task of a partition is done: its queues end after what they hold.
    pub(super) fn finish(&self, partition: usize, failure: Option<DataFusionError>) {
        let failure = failure.map(Arc::new);
        let mut queues = self.state.lock();
        for output in 0..self.outputs {
            let index = self.index(output, partition);
            let queue = &mut queues[index];
            if let Some(failure) = &failure {
                queue
                    .items
                    .push_back(Item::Failed(DataFusionError::Shared(Arc::clone(failure))));
            }
            queue.finished = true;
            queue.spill_writer = None;
            wake(&mut queue.reader);
        }
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

/// The reading end of one queue.
pub(super) struct QueueReader {
    queues: Arc<Queues>,
    index: usize,
    spilled: SendableRecordBatchStream,
    reading_spilled: bool,
}

impl QueueReader {
    pub(super) fn poll_next(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<RecordBatch>>> {
        if self.reading_spilled {
            let batch = ready!(self.spilled.poll_next_unpin(context));
            self.reading_spilled = false;
            return Poll::Ready(Some(batch.unwrap_or_else(|| {
                Err(DataFusionError::Internal(
                    "a spilled batch is missing from its file".into(),
                ))
            })));
        }
        let mut queues = self.queues.state.lock();
        let queue = &mut queues[self.index];
        match queue.items.pop_front() {
            Some(Item::Batch(batch, reserved)) => {
                queue.in_memory -= 1;
                wake(&mut queue.writer);
                self.queues.reservation.shrink(reserved);
                Poll::Ready(Some(Ok(batch)))
            }
            Some(Item::Failed(error)) => Poll::Ready(Some(Err(error))),
            Some(Item::Spilled) => {
                drop(queues);
                self.reading_spilled = true;
                self.poll_next(context)
            }
            None if queue.finished => Poll::Ready(None),
            None => {
                queue.reader = Some(context.waker().clone());
                // This reader starves now: writers that wait on full siblings must look again.
                if self.queues.may_spill {
                    for sibling in queues.iter_mut() {
                        wake(&mut sibling.writer);
                    }
                }
                Poll::Pending
            }
        }
    }
}

impl Drop for QueueReader {
    fn drop(&mut self) {
        let mut queues = self.queues.state.lock();
        let queue = &mut queues[self.index];
        queue.abandoned = true;
        queue.reader = None;
        let reserved: usize = queue
            .items
            .drain(..)
            .map(|item| {
                if let Item::Batch(_, bytes) = item {
                    bytes
                } else {
                    0
                }
            })
            .sum();
        wake(&mut queue.writer);
        self.queues.reservation.shrink(reserved);
    }
}
