//! Sort: rows in the order of key columns, optionally without rows whose keys repeat.
//!
//! *Order*: by each key in turn, ascending or descending; NULL is the smallest value; text by the locale and the key's
//! comparison flags; GUIDs by their text; rows with equal keys stay in the order they came
//! (`ssis-semantics` section 3, rules 1 to 7). *Duplicates*: the first row of each equal key stays, the others are
//! dropped and counted (`dropped_rows`). *Rows*: all partitions in, one partition out, in batches of `batch_size`.
//!
//! The sort is our own, not DataFusion's `SortExec` with key columns appended, for three reasons. Batches held back as
//! columns make taking rows in order cost a cache miss for each column of each row: that, not comparing, is most of
//! the time. Keys of few distinct texts share long prefixes, so comparing their bytes helps little, while their ranks
//! fit in a few bits. And views of 16 bytes and decimals of 16 bytes held in memory are three times the size of the
//! rows kept here.
//!
//! ```text
//!  partition 0 ─▶ RowBlock ┐                 ┌▶ all in memory: sort, gather batches in parallel ───────────▶ out
//!  partition 1 ─▶ RowBlock ┼▶ HeldRows ──────┤
//!  partition 2 ─▶ RowBlock ┘  (one memory    └▶ refused: sort, write a run ─▶ ... ─▶ merge the runs ───────▶ out
//!                              reservation)      (Arrow IPC: columns, key bytes, ordinal)
//! ```
//!
//! The order is total: ties are broken by the row's place in the input, which is the same at any number of
//! partitions. So it does not matter for the output where runs are cut.

mod component;
mod error;
mod gather;
mod held;
mod merge;
mod operator;
mod order;
mod rows;
mod sorting;
mod spill;
#[cfg(test)]
mod tests;

pub use component::CLASS;
pub use error::SortError;
pub use operator::SortOperator;
pub(crate) use sorting::Sorting;

/// One key of a sort.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortKey {
    /// Index of the column in the input.
    pub column: usize,
    /// Largest first, NULL last.
    pub descending: bool,
    /// How text is compared: the bits of SSIS's `NewComparisonFlags` (1 ignore case, 2 ignore non-spacing, ...).
    pub comparison_flags: u32,
}

/// Settings of a sort.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortSettings {
    /// Most significant first.
    pub keys: Vec<SortKey>,
    /// LCID of the order of text.
    pub locale_id: u32,
    /// Input columns that are passed through, in the order of the output.
    pub output_columns: Vec<usize>,
    /// Keep only the first row of each equal key.
    pub eliminate_duplicates: bool,
}
