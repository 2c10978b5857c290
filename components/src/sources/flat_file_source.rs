//! Flat File Source: rows of a delimited, fixed width or ragged right file.
//!
//! ```text
//!  file ──▶ Cutter ──▶ FeedExec: morsels of whole rows ──▶ FlatFileSource: decode ═╦═▶ output (typed columns)
//!           1 reader                                      any number of threads     ╚═▶ error output (row text, code)
//! ```
//!
//! **Rows**: in file order. A cell that does not convert or is too long follows its column's error or truncation
//! disposition; redirected rows go to the error output as the text of the whole row, ErrorCode and ErrorColumn.
//! **Properties**: `RetainNulls`, `FileNameColumnName`; per output column `FastParse`, `UseBinaryFormat`; the file's shape
//! comes from the flat file connection manager.
//! **Row ends**: a file whose rows end in LF where the manager says CR LF is read by LF, with a warning.
//! **See**: semantics section 9.

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch, StringViewBuilder},
    datatypes::SchemaRef,
};
use datafusion_common::{DataFusionError, Result, internal_err};
use datafusion_physical_plan::ExecutionPlan;
use dtsx::{DataType, Disposition, SsisCode};
use fletching_connections::InputFile;
use parking_lot::Mutex;

use super::flat_file::{
    ColumnType, Cutter, CutterOptions, DecodedColumn, Encoding, FileColumn, FlatFileDecoder,
    FlatFileLayout, Format, Morsel, Scratch,
};
use crate::{
    Binding, Component, ComponentClass, ComponentKind, Findings, PlanContext, Planned,
    flat_file_manager::{FileFormat, FlatFileManager},
    flow::{
        Applied, Batches, FeedExec, FlowError, OpenBatches, OutputRows, OutputSpec, RowError,
        RowWise, RunState,
    },
};

use crate::transforms::settings::{Known, reject_unknown_everywhere};

pub static CLASS: ComponentClass = ComponentClass {
    name: "Microsoft.FlatFileSource",
    kind: ComponentKind::Source,
    read,
};

#[derive(Debug)]
struct FlatFileSource {
    path: String,
    /// Name of the connection manager.
    manager: String,
    decoder: Arc<FlatFileDecoder>,
    /// What ErrorColumn shows, by decoded column.
    numbers: Vec<i32>,
    /// Position of the file name column among the output's columns.
    file_name_at: Option<usize>,
    outputs: Vec<OutputSpec>,
}

fn read(binding: &Binding<'_>) -> Result<Box<dyn Component>, Findings> {
    let manager = FlatFileManager::of(binding)?;
    let properties = &binding.component.properties;
    let file_name = properties
        .get("FileNameColumnName")
        .unwrap_or_default()
        .trim();
    let mut findings = Findings::default();
    let known = Known {
        component: &["RetainNulls", "FileNameColumnName"],
        output_column: &["FastParse", "UseBinaryFormat"],
        ..Known::default()
    };
    reject_unknown_everywhere(binding, known, &mut findings);
    let Some(output) = binding
        .component
        .outputs
        .iter()
        .find(|output| !output.is_error)
    else {
        return Err(binding.finding("has no output").into());
    };
    let mut columns = Vec::with_capacity(output.columns.len());
    let mut numbers = Vec::with_capacity(output.columns.len());
    let mut file_name_at = None;
    for (at, column) in output.columns.iter().enumerate() {
        if !file_name.is_empty() && column.name == file_name && column.external_column_id.is_none()
        {
            file_name_at = Some(at);
            continue;
        }
        match decoded_column(binding, &manager, output, column) {
            Ok(decoded) => {
                columns.push(decoded);
                numbers.push(binding.number(&column.lineage_id.0));
            }
            Err(finding) => findings.push(finding),
        }
    }
    let layout = layout(
        &manager,
        properties.bool("RetainNulls").unwrap_or(false),
        columns,
    );
    let decoder = match FlatFileDecoder::try_new(layout) {
        Ok(decoder) => Arc::new(decoder),
        Err(error) => {
            let message = format!("connection manager `{}`: {error}", manager.name);
            findings.push(binding.finding(message));
            return Err(findings);
        }
    };
    let source = FlatFileSource {
        path: binding.path.to_owned(),
        manager: manager.name,
        decoder,
        numbers,
        file_name_at,
        outputs: OutputSpec::of(binding),
    };
    findings.none_or(Box::new(source))
}

fn decoded_column(
    binding: &Binding<'_>,
    manager: &FlatFileManager,
    output: &dtsx::Output,
    column: &dtsx::OutputColumn,
) -> Result<DecodedColumn, crate::Finding> {
    let external = output
        .external_columns
        .iter()
        .find(|external| Some(&external.id) == column.external_column_id.as_ref())
        .map_or(column.name.as_str(), |external| external.name.as_str());
    let Some(file_column) = manager
        .columns
        .iter()
        .position(|candidate| candidate.name == external)
    else {
        let names: Vec<&str> = manager
            .columns
            .iter()
            .map(|column| column.name.as_str())
            .collect();
        return Err(binding.finding(format!(
            "output column `{}` reads the column `{external}`, which connection manager `{}` does not define; it has: {}",
            column.name,
            manager.name,
            names.join(", ")
        )));
    };
    Ok(DecodedColumn {
        file_column,
        name: column.name.clone(),
        data_type: column.data_type,
        fast_parse: column.properties.bool("FastParse").unwrap_or(false),
        use_binary_format: column.properties.bool("UseBinaryFormat").unwrap_or(false),
        error: column.error_row_disposition,
        truncation: column.truncation_row_disposition,
    })
}

fn layout(
    manager: &FlatFileManager,
    retain_nulls: bool,
    output_columns: Vec<DecodedColumn>,
) -> FlatFileLayout {
    let file_columns: Vec<FileColumn> = manager
        .columns
        .iter()
        .map(|column| FileColumn {
            name: column.name.clone(),
            delimiter: column.delimiter.clone(),
            width: column.width,
            text_qualified: column.text_qualified,
            column_type: match column.column_type {
                dtsx::FlatFileColumnType::Delimited => ColumnType::Delimited,
                dtsx::FlatFileColumnType::FixedWidth => ColumnType::FixedWidth,
                // The last column of a ragged right file ends at its delimiter.
                dtsx::FlatFileColumnType::RaggedRight => ColumnType::Delimited,
            },
        })
        .collect();
    FlatFileLayout {
        format: match manager.format {
            FileFormat::Delimited => Format::Delimited,
            FileFormat::FixedWidth => Format::FixedWidth,
            FileFormat::RaggedRight => Format::RaggedRight,
        },
        encoding: if manager.unicode {
            Encoding::Utf16Le
        } else {
            Encoding::CodePage(manager.code_page)
        },
        header_rows_to_skip: manager.header_rows_to_skip,
        header_row_delimiter: manager.header_row_delimiter.clone(),
        column_names_in_first_data_row: manager.names_in_first_row,
        data_rows_to_skip: manager.data_rows_to_skip,
        row_delimiter: file_columns
            .last()
            .map(|column| column.delimiter.clone())
            .unwrap_or_default(),
        text_qualifier: manager.text_qualifier.clone(),
        always_check_for_row_delimiters: manager.always_check_for_row_delimiters,
        retain_nulls,
        locale_id: manager.locale_id,
        file_columns,
        output_columns,
    }
}

impl Component for FlatFileSource {
    fn plan(&self, _inputs: Vec<Arc<dyn ExecutionPlan>>, context: &PlanContext) -> Result<Planned> {
        let file = context.connections.file(&self.manager).map_err(|error| {
            FlowError::new(
                &self.path,
                Some(SsisCode::CANNOT_ACQUIRE_CONNECTION),
                error.to_string(),
            )
        })?;
        let details = format!("flat file {}", file.display());
        let read_by = Arc::new(OnceLock::new());
        let open = open(OpenFile {
            path: self.path.clone(),
            file: file.clone(),
            decoder: Arc::clone(&self.decoder),
            read_by: Arc::clone(&read_by),
            options: CutterOptions {
                morsel_bytes: context.morsel_bytes,
                ..CutterOptions::default()
            },
            run: Arc::clone(&context.run),
        });
        let input = Arc::new(FeedExec::new(
            details,
            Morsel::schema(),
            context.partitions,
            open,
        ));
        let operator = Arc::new(Decode {
            path: self.path.clone(),
            file,
            decoder: Arc::clone(&self.decoder),
            read_by,
            numbers: self.numbers.clone(),
            file_name_at: self.file_name_at,
            outputs: self.outputs.clone(),
            scratch: Mutex::new(Vec::new()),
            run: Arc::clone(&context.run),
        });
        Ok(Planned::RowWise { input, operator })
    }
}

/// What the feed's thread needs.
struct OpenFile {
    path: String,
    file: PathBuf,
    decoder: Arc<FlatFileDecoder>,
    read_by: Arc<OnceLock<Arc<FlatFileDecoder>>>,
    options: CutterOptions,
    run: Arc<RunState>,
}

/// Opens the file when the run starts and cuts it, on the feed's thread.
fn open(open: OpenFile) -> OpenBatches {
    Box::new(move || {
        let OpenFile {
            path,
            file,
            decoder,
            read_by,
            options,
            run,
        } = open;
        let name = file.display().to_string();
        let (shown, component) = (name.clone(), path.clone());
        let fail =
            move |code: Option<SsisCode>, error: &dyn std::fmt::Display| -> DataFusionError {
                FlowError::new(&component, code, error.to_string())
                    .with_file(&shown)
                    .into()
            };
        let input = InputFile::open(&file).map_err(|error| fail(Some(error.code()), &error))?;
        let mut cutter =
            Cutter::try_new(decoder, input, options).map_err(|error| fail(None, &error))?;
        let batches: Batches = Box::new(std::iter::from_fn(move || match cutter.next_morsel() {
            Ok(Some(morsel)) => {
                if read_by.set(Arc::clone(cutter.decoder())).is_ok() && cutter.by_line_feed() {
                    run.warn(format!(
                        "{path}: {name}: the connection manager says that rows end in CR LF, this file's end in LF; \
                         it is read by LF"
                    ));
                }
                Some(morsel.into_batch().map_err(DataFusionError::from))
            }
            Ok(None) => {
                if cutter.ended_in_header() {
                    run.warn(format!(
                        "{path}: {name}: the file ended among the rows to skip, so no row was read; check the row \
                         delimiters in the connection manager [DTS_W_ENDOFFILEREACHWHILEREADINGHEADERROWS]"
                    ));
                }
                None
            }
            Err(error) => Some(Err(fail(error.code(), &error))),
        }));
        Ok(batches)
    })
}

/// Decodes morsels.
#[derive(Debug)]
struct Decode {
    path: String,
    file: PathBuf,
    decoder: Arc<FlatFileDecoder>,
    /// What the cutter chose for this file, from the first morsel on.
    read_by: Arc<OnceLock<Arc<FlatFileDecoder>>>,
    numbers: Vec<i32>,
    file_name_at: Option<usize>,
    outputs: Vec<OutputSpec>,
    /// One per thread at work.
    scratch: Mutex<Vec<Scratch>>,
    run: Arc<RunState>,
}

impl Decode {
    fn decoder(&self) -> &FlatFileDecoder {
        self.read_by.get().unwrap_or(&self.decoder)
    }

    fn rows(&self, batch: RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
        let Some(at) = self.file_name_at else {
            return Ok(RecordBatch::try_new(
                Arc::clone(schema),
                batch.columns().to_vec(),
            )?);
        };
        let name = self.file.display().to_string();
        let mut names = StringViewBuilder::new().with_deduplicate_strings();
        (0..batch.num_rows()).for_each(|_| names.append_value(&name));
        let mut columns = batch.columns().to_vec();
        columns.insert(at, Arc::new(names.finish()) as ArrayRef);
        Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
    }

    fn warn(&self, decoded: &super::flat_file::Decoded, morsel: &Morsel) {
        if let Some(partial) = &decoded.partial_row {
            self.run.warn(format!(
                "{}: {}: the last row, at byte {}, ends in column {} and was dropped \
                 [DTS_W_PARTIALROWFOUNDATENDOFFILE]",
                self.path,
                self.file.display(),
                morsel.offset + partial.offset as u64,
                partial.column + 1
            ));
        }
        if decoded.dropped_digits > 0 {
            self.run.warn_once(
                &self.path,
                format!(
                    "{}: digits finer than a microsecond were dropped from some values",
                    self.path
                ),
            );
        }
    }
}

impl RowWise for Decode {
    fn name(&self) -> &'static str {
        "FlatFileSource"
    }

    fn path(&self) -> &str {
        &self.path
    }

    fn details(&self) -> String {
        let layout = self.decoder.layout();
        format!(
            "{:?}, {} of {} columns",
            layout.format,
            layout.output_columns.len(),
            layout.file_columns.len()
        )
    }

    fn outputs(&self) -> &[OutputSpec] {
        &self.outputs
    }

    fn apply(&self, batch: &RecordBatch) -> Result<Applied> {
        let Some(morsel) = Morsel::from_batch(batch) else {
            return internal_err!("a morsel is wanted");
        };
        let mut scratch = self.scratch.lock().pop().unwrap_or_default();
        let decoded = self.decoder().decode(&morsel, &mut scratch);
        self.scratch.lock().push(scratch);
        let decoded = decoded.map_err(|error| {
            FlowError::new(&self.path, error.code(), error.to_string())
                .with_file(self.file.display().to_string())
        })?;
        self.warn(&decoded, &morsel);
        let columns = &self.decoder.layout().output_columns;
        let errors: Vec<RowError> = decoded
            .errors
            .iter()
            .map(|error| {
                let column = &columns[error.column as usize];
                let disposition = if error.truncation {
                    column.truncation
                } else {
                    column.error
                };
                RowError {
                    row: error.row,
                    column: self.numbers[error.column as usize],
                    code: error.code,
                    disposition,
                }
            })
            .collect();
        let rows_in = decoded.batch.num_rows();
        let error_rows = self.error_rows(&decoded, &errors)?;
        let mut outputs = Vec::with_capacity(self.outputs.len());
        for spec in &self.outputs {
            outputs.push(match spec {
                spec if spec.is_error => OutputRows::Errors,
                spec => OutputRows::Aligned(self.rows(decoded.batch.clone(), &spec.schema)?),
            });
        }
        Ok(Applied {
            rows_in,
            outputs,
            errors,
            error_rows: Some(error_rows),
        })
    }

    fn failure(&self, batch: &RecordBatch, error: &RowError) -> FlowError {
        let at = self
            .numbers
            .iter()
            .position(|number| *number == error.column);
        let column = at.and_then(|at| self.decoder.layout().output_columns.get(at));
        let Some((morsel, column)) = Morsel::from_batch(batch).zip(column) else {
            return FlowError::new(&self.path, Some(error.code), "a row could not be read");
        };
        let value = self.text_of(&morsel, error.row, column).unwrap_or_default();
        let message = format!(
            "the value `{value}` does not fit {}: correct it, or set the column's {} disposition to RedirectRow or \
             IgnoreFailure",
            column.data_type,
            if error.code == super::flat_file::TRUNCATED {
                "truncation"
            } else {
                "error"
            }
        );
        FlowError::new(&self.path, Some(error.code), message)
            .with_column(&column.name)
            .with_row(self.row_in_file(&morsel, error.row))
            .with_file(self.file.display().to_string())
    }
}

impl Decode {
    /// The text of redirected rows; empty where nothing is redirected.
    fn error_rows(
        &self,
        decoded: &super::flat_file::Decoded,
        errors: &[RowError],
    ) -> Result<RecordBatch> {
        let mut redirected: Vec<u32> = errors
            .iter()
            .filter(|error| error.disposition == Disposition::RedirectRow)
            .map(|error| error.row)
            .collect();
        redirected.dedup();
        let texts: ArrayRef = Arc::new(decoded.row_texts(redirected));
        let field = fletching_expression::types::field("row", &DataType::NText);
        let schema = Arc::new(arrow::datatypes::Schema::new(vec![field]));
        Ok(RecordBatch::try_new(schema, vec![texts])?)
    }

    /// Counted from 1 with header rows and the row of names, as an editor shows it for rows without line breaks in them.
    fn row_in_file(&self, morsel: &Morsel, row: u32) -> u64 {
        let layout = self.decoder.layout();
        let before = layout.header_rows_to_skip
            + u64::from(layout.column_names_in_first_data_row)
            + layout.data_rows_to_skip;
        before + morsel.first_row + u64::from(row) + 1
    }

    /// The text of one cell: the morsel is decoded once more, this column as text.
    fn text_of(&self, morsel: &Morsel, row: u32, column: &DecodedColumn) -> Option<String> {
        let mut layout = self.decoder().layout().clone();
        layout.output_columns = vec![DecodedColumn {
            data_type: DataType::NText,
            use_binary_format: false,
            ..column.clone()
        }];
        let decoder = FlatFileDecoder::try_new(layout).ok()?;
        let decoded = decoder.decode(morsel, &mut Scratch::default()).ok()?;
        let texts = decoded.batch.columns().first()?.as_string_view_opt()?;
        (texts.len() > row as usize).then(|| texts.value(row as usize).chars().take(200).collect())
    }
}
