//! Minimum and maximum of numbers, dates and times, by their codes.

use arrow::{
    array::{Array, ArrayRef},
    buffer::NullBuffer,
    datatypes::{DataType, Field},
};
use datafusion_common::Result;

use super::Accumulator;
use crate::transforms::keys::{Codes, array_of_codes, codes_of, normalise_floats};

/// The smallest or largest value of each group; its state is its result.
#[derive(Debug)]
pub(super) struct Extreme {
    data_type: DataType,
    largest: bool,
    best: Codes,
    seen: Vec<bool>,
}

impl Extreme {
    pub(super) fn new(data_type: DataType, largest: bool) -> Self {
        let best = match data_type {
            DataType::Decimal128(..) => Codes::Wide(Vec::new()),
            _ => Codes::Narrow(Vec::new()),
        };
        Self {
            data_type,
            largest,
            best,
            seen: Vec::new(),
        }
    }
}

/// Turned codes make the largest value the smallest code, so one loop serves both.
fn keep<C: Copy + Ord + std::ops::Not<Output = C>>(
    (best, seen): (&mut [C], &mut [bool]),
    codes: &[C],
    groups: &[u32],
    nulls: Option<&NullBuffer>,
    largest: bool,
) {
    let mut keep_one = |group: u32, code: C| {
        let (group, code) = (group as usize, if largest { !code } else { code });
        best[group] = best[group].min(code);
        seen[group] = true;
    };
    match nulls {
        None => groups
            .iter()
            .zip(codes)
            .for_each(|(group, code)| keep_one(*group, *code)),
        Some(nulls) => nulls
            .valid_indices()
            .for_each(|row| keep_one(groups[row], codes[row])),
    }
}

impl Accumulator for Extreme {
    fn update(
        &mut self,
        values: Option<&ArrayRef>,
        groups: &[u32],
        groups_len: usize,
    ) -> Result<()> {
        self.seen.resize(groups_len, false);
        match &mut self.best {
            Codes::Narrow(best) => best.resize(groups_len, u64::MAX),
            Codes::Wide(best) => best.resize(groups_len, u128::MAX),
        }
        let Some(values) = values else { return Ok(()) };
        let nulls = values.nulls().filter(|nulls| nulls.null_count() > 0);
        let mut codes = codes_of(values)?;
        normalise_floats(&mut codes, &self.data_type);
        match (&mut self.best, &codes) {
            (Codes::Narrow(best), Codes::Narrow(codes)) => {
                keep((best, &mut self.seen), codes, groups, nulls, self.largest);
            }
            (Codes::Wide(best), Codes::Wide(codes)) => {
                keep((best, &mut self.seen), codes, groups, nulls, self.largest)
            }
            _ => {
                return datafusion_common::internal_err!(
                    "a column changed its type to {}",
                    values.data_type()
                );
            }
        }
        Ok(())
    }

    fn merge(&mut self, state: &[ArrayRef], groups: &[u32], groups_len: usize) -> Result<()> {
        self.update(state.first(), groups, groups_len)
    }

    fn state_fields(&self) -> Vec<Field> {
        vec![Field::new("extreme", self.data_type.clone(), true)]
    }

    fn state(&self, groups: &[u32]) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.finish(groups)?])
    }

    fn finish(&self, groups: &[u32]) -> Result<ArrayRef> {
        let nulls: NullBuffer = groups
            .iter()
            .map(|group| self.seen[*group as usize])
            .collect();
        let groups = groups.iter().map(|group| *group as usize);
        let codes = match (&self.best, self.largest) {
            (Codes::Narrow(best), true) => {
                Codes::Narrow(groups.map(|group| !best[group]).collect())
            }
            (Codes::Narrow(best), false) => {
                Codes::Narrow(groups.map(|group| best[group]).collect())
            }
            (Codes::Wide(best), true) => Codes::Wide(groups.map(|group| !best[group]).collect()),
            (Codes::Wide(best), false) => Codes::Wide(groups.map(|group| best[group]).collect()),
        };
        array_of_codes(
            &codes,
            Some(nulls).filter(|nulls| nulls.null_count() > 0),
            &self.data_type,
        )
    }

    fn size(&self) -> usize {
        let best = match &self.best {
            Codes::Narrow(best) => best.capacity() * size_of::<u64>(),
            Codes::Wide(best) => best.capacity() * size_of::<u128>(),
        };
        best + self.seen.capacity()
    }
}
