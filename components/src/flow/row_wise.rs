//! The contract of row-wise components, and the operator that runs one with a single connected output.
//!
//! ```text
//!            ┌────────────── RowWiseExec, per partition ──────────────┐
//!  batch ──▶ │ RowWise::apply ──▶ outputs + row errors ──▶ settle     │ ──▶ batch of the connected output
//!            └────────────────────────────────────────────────────────┘
//! ```
//!
//! One batch in, exactly one batch out, empty ones included: the order of a partition's batches *is* the order of the
//! source (see [`gather`](super::gather)).

use std::{fmt, sync::Arc, time::Instant};

use arrow::{
    array::RecordBatch,
    datatypes::{Schema, SchemaRef},
};
use datafusion_common::{Result, internal_err, tree_node::TreeNodeRecursion};
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion_physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
    execution_plan::CardinalityEffect,
    metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet, RecordOutput},
    stream::RecordBatchStreamAdapter,
};
use dtsx::{Disposition, SsisCode};
use futures::StreamExt;

use super::{FlowError, Tally, settle};
use crate::{Binding, BoundOutput};

/// What the author of a row-wise component writes.
pub trait RowWise: fmt::Debug + Send + Sync {
    /// Shown by EXPLAIN: `DerivedColumn`.
    fn name(&self) -> &'static str;

    /// Path of the component in the package, for errors.
    fn path(&self) -> &str;

    /// Settings in one line, for EXPLAIN.
    fn details(&self) -> String;

    /// All outputs in document order.
    fn outputs(&self) -> &[OutputSpec];

    /// Maps one batch to one batch per connected output, and names the rows that failed.
    fn apply(&self, batch: &RecordBatch) -> Result<Applied>;

    /// The error that stops the flow because `error` has the disposition FailComponent: file, row, column, value, wanted
    /// type. Called once, on the slow path.
    fn failure(&self, batch: &RecordBatch, error: &RowError) -> FlowError;

    /// How rows in and rows out relate.
    fn routing(&self) -> Routing {
        Routing::Exclusive
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Routing {
    /// Each row goes to exactly one output, is redirected, or is dropped and counted.
    Exclusive,
    /// Each row goes to every output (Multicast).
    Copy,
    /// As [`Exclusive`](Self::Exclusive) within a group of outputs; what goes to outputs of two groups is
    /// [`OutputRows::Shared`] in the second of them.
    Groups,
}

/// An output of a row-wise component.
#[derive(Debug, Clone)]
pub struct OutputSpec {
    pub name: String,
    pub schema: SchemaRef,
    pub is_error: bool,
    /// A path leads away: `apply` need not make rows for the others.
    pub connected: bool,
}

impl OutputSpec {
    /// The outputs of a bound component.
    pub fn of(binding: &Binding<'_>) -> Vec<Self> {
        let spec = |output: &BoundOutput| Self {
            name: output.name.clone(),
            schema: output.schema(),
            is_error: output.is_error,
            connected: output.connected,
        };
        binding.outputs.iter().map(spec).collect()
    }
}

/// What [`RowWise::apply`] gives back for one batch.
#[derive(Debug)]
pub struct Applied {
    /// Rows taken in: those of the batch, or those decoded from it (a source).
    pub rows_in: usize,
    /// One entry per output, in order; error outputs are `OutputRows::Errors`.
    pub outputs: Vec<OutputRows>,
    /// Failing cells, ordered by row; within a row in the order in which SSIS evaluates.
    pub errors: Vec<RowError>,
    /// For each redirected row, in order, what the error output shows before ErrorCode and ErrorColumn; `None`: the
    /// rows of the input batch.
    pub error_rows: Option<RecordBatch>,
}

#[derive(Debug)]
pub enum OutputRows {
    /// One row for each row taken in; failing rows are still there and are filtered out by [`settle`].
    Aligned(RecordBatch),
    /// Already selected: holds no failing row.
    Selected(RecordBatch),
    /// Already selected; `again` of these rows are in an output before this one, too ([`Routing::Groups`]).
    Shared { rows: RecordBatch, again: usize },
    /// Already selected; `dropped` rows besides end here, because the component says so.
    Dropping { rows: RecordBatch, dropped: usize },
    /// No path leads away: this many rows end here.
    Unconnected(usize),
    /// The error output: filled by [`settle`].
    Errors,
}

/// A cell (or a whole row) that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowError {
    /// Row among those taken in.
    pub row: u32,
    /// What `ErrorColumn` shows: the column's number, 0 for the whole row.
    pub column: i32,
    pub code: SsisCode,
    pub disposition: Disposition,
}

/// Runs a [`RowWise`] whose only connected output is `output`.
#[derive(Debug)]
pub struct RowWiseExec {
    input: Arc<dyn ExecutionPlan>,
    operator: Arc<dyn RowWise>,
    /// `None`: no output is connected, the rows are counted and end here.
    output: Option<usize>,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
    tally: Arc<Tally>,
}

impl RowWiseExec {
    /// `output` is the position of the connected output in [`RowWise::outputs`].
    pub fn try_new(
        input: Arc<dyn ExecutionPlan>,
        operator: Arc<dyn RowWise>,
        output: usize,
        tally: Arc<Tally>,
    ) -> Result<Self> {
        let Some(spec) = operator.outputs().get(output) else {
            return internal_err!("{} has no output {output}", operator.path());
        };
        let schema = Arc::clone(&spec.schema);
        Ok(Self::with_schema(
            input,
            operator,
            Some(output),
            schema,
            tally,
        ))
    }

    /// A component none of whose outputs is connected: yields one batch without columns and rows for each it takes.
    pub fn drained(
        input: Arc<dyn ExecutionPlan>,
        operator: Arc<dyn RowWise>,
        tally: Arc<Tally>,
    ) -> Self {
        Self::with_schema(input, operator, None, Arc::new(Schema::empty()), tally)
    }

    fn with_schema(
        input: Arc<dyn ExecutionPlan>,
        operator: Arc<dyn RowWise>,
        output: Option<usize>,
        schema: SchemaRef,
        tally: Arc<Tally>,
    ) -> Self {
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            input.output_partitioning().clone(),
            input.pipeline_behavior(),
            input.boundedness(),
        ));
        let metrics = ExecutionPlanMetricsSet::new();
        Self {
            input,
            operator,
            output,
            schema,
            properties,
            metrics,
            tally,
        }
    }
}

impl DisplayAs for RowWiseExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match format {
            DisplayFormatType::Default | DisplayFormatType::Verbose => {
                write!(
                    f,
                    "{}Exec: [{}] {}",
                    self.operator.name(),
                    self.operator.path(),
                    self.operator.details()
                )
            }
            DisplayFormatType::TreeRender => writeln!(f, "{}", self.operator.details()),
        }
    }
}

impl ExecutionPlan for RowWiseExec {
    fn name(&self) -> &str {
        self.operator.name()
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
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
            return internal_err!("{} takes one input", self.name());
        };
        let (operator, tally) = (Arc::clone(&self.operator), Arc::clone(&self.tally));
        Ok(Arc::new(Self::with_schema(
            input,
            operator,
            self.output,
            Arc::clone(&self.schema),
            tally,
        )))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let operator = Arc::clone(&self.operator);
        let tally = Arc::clone(&self.tally);
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let output = self.output;
        let schema = Arc::clone(&self.schema);
        let batches = self.input.execute(partition, context)?.map(move |batch| {
            let batch = batch?;
            let started = Instant::now();
            let timer = metrics.elapsed_compute().timer();
            let mut settled = settle(operator.as_ref(), &batch, &tally)?;
            timer.done();
            tally.add_elapsed(started.elapsed());
            let Some(output) = output else {
                return Ok(RecordBatch::new_empty(Arc::clone(&schema)));
            };
            let Some(rows) = settled.get_mut(output).and_then(Option::take) else {
                return internal_err!("{} made no rows for output {output}", operator.path());
            };
            Ok(rows.record_output(&metrics))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.schema),
            batches,
        )))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::LowerEqual
    }
}
