//! Raw File Destination: rows as they travel, in a file for a later data flow.
//!
//! **Rows**: the selected input columns, under their names; source order kept. No error output. The file appears when the
//! whole data flow has succeeded. It is an **Arrow IPC file** (see [`raw_file`](super::raw_file)): any Arrow reader opens
//! it, SSIS does not. The order that the input is declared to have is written with it.
//!
//! **Properties**:
//!
//! | property | type | default | meaning |
//! |---|---|---|---|
//! | `AccessMode` | integer | 0 | 0: `FileName` names the file; 1: the variable that `FileNameVariable` names does |
//! | `FileName`, `FileNameVariable` | text | | |
//! | `WriteOption` | integer | 0 | 0 replaces the file, 1 refuses to, 2 adds to it, 3 empties a file that must exist |
//!
//! **Not supported**: DT_TEXT, DT_NTEXT and DT_IMAGE columns, as in SSIS; files that SSIS wrote.
//! **See**: spec `ssis-semantics.md` 10.

use std::{fmt, path::PathBuf, sync::Arc};

use arrow::datatypes::{Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion_common::Result;
use datafusion_datasource::sink::{DataSink, DataSinkExec};
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan,
    metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet},
};
use fletching_connections::Files;
use futures::StreamExt;

use super::{
    data_reader::selected_columns,
    raw_file::{
        COMPARISON_FLAGS, RawFileError, RawFileWriter, SORT_KEY_POSITION, WriteOption, file_name,
        local_file,
    },
};
use crate::{
    Binding, BoundInput, Component, ComponentClass, ComponentKind, Findings, PlanContext, Planned,
    flow::{FlowError, RunState, gather, project},
    only_input,
    transforms::settings::{Known, reject_unknown_everywhere},
};

pub static CLASS: ComponentClass = ComponentClass {
    name: "Microsoft.RawDestination",
    kind: ComponentKind::Destination,
    read,
};

#[derive(Debug)]
struct RawFileDestination {
    path: String,
    file: String,
    option: WriteOption,
    columns: Vec<(usize, String)>,
    schema: SchemaRef,
}

fn read(binding: &Binding<'_>) -> Result<Box<dyn Component>, Findings> {
    let input = binding.input()?;
    let columns = selected_columns(binding)?;
    let mut findings = Findings::default();
    let known = Known {
        component: &["AccessMode", "FileName", "FileNameVariable", "WriteOption"],
        ..Known::default()
    };
    reject_unknown_everywhere(binding, known, &mut findings);
    let number = binding.component.properties.int("WriteOption").unwrap_or(0);
    let option = WriteOption::from_property(number).unwrap_or_else(|| {
        findings.push(binding.finding(format!("WriteOption {number} is not one of 0 to 3")));
        WriteOption::CreateAlways
    });
    let schema = schema_of(input, &columns);
    for field in schema.fields() {
        if let Err(error) = RawFileWriter::check_column(field) {
            let mut finding = binding.finding(error.to_string());
            finding.code = Some(error.code());
            findings.push(finding);
        }
    }
    match file_name(binding) {
        Ok(file) => findings.none_or(Box::new(RawFileDestination {
            path: binding.path.to_owned(),
            file,
            option,
            columns,
            schema,
        })),
        Err(finding) => {
            findings.push(finding);
            Err(findings)
        }
    }
}

/// The columns of the file: those of the input, with their places in its declared order.
fn schema_of(input: &BoundInput, columns: &[(usize, String)]) -> SchemaRef {
    let all = input.schema();
    let field = |(position, name): &(usize, String)| {
        let field: Field = all.field(*position).clone().with_name(name);
        let key = input
            .sorted_by
            .iter()
            .position(|key| key.column == *position);
        let Some((place, key)) = key.map(|place| (place, &input.sorted_by[place])) else {
            return field;
        };
        let sign = if key.descending { "-" } else { "" };
        let mut metadata = field.metadata().clone();
        metadata.insert(SORT_KEY_POSITION.to_owned(), format!("{sign}{}", place + 1));
        metadata.insert(
            COMPARISON_FLAGS.to_owned(),
            key.comparison_flags.to_string(),
        );
        field.with_metadata(metadata)
    };
    Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()))
}

impl Component for RawFileDestination {
    fn plan(&self, inputs: Vec<Arc<dyn ExecutionPlan>>, context: &PlanContext) -> Result<Planned> {
        let input = gather(project(only_input(inputs)?, &self.columns)?)?;
        let sink = RawFileSink {
            path: self.path.clone(),
            target: local_file(&context.connections, &self.path, &self.file)?,
            option: self.option,
            files: Arc::clone(context.connections.path_map.files()),
            schema: input.schema(),
            file_schema: Arc::clone(&self.schema),
            run: Arc::clone(&context.run),
            metrics: ExecutionPlanMetricsSet::new(),
        };
        Ok(Planned::Sink(Arc::new(DataSinkExec::new(
            input,
            Arc::new(sink),
            None,
        ))))
    }
}

struct RawFileSink {
    path: String,
    target: PathBuf,
    option: WriteOption,
    files: Arc<dyn Files>,
    /// Of the batches that arrive.
    schema: SchemaRef,
    file_schema: SchemaRef,
    run: Arc<RunState>,
    metrics: ExecutionPlanMetricsSet,
}

impl fmt::Debug for RawFileSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawFileSink")
            .field("target", &self.target)
            .field("option", &self.option)
            .finish_non_exhaustive()
    }
}

impl DisplayAs for RawFileSink {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "RawFileDestination: [{}] {:?} {}, {} columns",
            self.path,
            self.option,
            self.target.display(),
            self.file_schema.fields().len()
        )
    }
}

impl RawFileSink {
    fn located(&self, error: &RawFileError) -> FlowError {
        FlowError::new(&self.path, Some(error.code()), error.to_string())
    }
}

#[async_trait]
impl DataSink for RawFileSink {
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
        let metrics = BaselineMetrics::new(&self.metrics, 0);
        let mut writer =
            RawFileWriter::open(&self.files, &self.target, &self.file_schema, self.option)
                .map_err(|error| self.located(&error))?;
        while let Some(batch) = data.next().await {
            let batch = batch?;
            if batch.num_rows() > 0 {
                let _timer = metrics.elapsed_compute().timer();
                writer.write(&batch).map_err(|error| self.located(&error))?;
            }
        }
        let (file, rows) = writer.finish().map_err(|error| self.located(&error))?;
        self.run.stage(&self.path, file);
        Ok(rows)
    }
}
