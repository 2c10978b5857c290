//! A load whose failing rows go on: a destination with a connected error output.

use std::{fmt, sync::Arc};

use arrow::datatypes::SchemaRef;
use datafusion_common::{Result, internal_err, tree_node::TreeNodeRecursion};
use datafusion_common_runtime::SpawnedTask;
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion_physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties,
    execution_plan::{Boundedness, EmissionType},
    metrics::{BaselineMetrics, MetricsSet, RecordOutput},
    stream::RecordBatchStreamAdapter,
};
use futures::{StreamExt, stream};
use tokio::sync::mpsc::channel;

use super::loading::{ErrorOutput, Loading};

/// Yields the rows that were not written.
#[derive(Debug)]
pub(super) struct LoadExec {
    input: Arc<dyn ExecutionPlan>,
    loading: Arc<Loading>,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
}

/// Batches of failing rows between the load and its reader.
const CAPACITY: usize = 2;

impl LoadExec {
    /// `input` has one partition.
    pub(super) fn new(
        input: Arc<dyn ExecutionPlan>,
        loading: Arc<Loading>,
        schema: SchemaRef,
    ) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self {
            input,
            loading,
            schema,
            properties: Arc::new(properties),
        }
    }
}

impl DisplayAs for LoadExec {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LoadExec: {}", self.loading)
    }
}

impl ExecutionPlan for LoadExec {
    fn name(&self) -> &str {
        "LoadExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
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
            return internal_err!("a load takes one input");
        };
        let (loading, schema) = (Arc::clone(&self.loading), Arc::clone(&self.schema));
        Ok(Arc::new(Self::new(input, loading, schema)))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let rows = self.input.execute(partition, Arc::clone(&context))?;
        let (sender, receiver) = channel(CAPACITY);
        let errors = ErrorOutput {
            schema: Arc::clone(&self.schema),
            sender,
        };
        let load = SpawnedTask::spawn(Arc::clone(&self.loading).run(rows, Some(errors), context));
        let metrics = BaselineMetrics::new(&self.loading.metrics, partition);
        // Failing rows as they come; then how the load ended.
        let failing = stream::unfold(
            (receiver, Some(load), metrics),
            |(mut receiver, load, metrics)| async move {
                if let Some(batch) = receiver.recv().await {
                    return Some((Ok(batch.record_output(&metrics)), (receiver, load, metrics)));
                }
                let ended = match load?.join().await {
                    Ok(Ok(_)) => return None,
                    Ok(Err(error)) => Err(error),
                    Err(error) => internal_err!("a load is gone: {error}"),
                };
                Some((ended, (receiver, None, metrics)))
            },
        );
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.schema),
            failing.boxed(),
        )))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.loading.metrics.clone_inner())
    }
}
