//! The SSIS expression language: text -> typed tree -> vectorised evaluation over Arrow arrays.

pub mod format;
pub mod types;
