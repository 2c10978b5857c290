//! The physical operator.

use std::{fmt, sync::Arc};

use arrow::datatypes::SchemaRef;
use datafusion_common::{DataFusionError, Result, internal_err, tree_node::TreeNodeRecursion};
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion_physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
    execution_plan::{CardinalityEffect, EmissionType},
    metrics::{
        BaselineMetrics, ExecutionPlanMetricsSet, MetricBuilder, MetricsSet, RecordOutput,
        SpillMetrics,
    },
    stream::RecordBatchStreamAdapter,
};
use futures::TryStreamExt;

use super::{SortError, SortSettings, order::KeyReader, sorting::Sorting};

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

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        if partition != 0 {
            return internal_err!("a sort has one partition, not {}", partition + 1);
        }
        let dropped_rows = MetricBuilder::new(&self.metrics).counter("dropped_rows", 0);
        let metrics = BaselineMetrics::new(&self.metrics, 0);
        let sorting = Sorting::new(
            Arc::clone(&self.settings),
            (self.input.schema(), Arc::clone(&self.schema)),
            Arc::clone(&context),
            (SpillMetrics::new(&self.metrics, 0), dropped_rows),
            metrics.elapsed_compute().clone(),
        );
        let partitions = 0..self.input.output_partitioning().partition_count();
        let inputs =
            partitions.map(|partition| self.input.execute(partition, Arc::clone(&context)));
        let inputs = inputs.collect::<Result<Vec<_>>>()?;
        let output = futures::stream::once(sorting.run(inputs)).try_flatten();
        let output = output.map_ok(move |batch| batch.record_output(&metrics));
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
