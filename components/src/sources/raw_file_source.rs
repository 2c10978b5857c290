//! Raw File Source: rows that a Raw File Destination left.
//!
//! ```text
//!  file ──▶ FeedExec: the file's batches, one reader ──▶ partitions ──▶ output
//! ```
//!
//! **Rows**: in file order, in the batches in which they were written. No error output: nothing is converted. Columns are
//! taken by name; one that the file has not, or has in another type, stops the flow before its first row.
//!
//! **Properties**: `AccessMode` (0: `FileName` names the file; 1: the variable that `FileNameVariable` names does).
//!
//! **Not supported**: files that SSIS wrote; their layout is not documented, and they are told apart by their first bytes.
//! **See**: spec `ssis-semantics.md` 10.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use datafusion_common::{DataFusionError, Result};
use datafusion_physical_plan::ExecutionPlan;
use dtsx::SsisCode;
use fletching_connections::Files;
use fletching_expression::types;

use crate::{
    Accounting, Binding, Component, ComponentClass, ComponentKind, Findings, PlanContext, Planned,
    destinations::raw_file::{RawFileError, RawFileReader, file_name, local_file},
    flow::{Batches, FeedExec, FlowError},
    transforms::settings::{Known, reject_unknown_everywhere},
};

/// DTS_E_RAWMETADATAMISMATCH and DTS_E_RAWMETADATAMISMATCHTYPE: a column is missing, or has another type.
const NO_SUCH_COLUMN: SsisCode = SsisCode(0xC020_2064);
const OTHER_TYPE: SsisCode = SsisCode(0xC020_8315);

pub static CLASS: ComponentClass = ComponentClass {
    name: "Microsoft.RawSource",
    kind: ComponentKind::Source,
    read,
};

#[derive(Debug)]
struct RawFileSource {
    path: String,
    file: String,
    schema: SchemaRef,
    /// For each output column, the name of the file's.
    columns: Vec<String>,
}

fn read(binding: &Binding<'_>) -> Result<Box<dyn Component>, Findings> {
    let mut findings = Findings::default();
    let known = Known {
        component: &["AccessMode", "FileName", "FileNameVariable"],
        ..Known::default()
    };
    reject_unknown_everywhere(binding, known, &mut findings);
    let outputs = binding.component.outputs.iter().zip(binding.outputs);
    let Some((output, bound)) = outputs.into_iter().find(|(output, _)| !output.is_error) else {
        return Err(binding.finding("has no output").into());
    };
    let named = |column: &dtsx::OutputColumn| {
        let external = output
            .external_columns
            .iter()
            .find(|external| Some(&external.id) == column.external_column_id.as_ref());
        external
            .map_or(&column.name, |external| &external.name)
            .clone()
    };
    match file_name(binding) {
        Ok(file) => findings.none_or(Box::new(RawFileSource {
            path: binding.path.to_owned(),
            file,
            schema: bound.schema(),
            columns: output.columns.iter().map(named).collect(),
        })),
        Err(finding) => {
            findings.push(finding);
            Err(findings)
        }
    }
}

impl Component for RawFileSource {
    fn plan(&self, _inputs: Vec<Arc<dyn ExecutionPlan>>, context: &PlanContext) -> Result<Planned> {
        let file = local_file(&context.connections, &self.path, &self.file)?;
        let reading = Reading {
            path: self.path.clone(),
            file: file.clone(),
            files: Arc::clone(context.connections.path_map.files()),
            schema: Arc::clone(&self.schema),
            columns: self.columns.clone(),
        };
        let plan = FeedExec::new(
            format!("[{}] raw file {}", self.path, file.display()),
            Arc::clone(&self.schema),
            context.partitions,
            Box::new(move || reading.open()),
        );
        Ok(Planned::Plan {
            plan: Arc::new(plan),
            accounting: Accounting::Preserving,
        })
    }
}

/// What the feed's thread needs.
struct Reading {
    path: String,
    file: PathBuf,
    files: Arc<dyn Files>,
    schema: SchemaRef,
    columns: Vec<String>,
}

impl Reading {
    fn open(self) -> Result<Batches> {
        let path = self.path.clone();
        let located = move |error: &RawFileError| -> DataFusionError {
            FlowError::new(&path, Some(error.code()), error.to_string()).into()
        };
        let reader = RawFileReader::open(self.files.as_ref(), &self.file)
            .map_err(|error| located(&error))?;
        let positions = self
            .columns
            .iter()
            .enumerate()
            .map(|(at, name)| self.position(&self.file, reader.schema(), at, name))
            .collect::<Result<Vec<usize>, FlowError>>()?;
        let schema = self.schema;
        Ok(Box::new(reader.map(move |batch| {
            let batch = batch.map_err(|error| located(&error))?;
            let columns = positions.iter().map(|&at| Arc::clone(batch.column(at)));
            let columns = columns.collect();
            Ok(RecordBatch::try_new(Arc::clone(&schema), columns)?)
        })))
    }

    /// Where the file has the column of output column `at`.
    fn position(
        &self,
        file: &Path,
        found: &SchemaRef,
        at: usize,
        name: &str,
    ) -> Result<usize, FlowError> {
        let fail = |code, message: String| {
            FlowError::new(&self.path, Some(code), message)
                .with_column(name)
                .with_file(file.display().to_string())
        };
        let Some((position, field)) = found.column_with_name(name) else {
            let names: Vec<&str> = found
                .fields()
                .iter()
                .map(|one| one.name().as_str())
                .collect();
            let message = format!(
                "the raw file has no such column; it has: {}",
                names.join(", ")
            );
            return Err(fail(NO_SUCH_COLUMN, message));
        };
        let (has, wanted) = (
            types::data_type(field),
            types::data_type(self.schema.field(at)),
        );
        match has == wanted {
            true => Ok(position),
            false => {
                let shown = |kind: Option<dtsx::DataType>| {
                    kind.map_or("no SSIS type".to_owned(), |kind| kind.to_string())
                };
                let message = format!(
                    "the raw file has it as {}, the source's output as {}: write the file again, or let the source read its metadata anew",
                    shown(has),
                    shown(wanted)
                );
                Err(fail(OTHER_TYPE, message))
            }
        }
    }
}
