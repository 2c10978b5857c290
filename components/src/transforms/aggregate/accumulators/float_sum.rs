//! Exact sums of floats.
//!
//! Each group keeps its sum as a few floats of decreasing size that do not overlap: their exact sum is the exact sum of
//! the values so far (Shewchuk's expansions). It is rounded once, at the end, so the order of the values cannot matter.
//! Values near the limit of the type are kept scaled down, so that a sum may pass beyond the limit and come back.

use std::sync::Arc;

use arrow::{
    array::{
        Array, ArrayRef, AsArray, Float64Array, LargeBinaryArray, LargeBinaryBuilder, UInt64Array,
    },
    compute::cast,
    datatypes::{DataType, Field, Float64Type, UInt64Type},
};
use datafusion_common::{Result, internal_err};

use super::Accumulator;
use crate::transforms::aggregate::{AggregateColumn, AggregateError, Operation};

/// Values from here on are kept times [`SCALE`].
const LARGE: f64 = 1.0715086071862673e301; // 2^1000
const SCALE: f64 = 1.0 / 340282366920938463463374607431768211456.0; // 2^-128

/// A sum without rounding error.
#[derive(Debug, Clone, Default)]
struct ExactSum {
    /// Not overlapping, smallest first.
    parts: Vec<f64>,
    large_parts: Vec<f64>,
    /// Sum of the infinities and NaNs.
    special: Option<f64>,
}

impl ExactSum {
    fn add(&mut self, value: f64) {
        if !value.is_finite() {
            self.special = Some(self.special.unwrap_or(0.0) + value);
        } else if value.abs() >= LARGE {
            grow(&mut self.large_parts, value * SCALE);
        } else {
            grow(&mut self.parts, value);
            if self
                .parts
                .last()
                .is_some_and(|largest| largest.abs() >= LARGE)
            {
                let largest = self.parts.pop().unwrap_or_default();
                grow(&mut self.large_parts, largest * SCALE);
            }
        }
    }

    fn value(&self) -> f64 {
        if let Some(special) = self.special {
            return special;
        }
        let mut large = self.large_parts.clone();
        if large.iter().all(|part| *part == 0.0) {
            return rounded(&self.parts);
        }
        self.parts
            .iter()
            .for_each(|part| grow(&mut large, part * SCALE));
        let scaled = rounded(&large);
        if scaled.abs() < LARGE * SCALE {
            // Cancelled down to the range of ordinary values: take the digits that scaling may have cut.
            let mut parts = self.parts.clone();
            self.large_parts
                .iter()
                .for_each(|part| grow(&mut parts, part / SCALE));
            let sum = rounded(&parts);
            if sum.is_finite() {
                return sum;
            }
        }
        scaled / SCALE
    }

    fn to_bytes(&self) -> Vec<u8> {
        let special = [
            self.special.is_some() as u8 as f64,
            self.special.unwrap_or(0.0),
            self.parts.len() as f64,
        ];
        special
            .iter()
            .chain(&self.parts)
            .chain(&self.large_parts)
            .flat_map(|part| part.to_le_bytes())
            .collect()
    }

    fn add_bytes(&mut self, bytes: &[u8]) {
        let numbers = bytes
            .chunks_exact(8)
            .map(|part| f64::from_le_bytes(part.try_into().unwrap_or_default()));
        let numbers: Vec<f64> = numbers.collect();
        let [has_special, special, parts, rest @ ..] = numbers.as_slice() else {
            return;
        };
        if *has_special != 0.0 {
            self.add_special(*special);
        }
        let (parts, large) = rest.split_at((*parts as usize).min(rest.len()));
        parts.iter().for_each(|part| self.add(*part));
        large
            .iter()
            .for_each(|part| grow(&mut self.large_parts, *part));
    }

    fn add_special(&mut self, special: f64) {
        self.special = Some(self.special.unwrap_or(0.0) + special);
    }
}

/// Adds to an expansion: each part takes what it can, the error goes on to the next.
fn grow(parts: &mut Vec<f64>, mut value: f64) {
    let mut kept = 0;
    for index in 0..parts.len() {
        let part = parts[index];
        let (large, small) = if value.abs() < part.abs() {
            (part, value)
        } else {
            (value, part)
        };
        let sum = large + small;
        let error = small - (sum - large);
        if error != 0.0 {
            parts[kept] = error;
            kept += 1;
        }
        value = sum;
    }
    parts.truncate(kept);
    parts.push(value);
}

/// The sum of an expansion, correctly rounded (half to even).
fn rounded(parts: &[f64]) -> f64 {
    let mut rest = parts.iter().rev();
    let mut sum = rest.next().copied().unwrap_or(0.0);
    let mut error = 0.0;
    for part in rest.by_ref() {
        let before = sum;
        sum = before + part;
        error = part - (sum - before);
        if error != 0.0 {
            break;
        }
    }
    // A half was rounded to even, but parts below it say in which direction it should have gone.
    if let Some(next) = rest.find(|part| **part != 0.0)
        && (error < 0.0 && *next < 0.0 || error > 0.0 && *next > 0.0)
    {
        let doubled = error * 2.0;
        let candidate = sum + doubled;
        if candidate - sum == doubled {
            sum = candidate;
        }
    }
    sum
}

/// Sums and counts of each group.
#[derive(Debug)]
pub(super) struct FloatSum {
    name: String,
    declared: String,
    average: bool,
    sums: Vec<ExactSum>,
    counts: Vec<u64>,
    /// Parts of all sums: what they take on the heap.
    heap_bytes: usize,
}

impl FloatSum {
    pub(super) fn new(column: &AggregateColumn) -> Self {
        let average = column.operation == Operation::Average;
        Self {
            name: column.name.clone(),
            declared: column.data_type.to_string(),
            average,
            sums: Vec::new(),
            counts: Vec::new(),
            heap_bytes: 0,
        }
    }

    fn resize(&mut self, groups_len: usize) {
        self.sums.resize(groups_len, ExactSum::default());
        self.counts.resize(groups_len, 0);
    }

    fn change(&mut self, group: u32, count: u64, change: impl FnOnce(&mut ExactSum)) {
        let sum = &mut self.sums[group as usize];
        let capacity =
            |sum: &ExactSum| (sum.parts.capacity() + sum.large_parts.capacity()) * size_of::<f64>();
        let before = capacity(sum);
        change(sum);
        self.heap_bytes = self.heap_bytes + capacity(sum) - before;
        self.counts[group as usize] += count;
    }
}

impl Accumulator for FloatSum {
    fn update(
        &mut self,
        values: Option<&ArrayRef>,
        groups: &[u32],
        groups_len: usize,
    ) -> Result<()> {
        self.resize(groups_len);
        let Some(values) = values else { return Ok(()) };
        let values = cast(values, &DataType::Float64)?;
        let values = values.as_primitive::<Float64Type>();
        for (row, group) in groups
            .iter()
            .enumerate()
            .filter(|(row, _)| values.is_valid(*row))
        {
            self.change(*group, 1, |sum| sum.add(values.value(row)));
        }
        Ok(())
    }

    fn merge(&mut self, state: &[ArrayRef], groups: &[u32], groups_len: usize) -> Result<()> {
        self.resize(groups_len);
        let [parts, counts] = state else {
            return internal_err!("the state of a float sum has 2 columns");
        };
        let parts: &LargeBinaryArray = parts.as_binary();
        let counts = counts.as_primitive::<UInt64Type>().values();
        for ((group, bytes), count) in groups.iter().zip(parts.iter()).zip(counts) {
            self.change(*group, *count, |sum| {
                sum.add_bytes(bytes.unwrap_or_default())
            });
        }
        Ok(())
    }

    fn state_fields(&self) -> Vec<Field> {
        vec![
            Field::new("parts", DataType::LargeBinary, false),
            Field::new("count", DataType::UInt64, false),
        ]
    }

    fn state(&self, groups: &[u32]) -> Result<Vec<ArrayRef>> {
        let mut parts = LargeBinaryBuilder::new();
        groups
            .iter()
            .for_each(|group| parts.append_value(self.sums[*group as usize].to_bytes()));
        let counts = groups.iter().map(|group| self.counts[*group as usize]);
        Ok(vec![
            Arc::new(parts.finish()),
            Arc::new(counts.collect::<UInt64Array>()),
        ])
    }

    fn finish(&self, groups: &[u32]) -> Result<ArrayRef> {
        let values = groups.iter().map(|group| {
            let (exact, count) = (&self.sums[*group as usize], self.counts[*group as usize]);
            if count == 0 {
                return Ok(None);
            }
            let sum = exact.value();
            if sum.is_infinite() && exact.special.is_none() {
                return Err(AggregateError::Overflow {
                    name: self.name.clone(),
                    declared: self.declared.clone(),
                });
            }
            Ok(Some(if self.average {
                sum / count as f64
            } else {
                sum
            }))
        });
        Ok(Arc::new(values.collect::<Result<Float64Array, _>>()?))
    }

    fn size(&self) -> usize {
        self.heap_bytes
            + self.sums.capacity() * size_of::<ExactSum>()
            + self.counts.capacity() * size_of::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(values: &[f64]) -> f64 {
        let mut sum = ExactSum::default();
        values.iter().for_each(|value| sum.add(*value));
        sum.value()
    }

    #[test]
    fn sums_are_exact_in_any_order() {
        let cases: [(&[f64], f64); 7] = [
            (&[0.1; 10], 1.0),
            (&[1e100, 1.0, -1e100], 1.0),
            (&[1e308, 1e308, -1e308], 1e308),
            (&[f64::MAX, 3.0, -f64::MAX, 0.25], 3.25),
            (&[1.0, 1e-16, 1e-16], 1.0000000000000002),
            (&[f64::INFINITY, 1.0], f64::INFINITY),
            (&[], 0.0),
        ];
        for (values, expected) in cases {
            let mut values = values.to_vec();
            assert_eq!(sum(&values), expected, "{values:?}");
            values.reverse();
            assert_eq!(sum(&values), expected, "{values:?}");
            let mut merged = ExactSum::default();
            for value in &values {
                let mut one = ExactSum::default();
                one.add(*value);
                merged.add_bytes(&one.to_bytes());
            }
            assert_eq!(merged.value(), expected, "{values:?}, merged");
        }
        assert!(sum(&[f64::MAX, f64::MAX]).is_infinite());
        assert!(sum(&[f64::INFINITY, f64::NEG_INFINITY]).is_nan());
    }
}
