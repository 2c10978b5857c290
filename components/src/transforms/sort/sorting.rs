//! One execution of a sort: streams in, one stream out.

use std::sync::Arc;

use arrow::{datatypes::SchemaRef, record_batch::RecordBatch};
use datafusion_common::{DataFusionError, Result};
use datafusion_common_runtime::{JoinSet, SpawnedTask};
use datafusion_execution::{SendableRecordBatchStream, TaskContext, memory_pool::MemoryConsumer};
use datafusion_physical_plan::metrics::{Count, SpillMetrics, Time};
use futures::{Stream, StreamExt, stream::BoxStream};

use super::{
    SortSettings,
    held::{CancelOnDrop, Cancelled, Collected, HeldRows, SortedRun},
    merge::{Merge, merge_runs},
    order::KeyReader,
    rows::RowBlock,
    spill::Spill,
};

/// Sorts the rows of partitions.
pub(crate) struct Sorting {
    settings: Arc<SortSettings>,
    input: SchemaRef,
    context: Arc<TaskContext>,
    spill: Arc<Spill>,
    elapsed: Time,
}

impl Sorting {
    /// With schemas of input and output, and counters of spilled and of dropped rows.
    pub(crate) fn new(
        settings: Arc<SortSettings>,
        (input, output): (SchemaRef, SchemaRef),
        context: Arc<TaskContext>,
        (spill_metrics, dropped_rows): (SpillMetrics, Count),
        elapsed: Time,
    ) -> Self {
        let spill = Arc::new(Spill::new(&context, output, spill_metrics, dropped_rows));
        Self {
            settings,
            input,
            context,
            spill,
            elapsed,
        }
    }

    /// Reads all partitions, then returns the batches in order.
    pub(crate) async fn run(
        self,
        inputs: Vec<SendableRecordBatchStream>,
    ) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let cancelled = Arc::new(Cancelled::default());
        let guard = CancelOnDrop(Arc::clone(&cancelled));
        let consumer = MemoryConsumer::new("Sort").with_can_spill(true);
        let reservation = consumer.register(self.context.memory_pool());
        let merge_reservation = reservation.new_empty();
        let reader = KeyReader::try_new(&self.settings, &self.input)?;
        let distinct = self.settings.eliminate_duplicates;
        let held = HeldRows::new(
            reader,
            reservation,
            Arc::clone(&self.spill),
            distinct,
            cancelled,
        );
        let threads = inputs.len();
        let batches = match self.collect(inputs, Arc::new(held)).await? {
            Collected::Memory(mut run) => {
                run.forget_keys();
                self.spill.dropped_rows.add(run.dropped_rows());
                gathered(run, self.spill.batch_size(), threads, self.elapsed).boxed()
            }
            Collected::Runs(runs) => {
                let merge = merge_runs(runs, &self.spill, distinct, merge_reservation).await?;
                merged(
                    merge,
                    self.spill.batch_size(),
                    Arc::clone(self.spill.row_schema()),
                )
                .boxed()
            }
        };
        // The guard lives as long as the output.
        Ok(batches.inspect(move |_| _ = &guard).boxed())
    }

    async fn collect(
        &self,
        inputs: Vec<SendableRecordBatchStream>,
        held: Arc<HeldRows>,
    ) -> Result<Collected> {
        let partitions = inputs.len() as u64;
        let mut tasks = JoinSet::new();
        for (mut batch_number, mut stream) in (0..).zip(inputs) {
            let (held, settings) = (Arc::clone(&held), Arc::clone(&self.settings));
            let elapsed = self.elapsed.clone();
            tasks.spawn(async move {
                while let Some(batch) = stream.next().await {
                    let batch = batch?;
                    if batch.num_rows() > 0 {
                        let timer = elapsed.timer();
                        let rows = RowBlock::try_new(&batch, &settings.output_columns)?;
                        timer.done();
                        held.push(batch_number, &batch, rows).await?;
                    }
                    batch_number += partitions;
                }
                Ok::<_, DataFusionError>(())
            });
        }
        while let Some(task) = tasks.join_next().await {
            task.map_err(|error| DataFusionError::ExecutionJoin(Box::new(error)))??;
        }
        let _timer = self.elapsed.timer();
        held.finish().await
    }
}

/// Batches of a run in memory, `threads` of them made at a time.
fn gathered(
    run: SortedRun,
    batch_size: usize,
    threads: usize,
    elapsed: Time,
) -> impl Stream<Item = Result<RecordBatch>> {
    let run = Arc::new(run);
    let len = run.len();
    let tasks = (0..len).step_by(batch_size).map(move |start| {
        let (run, elapsed) = (Arc::clone(&run), elapsed.clone());
        async move {
            let task = SpawnedTask::spawn(async move {
                let _timer = elapsed.timer();
                run.batch(start..len.min(start + batch_size))
            });
            task.join()
                .await
                .map_err(|error| DataFusionError::ExecutionJoin(Box::new(error)))?
        }
    });
    futures::stream::iter(tasks).buffered(threads.max(1))
}

/// Batches of a merge of runs.
fn merged(
    merge: Merge,
    batch_size: usize,
    schema: SchemaRef,
) -> impl Stream<Item = Result<RecordBatch>> {
    futures::stream::try_unfold((merge, schema), move |(mut merge, schema)| async move {
        let Some(batch) = merge.next_rows(batch_size).await? else {
            return Ok(None);
        };
        let batch = batch.with_schema(Arc::clone(&schema))?;
        Ok(Some((batch, (merge, schema))))
    })
}
