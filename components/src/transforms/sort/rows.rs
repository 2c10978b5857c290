//! Rows held back by a sort, as bytes.
//!
//! A batch becomes one [`RowBlock`]: each row is one stretch of bytes, so that a row taken at random costs one or two
//! cache misses instead of one per column.
//!
//! ```text
//!  row:  | null bits | column 0 | column 1 | length 2 | length 4 | ... | text 2 | text 4 |
//!          of columns  fixed part: offset and width are the same       in column order
//!          with NULLs  in all rows of the block
//! ```
//!
//! A fixed-width value is stored as the distance of its code from the block's smallest one, in as few bytes as the
//! block's largest distance needs: prices of a `Decimal128` take 3 to 4 bytes, a constant column none.

use arrow::{
    array::{Array, ArrayRef, BinaryViewArray},
    buffer::NullBuffer,
    datatypes::DataType,
    record_batch::RecordBatch,
};
use datafusion_common::{Result, resources_err};

use crate::transforms::keys::{Codes, binary_views, codes_of, is_coded};

/// Where a column lies in each row of a block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// Offset of the value, or of the text's length, in the row.
    pub(super) offset: u32,
    /// Bytes of it: 0, 1, 2, 4, 8 or 16.
    pub(super) width: u8,
    pub(super) null_bit: Option<u32>,
    /// To be added to the stored number.
    pub(super) base: u128,
}

/// The passed-through columns of one batch.
#[derive(Debug)]
pub(super) struct RowBlock {
    pub(super) places: Vec<Place>,
    /// Length of the part before the texts.
    pub(super) fixed: u32,
    pub(super) starts: Vec<u32>,
    pub(super) bytes: Vec<u8>,
}

enum Values {
    Fixed(Codes),
    Bytes(BinaryViewArray),
    /// A column of type Null.
    Nothing,
}

struct Column {
    values: Values,
    nulls: Option<NullBuffer>,
}

impl RowBlock {
    /// Encodes the columns at `columns`.
    ///
    /// # Errors
    /// Rows of more than 4 GiB in one batch.
    pub(super) fn try_new(batch: &RecordBatch, columns: &[usize]) -> Result<Self> {
        let columns = columns
            .iter()
            .map(|index| Column::try_new(batch.column(*index)))
            .collect::<Result<Vec<_>>>()?;
        let (places, fixed) = places(&columns);
        let mut ends = vec![u64::from(fixed); batch.num_rows()];
        for column in &columns {
            if let Values::Bytes(array) = &column.values {
                for (row, end) in ends.iter_mut().enumerate() {
                    *end += u64::from(column.length(array, row));
                }
            }
        }
        let mut total = 0;
        let mut starts = Vec::with_capacity(ends.len());
        for end in ends {
            match u32::try_from(total) {
                Ok(start) => starts.push(start),
                Err(_) => {
                    return resources_err!(
                        "one batch holds more than 4 GiB: use fewer rows in a batch"
                    );
                }
            }
            total += end;
        }
        let bytes = vec![0; total as usize];
        let mut block = Self {
            places,
            fixed,
            starts,
            bytes,
        };
        block.fill(&columns);
        Ok(block)
    }

    pub(super) fn len(&self) -> usize {
        self.starts.len()
    }

    pub(super) fn size(&self) -> usize {
        self.bytes.capacity()
            + self.starts.capacity() * size_of::<u32>()
            + self.places.len() * size_of::<Place>()
    }

    fn fill(&mut self, columns: &[Column]) {
        let Self {
            places,
            fixed,
            starts,
            bytes,
        } = self;
        let mut cursors: Vec<u32> = starts.iter().map(|start| start + *fixed).collect();
        for (column, place) in columns.iter().zip(places) {
            let starts = starts.as_slice();
            if let (Some(bit), Some(nulls)) = (place.null_bit, &column.nulls) {
                for (start, _) in starts.iter().zip(nulls.iter()).filter(|(_, valid)| !valid) {
                    bytes[*start as usize + bit as usize / 8] |= 1 << (bit % 8);
                }
            }
            match &column.values {
                Values::Fixed(Codes::Narrow(codes)) => {
                    let base = place.base as u64;
                    write(
                        bytes,
                        starts,
                        *place,
                        codes.iter().map(|code| u128::from(code.wrapping_sub(base))),
                    );
                }
                Values::Fixed(Codes::Wide(codes)) => {
                    write(
                        bytes,
                        starts,
                        *place,
                        codes.iter().map(|code| code.wrapping_sub(place.base)),
                    );
                }
                Values::Bytes(array) => {
                    let lengths = (0..array.len()).map(|row| column.length(array, row));
                    let base = place.base as u32;
                    write(
                        bytes,
                        starts,
                        *place,
                        lengths.map(|length| u128::from(length.wrapping_sub(base))),
                    );
                    copy_texts(bytes, column, array, &mut cursors);
                }
                Values::Nothing => {}
            }
        }
    }
}

/// Writes one number into each row.
fn write(bytes: &mut [u8], starts: &[u32], place: Place, values: impl Iterator<Item = u128>) {
    let rows = starts
        .iter()
        .map(|start| (*start + place.offset) as usize)
        .zip(values);
    match place.width {
        0 => {}
        1 => rows.for_each(|(at, value)| bytes[at] = value as u8),
        2 => rows.for_each(|(at, value)| {
            bytes[at..at + 2].copy_from_slice(&(value as u16).to_le_bytes())
        }),
        4 => rows.for_each(|(at, value)| {
            bytes[at..at + 4].copy_from_slice(&(value as u32).to_le_bytes())
        }),
        8 => rows.for_each(|(at, value)| {
            bytes[at..at + 8].copy_from_slice(&(value as u64).to_le_bytes())
        }),
        _ => rows.for_each(|(at, value)| bytes[at..at + 16].copy_from_slice(&value.to_le_bytes())),
    }
}

fn copy_texts(bytes: &mut [u8], column: &Column, array: &BinaryViewArray, cursors: &mut [u32]) {
    let buffers = array.data_buffers();
    for ((row, view), cursor) in array.views().iter().enumerate().zip(cursors) {
        let length = column.length(array, row) as usize;
        let at = *cursor as usize;
        if length <= 12 {
            bytes[at..at + length].copy_from_slice(&view.to_le_bytes()[4..4 + length]);
        } else {
            let (buffer, offset) = ((*view >> 64) as u32 as usize, (*view >> 96) as usize);
            bytes[at..at + length].copy_from_slice(&buffers[buffer][offset..offset + length]);
        }
        *cursor += length as u32;
    }
}

impl Column {
    fn try_new(array: &ArrayRef) -> Result<Self> {
        let nulls = array.logical_nulls().filter(|nulls| nulls.null_count() > 0);
        let values = match array.data_type() {
            DataType::Null => Values::Nothing,
            coded if is_coded(coded) => Values::Fixed(codes_of(array)?),
            _ => Values::Bytes(binary_views(array)?),
        };
        Ok(Self { values, nulls })
    }

    fn length(&self, array: &BinaryViewArray, row: usize) -> u32 {
        match &self.nulls {
            Some(nulls) if nulls.is_null(row) => 0,
            _ => array.views()[row] as u32,
        }
    }

    /// Smallest and largest stored number.
    fn range(&self) -> (u128, u128) {
        match &self.values {
            Values::Fixed(codes) => codes.range(self.nulls.as_ref()).unwrap_or((0, 0)),
            Values::Bytes(array) => {
                let lengths = (0..array.len()).map(|row| self.length(array, row));
                let (low, high) = lengths.fold((u32::MAX, 0), |(low, high), length| {
                    (low.min(length), high.max(length))
                });
                (u128::from(low.min(high)), u128::from(high))
            }
            Values::Nothing => (0, 0),
        }
    }
}

fn places(columns: &[Column]) -> (Vec<Place>, u32) {
    let null_bits = columns
        .iter()
        .filter(|column| column.nulls.is_some())
        .count();
    let mut offset = null_bits.div_ceil(8) as u32;
    let mut next_bit = 0;
    let places = columns
        .iter()
        .map(|column| {
            let (low, high) = column.range();
            let width = match 128 - (high - low).leading_zeros() {
                0 => 0,
                1..=8 => 1,
                9..=16 => 2,
                17..=32 => 4,
                33..=64 => 8,
                _ => 16,
            };
            let null_bit = column.nulls.as_ref().map(|_| {
                next_bit += 1;
                next_bit - 1
            });
            let place = Place {
                offset,
                width,
                null_bit,
                base: low,
            };
            offset += u32::from(width);
            place
        })
        .collect();
    (places, offset)
}
