//! What a Lookup does to a batch: reference rows are found, copied, and the rows go where they belong.

use std::sync::{Arc, OnceLock};

use arrow::{
    array::{Array, ArrayRef, BooleanArray, RecordBatch, UInt32Array},
    buffer::{BooleanBuffer, NullBuffer, ScalarBuffer},
    compute::{filter, filter_record_batch, take},
};
use datafusion_common::{Result, internal_err};
use dtsx::Disposition;

use super::{
    ask::Asker,
    component::{Lookup, NoMatch, Source},
    error::NO_MATCH,
    reference::Reference,
    table::NONE,
};
use crate::{
    flow::{Applied, FlowError, OutputRows, OutputSpec, RowError, RowWise},
    transforms::{
        Place,
        computed::{batch_of, shown_row},
    },
};

/// Who finds the reference rows of a run.
#[derive(Debug)]
pub(super) enum Found {
    Loaded(Reference),
    Asked(Box<Asker>),
}

/// A Lookup in one run.
#[derive(Debug)]
pub(super) struct Probe {
    settings: Arc<Lookup>,
    found: Arc<OnceLock<Found>>,
}

/// For each row of a batch a row of these columns, or [`NONE`].
#[derive(Debug)]
pub(super) struct Matches {
    pub(super) rows: Vec<u32>,
    /// In the order of the wanted columns; those that are not copied may be left out by `None`.
    pub(super) columns: Vec<Option<ArrayRef>>,
}

impl Probe {
    pub(super) fn new(settings: Arc<Lookup>, found: Arc<OnceLock<Found>>) -> Self {
        Self { settings, found }
    }

    fn matches(&self, batch: &RecordBatch) -> Result<Matches> {
        match self.found.get() {
            Some(Found::Loaded(reference)) => reference.matches(&self.settings, batch),
            Some(Found::Asked(asker)) => asker.matches(batch),
            None => internal_err!("{}: the reference is not loaded", self.settings.path),
        }
    }
}

impl RowWise for Probe {
    fn name(&self) -> &'static str {
        "Lookup"
    }

    fn path(&self) -> &str {
        &self.settings.path
    }

    fn details(&self) -> String {
        let settings = &self.settings;
        let names = |columns: Vec<usize>| {
            let names = columns.iter().map(|at| settings.columns[*at].name.as_str());
            names.collect::<Vec<_>>().join(", ")
        };
        let keys = names(settings.joins.iter().map(|join| join.column).collect());
        let copied = names(settings.copies.iter().map(|copied| copied.column).collect());
        let cache = match &settings.source {
            Source::Query { .. } => "full cache",
            Source::Cache { .. } => "cache",
            Source::Asked { kept: Some(_), .. } => "partial cache",
            Source::Asked { kept: None, .. } => "no cache",
        };
        format!("{cache}, by {keys}: {copied}")
    }

    fn outputs(&self) -> &[OutputSpec] {
        &self.settings.outputs
    }

    fn apply(&self, batch: &RecordBatch) -> Result<Applied> {
        let settings = &self.settings;
        let matches = self.matches(batch)?;
        let missing = matches.rows.contains(&NONE);
        match settings.no_match {
            NoMatch::Output if missing => parted(settings, batch, matches),
            NoMatch::Output => aligned(settings, batch, matches, Vec::new()),
            NoMatch::Error(disposition) => {
                let errors = match missing && disposition != Disposition::IgnoreFailure {
                    true => errors(&matches.rows, disposition),
                    false => Vec::new(),
                };
                aligned(settings, batch, matches, errors)
            }
        }
    }

    fn failure(&self, batch: &RecordBatch, error: &RowError) -> FlowError {
        let settings = &self.settings;
        let keys: Vec<usize> = match &settings.source {
            Source::Asked { parameters, .. } => parameters.clone(),
            _ => settings.joins.iter().map(|join| join.input).collect(),
        };
        let message = format!(
            "no row of the reference has {}, the key of row {} of its batch: add it to the reference, or let rows without \
             match go to the no-match output, be ignored or redirected",
            shown_row(batch, &keys, error.row),
            u64::from(error.row) + 1
        );
        FlowError::new(&settings.path, Some(error.code), message)
    }
}

fn errors(rows: &[u32], disposition: Disposition) -> Vec<RowError> {
    let missing = rows.iter().enumerate().filter(|(_, row)| **row == NONE);
    missing
        .map(|(at, _)| RowError {
            row: at as u32,
            column: 0,
            code: NO_MATCH,
            disposition,
        })
        .collect()
}

/// All rows in the match output, NULLs where there is no match; failing rows are taken out by their errors.
fn aligned(
    settings: &Lookup,
    batch: &RecordBatch,
    matches: Matches,
    errors: Vec<RowError>,
) -> Result<Applied> {
    let rows = batch.num_rows();
    let outputs = settings.outputs.iter().enumerate().map(|(at, output)| {
        Ok(match at {
            _ if output.is_error => OutputRows::Errors,
            at if at != settings.match_output => empty(output),
            _ if !output.connected => OutputRows::Unconnected(rows - errors.len()),
            _ => {
                let places = places(&matches.rows);
                let columns = copied(settings, batch.columns(), &matches.columns, &places)?;
                OutputRows::Aligned(batch_of(&output.schema, columns, rows)?)
            }
        })
    });
    Ok(Applied {
        rows_in: rows,
        outputs: outputs.collect::<Result<_>>()?,
        errors,
        error_rows: None,
    })
}

/// Rows with a match to one output, those without to the other.
fn parted(settings: &Lookup, batch: &RecordBatch, matches: Matches) -> Result<Applied> {
    let has_match = BooleanBuffer::collect_bool(batch.num_rows(), |at| matches.rows[at] != NONE);
    let count = has_match.count_set_bits();
    let has_none = BooleanArray::new(!&has_match, None);
    let has_match = BooleanArray::new(has_match, None);
    let outputs = settings.outputs.iter().enumerate().map(|(at, output)| {
        let is_match = at == settings.match_output;
        let rows = if is_match {
            count
        } else {
            batch.num_rows() - count
        };
        Ok(match at {
            _ if output.is_error => OutputRows::Errors,
            _ if !output.connected => OutputRows::Unconnected(rows),
            _ if is_match => {
                let found = matches.rows.iter().filter(|row| **row != NONE);
                let places = UInt32Array::from_iter_values(found.copied());
                let kept = batch
                    .columns()
                    .iter()
                    .map(|column| filter(column, &has_match));
                let kept = kept.collect::<Result<Vec<_>, _>>()?;
                let columns = copied(settings, &kept, &matches.columns, &places)?;
                OutputRows::Selected(batch_of(&output.schema, columns, rows)?)
            }
            _ => {
                let whole = batch_of(&output.schema, batch.columns().to_vec(), batch.num_rows())?;
                OutputRows::Selected(filter_record_batch(&whole, &has_none)?)
            }
        })
    });
    let mut outputs = outputs.collect::<Result<Vec<_>>>()?;
    // Rows without match end here if the package has no output for them.
    if settings.no_match_output.is_none() {
        outputs.push(OutputRows::Unconnected(batch.num_rows() - count));
    }
    Ok(Applied {
        rows_in: batch.num_rows(),
        outputs,
        errors: Vec::new(),
        error_rows: None,
    })
}

fn empty(output: &OutputSpec) -> OutputRows {
    match output.connected {
        true => OutputRows::Selected(RecordBatch::new_empty(Arc::clone(&output.schema))),
        false => OutputRows::Unconnected(0),
    }
}

/// Reference rows as places to take from, NULL for none.
pub(crate) fn places(rows: &[u32]) -> UInt32Array {
    if !rows.contains(&NONE) {
        return UInt32Array::new(ScalarBuffer::from(rows.to_vec()), None);
    }
    let there = BooleanBuffer::collect_bool(rows.len(), |at| rows[at] != NONE);
    let rows = rows.iter().map(|row| if *row == NONE { 0 } else { *row });
    let rows: Vec<u32> = rows.collect();
    UInt32Array::new(ScalarBuffer::from(rows), Some(NullBuffer::new(there)))
}

/// The columns of the match output.
fn copied(
    settings: &Lookup,
    passing: &[ArrayRef],
    reference: &[Option<ArrayRef>],
    places: &UInt32Array,
) -> Result<Vec<ArrayRef>> {
    let mut columns = passing.to_vec();
    for copied in &settings.copies {
        let Some(Some(from)) = reference.get(copied.column) else {
            return internal_err!("{}: a copied column is not there", settings.path);
        };
        let array = match from.is_empty() {
            true => arrow::array::new_null_array(from.data_type(), places.len()),
            false => take(from.as_ref(), places, None)?,
        };
        match copied.place {
            Place::Append => columns.push(array),
            Place::Replace(position) => match columns.get_mut(position) {
                Some(column) => *column = array,
                None => return internal_err!("no column {position} to replace"),
            },
        }
    }
    Ok(columns)
}
