//! Casts the rows of a load in the partitions that made them, so that the thread of the load only writes.
//!
//! ```text
//!  batch ──▶ columns of the table, in its types ──▶ one batch: as it arrived | as it is written | why a row is not
//! ```
//!
//! One batch out for one in: a gather keeps the order of rows, and the first failing row of the source is the first that the
//! load learns of.

use std::{fmt, sync::Arc};

use arrow::{
    array::{
        Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, UInt64Array, new_null_array,
    },
    datatypes::{DataType, Field, Schema, SchemaRef, UInt64Type},
};
use datafusion_common::{Result, internal_err, tree_node::TreeNodeRecursion};
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion_physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
    metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet},
    stream::RecordBatchStreamAdapter,
};
use dtsx::SsisCode;
use fletching_expression::types;
use futures::StreamExt;

use super::destination::LoadColumn;
use crate::flow::FlowError;

/// The casts of a load.
#[derive(Debug)]
pub(super) struct Casts {
    path: String,
    columns: Vec<LoadColumn>,
    /// Of the rows as they arrive.
    arrived: SchemaRef,
    /// Of the rows as they are written.
    written: SchemaRef,
    /// Of both, and the failures.
    all: SchemaRef,
}

/// A row that cannot be cast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Uncast {
    pub(super) row: usize,
    pub(super) code: SsisCode,
    /// Place of the first column that failed among those of the load.
    pub(super) column: usize,
}

/// A batch of [`CastExec`].
#[derive(Debug)]
pub(super) struct Divided {
    pub(super) arrived: RecordBatch,
    /// Rows that failed are there, with NULL where they did.
    pub(super) written: RecordBatch,
    pub(super) failed: Vec<Uncast>,
}

impl Casts {
    pub(super) fn new(path: &str, columns: &[LoadColumn], arrived: SchemaRef) -> Self {
        let fields = columns
            .iter()
            .map(|column| types::field(&column.external, column.cast.to()));
        let written = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let failure = Arc::new(Field::new("failure", DataType::UInt64, true));
        let all = arrived.fields().iter().chain(written.fields()).cloned();
        let all = all.chain([failure]).collect::<Vec<_>>();
        Self {
            path: path.to_owned(),
            columns: columns.to_vec(),
            arrived,
            written,
            all: Arc::new(Schema::new(all)),
        }
    }

    /// As [`CastExec`] hands a batch on.
    fn apply(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let rows = batch.num_rows();
        let mut columns: Vec<ArrayRef> = batch.columns().to_vec();
        // For each row its first failure.
        let mut failed: Vec<Option<u64>> = Vec::new();
        for (column, at) in self.columns.iter().zip(0_u64..) {
            let evaluated = column
                .cast
                .apply(batch.column(column.input))
                .map_err(|error| {
                    FlowError::new(&self.path, error.code(), error.to_string())
                        .with_column(&column.name)
                })?;
            for failure in &evaluated.errors {
                failed.resize(rows, None);
                if let Some(first) = failed.get_mut(failure.row as usize) {
                    first.get_or_insert(at << 32 | u64::from(failure.code.0));
                }
            }
            columns.push(evaluated.array);
        }
        columns.push(match failed.is_empty() {
            true => new_null_array(&DataType::UInt64, rows),
            false => Arc::new(UInt64Array::from(failed)),
        });
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(
            Arc::clone(&self.all),
            columns,
            &options,
        )?)
    }

    /// Takes a batch of [`CastExec`] apart.
    pub(super) fn divide(&self, batch: &RecordBatch) -> Result<Divided> {
        let (count, width) = (self.arrived.fields().len(), self.written.fields().len());
        let columns = batch.columns();
        let (Some(arrived), Some(written), Some(failures)) = (
            columns.get(..count),
            columns.get(count..count + width),
            columns.get(count + width),
        ) else {
            return internal_err!("{}: a cast batch is wanted", self.path);
        };
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let of = |schema: &SchemaRef, columns: &[ArrayRef]| {
            RecordBatch::try_new_with_options(Arc::clone(schema), columns.to_vec(), &options)
        };
        let mut failed = Vec::new();
        if failures.null_count() < failures.len() {
            let failures = failures.as_primitive::<UInt64Type>();
            failed.extend(failures.iter().enumerate().filter_map(|(row, failure)| {
                let failure = failure?;
                Some(Uncast {
                    row,
                    code: SsisCode((failure & u64::from(u32::MAX)) as u32),
                    column: (failure >> 32) as usize,
                })
            }));
        }
        Ok(Divided {
            arrived: of(&self.arrived, arrived)?,
            written: of(&self.written, written)?,
            failed,
        })
    }
}

/// Runs [`Casts`] over each partition.
#[derive(Debug)]
pub(super) struct CastExec {
    input: Arc<dyn ExecutionPlan>,
    casts: Arc<Casts>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl CastExec {
    pub(super) fn new(input: Arc<dyn ExecutionPlan>, casts: Arc<Casts>) -> Self {
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&casts.all)),
            input.output_partitioning().clone(),
            input.pipeline_behavior(),
            input.boundedness(),
        ));
        Self {
            input,
            casts,
            properties,
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }
}

impl DisplayAs for CastExec {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.casts.columns.iter();
        let casts = columns.filter(|column| column.cast.from() != column.cast.to());
        write!(f, "CastExec: {} columns", casts.count())
    }
}

impl ExecutionPlan for CastExec {
    fn name(&self) -> &str {
        "CastExec"
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
            return internal_err!("CastExec takes one input");
        };
        Ok(Arc::new(Self::new(input, Arc::clone(&self.casts))))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let casts = Arc::clone(&self.casts);
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let batches = self.input.execute(partition, context)?.map(move |batch| {
            let batch = batch?;
            let _timer = metrics.elapsed_compute().timer();
            casts.apply(&batch)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.casts.all),
            batches,
        )))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int32Array, StringViewArray};
    use dtsx::DataType as Ssis;

    use super::*;
    use crate::database::ColumnCast;

    fn column(input: usize, external: &str, from: Ssis, to: Ssis) -> LoadColumn {
        LoadColumn {
            input,
            name: format!("in {input}"),
            external: external.to_owned(),
            cast: ColumnCast::new(from, to, 1033).unwrap(),
        }
    }

    #[test]
    fn a_row_keeps_its_first_failure() {
        let text = Ssis::WStr { length: 10 };
        let batch = RecordBatch::try_from_iter([
            (
                "id",
                Arc::new(Int32Array::from(vec![1, 70_000, 3])) as ArrayRef,
            ),
            ("n", Arc::new(StringViewArray::from(vec!["5", "x", "y"]))),
        ])
        .unwrap();
        let columns = [
            column(1, "n", text, Ssis::I4),
            column(0, "id", Ssis::I4, Ssis::I2),
        ];
        let casts = Casts::new("\\Package\\D\\C", &columns, batch.schema());
        let divided = casts.divide(&casts.apply(&batch).unwrap()).unwrap();
        assert_eq!(divided.arrived, batch);
        let places: Vec<_> = divided
            .failed
            .iter()
            .map(|one| (one.row, one.column))
            .collect();
        assert_eq!(places, [(1, 0), (2, 0)]);
        assert_eq!(divided.written.num_rows(), 3);
        assert_eq!(divided.written.schema().field(1).name(), "id");
        let none = casts
            .divide(&casts.apply(&batch.slice(0, 1)).unwrap())
            .unwrap();
        assert_eq!(none.failed, []);
        let empty = casts
            .divide(&casts.apply(&batch.slice(0, 0)).unwrap())
            .unwrap();
        assert_eq!(empty.written.num_rows(), 0);
    }
}
