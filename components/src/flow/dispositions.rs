//! The one place where error and truncation dispositions are applied.
//!
//! A row-wise operator names the cells that failed, each with the disposition of its column. Per row the first failure
//! that is not ignored decides: FailComponent stops the flow, RedirectRow moves the row to the error output. Ignored
//! failures leave their NULL (or cut text) in place (spec `ssis-matrix.md` section 6).

use std::sync::Arc;

use arrow::{
    array::{BooleanArray, BooleanBufferBuilder, Int32Array, RecordBatch, UInt32Array},
    compute::{filter_record_batch, take_record_batch},
};
use datafusion_common::{DataFusionError, Result, internal_err};
use dtsx::Disposition;

use super::{Applied, FlowError, OutputRows, Routing, RowError, RowWise, Tally};

/// Applies an operator to a batch and settles its failing rows. One entry per output; `None` where no path leads away.
/// Rows are accounted for in `tally`; an operator that loses one is an error.
pub fn settle(
    operator: &dyn RowWise,
    batch: &RecordBatch,
    tally: &Tally,
) -> Result<Vec<Option<RecordBatch>>> {
    let mut applied = operator.apply(batch)?;
    let redirected = redirected_rows(operator, batch, &applied.errors)?;
    let keep = (!redirected.is_empty()).then(|| mask_without(applied.rows_in, &redirected));
    let specs = operator.outputs();
    let mut sums = Sums {
        redirected: redirected.len(),
        ..Sums::default()
    };
    let mut settled = Vec::with_capacity(specs.len());
    for (index, rows) in std::mem::take(&mut applied.outputs).into_iter().enumerate() {
        let (output, count) = match rows {
            OutputRows::Aligned(rows) => {
                let rows = match &keep {
                    Some(keep) => filter_record_batch(&rows, keep)?,
                    None => rows,
                };
                let count = rows.num_rows();
                (Some(rows), count)
            }
            OutputRows::Selected(rows) => {
                let count = rows.num_rows();
                (Some(rows), count)
            }
            OutputRows::Shared { rows, again } => {
                let count = rows.num_rows();
                sums.again += again.min(count);
                (Some(rows), count)
            }
            OutputRows::Dropping { rows, dropped } => {
                let count = rows.num_rows();
                sums.dropped += dropped;
                (Some(rows), count)
            }
            OutputRows::Unconnected(count) => {
                sums.dropped += count;
                (None, 0)
            }
            OutputRows::Errors if specs[index].connected => {
                let rows = error_rows(
                    Arc::clone(&specs[index].schema),
                    &applied,
                    batch,
                    &redirected,
                )?;
                tally.add_output(index, rows.num_rows());
                settled.push(Some(rows));
                continue;
            }
            OutputRows::Errors => {
                settled.push(None);
                continue;
            }
        };
        sums.delivered += count;
        tally.add_output(index, count);
        settled.push(output);
    }
    if !specs.iter().any(|spec| spec.is_error && spec.connected) {
        sums.dropped += redirected.len();
    }
    account(operator, &applied, &sums, &settled)?;
    tally.add_batch(applied.rows_in, sums.redirected, sums.dropped);
    Ok(settled)
}

/// The deciding error of each redirected row, in row order; the flow stops at a FailComponent.
fn redirected_rows(
    operator: &dyn RowWise,
    batch: &RecordBatch,
    errors: &[RowError],
) -> Result<Vec<RowError>> {
    let mut redirected: Vec<RowError> = Vec::new();
    for error in errors {
        if redirected.last().is_some_and(|last| last.row == error.row) {
            continue;
        }
        match error.disposition {
            Disposition::IgnoreFailure => {}
            Disposition::RedirectRow => redirected.push(*error),
            Disposition::FailComponent | Disposition::NotUsed => {
                let failure: FlowError = operator.failure(batch, error);
                return Err(DataFusionError::External(Box::new(failure)));
            }
        }
    }
    Ok(redirected)
}

fn mask_without(rows: usize, redirected: &[RowError]) -> BooleanArray {
    let mut mask = BooleanBufferBuilder::new(rows);
    mask.append_n(rows, true);
    for error in redirected {
        mask.set_bit(error.row as usize, false);
    }
    BooleanArray::new(mask.finish(), None)
}

/// Redirected rows with ErrorCode and ErrorColumn appended, in the error output's schema.
fn error_rows(
    schema: arrow::datatypes::SchemaRef,
    applied: &Applied,
    batch: &RecordBatch,
    redirected: &[RowError],
) -> Result<RecordBatch> {
    let rows = match &applied.error_rows {
        Some(rows) if rows.num_rows() == redirected.len() => rows.clone(),
        Some(rows) => {
            return internal_err!(
                "{} error rows for {} redirected rows",
                rows.num_rows(),
                redirected.len()
            );
        }
        None => {
            let indices: UInt32Array = redirected.iter().map(|error| error.row).collect();
            take_record_batch(batch, &indices)?
        }
    };
    let mut columns = rows.columns().to_vec();
    columns.push(Arc::new(
        redirected
            .iter()
            .map(|error| error.code.as_i32())
            .collect::<Int32Array>(),
    ));
    columns.push(Arc::new(
        redirected
            .iter()
            .map(|error| error.column)
            .collect::<Int32Array>(),
    ));
    Ok(RecordBatch::try_new(schema, columns)?)
}

/// What became of the rows of a batch.
#[derive(Debug, Default)]
struct Sums {
    delivered: usize,
    /// Delivered rows that another output has, too.
    again: usize,
    redirected: usize,
    dropped: usize,
}

/// Rows in = rows out + redirected + dropped by a named rule; a row that is in two outputs counts once.
fn account(
    operator: &dyn RowWise,
    applied: &Applied,
    sums: &Sums,
    settled: &[Option<RecordBatch>],
) -> Result<()> {
    let has_error_output = operator
        .outputs()
        .iter()
        .any(|spec| spec.is_error && spec.connected);
    let Sums {
        delivered,
        again,
        redirected,
        dropped,
    } = *sums;
    let by_error_output = if has_error_output { redirected } else { 0 };
    let left = delivered + dropped + by_error_output;
    let balanced = match operator.routing() {
        Routing::Exclusive => again == 0 && applied.rows_in == left,
        Routing::Groups => again <= applied.rows_in && applied.rows_in + again == left,
        Routing::Copy => settled
            .iter()
            .flatten()
            .all(|rows| rows.num_rows() == applied.rows_in),
    };
    if !balanced {
        return internal_err!(
            "{}: {} rows in, but {delivered} out, {redirected} redirected and {dropped} dropped",
            operator.path(),
            applied.rows_in
        );
    }
    Ok(())
}
