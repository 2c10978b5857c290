//! Flat File Destination: writes rows to a delimited, fixed width or ragged right file.
//!
//! ```text
//!  input ──▶ EncodeExec (in the partitions) ──▶ GatherExec ──▶ sink: writes beside the target ──▶ renamed with the flow
//! ```
//!
//! **Rows**: in source order, columns in the order of the connection manager. No error output: a value that the file cannot
//! take stops the flow.
//! **Properties**: `Overwrite` (else rows are appended, header and names once more, as SSIS does), `Header`, `EscapeQualifier`;
//! the file's shape comes from the flat file connection manager.
//! **Parquet**: a connection string that ends in `.parquet` makes a Parquet file, its columns named as the file's and typed
//! as the data flow's. SSIS has no such thing.
//! **See**: semantics 8.5 and 8.6.

use std::{fmt, io::Write, path::PathBuf, sync::Arc};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use async_trait::async_trait;
use datafusion_common::Result;
use datafusion_datasource::sink::{DataSink, DataSinkExec};
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan,
    metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet},
};
use dtsx::SsisCode;
use fletching_connections::{Files, StagedFile};
use futures::StreamExt;

use super::{
    flat_file::{FlatFileEncoder, FlatFileOutputLayout},
    parquet_file,
};
use crate::{
    Binding, Component, ComponentClass, ComponentKind, Findings, PlanContext, Planned,
    flat_file_manager::FlatFileManager,
    flow::{Encode, EncodeExec, FlowError, RunState, gather, project, scatter},
    only_input,
    transforms::settings::{Known, reject_unknown_everywhere},
};

pub static CLASS: ComponentClass = ComponentClass {
    name: "Microsoft.FlatFileDestination",
    kind: ComponentKind::Destination,
    read,
};

#[derive(Debug)]
struct FlatFileDestination {
    path: String,
    manager: String,
    overwrite: bool,
    layout: FlatFileOutputLayout,
    encoder: Arc<FlatFileEncoder>,
    /// Input position and name of each mapped column, in file order.
    columns: Vec<(usize, String)>,
}

fn read(binding: &Binding<'_>) -> Result<Box<dyn Component>, Findings> {
    let manager = FlatFileManager::of(binding)?;
    let input = binding.input()?;
    let document = binding.document_input()?;
    let mut findings = Findings::default();
    let known = Known {
        component: &["Overwrite", "Header", "EscapeQualifier"],
        ..Known::default()
    };
    reject_unknown_everywhere(binding, known, &mut findings);
    let Some(written) = binding.connections.get(&manager.name) else {
        return Err(binding.finding("its connection manager is gone").into());
    };
    let mut layout = FlatFileOutputLayout::read(written).map_err(|error| {
        binding.finding(format!("connection manager `{}`: {error}", manager.name))
    })?;
    for (column, &position) in document.columns.iter().zip(&input.used) {
        let external = document
            .external_columns
            .iter()
            .find(|external| Some(&external.id) == column.external_column_id.as_ref());
        let Some(external) = external else {
            let name = &input.columns[position].name;
            findings.push(binding.finding(format!(
                "input column `{name}` is mapped to no column of the file"
            )));
            continue;
        };
        match layout
            .columns
            .iter_mut()
            .find(|candidate| candidate.name == external.name)
        {
            Some(target) => target.source = Some(position),
            None => findings.push(binding.finding(format!(
                "the file column `{}` is not defined in connection manager `{}`",
                external.name, manager.name
            ))),
        }
    }
    let properties = &binding.component.properties;
    layout.header = properties.get("Header").unwrap_or_default().to_owned();
    layout.escape_qualifier = properties.bool("EscapeQualifier").unwrap_or(false);
    let encoder = FlatFileEncoder::new(&layout, &input.schema()).map_err(|error| {
        binding.finding(format!("connection manager `{}`: {error}", manager.name))
    })?;
    let columns = layout
        .columns
        .iter()
        .filter_map(|column| Some((column.source?, column.name.clone())))
        .collect();
    let destination = FlatFileDestination {
        path: binding.path.to_owned(),
        manager: manager.name,
        overwrite: properties.bool("Overwrite").unwrap_or(true),
        layout,
        encoder: Arc::new(encoder),
        columns,
    };
    findings.none_or(Box::new(destination))
}

impl Component for FlatFileDestination {
    fn plan(&self, inputs: Vec<Arc<dyn ExecutionPlan>>, context: &PlanContext) -> Result<Planned> {
        let input = only_input(inputs)?;
        let connections = &context.connections;
        let target = connections.file(&self.manager).map_err(|error| {
            FlowError::new(
                &self.path,
                Some(SsisCode::CANNOT_ACQUIRE_CONNECTION),
                error.to_string(),
            )
        })?;
        context
            .run
            .claim(&self.path, &target, connections.path_map.files().as_ref())?;
        if target
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("parquet"))
        {
            let input = gather(project(input, &self.columns)?)?;
            return Ok(Planned::Sink(parquet_file::sink(
                &self.path,
                input,
                target,
                self.overwrite,
                context,
            )?));
        }
        let encode = Arc::new(EncodeRows {
            path: self.path.clone(),
            encoder: Arc::clone(&self.encoder),
        });
        let encoded = EncodeExec::new(scatter(input, context.partitions)?, encode);
        let input = gather(Arc::new(encoded))?;
        let sink = FlatFileSink {
            path: self.path.clone(),
            target,
            append: !self.overwrite,
            files: Arc::clone(connections.path_map.files()),
            encoder: Arc::clone(&self.encoder),
            columns: self.layout.columns.len(),
            schema: input.schema(),
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

#[derive(Debug)]
struct EncodeRows {
    path: String,
    encoder: Arc<FlatFileEncoder>,
}

impl Encode for EncodeRows {
    fn name(&self) -> &'static str {
        "flat file"
    }

    fn encode(&self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<()> {
        self.encoder.encode(batch, out).map_err(|error| {
            FlowError::new(&self.path, Some(error.code()), error.to_string())
                .with_column(&error.column)
                .into()
        })
    }
}

struct FlatFileSink {
    path: String,
    target: PathBuf,
    append: bool,
    files: Arc<dyn Files>,
    encoder: Arc<FlatFileEncoder>,
    columns: usize,
    schema: SchemaRef,
    run: Arc<RunState>,
    metrics: ExecutionPlanMetricsSet,
}

impl fmt::Debug for FlatFileSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlatFileSink")
            .field("target", &self.target)
            .field("append", &self.append)
            .finish_non_exhaustive()
    }
}

impl DisplayAs for FlatFileSink {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.append { "append to" } else { "write" };
        write!(
            f,
            "FlatFileDestination: [{}] {verb} {}, {} columns",
            self.path,
            self.target.display(),
            self.columns
        )
    }
}

impl FlatFileSink {
    fn open(&self) -> Result<StagedFile> {
        let opened = if self.append {
            StagedFile::append(&self.files, &self.target)
        } else {
            StagedFile::create(&self.files, &self.target)
        };
        opened.map_err(|error| {
            FlowError::new(&self.path, Some(error.code()), error.to_string()).into()
        })
    }

    fn write(&self, file: &mut StagedFile, bytes: &[u8]) -> Result<()> {
        file.write_all(bytes).map_err(|error| {
            let message = format!(
                "the file could not be written: {error}; check the space and rights of its folder"
            );
            FlowError::new(&self.path, Some(SsisCode::CANNOT_WRITE_DATA_FILE), message)
                .with_file(self.target.display().to_string())
                .into()
        })
    }
}

#[async_trait]
impl DataSink for FlatFileSink {
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
        let mut file = self.open()?;
        let mut prologue = Vec::new();
        self.encoder
            .prologue(file.old_len() == 0, &mut prologue)
            .map_err(|error| FlowError::new(&self.path, None, error.to_string()))?;
        self.write(&mut file, &prologue)?;
        let mut total = 0;
        while let Some(batch) = data.next().await {
            let batch = batch?;
            let (bytes, rows) = EncodeExec::encoded(&batch)?;
            if !bytes.is_empty() {
                let _timer = metrics.elapsed_compute().timer();
                self.write(&mut file, bytes)?;
            }
            total += rows;
        }
        self.run.stage(&self.path, file);
        Ok(total)
    }
}
