//! Transformations: components with an input and outputs.
//!
//! Row-wise ones are a file each. [`sort`] and [`aggregate`] hold rows back and are operators of their own; both read their
//! keys through [`keys`]. [`merge`] and [`merge_join`] read sorted inputs through [`sorted`].

pub mod aggregate;
mod columns;
pub mod combine;
mod driven;
#[cfg(test)]
pub(crate) mod given;
mod keys;
pub mod merge;
pub mod merge_join;
pub mod sort;
mod sorted;
mod spill_file;
#[cfg(test)]
mod test_source;
pub mod union_all;
