//! Merging sorted runs: a tree of losers over the runs' first rows.
//!
//! ```text
//!            winner: the run whose row is next
//!           /                                 \
//!       loser                               loser        each inner node keeps the run that lost there, so the next
//!      /     \                             /     \       winner takes one comparison per level
//!   run 0   run 1                       run 2   run 3
//! ```
//!
//! When there are more runs than memory for a batch or two of each, some runs are merged into one first.

use std::{cmp::Ordering, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray, BinaryArray, UInt32Array, UInt64Array},
    compute::interleave_record_batch,
    datatypes::{DataType, UInt32Type, UInt64Type},
    record_batch::RecordBatch,
};
use datafusion_common::{Result, internal_err};
use datafusion_execution::{SendableRecordBatchStream, memory_pool::MemoryReservation};
use futures::StreamExt;

use super::spill::{KEY_COLUMNS, Run, RunWriter, Spill};

/// Batches of each run that a merge holds: one in use, up to three read ahead or still needed for the output.
const BATCHES_PER_RUN: usize = 4;
/// Open files of one merge, at most.
const FAN_IN_MAX: usize = 256;

/// Merges the runs until the rest can be merged at once, and starts that merge.
pub(super) async fn merge_runs(
    mut runs: Vec<Run>,
    spill: &Arc<Spill>,
    distinct: bool,
    reservation: MemoryReservation,
) -> Result<Merge> {
    loop {
        runs.sort_by_key(|run| std::cmp::Reverse(run.rows));
        let fan_in = fan_in(&runs, &reservation);
        let merged = runs.split_off(runs.len().saturating_sub(fan_in));
        let mut merge = Merge::try_new(merged, spill, distinct).await?;
        if runs.is_empty() {
            merge.reservation = Some(reservation);
            return Ok(merge);
        }
        let mut writer: Option<RunWriter<'_>> = None;
        let rows_max = merge.batch_rows();
        while let Some(batch) = merge.next(rows_max).await? {
            let writer = match &mut writer {
                Some(writer) => writer,
                None => writer.insert(RunWriter::try_new(spill)?),
            };
            writer.append(&batch)?;
        }
        if let Some(writer) = writer {
            runs.push(writer.finish()?);
        }
        reservation.free();
    }
}

/// How many of the last (smallest) runs there is memory for; two, even if the pool refuses them.
fn fan_in(runs: &[Run], reservation: &MemoryReservation) -> usize {
    let mut taken = 0;
    for run in runs.iter().rev().take(FAN_IN_MAX) {
        if reservation
            .try_grow(run.batch_bytes_max * BATCHES_PER_RUN)
            .is_err()
            && taken >= 2
        {
            break;
        }
        taken += 1;
    }
    taken
}

/// The batch of a run in use.
struct Head {
    stream: SendableRecordBatchStream,
    /// Index of the batch in [`Merge::batches`].
    batch: usize,
    keys: BinaryArray,
    batch_numbers: UInt64Array,
    rows: UInt32Array,
    at: usize,
    ended: bool,
}

impl Head {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.ended, other.ended) {
            (false, false) => self
                .keys
                .value(self.at)
                .cmp(other.keys.value(other.at))
                .then_with(|| {
                    let ordinal =
                        |head: &Self| (head.batch_numbers.value(head.at), head.rows.value(head.at));
                    ordinal(self).cmp(&ordinal(other))
                }),
            (left, right) => left.cmp(&right),
        }
    }

    fn take(&mut self, batch: &RecordBatch) -> Result<()> {
        let [.., keys, batch_numbers, rows] = batch.columns() else {
            return internal_err!("a run of a sort has no key columns");
        };
        self.keys = keys.as_binary::<i32>().clone();
        self.batch_numbers = batch_numbers.as_primitive::<UInt64Type>().clone();
        self.rows = rows.as_primitive::<UInt32Type>().clone();
        self.at = 0;
        Ok(())
    }
}

/// A merge of runs, as the batches of one run.
pub(super) struct Merge {
    heads: Vec<Head>,
    /// `losers[1..]`: the run that lost at each inner node; `losers[0]`: the winner.
    losers: Vec<usize>,
    /// Batches with rows of the next output.
    batches: Vec<RecordBatch>,
    distinct: bool,
    last_key: Option<Vec<u8>>,
    spill: Arc<Spill>,
    rows_max: usize,
    reservation: Option<MemoryReservation>,
}

impl Merge {
    async fn try_new(runs: Vec<Run>, spill: &Arc<Spill>, distinct: bool) -> Result<Self> {
        let mut merge = Self {
            losers: Vec::new(),
            heads: Vec::with_capacity(runs.len()),
            batches: Vec::new(),
            distinct,
            last_key: None,
            rows_max: runs
                .iter()
                .map(|run| run.rows)
                .max()
                .unwrap_or(0)
                .clamp(16, 1024),
            spill: Arc::clone(spill),
            reservation: None,
        };
        for run in runs {
            merge.heads.push(Head {
                stream: spill.open(run)?,
                batch: 0,
                keys: BinaryArray::new_null(0),
                batch_numbers: UInt64Array::new_null(0),
                rows: UInt32Array::new_null(0),
                at: 0,
                ended: false,
            });
        }
        for run in 0..merge.heads.len() {
            merge.read(run).await?;
        }
        merge.build();
        Ok(merge)
    }

    fn batch_rows(&self) -> usize {
        self.rows_max
    }

    /// Reads the next batch of a run; its former batch stays for the output being made.
    async fn read(&mut self, run: usize) -> Result<()> {
        loop {
            let head = &mut self.heads[run];
            match head.stream.next().await {
                None => {
                    head.ended = true;
                    return Ok(());
                }
                Some(batch) => {
                    let batch = batch?;
                    if batch.num_rows() > 0 {
                        head.take(&batch)?;
                        head.batch = self.batches.len();
                        self.batches.push(batch);
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Plays all matches.
    fn build(&mut self) {
        let runs = self.heads.len();
        self.losers = vec![0; runs.max(1)];
        let mut winners = vec![0; 2 * runs];
        for run in 0..runs {
            winners[runs + run] = run;
        }
        for node in (1..runs).rev() {
            let (left, right) = (winners[2 * node], winners[2 * node + 1]);
            let left_wins = self.heads[left].cmp(&self.heads[right]).is_le();
            (winners[node], self.losers[node]) = if left_wins {
                (left, right)
            } else {
                (right, left)
            };
        }
        self.losers[0] = if runs > 1 { winners[1] } else { 0 };
    }

    /// Plays the matches of the winner's run again, with its next row.
    fn replay(&mut self) {
        let runs = self.heads.len();
        let mut winner = self.losers[0];
        let mut node = (runs + winner) / 2;
        while node > 0 {
            let other = self.losers[node];
            if self.heads[other].cmp(&self.heads[winner]).is_lt() {
                self.losers[node] = winner;
                winner = other;
            }
            node /= 2;
        }
        self.losers[0] = winner;
    }

    /// The next `rows_max` rows, fewer at the end, `None` after it.
    pub(super) async fn next(&mut self, rows_max: usize) -> Result<Option<RecordBatch>> {
        let mut taken: Vec<(usize, usize)> = Vec::with_capacity(rows_max.min(8192));
        while taken.len() < rows_max {
            let run = self.losers[0];
            let Some(head) = self.heads.get_mut(run).filter(|head| !head.ended) else {
                break;
            };
            let key = head.keys.value(head.at);
            if self.distinct && self.last_key.as_deref() == Some(key) {
                self.spill.dropped_rows.add(1);
            } else {
                taken.push((head.batch, head.at));
                if self.distinct {
                    let last = self.last_key.get_or_insert_default();
                    last.clear();
                    last.extend_from_slice(key);
                }
            }
            head.at += 1;
            if head.at == head.keys.len() {
                self.read(run).await?;
            }
            self.replay();
        }
        if taken.is_empty() {
            return Ok(None);
        }
        let batches: Vec<&RecordBatch> = self.batches.iter().collect();
        let output = compact(&interleave_record_batch(&batches, &taken)?)?;
        self.retire();
        Ok(Some(output))
    }

    /// The same, without the columns of runs.
    pub(super) async fn next_rows(&mut self, rows_max: usize) -> Result<Option<RecordBatch>> {
        let Some(batch) = self.next(rows_max).await? else {
            return Ok(None);
        };
        let columns: Vec<usize> = (0..batch.num_columns() - KEY_COLUMNS).collect();
        Ok(Some(batch.project(&columns)?))
    }

    /// Keeps only the batches in use.
    fn retire(&mut self) {
        let mut kept = Vec::with_capacity(self.heads.len());
        for head in self.heads.iter_mut().filter(|head| !head.ended) {
            kept.push(self.batches[head.batch].clone());
            head.batch = kept.len() - 1;
        }
        self.batches = kept;
    }
}

/// Copies the text out of the runs' batches.
fn compact(batch: &RecordBatch) -> Result<RecordBatch> {
    let columns = batch
        .columns()
        .iter()
        .map(|column| match column.data_type() {
            DataType::Utf8View => Arc::new(column.as_string_view().gc()) as ArrayRef,
            DataType::BinaryView => Arc::new(column.as_binary_view().gc()),
            _ => Arc::clone(column),
        });
    let columns = columns.collect();
    let options =
        arrow::record_batch::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(
        batch.schema(),
        columns,
        &options,
    )?)
}
