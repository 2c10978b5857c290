//! DataReader destinations: how their batches reach a caller while the package runs.
//!
//! ```text
//!  reader root ──▶ ReaderHub: bounded channel by name ──▶ ReaderBatches (stream) ──▶ caller
//!                  no caller for a name: rows are counted and dropped, with a warning
//! ```
//!
//! A slow caller holds the flow back; a caller that goes away cancels it (semantics section 13).

use std::{collections::HashMap, sync::Arc};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use parking_lot::Mutex;
use tokio::sync::mpsc;

use crate::RunError;

/// Batches in flight between the flow and a caller.
const CAPACITY: usize = 2;

type BatchSender = mpsc::Sender<Result<RecordBatch, RunError>>;

/// Callers waiting for the rows of DataReader destinations, by component name.
#[derive(Debug, Clone, Default)]
pub struct ReaderHub {
    senders: Arc<Mutex<HashMap<String, BatchSender>>>,
}

impl ReaderHub {
    /// Announces a caller for the DataReader destination of this name.
    pub fn attach(&self, name: &str, schema: SchemaRef) -> ReaderBatches {
        let (sender, receiver) = mpsc::channel(CAPACITY);
        self.senders.lock().insert(name.to_owned(), sender);
        ReaderBatches { schema, receiver }
    }

    /// The caller of a destination; taken once, so that its stream ends with the flow.
    pub(crate) fn sender(&self, name: &str) -> Option<BatchSender> {
        self.senders.lock().remove(name)
    }
}

/// The rows of one DataReader destination.
#[derive(Debug)]
pub struct ReaderBatches {
    schema: SchemaRef,
    receiver: mpsc::Receiver<Result<RecordBatch, RunError>>,
}

impl ReaderBatches {
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// The next batch; `None` when the flow has delivered its last row.
    pub async fn next(&mut self) -> Option<Result<RecordBatch, RunError>> {
        self.receiver.recv().await
    }
}
