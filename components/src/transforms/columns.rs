//! Input columns to output columns, by position: what Merge and Union All do to a batch before its rows are combined.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, new_null_array},
    compute::concat,
    datatypes::{DataType, SchemaRef},
    record_batch::{RecordBatch, RecordBatchOptions},
};
use datafusion_common::Result;
use dtsx::SsisCode;

use crate::flow::FlowError;

/// Checks that `mapping` (an input column for each output column, `None` for NULL) fits both schemas.
pub(crate) fn check_mapping(
    component: &str,
    input: &str,
    mapping: &[Option<usize>],
    from: &SchemaRef,
    to: &SchemaRef,
) -> Result<()> {
    if mapping.len() != to.fields().len() {
        let message = format!(
            "{input} maps {} columns to an output of {} columns",
            mapping.len(),
            to.fields().len()
        );
        return Err(FlowError::new(component, Some(SsisCode::VALIDATION_FAILED), message).into());
    }
    for (column, field) in mapping.iter().zip(to.fields()) {
        let Some(column) = *column else { continue };
        check_column(
            component,
            input,
            column,
            from,
            field.name(),
            field.data_type(),
        )?;
    }
    Ok(())
}

/// Checks that an input column exists and has the type of the output column that it becomes.
pub(crate) fn check_column(
    component: &str,
    input: &str,
    column: usize,
    from: &SchemaRef,
    output_name: &str,
    output_type: &DataType,
) -> Result<()> {
    let message = match from.fields().get(column) {
        None => format!(
            "{input} has {} columns, no column at position {column}",
            from.fields().len()
        ),
        Some(found) if found.data_type() != output_type => format!(
            "column `{}` of {input} is {}, but the output column is {output_type}: convert it before this component",
            found.name(),
            found.data_type()
        ),
        Some(_) => return Ok(()),
    };
    let error = FlowError::new(component, Some(SsisCode::VALIDATION_FAILED), message);
    Err(error.with_column(output_name).into())
}

/// The output columns of one input batch.
pub(crate) fn map_columns(
    batch: &RecordBatch,
    mapping: &[Option<usize>],
    schema: &SchemaRef,
) -> Vec<ArrayRef> {
    mapping
        .iter()
        .zip(schema.fields())
        .map(|(column, field)| match column {
            Some(column) => Arc::clone(batch.column(*column)),
            None => new_null_array(field.data_type(), batch.num_rows()),
        })
        .collect()
}

/// One array of several; a single one is not copied.
pub(crate) fn concat_arrays(pieces: &[ArrayRef], data_type: &DataType) -> Result<ArrayRef> {
    match pieces {
        [] => Ok(new_null_array(data_type, 0)),
        [piece] => Ok(Arc::clone(piece)),
        _ => {
            let pieces: Vec<_> = pieces.iter().map(AsRef::as_ref).collect();
            Ok(concat(&pieces)?)
        }
    }
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
