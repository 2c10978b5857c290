//! Transformations: components with an input and outputs. One file each.

pub mod audit;
pub mod character_map;
mod computed;
pub mod conditional_split;
pub mod copy_column;
pub mod data_conversion;
pub mod derived_column;
pub mod multicast;
pub mod row_count;
mod scope;
mod settings;

pub use computed::{ComputedColumn, Place};
pub use scope::BoundExpression;
