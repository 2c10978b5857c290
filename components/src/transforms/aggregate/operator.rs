//! The physical operator.

use std::{fmt, sync::Arc};

use arrow::{datatypes::SchemaRef, record_batch::RecordBatch};
use datafusion_common::{DataFusionError, Result, internal_err, tree_node::TreeNodeRecursion};
use datafusion_common_runtime::JoinSet;
use datafusion_execution::{SendableRecordBatchStream, TaskContext, memory_pool::MemoryConsumer};
use datafusion_physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion_physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
    execution_plan::{CardinalityEffect, EmissionType},
    metrics::{
        BaselineMetrics, Count, ExecutionPlanMetricsSet, MetricsSet, RecordOutput, SpillMetrics,
    },
    stream::RecordBatchStreamAdapter,
};
use futures::{StreamExt, TryStreamExt, stream::BoxStream};

use super::{
    AggregateColumn, AggregateError, AggregateOutput,
    output::{Combined, OnDisk, combine, from_memory, placed_schema},
    partial::Partial,
    spill::Spill,
    state::{Plan, State},
};
use crate::transforms::sort::{SortKey, SortSettings, Sorting};

/// Makes one row of each group of its input's rows (see the [module](super)).
#[derive(Debug)]
pub struct AggregateExec {
    input: Arc<dyn ExecutionPlan>,
    plan: Arc<Plan>,
    /// Of the component, for errors.
    path: String,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl AggregateExec {
    /// # Errors
    /// [`AggregateError`](super::AggregateError): settings that do not fit the input's or the output's schema; group-by
    /// columns whose type cannot be compared, and locales without a known collation.
    pub fn try_new(
        input: Arc<dyn ExecutionPlan>,
        output: AggregateOutput,
        locale_id: u32,
        schema: SchemaRef,
    ) -> Result<Self> {
        let plan = Plan::try_new(output, input.schema(), schema, locale_id)?;
        Ok(Self::with_plan(input, Arc::new(plan)))
    }

    fn with_plan(input: Arc<dyn ExecutionPlan>, plan: Arc<Plan>) -> Self {
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&plan.output)),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Final,
            input.boundedness(),
        ));
        Self {
            input,
            plan,
            path: String::new(),
            properties,
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }

    /// Errors name this component.
    #[must_use]
    pub fn with_path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }
}

impl DisplayAs for AggregateExec {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "AggregateExec: [")?;
        for (index, column) in self.plan.columns.iter().enumerate() {
            let AggregateColumn {
                name,
                operation,
                input,
                ..
            } = column;
            let comma = if index == 0 { "" } else { ", " };
            match input.and_then(|input| self.plan.input.fields().get(input)) {
                Some(field) => write!(f, "{comma}{name}={operation:?}({})", field.name())?,
                None => write!(f, "{comma}{name}={operation:?}")?,
            }
        }
        write!(f, "]")
    }
}

impl ExecutionPlan for AggregateExec {
    fn name(&self) -> &str {
        "AggregateExec"
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
            return internal_err!("an aggregate takes one input");
        };
        let twin = Self::with_plan(input, Arc::clone(&self.plan));
        Ok(Arc::new(twin.with_path(self.path.clone())))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        if partition != 0 {
            return internal_err!("an aggregate has one partition, not {}", partition + 1);
        }
        let schema = State::try_new(&self.plan)?.schema(&self.plan);
        let spill_metrics = SpillMetrics::new(&self.metrics, 0);
        let aggregation = Aggregation {
            input: Arc::clone(&self.input),
            plan: Arc::clone(&self.plan),
            spill: Arc::new(Spill::new(
                context.runtime_env(),
                spill_metrics.clone(),
                schema,
            )),
            spill_metrics,
            context,
            metrics: BaselineMetrics::new(&self.metrics, 0),
        };
        let path = self.path.clone();
        let output = futures::stream::once(aggregation.run()).try_flatten();
        let output = output.map_err(move |error| AggregateError::located(error, &path));
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.plan.output),
            output,
        )))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::LowerEqual
    }
}

/// One execution.
struct Aggregation {
    input: Arc<dyn ExecutionPlan>,
    plan: Arc<Plan>,
    spill: Arc<Spill>,
    spill_metrics: SpillMetrics,
    context: Arc<TaskContext>,
    metrics: BaselineMetrics,
}

impl Aggregation {
    async fn run(self) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let partials = self.aggregate_partitions().await?;
        let timer = self.metrics.elapsed_compute().timer();
        let combined = combine(partials).await?;
        timer.done();
        let batch_size = self.context.session_config().batch_size().max(1);
        let metrics = self.metrics.clone();
        let batches = match combined {
            Combined::Memory(state, reservation) => {
                from_memory(Arc::clone(&self.plan), *state, reservation, batch_size)
                    .await?
                    .boxed()
            }
            Combined::Disk(files) => {
                let consumer = MemoryConsumer::new("Aggregate").with_can_spill(true);
                let reservation = consumer.register(self.context.memory_pool());
                let (plan, spill) = (Arc::clone(&self.plan), Arc::clone(&self.spill));
                self.sorted(OnDisk::new(plan, spill, reservation, files, batch_size))
                    .await?
            }
        };
        Ok(batches
            .map_ok(move |batch| batch.record_output(&metrics))
            .boxed())
    }

    /// A state of each partition's rows.
    async fn aggregate_partitions(&self) -> Result<Vec<Partial>> {
        let partitions = self.input.output_partitioning().partition_count();
        let mut tasks = JoinSet::new();
        for partition in 0..partitions {
            let consumer =
                MemoryConsumer::new(format!("Aggregate[{partition}]")).with_can_spill(true);
            let reservation = consumer.register(self.context.memory_pool());
            let (plan, spill) = (Arc::clone(&self.plan), Arc::clone(&self.spill));
            let mut partial = Partial::try_new(plan, spill, reservation, 0)?;
            let mut batches = self.input.execute(partition, Arc::clone(&self.context))?;
            let elapsed = self.metrics.elapsed_compute().clone();
            tasks.spawn(async move {
                let mut batch_number = partition as u64;
                while let Some(batch) = batches.next().await {
                    let batch = batch?;
                    if batch.num_rows() > 0 {
                        let _timer = elapsed.timer();
                        partial.update(&batch, batch_number).await?;
                    }
                    batch_number += partitions as u64;
                }
                Ok::<_, DataFusionError>(partial)
            });
        }
        let mut partials = Vec::with_capacity(partitions);
        while let Some(task) = tasks.join_next().await {
            partials.push(task.map_err(|error| DataFusionError::ExecutionJoin(Box::new(error)))??);
        }
        Ok(partials)
    }

    /// Rows merged from disk, in the order of their places.
    async fn sorted(&self, on_disk: OnDisk) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let schema = placed_schema(&self.plan);
        let columns = self.plan.output.fields().len();
        let settings = SortSettings {
            keys: vec![SortKey {
                column: columns,
                descending: false,
                comparison_flags: 0,
            }],
            locale_id: self.plan.locale_id,
            output_columns: (0..columns).collect(),
            eliminate_duplicates: false,
        };
        let rows = RecordBatchStreamAdapter::new(Arc::clone(&schema), on_disk.into_stream());
        let sorting = Sorting::new(
            Arc::new(settings),
            (schema, Arc::clone(&self.plan.output)),
            Arc::clone(&self.context),
            (self.spill_metrics.clone(), Count::new()),
            self.metrics.elapsed_compute().clone(),
        );
        sorting.run(vec![Box::pin(rows)]).await
    }
}
