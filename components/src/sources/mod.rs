//! Sources: what brings rows into a data flow.

pub mod ado_net_source;
pub mod flat_file;
pub mod flat_file_source;
pub mod odbc_source;
pub mod ole_db_source;
pub mod raw_file_source;
