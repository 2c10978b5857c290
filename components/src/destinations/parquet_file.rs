//! Parquet as a destination: row groups are encoded by tasks side by side and put in the file in order.
//!
//! ```text
//!  batches in source order ──cut every ~64 K rows──▶ task: encode row group 0 ─┐
//!                                                     task: encode row group 1 ─┴─▶ append in order ──▶ staged file
//! ```
//!
//! Which batches make a row group depends on their rows only, so the file does not depend on the number of threads.

use std::{collections::VecDeque, fmt, path::PathBuf, sync::Arc};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use async_trait::async_trait;
use datafusion_common::{DataFusionError, Result, internal_err};
use datafusion_common_runtime::SpawnedTask;
use datafusion_datasource::sink::{DataSink, DataSinkExec};
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan,
    metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet},
};
use dtsx::SsisCode;
use fletching_connections::{Files, StagedFile};
use futures::StreamExt;
use tokio::sync::mpsc::{Sender, channel};

use super::parquet::{
    EncodedRowGroup, ParquetFileWriter, ParquetOptions, ParquetPlan, RowGroupCut, RowGroupEncoder,
};
use crate::{
    PlanContext,
    flow::{FlowError, RunState},
};

/// A plan that writes the rows of `input` (one partition) to a Parquet file. There is no appending to Parquet.
pub(super) fn sink(
    path: &str,
    input: Arc<dyn ExecutionPlan>,
    target: PathBuf,
    overwrite: bool,
    context: &PlanContext,
) -> Result<Arc<dyn ExecutionPlan>> {
    if !overwrite {
        let message =
            "Overwrite is false, and rows cannot be appended to a Parquet file: set it to true";
        return Err(FlowError::new(path, None, message)
            .with_file(target.display().to_string())
            .into());
    }
    let sink = ParquetSink {
        path: path.to_owned(),
        target,
        files: Arc::clone(context.connections.path_map.files()),
        encoders_max: context.partitions,
        schema: input.schema(),
        run: Arc::clone(&context.run),
        metrics: ExecutionPlanMetricsSet::new(),
    };
    Ok(Arc::new(DataSinkExec::new(input, Arc::new(sink), None)))
}

struct ParquetSink {
    path: String,
    target: PathBuf,
    files: Arc<dyn Files>,
    /// Row groups being encoded at once, beside the one that grows.
    encoders_max: usize,
    schema: SchemaRef,
    run: Arc<RunState>,
    metrics: ExecutionPlanMetricsSet,
}

impl fmt::Debug for ParquetSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParquetSink")
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

impl DisplayAs for ParquetSink {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ParquetFile: [{}] {}, {} columns",
            self.path,
            self.target.display(),
            self.schema.fields().len()
        )
    }
}

/// Batches that wait for one encoder: with fewer a second thread of encoders starves, with more memory grows.
const BATCHES_WAITING: usize = 4;

/// The file being written, with the row groups on their way to it.
struct Writing {
    plan: Arc<ParquetPlan>,
    writer: ParquetFileWriter<StagedFile>,
    cut: RowGroupCut,
    /// To the task that encodes the row group that grows.
    current: Option<Sender<RecordBatch>>,
    /// Row groups in order, the growing one last.
    encoding: VecDeque<SpawnedTask<Result<EncodedRowGroup>>>,
}

impl ParquetSink {
    fn fail(&self, error: &dyn fmt::Display) -> DataFusionError {
        FlowError::new(
            &self.path,
            Some(SsisCode::CANNOT_WRITE_DATA_FILE),
            error.to_string(),
        )
        .with_file(self.target.display().to_string())
        .into()
    }

    fn begin(&self, file: StagedFile, first: &RecordBatch) -> Result<Writing> {
        let plan = ParquetPlan::new(&self.schema, first, &ParquetOptions::default())
            .map_err(|error| self.fail(&error))?;
        let writer = ParquetFileWriter::new(&plan, file).map_err(|error| self.fail(&error))?;
        let cut = RowGroupCut::new(&plan);
        Ok(Writing {
            plan: Arc::new(plan),
            writer,
            cut,
            current: None,
            encoding: VecDeque::new(),
        })
    }

    /// Hands a batch to the task of the growing row group, which begins to encode at once: what waits is little.
    async fn send(
        &self,
        writing: &mut Writing,
        batch: RecordBatch,
        metrics: &Arc<BaselineMetrics>,
    ) -> Result<()> {
        let sender = match writing.current.take() {
            Some(sender) => sender,
            None => self.begin_group(writing, metrics).await?,
        };
        if sender.send(batch).await.is_err() {
            // The task has failed: its error comes when it is joined.
            while !writing.encoding.is_empty() {
                self.append_oldest(writing).await?;
            }
            return internal_err!("a row group ended before its last batch");
        }
        writing.current = Some(sender);
        Ok(())
    }

    /// Starts the task of a row group; waits for the oldest if enough are at work.
    async fn begin_group(
        &self,
        writing: &mut Writing,
        metrics: &Arc<BaselineMetrics>,
    ) -> Result<Sender<RecordBatch>> {
        while writing.encoding.len() > self.encoders_max {
            self.append_oldest(writing).await?;
        }
        let (sender, mut batches) = channel(BATCHES_WAITING);
        let plan = Arc::clone(&writing.plan);
        let path = self.path.clone();
        let metrics = Arc::clone(metrics);
        writing.encoding.push_back(SpawnedTask::spawn(async move {
            let fail = |error: &dyn fmt::Display| {
                DataFusionError::from(FlowError::new(&path, None, error.to_string()))
            };
            let mut encoder = RowGroupEncoder::new(&plan).map_err(|error| fail(&error))?;
            while let Some(batch) = batches.recv().await {
                let timer = metrics.elapsed_compute().timer();
                encoder.write(&batch).map_err(|error| fail(&error))?;
                timer.done();
                // A row group takes long: let other tasks of this thread run between batches.
                tokio::task::yield_now().await;
            }
            encoder.finish().map_err(|error| fail(&error))
        }));
        Ok(sender)
    }

    async fn append_oldest(&self, writing: &mut Writing) -> Result<()> {
        let Some(oldest) = writing.encoding.pop_front() else {
            return Ok(());
        };
        let group = oldest.join().await.map_err(|error| self.fail(&error))??;
        writing
            .writer
            .append(group)
            .map_err(|error| self.fail(&error))
    }
}

#[async_trait]
impl DataSink for ParquetSink {
    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    async fn write_all(
        &self,
        mut data: SendableRecordBatchStream,
        _context: &Arc<TaskContext>,
    ) -> Result<u64> {
        let file = StagedFile::create(&self.files, &self.target)
            .map_err(|error| FlowError::new(&self.path, Some(error.code()), error.to_string()))?;
        let metrics = Arc::new(BaselineMetrics::new(&self.metrics, 0));
        let mut file = Some(file);
        let mut writing: Option<Writing> = None;
        let mut rows = 0;
        while let Some(batch) = data.next().await {
            let batch = batch?;
            if batch.num_rows() == 0 {
                continue;
            }
            if let Some(file) = file.take() {
                writing = Some(self.begin(file, &batch)?);
            }
            let Some(writing) = writing.as_mut() else {
                continue;
            };
            rows += batch.num_rows() as u64;
            let ends = writing.cut.add(batch.num_rows());
            self.send(writing, batch, &metrics).await?;
            if ends {
                writing.current = None;
            }
        }
        let mut writing = match (writing, file) {
            (Some(writing), _) => writing,
            (None, Some(file)) => {
                self.begin(file, &RecordBatch::new_empty(Arc::clone(&self.schema)))?
            }
            (None, None) => {
                return datafusion_common::internal_err!("a Parquet file was opened twice");
            }
        };
        writing.current = None;
        while !writing.encoding.is_empty() {
            self.append_oldest(&mut writing).await?;
        }
        let file = writing.writer.close().map_err(|error| self.fail(&error))?;
        self.run.stage(&self.path, file);
        Ok(rows)
    }
}
