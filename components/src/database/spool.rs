//! Batches that wait for their turn: in memory, and on disk where that does not suffice.
//!
//! ```text
//!  a session of a transaction ──rows──▶ Spool ──session given back──▶ the flow      (a source)
//!  the flow ──rows──▶ Spool ──all are there──▶ a session of a transaction            (a load)
//! ```
//!
//! The components of a data flow that share the one session of a transaction would wait for each other for ever if one held
//! it while it waits for rows, or for room. So none does.

use std::{collections::HashMap, ops::ControlFlow, sync::Arc};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use datafusion_common::Result;
use datafusion_execution::{
    TaskContext,
    memory_pool::{MemoryConsumer, MemoryReservation},
};
use datafusion_physical_plan::{
    SpillManager,
    metrics::{ExecutionPlanMetricsSet, SpillMetrics},
    spill::get_record_batch_memory_size,
};
use futures::StreamExt;
use tokio::runtime::Handle;

use crate::transforms::spill_file::SpillFileWriter;

/// Bytes in memory, where the pool of the run has no limit.
const MEMORY_BYTES_MAX: usize = 64 << 20;

/// Batches of one schema, in order; what their schemas say beside the columns is kept for each.
pub(super) struct Spool {
    context: Arc<TaskContext>,
    reservation: MemoryReservation,
    kept: Vec<RecordBatch>,
    kept_bytes: usize,
    file: Option<(SpillManager, SpillFileWriter)>,
    /// Of the batches in the file.
    metadata: Vec<HashMap<String, String>>,
}

impl Spool {
    /// `of`: whose it is, for what is said of memory.
    pub(super) fn new(of: &str, context: &Arc<TaskContext>) -> Self {
        let consumer = MemoryConsumer::new(format!("rows of {of}")).with_can_spill(true);
        Self {
            reservation: consumer.register(&context.runtime_env().memory_pool),
            context: Arc::clone(context),
            kept: Vec::new(),
            kept_bytes: 0,
            file: None,
            metadata: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, batch: RecordBatch) -> Result<()> {
        let bytes = get_record_batch_memory_size(&batch);
        let fits = self.file.is_none()
            && self.kept_bytes + bytes <= MEMORY_BYTES_MAX
            && self.reservation.try_grow(bytes).is_ok();
        if fits {
            self.kept_bytes += bytes;
            self.kept.push(batch);
            return Ok(());
        }
        let (_, writer) = match &mut self.file {
            Some(file) => file,
            None => {
                let schema = Arc::new(
                    batch
                        .schema()
                        .as_ref()
                        .clone()
                        .with_metadata(HashMap::new()),
                );
                let metrics = SpillMetrics::new(&ExecutionPlanMetricsSet::new(), 0);
                let manager = SpillManager::new(self.context.runtime_env(), metrics, schema);
                let writer = SpillFileWriter::try_new(&manager, "rows of a transaction")?;
                self.file.insert((manager, writer))
            }
        };
        self.metadata.push(batch.schema_ref().metadata().clone());
        writer.append(&batch)
    }

    /// Hands the batches over until there are no more, or a break. On a blocking thread.
    pub(super) fn hand_over(
        self,
        mut hand: impl FnMut(RecordBatch) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        for batch in self.kept {
            let bytes = get_record_batch_memory_size(&batch);
            let next = hand(batch)?;
            self.reservation.shrink(bytes.min(self.reservation.size()));
            if next.is_break() {
                return Ok(());
            }
        }
        let Some((manager, writer)) = self.file else {
            return Ok(());
        };
        let Some(file) = writer.finish()? else {
            return Ok(());
        };
        let mut batches = manager.read_spill_as_stream(file, None)?;
        let mut metadata = self.metadata.into_iter();
        let runtime = Handle::current();
        while let Some(batch) = runtime.block_on(batches.next()) {
            let batch = with_metadata(batch?, metadata.next().unwrap_or_default())?;
            if hand(batch)?.is_break() {
                break;
            }
        }
        Ok(())
    }
}

fn with_metadata(batch: RecordBatch, metadata: HashMap<String, String>) -> Result<RecordBatch> {
    if metadata.is_empty() {
        return Ok(batch);
    }
    let schema: SchemaRef = Arc::new(batch.schema().as_ref().clone().with_metadata(metadata));
    Ok(batch.with_schema(schema)?)
}
