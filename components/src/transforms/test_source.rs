//! Input for the tests of operators: rows in the partitions of a plan edge.
//!
//! DataFusion's own memory source will not do: it cuts batches to the session's batch size.

use std::{fmt, sync::Arc};

use arrow::record_batch::RecordBatch;
use datafusion_common::{Result, tree_node::TreeNodeRecursion};
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
    memory::MemoryStream,
};

#[derive(Debug)]
struct Batches {
    partitions: Vec<Vec<RecordBatch>>,
    properties: Arc<PlanProperties>,
}

/// The rows in batches of up to `rows_max` (some of them empty), batch number i in partition i mod `partitions`.
pub(crate) fn partitioned(
    rows: &RecordBatch,
    partitions: usize,
    rows_max: usize,
) -> Arc<dyn ExecutionPlan> {
    let mut batches = vec![Vec::new(); partitions];
    let (mut at, mut number) = (0, 0);
    while at < rows.num_rows() {
        let len = (number % (rows_max + 1)).min(rows.num_rows() - at);
        batches[number % partitions].push(rows.slice(at, len));
        at += len;
        number += 1;
    }
    let properties = Arc::new(PlanProperties::new(
        EquivalenceProperties::new(rows.schema()),
        Partitioning::UnknownPartitioning(partitions),
        EmissionType::Incremental,
        Boundedness::Bounded,
    ));
    Arc::new(Batches {
        partitions: batches,
        properties,
    })
}

impl DisplayAs for Batches {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "Batches")
    }
}

impl ExecutionPlan for Batches {
    fn name(&self) -> &str {
        "Batches"
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
        let schema = Arc::clone(self.properties.eq_properties.schema());
        Ok(Box::pin(MemoryStream::try_new(
            self.partitions[partition].clone(),
            schema,
            None,
        )?))
    }
}

/// A context with this batch size and memory limit (`usize::MAX`: none).
pub(crate) fn context(batch_size: usize, memory: usize) -> Arc<TaskContext> {
    let runtime = match memory {
        usize::MAX => {
            RuntimeEnvBuilder::new().with_memory_pool(Arc::new(UnboundedMemoryPool::default()))
        }
        limit => RuntimeEnvBuilder::new().with_memory_pool(Arc::new(GreedyMemoryPool::new(limit))),
    };
    let context = TaskContext::default()
        .with_session_config(SessionConfig::new().with_batch_size(batch_size))
        .with_runtime(runtime.build_arc().unwrap());
    Arc::new(context)
}
