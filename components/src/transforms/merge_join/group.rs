//! The rows of the current right key.
//!
//! ```text
//!  in one batch:          a range of that batch, nothing is held
//!  over several batches:  compacted, reserved from the memory pool ──does not fit──▶ a file
//! ```

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray},
    datatypes::{DataType, SchemaRef},
    record_batch::RecordBatch,
};
use datafusion_common::{DataFusionError, Result};
use datafusion_execution::{
    SendableRecordBatchStream, SpillFile, TaskContext,
    memory_pool::{MemoryConsumer, MemoryReservation},
};
use datafusion_physical_plan::{
    SpillManager,
    metrics::{ExecutionPlanMetricsSet, SpillMetrics},
};

use crate::{flow::FlowError, transforms::columns::batch_of};

/// Batches that a group holds are numbered from here, chunks of an input from 1.
const FIRST_HELD: u64 = 1 << 62;

/// A range of rows of a batch.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    /// Different for each batch that rows are picked from.
    pub(super) id: u64,
    pub(super) batch: RecordBatch,
    pub(super) start: u32,
    pub(super) len: u32,
}

/// Collects the rows of one key after another.
pub(super) struct Group {
    component: String,
    held: GroupRows,
    rows: u64,
    last_id: u64,
    reservation: MemoryReservation,
    writer: Option<SpillWriter>,
}

/// The rows of one key, in order.
pub(super) struct GroupRows {
    /// Empty when the rows are in the file.
    pieces: Vec<Piece>,
    spill: SpillManager,
    file: Option<Arc<dyn SpillFile>>,
}

impl GroupRows {
    /// The rows in memory; none when they are in a file.
    pub(super) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The rows, from the file they were written to.
    pub(super) fn spilled(&self) -> Result<Option<SendableRecordBatchStream>> {
        self.file
            .as_ref()
            .map(|file| {
                self.spill
                    .read_spill_as_stream_unbuffered(Arc::clone(file), None)
            })
            .transpose()
    }
}

/// Appends a batch, or finishes the file. DataFusion does not export the type of a file being written.
type SpillWriter =
    Box<dyn FnMut(Option<&RecordBatch>) -> Result<Option<Arc<dyn SpillFile>>> + Send>;

impl Group {
    /// `schema` is that of the right rows as they are held.
    pub(super) fn new(
        component: String,
        schema: SchemaRef,
        context: &TaskContext,
        metrics: &ExecutionPlanMetricsSet,
    ) -> Self {
        let consumer = MemoryConsumer::new("MergeJoinExec: rows of one key").with_can_spill(true);
        Self {
            component,
            held: GroupRows {
                pieces: Vec::new(),
                spill: SpillManager::new(
                    context.runtime_env(),
                    SpillMetrics::new(metrics, 0),
                    schema,
                ),
                file: None,
            },
            rows: 0,
            last_id: FIRST_HELD,
            reservation: consumer.register(context.memory_pool()),
            writer: None,
        }
    }

    /// Empties it for the next key.
    pub(super) fn clear(&mut self) {
        self.held.pieces.clear();
        self.rows = 0;
        self.reservation.free();
        self.writer = None;
        self.held.file = None;
    }

    /// Appends rows of the same key.
    pub(super) fn push(&mut self, piece: Piece) -> Result<()> {
        self.rows += u64::from(piece.len);
        if self.held.pieces.is_empty() && self.writer.is_none() {
            self.held.pieces.push(piece);
            return Ok(());
        }
        if self.held.pieces.len() == 1
            && let Some(first) = self.held.pieces.pop()
        {
            self.hold(first)?;
        }
        self.hold(piece)
    }

    /// Keeps rows beyond the life of their batch.
    fn hold(&mut self, piece: Piece) -> Result<()> {
        let batch = compact(&piece)?;
        if self.writer.is_none() {
            if self
                .reservation
                .try_grow(batch.get_array_memory_size())
                .is_ok()
            {
                let id = self.next_id();
                self.held.pieces.push(Piece {
                    id,
                    batch,
                    start: 0,
                    len: piece.len,
                });
                return Ok(());
            }
            let mut file = self
                .held
                .spill
                .create_in_progress_file("MergeJoinExec: rows of one key")
                .map_err(|error| self.outgrown(error))?;
            self.writer = Some(Box::new(move |batch| match batch {
                Some(batch) => file.append_batch(batch).map(|_| None),
                None => file.finish(),
            }));
            for held in std::mem::take(&mut self.held.pieces) {
                self.write(&held.batch)?;
            }
            self.reservation.free();
        }
        self.write(&batch)
    }

    /// A chunk may have rows in several groups, so its number will not do.
    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        match self.writer.as_mut().map(|writer| writer(Some(batch))) {
            Some(Err(error)) => Err(self.outgrown(error)),
            _ => Ok(()),
        }
    }

    /// No more rows follow.
    pub(super) fn finish(&mut self) -> Result<()> {
        if let Some(mut writer) = self.writer.take() {
            self.held.file = writer(None).map_err(|error| self.outgrown(error))?;
        }
        Ok(())
    }

    fn outgrown(&self, error: DataFusionError) -> DataFusionError {
        let message = format!(
            "{} rows of the right input have the same key; they exceed the memory limit and cannot be written to a \
             temporary file ({error}); raise the memory limit or provide temporary space",
            self.rows
        );
        FlowError::new(&self.component, None, message).into()
    }

    /// The rows, once finished.
    pub(super) fn rows(&self) -> &GroupRows {
        &self.held
    }
}

/// The rows alone, without text that belongs to others.
fn compact(piece: &Piece) -> Result<RecordBatch> {
    let rows = piece.batch.slice(piece.start as usize, piece.len as usize);
    let columns = rows
        .columns()
        .iter()
        .map(|column| match column.data_type() {
            DataType::Utf8View => Arc::new(column.as_string_view().gc()) as ArrayRef,
            DataType::BinaryView => Arc::new(column.as_binary_view().gc()),
            _ => Arc::clone(column),
        });
    let columns = columns.collect();
    batch_of(&rows.schema(), columns, rows.num_rows())
}
