//! A row-wise component whose outputs leave columns behind that nobody needs from there on.
//!
//! ```text
//!  batch ──▶ apply ──▶ rows of all columns ──▶ kept columns ──▶ settle: only they are filtered, queued, spilled
//! ```

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion_common::Result;

use super::{Applied, FlowError, OutputRows, OutputSpec, Routing, RowError, RowWise};

/// `operator` with the columns at `kept[output]` in each output; all of them where that is `None`, and in error outputs,
/// whose rows are made from its input.
pub fn narrow(
    operator: Arc<dyn RowWise>,
    mut kept: Vec<Option<Vec<usize>>>,
) -> Result<Arc<dyn RowWise>> {
    let mut outputs = operator.outputs().to_vec();
    kept.resize(outputs.len(), None);
    for (output, kept) in outputs.iter_mut().zip(&mut kept) {
        match kept {
            Some(positions) if !output.is_error => {
                output.schema = Arc::new(output.schema.project(positions)?);
            }
            _ => *kept = None,
        }
    }
    if kept.iter().all(Option::is_none) {
        return Ok(operator);
    }
    Ok(Arc::new(Narrowed {
        operator,
        kept,
        outputs,
    }))
}

#[derive(Debug)]
struct Narrowed {
    operator: Arc<dyn RowWise>,
    kept: Vec<Option<Vec<usize>>>,
    outputs: Vec<OutputSpec>,
}

impl RowWise for Narrowed {
    fn name(&self) -> &'static str {
        self.operator.name()
    }

    fn path(&self) -> &str {
        self.operator.path()
    }

    fn details(&self) -> String {
        self.operator.details()
    }

    fn outputs(&self) -> &[OutputSpec] {
        &self.outputs
    }

    fn apply(&self, batch: &RecordBatch) -> Result<Applied> {
        let mut applied = self.operator.apply(batch)?;
        for (rows, kept) in applied.outputs.iter_mut().zip(&self.kept) {
            if let (
                OutputRows::Aligned(rows)
                | OutputRows::Selected(rows)
                | OutputRows::Dropping { rows, .. }
                | OutputRows::Shared { rows, .. },
                Some(kept),
            ) = (rows, kept)
            {
                *rows = rows.project(kept)?;
            }
        }
        Ok(applied)
    }

    fn failure(&self, batch: &RecordBatch, error: &RowError) -> FlowError {
        self.operator.failure(batch, error)
    }

    fn routing(&self) -> Routing {
        self.operator.routing()
    }
}
