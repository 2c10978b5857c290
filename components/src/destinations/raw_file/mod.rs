//! Raw files: rows as they travel, for a later data flow. Kernel of the raw file destination and source.
//!
//! The file is an **Arrow IPC file**, uncompressed, whose schema says `fletching.raw_file = 1`; each field carries its SSIS
//! type (name, length, precision, scale, code page) and its sort flags as metadata. Any Arrow reader can open it. The
//! layout of SSIS's own raw files is not documented: such a file is refused by name, in both directions.
//!
//! * Batches hold 16 K rows and nothing that no row needs ([`BatchCut`]), so that the file depends on its rows only; a
//!   reader decodes them side by side, by number.
//! * WriteOption 0 replaces the file, 1 refuses to, 2 keeps its rows and adds to them (a missing file is created), 3
//!   drops its rows and needs it to exist; 2 and 3 need the same columns in name and type. A file is never sorted again
//!   by an append, so that its sort flags may no longer hold, as in SSIS.
//! * An append copies the old rows into the new file, which then takes the place of the old one: it is whole at any time.
//! * DT_TEXT, DT_NTEXT and DT_IMAGE are refused, as in SSIS.
//!
//! Rules: spec `ssis-semantics.md` 10.

mod batch_check;
mod error;
mod reader;
mod recut;
mod writer;

pub use error::{ColumnDifference, RawFileError};
pub use reader::RawFileReader;
pub use recut::{BATCH_ROWS, BatchCut, Pieces};
pub use writer::{RawFileWriter, WriteOption, check_columns};

/// Schema metadata key of a raw file; the value is the version of this layout.
pub(crate) const RAW_FILE_KEY: &str = "fletching.raw_file";
pub(crate) const RAW_FILE_VERSION: &str = "1";

/// Field metadata keys of a sorted column: signed rank, as `sortKeyPosition` in the package, and its comparison flags.
pub const SORT_KEY_POSITION: &str = "ssis.sort_key_position";
pub const COMPARISON_FLAGS: &str = "ssis.comparison_flags";
