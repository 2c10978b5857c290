//! Aggregate: one row per group of rows that are equal in the group-by columns.
//!
//! *Rows*: all partitions in, one partition out, a row per group in the order in which the groups first appear, in
//! batches of `batch_size`. NULL is one group. Without group-by columns all rows are one group; no rows make no group.
//! *Operations* (`ssis-semantics` section 4, `ssis-matrix` section 2): see [`Operation`]. Text is equal under the
//! locale and the column's comparison flags; the text shown is the group's first. *Errors*: a sum that does not fit the
//! declared type fails the component (`DTS_E_TXAGG_ARITHMETICOVERFLOW`); a minimum of text and the like fail before
//! any row moves. A component with several outputs is one operator per output over the same input.
//!
//! ```text
//!  partition 0 ─▶ groups + accumulators ┐
//!  partition 1 ─▶ groups + accumulators ┼─▶ merged state ─▶ in order of the first row ─▶ out
//!  partition 2 ─▶ groups + accumulators ┘
//!        │ memory refused: the state, by hash of the group
//!        ▼
//!   16 spill files of each ─▶ merged one division at a time ─▶ sorted by first row ─▶ out
//!                             (too large still: divided again)
//! ```
//!
//! Nothing depends on which partition a row is in: each group knows the place of its first row in the input, integers
//! and decimals are summed in 192 bits, and floats are summed exactly and rounded once.

mod accumulators;
mod component;
mod error;
mod groups;
mod operator;
mod output;
mod partial;
mod spill;
mod state;
#[cfg(test)]
mod tests;

pub use component::CLASS;
pub use error::AggregateError;
pub use operator::AggregateExec;

/// Settings of an aggregate component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AggregateSettings {
    /// One operator each.
    pub outputs: Vec<AggregateOutput>,
    /// LCID by which text is compared.
    pub locale_id: u32,
}

/// One output: its own groups over the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AggregateOutput {
    /// In the order of the output.
    pub columns: Vec<AggregateColumn>,
}

/// One output column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AggregateColumn {
    /// Its name, for messages.
    pub name: String,
    /// What it shows.
    pub operation: Operation,
    /// Index of the input column; only [`Operation::CountAll`] does without.
    pub input: Option<usize>,
    /// Declared type of the output column.
    pub data_type: dtsx::DataType,
    /// How text is compared, for [`Operation::GroupBy`] and [`Operation::CountDistinct`].
    pub comparison_flags: u32,
}

/// What an output column shows of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// The value that the group's rows share.
    GroupBy,
    /// Rows whose value is not NULL.
    Count,
    /// Rows.
    CountAll,
    /// Distinct values, NULL not counted.
    CountDistinct,
    /// Sum of the values that are not NULL; NULL if there are none.
    Sum,
    /// Their sum over their number; NULL if there are none.
    Average,
    /// The smallest number, date or time; NULL if there is none.
    Minimum,
    /// The largest.
    Maximum,
}
