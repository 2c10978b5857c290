//! Log providers of the caller's own.

use std::{fmt, sync::Arc};

use dtsx::LogProvider;
use fletching_connections::{Connections, resolve_file};
use fletching_custom::{LogProviderClass, LogProviderSpec, guarded};

use super::{
    entry::LogEntry,
    log::{Log, LogFailure},
};

/// What a class of the caller's own is told of a provider.
pub(super) fn spec(
    provider: &LogProvider,
    configuration: &str,
    connections: &Connections,
) -> LogProviderSpec {
    let name = configuration.trim();
    let text = connections.text(name).ok();
    // A log that the caller adds may name its file.
    let is_from_package = !provider.dtsid.is_empty();
    let by_caller = || {
        let file = resolve_file(name, &connections.path_map).ok();
        file.filter(|_| !is_from_package && !name.is_empty())
            .map(|file| file.display().to_string())
    };
    LogProviderSpec {
        name: provider.name.clone(),
        config_string: configuration.to_owned(),
        connection_string: text.or_else(by_caller).unwrap_or_default(),
    }
}

/// What its class has against a provider.
pub(super) fn check(class: &Arc<dyn LogProviderClass>, spec: &LogProviderSpec) -> Vec<String> {
    match guarded(|| Ok(class.check(spec))) {
        Ok(Ok(())) => Vec::new(),
        Ok(Err(problems)) if problems.is_empty() => {
            vec!["its class refuses it, and does not say why".to_owned()]
        }
        Ok(Err(problems)) => problems,
        Err(panic) => vec![panic.message],
    }
}

/// Opens its log. Blocks.
pub(super) fn open(
    path: &str,
    class: &Arc<dyn LogProviderClass>,
    spec: &LogProviderSpec,
) -> Result<Box<dyn Log>, LogFailure> {
    let log = guarded(|| class.open(spec));
    let log = log.map_err(|error| LogFailure::opening(path, error))?;
    Ok(Box::new(CustomLog {
        provider: path.to_owned(),
        log: Some(log),
    }))
}

struct CustomLog {
    provider: String,
    /// `None` only while it is dropped.
    log: Option<Box<dyn fletching_custom::Log>>,
}

impl fmt::Debug for CustomLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CustomLog")
            .field("provider", &self.provider)
            .finish_non_exhaustive()
    }
}

impl Log for CustomLog {
    fn write(&mut self, entries: &[&LogEntry]) -> Result<(), LogFailure> {
        let Some(log) = &mut self.log else {
            return Ok(());
        };
        let written = guarded(|| entries.iter().try_for_each(|entry| log.write(&told(entry))));
        written.map_err(|error| LogFailure::writing(&self.provider, error))
    }

    fn close(&mut self) -> Result<(), LogFailure> {
        let Some(log) = &mut self.log else {
            return Ok(());
        };
        guarded(|| log.close()).map_err(|error| LogFailure::writing(&self.provider, error))
    }
}

impl Drop for CustomLog {
    fn drop(&mut self) {
        let log = self.log.take();
        // Closing said what there was to say.
        drop(guarded(|| {
            drop(log);
            Ok(())
        }));
    }
}

fn told(entry: &LogEntry) -> fletching_custom::LogEntry {
    fletching_custom::LogEntry {
        event: entry.event.clone(),
        computer: entry.computer.clone(),
        operator: entry.operator.clone(),
        source: entry.source.clone(),
        source_id: entry.source_id.clone(),
        execution_id: entry.execution_id.clone(),
        time_us: entry.time.timestamp_micros(),
        data_code: entry.data_code,
        message: entry.message.clone().unwrap_or_default(),
    }
}
