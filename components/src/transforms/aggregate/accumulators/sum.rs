//! Sums and averages of integers and decimals.
//!
//! Sums are held in 192 bits, which no number of rows can overflow; only the result must fit its type.

use std::{cmp::Ordering, sync::Arc};

use arrow::{
    array::{
        Array, ArrayRef, AsArray, Decimal128Array, Float64Array, Int64Array, PrimitiveArray,
        UInt64Array,
    },
    buffer::NullBuffer,
    datatypes::{
        ArrowPrimitiveType, DECIMAL128_MAX_PRECISION, DataType, Decimal128Type, Field, Int8Type,
        Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
    },
};
use datafusion_common::{Result, internal_err};

use super::Accumulator;
use crate::transforms::aggregate::{AggregateColumn, AggregateError, Operation};

/// A signed integer of 192 bits.
#[derive(Debug, Clone, Copy, Default)]
struct Wide {
    low: u128,
    high: i64,
}

impl Wide {
    fn add(&mut self, value: i128) {
        let (low, carry) = self.low.overflowing_add(value as u128);
        self.low = low;
        self.high += i64::from(carry) + (value >> 127) as i64;
    }

    fn add_wide(&mut self, other: Self) {
        let (low, carry) = self.low.overflowing_add(other.low);
        self.low = low;
        self.high += i64::from(carry) + other.high;
    }

    fn to_i128(self) -> Option<i128> {
        let value = self.low as i128;
        ((value >> 127) as i64 == self.high).then_some(value)
    }

    fn to_f64(self) -> f64 {
        match self.to_i128() {
            Some(value) => value as f64,
            None => self.high as f64 * 2f64.powi(128) + self.low as f64,
        }
    }
}

/// Sums and counts of each group.
#[derive(Debug)]
pub(super) struct Sum {
    name: String,
    average: bool,
    input: DataType,
    declared: DataType,
    sums: Vec<Wide>,
    counts: Vec<u64>,
}

impl Sum {
    pub(super) fn new(column: &AggregateColumn, input: DataType, declared: DataType) -> Self {
        let average = column.operation == Operation::Average;
        Self {
            name: column.name.clone(),
            average,
            input,
            declared,
            sums: Vec::new(),
            counts: Vec::new(),
        }
    }

    fn add<T: ArrowPrimitiveType>(&mut self, array: &PrimitiveArray<T>, groups: &[u32])
    where
        i128: From<T::Native>,
    {
        let values = array.values();
        let (sums, counts) = (&mut self.sums, &mut self.counts);
        let mut add = |group: u32, value: T::Native| {
            sums[group as usize].add(i128::from(value));
            counts[group as usize] += 1;
        };
        match array.nulls().filter(|nulls| nulls.null_count() > 0) {
            None => groups
                .iter()
                .zip(values)
                .for_each(|(group, value)| add(*group, *value)),
            Some(nulls) => nulls
                .valid_indices()
                .for_each(|row| add(groups[row], values[row])),
        }
    }

    fn overflow(&self) -> AggregateError {
        AggregateError::Overflow {
            name: self.name.clone(),
            declared: self.declared.to_string(),
        }
    }

    /// The sum, or the average, with `scale` digits after the point.
    fn decimal(&self, group: usize, scale: i8) -> Option<i128> {
        let by = scale - scale_of(&self.input);
        let sum = self.sums[group].to_i128()?;
        let raised = sum.checked_mul(10_i128.checked_pow(by.max(0) as u32)?)?;
        let mut divisor = 10_i128.checked_pow((-by).max(0) as u32)?;
        if self.average {
            divisor = divisor.checked_mul(i128::from(self.counts[group]))?;
        }
        Some(divided(raised, divisor))
    }
}

/// Rounded half away from zero.
fn divided(value: i128, divisor: i128) -> i128 {
    let (quotient, remainder) = (value / divisor, (value % divisor).unsigned_abs());
    match remainder.cmp(&(divisor.unsigned_abs() - remainder)) {
        Ordering::Less => quotient,
        Ordering::Equal | Ordering::Greater => quotient + value.signum(),
    }
}

fn scale_of(data_type: &DataType) -> i8 {
    match data_type {
        DataType::Decimal128(_, scale) => *scale,
        _ => 0,
    }
}

impl Accumulator for Sum {
    fn update(
        &mut self,
        values: Option<&ArrayRef>,
        groups: &[u32],
        groups_len: usize,
    ) -> Result<()> {
        self.sums.resize(groups_len, Wide::default());
        self.counts.resize(groups_len, 0);
        let Some(values) = values else { return Ok(()) };
        match values.data_type() {
            DataType::Int8 => self.add(values.as_primitive::<Int8Type>(), groups),
            DataType::Int16 => self.add(values.as_primitive::<Int16Type>(), groups),
            DataType::Int32 => self.add(values.as_primitive::<Int32Type>(), groups),
            DataType::Int64 => self.add(values.as_primitive::<Int64Type>(), groups),
            DataType::UInt8 => self.add(values.as_primitive::<UInt8Type>(), groups),
            DataType::UInt16 => self.add(values.as_primitive::<UInt16Type>(), groups),
            DataType::UInt32 => self.add(values.as_primitive::<UInt32Type>(), groups),
            DataType::UInt64 => self.add(values.as_primitive::<UInt64Type>(), groups),
            DataType::Decimal128(..) => self.add(values.as_primitive::<Decimal128Type>(), groups),
            other => return internal_err!("a column to be summed changed its type to {other}"),
        }
        Ok(())
    }

    fn merge(&mut self, state: &[ArrayRef], groups: &[u32], groups_len: usize) -> Result<()> {
        self.sums.resize(groups_len, Wide::default());
        self.counts.resize(groups_len, 0);
        let [lows, middles, highs, counts] = state else {
            return internal_err!("the state of a sum has 4 columns");
        };
        let [lows, middles, counts] = [lows, middles, counts]
            .map(|array| array.as_primitive::<UInt64Type>().values().clone());
        let highs = highs.as_primitive::<Int64Type>().values();
        for (row, group) in groups.iter().enumerate() {
            let low = u128::from(lows[row]) | u128::from(middles[row]) << 64;
            self.sums[*group as usize].add_wide(Wide {
                low,
                high: highs[row],
            });
            self.counts[*group as usize] += counts[row];
        }
        Ok(())
    }

    fn state_fields(&self) -> Vec<Field> {
        let field = |name: &str, data_type| Field::new(name, data_type, false);
        vec![
            field("low", DataType::UInt64),
            field("middle", DataType::UInt64),
            field("high", DataType::Int64),
            field("count", DataType::UInt64),
        ]
    }

    fn state(&self, groups: &[u32]) -> Result<Vec<ArrayRef>> {
        let sums = || groups.iter().map(|group| self.sums[*group as usize]);
        let counts = groups.iter().map(|group| self.counts[*group as usize]);
        Ok(vec![
            Arc::new(sums().map(|sum| sum.low as u64).collect::<UInt64Array>()),
            Arc::new(
                sums()
                    .map(|sum| (sum.low >> 64) as u64)
                    .collect::<UInt64Array>(),
            ),
            Arc::new(sums().map(|sum| sum.high).collect::<Int64Array>()),
            Arc::new(counts.collect::<UInt64Array>()),
        ])
    }

    fn finish(&self, groups: &[u32]) -> Result<ArrayRef> {
        let groups = groups.iter().map(|group| *group as usize);
        let valid = |group: &usize| self.counts[*group] > 0;
        if self.declared.is_floating() {
            let unit = 10f64.powi(i32::from(scale_of(&self.input)));
            let floats = groups.map(|group| {
                let count = if self.average {
                    self.counts[group] as f64
                } else {
                    1.0
                };
                valid(&group).then(|| self.sums[group].to_f64() / (count * unit))
            });
            return Ok(Arc::new(floats.collect::<Float64Array>()));
        }
        let scale = scale_of(&self.declared);
        let nulls: NullBuffer = groups.clone().map(|group| valid(&group)).collect();
        let values = groups.map(|group| match self.counts[group] {
            0 => Ok(0),
            _ => self.decimal(group, scale).ok_or_else(|| self.overflow()),
        });
        let values = values.collect::<Result<Vec<i128>, _>>()?;
        let array = Decimal128Array::try_new(values.into(), Some(nulls))?;
        let array = array.with_precision_and_scale(DECIMAL128_MAX_PRECISION, scale)?;
        array
            .validate_decimal_precision(DECIMAL128_MAX_PRECISION)
            .map_err(|_| self.overflow())?;
        Ok(Arc::new(array))
    }

    fn size(&self) -> usize {
        self.sums.capacity() * size_of::<Wide>() + self.counts.capacity() * size_of::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_sums_pass_through_values_beyond_128_bits() {
        let mut sum = Wide::default();
        for value in [i128::MAX, i128::MAX, 5, i128::MIN, i128::MIN] {
            sum.add(value);
        }
        assert_eq!(sum.to_i128(), Some(3));
        sum.add(i128::MAX);
        assert_eq!(sum.to_i128(), None);
    }

    #[test]
    fn division_rounds_half_away_from_zero() {
        let cases = [
            (5, 2, 3),
            (-5, 2, -3),
            (4, 3, 1),
            (-4, 3, -1),
            (7, 4, 2),
            (i128::MAX, 1, i128::MAX),
            (0, 3, 0),
        ];
        for (value, divisor, expected) in cases {
            assert_eq!(divided(value, divisor), expected, "{value} / {divisor}");
        }
    }
}
