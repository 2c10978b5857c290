//! Destinations: where rows leave a data flow.
//!
//! Folders hold encoders of batches to bytes, one format each, which open nothing; the component files own the sinks that
//! write what they encode.

pub mod ado_net_destination;
pub mod data_reader;
pub mod flat_file;
pub mod flat_file_destination;
pub mod odbc_destination;
pub mod ole_db_destination;
pub mod parquet;
mod parquet_file;
pub mod raw_file;
pub mod raw_file_destination;
pub mod recordset;
pub mod sql_server_destination;
