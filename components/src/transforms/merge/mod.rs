//! Merge: two sorted inputs to one sorted output with the rows of both.
//!
//! ```text
//!  input 1 ──▶ SortedInput:  1 3 3 7 ─┐
//!                                     ├─ the smaller run first, input 1 first if equal ─▶ 1 2 3 3 3 5 7
//!  input 2 ──▶ SortedInput:  2 3 5   ─┘
//! ```
//!
//! Output batches have `batch_size` rows. Errors: DTS_E_INPUTMUSTBESORTED for a row out of order, DTS_E_VALIDATIONFAILED for
//! columns that do not exist or do not fit.

use std::{cmp::Ordering, fmt, sync::Arc};

use arrow::{
    array::{Array, ArrayRef},
    compute::interleave,
    datatypes::{DataType, SchemaRef},
    record_batch::RecordBatch,
};
use datafusion_common::{Result, internal_err, tree_node::TreeNodeRecursion};
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_physical_expr::{Distribution, EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion_physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
    execution_plan::{Boundedness, CardinalityEffect, EmissionType},
    metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricBuilder, MetricsSet, RecordOutput},
};

pub use super::sorted::MergeKey;
use super::{
    columns::{batch_of, check_mapping, concat_arrays, map_columns},
    driven::{BatchSender, driven},
    sorted::{
        Chunk, EncodedKeys, InputDescription, IntegerKeys, KeyEncoder, RowKeys, SortedInput,
        check_keys, has_integer_keys, key_columns,
    },
};

/// Settings of a Merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    /// Path of the component in the package, for errors.
    pub component: String,
    /// Names of both inputs, for errors.
    pub input_names: [String; 2],
    /// The sort keys.
    pub keys: Vec<MergeKey>,
    /// For each input, for each output column: the input column, or `None` for NULL.
    pub mapping: [Vec<Option<usize>>; 2],
    /// LCID whose order text has.
    pub locale_id: u32,
}

/// Merges two sorted inputs of one partition each.
#[derive(Debug)]
pub struct MergeExec {
    inputs: [Arc<dyn ExecutionPlan>; 2],
    settings: Merge,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl MergeExec {
    /// `schema` is that of the output. Fails when an input has several partitions, and with DTS_E_VALIDATIONFAILED when a
    /// column does not exist, has another type than its counterpart or output column, or has no order.
    pub fn try_new(
        inputs: [Arc<dyn ExecutionPlan>; 2],
        settings: Merge,
        schema: SchemaRef,
    ) -> Result<Self> {
        for ((input, mapping), name) in inputs
            .iter()
            .zip(&settings.mapping)
            .zip(&settings.input_names)
        {
            let partitions = input.output_partitioning().partition_count();
            if partitions != 1 {
                return internal_err!(
                    "{}: {name} has {partitions} partitions; gather it",
                    settings.component
                );
            }
            check_mapping(&settings.component, name, mapping, &input.schema(), &schema)?;
        }
        check_keys(
            &settings.component,
            &settings.keys,
            &inputs[0].schema(),
            &inputs[1].schema(),
        )?;
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(1),
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

    fn key_types(&self) -> Vec<DataType> {
        let schema = self.inputs[0].schema();
        self.settings
            .keys
            .iter()
            .map(|key| schema.field(key.left).data_type().clone())
            .collect()
    }

    fn start<K: EncodedKeys>(
        &self,
        context: &Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let baseline = BaselineMetrics::new(&self.metrics, 0);
        let first = self.open::<K>(0, &baseline, context)?;
        let second = self.open::<K>(1, &baseline, context)?;
        let schema = self.schema();
        let batch_size = context.session_config().batch_size().max(1);
        Ok(driven(Arc::clone(&schema), |sender: BatchSender| {
            let picks = MergedRows {
                batches: Vec::new(),
                ranges: Vec::new(),
                rows: 0,
            };
            Merging {
                first,
                second,
                schema,
                batch_size,
                sender,
                metrics: baseline,
                picks,
            }
            .run()
        }))
    }

    fn open<K: EncodedKeys>(
        &self,
        index: usize,
        baseline: &BaselineMetrics,
        context: &Arc<TaskContext>,
    ) -> Result<SortedInput<K>> {
        let keys = key_columns(&self.settings.keys)[index].clone();
        let (mapping, schema) = (self.settings.mapping[index].clone(), self.schema());
        let rows_in = MetricBuilder::new(&self.metrics)
            .with_new_label("input", (index + 1).to_string())
            .counter("rows_in", 0);
        Ok(SortedInput::new(
            self.inputs[index].execute(0, Arc::clone(context))?,
            Box::new(move |batch| {
                batch_of(
                    &schema,
                    map_columns(batch, &mapping, &schema),
                    batch.num_rows(),
                )
            }),
            KeyEncoder::try_new(keys, &self.key_types(), self.settings.locale_id)?,
            InputDescription {
                component: self.settings.component.clone(),
                name: self.settings.input_names[index].clone(),
            },
            rows_in,
            baseline.elapsed_compute().clone(),
        ))
    }
}

impl DisplayAs for MergeExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let schema = self.inputs[0].schema();
        let keys = self.settings.keys.iter().map(|key| {
            let direction = if key.descending { " descending" } else { "" };
            format!("{}{direction}", schema.field(key.left).name())
        });
        let keys = keys.collect::<Vec<_>>().join(", ");
        match format {
            DisplayFormatType::Default | DisplayFormatType::Verbose => {
                write!(f, "MergeExec: by=[{keys}]")
            }
            DisplayFormatType::TreeRender => writeln!(f, "by {keys}"),
        }
    }
}

impl ExecutionPlan for MergeExec {
    fn name(&self) -> &str {
        "MergeExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.inputs.iter().collect()
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
        let Ok(inputs) = <[_; 2]>::try_from(children) else {
            return internal_err!("MergeExec takes two inputs");
        };
        Ok(Arc::new(Self::try_new(
            inputs,
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
            return internal_err!("MergeExec has one partition, not a partition {partition}");
        }
        if has_integer_keys(&self.key_types()) {
            self.start::<IntegerKeys>(&context)
        } else {
            self.start::<RowKeys>(&context)
        }
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::Equal
    }
}

/// One merge in progress.
struct Merging<K> {
    first: SortedInput<K>,
    second: SortedInput<K>,
    schema: SchemaRef,
    batch_size: usize,
    sender: BatchSender,
    metrics: BaselineMetrics,
    picks: MergedRows,
}

impl<K: EncodedKeys> Merging<K> {
    async fn run(mut self) -> Result<()> {
        self.first.advance().await?;
        self.second.advance().await?;
        loop {
            self.take_whole_runs();
            let first_is_next = match (&self.first.chunk, &self.second.chunk) {
                (Some(first), Some(second)) => first_is_next(first, second),
                (Some(_), None) => true,
                (None, Some(_)) => false,
                (None, None) => break,
            };
            self.take_run(first_is_next).await?;
        }
        self.flush(true).await
    }

    /// Takes runs until one chunk is at its last, or a run does not fit into the output batch.
    fn take_whole_runs(&mut self) {
        let (Some(first), Some(second)) = (&mut self.first.chunk, &mut self.second.chunk) else {
            return;
        };
        let _timer = self.metrics.elapsed_compute().timer();
        let sources = [
            self.picks.source((0, first.id), &first.batch),
            self.picks.source((1, second.id), &second.batch),
        ];
        while !first.at_last_run() && !second.at_last_run() {
            let is_first = first_is_next(first, second);
            let (chunk, source) = if is_first {
                (&mut *first, sources[0])
            } else {
                (&mut *second, sources[1])
            };
            let (start, count) = chunk.run_rows();
            if self.picks.rows + count as usize > self.batch_size {
                return;
            }
            self.picks.push(source, start, count);
            chunk.run += 1;
        }
    }

    /// Takes one run, sending batches as they fill.
    async fn take_run(&mut self, from_first: bool) -> Result<()> {
        let (input, index) = if from_first {
            (&self.first, 0)
        } else {
            (&self.second, 1)
        };
        let Some(chunk) = &input.chunk else {
            return internal_err!("no run to merge");
        };
        let (mut start, mut count) = chunk.run_rows();
        let (key, batch) = ((index, chunk.id), chunk.batch.clone());
        while count > 0 {
            let rows = count.min((self.batch_size - self.picks.rows) as u32);
            let source = self.picks.source(key, &batch);
            self.picks.push(source, start, rows);
            start += rows;
            count -= rows;
            self.flush(false).await?;
        }
        if from_first {
            self.first.advance().await
        } else {
            self.second.advance().await
        }
    }

    /// Sends the rows picked so far, if they are enough for a batch or the last ones.
    async fn flush(&mut self, last: bool) -> Result<()> {
        if self.picks.rows == 0 || (self.picks.rows < self.batch_size && !last) {
            return Ok(());
        }
        let timer = self.metrics.elapsed_compute().timer();
        let batch = self.picks.finish(&self.schema)?;
        timer.done();
        self.sender.send(batch.record_output(&self.metrics)).await
    }
}

/// Whether the next run of the first input goes before that of the second.
fn first_is_next<K: EncodedKeys>(first: &Chunk<K>, second: &Chunk<K>) -> bool {
    let (row, other_row) = (
        first.starts[first.run] as usize,
        second.starts[second.run] as usize,
    );
    first.keys.compare(row, &second.keys, other_row) != Ordering::Greater
}

/// The rows of the next output batch, as ranges of input batches.
struct MergedRows {
    batches: Vec<((usize, u64), RecordBatch)>,
    /// Source, first row, number of rows.
    ranges: Vec<(usize, u32, u32)>,
    rows: usize,
}

impl MergedRows {
    /// The number by which rows of this batch are picked. `key` tells batches apart.
    fn source(&mut self, key: (usize, u64), batch: &RecordBatch) -> usize {
        match self.batches.iter().rposition(|(known, _)| *known == key) {
            Some(source) => source,
            None => {
                self.batches.push((key, batch.clone()));
                self.batches.len() - 1
            }
        }
    }

    fn push(&mut self, source: usize, start: u32, count: u32) {
        self.rows += count as usize;
        match self.ranges.last_mut() {
            Some((last, first, len)) if *last == source && *first + *len == start => *len += count,
            _ => self.ranges.push((source, start, count)),
        }
    }

    fn finish(&mut self, schema: &SchemaRef) -> Result<RecordBatch> {
        let batches = std::mem::take(&mut self.batches);
        let ranges = std::mem::take(&mut self.ranges);
        let rows = std::mem::take(&mut self.rows);
        // A few long ranges are copied as such, many short ones row by row.
        let picks: Option<Vec<(usize, usize)>> = (ranges.len() * 8 > rows && ranges.len() > 1)
            .then(|| {
                let rows = ranges.iter().flat_map(|(source, start, count)| {
                    (*start..start + count).map(|row| (*source, row as usize))
                });
                rows.collect()
            });
        let columns = schema.fields().iter().enumerate().map(|(column, field)| {
            if let Some(picks) = &picks {
                let values: Vec<&dyn Array> = batches
                    .iter()
                    .map(|(_, batch)| batch.column(column).as_ref())
                    .collect();
                return Ok(interleave(&values, picks)?);
            }
            let pieces = ranges.iter().map(|(source, start, count)| {
                batches[*source]
                    .1
                    .column(column)
                    .slice(*start as usize, *count as usize)
            });
            concat_arrays(&pieces.collect::<Vec<ArrayRef>>(), field.data_type())
        });
        batch_of(schema, columns.collect::<Result<_>>()?, rows)
    }
}

#[cfg(test)]
mod tests;
