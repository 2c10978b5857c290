//! Sorted runs on disk: Arrow IPC files through DataFusion's spill manager.
//!
//! A run's batches have the output's columns and, after them, the key as comparable bytes, the number of the batch
//! the row came in, and its row there.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, BinaryArray, UInt32Array, UInt64Array},
    buffer::{Buffer, OffsetBuffer, ScalarBuffer},
    datatypes::{DataType, Field, Schema, SchemaRef},
    record_batch::RecordBatch,
};
use datafusion_common::{Result, internal_err, resources_datafusion_err};
use datafusion_execution::{SendableRecordBatchStream, SpillFile, TaskContext};
use datafusion_physical_plan::{
    SpillManager,
    metrics::{Count, SpillMetrics},
    spill::get_record_batch_memory_size,
};

use crate::transforms::spill_file::SpillFileWriter;

/// Size that a batch of a run should have: small, as a merge holds some of each run.
const BATCH_BYTES: usize = 256 << 10;

/// Columns that a run has beyond the output's.
pub(super) const KEY_COLUMNS: usize = 3;

/// Where runs are written.
pub(super) struct Spill {
    manager: SpillManager,
    row_schema: SchemaRef,
    batch_size: usize,
    pub(super) dropped_rows: Count,
}

/// A sorted run.
pub(super) struct Run {
    file: Arc<dyn SpillFile>,
    pub(super) rows: usize,
    /// Memory of its largest batch.
    pub(super) batch_bytes_max: usize,
}

impl Spill {
    pub(super) fn new(
        context: &TaskContext,
        row_schema: SchemaRef,
        metrics: SpillMetrics,
        dropped_rows: Count,
    ) -> Self {
        let mut fields: Vec<_> = row_schema.fields().iter().cloned().collect();
        fields.push(Arc::new(Field::new("key", DataType::Binary, false)));
        fields.push(Arc::new(Field::new(
            "batch_number",
            DataType::UInt64,
            false,
        )));
        fields.push(Arc::new(Field::new("row", DataType::UInt32, false)));
        let schema = Arc::new(Schema::new(fields));
        let manager = SpillManager::new(context.runtime_env(), metrics, schema);
        Self {
            manager,
            row_schema,
            batch_size: context.session_config().batch_size().max(1),
            dropped_rows,
        }
    }

    /// Schema of the rows without the columns added.
    pub(super) fn row_schema(&self) -> &SchemaRef {
        &self.row_schema
    }

    pub(super) fn schema(&self) -> &SchemaRef {
        self.manager.schema()
    }

    pub(super) fn batch_size(&self) -> usize {
        self.batch_size
    }

    /// Rows that a batch of a run should have, if `rows` encoded rows take `bytes`.
    pub(super) fn batch_rows(&self, bytes: usize, rows: usize) -> usize {
        let row_bytes = 2 * bytes / rows.max(1) + 16 * (self.row_schema.fields().len() + 4);
        (BATCH_BYTES / row_bytes).clamp(16, 8192)
    }

    pub(super) fn open(&self, run: Run) -> Result<SendableRecordBatchStream> {
        self.manager
            .read_spill_as_stream(run.file, Some(run.batch_bytes_max))
    }
}

/// Writes one run.
pub(super) struct RunWriter<'a> {
    spill: &'a Spill,
    file: SpillFileWriter,
    rows: usize,
    batch_bytes_max: usize,
}

impl<'a> RunWriter<'a> {
    pub(super) fn try_new(spill: &'a Spill) -> Result<Self> {
        let file = SpillFileWriter::try_new(&spill.manager, "writing a run of a sort")?;
        Ok(Self {
            spill,
            file,
            rows: 0,
            batch_bytes_max: 0,
        })
    }

    /// Rows with keys that end at `ends` in `keys`, and where they came from.
    pub(super) fn append_rows(
        &mut self,
        rows: &RecordBatch,
        keys: Vec<u8>,
        ends: &[usize],
        ordinals: &[(u64, u32)],
    ) -> Result<()> {
        let too_long = |_| resources_datafusion_err!("sort keys of one batch take more than 2 GiB");
        let offsets = std::iter::once(Ok(0)).chain(ends.iter().map(|end| i32::try_from(*end)));
        let offsets = offsets.collect::<Result<Vec<i32>, _>>().map_err(too_long)?;
        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
        let mut columns = rows.columns().to_vec();
        columns.push(
            Arc::new(BinaryArray::try_new(offsets, Buffer::from_vec(keys), None)?) as ArrayRef,
        );
        columns.push(Arc::new(
            ordinals
                .iter()
                .map(|ordinal| ordinal.0)
                .collect::<UInt64Array>(),
        ));
        columns.push(Arc::new(
            ordinals
                .iter()
                .map(|ordinal| ordinal.1)
                .collect::<UInt32Array>(),
        ));
        self.append(&RecordBatch::try_new(
            SchemaRef::clone(self.spill.schema()),
            columns,
        )?)
    }

    /// A batch that has the columns added.
    pub(super) fn append(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows();
        self.batch_bytes_max = self
            .batch_bytes_max
            .max(get_record_batch_memory_size(batch));
        self.file.append(batch)
    }

    pub(super) fn finish(self) -> Result<Run> {
        match self.file.finish()? {
            Some(file) => Ok(Run {
                file,
                rows: self.rows,
                batch_bytes_max: self.batch_bytes_max,
            }),
            None => internal_err!("a run of a sort has no rows"),
        }
    }
}
