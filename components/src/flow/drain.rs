//! The end of a flow that leads nowhere: rows are counted and dropped, as SSIS does with an output that no path leaves.

use std::{fmt, sync::Arc};

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion_common::Result;
use datafusion_datasource::sink::{DataSink, DataSinkExec};
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan};
use futures::TryStreamExt;

use super::gather;

/// A plan that runs `input` to its end and yields the number of rows that arrived.
pub fn drain(input: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let sink = Arc::new(DrainSink {
        schema: input.schema(),
    });
    Ok(Arc::new(DataSinkExec::new(gather(input)?, sink, None)))
}

#[derive(Debug)]
struct DrainSink {
    schema: SchemaRef,
}

impl DisplayAs for DrainSink {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Drain")
    }
}

#[async_trait]
impl DataSink for DrainSink {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    async fn write_all(
        &self,
        data: SendableRecordBatchStream,
        _context: &Arc<TaskContext>,
    ) -> Result<u64> {
        data.try_fold(0, |rows, batch| async move {
            Ok(rows + batch.num_rows() as u64)
        })
        .await
    }
}
