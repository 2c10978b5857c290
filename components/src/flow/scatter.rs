//! Deals the batches of one partition out to several, in turn.
//!
//! ```text
//!                          ╔═▶ [ 2 batches ] ──▶ partition 0:  0  3  6
//!  0 1 2 3 4 5 6 7 ──task──╬═▶ [ 2 batches ] ──▶ partition 1:  1  4  7
//!                          ╚═▶ [ 2 batches ] ──▶ partition 2:  2  5
//! ```
//!
//! **Contract.** The queues are bounded and the order is fixed: when the queue of one partition is full, the others get
//! nothing more until it is read. All partitions must therefore be opened, and read in turn or at the same time, as a
//! [gather](super::GatherExec) does. A partition that is dropped gives up its batches; the others go on.
//!
//! An error reaches every partition, first the one whose turn it is: whoever reads, nobody takes it for an end.

use std::{
    fmt,
    sync::{Arc, Weak},
};

use datafusion_common::{DataFusionError, Result, internal_err, tree_node::TreeNodeRecursion};
use datafusion_common_runtime::SpawnedTask;
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion_physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
    execution_plan::CardinalityEffect,
    metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet},
};
use futures::stream;
use parking_lot::Mutex;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::gather::{BATCHES_AHEAD, Handed, counted, next_caught, receive, require_runtime};

/// One partition in, P out: batch `k` goes to partition `k mod P`.
///
/// The first partition that is opened in a task context starts the task; each partition can be opened once in it. Opening
/// one again starts a new run of the input.
#[derive(Debug)]
pub struct ScatterExec {
    input: Arc<dyn ExecutionPlan>,
    partitions: usize,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
    runs: Mutex<Vec<Run>>,
}

/// One run whose partitions have not all been opened.
#[derive(Debug)]
struct Run {
    context: Weak<TaskContext>,
    unopened: Vec<Option<Receiver<Handed>>>,
    task: Arc<SpawnedTask<()>>,
}

impl ScatterExec {
    /// Fails for an input of several partitions, and for no partitions.
    pub fn try_new(input: Arc<dyn ExecutionPlan>, partitions: usize) -> Result<Self> {
        let found = input.output_partitioning().partition_count();
        if found != 1 || partitions == 0 {
            return internal_err!(
                "ScatterExec deals 1 partition out to 1 or more, not {found} to {partitions}"
            );
        }
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(input.schema()),
            Partitioning::UnknownPartitioning(partitions),
            input.pipeline_behavior(),
            input.boundedness(),
        ));
        let metrics = ExecutionPlanMetricsSet::new();
        Ok(Self {
            input,
            partitions,
            properties,
            metrics,
            runs: Mutex::new(Vec::new()),
        })
    }

    pub fn input(&self) -> &Arc<dyn ExecutionPlan> {
        &self.input
    }

    /// The queue of `partition`, in a run of this context in which it has not been opened.
    fn open(
        &self,
        partition: usize,
        context: &Arc<TaskContext>,
    ) -> Result<(Receiver<Handed>, Arc<SpawnedTask<()>>)> {
        let mut runs = self.runs.lock();
        let waiting = runs.iter_mut().position(|run| {
            std::ptr::eq(run.context.as_ptr(), Arc::as_ptr(context))
                && run.unopened.get(partition).is_some_and(Option::is_some)
        });
        let at = match waiting {
            Some(at) => at,
            None => {
                runs.push(self.start(context)?);
                runs.len() - 1
            }
        };
        let Some(batches) = runs[at].unopened.get_mut(partition).and_then(Option::take) else {
            return internal_err!(
                "ScatterExec has {} partitions, not a partition {partition}",
                self.partitions
            );
        };
        let task = Arc::clone(&runs[at].task);
        if runs[at].unopened.iter().all(Option::is_none) {
            runs.remove(at);
        }
        Ok((batches, task))
    }

    fn start(&self, context: &Arc<TaskContext>) -> Result<Run> {
        require_runtime(self.name())?;
        let input = self.input.execute(0, Arc::clone(context))?;
        let (senders, unopened) = (0..self.partitions)
            .map(|_| channel(BATCHES_AHEAD))
            .map(|(sender, receiver)| (sender, Some(receiver)))
            .unzip();
        let task = Arc::new(SpawnedTask::spawn(deal(input, senders)));
        Ok(Run {
            context: Arc::downgrade(context),
            unopened,
            task,
        })
    }
}

impl DisplayAs for ScatterExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match format {
            DisplayFormatType::Default | DisplayFormatType::Verbose => {
                write!(f, "ScatterExec: partitions={}", self.partitions)
            }
            DisplayFormatType::TreeRender => writeln!(f, "partitions={}", self.partitions),
        }
    }
}

impl ExecutionPlan for ScatterExec {
    fn name(&self) -> &str {
        "ScatterExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
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
            return internal_err!("ScatterExec takes one input");
        };
        Ok(Arc::new(Self::try_new(input, self.partitions)?))
    }

    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self::try_new(
            Arc::clone(&self.input),
            self.partitions,
        )?))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        if partition >= self.partitions {
            return internal_err!(
                "ScatterExec has {} partitions, not a partition {partition}",
                self.partitions
            );
        }
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let schema = self.input.schema();
        if self.partitions == 1 {
            let batches = self.input.execute(0, context)?;
            return Ok(counted(schema, batches, metrics));
        }
        let opened = self.open(partition, &context)?;
        // The task lives as long as one of its partitions does.
        let batches = stream::try_unfold(opened, |(mut batches, task)| async move {
            Ok(receive(&mut batches)
                .await?
                .map(|batch| (batch, (batches, task))))
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

/// Reads the input to its end, or until no partition is left to deal to.
async fn deal(mut input: SendableRecordBatchStream, senders: Vec<Sender<Handed>>) {
    let partitions = senders.len();
    for turn in (0..partitions).cycle() {
        let handed = next_caught(&mut input).await;
        if let Ok(Some(batch)) = handed {
            // A partition that nobody reads any more gives up its batches.
            if senders[turn].send(Ok(Some(batch))).await.is_err()
                && senders.iter().all(Sender::is_closed)
            {
                return;
            }
            continue;
        }
        let error = handed.err().map(Arc::new);
        let in_turn = senders.iter().cycle().skip(turn).take(partitions);
        // At the same time: a full queue must not keep the others from their end.
        futures::future::join_all(in_turn.map(|sender| {
            sender.send(match &error {
                Some(error) => Err(DataFusionError::Shared(Arc::clone(error))),
                None => Ok(None),
            })
        }))
        .await;
        return;
    }
}
