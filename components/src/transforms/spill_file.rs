//! A spill file that is being written, as a type with a name.

use std::{fmt, sync::Arc};

use arrow::record_batch::RecordBatch;
use datafusion_common::Result;
use datafusion_execution::SpillFile;
use datafusion_physical_plan::SpillManager;

type Step = dyn FnMut(Option<&RecordBatch>) -> Result<Option<Arc<dyn SpillFile>>> + Send;

/// DataFusion's spill file in progress. Its type cannot be named outside DataFusion, so it lives in a closure: a batch
/// is appended, `None` finishes.
pub(crate) struct SpillFileWriter(Box<Step>);

impl SpillFileWriter {
    /// Creates the file; `purpose` is named when that fails.
    pub(crate) fn try_new(manager: &SpillManager, purpose: &str) -> Result<Self> {
        let mut file = manager.create_in_progress_file(purpose)?;
        Ok(Self(Box::new(move |batch| match batch {
            Some(batch) => file.append_batch(batch).map(|_| None),
            None => file.finish(),
        })))
    }

    pub(crate) fn append(&mut self, batch: &RecordBatch) -> Result<()> {
        (self.0)(Some(batch)).map(|_| ())
    }

    /// The file, unless nothing was appended.
    pub(crate) fn finish(mut self) -> Result<Option<Arc<dyn SpillFile>>> {
        (self.0)(None)
    }
}

impl fmt::Debug for SpillFileWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SpillFileWriter")
    }
}
