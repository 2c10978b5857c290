//! Rows that a sort holds in memory, and what becomes of them when there is no room.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use arrow::{datatypes::SchemaRef, record_batch::RecordBatch};
use datafusion_common::{DataFusionError, Result, exec_err};
use datafusion_common_runtime::SpawnedTask;
use datafusion_execution::memory_pool::MemoryReservation;
use tokio::sync::Mutex;

use super::{
    gather::gather,
    order::{KeyBlock, KeyReader, SortedRows},
    rows::RowBlock,
    spill::{Run, RunWriter, Spill},
};

/// Rows in one run, at most: their positions must fit beside the keys.
const RUN_ROWS_MAX: usize = u32::MAX as usize;
/// Bytes per row that sorting adds to what is held.
const ENTRY_BYTES: usize = size_of::<u128>();

/// Set when the output is no longer wanted; work on blocking threads looks at it between batches.
#[derive(Debug, Default)]
pub(super) struct Cancelled(AtomicBool);

impl Cancelled {
    pub(super) fn check(&self) -> Result<()> {
        if self.0.load(Ordering::Relaxed) {
            exec_err!("the sort was cancelled")
        } else {
            Ok(())
        }
    }
}

/// Cancels when dropped.
#[derive(Debug)]
pub(super) struct CancelOnDrop(pub(super) Arc<Cancelled>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

struct Block {
    batch_number: u64,
    rows: RowBlock,
    keys: KeyBlock,
}

struct Held {
    blocks: Vec<Block>,
    reader: KeyReader,
    rows: usize,
    bytes: usize,
    reservation: MemoryReservation,
    runs: Vec<Run>,
}

/// Collects rows of all partitions.
pub(super) struct HeldRows {
    held: Mutex<Held>,
    spill: Arc<Spill>,
    distinct: bool,
    cancelled: Arc<Cancelled>,
}

/// What was collected.
pub(super) enum Collected {
    /// Everything is in memory.
    Memory(SortedRun),
    /// Everything is in runs on disk.
    Runs(Vec<Run>),
}

impl HeldRows {
    pub(super) fn new(
        reader: KeyReader,
        reservation: MemoryReservation,
        spill: Arc<Spill>,
        distinct: bool,
        cancelled: Arc<Cancelled>,
    ) -> Self {
        let held = Held {
            blocks: Vec::new(),
            reader,
            rows: 0,
            bytes: 0,
            reservation,
            runs: Vec::new(),
        };
        Self {
            held: Mutex::new(held),
            spill,
            distinct,
            cancelled,
        }
    }

    /// Takes the rows of a batch; writes a run when memory is refused.
    pub(super) async fn push(
        &self,
        batch_number: u64,
        batch: &RecordBatch,
        rows: RowBlock,
    ) -> Result<()> {
        let mut held = self.held.lock().await;
        let keys = held.reader.read(batch)?;
        held.rows += rows.len();
        held.bytes += rows.size() + keys.size() + rows.len() * ENTRY_BYTES;
        held.blocks.push(Block {
            batch_number,
            rows,
            keys,
        });
        let wanted = held.bytes + held.reader.size();
        if held.reservation.try_resize(wanted).is_err() || held.rows + (1 << 24) > RUN_ROWS_MAX {
            self.write_run(&mut held).await?;
        }
        Ok(())
    }

    /// Called when all partitions have ended.
    pub(super) async fn finish(&self) -> Result<Collected> {
        let mut held = self.held.lock().await;
        if !held.runs.is_empty() {
            if !held.blocks.is_empty() {
                self.write_run(&mut held).await?;
            }
            return Ok(Collected::Runs(std::mem::take(&mut held.runs)));
        }
        let (unsorted, reservation) = (held.take(), held.reservation.take());
        let (schema, distinct) = (SchemaRef::clone(self.spill.row_schema()), self.distinct);
        let run =
            SpawnedTask::spawn_blocking(move || unsorted.sort(schema, distinct, Some(reservation)));
        Ok(Collected::Memory(run.join().await.map_err(joined)??))
    }

    async fn write_run(&self, held: &mut Held) -> Result<()> {
        let unsorted = held.take();
        let (spill, distinct) = (Arc::clone(&self.spill), self.distinct);
        let cancelled = Arc::clone(&self.cancelled);
        let task = SpawnedTask::spawn_blocking(move || {
            let run = unsorted.sort(SchemaRef::clone(spill.row_schema()), distinct, None)?;
            spill.dropped_rows.add(run.dropped_rows());
            run.write(&spill, &cancelled)
        });
        let run = task.join().await.map_err(joined)??;
        held.runs.push(run);
        held.reservation.free();
        Ok(())
    }
}

impl Held {
    fn take(&mut self) -> Unsorted {
        let emptied = self.reader.emptied();
        (self.rows, self.bytes) = (0, 0);
        Unsorted {
            blocks: std::mem::take(&mut self.blocks),
            reader: std::mem::replace(&mut self.reader, emptied),
        }
    }
}

fn joined(error: tokio::task::JoinError) -> DataFusionError {
    DataFusionError::ExecutionJoin(Box::new(error))
}

struct Unsorted {
    blocks: Vec<Block>,
    reader: KeyReader,
}

impl Unsorted {
    fn sort(
        mut self,
        schema: SchemaRef,
        distinct: bool,
        reservation: Option<MemoryReservation>,
    ) -> Result<SortedRun> {
        self.blocks.sort_unstable_by_key(|block| block.batch_number);
        let (mut rows, mut keys, mut batch_numbers) = (Vec::new(), Vec::new(), Vec::new());
        for block in self.blocks {
            rows.push(block.rows);
            keys.push(block.keys);
            batch_numbers.push(block.batch_number);
        }
        let lens: Vec<usize> = rows.iter().map(RowBlock::len).collect();
        let order = self.reader.sort(&keys, &lens, distinct)?;
        let total = lens.iter().sum();
        Ok(SortedRun {
            rows,
            keys,
            batch_numbers,
            order,
            reader: self.reader,
            schema,
            total,
            _reservation: reservation,
        })
    }
}

/// A run of rows in memory, sorted.
pub(super) struct SortedRun {
    rows: Vec<RowBlock>,
    keys: Vec<KeyBlock>,
    batch_numbers: Vec<u64>,
    order: SortedRows,
    reader: KeyReader,
    schema: SchemaRef,
    total: usize,
    _reservation: Option<MemoryReservation>,
}

impl SortedRun {
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    /// Rows left out because their keys repeat.
    pub(super) fn dropped_rows(&self) -> usize {
        self.total - self.order.len()
    }

    /// Lets go of what only sorting and writing needs.
    pub(super) fn forget_keys(&mut self) {
        self.keys = Vec::new();
        self.reader = self.reader.emptied();
    }

    /// The rows at these places of the order.
    pub(super) fn batch(&self, range: std::ops::Range<usize>) -> Result<RecordBatch> {
        gather(&self.rows, self.order.positions(range), &self.schema)
    }

    fn write(&self, spill: &Spill, cancelled: &Cancelled) -> Result<Run> {
        let bytes: usize = self.rows.iter().map(RowBlock::size).sum();
        let rows_max = spill.batch_rows(bytes, self.total);
        let mut writer = RunWriter::try_new(spill)?;
        for start in (0..self.len()).step_by(rows_max) {
            cancelled.check()?;
            let range = start..self.len().min(start + rows_max);
            let (mut keys, mut ends, mut ordinals) = (Vec::new(), Vec::new(), Vec::new());
            for (block, row) in self.order.positions(range.clone()) {
                self.reader.key_bytes(&self.keys[block], row, &mut keys);
                ends.push(keys.len());
                ordinals.push((self.batch_numbers[block], row as u32));
            }
            writer.append_rows(&self.batch(range)?, keys, &ends, &ordinals)?;
        }
        writer.finish()
    }
}
