//! Enumerators of the caller's own: a round for each row of the batches that their code makes.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, RecordBatch},
    compute::cast,
    datatypes::{DataType, Field, Schema},
};
use dtsx::ForeachLoop;
use fletching_components::{Finding, database::natural_type};
use fletching_custom::{CustomError, Enumerator, EnumeratorClass, EnumeratorSpec, guarded};

use super::Rounds;
use crate::{
    RunError, custom_host,
    task::{TaskHost, TaskRun, all},
};

/// The class that the caller registered for an enumerator.
pub(super) fn class<'h>(
    host: &'h TaskHost<'_>,
    foreach: &ForeachLoop,
) -> Option<&'h Arc<dyn EnumeratorClass>> {
    host.state
        .settings
        .extensions
        .enumerator(&foreach.enumerator)
}

fn spec(host: &TaskHost<'_>, foreach: &ForeachLoop) -> EnumeratorSpec {
    let own = foreach.properties.iter();
    let own = own.map(|property| (property.name.clone(), property.value.clone()));
    // As .NET enumerators save their properties: `<Folder Type="8" Value="in" />`.
    let items = foreach.items.iter().filter_map(|item| {
        let value = item.properties.get("Value")?;
        Some((item.element.clone(), value.to_owned()))
    });
    EnumeratorSpec {
        path: host.path().to_owned(),
        properties: items.chain(own).collect(),
        xml: foreach.xml.clone(),
    }
}

fn read(
    class: &Arc<dyn EnumeratorClass>,
    host: &TaskHost<'_>,
    foreach: &ForeachLoop,
) -> Result<Box<dyn Enumerator>, Vec<Finding>> {
    let spec = spec(host, foreach);
    let problems = match guarded(|| Ok(class.read(&spec))) {
        Ok(Ok(enumerator)) => return Ok(enumerator),
        Ok(Err(problems)) if problems.is_empty() => {
            vec!["the class of the enumerator refuses it, and does not say why".to_owned()]
        }
        Ok(Err(problems)) => problems,
        Err(panic) => vec![format!("the enumerator: {}", panic.message)],
    };
    let findings = problems.into_iter().map(|problem| host.invalid(problem));
    Err(findings.collect())
}

/// What its class has against an enumerator.
pub(super) fn check(
    class: &Arc<dyn EnumeratorClass>,
    host: &TaskHost<'_>,
    foreach: &ForeachLoop,
) -> Vec<Finding> {
    read(class, host, foreach).err().unwrap_or_default()
}

/// All its rounds.
pub(super) async fn rounds(
    class: &Arc<dyn EnumeratorClass>,
    run: &TaskRun<'_>,
    foreach: &ForeachLoop,
) -> Result<Rounds, RunError> {
    let enumerator = match read(class, run, foreach) {
        Ok(enumerator) => enumerator,
        Err(findings) => {
            return Err(match all(findings) {
                Err(error) => error,
                Ok(()) => run.failure(None, "the enumerator cannot be read"),
            });
        }
    };
    let id = class.names().id();
    let batches = custom_host::serve(run, id, move |host| {
        let mut batches = Vec::new();
        for batch in enumerator.rounds(host)? {
            if host.is_canceled() {
                break;
            }
            batches.push(natural(&batch?)?);
        }
        Ok(batches)
    });
    let batches = batches.await?;
    let is_empty = batches.iter().all(|batch| batch.num_rows() == 0);
    let warning = is_empty.then(|| format!("{}: the enumerator has no rounds", run.path()));
    Ok(Rounds::of_rows(Arc::new(batches)).with_warning(warning))
}

/// A batch whose values can go to variables.
fn natural(batch: &RecordBatch) -> Result<RecordBatch, CustomError> {
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(batch.num_columns());
    let mut fields = Vec::with_capacity(batch.num_columns());
    for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        let column = match column.data_type() {
            DataType::Utf8 | DataType::LargeUtf8 => cast(column, &DataType::Utf8View)?,
            DataType::Binary | DataType::LargeBinary => cast(column, &DataType::BinaryView)?,
            DataType::Dictionary(_, value) => cast(column, value)?,
            _ => Arc::clone(column),
        };
        if natural_type(column.data_type()).is_none() {
            return Err(CustomError::new(format!(
                "it made rounds whose column `{}` is of type {}, which cannot go to a variable",
                field.name(),
                column.data_type()
            )));
        }
        fields.push(Field::new(field.name(), column.data_type().clone(), true));
        columns.push(column);
    }
    Ok(RecordBatch::try_new(
        Arc::new(Schema::new(fields)),
        columns,
    )?)
}
