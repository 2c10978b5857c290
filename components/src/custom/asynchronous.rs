//! An asynchronous component: its code runs on a thread of its own, batches come and go through queues with an end.
//!
//! ```text
//!  input 1, then input 2 ──task──▶ [ 2 batches ] ──▶ blocking thread: Process ──▶ [ 2 batches ] ──▶ stream of the output
//! ```
//!
//! Dropping the stream ends the task, and the thread at its next batch.

use std::{fmt, sync::Arc, time::Instant};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use datafusion_common::{Result, internal_err, tree_node::TreeNodeRecursion};
use datafusion_common_runtime::SpawnedTask;
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion_physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties,
    execution_plan::{Boundedness, EmissionType},
    metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet, RecordOutput},
    stream::RecordBatchStreamAdapter,
};
use fletching_custom::{Asynchronous, CustomError, Process};
use futures::{StreamExt, stream};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::{Owner, conform, reject_errors, selected, source::sole_output};
use crate::{
    Accounting, Binding, Component, Findings, PlanContext, Planned,
    flow::{FlowError, gather, project},
};

/// Batches that wait at each end.
const CAPACITY: usize = 2;

#[derive(Debug)]
pub(super) struct AsynchronousComponent {
    owner: Owner,
    inner: Arc<dyn Asynchronous>,
    /// Selected columns of each attached input.
    columns: Vec<Vec<(usize, String)>>,
    schema: SchemaRef,
}

impl AsynchronousComponent {
    pub(super) fn read(
        owner: Owner,
        inner: Box<dyn Asynchronous>,
        binding: &Binding<'_>,
        findings: &mut Findings,
    ) -> Option<Box<dyn Component>> {
        reject_errors(binding, "an asynchronous component of one's own", findings);
        let output = sole_output(binding, findings)?;
        if output != 0 {
            findings.push(binding.unsupported("its first output is an error output: put it last"));
        }
        if binding.outputs[output].passed_through > 0 {
            findings.push(binding.finding(format!(
                "its class makes rows of its own, but output `{}` passes on the rows of an input (synchronousInputId)",
                binding.outputs[output].name
            )));
        }
        let attached = (0..binding.inputs.len()).filter(|at| binding.inputs[*at].is_some());
        let columns: Vec<_> = attached.map(|at| selected(binding, at)).collect();
        if columns.is_empty() {
            findings.push(binding.finding("no path arrives at any of its inputs"));
        }
        Some(Box::new(Self {
            owner,
            inner: Arc::from(inner),
            columns,
            schema: binding.outputs[output].schema(),
        }))
    }
}

impl Component for AsynchronousComponent {
    fn plan(&self, inputs: Vec<Arc<dyn ExecutionPlan>>, context: &PlanContext) -> Result<Planned> {
        let inputs = inputs.into_iter().zip(&self.columns);
        let inputs = inputs.map(|(input, columns)| gather(project(input, columns)?));
        let plan = ProcessExec::new(
            inputs.collect::<Result<_>>()?,
            Arc::new(Running {
                owner: self.owner.clone(),
                inner: Arc::clone(&self.inner),
                schema: Arc::clone(&self.schema),
                most: context.batch_size.max(1),
            }),
        );
        Ok(Planned::Plan {
            plan: Arc::new(plan),
            accounting: Accounting::Combining,
        })
    }
}

#[derive(Debug)]
struct Running {
    owner: Owner,
    inner: Arc<dyn Asynchronous>,
    schema: SchemaRef,
    /// Rows of a batch that goes on.
    most: usize,
}

/// What the thread waits for.
enum Arriving {
    Batch(usize, RecordBatch),
    /// All inputs have ended.
    End,
}

type Made = Result<Option<RecordBatch>, FlowError>;

impl Running {
    /// Runs the code of the component until its inputs have ended. Blocks.
    fn run(&self, arriving: Receiver<Arriving>, made: &Sender<Made>, metrics: &BaselineMetrics) {
        let outcome = self.process(arriving, made, metrics);
        let last = match outcome {
            Ok(true) => Ok(None),
            // Whoever would listen is gone.
            Ok(false) => return,
            Err(error) => Err(error),
        };
        drop(made.blocking_send(last));
    }

    /// Whether it came to its end.
    fn process(
        &self,
        mut arriving: Receiver<Arriving>,
        made: &Sender<Made>,
        metrics: &BaselineMetrics,
    ) -> Result<bool, FlowError> {
        let mut process = Guarded(Some(
            self.timed(metrics, "cannot start", || self.inner.start())?,
        ));
        loop {
            let Some(next) = arriving.blocking_recv() else {
                return Ok(false);
            };
            let is_end = matches!(next, Arriving::End);
            let batches = self.timed(metrics, "failed", || {
                let process = process.0.as_mut().ok_or_else(gone)?;
                match &next {
                    Arriving::Batch(input, batch) => process.push(*input, batch),
                    Arriving::End => process.finish(),
                }
            })?;
            for batch in batches {
                let batch = conform::batch(&self.owner, &batch, &self.schema)?;
                for from in (0..batch.num_rows()).step_by(self.most) {
                    let rows = self.most.min(batch.num_rows() - from);
                    if made
                        .blocking_send(Ok(Some(batch.slice(from, rows))))
                        .is_err()
                    {
                        return Ok(false);
                    }
                }
            }
            if is_end {
                return Ok(true);
            }
        }
    }

    fn timed<T>(
        &self,
        metrics: &BaselineMetrics,
        doing: &str,
        work: impl FnOnce() -> Result<T, CustomError>,
    ) -> Result<T, FlowError> {
        let started = Instant::now();
        let result = self.owner.call(doing, work);
        metrics.elapsed_compute().add_elapsed(started);
        result
    }
}

fn gone() -> CustomError {
    CustomError::new("it has ended")
}

/// A process whose end may panic without harm.
struct Guarded(Option<Box<dyn Process>>);

impl Drop for Guarded {
    fn drop(&mut self) {
        let process = self.0.take();
        // What it had to say was said: its end changes nothing.
        drop(fletching_custom::guarded(|| {
            drop(process);
            Ok(())
        }));
    }
}

/// Runs an asynchronous component.
#[derive(Debug)]
struct ProcessExec {
    inputs: Vec<Arc<dyn ExecutionPlan>>,
    running: Arc<Running>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl ProcessExec {
    /// Each input has one partition.
    fn new(inputs: Vec<Arc<dyn ExecutionPlan>>, running: Arc<Running>) -> Self {
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&running.schema)),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        ));
        Self {
            inputs,
            running,
            properties,
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }
}

impl DisplayAs for ProcessExec {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let owner = &self.running.owner;
        write!(f, "CustomProcessExec: [{}] {}", owner.path, owner.class)
    }
}

impl ExecutionPlan for ProcessExec {
    fn name(&self) -> &str {
        "CustomProcessExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.inputs.iter().collect()
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
        if children.len() != self.inputs.len() {
            return internal_err!("a custom component keeps its inputs");
        }
        Ok(Arc::new(Self::new(children, Arc::clone(&self.running))))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let inputs = self.inputs.iter();
        let inputs = inputs.map(|input| input.execute(0, Arc::clone(&context)));
        let inputs = inputs.collect::<Result<Vec<_>>>()?;
        let (arrives, arriving) = channel(CAPACITY);
        let (makes, made) = channel::<Made>(CAPACITY);
        let feeding = SpawnedTask::spawn(feed(inputs, arrives));
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let (running, timed) = (Arc::clone(&self.running), metrics.clone());
        let thread = SpawnedTask::spawn_blocking(move || running.run(arriving, &makes, &timed));
        let stream = stream::unfold(
            (made, Some(feeding), thread, metrics),
            |(mut made, mut feeding, thread, metrics)| async move {
                let batch = match made.recv().await {
                    Some(Ok(Some(batch))) => Ok(batch.record_output(&metrics)),
                    Some(Ok(None)) => return None,
                    Some(Err(error)) => {
                        feeding = None;
                        Err(error.into())
                    }
                    // The thread had nothing more to read: an input failed.
                    None => match feeding.take()?.join().await {
                        Ok(Err(error)) => Err(error),
                        Ok(Ok(())) => internal_err!("a custom component ended before its last row"),
                        Err(error) => internal_err!("the inputs of a custom component: {error}"),
                    },
                };
                Some((batch, (made, feeding, thread, metrics)))
            },
        );
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.running.schema),
            stream,
        )))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

/// All of the first input, then all of the second.
async fn feed(inputs: Vec<SendableRecordBatchStream>, arrives: Sender<Arriving>) -> Result<()> {
    for (at, mut input) in inputs.into_iter().enumerate() {
        while let Some(batch) = input.next().await {
            let batch = batch?;
            if batch.num_rows() > 0 && arrives.send(Arriving::Batch(at, batch)).await.is_err() {
                return Ok(());
            }
        }
    }
    // An error: the thread is gone, and has said why.
    drop(arrives.send(Arriving::End).await);
    Ok(())
}
