//! What a package says of an object, lent to a plug-in for the duration of a call.

use arrow::ffi::FFI_ArrowSchema;

use crate::{
    Column, ComponentSpec, ConnectionManagerSpec, CustomError, EnumeratorSpec, LogEntry,
    LogProviderSpec, Properties, TaskSpec,
    abi::{self, List, Pair, Text},
    border::pairs,
};

/// Columns of an input or an output, and what they point to.
struct Lent {
    schema: FFI_ArrowSchema,
    properties: Vec<Pair>,
    /// Kept for `columns`, which point into it.
    _pairs: Vec<Vec<Pair>>,
    columns: Vec<abi::Column>,
}

impl Lent {
    fn new(
        schema: &arrow::datatypes::Schema,
        columns: &[Column],
        properties: &Properties,
    ) -> Result<Self, CustomError> {
        let lists: Vec<Vec<Pair>> = columns.iter().map(|one| pairs(&one.properties)).collect();
        let columns = columns
            .iter()
            .zip(&lists)
            .map(|(column, list)| abi::Column {
                size: size_of::<abi::Column>(),
                name: Text::of(&column.name),
                properties: List::of(list),
                id: Text::of(&column.id),
                lineage: Text::of(&column.lineage),
                replaced: u32::from(column.replaced),
            });
        Ok(Self {
            schema: FFI_ArrowSchema::try_from(schema)?,
            properties: pairs(properties),
            columns: columns.collect(),
            _pairs: lists,
        })
    }
}

fn pointers<T>(items: &[T]) -> Vec<*const T> {
    items.iter().map(|item| &raw const *item).collect()
}

/// Lends a component to `call`.
pub(super) fn component<T>(
    spec: &ComponentSpec,
    call: impl FnOnce(*const abi::ComponentSpec) -> T,
) -> Result<T, CustomError> {
    let inputs = spec.inputs.iter();
    let lent_inputs: Vec<Lent> = inputs
        .map(|input| Lent::new(&input.schema, &input.columns, &input.properties))
        .collect::<Result<_, _>>()?;
    let outputs = spec.outputs.iter();
    let lent_outputs: Vec<Lent> = outputs
        .map(|output| Lent::new(&output.schema, &output.columns, &output.properties))
        .collect::<Result<_, _>>()?;
    let input_columns: Vec<_> = lent_inputs
        .iter()
        .map(|one| pointers(&one.columns))
        .collect();
    let output_columns: Vec<_> = lent_outputs
        .iter()
        .map(|one| pointers(&one.columns))
        .collect();
    let inputs = spec.inputs.iter().zip(&lent_inputs).zip(&input_columns);
    let inputs: Vec<abi::InputSpec> = inputs
        .map(|((input, lent), columns)| abi::InputSpec {
            size: size_of::<abi::InputSpec>(),
            name: Text::of(&input.name),
            schema: &raw const lent.schema,
            columns: List::of(columns),
            properties: List::of(&lent.properties),
        })
        .collect();
    let outputs = spec.outputs.iter().zip(&lent_outputs).zip(&output_columns);
    let outputs: Vec<abi::OutputSpec> = outputs
        .map(|((output, lent), columns)| abi::OutputSpec {
            size: size_of::<abi::OutputSpec>(),
            name: Text::of(&output.name),
            is_error: u32::from(output.is_error),
            connected: u32::from(output.connected),
            schema: &raw const lent.schema,
            columns: List::of(columns),
            properties: List::of(&lent.properties),
        })
        .collect();
    let (inputs, outputs) = (pointers(&inputs), pointers(&outputs));
    let (properties, connections) = (pairs(&spec.properties), pairs(&spec.connections));
    let lent = abi::ComponentSpec {
        size: size_of::<abi::ComponentSpec>(),
        name: Text::of(&spec.name),
        path: Text::of(&spec.path),
        properties: List::of(&properties),
        inputs: List::of(&inputs),
        outputs: List::of(&outputs),
        connections: List::of(&connections),
        locale_id: spec.locale_id,
        folder: Text::of(&spec.folder),
    };
    Ok(call(&raw const lent))
}

/// Lends a task to `call`.
pub(super) fn task<T>(spec: &TaskSpec, call: impl FnOnce(*const abi::TaskSpec) -> T) -> T {
    let properties = pairs(&spec.properties);
    call(&abi::TaskSpec {
        size: size_of::<abi::TaskSpec>(),
        name: Text::of(&spec.name),
        path: Text::of(&spec.path),
        properties: List::of(&properties),
        xml: Text::of(&spec.xml),
    })
}

/// Lends a connection manager to `call`.
pub(super) fn connection_manager<T>(
    spec: &ConnectionManagerSpec,
    call: impl FnOnce(*const abi::ConnectionManagerSpec) -> T,
) -> T {
    let properties = pairs(&spec.properties);
    call(&abi::ConnectionManagerSpec {
        size: size_of::<abi::ConnectionManagerSpec>(),
        name: Text::of(&spec.name),
        connection_string: Text::of(&spec.connection_string),
        properties: List::of(&properties),
        folder: Text::of(&spec.folder),
    })
}

/// Lends an enumerator to `call`.
pub(super) fn enumerator<T>(
    spec: &EnumeratorSpec,
    call: impl FnOnce(*const abi::EnumeratorSpec) -> T,
) -> T {
    let properties = pairs(&spec.properties);
    call(&abi::EnumeratorSpec {
        size: size_of::<abi::EnumeratorSpec>(),
        path: Text::of(&spec.path),
        properties: List::of(&properties),
        xml: Text::of(&spec.xml),
    })
}

/// Lends a log provider to `call`.
pub(super) fn log_provider<T>(
    spec: &LogProviderSpec,
    call: impl FnOnce(*const abi::LogProviderSpec) -> T,
) -> T {
    call(&abi::LogProviderSpec {
        size: size_of::<abi::LogProviderSpec>(),
        name: Text::of(&spec.name),
        config_string: Text::of(&spec.config_string),
        connection_string: Text::of(&spec.connection_string),
    })
}

/// Lends a log entry to `call`.
pub(super) fn log_entry<T>(entry: &LogEntry, call: impl FnOnce(*const abi::LogEntry) -> T) -> T {
    call(&abi::LogEntry {
        size: size_of::<abi::LogEntry>(),
        event: Text::of(&entry.event),
        computer: Text::of(&entry.computer),
        operator: Text::of(&entry.operator),
        source: Text::of(&entry.source),
        source_id: Text::of(&entry.source_id),
        execution_id: Text::of(&entry.execution_id),
        time_us: entry.time_us,
        data_code: entry.data_code,
        message: Text::of(&entry.message),
    })
}
