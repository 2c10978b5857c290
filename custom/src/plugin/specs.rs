//! What the host says of an object of a package, as the classes of this crate read it.
//!
//! All functions here have one requirement: the pointer is NULL or valid, with all that it points to.

use crate::{
    Column, ComponentSpec, ConnectionManagerSpec, CustomError, EnumeratorSpec, InputSpec, LogEntry,
    LogProviderSpec, OutputSpec, TaskSpec,
    abi::{self, List, Versioned},
    border::{batches::schema_in, items, properties, string, table},
};

/// # Safety
/// See the module.
unsafe fn known<T: Versioned>(pointer: *const T) -> Result<T, CustomError> {
    // SAFETY: the caller says so.
    let known = unsafe { table(pointer) };
    known.ok_or_else(|| CustomError::new("the host gave NULL for a specification"))
}

/// # Safety
/// See the module.
unsafe fn columns(list: List<*const abi::Column>) -> Result<Vec<Column>, CustomError> {
    // SAFETY: the caller says so.
    let list = unsafe { items(list) };
    let columns = list.iter().map(|column| {
        // SAFETY: as above.
        unsafe {
            let column = known(*column)?;
            Ok(Column {
                name: string(column.name),
                id: string(column.id),
                lineage: string(column.lineage),
                replaced: column.replaced != 0,
                properties: properties(column.properties),
            })
        }
    });
    columns.collect()
}

/// # Safety
/// See the module.
unsafe fn input(input: *const abi::InputSpec) -> Result<InputSpec, CustomError> {
    // SAFETY: the caller says so.
    unsafe {
        let input = known(input)?;
        Ok(InputSpec {
            name: string(input.name),
            schema: schema_in(input.schema)?,
            columns: columns(input.columns)?,
            properties: properties(input.properties),
        })
    }
}

/// # Safety
/// See the module.
unsafe fn output(output: *const abi::OutputSpec) -> Result<OutputSpec, CustomError> {
    // SAFETY: the caller says so.
    unsafe {
        let output = known(output)?;
        Ok(OutputSpec {
            name: string(output.name),
            is_error: output.is_error != 0,
            connected: output.connected != 0,
            schema: schema_in(output.schema)?,
            columns: columns(output.columns)?,
            properties: properties(output.properties),
        })
    }
}

/// # Safety
/// See the module.
pub(super) unsafe fn component(
    spec: *const abi::ComponentSpec,
) -> Result<ComponentSpec, CustomError> {
    // SAFETY: the caller says so.
    unsafe {
        let spec = known(spec)?;
        let inputs = items(spec.inputs).iter().map(|one| input(*one));
        let outputs = items(spec.outputs).iter().map(|one| output(*one));
        Ok(ComponentSpec {
            name: string(spec.name),
            path: string(spec.path),
            properties: properties(spec.properties),
            inputs: inputs.collect::<Result<_, _>>()?,
            outputs: outputs.collect::<Result<_, _>>()?,
            connections: properties(spec.connections),
            locale_id: spec.locale_id,
            folder: string(spec.folder),
        })
    }
}

/// # Safety
/// See the module.
pub(super) unsafe fn task(spec: *const abi::TaskSpec) -> Result<TaskSpec, CustomError> {
    // SAFETY: the caller says so.
    unsafe {
        let spec = known(spec)?;
        Ok(TaskSpec {
            name: string(spec.name),
            path: string(spec.path),
            properties: properties(spec.properties),
            xml: string(spec.xml),
        })
    }
}

/// # Safety
/// See the module.
pub(super) unsafe fn connection_manager(
    spec: *const abi::ConnectionManagerSpec,
) -> Result<ConnectionManagerSpec, CustomError> {
    // SAFETY: the caller says so.
    unsafe {
        let spec = known(spec)?;
        Ok(ConnectionManagerSpec {
            name: string(spec.name),
            connection_string: string(spec.connection_string),
            properties: properties(spec.properties),
            folder: string(spec.folder),
        })
    }
}

/// # Safety
/// See the module.
pub(super) unsafe fn enumerator(
    spec: *const abi::EnumeratorSpec,
) -> Result<EnumeratorSpec, CustomError> {
    // SAFETY: the caller says so.
    unsafe {
        let spec = known(spec)?;
        Ok(EnumeratorSpec {
            path: string(spec.path),
            properties: properties(spec.properties),
            xml: string(spec.xml),
        })
    }
}

/// # Safety
/// See the module.
pub(super) unsafe fn log_provider(
    spec: *const abi::LogProviderSpec,
) -> Result<LogProviderSpec, CustomError> {
    // SAFETY: the caller says so.
    unsafe {
        let spec = known(spec)?;
        Ok(LogProviderSpec {
            name: string(spec.name),
            config_string: string(spec.config_string),
            connection_string: string(spec.connection_string),
        })
    }
}

/// # Safety
/// See the module.
pub(super) unsafe fn log_entry(entry: *const abi::LogEntry) -> Result<LogEntry, CustomError> {
    // SAFETY: the caller says so.
    unsafe {
        let entry = known(entry)?;
        Ok(LogEntry {
            event: string(entry.event),
            computer: string(entry.computer),
            operator: string(entry.operator),
            source: string(entry.source),
            source_id: string(entry.source_id),
            execution_id: string(entry.execution_id),
            time_us: entry.time_us,
            data_code: entry.data_code,
            message: string(entry.message),
        })
    }
}
