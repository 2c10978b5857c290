//! The join itself: two cursors over runs of equal keys.
//!
//! ```text
//!           ┌────────────────────── whole runs inside both chunks: no await, no test per row
//!           ▼
//!  left run < right run   left rows without a match
//!  left run > right run   right rows without a match
//!  left run = right run   cross product
//!           ▲
//!           └────────────────────── runs at the end of a chunk may go on in the next one: one at a time
//! ```

use std::cmp::Ordering;

use arrow::{
    datatypes::{DataType, SchemaRef},
    record_batch::RecordBatch,
};
use datafusion_common::{Result, internal_err};
use datafusion_physical_plan::metrics::{BaselineMetrics, Count, RecordOutput};
use futures::StreamExt;

use super::{
    JoinKind, JoinSide,
    group::{Group, GroupRows, Piece},
    picks::Picks,
};
use crate::transforms::{
    columns::batch_of,
    driven::BatchSender,
    sorted::{Chunk, EncodedKeys, SortedInput},
};

/// Where each output column comes from: side, position among that side's needed columns.
pub(super) type OutputColumns = Vec<(JoinSide, usize)>;

/// Makes the output batches.
pub(super) struct Output {
    pub(super) schema: SchemaRef,
    pub(super) columns: OutputColumns,
    pub(super) batch_size: usize,
    pub(super) sender: BatchSender,
    pub(super) metrics: BaselineMetrics,
    pub(super) left: Picks,
    pub(super) right: Picks,
    pub(super) rows: usize,
    pub(super) spilled_batches: u64,
}

impl Output {
    fn room(&self) -> usize {
        self.batch_size - self.rows
    }

    /// Sends the rows picked so far, if they are enough for a batch or the last ones.
    async fn flush(&mut self, last: bool) -> Result<()> {
        if self.rows == 0 || (self.room() > 0 && !last) {
            return Ok(());
        }
        let batch = self.build()?.record_output(&self.metrics);
        self.sender.send(batch).await
    }

    fn build(&mut self) -> Result<RecordBatch> {
        let compute = self.metrics.elapsed_compute().clone();
        let _timer = compute.timer();
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for ((side, column), field) in self.columns.iter().zip(self.schema.fields()) {
            let side = match side {
                JoinSide::Left => &mut left,
                JoinSide::Right => &mut right,
            };
            side.push((*column, field.data_type().clone()));
        }
        let mut left = self.left.finish(&left as &[(usize, DataType)])?.into_iter();
        let mut right = self.right.finish(&right)?.into_iter();
        let columns = self.columns.iter().filter_map(|(side, _)| match side {
            JoinSide::Left => left.next(),
            JoinSide::Right => right.next(),
        });
        let rows = std::mem::take(&mut self.rows);
        batch_of(&self.schema, columns.collect(), rows)
    }
}

/// One join in progress.
pub(super) struct Join<K> {
    pub(super) left: SortedInput<K>,
    pub(super) right: SortedInput<K>,
    pub(super) kind: JoinKind,
    pub(super) nulls_equal: bool,
    pub(super) group: Group,
    pub(super) output: Output,
    /// Left and right rows that the join does not keep.
    pub(super) unmatched: [Count; 2],
}

impl<K: EncodedKeys> Join<K> {
    /// Reads both inputs to their ends.
    pub(super) async fn run(mut self) -> Result<()> {
        self.left.advance().await?;
        self.right.advance().await?;
        loop {
            self.join_whole_runs();
            self.output.flush(false).await?;
            match (&self.left.chunk, &self.right.chunk) {
                (Some(left), Some(right)) => match self.compare(left, right) {
                    Ordering::Less => self.leave_left_run().await?,
                    Ordering::Greater => self.leave_right_run().await?,
                    Ordering::Equal => self.join_key().await?,
                },
                (Some(_), None) => self.leave_left_run().await?,
                (None, Some(_)) => self.leave_right_run().await?,
                (None, None) => break,
            }
        }
        self.output.flush(true).await
    }

    /// How the next runs compare; NULL keys that do not match go first on the left.
    fn compare(&self, left: &Chunk<K>, right: &Chunk<K>) -> Ordering {
        let row = left.starts[left.run] as usize;
        match left
            .keys
            .compare(row, &right.keys, right.starts[right.run] as usize)
        {
            Ordering::Equal if !self.nulls_equal && left.keys.has_null(row) => Ordering::Less,
            ordering => ordering,
        }
    }

    /// Joins until a run may go on in the next chunk, or its rows do not fit into the output batch.
    fn join_whole_runs(&mut self) {
        // Out of `self`, so that the loop works on locals.
        let (mut left, mut right) = match (self.left.chunk.take(), self.right.chunk.take()) {
            (Some(left), Some(right)) => (left, right),
            (left, right) => {
                self.left.chunk = left;
                self.right.chunk = right;
                return;
            }
        };
        let compute = self.output.metrics.elapsed_compute().clone();
        let timer = compute.timer();
        self.output.left.set_source(left.id, &left.batch);
        self.output.right.set_source(right.id, &right.batch);
        while !left.at_last_run() && !right.at_last_run() {
            let room = self.output.room();
            let ((l, l_count), (r, r_count)) = (left.run_rows(), right.run_rows());
            match self.compare(&left, &right) {
                Ordering::Less => {
                    if self.kind == JoinKind::Inner {
                        self.unmatched[0].add(l_count as usize);
                    } else if l_count as usize <= room {
                        self.output.left.push_range(l, l_count);
                        self.output.right.push_no_row(l_count);
                        self.output.rows += l_count as usize;
                    } else {
                        break;
                    }
                    left.run += 1;
                }
                Ordering::Greater => {
                    if self.kind != JoinKind::Full {
                        self.unmatched[1].add(r_count as usize);
                    } else if r_count as usize <= room {
                        self.output.left.push_no_row(r_count);
                        self.output.right.push_range(r, r_count);
                        self.output.rows += r_count as usize;
                    } else {
                        break;
                    }
                    right.run += 1;
                }
                Ordering::Equal => {
                    let Some(rows) = (l_count as usize)
                        .checked_mul(r_count as usize)
                        .filter(|rows| *rows <= room)
                    else {
                        break;
                    };
                    self.output.pick_product((l, l_count), (r, r_count));
                    self.output.rows += rows;
                    left.run += 1;
                    right.run += 1;
                }
            }
        }
        timer.done();
        self.left.chunk = Some(left);
        self.right.chunk = Some(right);
    }

    /// The next left run has no match.
    async fn leave_left_run(&mut self) -> Result<()> {
        let Some(chunk) = &self.left.chunk else {
            return internal_err!("no left run");
        };
        let (mut start, mut count) = chunk.run_rows();
        if self.kind == JoinKind::Inner {
            self.unmatched[0].add(count as usize);
            count = 0;
        }
        self.output.left.set_source(chunk.id, &chunk.batch);
        while count > 0 {
            let rows = count.min(self.output.room() as u32);
            self.output.left.push_range(start, rows);
            self.output.right.push_no_row(rows);
            self.output.rows += rows as usize;
            self.output.flush(false).await?;
            start += rows;
            count -= rows;
        }
        self.left.advance().await
    }

    /// The next right run has no match.
    async fn leave_right_run(&mut self) -> Result<()> {
        let Some(chunk) = &self.right.chunk else {
            return internal_err!("no right run");
        };
        let (mut start, mut count) = chunk.run_rows();
        if self.kind != JoinKind::Full {
            self.unmatched[1].add(count as usize);
            count = 0;
        }
        self.output.right.set_source(chunk.id, &chunk.batch);
        while count > 0 {
            let rows = count.min(self.output.room() as u32);
            self.output.left.push_no_row(rows);
            self.output.right.push_range(start, rows);
            self.output.rows += rows as usize;
            self.output.flush(false).await?;
            start += rows;
            count -= rows;
        }
        self.right.advance().await
    }

    /// The next runs are equal, and may go on in the chunks that follow.
    async fn join_key(&mut self) -> Result<()> {
        self.collect_group().await?;
        loop {
            let Some(chunk) = &self.left.chunk else {
                return internal_err!("no left run");
            };
            let (start, count) = chunk.run_rows();
            let may_go_on = chunk.at_last_run();
            self.output.left.set_source(chunk.id, &chunk.batch);
            for row in start..start + count {
                self.output.join_row(row, self.group.rows()).await?;
            }
            self.left.advance().await?;
            if !(may_go_on && self.left.continues) {
                break;
            }
        }
        self.group.clear();
        Ok(())
    }

    /// Collects all right rows of the next run's key and goes past them.
    async fn collect_group(&mut self) -> Result<()> {
        self.group.clear();
        loop {
            let Some(chunk) = &self.right.chunk else {
                return internal_err!("no right run");
            };
            let (start, len) = chunk.run_rows();
            let may_go_on = chunk.at_last_run();
            self.group.push(Piece {
                id: chunk.id,
                batch: chunk.batch.clone(),
                start,
                len,
            })?;
            self.right.advance().await?;
            if !(may_go_on && self.right.continues) {
                break;
            }
        }
        self.group.finish()
    }
}

impl Output {
    /// The cross product of two ranges (first row, count) of the current sources, left row by left row.
    #[inline]
    fn pick_product(&mut self, (left, left_count): (u32, u32), (right, right_count): (u32, u32)) {
        if right_count == 1 {
            self.left.push_range(left, left_count);
            self.right.push_repeated(right, left_count);
            return;
        }
        for row in left..left + left_count {
            self.left.push_repeated(row, right_count);
            self.right.push_range(right, right_count);
        }
    }

    /// One left row with all rows of the group.
    async fn join_row(&mut self, row: u32, rows: &GroupRows) -> Result<()> {
        for piece in rows.pieces() {
            self.join_piece(row, piece).await?;
        }
        let Some(mut spilled) = rows.spilled()? else {
            return Ok(());
        };
        while let Some(batch) = spilled.next().await {
            let batch = batch?;
            let len = batch.num_rows() as u32;
            self.spilled_batches += 1;
            // A number that neither chunks nor other reads use.
            let id = u64::MAX - self.spilled_batches;
            self.join_piece(
                row,
                &Piece {
                    id,
                    batch,
                    start: 0,
                    len,
                },
            )
            .await?;
        }
        Ok(())
    }

    async fn join_piece(&mut self, row: u32, piece: &Piece) -> Result<()> {
        self.right.set_source(piece.id, &piece.batch);
        let (mut start, mut count) = (piece.start, piece.len);
        while count > 0 {
            let rows = count.min(self.room() as u32);
            self.left.push_repeated(row, rows);
            self.right.push_range(start, rows);
            self.rows += rows as usize;
            self.flush(false).await?;
            start += rows;
            count -= rows;
        }
        Ok(())
    }
}
