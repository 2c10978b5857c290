//! The decoder of the Flat File Source: bytes of a file to typed Arrow columns (semantics 9, matrix 1 and 4).
//!
//! ```text
//!            one thread, in file order                         any number of threads
//!  Read ──▶ Cutter: header rows, byte order mark,  ──▶ Morsel ──▶ decode ──▶ Decoded: one RecordBatch,
//!           rows to skip; whole rows, about 1 MiB                             failing cells, rows as text
//!
//!  decode:  text ──▶ where are the fields? ──▶ column by column: bytes ──▶ typed buffer
//!           │        1 separators only, all rows alike  (fields::Indexed; SIMD index)
//!           │        2 one-byte separators, quotes      (indexed::walk over the same index)
//!           │        3 any delimiters, any widths       (split)
//!           └ UTF-8 and ASCII stay where they are; a chunk with other characters is transcoded once
//! ```
//!
//! Morsels depend on the file only, so that any number of threads gives the same batches. Text columns are views into
//! the morsel. Nothing here opens files or knows of tasks: a caller feeds a [`std::io::Read`] and gets arrays.

mod column;
mod cutter;
mod date_column;
mod decode;
mod error;
mod fields;
mod indexed;
mod kernel;
mod layout;
mod morsel_batch;
mod number_column;
mod report;
mod row_ends;
mod rules;
mod split;
mod text_column;

#[cfg(test)]
mod reference;
#[cfg(test)]
mod rules_of_section_nine;

pub use cutter::{Cutter, CutterOptions, Morsel};
pub use decode::{Decoded, FlatFileDecoder, PartialRow, Scratch};
pub use error::{CutError, DecodeError, LayoutError, SplitError};
pub use layout::{ColumnType, DecodedColumn, Encoding, FileColumn, FlatFileLayout, Format};
pub use report::{CANNOT_CONVERT, CellError, DATA_OVERFLOW, SIGN_MISMATCH, TRUNCATED};
