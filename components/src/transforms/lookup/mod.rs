//! Lookup: values from a table of reference, by an equi-join with its first row of a key.
//!
//! **Rows**: each row in goes to one output, in the same order. A row whose key is in the reference goes to the match
//! output with the copied columns; one whose key is not goes, as it came, to the no-match output or is an error of its
//! row (spec `ssis-semantics.md` 2): it stops the flow, leaves by the error output with ErrorCode 0xC020901E and ErrorColumn
//! 0, or, ignored, goes on with NULLs.
//!
//! ```text
//!  full cache     SqlCommand ──once, before the first row──▶ columns + KeyTable ◀── find ── batches
//!  Cache manager  what a Cache Transform left, or a .caw file ──▶ the same
//!  partial cache  batches ──keys not known──▶ SqlCommandParam, key by key ──▶ answers, the least used forgotten
//! ```
//!
//! In a **full cache** keys are compared here: exact code units, case and trailing blanks count, NULL equals NULL. Of
//! several rows with one key the first wins; one warning (0x802090E4) says how many lost. The reference is loaded whole,
//! also when no row arrives; its memory comes from the run's. In a **partial cache** (and with none) the database compares,
//! by its collation, and NULL equals nothing; with none, a key is asked for once in each batch.
//!
//! **Properties** of the component:
//!
//! | property | type | meaning |
//! |---|---|---|
//! | `SqlCommand` | text | the query of the reference |
//! | `SqlCommandParam` | text | the query of one key, with `?` for its columns: partial and no cache |
//! | `ParameterMap` | text | `#{lineage};#{lineage};`: the input columns of these `?`, in order |
//! | `ConnectionType` | integer | 0 (default): an OLE DB connection; 1: a Cache connection manager |
//! | `CacheType` | integer | 0 (default): full; 1: partial; 2: none |
//! | `NoMatchBehavior` | integer | 0 (default): a row without match is an error; 1: it goes to the no-match output |
//! | `MaxMemoryUsage64` | integer | MB of answers that a partial cache keeps; a full cache takes what it needs, as in SSIS |
//! | `NoMatchCachePercentage` | integer | share of that for keys that are known to be in no row |
//! | `TreatDuplicateKeysAsError` | bool | several rows with one key stop a full cache |
//! | `ReferenceMetadataXml` | text | names and types of the reference's columns: what it is converted to |
//! | `MaxMemoryUsage`, `DefaultCodePage` | | for 32-bit machines, and for the designer: without effect |
//!
//! of an input column: `JoinToReferenceColumn` (a key), `CopyFromReferenceColumn` (its value is replaced); of an output
//! column: `CopyFromReferenceColumn`.
//!
//! **Not supported**, as in SSIS: keys of DT_R4, DT_R8, DT_TEXT, DT_NTEXT, DT_IMAGE; pairs of different types, but for the
//! length of text.

mod ask;
mod cache_file;
mod columns;
mod component;
mod error;
mod exec;
mod packed;
mod probe;
mod question;
mod read;
mod recent;
mod reference;
mod statement;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use cache_file::{CacheFile, cache_file, local_path};
pub use component::{CLASS, Copied, Equality, Join, Lookup, NoMatch, Source, Wanted};
pub(crate) use error::no_memory;
pub(crate) use exec::{Loading, ReferenceExec};
pub(crate) use probe::places;
pub(crate) use read::same_but_length;
pub(crate) use reference::{Reference, load};
pub use table::{KeyTable, NONE};
