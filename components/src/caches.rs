//! What Cache Transforms leave for the Lookups of later data flows.
//!
//! ```text
//!  data flow 1: ... ──▶ Cache Transform ──succeeded──▶ Caches["People"] ──▶ Lookup ... :data flow 2
//! ```

use std::{collections::HashMap, sync::Arc};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use datafusion_execution::memory_pool::MemoryReservation;
use parking_lot::Mutex;

/// The filled caches of a run, by the name of their connection manager.
#[derive(Debug, Default)]
pub struct Caches {
    tables: Mutex<HashMap<String, Arc<CacheTable>>>,
}

/// The rows of a cache, in the order in which they arrived.
#[derive(Debug)]
pub struct CacheTable {
    pub schema: SchemaRef,
    pub batches: Vec<RecordBatch>,
    /// What they take of the run's memory, as long as they are there.
    pub reservation: MemoryReservation,
}

impl Caches {
    /// Fills a cache; one that was filled before is replaced.
    pub fn put(&self, manager: &str, table: CacheTable) {
        let key = manager.to_lowercase();
        self.tables.lock().insert(key, Arc::new(table));
    }

    pub fn get(&self, manager: &str) -> Option<Arc<CacheTable>> {
        self.tables.lock().get(&manager.to_lowercase()).cloned()
    }
}
