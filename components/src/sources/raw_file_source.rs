//! Raw File Source: rows that a Raw File Destination left.
//!
//! ```text
//!  file ──▶ open, check columns ──▶ FeedExec: numbers of batches ──▶ RawFileSource: read, decode ──▶ output
//!           1 reader                                                any number of threads
//! ```
//!
//! **Rows**: in file order. Output columns are found in the file by name (that of their external column) and must have the
//! type that the file says; columns that no output column reads are left out. A file that does not fit is an error before
//! its first row. Nothing about a row can fail, so there is no error output.
//! The file is an **Arrow IPC file** inside; see [`raw_file`](crate::destinations::raw_file).
//!
//! **Properties**:
//!
//! | property | type | default | meaning |
//! |---|---|---|---|
//! | `AccessMode` | 0, 1 | 0 | the file's name is in `FileName` (0) or in the variable that `FileNameVariable` names (1) |
//! | `FileName` | text | | a path, mapped as those of connection managers are |
//! | `FileNameVariable` | text | | `User::X`, or `X` for the nearest of that name; read as the data flow starts |
//!
//! **Sort order**: what the package says of its output (`IsSorted`, `SortKeyPosition`) holds; the designer takes it from the
//! file. A component that needs sorted rows checks them, so that a file that was appended to gives an error there.
//! **Not supported**: files that SSIS itself wrote, whose layout is not documented: they are refused by name.
//! **See**: semantics section 10.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use arrow::{
    array::{ArrayRef, AsArray, RecordBatch, RecordBatchOptions, UInt64Array},
    datatypes::{DataType as ArrowType, Field, Schema, SchemaRef, UInt64Type},
};
use datafusion_common::{Result, internal_err};
use datafusion_physical_plan::ExecutionPlan;
use dtsx::DataType;
use fletching_connections::Files;
use fletching_expression::types;

use crate::{
    Binding, Component, ComponentClass, ComponentKind, Findings, PlanContext, Planned,
    destinations::raw_file::{RawFileError, RawFileReader},
    flow::{
        Applied, Batches, FeedExec, FlowError, OpenBatches, OutputRows, OutputSpec, RowError,
        RowWise,
    },
    raw_file_name::{ACCESS_MODE, FILE_NAME, FILE_NAME_VARIABLE, RawFileName},
    transforms::settings::{Known, reject_unknown_everywhere},
};

pub static CLASS: ComponentClass = ComponentClass {
    name: "Microsoft.RawSource",
    kind: ComponentKind::Source,
    read,
};

#[derive(Debug)]
pub(crate) struct RawFileSource {
    pub(crate) path: String,
    pub(crate) file: RawFileName,
    pub(crate) columns: Vec<WantedColumn>,
    pub(crate) outputs: Vec<OutputSpec>,
}

/// What an output column reads.
#[derive(Debug, Clone)]
pub(crate) struct WantedColumn {
    /// Name in the file.
    pub(crate) name: String,
    /// Name of the output column.
    pub(crate) output: String,
    pub(crate) data_type: DataType,
}

fn read(binding: &Binding<'_>) -> Result<Box<dyn Component>, Findings> {
    let mut findings = Findings::default();
    let known = Known {
        component: &[ACCESS_MODE, FILE_NAME, FILE_NAME_VARIABLE],
        ..Known::default()
    };
    reject_unknown_everywhere(binding, known, &mut findings);
    let file = RawFileName::read(binding);
    let [output] = &binding.component.outputs[..] else {
        let count = binding.component.outputs.len();
        findings.push(binding.finding(format!("has {count} outputs, a Raw File Source has one")));
        return Err(findings);
    };
    match file {
        Ok(file) => findings.none_or(Box::new(RawFileSource {
            path: binding.path.to_owned(),
            file,
            columns: wanted(output),
            outputs: OutputSpec::of(binding),
        })),
        Err(finding) => {
            findings.push(finding);
            Err(findings)
        }
    }
}

fn wanted(output: &dtsx::Output) -> Vec<WantedColumn> {
    let column = |column: &dtsx::OutputColumn| {
        let external = output
            .external_columns
            .iter()
            .find(|external| Some(&external.id) == column.external_column_id.as_ref());
        WantedColumn {
            name: external
                .map_or(&column.name, |external| &external.name)
                .clone(),
            output: column.name.clone(),
            data_type: column.data_type,
        }
    };
    output.columns.iter().map(column).collect()
}

impl Component for RawFileSource {
    fn plan(&self, _inputs: Vec<Arc<dyn ExecutionPlan>>, context: &PlanContext) -> Result<Planned> {
        let map = &context.connections.path_map;
        let file = self.file.resolve(&self.path, map)?;
        let opened = Arc::new(OnceLock::new());
        let open = OpenFile {
            path: self.path.clone(),
            file: file.clone(),
            files: Arc::clone(map.files()),
            columns: self.columns.clone(),
            opened: Arc::clone(&opened),
        };
        let input = Arc::new(FeedExec::new(
            format!("raw file {}", file.display()),
            work_schema(),
            context.partitions,
            open.into_feed(),
        ));
        let operator = Arc::new(Decode {
            path: self.path.clone(),
            columns: self.columns.len(),
            outputs: self.outputs.clone(),
            opened,
        });
        Ok(Planned::RowWise { input, operator })
    }
}

/// The file of a run, open, with the positions of the wanted columns in it.
#[derive(Debug)]
struct OpenedFile {
    reader: RawFileReader,
    positions: Vec<usize>,
}

impl OpenedFile {
    fn open(
        files: &dyn Files,
        file: &Path,
        columns: &[WantedColumn],
    ) -> Result<Self, RawFileError> {
        let reader = RawFileReader::open(files, file)?;
        let positions = columns
            .iter()
            .map(|column| position(reader.schema(), file, column))
            .collect::<Result<_, _>>()?;
        Ok(Self { reader, positions })
    }
}

fn position(schema: &Schema, file: &Path, wanted: &WantedColumn) -> Result<usize, RawFileError> {
    let names = || schema.fields().iter().map(|field| field.name().clone());
    let Some((position, field)) = schema.column_with_name(&wanted.name) else {
        return Err(RawFileError::NoColumn {
            path: file.to_owned(),
            column: wanted.name.clone(),
            output: wanted.output.clone(),
            found: names().collect(),
        });
    };
    match types::data_type(field) {
        None => Err(RawFileError::NoType(wanted.name.clone())),
        Some(found) if found != wanted.data_type => Err(RawFileError::OtherType {
            path: file.to_owned(),
            column: wanted.name.clone(),
            output: wanted.output.clone(),
            found,
            wanted: wanted.data_type,
        }),
        Some(_) => Ok(position),
    }
}

/// What the feed's thread needs.
struct OpenFile {
    path: String,
    file: PathBuf,
    files: Arc<dyn Files>,
    columns: Vec<WantedColumn>,
    opened: Arc<OnceLock<OpenedFile>>,
}

impl OpenFile {
    /// Opens and checks the file when the run starts, then names its batches in order.
    fn into_feed(self) -> OpenBatches {
        Box::new(move || {
            let opened = OpenedFile::open(&*self.files, &self.file, &self.columns)
                .map_err(|error| error.at(&self.path))?;
            let count = opened.reader.batch_count() as u64;
            if self.opened.set(opened).is_err() {
                return internal_err!("{}: a raw file was opened twice", self.path);
            }
            let schema = work_schema();
            let batches: Batches = Box::new((0..count).map(move |number| {
                let number: ArrayRef = Arc::new(UInt64Array::from(vec![number]));
                Ok(RecordBatch::try_new(Arc::clone(&schema), vec![number])?)
            }));
            Ok(batches)
        })
    }
}

/// A row is the number of a batch of the file.
fn work_schema() -> SchemaRef {
    let field = Field::new("batch", ArrowType::UInt64, false);
    Arc::new(Schema::new(vec![field]))
}

/// Reads and decodes batches.
#[derive(Debug)]
struct Decode {
    path: String,
    columns: usize,
    outputs: Vec<OutputSpec>,
    /// Set before the first number arrives.
    opened: Arc<OnceLock<OpenedFile>>,
}

impl RowWise for Decode {
    fn name(&self) -> &'static str {
        "RawFileSource"
    }

    fn path(&self) -> &str {
        &self.path
    }

    fn details(&self) -> String {
        format!("{} columns", self.columns)
    }

    fn outputs(&self) -> &[OutputSpec] {
        &self.outputs
    }

    fn apply(&self, batch: &RecordBatch) -> Result<Applied> {
        let number = batch
            .column(0)
            .as_primitive_opt::<UInt64Type>()
            .and_then(|numbers| numbers.values().first().copied());
        let (Some(number), Some(opened)) = (number, self.opened.get()) else {
            return internal_err!("{}: no raw file is open", self.path);
        };
        let rows = opened
            .reader
            .batch(number as usize)
            .map_err(|error| error.at(&self.path))?;
        let rows_in = rows.num_rows();
        let options = RecordBatchOptions::new().with_row_count(Some(rows_in));
        let outputs = self.outputs.iter().map(|output| {
            let columns = opened
                .positions
                .iter()
                .map(|at| Arc::clone(rows.column(*at)));
            let schema = Arc::clone(&output.schema);
            let rows = RecordBatch::try_new_with_options(schema, columns.collect(), &options)?;
            Ok(OutputRows::Aligned(rows))
        });
        Ok(Applied {
            rows_in,
            outputs: outputs.collect::<Result<_>>()?,
            errors: Vec::new(),
            error_rows: None,
        })
    }

    fn failure(&self, _batch: &RecordBatch, error: &RowError) -> FlowError {
        FlowError::new(
            &self.path,
            Some(error.code),
            "no row of a Raw File Source can fail",
        )
    }
}
