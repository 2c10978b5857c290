//! Rows of blocks, in any order, back to columns.

use arrow::{
    array::{ArrayRef, BinaryViewArray, BooleanBufferBuilder, NullArray},
    buffer::{Buffer, NullBuffer, ScalarBuffer},
    datatypes::{DataType, SchemaRef},
    record_batch::{RecordBatch, RecordBatchOptions},
};
use datafusion_common::Result;

use super::rows::{Place, RowBlock};
use crate::transforms::keys::{Codes, array_of_binary_views, array_of_codes, is_coded};

/// Rows taken together: their bytes and cursors stay in the first-level caches.
const STRIDE: usize = 1024;
/// Data buffers of views are addressed by `i32` offsets.
const TEXT_BUFFER_BYTES_MAX: usize = 1 << 30;

/// One row: its bytes from its start, where its columns lie, and the text not yet read.
struct Row<'a> {
    bytes: &'a [u8],
    places: &'a [Place],
    cursor: u32,
}

/// Rows (block, row) of `blocks` as one batch of `schema`.
pub(super) fn gather(
    blocks: &[RowBlock],
    rows: impl Iterator<Item = (usize, usize)>,
    schema: &SchemaRef,
) -> Result<RecordBatch> {
    let rows: Vec<(usize, usize)> = rows.collect();
    let mut columns: Vec<Builder> = schema
        .fields()
        .iter()
        .map(|f| Builder::new(f.data_type(), rows.len()))
        .collect();
    let mut taken = Vec::with_capacity(STRIDE.min(rows.len()));
    for rows in rows.chunks(STRIDE) {
        taken.clear();
        taken.extend(rows.iter().map(|(block, row)| {
            let block = &blocks[*block];
            Row {
                bytes: &block.bytes[block.starts[*row] as usize..],
                places: &block.places,
                cursor: block.fixed,
            }
        }));
        for (index, column) in columns.iter_mut().enumerate() {
            column.append(&mut taken, index);
        }
    }
    let fields = schema.fields().iter();
    let arrays = columns
        .into_iter()
        .zip(fields)
        .map(|(column, field)| column.finish(field.data_type(), rows.len()))
        .collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    Ok(RecordBatch::try_new_with_options(
        SchemaRef::clone(schema),
        arrays,
        &options,
    )?)
}

enum Values {
    Fixed(Codes),
    Texts {
        views: Vec<u128>,
        full: Vec<Buffer>,
        text: Vec<u8>,
    },
    Nothing,
}

struct Builder {
    values: Values,
    /// Set bits are values; made with the first NULL.
    valid: Option<BooleanBufferBuilder>,
    len: usize,
}

impl Builder {
    fn new(data_type: &DataType, rows: usize) -> Self {
        let values = match data_type {
            DataType::Null => Values::Nothing,
            DataType::Decimal128(..) | DataType::FixedSizeBinary(_) => {
                Values::Fixed(Codes::Wide(Vec::with_capacity(rows)))
            }
            coded if is_coded(coded) => Values::Fixed(Codes::Narrow(Vec::with_capacity(rows))),
            _ => Values::Texts {
                views: Vec::with_capacity(rows),
                full: Vec::new(),
                text: Vec::new(),
            },
        };
        Self {
            values,
            valid: None,
            len: 0,
        }
    }

    fn append(&mut self, rows: &mut [Row<'_>], index: usize) {
        self.append_valid(rows, index);
        match &mut self.values {
            Values::Fixed(Codes::Narrow(codes)) => codes.extend(rows.iter().map(|row| {
                let place = &row.places[index];
                (place.base as u64).wrapping_add(row.number(place))
            })),
            Values::Fixed(Codes::Wide(codes)) => codes.extend(rows.iter().map(|row| {
                let place = &row.places[index];
                place.base.wrapping_add(row.wide_number(place))
            })),
            Values::Texts { views, full, text } => {
                for row in rows {
                    let place = &row.places[index];
                    let length = (place.base as u64).wrapping_add(row.number(place)) as usize;
                    let at = row.cursor as usize;
                    row.cursor += length as u32;
                    let value = &row.bytes[at..at + length];
                    if length > 12
                        && text.len() + length > TEXT_BUFFER_BYTES_MAX
                        && !text.is_empty()
                    {
                        full.push(Buffer::from_vec(std::mem::take(text)));
                    }
                    views.push(view(value, full.len() as u32, text.len() as u32));
                    if length > 12 {
                        text.extend_from_slice(value);
                    }
                }
            }
            Values::Nothing => {}
        }
    }

    fn append_valid(&mut self, rows: &[Row<'_>], index: usize) {
        let first_null = rows.iter().position(|row| row.is_null(index));
        if first_null.is_some() && self.valid.is_none() {
            let mut valid = BooleanBufferBuilder::new(self.len + rows.len());
            valid.append_n(self.len, true);
            self.valid = Some(valid);
        }
        if let Some(valid) = &mut self.valid {
            rows.iter()
                .for_each(|row| valid.append(!row.is_null(index)));
        }
        self.len += rows.len();
    }

    fn finish(self, data_type: &DataType, rows: usize) -> Result<ArrayRef> {
        let nulls = self.valid.map(|mut valid| NullBuffer::new(valid.finish()));
        match self.values {
            Values::Nothing => Ok(std::sync::Arc::new(NullArray::new(rows))),
            Values::Fixed(codes) => array_of_codes(&codes, nulls, data_type),
            Values::Texts {
                views,
                mut full,
                text,
            } => {
                if !text.is_empty() {
                    full.push(Buffer::from_vec(text));
                }
                array_of_binary_views(
                    BinaryViewArray::try_new(ScalarBuffer::from(views), full, nulls)?,
                    data_type,
                )
            }
        }
    }
}

impl Row<'_> {
    fn is_null(&self, index: usize) -> bool {
        self.places[index]
            .null_bit
            .is_some_and(|bit| self.bytes[bit as usize / 8] & (1 << (bit % 8)) != 0)
    }

    fn number(&self, place: &Place) -> u64 {
        let at = place.offset as usize;
        match place.width {
            0 => 0,
            1 => u64::from(self.bytes[at]),
            2 => u64::from(u16::from_le_bytes(self.fixed(at))),
            4 => u64::from(u32::from_le_bytes(self.fixed(at))),
            _ => u64::from_le_bytes(self.fixed(at)),
        }
    }

    fn wide_number(&self, place: &Place) -> u128 {
        match place.width {
            16 => u128::from_le_bytes(self.fixed(place.offset as usize)),
            _ => u128::from(self.number(place)),
        }
    }

    fn fixed<const N: usize>(&self, at: usize) -> [u8; N] {
        self.bytes
            .get(at..at + N)
            .and_then(|bytes| bytes.try_into().ok())
            .unwrap_or([0; N])
    }
}

fn view(value: &[u8], buffer: u32, offset: u32) -> u128 {
    let length = value.len();
    let mut view = [0; 16];
    view[..4].copy_from_slice(&(length as u32).to_le_bytes());
    if length <= 12 {
        view[4..4 + length].copy_from_slice(value);
    } else {
        view[4..8].copy_from_slice(&value[..4]);
        view[8..12].copy_from_slice(&buffer.to_le_bytes());
        view[12..].copy_from_slice(&offset.to_le_bytes());
    }
    u128::from_le_bytes(view)
}
