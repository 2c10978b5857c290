//! Distinct text or byte values of a column: a number for each, in order of arrival.
//!
//! A value of up to 12 bytes is found by its view, an integer, without looking at the text; the same value in the next
//! row is found without hashing. Each distinct value is copied once, so no batch is kept alive.

use std::hash::BuildHasher;

use arrow::array::{Array, BinaryViewArray};
use datafusion_common::{Result, resources_err};
use hashbrown::{DefaultHashBuilder, HashTable};

/// Many byte strings in one buffer, by number.
#[derive(Debug, Default)]
pub(crate) struct ByteStore {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl ByteStore {
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn get(&self, id: u32) -> &[u8] {
        let id = id as usize;
        let start = if id == 0 { 0 } else { self.ends[id - 1] };
        &self.bytes[start..self.ends[id]]
    }

    /// Appends what `write` appends to the buffer as the next byte string.
    pub(crate) fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
        self.ends.push(self.bytes.len());
    }

    pub(crate) fn size(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * size_of::<usize>()
    }
}

/// Numbers the distinct values of a column.
#[derive(Debug, Default)]
pub(crate) struct DistinctValues {
    values: ByteStore,
    /// Values of up to 12 bytes: their view and number.
    short: HashTable<(u128, u32)>,
    /// Number and hash of longer values.
    long: HashTable<(u64, u32)>,
    hasher: DefaultHashBuilder,
}

impl DistinctValues {
    pub(crate) fn values(&self) -> &ByteStore {
        &self.values
    }

    pub(crate) fn size(&self) -> usize {
        self.values.size() + self.short.allocation_size() + self.long.allocation_size()
    }

    /// Appends the number of each value of `array` to `ids` (0 for NULL). New values get the next numbers.
    pub(crate) fn intern(&mut self, array: &BinaryViewArray, ids: &mut Vec<u32>) -> Result<()> {
        let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0);
        ids.reserve(array.len());
        let mut last: Option<(u128, u32)> = None;
        for (row, view) in array.views().iter().enumerate() {
            if nulls.is_some_and(|nulls| nulls.is_null(row)) {
                ids.push(0);
                continue;
            }
            let id = match last {
                Some((seen, id)) if seen == *view => id,
                _ if *view as u32 <= 12 => self.short_id(*view)?,
                _ => self.long_id(array.value(row))?,
            };
            last = Some((*view, id));
            ids.push(id);
        }
        Ok(())
    }

    fn short_id(&mut self, view: u128) -> Result<u32> {
        let hash = self.hasher.hash_one(view);
        if let Some((_, id)) = self.short.find(hash, |entry| entry.0 == view) {
            return Ok(*id);
        }
        let length = (view as u32 as usize).min(12);
        let id = self.append(&view.to_le_bytes()[4..4 + length])?;
        let hasher = &self.hasher;
        self.short
            .insert_unique(hash, (view, id), |entry| hasher.hash_one(entry.0));
        Ok(id)
    }

    fn long_id(&mut self, value: &[u8]) -> Result<u32> {
        let hash = self.hasher.hash_one(value);
        let values = &self.values;
        if let Some((_, id)) = self.long.find(hash, |entry| {
            entry.0 == hash && values.get(entry.1) == value
        }) {
            return Ok(*id);
        }
        let id = self.append(value)?;
        self.long.insert_unique(hash, (hash, id), |entry| entry.0);
        Ok(id)
    }

    fn append(&mut self, value: &[u8]) -> Result<u32> {
        let Ok(id) = u32::try_from(self.values.len()) else {
            return resources_err!("a key column has more than {} distinct values", u32::MAX);
        };
        self.values
            .push_with(|bytes| bytes.extend_from_slice(value));
        Ok(id)
    }
}
