//! The rows of one side that make up an output batch.
//!
//! ```text
//!  batch 7:  rows 100..300     a range: sliced                  ┐
//!  batch 8:  rows 0 0 0 1 2 2  indices: taken                   ├─▶ concatenated if there are several
//!            NULL NULL         index NULL: no row on this side  ┘
//! ```

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, UInt32Array, new_null_array},
    buffer::NullBuffer,
    compute::take,
    datatypes::DataType,
    record_batch::RecordBatch,
};
use datafusion_common::Result;

use crate::transforms::columns::concat_arrays;

/// Stands for "no row" among the indices.
const NO_ROW: u32 = u32::MAX;

/// Collects rows; most picks extend a range or repeat a row.
#[derive(Debug, Default)]
pub(super) struct Picks {
    source: Option<(u64, RecordBatch)>,
    segments: Vec<Segment>,
}

/// Picks from one batch.
#[derive(Debug)]
struct Segment {
    /// `None` as long as no row was picked.
    source: Option<(u64, RecordBatch)>,
    /// The first row of the range.
    start: u32,
    len: u32,
    /// Empty while the picks are a range.
    indices: Vec<u32>,
    has_nulls: bool,
}

impl Picks {
    /// The batch that the next rows are picked from; `id` tells batches apart.
    pub(super) fn set_source(&mut self, id: u64, batch: &RecordBatch) {
        if self.source.as_ref().is_none_or(|source| source.0 != id) {
            self.source = Some((id, batch.clone()));
        }
    }

    /// Rows `start` to `start + count`.
    #[inline]
    pub(super) fn push_range(&mut self, start: u32, count: u32) {
        let segment = self.segment();
        if segment.indices.is_empty() {
            if segment.len == 0 {
                segment.start = start;
                segment.len = count;
                return;
            }
            if segment.start + segment.len == start {
                segment.len += count;
                return;
            }
            segment.write_out();
        }
        segment.indices.extend(start..start + count);
        segment.len += count;
    }

    /// The same row `count` times.
    #[inline]
    pub(super) fn push_repeated(&mut self, row: u32, count: u32) {
        if count == 1 {
            return self.push_range(row, 1);
        }
        let segment = self.segment();
        segment.write_out();
        segment
            .indices
            .extend(std::iter::repeat_n(row, count as usize));
        segment.len += count;
    }

    /// No row of this side, `count` times.
    pub(super) fn push_no_row(&mut self, count: u32) {
        let segment = match self.segments.last_mut() {
            Some(segment) => segment,
            None => self.segments.push_mut(Segment::new(None)),
        };
        segment.write_out();
        segment
            .indices
            .extend(std::iter::repeat_n(NO_ROW, count as usize));
        segment.len += count;
        segment.has_nulls = true;
    }

    /// The segment of the current source.
    #[inline]
    fn segment(&mut self) -> &mut Segment {
        let current = self.source.as_ref().map(|source| source.0);
        let fits = match self.segments.last_mut() {
            Some(last) => match &last.source {
                Some(source) => Some(source.0) == current,
                None => {
                    last.source = self.source.clone();
                    true
                }
            },
            None => false,
        };
        if !fits {
            self.segments.push(Segment::new(self.source.clone()));
        }
        let last = self.segments.len() - 1;
        &mut self.segments[last]
    }

    /// Columns (position in the sources, type) of the rows picked since the last call.
    pub(super) fn finish(&mut self, columns: &[(usize, DataType)]) -> Result<Vec<ArrayRef>> {
        let mut segments = std::mem::take(&mut self.segments);
        let indices: Vec<_> = segments.iter_mut().map(Segment::take_indices).collect();
        columns
            .iter()
            .map(|(column, data_type)| {
                let pieces = segments
                    .iter()
                    .zip(&indices)
                    .map(|(segment, indices)| segment.column(*column, data_type, indices.as_ref()))
                    .collect::<Result<Vec<_>>>()?;
                concat_arrays(&pieces, data_type)
            })
            .collect()
    }
}

impl Segment {
    fn new(source: Option<(u64, RecordBatch)>) -> Self {
        Self {
            source,
            start: 0,
            len: 0,
            indices: Vec::new(),
            has_nulls: false,
        }
    }

    /// From a range to indices.
    #[inline]
    fn write_out(&mut self) {
        if self.indices.is_empty() {
            self.indices.extend(self.start..self.start + self.len);
        }
    }

    /// The indices, if it is not a range.
    fn take_indices(&mut self) -> Option<UInt32Array> {
        if self.indices.is_empty() {
            return None;
        }
        let mut indices = std::mem::take(&mut self.indices);
        let nulls = self.has_nulls.then(|| {
            let nulls = indices
                .iter()
                .map(|index| *index != NO_ROW)
                .collect::<NullBuffer>();
            indices
                .iter_mut()
                .filter(|index| **index == NO_ROW)
                .for_each(|index| *index = 0);
            nulls
        });
        Some(UInt32Array::new(indices.into(), nulls))
    }

    fn column(
        &self,
        column: usize,
        data_type: &DataType,
        indices: Option<&UInt32Array>,
    ) -> Result<ArrayRef> {
        let Some((_, batch)) = &self.source else {
            return Ok(new_null_array(data_type, self.len as usize));
        };
        let values = batch.column(column);
        match indices {
            Some(indices) => Ok(take(values, indices, None)?),
            None if self.start == 0 && self.len as usize == values.len() => Ok(Arc::clone(values)),
            None => Ok(values.slice(self.start as usize, self.len as usize)),
        }
    }
}
