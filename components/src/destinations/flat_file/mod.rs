//! The flat file destination's kernel: batches to the bytes of a text file.
//!
//! ```text
//! batch ─▶ fast pass: every value straight into the output ─▶ scan of what was written ─▶ done
//!                                                              │ a qualifier inside a value, a character beyond ASCII,
//!                                                              ▼ a value longer than its column
//!                                                          careful pass: value by value, errors named
//! ```
//!
//! # What is written
//! Each column is delimited (by its own delimiter; the last one's is the row delimiter) or of fixed width (padded with
//! blanks on the right). All delimited is SSIS's *Delimited*, all fixed is *FixedWidth*, fixed columns and one delimited
//! at the end are *RaggedRight*, which with an empty last column is *fixed width with row delimiters*.
//!
//! * Values have the text of [`fletching_expression::format`]. NULL is written as nothing: as blanks in a fixed width.
//! * A text qualifier goes around every value, NULL included, and around the name, of a column with TextQualified.
//!   `EscapeQualifier` doubles a qualifier inside a value; without it the value is written as it is.
//! * A delimiter inside a value without qualifier is written as it is, as SSIS does: such a file cannot be read back.
//! * A value longer than a fixed width or than the file column's text length is an error
//!   (`DTS_E_FAILEDCOLUMNDATACONVERSIONSTATUS`), as in SSIS: nothing is cut. Lengths count bytes of the code page,
//!   UTF-16 code units in a Unicode file.
//! * A character that the code page lacks is the same error, unless [`FlatFileOutputLayout::lossy`] is set: then it
//!   becomes `?`. SSIS's best fit (`ä` to `a`) is not attempted.
//! * A Unicode file is UTF-16LE and starts with a byte order mark; code page 65001 is written without one, as SSIS does.
//!
//! Rules: spec `ssis-semantics.md` 8.5, 8.6, 9.12.

mod careful;
mod code_page;
mod encoder;
mod error;
mod gap;
mod layout;
mod page;
#[cfg(test)]
mod tests;

pub use code_page::TextEncoding;
pub use encoder::FlatFileEncoder;
pub use error::{EncodeError, EncodeFault, LayoutError};
pub use layout::{ColumnShape, FlatFileOutputColumn, FlatFileOutputLayout};
