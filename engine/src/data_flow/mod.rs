//! Runs the plans of one data flow together: all succeed and commit, or the first failure stops the rest and nothing is
//! left behind.

mod accounting;
mod executor;
mod progress;

pub(crate) use accounting::report;
pub(crate) use executor::execute;
pub use progress::{Progress, ProgressRow};
