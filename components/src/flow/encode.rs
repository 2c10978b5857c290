//! Encodes batches for a file, in the partitions that made them, so that the sink only writes.
//!
//! ```text
//!  batch ──▶ Encode::encode ──▶ one row: bytes, number of rows     (one out for one in: order is kept by a gather)
//! ```

use std::{
    fmt,
    sync::{Arc, LazyLock},
};

use arrow::{
    array::{Array, BinaryViewArray, RecordBatch, UInt64Array, make_view},
    buffer::{Buffer, ScalarBuffer},
    datatypes::{DataType, Field, Schema, SchemaRef},
};
use datafusion_common::{Result, internal_err, tree_node::TreeNodeRecursion};
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion_physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
    metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet},
    stream::RecordBatchStreamAdapter,
};
use futures::StreamExt;

/// Turns a batch into bytes of a file.
pub trait Encode: fmt::Debug + Send + Sync {
    /// Shown by EXPLAIN.
    fn name(&self) -> &'static str;

    fn encode(&self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<()>;
}

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        Field::new("bytes", DataType::BinaryView, false),
        Field::new("rows", DataType::UInt64, false),
    ]))
});

/// Runs an [`Encode`] over each partition.
#[derive(Debug)]
pub struct EncodeExec {
    input: Arc<dyn ExecutionPlan>,
    encoder: Arc<dyn Encode>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl EncodeExec {
    pub fn new(input: Arc<dyn ExecutionPlan>, encoder: Arc<dyn Encode>) -> Self {
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&SCHEMA)),
            input.output_partitioning().clone(),
            input.pipeline_behavior(),
            input.boundedness(),
        ));
        Self {
            input,
            encoder,
            properties,
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }

    /// The bytes of an encoded batch, and how many rows they hold.
    pub fn encoded(batch: &RecordBatch) -> Result<(&[u8], u64)> {
        let bytes = batch
            .columns()
            .first()
            .and_then(|column| column.as_any().downcast_ref::<BinaryViewArray>());
        let rows = batch
            .columns()
            .get(1)
            .and_then(|column| column.as_any().downcast_ref::<UInt64Array>());
        match (bytes, rows) {
            (Some(bytes), Some(rows)) if bytes.len() == 1 && rows.len() == 1 => {
                Ok((bytes.value(0), rows.value(0)))
            }
            _ => internal_err!("an encoded batch is wanted"),
        }
    }
}

fn batch_of(bytes: Vec<u8>, rows: usize) -> Result<RecordBatch> {
    let view = make_view(&bytes, 0, 0);
    let bytes = BinaryViewArray::try_new(
        ScalarBuffer::from(vec![view]),
        [Buffer::from_vec(bytes)],
        None,
    )?;
    let rows = UInt64Array::from(vec![rows as u64]);
    Ok(RecordBatch::try_new(
        Arc::clone(&SCHEMA),
        vec![Arc::new(bytes), Arc::new(rows)],
    )?)
}

impl DisplayAs for EncodeExec {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncodeExec: {}", self.encoder.name())
    }
}

impl ExecutionPlan for EncodeExec {
    fn name(&self) -> &str {
        "EncodeExec"
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
            return internal_err!("EncodeExec takes one input");
        };
        Ok(Arc::new(Self::new(input, Arc::clone(&self.encoder))))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let encoder = Arc::clone(&self.encoder);
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let mut expected = 0;
        let batches = self.input.execute(partition, context)?.map(move |batch| {
            let batch = batch?;
            let _timer = metrics.elapsed_compute().timer();
            let mut bytes = Vec::with_capacity(expected);
            encoder.encode(&batch, &mut bytes)?;
            expected = expected.max(bytes.len());
            metrics.record_output(batch.num_rows());
            metrics.output_batches().add(1);
            batch_of(bytes, batch.num_rows())
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&SCHEMA),
            batches,
        )))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}
