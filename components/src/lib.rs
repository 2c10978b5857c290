//! The toolbox of the data flow: one file per component, and the operators that no package names.
//!
//! A component is read from the bound document into typed settings ([`component`]), and planned into DataFusion
//! operators. [`registry`] is the list of all of them; [`flow`] forks, orders and counts what runs through them.

#![cfg_attr(
    test,
    expect(
        clippy::disallowed_methods,
        reason = "tests make and look at their own files"
    )
)]

mod caches;
mod component;
pub mod custom;
pub mod database;
pub mod destinations;
mod flat_file_manager;
pub mod flow;
mod raw_file_name;
pub mod registry;
pub mod sources;
pub mod transforms;

pub use caches::{CacheTable, Caches};
pub use component::*;
