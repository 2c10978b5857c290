//! Transformations: components with an input and outputs.
//!
//! Row-wise ones are a file each. [`sort`] and [`aggregate`] hold rows back and are operators of their own; both read their
//! keys through [`keys`]. [`merge`] and [`merge_join`] read sorted inputs through [`sorted`].

pub mod aggregate;
pub mod audit;
pub mod cache_transform;
pub mod character_map;
mod columns;
pub mod combine;
pub(crate) mod computed;
pub mod conditional_split;
pub mod copy_column;
pub mod data_conversion;
pub mod derived_column;
mod driven;
#[cfg(test)]
pub(crate) mod given;
mod keys;
pub mod lookup;
pub mod merge;
pub mod merge_join;
pub mod multicast;
pub mod ole_db_command;
pub mod row_count;
mod scope;
pub(crate) mod settings;
pub mod slowly_changing_dimension;
pub mod sort;
mod sorted;
pub(crate) mod spill_file;
pub mod union_all;

pub use computed::{ComputedColumn, Place};
pub use scope::BoundExpression;
