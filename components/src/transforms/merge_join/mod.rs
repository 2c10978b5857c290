//! Merge Join: inner, left or full join of two sorted inputs.
//!
//! ```text
//!  left  ──▶ SortedInput ──▶ run of equal keys ─────────────────────┐
//!                                                                   ├─▶ Picks ──▶ batches of batch_size rows
//!  right ──▶ SortedInput ──▶ run of equal keys ──▶ Group, if it is  ┘
//!                                                  longer than a batch
//! ```
//!
//! **Rows.** Output in key order: left row order, then right row order. A key that occurs on both sides gives the cross
//! product of its rows. Left and full joins keep left rows without a match, a full join also right ones, the other
//! side's columns NULL. NULL keys match each other unless `nulls_equal` is off (`ssis-semantics` 3.9).
//!
//! **Memory.** Both inputs stream. Only the rows of the current right key are held; when they do not fit into the memory
//! pool they go to a file that is read once for each left row of that key.
//!
//! **Errors.** DTS_E_INPUTMUSTBESORTED for a row out of order; DTS_E_VALIDATIONFAILED for columns that do not exist or do
//! not fit.
//!
//! **Metrics.** `rows_in` and `unmatched_rows` (rows without a match that the join type does not keep) for each input.

mod exec;
mod group;
mod join;
mod picks;
#[cfg(test)]
mod tests;

pub use super::sorted::MergeKey;
pub use exec::MergeJoinExec;

/// Settings of a Merge Join.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeJoin {
    /// Path of the component in the package, for errors.
    pub component: String,
    /// Names of the left and right input, for errors.
    pub input_names: [String; 2],
    pub kind: JoinKind,
    /// The leading sort keys by which rows match.
    pub keys: Vec<MergeKey>,
    /// `TreatNullsAsEqual`.
    pub nulls_equal: bool,
    /// For each output column, where it comes from.
    pub output: Vec<JoinColumn>,
    /// LCID whose order text has.
    pub locale_id: u32,
}

/// `JoinType` of a Merge Join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinKind {
    /// 0
    Full,
    /// 1
    Left,
    /// 2
    Inner,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinSide {
    Left,
    Right,
}

/// A column of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JoinColumn {
    pub side: JoinSide,
    pub column: usize,
}
