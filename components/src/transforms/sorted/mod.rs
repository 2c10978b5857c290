//! Inputs that are declared sorted, as Merge and Merge Join read them.
//!
//! ```text
//!  batches ──▶ SortedInput ──▶ Chunk: the batch, its keys, where each run of equal keys starts
//!                  │
//!                  └─ a row smaller than the one before it stops the run, also across batches
//! ```
//!
//! SSIS trusts `IsSorted` and silently loses matches when it is wrong (`ssis-semantics` 3.3); here the order is checked,
//! and the check costs nothing: it falls out of finding the runs. NULL is the smallest value (3.4), text is ordered by
//! locale and comparison flags (3.2), GUIDs by their text (3.5).

mod encoder;
mod input;
mod keys;

pub(crate) use encoder::{EncodedKeys, KeyEncoder, has_integer_keys};
pub(crate) use input::{Chunk, InputDescription, SortedInput};
use keys::Keys;
pub(crate) use keys::{IntegerKeys, RowKeys};

use arrow::datatypes::SchemaRef;
use datafusion_common::Result;
use dtsx::SsisCode;

use crate::flow::FlowError;

/// One key by which both inputs are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MergeKey {
    /// Column of the left (first) input.
    pub left: usize,
    /// Column of the right (second) input.
    pub right: usize,
    pub descending: bool,
    /// SSIS's bit mask: 1 ignore case, 2 non-spacing, 4 symbols, 0x10000 kana, 0x20000 width.
    pub comparison_flags: u32,
}

/// The keys as columns of one input.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyColumn {
    pub(crate) column: usize,
    pub(crate) descending: bool,
    pub(crate) comparison_flags: u32,
}

/// The keys as columns of the left and of the right input.
pub(crate) fn key_columns(keys: &[MergeKey]) -> [Vec<KeyColumn>; 2] {
    let of = |column: fn(&MergeKey) -> usize| {
        keys.iter()
            .map(|key| KeyColumn {
                column: column(key),
                descending: key.descending,
                comparison_flags: key.comparison_flags,
            })
            .collect()
    };
    [of(|key| key.left), of(|key| key.right)]
}

/// Checks that there are keys, that their columns exist, and that each pair has one type.
pub(crate) fn check_keys(
    component: &str,
    keys: &[MergeKey],
    left: &SchemaRef,
    right: &SchemaRef,
) -> Result<()> {
    let fail = |message: String| {
        Err(FlowError::new(component, Some(SsisCode::VALIDATION_FAILED), message).into())
    };
    if keys.is_empty() {
        return fail(
            "no key column: set SortKeyPosition on the columns by which the inputs are sorted"
                .to_owned(),
        );
    }
    for (number, key) in keys.iter().enumerate() {
        let number = number + 1;
        let (Some(l), Some(r)) = (left.fields().get(key.left), right.fields().get(key.right))
        else {
            return fail(format!(
                "key {number}: no column {} and {} in its inputs",
                key.left, key.right
            ));
        };
        if l.data_type() != r.data_type() {
            return fail(format!(
                "key {number}: column `{}` of the first input is {}, column `{}` of the second is {}: convert one of them",
                l.name(),
                l.data_type(),
                r.name(),
                r.data_type()
            ));
        }
        if !encoder::is_ordered(l.data_type()) {
            return fail(format!(
                "key {number}: column `{}` is {}, which has no order",
                l.name(),
                l.data_type()
            ));
        }
    }
    Ok(())
}
