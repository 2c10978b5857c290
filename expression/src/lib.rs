//! The SSIS expression language: text -> typed tree -> vectorised evaluation over Arrow arrays.

pub mod code_page;
pub mod text;
pub mod format;
pub mod types;
