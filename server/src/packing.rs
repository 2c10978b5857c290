//! Batches as they travel: text and bytes lie packed, in place of views into what was read.
//!
//! ```text
//!  views of 16 bytes + whole chunks of a file ──▶ offsets of 4 bytes + the values alone
//! ```
//!
//! A view of our own points into the chunk that its row was read from. Sent as it is, it takes all of the chunk along, once for
//! each message that the batch is cut into.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, RecordBatch, RecordBatchOptions},
    compute::cast,
    datatypes::{DataType, Field, Schema, SchemaRef},
    error::ArrowError,
};

fn packed_type(data_type: &DataType) -> Option<DataType> {
    match data_type {
        DataType::Utf8View => Some(DataType::Utf8),
        DataType::BinaryView => Some(DataType::Binary),
        _ => None,
    }
}

/// The schema of packed batches.
pub(crate) fn packed_schema(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| {
        packed_type(field.data_type()).map_or_else(
            || Arc::clone(field),
            |packed| Arc::new(Field::clone(field).with_data_type(packed)),
        )
    });
    let fields: Vec<_> = fields.collect();
    Arc::new(Schema::new(fields).with_metadata(schema.metadata().clone()))
}

/// The columns of a batch, or all of them, packed; `schema` is theirs.
pub(crate) fn packed(
    batch: &RecordBatch,
    columns: Option<&[usize]>,
    schema: &SchemaRef,
) -> Result<RecordBatch, ArrowError> {
    let pack = |array: &ArrayRef| match packed_type(array.data_type()) {
        Some(packed) => cast(array, &packed),
        None => Ok(Arc::clone(array)),
    };
    let arrays: Result<Vec<ArrayRef>, _> = match columns {
        None => batch.columns().iter().map(pack).collect(),
        Some(columns) => columns.iter().map(|at| pack(batch.column(*at))).collect(),
    };
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), arrays?, &rows)
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, Int32Array, StringViewArray};

    use super::*;

    #[test]
    fn texts_travel_without_the_chunk_they_were_read_from() {
        let long = "a text that is longer than a view".repeat(1000);
        let texts = StringViewArray::from_iter([Some(long.as_str()), Some("short"), None]);
        let schema = Schema::new(vec![
            Field::new("n", DataType::Int32, true),
            Field::new("t", DataType::Utf8View, true),
        ]);
        let arrays: Vec<ArrayRef> =
            vec![Arc::new(Int32Array::from(vec![1, 2, 3])), Arc::new(texts)];
        let batch = RecordBatch::try_new(Arc::new(schema.clone()), arrays).unwrap();
        let tail = batch.slice(1, 2);
        let target = packed_schema(&schema.project(&[1]).unwrap());
        let packed = packed(&tail, Some(&[1]), &target).unwrap();
        assert_eq!(packed.schema(), target);
        let text = packed.column(0);
        assert_eq!(text.data_type(), &DataType::Utf8);
        assert_eq!((text.len(), text.null_count()), (2, 1));
        assert!(text.get_array_memory_size() < 1000);
    }
}
