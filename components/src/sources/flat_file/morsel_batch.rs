//! A morsel as a record batch of one row, so that it can travel through a plan. The bytes are not copied.

use std::sync::{Arc, LazyLock};

use arrow::{
    array::{Array, BinaryViewArray, BooleanArray, RecordBatch, UInt64Array, make_view},
    buffer::ScalarBuffer,
    datatypes::{DataType, Field, Schema, SchemaRef},
    error::ArrowError,
};

use super::Morsel;

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let number = |name: &str| Field::new(name, DataType::UInt64, false);
    Arc::new(Schema::new(vec![
        Field::new("bytes", DataType::BinaryView, false),
        number("length"),
        number("ordinal"),
        number("first_row"),
        number("offset"),
        Field::new("is_last", DataType::Boolean, false),
    ]))
});

impl Morsel {
    /// The schema of [`into_batch`](Self::into_batch).
    pub fn schema() -> SchemaRef {
        Arc::clone(&SCHEMA)
    }

    pub fn into_batch(self) -> Result<RecordBatch, ArrowError> {
        let view = make_view(self.bytes(), 0, 0);
        let bytes =
            BinaryViewArray::try_new(ScalarBuffer::from(vec![view]), [self.buffer.clone()], None)?;
        let number = |value: u64| Arc::new(UInt64Array::from(vec![value]));
        RecordBatch::try_new(
            Self::schema(),
            vec![
                Arc::new(bytes),
                number(self.length as u64),
                number(self.ordinal),
                number(self.first_row),
                number(self.offset),
                Arc::new(BooleanArray::from(vec![self.is_last])),
            ],
        )
    }

    /// The morsel that a batch carries; `None` for a batch that [`into_batch`](Self::into_batch) did not make.
    pub fn from_batch(batch: &RecordBatch) -> Option<Self> {
        let column = |at: usize| Some(batch.columns().get(at)?.as_any());
        let number = |at: usize| {
            column(at)?
                .downcast_ref::<UInt64Array>()?
                .values()
                .first()
                .copied()
        };
        let bytes = column(0)?.downcast_ref::<BinaryViewArray>()?;
        let is_last = column(5)?.downcast_ref::<BooleanArray>()?;
        Some(Self {
            buffer: bytes.data_buffers().first()?.clone(),
            length: usize::try_from(number(1)?).ok()?,
            ordinal: number(2)?,
            first_row: number(3)?,
            offset: number(4)?,
            is_last: !is_last.is_empty() && is_last.value(0),
        })
    }
}
