//! What writes rows: encoders of batches to bytes, one format each. They open nothing; the sinks that own a file call them.

pub mod flat_file;
pub mod parquet;
pub mod raw_file;
