//! The operator: checks the settings, opens both inputs, and starts the join over the fastest form of its keys.

use std::{fmt, sync::Arc};

use arrow::datatypes::{DataType, SchemaRef};
use datafusion_common::{Result, internal_err, tree_node::TreeNodeRecursion};
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_physical_expr::{Distribution, EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion_physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
    execution_plan::{Boundedness, EmissionType},
    metrics::{BaselineMetrics, Count, ExecutionPlanMetricsSet, MetricBuilder, MetricsSet},
};
use dtsx::SsisCode;

use super::{
    JoinColumn, JoinKind, JoinSide, MergeJoin,
    group::Group,
    join::{Join, Output},
    picks::Picks,
};
use crate::{
    flow::FlowError,
    transforms::{
        columns::check_column,
        driven::{BatchSender, driven},
        sorted::{
            EncodedKeys, InputDescription, IntegerKeys, KeyColumn, KeyEncoder, RowKeys,
            SortedInput, check_keys, has_integer_keys, key_columns,
        },
    },
};

/// Joins two sorted inputs of one partition each. See the [module](super).
#[derive(Debug)]
pub struct MergeJoinExec {
    left: Arc<dyn ExecutionPlan>,
    right: Arc<dyn ExecutionPlan>,
    settings: MergeJoin,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl MergeJoinExec {
    /// `schema` is that of the output. Fails when an input has several partitions, and with DTS_E_VALIDATIONFAILED when a
    /// column does not exist, has another type than its counterpart or output column, or has no order.
    pub fn try_new(
        left: Arc<dyn ExecutionPlan>,
        right: Arc<dyn ExecutionPlan>,
        settings: MergeJoin,
        schema: SchemaRef,
    ) -> Result<Self> {
        for input in [&left, &right] {
            let partitions = input.output_partitioning().partition_count();
            if partitions != 1 {
                return internal_err!(
                    "{}: an input has {partitions} partitions; gather it",
                    settings.component
                );
            }
        }
        check_keys(
            &settings.component,
            &settings.keys,
            &left.schema(),
            &right.schema(),
        )?;
        check_output(&settings, [&left.schema(), &right.schema()], &schema)?;
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        ));
        Ok(Self {
            left,
            right,
            settings,
            properties,
            metrics: ExecutionPlanMetricsSet::new(),
        })
    }

    fn start<K: EncodedKeys>(
        &self,
        context: &Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let baseline = BaselineMetrics::new(&self.metrics, 0);
        let [left_keys, right_keys] = key_columns(&self.settings.keys);
        let left = self.open::<K>(JoinSide::Left, left_keys, &baseline, context)?;
        let right = self.open::<K>(JoinSide::Right, right_keys, &baseline, context)?;
        let held = Arc::new(
            self.right
                .schema()
                .project(&needed(&self.settings.output, JoinSide::Right))?,
        );
        let group = Group::new(
            self.settings.component.clone(),
            held,
            context,
            &self.metrics,
        );
        let schema = self.schema();
        let columns = positions(&self.settings.output);
        let (kind, nulls_equal) = (self.settings.kind, self.settings.nulls_equal);
        let unmatched = [
            self.count("left", "unmatched_rows"),
            self.count("right", "unmatched_rows"),
        ];
        let batch_size = context.session_config().batch_size().max(1);
        Ok(driven(Arc::clone(&schema), |sender: BatchSender| {
            let output = Output {
                schema,
                columns,
                batch_size,
                sender,
                metrics: baseline,
                left: Picks::default(),
                right: Picks::default(),
                rows: 0,
                spilled_batches: 0,
            };
            Join::<K> {
                left,
                right,
                kind,
                nulls_equal,
                group,
                output,
                unmatched,
            }
            .run()
        }))
    }

    fn open<K: EncodedKeys>(
        &self,
        side: JoinSide,
        keys: Vec<KeyColumn>,
        baseline: &BaselineMetrics,
        context: &Arc<TaskContext>,
    ) -> Result<SortedInput<K>> {
        let (plan, name, label) = match side {
            JoinSide::Left => (&self.left, &self.settings.input_names[0], "left"),
            JoinSide::Right => (&self.right, &self.settings.input_names[1], "right"),
        };
        let schema = plan.schema();
        let types: Vec<DataType> = keys
            .iter()
            .map(|key| schema.field(key.column).data_type().clone())
            .collect();
        let columns = needed(&self.settings.output, side);
        Ok(SortedInput::new(
            plan.execute(0, Arc::clone(context))?,
            Box::new(move |batch| Ok(batch.project(&columns)?)),
            KeyEncoder::try_new(keys, &types, self.settings.locale_id)?,
            InputDescription {
                component: self.settings.component.clone(),
                name: name.clone(),
            },
            self.count(label, "rows_in"),
            baseline.elapsed_compute().clone(),
        ))
    }

    fn count(&self, input: &'static str, name: &'static str) -> Count {
        MetricBuilder::new(&self.metrics)
            .with_new_label("input", input)
            .counter(name, 0)
    }
}

/// Checks the output columns against the columns that they come from.
fn check_output(settings: &MergeJoin, inputs: [&SchemaRef; 2], schema: &SchemaRef) -> Result<()> {
    let found = settings.output.len();
    if found != schema.fields().len() {
        return internal_err!(
            "{}: {found} columns for {} output columns",
            settings.component,
            schema.fields().len()
        );
    }
    for (column, field) in settings.output.iter().zip(schema.fields()) {
        let (name, input, may_be_missing) = match column.side {
            JoinSide::Left => (
                &settings.input_names[0],
                inputs[0],
                settings.kind == JoinKind::Full,
            ),
            JoinSide::Right => (
                &settings.input_names[1],
                inputs[1],
                settings.kind != JoinKind::Inner,
            ),
        };
        check_column(
            &settings.component,
            name,
            column.column,
            input,
            field.name(),
            field.data_type(),
        )?;
        if !field.is_nullable() && (may_be_missing || input.field(column.column).is_nullable()) {
            let message = "the output column does not allow NULL, but the join can produce it: declare it nullable";
            let error = FlowError::new(
                &settings.component,
                Some(SsisCode::VALIDATION_FAILED),
                message,
            );
            return Err(error.with_column(field.name()).into());
        }
    }
    Ok(())
}

/// The columns of one side that the output needs, each once.
fn needed(output: &[JoinColumn], side: JoinSide) -> Vec<usize> {
    let mut columns: Vec<usize> = output
        .iter()
        .filter(|column| column.side == side)
        .map(|column| column.column)
        .collect();
    columns.sort_unstable();
    columns.dedup();
    columns
}

/// For each output column, its position among the needed columns of its side.
fn positions(output: &[JoinColumn]) -> Vec<(JoinSide, usize)> {
    output
        .iter()
        .map(|column| {
            let before =
                needed(output, column.side).partition_point(|needed| *needed < column.column);
            (column.side, before)
        })
        .collect()
}

impl DisplayAs for MergeJoinExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (left, right) = (self.left.schema(), self.right.schema());
        let keys = self.settings.keys.iter().map(|key| {
            let direction = if key.descending { " descending" } else { "" };
            format!(
                "{} = {}{direction}",
                left.field(key.left).name(),
                right.field(key.right).name()
            )
        });
        let keys = keys.collect::<Vec<_>>().join(", ");
        match format {
            DisplayFormatType::Default | DisplayFormatType::Verbose => {
                write!(
                    f,
                    "MergeJoinExec: kind={:?}, on=[{keys}]",
                    self.settings.kind
                )
            }
            DisplayFormatType::TreeRender => writeln!(f, "{:?} on {keys}", self.settings.kind),
        }
    }
}

impl ExecutionPlan for MergeJoinExec {
    fn name(&self) -> &str {
        "MergeJoinExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.left, &self.right]
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        vec![Distribution::SinglePartition, Distribution::SinglePartition]
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
        let Ok([left, right]) = <[_; 2]>::try_from(children) else {
            return internal_err!("MergeJoinExec takes two inputs");
        };
        Ok(Arc::new(Self::try_new(
            left,
            right,
            self.settings.clone(),
            self.schema(),
        )?))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        if partition != 0 {
            return internal_err!("MergeJoinExec has one partition, not a partition {partition}");
        }
        let schema = self.left.schema();
        let types: Vec<DataType> = self
            .settings
            .keys
            .iter()
            .map(|key| schema.field(key.left).data_type().clone())
            .collect();
        if has_integer_keys(&types) {
            self.start::<IntegerKeys>(&context)
        } else {
            self.start::<RowKeys>(&context)
        }
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}
