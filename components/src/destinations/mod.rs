//! Destinations: where rows leave a data flow.

pub mod data_reader;
pub mod recordset;
