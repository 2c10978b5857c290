//! What row-wise components share that compute columns: where the arrays go in the output batch, and which failing
//! cells are row errors under the dispositions of their column.
//!
//! ```text
//!  batch ─▶ [ a | b | c ]          replacement: takes the place of a column
//!             │   └─▶ compute ─▶ b'
//!             └─────▶ compute ─▶ d  addition: follows the columns that pass through
//!  output   [ a | b'| c | d ]
//! ```

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, RecordBatch, RecordBatchOptions},
    datatypes::SchemaRef,
    util::display::{ArrayFormatter, FormatOptions},
};
use datafusion_common::{Result, internal_err};
use dtsx::{DataType, Disposition, SsisCode};
use fletching_expression::{Evaluated, RowFailure};

use crate::{
    BoundOutput, Column,
    flow::{Applied, FlowError, OutputRows, OutputSpec, RowError},
};

/// Longest value shown in an error message.
const SHOWN_CHARS_MAX: usize = 80;

/// A column that a component computes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComputedColumn {
    pub name: String,
    pub data_type: DataType,
    /// What `ErrorColumn` shows.
    pub number: i32,
    pub place: Place,
    pub on_error: Disposition,
    pub on_truncation: Disposition,
}

/// Where a computed column goes in the output batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Takes the place of the input column at this position.
    Replace(usize),
    /// Follows the columns that pass through and the additions before it.
    Append,
}

impl ComputedColumn {
    /// An output column of the component; `column` is its bound form.
    pub(crate) fn added(document: &dtsx::OutputColumn, column: &Column) -> Self {
        Self {
            name: column.name.clone(),
            data_type: column.data_type,
            number: column.number,
            place: Place::Append,
            on_error: document.error_row_disposition,
            on_truncation: document.truncation_row_disposition,
        }
    }

    /// An input column that the component replaces; it keeps name, type and lineage.
    pub(crate) fn replaced(document: &dtsx::InputColumn, position: usize, column: &Column) -> Self {
        Self {
            name: column.name.clone(),
            data_type: column.data_type,
            number: column.number,
            place: Place::Replace(position),
            on_error: document.error_row_disposition,
            on_truncation: document.truncation_row_disposition,
        }
    }

    /// The failures that are not ignored, as row errors.
    pub(crate) fn row_errors(&self, failures: &[RowFailure], errors: &mut Vec<RowError>) {
        errors.extend(failures.iter().filter_map(|failure| {
            let disposition = if failure.truncation {
                self.on_truncation
            } else {
                self.on_error
            };
            (disposition != Disposition::IgnoreFailure).then_some(RowError {
                row: failure.row,
                column: self.number,
                code: failure.code,
                disposition,
            })
        }));
    }
}

/// Evaluations of all computed columns over one batch.
#[derive(Debug, Default)]
pub(crate) struct Computed {
    arrays: Vec<(Place, ArrayRef)>,
    errors: Vec<RowError>,
}

impl Computed {
    pub(crate) fn add(&mut self, column: &ComputedColumn, evaluated: Evaluated) {
        column.row_errors(&evaluated.errors, &mut self.errors);
        self.arrays.push((column.place, evaluated.array));
    }

    /// The batch with its computed columns, for each output of the component.
    pub(crate) fn finish(mut self, batch: &RecordBatch, outputs: &[OutputSpec]) -> Result<Applied> {
        // Stable: within a row the columns stay in the order in which they were computed.
        self.errors.sort_by_key(|error| error.row);
        let mut columns = batch.columns().to_vec();
        for (place, array) in self.arrays {
            match place {
                Place::Replace(position) => match columns.get_mut(position) {
                    Some(column) => *column = array,
                    None => return internal_err!("no column {position} to replace"),
                },
                Place::Append => columns.push(array),
            }
        }
        let rows = batch.num_rows();
        let outputs = outputs
            .iter()
            .map(|output| match output {
                output if output.is_error => Ok(OutputRows::Errors),
                output if output.connected => Ok(OutputRows::Aligned(batch_of(
                    &output.schema,
                    columns.clone(),
                    rows,
                )?)),
                _ => Ok(OutputRows::Unconnected(
                    rows - redirected_count(&self.errors),
                )),
            })
            .collect::<Result<_>>()?;
        Ok(Applied {
            rows_in: rows,
            outputs,
            errors: self.errors,
            error_rows: None,
        })
    }
}

/// Rows that leave by the error output.
fn redirected_count(errors: &[RowError]) -> usize {
    let mut last = None;
    errors
        .iter()
        .filter(|error| {
            error.disposition == Disposition::RedirectRow
                && last.replace(error.row) != Some(error.row)
        })
        .count()
}

/// A batch of `rows` rows, also when it has no columns.
pub(crate) fn batch_of(
    schema: &SchemaRef,
    columns: Vec<ArrayRef>,
    rows: usize,
) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(
        Arc::clone(schema),
        columns,
        &options,
    )?)
}

pub(crate) fn output_specs(outputs: &[BoundOutput]) -> Vec<OutputSpec> {
    outputs
        .iter()
        .map(|output| OutputSpec {
            name: output.name.clone(),
            schema: output.schema(),
            is_error: output.is_error,
            connected: output.connected,
        })
        .collect()
}

/// A value as an error message shows it: `` `2024-02-30` ``, cut where it is long.
pub(crate) fn shown_value(batch: &RecordBatch, column: usize, row: u32) -> String {
    let Some(array) = batch.columns().get(column) else {
        return "nothing".to_owned();
    };
    let row = row as usize;
    if row >= array.len() || array.is_null(row) {
        return "NULL".to_owned();
    }
    let options = FormatOptions::default();
    let text = match ArrayFormatter::try_new(array.as_ref(), &options) {
        Ok(formatter) => formatter.value(row).to_string(),
        Err(_) => return format!("a value of type {}", array.data_type()),
    };
    if text.chars().count() <= SHOWN_CHARS_MAX {
        return format!("`{text}`");
    }
    let shown: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    format!("`{shown}...` ({} characters)", text.chars().count())
}

/// `name = value` for columns of a row: what the computation saw.
pub(crate) fn shown_row(batch: &RecordBatch, columns: &[usize], row: u32) -> String {
    let schema = batch.schema_ref();
    columns
        .iter()
        .filter_map(|&column| {
            Some(format!(
                "{} = {}",
                schema.fields().get(column)?.name(),
                shown_value(batch, column, row)
            ))
        })
        .collect::<Vec<_>>()
        .join(", ")
}

/// What stops the flow at a failing cell, with the ending that tells the user what can be done.
pub(crate) fn cell_failure(path: &str, column: &str, error: &RowError, what: &str) -> FlowError {
    let (cause, disposition) = match error.code {
        SsisCode::INDUCED_FAILURE_ON_TRUNCATION => ("was cut", "truncation"),
        _ => ("failed", "error"),
    };
    let message = format!(
        "{what} {cause} in row {} of its batch: correct the data, or set the {disposition} disposition of the column to \
         IgnoreFailure or RedirectRow",
        u64::from(error.row) + 1
    );
    FlowError::new(path, Some(error.code), message).with_column(column)
}
