//! The batches of a raw file: of a fixed number of rows, and with no byte that no row needs.
//!
//! ```text
//!  batches as they arrive ──cut──▶ Pieces of 16 K rows together ──join──▶ one batch, its texts in buffers of its own
//! ```
//!
//! Texts travel as views into buffers that many batches share; written as they are, each batch would bring all of them to
//! the file. What a batch becomes depends on its rows only, so that a file does not depend on the number of threads.

use std::{mem, sync::Arc};

use arrow::{
    array::{
        Array, ArrayRef, AsArray, GenericByteViewArray, GenericByteViewBuilder, RecordBatch,
        RecordBatchOptions,
    },
    compute::concat,
    datatypes::{BinaryViewType, ByteViewType, DataType as ArrowType, SchemaRef, StringViewType},
    error::ArrowError,
};

/// Rows of each batch of a file but the last.
pub const BATCH_ROWS: usize = 16_384;

/// Parts of batches that make one batch of the file.
#[derive(Debug, Default)]
pub struct Pieces {
    batches: Vec<RecordBatch>,
    rows: usize,
}

/// Collects rows until a batch of the file is full.
#[derive(Debug, Default)]
pub struct BatchCut {
    pieces: Pieces,
}

impl BatchCut {
    /// Takes rows and yields what is full.
    pub fn add(&mut self, batch: &RecordBatch) -> Vec<Pieces> {
        let mut full = Vec::new();
        let mut at = 0;
        while at < batch.num_rows() {
            let count = (BATCH_ROWS - self.pieces.rows).min(batch.num_rows() - at);
            self.pieces.batches.push(batch.slice(at, count));
            self.pieces.rows += count;
            at += count;
            if self.pieces.rows == BATCH_ROWS {
                full.push(mem::take(&mut self.pieces));
            }
        }
        full
    }

    /// The rows that are left, if any.
    pub fn rest(self) -> Option<Pieces> {
        (self.pieces.rows > 0).then_some(self.pieces)
    }
}

impl Pieces {
    /// The rows as one batch of `schema`, which has the types of the pieces.
    ///
    /// # Errors
    /// [`ArrowError`] if the types differ.
    pub fn join(&self, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
        let columns = (0..schema.fields().len())
            .map(|at| self.column(at))
            .collect::<Result<_, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
    }

    fn column(&self, at: usize) -> Result<ArrayRef, ArrowError> {
        let mut parts: Vec<&dyn Array> = Vec::with_capacity(self.batches.len() + 1);
        for batch in &self.batches {
            let column = batch.columns().get(at).ok_or_else(|| {
                ArrowError::SchemaError(format!("a batch of {at} columns is too narrow"))
            })?;
            parts.push(column.as_ref());
        }
        let Some(first) = parts.first() else {
            return Err(ArrowError::ComputeError("there are no rows".to_owned()));
        };
        match first.data_type() {
            ArrowType::Utf8View => views::<StringViewType>(&parts),
            ArrowType::BinaryView => views::<BinaryViewType>(&parts),
            _ => {
                // A single part would be handed through with its neighbours' bits in the last byte of its bitmaps.
                let none = first.slice(0, 0);
                parts.push(none.as_ref());
                concat(&parts)
            }
        }
    }
}

/// Copies texts or bytes to buffers that hold nothing else.
fn views<T: ByteViewType>(parts: &[&dyn Array]) -> Result<ArrayRef, ArrowError> {
    let rows = parts.iter().map(|part| part.len()).sum();
    let mut joined = GenericByteViewBuilder::<T>::with_capacity(rows);
    for part in parts {
        let part: &GenericByteViewArray<T> = part.as_byte_view_opt().ok_or_else(|| {
            ArrowError::SchemaError(format!("{} among texts or bytes", part.data_type()))
        })?;
        part.iter().for_each(|value| joined.append_option(value));
    }
    Ok(Arc::new(joined.finish()))
}

#[cfg(test)]
mod tests {
    use arrow::{
        array::{BooleanArray, Int32Array, StringViewArray},
        datatypes::{Field, Schema},
    };

    use super::*;

    fn rows(count: usize) -> RecordBatch {
        let schema = Schema::new(vec![
            Field::new("k", ArrowType::Int32, true),
            Field::new("b", ArrowType::Boolean, true),
            Field::new("t", ArrowType::Utf8View, true),
        ]);
        let some = |k: usize| (!k.is_multiple_of(5)).then_some(k);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int32Array::from_iter(
                (0..count).map(|k| Some(some(k)? as i32)),
            )),
            Arc::new(BooleanArray::from_iter(
                (0..count).map(|k| Some(some(k)? % 3 == 0)),
            )),
            Arc::new(StringViewArray::from_iter(
                (0..count).map(|k| Some(format!("text of {} bytes and more", some(k)?))),
            )),
        ];
        RecordBatch::try_new(Arc::new(schema), columns).unwrap()
    }

    fn joined(rows: &RecordBatch, step: usize) -> Vec<RecordBatch> {
        let mut cut = BatchCut::default();
        let mut pieces = Vec::new();
        for at in (0..rows.num_rows()).step_by(step) {
            pieces.extend(cut.add(&rows.slice(at, step.min(rows.num_rows() - at))));
        }
        pieces.extend(cut.rest());
        let join = |pieces: &Pieces| pieces.join(&rows.schema()).unwrap();
        pieces.iter().map(join).collect()
    }

    #[test]
    fn batches_depend_on_rows_only() {
        let rows = rows(2 * BATCH_ROWS + 13);
        let whole = joined(&rows, rows.num_rows());
        let counts: Vec<usize> = whole.iter().map(RecordBatch::num_rows).collect();
        assert_eq!(counts, [BATCH_ROWS, BATCH_ROWS, 13]);
        for step in [1000, BATCH_ROWS, BATCH_ROWS + 1] {
            let parts = joined(&rows, step);
            assert_eq!(parts, whole);
            // buffers too, bit by bit
            let buffers = |batch: &RecordBatch| {
                let columns = batch.columns().iter().map(|column| column.to_data());
                let buffers = columns.map(|data| {
                    let nulls = data.nulls().map(|nulls| nulls.inner().sliced());
                    (data.buffers().to_vec(), nulls)
                });
                buffers.collect::<Vec<_>>()
            };
            assert!(
                parts.iter().map(buffers).eq(whole.iter().map(buffers)),
                "{step}"
            );
        }
    }

    #[test]
    fn a_batch_keeps_no_text_of_others() {
        let batch = &joined(&rows(BATCH_ROWS + 1), 4000)[1];
        assert!(batch.column(2).get_array_memory_size() < 64 << 10);
    }
}
