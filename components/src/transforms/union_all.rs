//! Union All: the rows of several inputs in one output.
//!
//! SSIS interleaves its inputs as they arrive (`ssis-semantics` 5.2). Here the order is fixed, the same in every run and
//! at any number of threads: output batch `k` holds the rows of batch `k` of every input, in input order.
//!
//! ```text
//!  input 1:  a0  a1  a2            partition p of the output is made of
//!  input 2:  b0  b1          ──▶   a0+b0  a1+b1  a2       partition p of every input
//! ```
//!
//! Columns are mapped by position; an output column that an input does not map is NULL in its rows (5.1). Nothing is
//! copied where only one input has rows.

use std::{fmt, sync::Arc};

use arrow::{array::ArrayRef, datatypes::SchemaRef, record_batch::RecordBatch};
use datafusion_common::{Result, internal_err, tree_node::TreeNodeRecursion};
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion_physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
    execution_plan::{Boundedness, CardinalityEffect, EmissionType},
    metrics::{
        BaselineMetrics, Count, ExecutionPlanMetricsSet, MetricBuilder, MetricsSet, RecordOutput,
    },
    stream::RecordBatchStreamAdapter,
};
use futures::{StreamExt, future::join_all, stream};

use super::columns::{batch_of, check_mapping, concat_arrays, map_columns};

/// Settings of a Union All.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnionAll {
    /// Path of the component in the package, for errors.
    pub component: String,
    /// For each input, for each output column: the input column, or `None` for NULL.
    pub mapping: Vec<Vec<Option<usize>>>,
}

/// N inputs with P partitions each to one output with P partitions.
#[derive(Debug)]
pub struct UnionAllExec {
    inputs: Vec<Arc<dyn ExecutionPlan>>,
    settings: UnionAll,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl UnionAllExec {
    /// `schema` is that of the output. Fails when a mapped column does not exist or has another type than the output column
    /// (DTS_E_VALIDATIONFAILED), or when the inputs do not have the same number of partitions.
    pub fn try_new(
        inputs: Vec<Arc<dyn ExecutionPlan>>,
        settings: UnionAll,
        schema: SchemaRef,
    ) -> Result<Self> {
        let partitions = inputs
            .first()
            .map_or(0, |input| input.output_partitioning().partition_count());
        if inputs
            .iter()
            .any(|input| input.output_partitioning().partition_count() != partitions)
        {
            return internal_err!(
                "{}: the inputs differ in their number of partitions",
                settings.component
            );
        }
        if inputs.is_empty() || inputs.len() != settings.mapping.len() {
            return internal_err!(
                "{}: {} inputs with {} mappings",
                settings.component,
                inputs.len(),
                settings.mapping.len()
            );
        }
        for (index, (input, mapping)) in inputs.iter().zip(&settings.mapping).enumerate() {
            let name = format!("input {}", index + 1);
            check_mapping(
                &settings.component,
                &name,
                mapping,
                &input.schema(),
                &schema,
            )?;
        }
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        ));
        Ok(Self {
            inputs,
            settings,
            properties,
            metrics: ExecutionPlanMetricsSet::new(),
        })
    }
}

impl DisplayAs for UnionAllExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match format {
            DisplayFormatType::Default | DisplayFormatType::Verbose => {
                write!(f, "UnionAllExec: inputs={}", self.inputs.len())
            }
            DisplayFormatType::TreeRender => writeln!(f, "inputs={}", self.inputs.len()),
        }
    }
}

impl ExecutionPlan for UnionAllExec {
    fn name(&self) -> &str {
        "UnionAllExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.inputs.iter().collect()
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
        Ok(Arc::new(Self::try_new(
            children,
            self.settings.clone(),
            self.schema(),
        )?))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let inputs = self
            .inputs
            .iter()
            .enumerate()
            .map(|(index, input)| {
                let builder = MetricBuilder::new(&self.metrics)
                    .with_new_label("input", (index + 1).to_string());
                Ok(InputStream {
                    batches: Some(input.execute(partition, Arc::clone(&context))?),
                    mapping: self.settings.mapping[index].clone(),
                    rows_in: builder.counter("rows_in", partition),
                })
            })
            .collect::<Result<Vec<_>>>()?;
        let schema = self.schema();
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let union = Union {
            inputs,
            schema: Arc::clone(&schema),
            metrics,
        };
        let batches = stream::try_unfold(union, |mut union| async move {
            Ok(union.next().await?.map(|batch| (batch, union)))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::Equal
    }
}

/// One partition of one input.
struct InputStream {
    /// `None` once it has ended.
    batches: Option<SendableRecordBatchStream>,
    mapping: Vec<Option<usize>>,
    rows_in: Count,
}

impl InputStream {
    async fn next(&mut self) -> Option<Result<RecordBatch>> {
        let next = self.batches.as_mut()?.next().await;
        match &next {
            Some(Ok(batch)) => self.rows_in.add(batch.num_rows()),
            _ => self.batches = None,
        }
        next
    }
}

/// One partition of the output.
struct Union {
    inputs: Vec<InputStream>,
    schema: SchemaRef,
    metrics: BaselineMetrics,
}

impl Union {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        // All at once, so that a slow input does not stop the others; the first error in input order counts.
        let arrived = join_all(self.inputs.iter_mut().map(InputStream::next)).await;
        let _timer = self.metrics.elapsed_compute().timer();
        if arrived.iter().all(Option::is_none) {
            return Ok(None);
        }
        let (mut pieces, mut rows) = (Vec::new(), 0);
        for (batch, input) in arrived.into_iter().zip(&self.inputs) {
            let Some(batch) = batch.transpose()?.filter(|batch| batch.num_rows() > 0) else {
                continue;
            };
            rows += batch.num_rows();
            pieces.push(map_columns(&batch, &input.mapping, &self.schema));
        }
        let columns = self
            .schema
            .fields()
            .iter()
            .enumerate()
            .map(|(column, field)| {
                let pieces: Vec<ArrayRef> = pieces
                    .iter()
                    .map(|piece| Arc::clone(&piece[column]))
                    .collect();
                concat_arrays(&pieces, field.data_type())
            })
            .collect::<Result<_>>()?;
        let batch = batch_of(&self.schema, columns, rows)?;
        Ok(Some(batch.record_output(&self.metrics)))
    }
}

#[cfg(test)]
mod tests {
    use arrow::{
        array::{AsArray, Int64Array},
        datatypes::{DataType, Field, Int64Type, Schema},
    };

    use super::*;
    use crate::{
        flow::GatherExec,
        transforms::given::{Given, collect, context, dealt},
    };

    fn schema(columns: usize) -> SchemaRef {
        let fields = (0..columns).map(|at| Field::new(format!("c{at}"), DataType::Int64, true));
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    /// Batches of these lengths; the first column counts from `from`, the second is its negation.
    fn input(from: i64, lengths: &[usize], partitions: usize) -> Arc<dyn ExecutionPlan> {
        let mut at = from;
        let batches = lengths.iter().map(|len| {
            let values: Vec<i64> = (at..at + *len as i64).collect();
            at += *len as i64;
            let negated = Int64Array::from_iter_values(values.iter().map(|value| -value));
            let columns: Vec<ArrayRef> =
                vec![Arc::new(Int64Array::from(values)), Arc::new(negated)];
            Given::Batch(RecordBatch::try_new(schema(2), columns).unwrap())
        });
        dealt(&schema(2), batches.collect(), partitions)
    }

    fn settings(mapping: Vec<Vec<Option<usize>>>) -> UnionAll {
        UnionAll {
            component: "Package\\Flow\\Union All".to_owned(),
            mapping,
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn batch_k_holds_batch_k_of_every_input() {
        for partitions in [1, 2, 7] {
            let inputs = vec![
                input(0, &[2, 0, 1], partitions),
                input(100, &[1, 0, 0, 0, 2], partitions),
                input(200, &[], partitions),
            ];
            let mapping = vec![
                vec![Some(0), Some(1)],
                vec![Some(1), None],
                vec![None, None],
            ];
            let union = UnionAllExec::try_new(inputs, settings(mapping), schema(2)).unwrap();
            let plan = GatherExec::try_new(Arc::new(union)).unwrap();
            let batches = collect(&plan, 0, &context(8192, None)).await.unwrap();
            let rows = |column: usize| -> Vec<Vec<Option<i64>>> {
                let columns = batches
                    .iter()
                    .map(|batch| batch.column(column).as_primitive::<Int64Type>());
                columns.map(|column| column.iter().collect()).collect()
            };
            let first: Vec<Vec<i64>> =
                vec![vec![0, 1, -100], vec![], vec![2], vec![], vec![-101, -102]];
            let first: Vec<Vec<Option<i64>>> = first
                .into_iter()
                .map(|batch| batch.into_iter().map(Some).collect())
                .collect();
            assert_eq!(rows(0), first, "{partitions} partitions");
            let second = vec![
                vec![Some(0), Some(-1), None],
                vec![],
                vec![Some(-2)],
                vec![],
                vec![None, None],
            ];
            assert_eq!(rows(1), second, "{partitions} partitions");
        }
    }

    #[tokio::test]
    async fn a_batch_alone_is_not_copied() {
        let source = input(0, &[3], 1);
        let context = context(8192, None);
        let before = collect(source.as_ref(), 0, &context).await.unwrap();
        let inputs = vec![input(9, &[0], 1), Arc::clone(&source)];
        let mapping = settings(vec![vec![Some(0)], vec![Some(1)]]);
        let union = UnionAllExec::try_new(inputs, mapping, schema(1)).unwrap();
        let after = collect(&union, 0, &context).await.unwrap();
        let values = |batch: &RecordBatch, at: usize| {
            batch
                .column(at)
                .as_primitive::<Int64Type>()
                .values()
                .as_ptr()
        };
        assert_eq!(values(&after[0], 0), values(&before[0], 1));
    }

    #[test]
    fn a_column_of_another_type_is_named() {
        let text = Arc::new(Schema::new(vec![Field::new(
            "name",
            DataType::Utf8View,
            true,
        )]));
        let error =
            UnionAllExec::try_new(vec![input(0, &[], 1)], settings(vec![vec![Some(1)]]), text)
                .unwrap_err();
        let wanted = "column `c1` of input 1 is Int64, but the output column is Utf8View";
        assert!(error.to_string().contains(wanted), "{error}");
        assert!(error.to_string().contains("column `name`"), "{error}");
    }
}
