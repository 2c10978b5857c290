//! Counts of distinct values.
//!
//! The state of a group is its values, packed one after another: the bytes of a code, or a length and the text.

use std::sync::Arc;

use arrow::{
    array::{
        Array, ArrayRef, AsArray, BinaryViewBuilder, LargeBinaryArray, LargeBinaryBuilder,
        UInt64Array,
    },
    datatypes::{DataType, Field},
};
use datafusion_common::{Result, internal_datafusion_err};

use super::{
    Accumulator,
    pair_set::{PairSet, Value},
};
use crate::transforms::keys::{
    ClassedValues, Codes, CollatedValues, array_of_binary_views, array_of_codes, codes_of,
    is_coded, normalise_floats,
};

/// Values taken from a state at a time.
const MERGE_ROWS: usize = 8192;

/// The accumulator for columns of this type.
pub(super) fn accumulator(
    data_type: &DataType,
    locale_id: u32,
    comparison_flags: u32,
) -> Result<Box<dyn Accumulator>> {
    Ok(match data_type {
        DataType::Decimal128(..) | DataType::FixedSizeBinary(16) => {
            Box::new(Distinct::<u128>::new(data_type.clone(), None))
        }
        coded if is_coded(coded) => match coded.primitive_width() {
            Some(8) => Box::new(Distinct::<u64>::new(coded.clone(), None)),
            _ => Box::new(Distinct::<u32>::new(coded.clone(), None)),
        },
        other => {
            let values = CollatedValues::try_new(other, locale_id, comparison_flags)?;
            Box::new(Distinct::<u32>::new(
                other.clone(),
                Some(ClassedValues::new(values)),
            ))
        }
    })
}

struct Distinct<V: Value> {
    data_type: DataType,
    texts: Option<ClassedValues>,
    set: PairSet<V>,
}

impl<V: Value> Distinct<V> {
    fn new(data_type: DataType, texts: Option<ClassedValues>) -> Self {
        Self {
            data_type,
            texts,
            set: PairSet::default(),
        }
    }

    fn insert(&mut self, array: &ArrayRef, groups: &[u32]) -> Result<()> {
        let nulls = array.logical_nulls().filter(|nulls| nulls.null_count() > 0);
        let valid = |row: usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
        if let Some(texts) = &mut self.texts {
            let mut ids = Vec::new();
            texts.intern(array, &mut ids)?;
            for (row, group) in groups.iter().enumerate().filter(|(row, _)| valid(*row)) {
                self.set
                    .insert(*group, V::from_code(u128::from(texts.class(ids[row]))));
            }
            return Ok(());
        }
        let mut codes = codes_of(array)?;
        normalise_floats(&mut codes, &self.data_type);
        let rows = groups.iter().enumerate().filter(|(row, _)| valid(*row));
        match codes {
            Codes::Narrow(codes) => {
                rows.for_each(|(row, group)| {
                    self.set
                        .insert(*group, V::from_code(u128::from(codes[row])))
                });
            }
            Codes::Wide(codes) => {
                rows.for_each(|(row, group)| self.set.insert(*group, V::from_code(codes[row])))
            }
        }
        Ok(())
    }

    /// An array of the values that start `bytes`, and the bytes after them.
    fn unpack<'a>(&self, bytes: &'a [u8]) -> Result<(ArrayRef, &'a [u8])> {
        let broken =
            || internal_datafusion_err!("the state of a distinct count ends within a value");
        let mut rest = bytes;
        if self.texts.is_some() {
            let mut values = BinaryViewBuilder::with_capacity(MERGE_ROWS);
            for _ in 0..MERGE_ROWS {
                if rest.is_empty() {
                    break;
                }
                let (length, after) = rest.split_first_chunk::<8>().ok_or_else(broken)?;
                let length = u64::from_le_bytes(*length) as usize;
                let (value, after) = after.split_at_checked(length).ok_or_else(broken)?;
                values.append_value(value);
                rest = after;
            }
            return Ok((
                array_of_binary_views(values.finish(), &self.data_type)?,
                rest,
            ));
        }
        let width = size_of::<V>();
        let (packed, rest) = rest.split_at(rest.len().min(MERGE_ROWS * width));
        let code = |bytes: &[u8]| {
            bytes
                .iter()
                .rev()
                .fold(0, |code, byte| code << 8 | u128::from(*byte))
        };
        let values: Vec<u128> = packed.chunks_exact(width).map(code).collect();
        let codes = match self.data_type {
            DataType::Decimal128(..) | DataType::FixedSizeBinary(_) => Codes::Wide(values),
            _ => Codes::Narrow(values.into_iter().map(|code| code as u64).collect()),
        };
        Ok((array_of_codes(&codes, None, &self.data_type)?, rest))
    }
}

impl<V: Value> Accumulator for Distinct<V> {
    fn update(
        &mut self,
        values: Option<&ArrayRef>,
        groups: &[u32],
        groups_len: usize,
    ) -> Result<()> {
        self.set.resize(groups_len);
        match values {
            Some(values) => self.insert(values, groups),
            None => Ok(()),
        }
    }

    fn merge(&mut self, state: &[ArrayRef], groups: &[u32], groups_len: usize) -> Result<()> {
        self.set.resize(groups_len);
        let packed: &LargeBinaryArray = state[0].as_binary();
        for (group, bytes) in groups.iter().zip(packed.iter()) {
            let mut rest = bytes.unwrap_or_default();
            while !rest.is_empty() {
                let values;
                (values, rest) = self.unpack(rest)?;
                if values.is_empty() {
                    return Err(internal_datafusion_err!(
                        "the state of a distinct count ends within a value"
                    ));
                }
                self.insert(&values, &vec![*group; values.len()])?;
            }
        }
        Ok(())
    }

    fn state_fields(&self) -> Vec<Field> {
        vec![Field::new("values", DataType::LargeBinary, false)]
    }

    fn prepare_state(&mut self) {
        self.set.sort();
    }

    fn state(&self, groups: &[u32]) -> Result<Vec<ArrayRef>> {
        let mut packed = LargeBinaryBuilder::new();
        let mut bytes = Vec::new();
        for group in groups {
            bytes.clear();
            for value in self.set.values(*group) {
                let code = value.to_code();
                match &self.texts {
                    None => bytes.extend_from_slice(&code.to_le_bytes()[..size_of::<V>()]),
                    Some(texts) => {
                        let text = texts.values().value(code as u32);
                        bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
                        bytes.extend_from_slice(text);
                    }
                }
            }
            packed.append_value(&bytes);
        }
        Ok(vec![Arc::new(packed.finish())])
    }

    fn finish(&self, groups: &[u32]) -> Result<ArrayRef> {
        Ok(Arc::new(
            groups
                .iter()
                .map(|group| self.set.count(*group))
                .collect::<UInt64Array>(),
        ))
    }

    fn size(&self) -> usize {
        self.set.size() + self.texts.as_ref().map_or(0, ClassedValues::size)
    }
}
