//! The Parquet destination's kernel: batches to row groups, row groups to a file.
//!
//! ```text
//! first batch ─▶ ParquetPlan: encodings, schema ──┬──────────────────────────────┐
//!                                                 ▼                              ▼
//! batches of group 0 ─▶ RowGroupEncoder (task) ─▶ EncodedRowGroup ─┐
//! batches of group 1 ─▶ RowGroupEncoder (task) ─▶ EncodedRowGroup ─┼─in order─▶ ParquetFileWriter ─▶ close
//! ```
//!
//! A row group ends with the batch that fills it ([`RowGroupCut`]), so that the file does not depend on how many tasks
//! encode. Each batch goes into the column writers as it comes: a group holds its encoded pages, not its batches.
//!
//! # Encodings
//! Chosen per column from its type and the first batch: a dictionary where few values are distinct, delta for integers,
//! dates, times and decimals of up to 18 digits otherwise, plain for the rest. Statistics are kept per row group, none
//! for text of few distinct values, long text and bytes. Decimals of up to 9 digits are INT32, of up to 18 INT64.
//! `DT_DBTIME` becomes milliseconds,
//! as Parquet has no seconds.
//!
//! The Arrow schema, with the SSIS types in its field metadata, is stored in the file.

mod encoder;
mod error;
mod plan;

pub use encoder::{EncodedRowGroup, ParquetFileWriter, RowGroupCut, RowGroupEncoder};
pub use error::ParquetError;
pub use plan::{ParquetCompression, ParquetOptions, ParquetPlan};
