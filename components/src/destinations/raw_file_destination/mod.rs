//! Raw File Destination: keeps rows in a file for a later data flow, with their types and sort order.
//!
//! ```text
//!  input ──▶ GatherExec ──cut every 16 K rows──▶ task: join batch 0 ─┐
//!                                                task: join batch 1 ─┴─▶ written in order ──▶ renamed with the flow
//! ```
//!
//! **Rows**: in source order, the selected input columns under their names. No error output: nothing about a row can fail.
//! The file is an **Arrow IPC file** inside, which any Arrow reader opens; see [`raw_file`](super::raw_file). It does not
//! depend on the number of threads.
//!
//! **Properties**:
//!
//! | property | type | default | meaning |
//! |---|---|---|---|
//! | `AccessMode` | 0, 1 | 0 | the file's name is in `FileName` (0) or in the variable that `FileNameVariable` names (1) |
//! | `FileName` | text | | a path, mapped as those of connection managers are |
//! | `FileNameVariable` | text | | `User::X`, or `X` for the nearest of that name; read as the data flow starts |
//! | `WriteOption` | 0 to 3 | 0 | create always; create once (the file must not exist); append (a missing file is created); truncate and append (the file must exist) |
//!
//! **Sort order**: if the input is sorted, its leading sort keys among the selected columns are noted in the file. An append
//! keeps the file's notes and sorts nothing, so that they may no longer hold, as in SSIS.
//! **Not supported**: DT_TEXT, DT_NTEXT and DT_IMAGE columns, as in SSIS; files that SSIS itself wrote (append); two
//! destinations of one data flow that write the same file.
//! **See**: semantics section 10.

use std::{collections::VecDeque, fmt, path::PathBuf, sync::Arc};

use arrow::{
    array::RecordBatch,
    datatypes::{Schema, SchemaRef},
    error::ArrowError,
};
use async_trait::async_trait;
use datafusion_common::{DataFusionError, Result};
use datafusion_common_runtime::SpawnedTask;
use datafusion_datasource::sink::{DataSink, DataSinkExec};
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan};
use dtsx::SsisCode;
use fletching_connections::Files;
use fletching_expression::types;
use futures::StreamExt;

use super::{
    data_reader::selected_columns,
    raw_file::{
        BatchCut, COMPARISON_FLAGS, Pieces, RawFileError, RawFileWriter, SORT_KEY_POSITION,
        WriteOption, check_columns,
    },
};
use crate::{
    Binding, BoundInput, Component, ComponentClass, ComponentKind, Finding, Findings, PlanContext,
    Planned,
    flow::{FlowError, RunState, gather, project},
    only_input,
    raw_file_name::{ACCESS_MODE, FILE_NAME, FILE_NAME_VARIABLE, RawFileName},
    transforms::settings::{Known, reject_unknown_everywhere},
};

pub static CLASS: ComponentClass = ComponentClass {
    name: "Microsoft.RawDestination",
    kind: ComponentKind::Destination,
    read,
};

const WRITE_OPTION: &str = "WriteOption";

#[derive(Debug)]
struct RawFileDestination {
    path: String,
    file: RawFileName,
    option: WriteOption,
    /// Input position and name of each column of the file.
    columns: Vec<(usize, String)>,
    /// The columns of the file, with their sort flags.
    schema: SchemaRef,
}

fn read(binding: &Binding<'_>) -> Result<Box<dyn Component>, Findings> {
    let input = binding.input()?;
    let columns = selected_columns(binding)?;
    let mut findings = Findings::default();
    let known = Known {
        component: &[ACCESS_MODE, FILE_NAME, FILE_NAME_VARIABLE, WRITE_OPTION],
        ..Known::default()
    };
    reject_unknown_everywhere(binding, known, &mut findings);
    let file = RawFileName::read(binding);
    let option = write_option(binding);
    let schema = file_schema(input, &columns);
    check_names(binding, &columns, &mut findings);
    if let Err(error) = check_columns(&schema) {
        findings.push(Finding {
            code: Some(error.code()),
            ..binding.finding(error.to_string())
        });
    }
    match (file, option) {
        (Ok(file), Ok(option)) => findings.none_or(Box::new(RawFileDestination {
            path: binding.path.to_owned(),
            file,
            option,
            columns,
            schema,
        })),
        (file, option) => {
            findings
                .0
                .extend([file.err(), option.err()].into_iter().flatten());
            Err(findings)
        }
    }
}

fn write_option(binding: &Binding<'_>) -> Result<WriteOption, Finding> {
    let text = binding.component.properties.get(WRITE_OPTION);
    let text = text.unwrap_or_default().trim();
    if text.is_empty() {
        return Ok(WriteOption::CreateAlways);
    }
    let option = text.parse().ok().and_then(WriteOption::from_property);
    option.ok_or_else(|| {
        binding.unsupported(format!(
            "{WRITE_OPTION} `{text}` is not known: 0 creates the file always, 1 once, 2 appends to it, 3 truncates it and \
             appends"
        ))
    })
}

/// A source finds columns by name.
fn check_names(binding: &Binding<'_>, columns: &[(usize, String)], findings: &mut Findings) {
    if columns.is_empty() {
        findings.push(Finding {
            code: Some(SsisCode(0xC020_92A9)), // DTS_E_RAWDESTNOINPUTCOLUMNS
            ..binding.finding("no input column is selected: a raw file needs one at least")
        });
    }
    for (at, (_, name)) in columns.iter().enumerate() {
        if columns[..at].iter().any(|(_, earlier)| earlier == name) {
            findings.push(binding.finding(format!(
                "two of its input columns are named `{name}`, and a raw file tells columns by name: rename one before"
            )));
        }
    }
}

/// Names and types of the selected columns; those that lead the sort order say so.
fn file_schema(input: &BoundInput, columns: &[(usize, String)]) -> SchemaRef {
    let mut fields: Vec<_> = columns
        .iter()
        .map(|(position, name)| types::field(name, &input.columns[*position].data_type))
        .collect();
    for (rank, key) in (1i64..).zip(&input.sorted_by) {
        let selected = columns.iter().position(|(at, _)| *at == key.column);
        let Some(field) = selected.and_then(|at| fields.get_mut(at)) else {
            break;
        };
        let position = if key.descending { -rank } else { rank };
        let flags = field.metadata_mut();
        flags.insert(SORT_KEY_POSITION.to_owned(), position.to_string());
        flags.insert(
            COMPARISON_FLAGS.to_owned(),
            key.comparison_flags.to_string(),
        );
    }
    Arc::new(Schema::new(fields))
}

impl Component for RawFileDestination {
    fn plan(&self, inputs: Vec<Arc<dyn ExecutionPlan>>, context: &PlanContext) -> Result<Planned> {
        let map = &context.connections.path_map;
        let target = self.file.resolve(&self.path, map)?;
        let files = Arc::clone(map.files());
        context.run.claim(&self.path, &target, files.as_ref())?;
        let input = gather(project(only_input(inputs)?, &self.columns)?)?;
        let sink = RawFileSink {
            path: self.path.clone(),
            target,
            option: self.option,
            files,
            file_schema: Arc::clone(&self.schema),
            joins_max: context.partitions,
            schema: input.schema(),
            run: Arc::clone(&context.run),
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
    file_schema: SchemaRef,
    /// Batches of the file being joined at once.
    joins_max: usize,
    schema: SchemaRef,
    run: Arc<RunState>,
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

/// The file being written, with the batches on their way to it.
struct Writing {
    writer: RawFileWriter,
    joining: VecDeque<SpawnedTask<Result<RecordBatch, ArrowError>>>,
}

impl RawFileSink {
    fn fail(&self, error: &RawFileError) -> DataFusionError {
        error.at(&self.path).into()
    }

    /// Hands rows to a task; waits for the oldest if enough are at work.
    async fn join(&self, writing: &mut Writing, pieces: Pieces) -> Result<()> {
        let schema = Arc::clone(&self.file_schema);
        let task = SpawnedTask::spawn(async move { pieces.join(&schema) });
        writing.joining.push_back(task);
        while writing.joining.len() > self.joins_max {
            self.write_oldest(writing).await?;
        }
        Ok(())
    }

    async fn write_oldest(&self, writing: &mut Writing) -> Result<()> {
        let Some(oldest) = writing.joining.pop_front() else {
            return Ok(());
        };
        let batch = oldest.join().await.map_err(|error| {
            FlowError::new(&self.path, None, format!("a batch was not joined: {error}"))
        })??;
        writing
            .writer
            .write(&batch)
            .map_err(|error| self.fail(&error))
    }
}

#[async_trait]
impl DataSink for RawFileSink {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    async fn write_all(
        &self,
        mut data: SendableRecordBatchStream,
        _context: &Arc<TaskContext>,
    ) -> Result<u64> {
        let writer = RawFileWriter::open(&self.files, &self.target, &self.file_schema, self.option)
            .map_err(|error| self.fail(&error))?;
        let mut writing = Writing {
            writer,
            joining: VecDeque::new(),
        };
        let mut cut = BatchCut::default();
        while let Some(batch) = data.next().await {
            for pieces in cut.add(&batch?) {
                self.join(&mut writing, pieces).await?;
            }
        }
        if let Some(pieces) = cut.rest() {
            self.join(&mut writing, pieces).await?;
        }
        while !writing.joining.is_empty() {
            self.write_oldest(&mut writing).await?;
        }
        let (file, rows) = writing.writer.finish().map_err(|error| self.fail(&error))?;
        self.run.stage(&self.path, file);
        Ok(rows)
    }
}

#[cfg(test)]
mod tests;
