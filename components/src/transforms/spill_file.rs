//! A spill file that is being written, as a type with a name.
//!
//! Where the folder of temporary files is full or not to be written, the failure has SSIS's code for it and says what to do.

use std::{fmt, sync::Arc};

use arrow::{error::ArrowError, record_batch::RecordBatch};
use datafusion_common::{DataFusionError, Result};
use datafusion_execution::SpillFile;
use datafusion_physical_plan::SpillManager;
use dtsx::SsisCode;

use crate::flow::FlowError;

/// `DTS_E_UNUSABLETEMPORARYPATH`.
const UNUSABLE_PATH: SsisCode = SsisCode(0xC004_8013);

type Step = dyn FnMut(Option<&RecordBatch>) -> Result<Option<Arc<dyn SpillFile>>> + Send;

/// DataFusion's spill file in progress. Its type cannot be named outside DataFusion, so it lives in a closure: a batch
/// is appended, `None` finishes.
pub(crate) struct SpillFileWriter(Box<Step>);

impl SpillFileWriter {
    /// Creates the file; `purpose` is named when that fails.
    pub(crate) fn try_new(manager: &SpillManager, purpose: &str) -> Result<Self> {
        let file = manager.create_in_progress_file(purpose);
        let mut file = file.map_err(|error| told(purpose, error))?;
        let purpose = purpose.to_owned();
        Ok(Self(Box::new(move |batch| {
            let done = match batch {
                Some(batch) => file.append_batch(batch).map(|_| None),
                None => file.finish(),
            };
            done.map_err(|error| told(&purpose, error))
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

/// A failure of the folder, in words of ours; any other as it is.
fn told(purpose: &str, error: DataFusionError) -> DataFusionError {
    let reason = match &error {
        DataFusionError::IoError(reason) => reason.to_string(),
        DataFusionError::ArrowError(inner, _) => match &**inner {
            ArrowError::IoError(_, reason) => reason.to_string(),
            _ => return error,
        },
        _ => return error,
    };
    let message = format!(
        "a temporary file could not be written: {reason}; make room in the folder of temporary files, name another one with \
         TMPDIR, or let the run have more memory with --memory"
    );
    FlowError::new(purpose, Some(UNUSABLE_PATH), message).into()
}

impl fmt::Debug for SpillFileWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SpillFileWriter")
    }
}
