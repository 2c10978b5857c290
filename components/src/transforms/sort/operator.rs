//! The physical operator.

use std::{fmt, sync::Arc};

use arrow::datatypes::SchemaRef;
use datafusion_common::{DataFusionError, Result, internal_err, tree_node::TreeNodeRecursion};
use datafusion_common_runtime::{JoinSet, SpawnedTask};
use datafusion_execution::{SendableRecordBatchStream, TaskContext, memory_pool::MemoryConsumer};
use datafusion_physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion_physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
    execution_plan::{CardinalityEffect, EmissionType},
    metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricBuilder, MetricsSet, SpillMetrics},
    stream::RecordBatchStreamAdapter,
};
use futures::{Stream, StreamExt, TryStreamExt};

use super::{
    SortError, SortSettings,
    held::{CancelOnDrop, Cancelled, Collected, HeldRows, SortedRun},
    merge::{Merge, merge_runs},
    order::KeyReader,
    rows::RowBlock,
    spill::Spill,
};

/// Sorts the rows of its input (see the [module](super)).
#[derive(Debug)]
pub struct SortOperator {
    input: Arc<dyn ExecutionPlan>,
    settings: Arc<SortSettings>,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl SortOperator {
    /// # Errors
    /// [`SortError`]: no keys, columns that the input does not have, or an output schema that does not fit them.
    /// Key columns whose type has no order, and locales without a known collation.
    pub fn try_new(
        input: Arc<dyn ExecutionPlan>,
        settings: SortSettings,
        output_schema: SchemaRef,
    ) -> Result<Self> {
        check(&input.schema(), &settings, &output_schema)
            .map_err(|error| DataFusionError::External(Box::new(error)))?;
        KeyReader::try_new(&settings, &input.schema())?;
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&output_schema)),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Final,
            input.boundedness(),
        ));
        Ok(Self {
            input,
            settings: Arc::new(settings),
            schema: output_schema,
            properties,
            metrics: ExecutionPlanMetricsSet::new(),
        })
    }
}

fn check(input: &SchemaRef, settings: &SortSettings, output: &SchemaRef) -> Result<(), SortError> {
    if settings.keys.is_empty() {
        return Err(SortError::NoKeys);
    }
    let columns = input.fields().len();
    let named = settings
        .keys
        .iter()
        .map(|key| key.column)
        .chain(settings.output_columns.iter().copied());
    if let Some(column) = named.filter(|column| *column >= columns).min() {
        return Err(SortError::NoSuchColumn { column, columns });
    }
    let (passed, declared) = (settings.output_columns.len(), output.fields().len());
    if passed != declared {
        return Err(SortError::ColumnCount { passed, declared });
    }
    for (column, field) in settings.output_columns.iter().zip(output.fields()) {
        let found = input.field(*column).data_type();
        if found != field.data_type() {
            return Err(SortError::ColumnType {
                name: field.name().clone(),
                declared: field.data_type().to_string(),
                found: found.to_string(),
            });
        }
    }
    Ok(())
}

impl DisplayAs for SortOperator {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "SortOperator: keys=[")?;
        let schema = self.input.schema();
        for (index, key) in self.settings.keys.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            let direction = if key.descending { "DESC" } else { "ASC" };
            write!(f, "{comma}{} {direction}", schema.field(key.column).name())?;
        }
        write!(
            f,
            "], eliminate_duplicates={}",
            self.settings.eliminate_duplicates
        )
    }
}

impl ExecutionPlan for SortOperator {
    fn name(&self) -> &str {
        "SortOperator"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![false]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![true]
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Ok([input]) = <[_; 1]>::try_from(children) else {
            return internal_err!("a sort takes one input");
        };
        let settings = SortSettings::clone(&self.settings);
        Ok(Arc::new(Self::try_new(
            input,
            settings,
            Arc::clone(&self.schema),
        )?))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        if partition != 0 {
            return internal_err!("a sort has one partition, not {}", partition + 1);
        }
        let dropped_rows = MetricBuilder::new(&self.metrics).counter("dropped_rows", 0);
        let spill_metrics = SpillMetrics::new(&self.metrics, 0);
        let spill = Spill::new(&context, Arc::clone(&self.schema), spill_metrics, dropped_rows);
        let sorting = Sorting {
            input: Arc::clone(&self.input),
            settings: Arc::clone(&self.settings),
            context,
            spill: Arc::new(spill),
            metrics: BaselineMetrics::new(&self.metrics, 0),
        };
        let output = futures::stream::once(sorting.run()).try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.schema),
            output,
        )))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        if self.settings.eliminate_duplicates {
            CardinalityEffect::LowerEqual
        } else {
            CardinalityEffect::Equal
        }
    }
}

/// One execution.
struct Sorting {
    input: Arc<dyn ExecutionPlan>,
    settings: Arc<SortSettings>,
    context: Arc<TaskContext>,
    spill: Arc<Spill>,
    metrics: BaselineMetrics,
}

type Batches = futures::stream::BoxStream<'static, Result<arrow::record_batch::RecordBatch>>;

impl Sorting {
    async fn run(self) -> Result<Batches> {
        let cancelled = Arc::new(Cancelled::default());
        let guard = CancelOnDrop(Arc::clone(&cancelled));
        let pool = self.context.memory_pool();
        let reservation = MemoryConsumer::new("Sort").with_can_spill(true).register(pool);
        let merge_reservation = reservation.new_empty();
        let reader = KeyReader::try_new(&self.settings, &self.input.schema())?;
        let distinct = self.settings.eliminate_duplicates;
        let held = HeldRows::new(reader, reservation, Arc::clone(&self.spill), distinct, cancelled);
        let threads = self.input.output_partitioning().partition_count();
        let collected = self.collect(Arc::new(held)).await?;
        let metrics = self.metrics;
        let batches: Batches = match collected {
            Collected::Memory(mut run) => {
                run.forget_keys();
                self.spill.dropped_rows.add(run.dropped_rows());
                gathered(run, self.spill.batch_size(), threads, metrics.clone()).boxed()
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
        let batches = batches.inspect_ok(move |batch| {
            // The guard lives as long as the output.
            let _ = &guard;
            metrics.record_output(batch.num_rows());
        });
        Ok(batches.boxed())
    }

    /// Reads all partitions at once.
    async fn collect(&self, held: Arc<HeldRows>) -> Result<Collected> {
        let partitions = self.input.output_partitioning().partition_count();
        let mut tasks = JoinSet::new();
        for partition in 0..partitions {
            let mut stream = self.input.execute(partition, Arc::clone(&self.context))?;
            let (held, settings) = (Arc::clone(&held), Arc::clone(&self.settings));
            let elapsed = self.metrics.elapsed_compute().clone();
            tasks.spawn(async move {
                let mut batch_number = partition as u64;
                while let Some(batch) = stream.next().await {
                    let batch = batch?;
                    if batch.num_rows() > 0 {
                        let timer = elapsed.timer();
                        let rows = RowBlock::try_new(&batch, &settings.output_columns)?;
                        timer.done();
                        held.push(batch_number, &batch, rows).await?;
                    }
                    batch_number += partitions as u64;
                }
                Ok::<_, DataFusionError>(())
            });
        }
        while let Some(task) = tasks.join_next().await {
            task.map_err(|error| DataFusionError::ExecutionJoin(Box::new(error)))??;
        }
        let _timer = self.metrics.elapsed_compute().timer();
        held.finish().await
    }
}

/// Batches of a run in memory, `threads` of them made at a time.
fn gathered(
    run: SortedRun,
    batch_size: usize,
    threads: usize,
    metrics: BaselineMetrics,
) -> impl Stream<Item = Result<arrow::record_batch::RecordBatch>> {
    let run = Arc::new(run);
    let len = run.len();
    let starts = (0..len).step_by(batch_size);
    let tasks = starts.map(move |start| {
        let (run, elapsed) = (Arc::clone(&run), metrics.elapsed_compute().clone());
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
) -> impl Stream<Item = Result<arrow::record_batch::RecordBatch>> {
    futures::stream::try_unfold((merge, schema), move |(mut merge, schema)| async move {
        let Some(batch) = merge.next_rows(batch_size).await? else {
            return Ok(None);
        };
        let batch = batch.with_schema(Arc::clone(&schema))?;
        Ok(Some((batch, (merge, schema))))
    })
}
