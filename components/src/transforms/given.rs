//! Inputs and contexts for the tests of operators.
//!
//! DataFusion's own memory source will not do: it cuts batches to the session's batch size.

use std::{fmt, sync::Arc};

use arrow::{datatypes::SchemaRef, record_batch::RecordBatch};
use datafusion_common::{Result, exec_err, tree_node::TreeNodeRecursion};
use datafusion_execution::{
    SendableRecordBatchStream, TaskContext,
    config::SessionConfig,
    memory_pool::{GreedyMemoryPool, UnboundedMemoryPool},
    runtime_env::RuntimeEnvBuilder,
};
use datafusion_physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion_physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties,
    execution_plan::{Boundedness, EmissionType},
    stream::RecordBatchStreamAdapter,
};
use futures::{StreamExt, TryStreamExt, stream};

/// What a partition yields next.
#[derive(Debug, Clone)]
pub(crate) enum Given {
    Batch(RecordBatch),
    Error(&'static str),
    Panic(&'static str),
}

#[derive(Debug)]
struct GivenExec {
    partitions: Vec<Vec<Given>>,
    properties: Arc<PlanProperties>,
}

/// A plan with these partitions.
pub(crate) fn given(schema: &SchemaRef, partitions: Vec<Vec<Given>>) -> Arc<dyn ExecutionPlan> {
    let properties = Arc::new(PlanProperties::new(
        EquivalenceProperties::new(Arc::clone(schema)),
        Partitioning::UnknownPartitioning(partitions.len()),
        EmissionType::Incremental,
        Boundedness::Bounded,
    ));
    Arc::new(GivenExec {
        partitions,
        properties,
    })
}

/// Batch `k` in partition `k mod partitions`.
pub(crate) fn dealt(
    schema: &SchemaRef,
    items: Vec<Given>,
    partitions: usize,
) -> Arc<dyn ExecutionPlan> {
    let mut dealt = vec![Vec::new(); partitions];
    for (number, item) in items.into_iter().enumerate() {
        dealt[number % partitions].push(item);
    }
    given(schema, dealt)
}

/// The rows in batches of up to `rows_max` (some of them empty).
pub(crate) fn cut(rows: &RecordBatch, rows_max: usize) -> Vec<Given> {
    let (mut at, mut number, mut batches) = (0, rows.num_rows(), Vec::new());
    while at < rows.num_rows() {
        number += 1;
        let len = (number % (rows_max + 1)).min(rows.num_rows() - at);
        batches.push(Given::Batch(rows.slice(at, len)));
        at += len;
    }
    batches
}

/// The rows in batches of up to `rows_max`, dealt to partitions.
pub(crate) fn partitioned(
    rows: &RecordBatch,
    partitions: usize,
    rows_max: usize,
) -> Arc<dyn ExecutionPlan> {
    dealt(&rows.schema(), cut(rows, rows_max), partitions)
}

/// A context with this batch size and memory limit.
pub(crate) fn context(batch_size: usize, memory: Option<usize>) -> Arc<TaskContext> {
    let runtime = match memory {
        None => RuntimeEnvBuilder::new().with_memory_pool(Arc::new(UnboundedMemoryPool::default())),
        Some(limit) => {
            RuntimeEnvBuilder::new().with_memory_pool(Arc::new(GreedyMemoryPool::new(limit)))
        }
    };
    let context = TaskContext::default()
        .with_session_config(SessionConfig::new().with_batch_size(batch_size))
        .with_runtime(runtime.build_arc().unwrap());
    Arc::new(context)
}

/// The batches of one partition.
pub(crate) async fn collect(
    plan: &dyn ExecutionPlan,
    partition: usize,
    context: &Arc<TaskContext>,
) -> Result<Vec<RecordBatch>> {
    plan.execute(partition, Arc::clone(context))?
        .try_collect()
        .await
}

impl DisplayAs for GivenExec {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GivenExec")
    }
}

impl ExecutionPlan for GivenExec {
    fn name(&self) -> &str {
        "GivenExec"
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
        _children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(
        &self,
        partition: usize,
        _context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let batches = stream::iter(self.partitions[partition].clone()).then(|item| async {
            // Partitions get ahead of each other.
            tokio::task::yield_now().await;
            match item {
                Given::Batch(batch) => Ok(batch),
                Given::Error(message) => exec_err!("{message}"),
                Given::Panic(message) => panic!("{message}"),
            }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            self.schema_of(),
            batches,
        )))
    }
}

impl GivenExec {
    fn schema_of(&self) -> SchemaRef {
        Arc::clone(self.properties.eq_properties.schema())
    }
}
