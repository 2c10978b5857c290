//! What a package says of an object, as the dataclasses of `fletching.custom`.

use arrow::datatypes::Schema;
use fletching::custom::{
    Column, ComponentSpec, ConnectionManagerSpec, EnumeratorSpec, InputSpec, LogEntry,
    LogProviderSpec, OutputSpec, Properties, TaskSpec,
};
use pyo3::prelude::*;

use super::half;

type Made<'py> = PyResult<Bound<'py, PyAny>>;

/// Metadata of a field: its SSIS type.
const TYPE_KEY: &str = "ssis.type";

fn properties<'py>(py: Python<'py>, all: &Properties) -> Made<'py> {
    half(py)?.getattr("_Properties")?.call1((all.clone(),))
}

fn columns<'py>(
    py: Python<'py>,
    schema: &Schema,
    columns: &[Column],
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let class = half(py)?.getattr("Column")?;
    let columns = columns.iter().zip(schema.fields()).map(|(column, field)| {
        class.call1((
            &column.name,
            field.metadata().get(TYPE_KEY).cloned().unwrap_or_default(),
            &column.id,
            &column.lineage,
            column.replaced,
            properties(py, &column.properties)?,
        ))
    });
    columns.collect()
}

fn input<'py>(py: Python<'py>, input: &InputSpec) -> Made<'py> {
    half(py)?.getattr("InputSpec")?.call1((
        &input.name,
        columns(py, &input.schema, &input.columns)?,
        properties(py, &input.properties)?,
    ))
}

fn output<'py>(py: Python<'py>, output: &OutputSpec) -> Made<'py> {
    half(py)?.getattr("OutputSpec")?.call1((
        &output.name,
        output.is_error,
        output.connected,
        columns(py, &output.schema, &output.columns)?,
        properties(py, &output.properties)?,
    ))
}

pub(super) fn component<'py>(py: Python<'py>, spec: &ComponentSpec) -> Made<'py> {
    let inputs = spec.inputs.iter().map(|one| input(py, one));
    let outputs = spec.outputs.iter().map(|one| output(py, one));
    half(py)?.getattr("ComponentSpec")?.call1((
        &spec.name,
        &spec.path,
        properties(py, &spec.properties)?,
        inputs.collect::<PyResult<Vec<_>>>()?,
        outputs.collect::<PyResult<Vec<_>>>()?,
        properties(py, &spec.connections)?,
        spec.locale_id,
        &spec.folder,
    ))
}

pub(super) fn task<'py>(py: Python<'py>, spec: &TaskSpec) -> Made<'py> {
    half(py)?.getattr("TaskSpec")?.call1((
        &spec.name,
        &spec.path,
        properties(py, &spec.properties)?,
        &spec.xml,
    ))
}

pub(super) fn connection_manager<'py>(py: Python<'py>, spec: &ConnectionManagerSpec) -> Made<'py> {
    half(py)?.getattr("ConnectionManagerSpec")?.call1((
        &spec.name,
        &spec.connection_string,
        properties(py, &spec.properties)?,
        &spec.folder,
    ))
}

pub(super) fn enumerator<'py>(py: Python<'py>, spec: &EnumeratorSpec) -> Made<'py> {
    half(py)?.getattr("EnumeratorSpec")?.call1((
        &spec.path,
        properties(py, &spec.properties)?,
        &spec.xml,
    ))
}

pub(super) fn log_provider<'py>(py: Python<'py>, spec: &LogProviderSpec) -> Made<'py> {
    half(py)?.getattr("LogProviderSpec")?.call1((
        &spec.name,
        &spec.config_string,
        &spec.connection_string,
    ))
}

pub(super) fn log_entry<'py>(py: Python<'py>, entry: &LogEntry) -> Made<'py> {
    half(py)?.getattr("LogEntry")?.call1((
        &entry.event,
        &entry.computer,
        &entry.operator,
        &entry.source,
        &entry.source_id,
        &entry.execution_id,
        entry.time_us,
        entry.data_code,
        &entry.message,
    ))
}
