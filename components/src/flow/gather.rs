//! Brings the partitions of a flow together in source order.
//!
//! Batch `k` travels in partition `k mod P`, so taking one batch of each partition in turn is the source order:
//!
//! ```text
//!  partition 0:  0  3  6 ──task──▶ [ 2 batches ] ═╗
//!  partition 1:  1  4  7 ──task──▶ [ 2 batches ] ═╬═ one of each, in turn ═▶ 0 1 2 3 4 5 6 7
//!  partition 2:  2  5    ──task──▶ [ 2 batches ] ═╝
//!                                                      (partition 2 ends first: the others must end too)
//! ```
//!
//! Each partition runs in a task of its own, at most two batches ahead. An error surfaces when its partition's turn
//! comes, so that the first error in source order wins at any number of threads.

use std::{any::Any, fmt, panic::AssertUnwindSafe, sync::Arc};

use arrow::{datatypes::SchemaRef, record_batch::RecordBatch};
use datafusion_common::{
    DataFusionError, Result, exec_datafusion_err, internal_err, tree_node::TreeNodeRecursion,
};
use datafusion_common_runtime::SpawnedTask;
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion_physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
    execution_plan::CardinalityEffect,
    metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet, RecordOutput},
    stream::RecordBatchStreamAdapter,
};
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Batches that a partition may be ahead of its reader.
pub(super) const BATCHES_AHEAD: usize = 2;

/// What a task hands over: batches, then either an error or `Ok(None)`, the end. A channel that closes without one of
/// them lost its task.
pub(super) type Handed = Result<Option<RecordBatch>>;

/// P partitions in, one out, in source order. With one partition it passes the stream through.
///
/// Must be executed inside a tokio runtime. Dropping the stream stops the tasks.
#[derive(Debug)]
pub struct GatherExec {
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl GatherExec {
    /// Fails for an input without partitions.
    pub fn try_new(input: Arc<dyn ExecutionPlan>) -> Result<Self> {
        if input.output_partitioning().partition_count() == 0 {
            return internal_err!("GatherExec: its input `{}` has no partition", input.name());
        }
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(input.schema()),
            Partitioning::UnknownPartitioning(1),
            input.pipeline_behavior(),
            input.boundedness(),
        ));
        Ok(Self {
            input,
            properties,
            metrics: ExecutionPlanMetricsSet::new(),
        })
    }

    pub fn input(&self) -> &Arc<dyn ExecutionPlan> {
        &self.input
    }
}

impl DisplayAs for GatherExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let partitions = self.input.output_partitioning().partition_count();
        match format {
            DisplayFormatType::Default | DisplayFormatType::Verbose => {
                write!(f, "GatherExec: partitions={partitions}")
            }
            DisplayFormatType::TreeRender => writeln!(f, "partitions={partitions}"),
        }
    }
}

impl ExecutionPlan for GatherExec {
    fn name(&self) -> &str {
        "GatherExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
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
        let Ok([input]) = <[_; 1]>::try_from(children) else {
            return internal_err!("GatherExec takes one input");
        };
        Ok(Arc::new(Self::try_new(input)?))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        if partition != 0 {
            return internal_err!("GatherExec has one partition, not a partition {partition}");
        }
        let metrics = BaselineMetrics::new(&self.metrics, 0);
        let schema = self.input.schema();
        let partitions = self.input.output_partitioning().partition_count();
        if partitions == 1 {
            let batches = self.input.execute(0, context)?;
            return Ok(counted(schema, batches, metrics));
        }
        require_runtime(self.name())?;
        let inputs = (0..partitions)
            .map(|partition| self.input.execute(partition, Arc::clone(&context)))
            .collect::<Result<Vec<_>>>()?;
        let gathering = Gathering {
            lanes: inputs.into_iter().map(Lane::start).collect(),
            turn: 0,
        };
        let batches = stream::try_unfold(gathering, |mut gathering| async move {
            Ok(gathering.next().await?.map(|batch| (batch, gathering)))
        });
        Ok(counted(schema, batches, metrics))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::Equal
    }
}

/// One partition: its task and what it has handed over.
struct Lane {
    batches: Receiver<Handed>,
    _task: SpawnedTask<()>,
}

impl Lane {
    fn start(input: SendableRecordBatchStream) -> Self {
        let (sender, batches) = channel(BATCHES_AHEAD);
        Self {
            batches,
            _task: SpawnedTask::spawn(forward(input, sender)),
        }
    }
}

struct Gathering {
    lanes: Vec<Lane>,
    /// The partition that the next batch comes from.
    turn: usize,
}

impl Gathering {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        let turn = self.turn;
        let Some(lane) = self.lanes.get_mut(turn) else {
            return internal_err!("GatherExec: no partition {turn}");
        };
        if let Some(batch) = receive(&mut lane.batches).await? {
            self.turn = (turn + 1) % self.lanes.len();
            return Ok(Some(batch));
        }
        self.expect_all_ended(turn).await?;
        Ok(None)
    }

    /// The partition whose turn it is has ended: none may hold a batch that comes later.
    async fn expect_all_ended(&mut self, ended: usize) -> Result<()> {
        let (before, after) = self.lanes.split_at_mut(ended);
        for (distance, lane) in after.iter_mut().skip(1).chain(before).enumerate() {
            if let Some(batch) = receive(&mut lane.batches).await? {
                return internal_err!(
                    "GatherExec: partition {ended} ended while a partition {} turns later has another batch of {} rows; \
                     batch k must travel in partition k mod P",
                    distance + 1,
                    batch.num_rows()
                );
            }
        }
        Ok(())
    }
}

/// The next batch of a task, or `None` at its end.
pub(super) async fn receive(batches: &mut Receiver<Handed>) -> Handed {
    match batches.recv().await {
        Some(handed) => handed,
        None => internal_err!("the task of a partition stopped before its end"),
    }
}

/// Runs one partition to its end, its error, or its reader's disappearance.
async fn forward(mut input: SendableRecordBatchStream, sender: Sender<Handed>) {
    loop {
        let handed = next_caught(&mut input).await;
        let last = !matches!(handed, Ok(Some(_)));
        if sender.send(handed).await.is_err() || last {
            return;
        }
    }
}

/// The next batch; a panic on the way becomes an error.
pub(super) async fn next_caught(input: &mut SendableRecordBatchStream) -> Handed {
    AssertUnwindSafe(input.next())
        .catch_unwind()
        .await
        .unwrap_or_else(|panic| Some(Err(panic_error(panic.as_ref()))))
        .transpose()
}

fn panic_error(panic: &(dyn Any + Send)) -> DataFusionError {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("of unknown kind");
    exec_datafusion_err!(
        "a task of the data flow panicked: {text}; this is a defect of the engine, please report it"
    )
}

pub(super) fn require_runtime(operator: &str) -> Result<()> {
    match tokio::runtime::Handle::try_current() {
        Ok(_) => Ok(()),
        Err(error) => internal_err!("{operator} must be executed inside a tokio runtime: {error}"),
    }
}

/// `batches` as a stream that counts its rows.
pub(super) fn counted(
    schema: SchemaRef,
    batches: impl stream::Stream<Item = Result<RecordBatch>> + Send + 'static,
    metrics: BaselineMetrics,
) -> SendableRecordBatchStream {
    let batches = batches.map_ok(move |batch| batch.record_output(&metrics));
    Box::pin(RecordBatchStreamAdapter::new(schema, batches))
}

#[cfg(test)]
mod tests {
    use arrow::{
        array::{AsArray, Int64Array},
        datatypes::{DataType, Field, Int64Type, Schema},
    };

    use super::*;
    use crate::{
        flow::ScatterExec,
        transforms::given::{Given, collect, context, dealt, given},
    };

    fn schema() -> SchemaRef {
        Arc::new(Schema::new(vec![Field::new("k", DataType::Int64, true)]))
    }

    /// Batch `k` has `k mod 3` rows of value `k`.
    fn batch(k: usize) -> Given {
        let column = Int64Array::from(vec![k as i64; k % 3]);
        Given::Batch(RecordBatch::try_new(schema(), vec![Arc::new(column)]).unwrap())
    }

    fn rows(batches: &[RecordBatch]) -> Vec<Vec<i64>> {
        batches
            .iter()
            .map(|batch| {
                batch
                    .column(0)
                    .as_primitive::<Int64Type>()
                    .values()
                    .to_vec()
            })
            .collect()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn the_order_is_that_of_the_source_at_any_number_of_partitions() {
        for count in [0, 1, 2, 6, 7, 8, 50] {
            let source: Vec<Given> = (0..count).map(batch).collect();
            let expected: Vec<Vec<i64>> = (0..count).map(|k| vec![k as i64; k % 3]).collect();
            for partitions in [1, 2, 7] {
                let plan =
                    GatherExec::try_new(dealt(&schema(), source.clone(), partitions)).unwrap();
                let batches = collect(&plan, 0, &context(8192, None)).await.unwrap();
                assert_eq!(
                    rows(&batches),
                    expected,
                    "{count} batches, {partitions} partitions"
                );

                let scatter = ScatterExec::try_new(Arc::new(plan), partitions).unwrap();
                let plan = GatherExec::try_new(Arc::new(scatter)).unwrap();
                let context = context(8192, None);
                for run in 0..2 {
                    let batches = collect(&plan, 0, &context).await.unwrap();
                    assert_eq!(
                        rows(&batches),
                        expected,
                        "{count} batches, {partitions} partitions, run {run}"
                    );
                }
            }
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn the_first_error_in_source_order_wins() {
        let source = [
            batch(0),
            batch(1),
            batch(2),
            batch(3),
            Given::Error("fifth"),
            Given::Panic("sixth"),
        ];
        for partitions in [2, 3, 6] {
            let input = dealt(&schema(), source.to_vec(), partitions);
            let plan = GatherExec::try_new(input).unwrap();
            let outcome: Vec<_> = plan
                .execute(0, context(8192, None))
                .unwrap()
                .collect()
                .await;
            assert_eq!(outcome.len(), 5, "{partitions}");
            assert!(
                outcome[4]
                    .as_ref()
                    .unwrap_err()
                    .to_string()
                    .contains("fifth")
            );
        }
    }

    #[tokio::test]
    async fn a_panic_becomes_an_error() {
        let source = vec![batch(0), Given::Panic("out of cheese")];
        let plan = GatherExec::try_new(dealt(&schema(), source.clone(), 2)).unwrap();
        let error = collect(&plan, 0, &context(8192, None)).await.unwrap_err();
        assert!(
            error.to_string().contains("panicked: out of cheese"),
            "{error}"
        );

        let scatter = ScatterExec::try_new(dealt(&schema(), source, 1), 2).unwrap();
        let context = context(8192, None);
        let (first, second) = tokio::join!(
            collect(&scatter, 0, &context),
            collect(&scatter, 1, &context)
        );
        for outcome in [first, second] {
            assert!(
                outcome
                    .unwrap_err()
                    .to_string()
                    .contains("panicked: out of cheese")
            );
        }
    }

    #[tokio::test]
    async fn a_batch_after_the_end_of_another_partition_is_an_error() {
        let input = given(&schema(), vec![vec![batch(0)], vec![batch(1), batch(3)]]);
        let plan = GatherExec::try_new(input).unwrap();
        let error = collect(&plan, 0, &context(8192, None)).await.unwrap_err();
        assert!(
            error
                .to_string()
                .contains("partition 0 ended while a partition 1 turns later"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_dropped_partition_does_not_stop_the_others() {
        let source: Vec<Given> = (0..40).map(batch).collect();
        let scatter = ScatterExec::try_new(dealt(&schema(), source, 1), 2).unwrap();
        let context = context(8192, None);
        drop(scatter.execute(0, Arc::clone(&context)).unwrap());
        let batches = collect(&scatter, 1, &context).await.unwrap();
        let expected: Vec<Vec<i64>> = (0..40)
            .skip(1)
            .step_by(2)
            .map(|k| vec![k as i64; k % 3])
            .collect();
        assert_eq!(rows(&batches), expected);
    }
}
