//! The values that a client binds to a prepared statement, as the text that variables are set with.

use arrow::{
    array::{Array, RecordBatch},
    datatypes::{DataType, Field, Schema},
    util::display::{ArrayFormatter, FormatOptions},
};
use tonic::Status;

use crate::query::Query;

/// What can be bound: one text for each `?`, by the name of its parameter. Other types are turned to text.
pub(crate) fn schema(query: &Query) -> Schema {
    let fields = query.marks().into_iter();
    let fields: Vec<Field> = fields
        .map(|name| Field::new(name, DataType::Utf8, false))
        .collect();
    Schema::new(fields)
}

/// The values of one row.
pub(crate) fn values(batches: &[RecordBatch]) -> Result<Vec<String>, Status> {
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let Some(row) = batches
        .iter()
        .find(|batch| batch.num_rows() > 0)
        .filter(|_| rows == 1)
    else {
        let message = format!("{rows} rows of parameters are bound; a query takes one row");
        return Err(Status::invalid_argument(message));
    };
    let schema = row.schema();
    let columns = row.columns().iter().enumerate();
    columns
        .map(|(at, column)| value(column.as_ref(), schema.field(at).name(), at))
        .collect()
}

fn value(column: &dyn Array, name: &str, at: usize) -> Result<String, Status> {
    let refused = |what: &str| {
        let place = at + 1;
        Status::invalid_argument(format!("parameter {place} (`{name}`) {what}"))
    };
    if column.is_null(0) || *column.data_type() == DataType::Null {
        return Err(refused("is NULL; a variable of a package takes a value"));
    }
    let scalar = column.data_type().is_primitive() || column.data_type().is_string();
    if !scalar && *column.data_type() != DataType::Boolean {
        return Err(refused(&format!(
            "is {}; wanted is a number, a text, a date or a truth value",
            column.data_type()
        )));
    }
    let format = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(column, &format);
    let formatter = formatter.map_err(|error| refused(&format!("cannot be read: {error}")))?;
    formatter
        .value(0)
        .try_to_string()
        .map_err(|error| refused(&format!("cannot be read: {error}")))
}
