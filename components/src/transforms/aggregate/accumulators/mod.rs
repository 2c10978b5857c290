//! What is kept of each group's rows, a vector per aggregate and group: updated a batch and a column at a time.
//!
//! Every accumulator is exact, so that neither the order of the rows nor how they are divided among partitions can be
//! seen in the result: counts and sets are so by nature; integers and decimals are summed in 192 bits; floats are
//! summed without rounding error ([`float_sum`]) and rounded once. Its state travels as arrays, one row a group, and
//! is merged into another accumulator's.

mod count;
mod distinct;
mod extreme;
mod float_sum;
mod pair_set;
mod sum;

use arrow::{
    array::ArrayRef,
    datatypes::{DataType, Field},
};
use datafusion_common::Result;

use super::{AggregateColumn, AggregateError, Operation};

/// One aggregate of all groups.
pub(super) trait Accumulator: Send + Sync {
    /// Rows of the input: `values` (absent for a count of rows) and the group of each row, all below `groups_len`.
    fn update(
        &mut self,
        values: Option<&ArrayRef>,
        groups: &[u32],
        groups_len: usize,
    ) -> Result<()>;

    /// Rows of states, as [`state`](Self::state) made them, and the group of each.
    fn merge(&mut self, state: &[ArrayRef], groups: &[u32], groups_len: usize) -> Result<()>;

    /// The arrays of a state.
    fn state_fields(&self) -> Vec<Field>;

    /// Called once before the calls of [`state`](Self::state): no rows come any more.
    fn prepare_state(&mut self) {}

    /// The states of these groups.
    fn state(&self, groups: &[u32]) -> Result<Vec<ArrayRef>>;

    /// The results of these groups, in any type that converts to the declared one.
    fn finish(&self, groups: &[u32]) -> Result<ArrayRef>;

    fn size(&self) -> usize;
}

/// The accumulator of an output column over an input column of type `input`.
///
/// # Errors
/// [`AggregateError::InputType`] and [`AggregateError::OutputType`].
pub(super) fn accumulator(
    column: &AggregateColumn,
    input: Option<&DataType>,
    declared: &DataType,
    locale_id: u32,
) -> Result<Box<dyn Accumulator>> {
    let input = input.unwrap_or(&DataType::Null);
    check_output(column, input, declared)?;
    let invalid = || AggregateError::InputType {
        name: column.name.clone(),
        operation: column.operation,
        found: input.to_string(),
    };
    Ok(match column.operation {
        Operation::Count | Operation::CountAll | Operation::GroupBy => {
            Box::new(count::Count::default())
        }
        Operation::CountDistinct => {
            distinct::accumulator(input, locale_id, column.comparison_flags)?
        }
        Operation::Sum | Operation::Average if input.is_floating() => {
            Box::new(float_sum::FloatSum::new(column))
        }
        Operation::Sum | Operation::Average if is_exact(input) => {
            Box::new(sum::Sum::new(column, input.clone(), declared.clone()))
        }
        Operation::Minimum | Operation::Maximum
            if is_exact(input) || input.is_floating() || input.is_temporal() =>
        {
            Box::new(extreme::Extreme::new(
                input.clone(),
                column.operation == Operation::Maximum,
            ))
        }
        Operation::Sum | Operation::Average | Operation::Minimum | Operation::Maximum => {
            Err(invalid())?
        }
    })
}

fn is_exact(data_type: &DataType) -> bool {
    data_type.is_integer() || matches!(data_type, DataType::Decimal128(..))
}

fn check_output(
    column: &AggregateColumn,
    input: &DataType,
    declared: &DataType,
) -> Result<(), AggregateError> {
    let number = is_exact(declared) || declared.is_floating();
    let fits = match column.operation {
        Operation::GroupBy => input == declared,
        Operation::Count | Operation::CountAll | Operation::CountDistinct => number,
        Operation::Sum => number && (!input.is_floating() || declared.is_floating()),
        Operation::Average => number && (!input.is_floating() || declared.is_floating()),
        Operation::Minimum | Operation::Maximum => {
            input == declared
                || number
                    && !input.is_temporal()
                    && (!input.is_floating() || declared.is_floating())
        }
    };
    if fits {
        return Ok(());
    }
    Err(AggregateError::OutputType {
        name: column.name.clone(),
        operation: column.operation,
        input: input.to_string(),
        declared: column.data_type.to_string(),
    })
}
