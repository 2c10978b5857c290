//! Cache connection managers: their columns, their `.caw` file, and the rows that are in either.
//!
//! A `.caw` file of ours is an Arrow IPC file, laid out as a raw file. The layout of SSIS's own is not documented: such a
//! file is refused by name.

use std::path::PathBuf;

use arrow::array::RecordBatch;
use dtsx::{CacheColumn, SsisCode};
use fletching_connections::{Connections, resolve_file};

use crate::{
    Binding, Finding, PlanContext,
    destinations::raw_file::{RawFileError, RawFileReader},
    flow::FlowError,
};

/// DTS_E_CANNOTACQUIRECONNECTIONFROMCONNECTIONMANAGER.
const NO_CONNECTION: SsisCode = SsisCode(0xC020_801C);

/// A Cache connection manager.
#[derive(Debug, Clone)]
pub(crate) struct CacheFile {
    /// Its name.
    pub(crate) manager: String,
    pub(crate) columns: Vec<CacheColumn>,
}

/// The Cache connection manager that a component names.
pub(crate) fn cache_file(binding: &Binding<'_>) -> Result<CacheFile, Finding> {
    let no_connection = |message: String| Finding {
        code: Some(NO_CONNECTION),
        ..binding.finding(message)
    };
    let connections = &binding.component.connections;
    let named = connections
        .iter()
        .filter(|connection| !connection.connection_manager.trim().is_empty());
    // A lookup has a place for either kind.
    let by_role = |role: &str| {
        named
            .clone()
            .find(|one| one.name.eq_ignore_ascii_case(role))
    };
    let Some(named) = by_role("CacheConnection").or_else(|| named.clone().next()) else {
        let message = "names no Cache connection manager: choose one in the designer";
        return Err(no_connection(message.to_owned()));
    };
    let id = named.connection_manager.trim();
    let Some(manager) = binding.connections.get(id) else {
        let known = binding.connections.iter();
        let known: Vec<&str> = known.map(|manager| manager.name.as_str()).collect();
        let message = format!(
            "connection manager `{id}` does not exist; there are: {}",
            known.join(", ")
        );
        return Err(no_connection(message));
    };
    if !manager.creation_name.eq_ignore_ascii_case("CACHE") {
        return Err(no_connection(format!(
            "connection manager `{}` is of kind {}, a Cache connection manager is wanted",
            manager.name, manager.creation_name
        )));
    }
    if manager.cache_columns.is_empty() {
        return Err(no_connection(format!(
            "connection manager `{}` defines no columns",
            manager.name
        )));
    }
    Ok(CacheFile {
        manager: manager.name.clone(),
        columns: manager.cache_columns.clone(),
    })
}

/// The local path of the file that a Cache connection manager names; `None` if its rows are in memory only.
pub(crate) fn local_path(
    path: &str,
    manager: &str,
    connections: &Connections,
) -> Result<Option<PathBuf>, FlowError> {
    let Some(found) = connections.get(manager) else {
        return Ok(None);
    };
    let text = found.properties.get("ConnectionString").unwrap_or_default();
    // A manager that does not say whether it uses its file names one only if it does.
    if text.trim().is_empty() || found.properties.bool("UseFile") == Some(false) {
        return Ok(None);
    }
    let resolved = resolve_file(text, &connections.path_map);
    resolved.map(Some).map_err(|error| {
        let message = format!("connection manager `{manager}`: {error}");
        FlowError::new(path, Some(NO_CONNECTION), message)
    })
}

/// Hands over the rows of a cache: those of this run, else those of its file.
pub(super) fn read_cache(
    path: &str,
    manager: &str,
    context: &PlanContext,
    take: &mut dyn FnMut(&RecordBatch) -> Result<(), FlowError>,
) -> Result<(), FlowError> {
    if let Some(table) = context.caches.get(manager) {
        return table.batches.iter().try_for_each(take);
    }
    let Some(file) = local_path(path, manager, &context.connections)? else {
        let message = format!(
            "the cache of connection manager `{manager}` is not filled: a Cache Transform with this connection manager must \
             run in an earlier data flow of the package, or the manager must name a .caw file"
        );
        return Err(FlowError::new(path, Some(NO_CONNECTION), message));
    };
    let files = context.connections.path_map.files();
    let shown = file.display().to_string();
    let fail = |error: &RawFileError| {
        let message = match error {
            RawFileError::NotOurs(_) => format!(
                "connection manager `{manager}`: the file is not a cache of Fletching; .caw files written by SSIS itself have \
                 an undocumented layout and cannot be read: run the package whose Cache Transform writes it under Fletching"
            ),
            RawFileError::Missing(_) => format!(
                "connection manager `{manager}`: there is no such file: run the data flow whose Cache Transform writes it \
                 first, or map its folder with `--path-map`"
            ),
            other => format!("connection manager `{manager}`: {other}"),
        };
        FlowError::new(path, Some(NO_CONNECTION), message).with_file(&shown)
    };
    let reader = RawFileReader::open(&**files, &file).map_err(|error| fail(&error))?;
    for batch in reader {
        take(&batch.map_err(|error| fail(&error))?)?;
    }
    Ok(())
}
