//! Transformations: components with an input and outputs.
//!
//! [`sort`] and [`aggregate`] hold rows back and are operators of their own; both read their keys through [`keys`].

pub mod aggregate;
mod keys;
pub mod sort;
mod spill_file;
#[cfg(test)]
mod test_source;
