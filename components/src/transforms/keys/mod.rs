//! Keys as integers: what sorting, grouping and counting distinct values have in common.
//!
//! ```text
//!  numbers, dates, GUIDs ──codes──▶ unsigned integers in the order of the values, and back
//!  text, bytes ──distinct──▶ a number per distinct value ──collation key, once per distinct value──▶ class or rank
//! ```
//!
//! Neither looks at a value twice: a batch becomes a few vectors of integers, a column at a time.

mod codes;
mod collated;
mod distinct;

pub(crate) use codes::{Codes, array_of_codes, codes_of, is_coded, normalise_floats};
pub(crate) use collated::{ClassedValues, CollatedValues, array_of_binary_views, binary_views};
pub(crate) use distinct::{ByteStore, DistinctValues};
