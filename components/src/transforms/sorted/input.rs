//! Reads an input that is declared sorted, batch by batch, and checks that it is.

use std::{cmp::Ordering, sync::Arc};

use arrow::{array::ArrayRef, record_batch::RecordBatch, util::display::array_value_to_string};
use datafusion_common::{DataFusionError, Result};
use datafusion_execution::SendableRecordBatchStream;
use datafusion_physical_plan::metrics::{Count, Time};
use dtsx::SsisCode;
use futures::StreamExt;

use super::{KeyEncoder, encoder::EncodedKeys};
use crate::flow::FlowError;

/// What an input is called in errors.
#[derive(Debug, Clone)]
pub(crate) struct InputDescription {
    /// Path of the component in the package.
    pub(crate) component: String,
    pub(crate) name: String,
}

/// Makes of an input batch the columns that are needed downstream.
pub(crate) type Projection = Box<dyn Fn(&RecordBatch) -> Result<RecordBatch> + Send + Sync>;

/// The batch that is being read, with at least one row.
pub(crate) struct Chunk<K> {
    /// The needed columns.
    pub(crate) batch: RecordBatch,
    /// Different for each chunk of an input.
    pub(crate) id: u64,
    pub(crate) keys: K,
    /// Where each run of equal keys starts, and the number of rows at the end.
    pub(crate) starts: Vec<u32>,
    /// The run that is next.
    pub(crate) run: usize,
    key_columns: Vec<ArrayRef>,
}

impl<K> Chunk<K> {
    /// First row and number of rows of the next run.
    pub(crate) fn run_rows(&self) -> (u32, u32) {
        let start = self.starts[self.run];
        (start, self.starts[self.run + 1] - start)
    }

    /// The next run may go on in the next chunk.
    pub(crate) fn at_last_run(&self) -> bool {
        self.run + 2 == self.starts.len()
    }
}

/// The last row of the chunk before.
struct LastRow<K> {
    keys: K,
    columns: Vec<ArrayRef>,
}

/// A sorted input, one chunk at a time.
pub(crate) struct SortedInput<K> {
    batches: SendableRecordBatchStream,
    projection: Projection,
    encoder: KeyEncoder,
    description: InputDescription,
    /// `None` before the first [`advance`](Self::advance) and at the end.
    pub(crate) chunk: Option<Chunk<K>>,
    /// The first run of the chunk has the key of the last run of the chunk before.
    pub(crate) continues: bool,
    last: Option<LastRow<K>>,
    chunks: u64,
    rows: u64,
    rows_in: Count,
    compute: Time,
}

impl<K: EncodedKeys> SortedInput<K> {
    pub(crate) fn new(
        batches: SendableRecordBatchStream,
        projection: Projection,
        encoder: KeyEncoder,
        description: InputDescription,
        rows_in: Count,
        compute: Time,
    ) -> Self {
        Self {
            batches,
            projection,
            encoder,
            description,
            chunk: None,
            continues: false,
            last: None,
            chunks: 0,
            rows: 0,
            rows_in,
            compute,
        }
    }

    /// Goes to the next run, reading the next chunk if need be.
    ///
    /// # Errors
    ///
    /// Those of the input; DTS_E_INPUTMUSTBESORTED for a row smaller than the one before it.
    pub(crate) async fn advance(&mut self) -> Result<()> {
        if let Some(chunk) = &mut self.chunk
            && !chunk.at_last_run()
        {
            chunk.run += 1;
            return Ok(());
        }
        self.next_chunk().await
    }

    /// Leaves the rest of the chunk.
    pub(crate) async fn next_chunk(&mut self) -> Result<()> {
        if let Some(chunk) = self.chunk.take() {
            let row = chunk.keys.len() - 1;
            let columns = chunk
                .key_columns
                .iter()
                .map(|column| column.slice(row, 1))
                .collect();
            self.last = Some(LastRow {
                keys: chunk.keys,
                columns,
            });
        }
        self.continues = false;
        while let Some(batch) = self.batches.next().await {
            let batch = batch?;
            self.rows_in.add(batch.num_rows());
            if batch.num_rows() > 0 {
                let compute = self.compute.clone();
                let _timer = compute.timer();
                return self.read(&batch);
            }
        }
        Ok(())
    }

    fn read(&mut self, batch: &RecordBatch) -> Result<()> {
        let key_columns: Vec<ArrayRef> = self
            .encoder
            .columns()
            .iter()
            .map(|key| Arc::clone(batch.column(key.column)))
            .collect();
        let keys = K::encode(&self.encoder, &key_columns)?;
        if let Some(last) = &self.last {
            match last.keys.compare(last.keys.len() - 1, &keys, 0) {
                Ordering::Less => {}
                Ordering::Equal => self.continues = true,
                Ordering::Greater => {
                    return Err(self.not_sorted(batch, &key_columns, 0, &last.columns, 0));
                }
            }
        }
        let starts = match keys.run_starts() {
            Ok(starts) => starts,
            Err(row) => {
                return Err(self.not_sorted(batch, &key_columns, row, &key_columns, row - 1));
            }
        };
        self.rows += batch.num_rows() as u64;
        self.chunks += 1;
        let batch = (self.projection)(batch)?;
        self.chunk = Some(Chunk {
            batch,
            id: self.chunks,
            keys,
            starts,
            run: 0,
            key_columns,
        });
        Ok(())
    }

    fn not_sorted(
        &self,
        batch: &RecordBatch,
        columns: &[ArrayRef],
        row: usize,
        columns_before: &[ArrayRef],
        row_before: usize,
    ) -> DataFusionError {
        let number = self.rows + row as u64 + 1;
        let schema = batch.schema();
        let name = |at: usize| {
            schema
                .field(self.encoder.columns()[at].column)
                .name()
                .clone()
        };
        let values = |columns: &[ArrayRef], row: usize| {
            let values = columns.iter().enumerate().map(|(at, column)| {
                let value = if column.is_null(row) {
                    "NULL".to_owned()
                } else {
                    array_value_to_string(column, row).unwrap_or_else(|error| format!("({error})"))
                };
                format!("`{}` = {value}", name(at))
            });
            values.collect::<Vec<_>>().join(", ")
        };
        let descending = self.encoder.columns().iter().all(|key| key.descending);
        let message = format!(
            "{}: input is declared sorted but row {number} ({}) is {} than row {} ({}); sort it in the order of the \
             component (locale and comparison flags; NULL is the smallest value{}), for example with a Sort before it",
            self.description.name,
            values(columns, row),
            if descending { "larger" } else { "smaller" },
            number - 1,
            values(columns_before, row_before),
            if self.encoder.has_signs() {
                "; hyphens and apostrophes count last, unlike in the order of a SQL_ collation"
            } else {
                ""
            },
        );
        FlowError::new(
            &self.description.component,
            Some(SsisCode::INPUT_MUST_BE_SORTED),
            message,
        )
        .with_column(name(0))
        .with_row(number)
        .into()
    }
}
