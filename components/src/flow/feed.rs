//! The leaf under every source: one sequential reader, its batches dealt to P partitions.
//!
//! ```text
//!  blocking thread: read ──▶ batch 0, 1, 2, 3, ... ═╦═▶ channel 0: 0, P, 2P, ...  ──▶ partition 0
//!                                                   ╚═▶ channel 1: 1, P+1, ...    ──▶ partition 1
//! ```
//!
//! Reading is cheap beside decoding, so one reader keeps up with many threads, and what it cuts does not depend on their
//! number. The channels are bounded: a slow flow holds the reader back. Each channel ends with a mark: one that closes
//! without it is an error, not a short file. A feed belongs to one run.

use std::{
    fmt,
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use datafusion_common::{DataFusionError, Result, internal_err, tree_node::TreeNodeRecursion};
use datafusion_common_runtime::SpawnedTask;
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion_physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties,
    execution_plan::{Boundedness, EmissionType},
    metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet, RecordOutput},
    stream::RecordBatchStreamAdapter,
};
use futures::stream;
use parking_lot::Mutex;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Batches waiting per partition.
const CAPACITY: usize = 2;

/// `None` is the mark behind the last batch.
type Item = Result<Option<RecordBatch>>;
type BatchReceiver = Receiver<Item>;

/// The batches of a source, in order. Made and pulled on a blocking thread.
pub type Batches = Box<dyn Iterator<Item = Result<RecordBatch>> + Send>;

/// Opens a source when the run starts.
pub type OpenBatches = Box<dyn FnOnce() -> Result<Batches> + Send>;

/// A source that hands over its batches itself, on a blocking thread, until the feed breaks or it ends.
pub type PushBatches = Box<
    dyn FnOnce(&Arc<TaskContext>, &mut dyn FnMut(RecordBatch) -> ControlFlow<()>) -> Result<()>
        + Send,
>;

/// Deals the batches of one reader to partitions.
pub struct FeedExec {
    /// Shown by EXPLAIN: what is read.
    details: String,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
    state: Mutex<State>,
    stop: Mutex<Option<Stop>>,
}

enum State {
    Closed(Option<PushBatches>),
    Open {
        receivers: Vec<Option<BatchReceiver>>,
        reader: Arc<Reader>,
    },
}

/// The reader's task. Whoever drops it last stops it.
struct Reader {
    _task: SpawnedTask<()>,
    stop: Option<Stop>,
    ended: Arc<AtomicBool>,
}

impl Drop for Reader {
    fn drop(&mut self) {
        // A blocking thread cannot be aborted: what it waits for must let go of it.
        if let (Some(stop), false) = (&self.stop, self.ended.load(Ordering::Acquire)) {
            stop();
        }
    }
}

/// Makes a reader that waits for something outside end soon.
pub type Stop = Box<dyn Fn() + Send + Sync>;

impl FeedExec {
    pub fn new(
        details: impl Into<String>,
        schema: SchemaRef,
        partitions: usize,
        open: OpenBatches,
    ) -> Self {
        let push: PushBatches = Box::new(move |_, hand| {
            for batch in open()? {
                if hand(batch?).is_break() {
                    break;
                }
            }
            Ok(())
        });
        Self::pushed(details, schema, partitions, push)
    }

    /// Of a source that hands over its batches itself.
    pub fn pushed(
        details: impl Into<String>,
        schema: SchemaRef,
        partitions: usize,
        push: PushBatches,
    ) -> Self {
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            Partitioning::UnknownPartitioning(partitions.max(1)),
            EmissionType::Incremental,
            Boundedness::Bounded,
        ));
        Self {
            details: details.into(),
            schema,
            properties,
            metrics: ExecutionPlanMetricsSet::new(),
            state: Mutex::new(State::Closed(Some(push))),
            stop: Mutex::new(None),
        }
    }

    /// What is called when nobody wants more and the reader has not ended.
    #[must_use]
    pub fn with_stop(self, stop: Stop) -> Self {
        *self.stop.lock() = Some(stop);
        self
    }

    /// The receiver of one partition, and the reader that its stream keeps alive.
    fn receiver(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<(BatchReceiver, Arc<Reader>)> {
        let mut state = self.state.lock();
        if let State::Closed(push) = &mut *state {
            let Some(push) = push.take() else {
                return internal_err!("a feed failed to start");
            };
            let partitions = self.properties.partitioning.partition_count();
            let (senders, receivers): (Vec<_>, Vec<_>) =
                (0..partitions).map(|_| channel(CAPACITY)).unzip();
            let ended = Arc::new(AtomicBool::new(false));
            let at_end = Arc::clone(&ended);
            let task = SpawnedTask::spawn_blocking(move || {
                deal(push, &context, &senders);
                at_end.store(true, Ordering::Release);
            });
            *state = State::Open {
                receivers: receivers.into_iter().map(Some).collect(),
                reader: Arc::new(Reader {
                    _task: task,
                    stop: self.stop.lock().take(),
                    ended,
                }),
            };
        }
        match &mut *state {
            State::Open { receivers, reader } => {
                match receivers.get_mut(partition).and_then(Option::take) {
                    Some(receiver) => Ok((receiver, Arc::clone(reader))),
                    None => internal_err!("partition {partition} of a feed was opened twice"),
                }
            }
            State::Closed(_) => internal_err!("a feed is closed"),
        }
    }
}

/// Reads to the end, or until nobody listens. An error before the first batch ends every partition, a later one that
/// whose turn it is; so the first error in source order is the one that a gather meets.
fn deal(push: PushBatches, context: &Arc<TaskContext>, senders: &[Sender<Item>]) {
    let mut next = 0;
    let mut gone = false;
    let pushed = push(context, &mut |batch| {
        gone = senders[next % senders.len()]
            .blocking_send(Ok(Some(batch)))
            .is_err();
        next += 1;
        match gone {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    });
    if gone {
        return;
    }
    // A partition that nobody reads needs no error, and no mark.
    if let Err(error) = pushed {
        let error = Arc::new(error);
        let shared = || Err(DataFusionError::Shared(Arc::clone(&error)));
        if next == 0 {
            senders
                .iter()
                .for_each(|sender| drop(sender.blocking_send(shared())));
            return;
        }
        drop(senders[next % senders.len()].blocking_send(shared()));
    }
    for sender in senders {
        drop(sender.blocking_send(Ok(None)));
    }
}

impl fmt::Debug for FeedExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FeedExec")
            .field("details", &self.details)
            .finish_non_exhaustive()
    }
}

impl DisplayAs for FeedExec {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "FeedExec: {}, partitions={}",
            self.details,
            self.properties.partitioning.partition_count()
        )
    }
}

impl ExecutionPlan for FeedExec {
    fn name(&self) -> &str {
        "FeedExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if children.is_empty() {
            Ok(self)
        } else {
            internal_err!("FeedExec is a leaf")
        }
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let (receiver, reader) = self.receiver(partition, context)?;
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let batches = stream::unfold(
            (receiver, reader, metrics, false),
            |(mut receiver, reader, metrics, mut reader_failed)| async move {
                let batch = match receiver.recv().await {
                    Some(Ok(Some(batch))) => Ok(batch.record_output(&metrics)),
                    Some(Ok(None)) => return None,
                    Some(Err(error)) => Err(error),
                    None if reader_failed => return None,
                    None => internal_err!("the reader of a source ended before its last row"),
                };
                reader_failed |= batch.is_err();
                Some((batch, (receiver, reader, metrics, reader_failed)))
            },
        );
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.schema),
            batches,
        )))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::Schema;
    use futures::TryStreamExt;

    use super::*;

    async fn read(partition: usize, batches: Vec<fn() -> Result<RecordBatch>>) -> Result<usize> {
        let open = || -> Result<Batches> { Ok(Box::new(batches.into_iter().map(|make| make()))) };
        let feed = FeedExec::new("test", Arc::new(Schema::empty()), 2, Box::new(open));
        let read = |at| {
            let stream = feed.execute(at, Arc::default()).unwrap();
            stream.try_collect::<Vec<_>>()
        };
        let (first, second) = tokio::join!(read(0), read(1));
        let batches = if partition == 0 { first } else { second }?;
        Ok(batches.len())
    }

    fn empty() -> Result<RecordBatch> {
        Ok(RecordBatch::new_empty(Arc::new(Schema::empty())))
    }

    #[tokio::test]
    async fn batches_are_dealt_and_then_end() {
        assert_eq!(read(0, vec![empty, empty, empty]).await.unwrap(), 2);
        assert_eq!(read(1, vec![empty, empty, empty]).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_reader_that_panics_is_an_error_in_each_partition() {
        for partition in [0, 1] {
            let error = read(partition, vec![empty, || panic!("a defect")]).await;
            assert!(
                error
                    .unwrap_err()
                    .to_string()
                    .contains("before its last row")
            );
        }
    }
}
