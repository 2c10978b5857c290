//! Slowly Changing Dimension: tells rows that are new, changed or unchanged by the current rows of a dimension table.
//!
//! **Rows**: each row in goes, as it is, to the output of what it changes, in the same order (spec `ssis-semantics.md`
//! 7.3-7.5). With `UpdateChangingAttributeHistory` a row that changes historical and changing attributes goes to both outputs.
//!
//! ```text
//!  SqlCommand where CurrentRowWhere ──once, before the first row──▶ columns + key table of a Lookup
//!                                                                            │
//!  batch ── keys ── no current row? ───────────────▶ `New`                   │
//!             │ the current row is inferred? ──────▶ `Inferred Member Updates`
//!             │ a fixed attribute differs? ────────▶ `Fixed Attribute`, or the flow stops
//!             │ a historical attribute differs? ───▶ `Historical Attribute Inserts`
//!             │ a changing attribute differs? ─────▶ `Changing Attribute Updates`
//!             └ else ──────────────────────────────▶ `Unchanged`
//! ```
//!
//! **When the dimension is read.** SSIS asks the database for each row. Here its current rows are read once, whole, before the
//! first row: memory comes from the run's. What the flow itself writes to the dimension is not seen, so that the result does
//! not depend on how fast it is written, and no row waits for a lock that the flow's own destination holds. A new key that
//! arrives twice is new twice. Of several current rows with one key the first wins, and a warning says how many lost.
//!
//! **Comparison**: attributes are compared as they are, text by code units, case and trailing blanks count; NULL equals NULL.
//! Keys are equal where the database says so: on SQL Server those of text without trailing blanks and, if its collation
//! ignores case, without case ([`folded`]). A NULL in a key is in no row: the row is new, and a warning says so.
//!
//! An inferred member is a row whose `InferredMemberIndicator` is true or, if none is named, whose attributes are all NULL.
//!
//! **Properties** of the component:
//!
//! | property | type | meaning |
//! |---|---|---|
//! | `SqlCommand` | text | the query of the dimension |
//! | `CurrentRowWhere` | text | condition of its current rows; empty: all of them are |
//! | `IncomingRowChangeType` | integer | 0: all rows are new, the dimension is not read; 1 (default): changes are told |
//! | `EnableInferredMember` | bool | updates of inferred members are told (default True) |
//! | `InferredMemberIndicator` | text | the dimension's DT_BOOL column that marks them |
//! | `FailOnFixedAttributeChange` | bool | True (default): a fixed attribute that changes stops the flow, 0xC020803C |
//! | `FailOnLookupFailure` | bool | True: a row without current row stops the flow, 0xC020803D |
//! | `UpdateChangingAttributeHistory` | bool | what changes both kinds of attributes goes to both outputs |
//! | `DefaultCodePage` | | for the designer: without effect |
//!
//! of an input column: `ColumnType`, 0 other (default), 1 key, 2 changing, 3 historical, 4 fixed attribute. The dimension's
//! column is its external column.
//!
//! **Not supported**: keys of DT_R4, DT_R8, DT_TEXT, DT_NTEXT, DT_IMAGE; as in SSIS, pairs of different types, but for DT_STR
//! and DT_WSTR.

mod component;
mod error;
mod folded;
mod judge;
mod pair;
mod read;

pub use component::{Attribute, CLASS, Dimension, Inferred, Kind, SlowlyChangingDimension};
pub use pair::Pair;
