//! Transformations: components with an input and outputs.

mod columns;
mod driven;
#[cfg(test)]
pub(crate) mod given;
pub mod merge;
pub mod merge_join;
mod sorted;
pub mod union_all;
