//! Expressions and the rows that they are evaluated over, made out of bytes: of a property test, or of a fuzzer.
//!
//! ```text
//!  bytes ──choices──▶ typed, syntax ──▶ text of an expression
//!        └──────────▶ rows, values  ──▶ a batch of COLUMNS
//! ```

mod choices;
mod columns;
mod functions;
mod numbers;
mod rows;
mod syntax;
mod typed;
mod values;

pub(crate) use choices::Choices;
pub(crate) use columns::{COLUMNS, Columns};
pub(crate) use rows::{batch, extremes};
pub(crate) use syntax::{soup, written};
pub(crate) use typed::{Typed, over_columns, over_variables};
