//! Counts of rows or of values.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, UInt64Array},
    datatypes::{DataType, Field, UInt64Type},
};
use datafusion_common::Result;

use super::Accumulator;

/// Rows, or values that are not NULL where there is a column.
#[derive(Debug, Default)]
pub(super) struct Count {
    counts: Vec<u64>,
}

impl Accumulator for Count {
    fn update(
        &mut self,
        values: Option<&ArrayRef>,
        groups: &[u32],
        groups_len: usize,
    ) -> Result<()> {
        self.counts.resize(groups_len, 0);
        match values
            .and_then(|values| values.logical_nulls())
            .filter(|nulls| nulls.null_count() > 0)
        {
            None => groups
                .iter()
                .for_each(|group| self.counts[*group as usize] += 1),
            Some(nulls) => groups
                .iter()
                .zip(nulls.iter())
                .for_each(|(group, valid)| self.counts[*group as usize] += u64::from(valid)),
        }
        Ok(())
    }

    fn merge(&mut self, state: &[ArrayRef], groups: &[u32], groups_len: usize) -> Result<()> {
        self.counts.resize(groups_len, 0);
        let counts = state[0].as_primitive::<UInt64Type>().values();
        groups
            .iter()
            .zip(counts)
            .for_each(|(group, count)| self.counts[*group as usize] += count);
        Ok(())
    }

    fn state_fields(&self) -> Vec<Field> {
        vec![Field::new("count", DataType::UInt64, false)]
    }

    fn state(&self, groups: &[u32]) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.finish(groups)?])
    }

    fn finish(&self, groups: &[u32]) -> Result<ArrayRef> {
        Ok(Arc::new(
            groups
                .iter()
                .map(|group| self.counts[*group as usize])
                .collect::<UInt64Array>(),
        ))
    }

    fn size(&self) -> usize {
        self.counts.capacity() * size_of::<u64>()
    }
}
