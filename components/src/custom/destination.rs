//! A destination: its code writes on a thread of its own, in source order, and commits when the whole data flow has
//! succeeded. A writer that is dropped before that undoes what it wrote.

use std::{fmt, sync::Arc};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use async_trait::async_trait;
use datafusion_common::{Result, exec_err};
use datafusion_common_runtime::SpawnedTask;
use datafusion_datasource::sink::{DataSink, DataSinkExec};
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan,
    metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet},
};
use fletching_custom::{Destination, Writer};
use futures::StreamExt;
use tokio::sync::mpsc::{Receiver, channel};

use super::{Owner, reject_errors, selected};
use crate::{
    Binding, Component, Findings, PlanContext, Planned,
    flow::{FlowError, RunState, blocking, gather, project},
    transforms::settings::sole_input,
};

/// Batches that wait for the writer.
const CAPACITY: usize = 2;

#[derive(Debug)]
pub(super) struct DestinationComponent {
    owner: Owner,
    inner: Arc<dyn Destination>,
    columns: Vec<(usize, String)>,
}

impl DestinationComponent {
    pub(super) fn read(
        owner: Owner,
        inner: Box<dyn Destination>,
        binding: &Binding<'_>,
        findings: &mut Findings,
    ) -> Option<Box<dyn Component>> {
        reject_errors(binding, "a destination of one's own", findings);
        let mut attached = (0..binding.inputs.len()).filter(|at| binding.inputs[*at].is_some());
        let Some(input) = attached.next() else {
            findings.push(binding.finding("no path arrives at its input"));
            return None;
        };
        if attached.next().is_some() {
            findings.push(binding.finding("paths arrive at several of its inputs, and it has one"));
        }
        Some(Box::new(Self {
            owner,
            inner: Arc::from(inner),
            columns: selected(binding, input),
        }))
    }
}

impl Component for DestinationComponent {
    fn plan(&self, inputs: Vec<Arc<dyn ExecutionPlan>>, context: &PlanContext) -> Result<Planned> {
        let input = sole_input(inputs, &self.owner.path)?;
        let input = gather(project(input, &self.columns)?)?;
        let sink = WriterSink {
            owner: self.owner.clone(),
            inner: Arc::clone(&self.inner),
            schema: input.schema(),
            run: Arc::clone(&context.run),
            metrics: ExecutionPlanMetricsSet::new(),
        };
        Ok(Planned::Sink(Arc::new(DataSinkExec::new(
            input,
            Arc::new(sink),
            None,
        ))))
    }
}

#[derive(Debug)]
struct WriterSink {
    owner: Owner,
    inner: Arc<dyn Destination>,
    schema: SchemaRef,
    run: Arc<RunState>,
    metrics: ExecutionPlanMetricsSet,
}

impl DisplayAs for WriterSink {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let owner = &self.owner;
        write!(f, "CustomDestination: [{}] {}", owner.path, owner.class)
    }
}

/// A writer whose end may panic without harm.
struct Guarded(Option<Box<dyn Writer>>);

impl Drop for Guarded {
    fn drop(&mut self) {
        let writer = self.0.take();
        // It is undone already, or cannot be: nobody is left to tell of a panic.
        drop(fletching_custom::guarded(|| {
            drop(writer);
            Ok(())
        }));
    }
}

impl Guarded {
    fn with<T>(
        &mut self,
        owner: &Owner,
        doing: &str,
        work: impl FnOnce(&mut dyn Writer) -> Result<T, fletching_custom::CustomError>,
    ) -> Result<T, FlowError> {
        let Some(writer) = self.0.as_deref_mut() else {
            return Err(owner.unfit("no writer"));
        };
        owner.call(doing, || work(writer))
    }
}

/// What the writer's thread waits for: batches, then the mark behind the last.
type Arriving = Option<RecordBatch>;

/// Opens a writer and writes until the mark; `None` if the flow ends without it. Blocks.
fn write(
    owner: &Owner,
    inner: &dyn Destination,
    mut arriving: Receiver<Arriving>,
    metrics: &BaselineMetrics,
) -> Result<Option<Guarded>, FlowError> {
    let mut writer = Guarded(Some(owner.call("cannot be opened", || inner.open())?));
    loop {
        match arriving.blocking_recv() {
            Some(Some(batch)) => {
                let _timer = metrics.elapsed_compute().timer();
                writer.with(owner, "cannot write", |writer| writer.write(&batch))?;
            }
            Some(None) => return Ok(Some(writer)),
            None => return Ok(None),
        }
    }
}

#[async_trait]
impl DataSink for WriterSink {
    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    async fn write_all(
        &self,
        mut data: SendableRecordBatchStream,
        _context: &Arc<TaskContext>,
    ) -> Result<u64> {
        let metrics = BaselineMetrics::new(&self.metrics, 0);
        let (arrives, arriving) = channel::<Arriving>(CAPACITY);
        let (owner, inner) = (self.owner.clone(), Arc::clone(&self.inner));
        let thread =
            SpawnedTask::spawn_blocking(move || write(&owner, &*inner, arriving, &metrics));
        let mut rows = 0;
        let mut failed = None;
        while let Some(batch) = data.next().await {
            let batch = match batch {
                Ok(batch) => batch,
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            };
            rows += batch.num_rows() as u64;
            // An error: the thread has ended, and says why.
            if batch.num_rows() > 0 && arrives.send(Some(batch)).await.is_err() {
                break;
            }
        }
        if failed.is_none() {
            drop(arrives.send(None).await);
        }
        drop(arrives);
        let written = match thread.join().await {
            Ok(written) => written,
            Err(error) => return exec_err!("{}: its thread is gone: {error}", self.owner.path),
        };
        if let Some(error) = failed {
            return Err(error);
        }
        let Some(mut writer) = written? else {
            return exec_err!("{}: its writer ended before its last row", self.owner.path);
        };
        let owner = self.owner.clone();
        self.run.on_commit_first(move || {
            blocking(|| writer.with(&owner, "cannot commit", |writer| writer.commit()))
        });
        Ok(rows)
    }
}
