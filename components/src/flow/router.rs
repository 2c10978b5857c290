//! Runs a row-wise component once and feeds several connected outputs.
//!
//! A component may have several outputs, a DataFusion plan has one: each output becomes a leaf, [`RouterOutputExec`],
//! that reads that output's queues.
//!
//! ```text
//!               partition p:  input ──▶ RowWise::apply ──▶ settle ═╦═▶ queue (0, p) ──▶ RouterOutputExec 0
//!   one task per partition                                         ╚═▶ queue (1, p) ──▶ RouterOutputExec 1
//! ```
//!
//! The tasks start when the first output is opened and stop when the router and all its outputs are dropped. A router
//! belongs to one run.

use std::{fmt, sync::Arc, time::Instant};

use arrow::datatypes::SchemaRef;
use datafusion_common::{Result, internal_err, tree_node::TreeNodeRecursion};
use datafusion_common_runtime::SpawnedTask;
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion_physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
    metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet, RecordOutput},
    stream::RecordBatchStreamAdapter,
};
use futures::{StreamExt, future::poll_fn, stream};
use parking_lot::Mutex;

use super::{
    RowWise, Tally,
    queue::{QueueReader, Queues},
    settle,
};

/// One row-wise component with several connected outputs, in one run.
#[derive(Debug)]
pub struct Router {
    input: Arc<dyn ExecutionPlan>,
    operator: Arc<dyn RowWise>,
    may_spill: bool,
    tally: Arc<Tally>,
    metrics: ExecutionPlanMetricsSet,
    running: Mutex<Option<Running>>,
}

#[derive(Debug)]
struct Running {
    queues: Arc<Queues>,
    _tasks: Vec<SpawnedTask<()>>,
}

impl Router {
    /// `may_spill`: the outputs meet again downstream (or depend on each other through other routers).
    pub fn new(
        input: Arc<dyn ExecutionPlan>,
        operator: Arc<dyn RowWise>,
        may_spill: bool,
        tally: Arc<Tally>,
    ) -> Self {
        let metrics = ExecutionPlanMetricsSet::new();
        Self {
            input,
            operator,
            may_spill,
            tally,
            metrics,
            running: Mutex::new(None),
        }
    }

    /// The plan that feeds it, for EXPLAIN.
    pub fn input(&self) -> &Arc<dyn ExecutionPlan> {
        &self.input
    }

    pub fn metrics(&self) -> MetricsSet {
        self.metrics.clone_inner()
    }

    fn partitions(&self) -> usize {
        self.input.output_partitioning().partition_count()
    }

    /// Opens the queue of one output and partition; the first call starts the tasks.
    fn open(
        self: &Arc<Self>,
        output: usize,
        partition: usize,
        context: &Arc<TaskContext>,
    ) -> Result<QueueReader> {
        let mut running = self.running.lock();
        if running.is_none() {
            *running = Some(self.start(context)?);
        }
        match running.as_ref() {
            Some(running) => running.queues.reader(output, partition),
            None => internal_err!("router of {} did not start", self.operator.path()),
        }
    }

    fn start(&self, context: &Arc<TaskContext>) -> Result<Running> {
        let specs = self.operator.outputs();
        let schemas: Vec<SchemaRef> = specs.iter().map(|spec| Arc::clone(&spec.schema)).collect();
        let queues = Queues::new(
            self.operator.path(),
            &schemas,
            self.partitions(),
            self.may_spill,
            &context.runtime_env(),
            &self.metrics,
        );
        let queues = Arc::new(queues);
        let tasks = (0..self.partitions())
            .map(|partition| {
                let input = self.input.execute(partition, Arc::clone(context))?;
                let task = PartitionTask {
                    operator: Arc::clone(&self.operator),
                    tally: Arc::clone(&self.tally),
                    queues: Arc::clone(&queues),
                    metrics: BaselineMetrics::new(&self.metrics, partition),
                    partition,
                };
                Ok(SpawnedTask::spawn(task.run(input)))
            })
            .collect::<Result<_>>()?;
        Ok(Running {
            queues,
            _tasks: tasks,
        })
    }
}

struct PartitionTask {
    operator: Arc<dyn RowWise>,
    tally: Arc<Tally>,
    queues: Arc<Queues>,
    metrics: BaselineMetrics,
    partition: usize,
}

impl PartitionTask {
    /// Reads one partition to its end; whatever ends it reaches every reader.
    async fn run(self, input: SendableRecordBatchStream) {
        let guard = FinishOnDrop {
            queues: Arc::clone(&self.queues),
            partition: self.partition,
            done: false,
        };
        let outcome = self.feed(input).await;
        guard.finish(outcome.err());
    }

    async fn feed(&self, mut input: SendableRecordBatchStream) -> Result<()> {
        while let Some(batch) = input.next().await {
            let batch = batch?;
            let started = Instant::now();
            let mut pending = settle(self.operator.as_ref(), &batch, &self.tally)?;
            drop(batch);
            self.metrics
                .elapsed_compute()
                .add_duration(started.elapsed());
            self.tally.add_elapsed(started.elapsed());
            for batch in pending.iter().flatten() {
                batch.record_output(&self.metrics);
            }
            poll_fn(|context| {
                self.queues
                    .poll_place(context, self.partition, &mut pending)
            })
            .await?;
        }
        Ok(())
    }
}

/// Ends the queues also when the task panics or is aborted.
struct FinishOnDrop {
    queues: Arc<Queues>,
    partition: usize,
    done: bool,
}

impl FinishOnDrop {
    fn finish(mut self, failure: Option<datafusion_common::DataFusionError>) {
        self.done = true;
        self.queues.finish(self.partition, failure);
    }
}

impl Drop for FinishOnDrop {
    fn drop(&mut self) {
        if !self.done {
            let failure =
                datafusion_common::DataFusionError::Execution("a router task ended early".into());
            self.queues.finish(self.partition, Some(failure));
        }
    }
}

/// The leaf that reads one output of a [`Router`].
#[derive(Debug)]
pub struct RouterOutputExec {
    router: Arc<Router>,
    output: usize,
    name: String,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl RouterOutputExec {
    pub fn try_new(router: Arc<Router>, output: usize) -> Result<Self> {
        let Some(spec) = router.operator.outputs().get(output) else {
            return internal_err!("{} has no output {output}", router.operator.path());
        };
        let (name, schema) = (spec.name.clone(), Arc::clone(&spec.schema));
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            router.input.output_partitioning().clone(),
            router.input.pipeline_behavior(),
            router.input.boundedness(),
        ));
        Ok(Self {
            router,
            output,
            name,
            schema,
            properties,
            metrics: ExecutionPlanMetricsSet::new(),
        })
    }

    pub fn router(&self) -> &Arc<Router> {
        &self.router
    }
}

impl DisplayAs for RouterOutputExec {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operator = &self.router.operator;
        write!(
            f,
            "RouterOutputExec: {} [{}] output `{}`",
            operator.name(),
            operator.path(),
            self.name
        )?;
        if self.router.may_spill {
            write!(f, ", may spill")
        } else {
            Ok(())
        }
    }
}

impl DisplayAs for Router {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Router: {} [{}] {}",
            self.operator.name(),
            self.operator.path(),
            self.operator.details()
        )
    }
}

impl ExecutionPlan for RouterOutputExec {
    fn name(&self) -> &str {
        "RouterOutputExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    /// A leaf: the router runs once for all its outputs.
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
            internal_err!("RouterOutputExec is a leaf")
        }
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let reader = self.router.open(self.output, partition, &context)?;
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        // The stream keeps the router, and with it the tasks, alive.
        let router = Arc::clone(&self.router);
        let batches = stream::unfold(
            (reader, router, metrics),
            |(mut reader, router, metrics)| async move {
                let batch = poll_fn(|context| reader.poll_next(context)).await?;
                if let Ok(batch) = &batch {
                    batch.record_output(&metrics);
                }
                Some((batch, (reader, router, metrics)))
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
