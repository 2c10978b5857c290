//! Which logs an event goes to, and with which columns: LoggingOptions of the containers, and what the caller adds.

use std::{collections::BTreeMap, sync::Arc};

use dtsx::{ColumnFilter, Executable, LogProvider, LoggingOptions};

use crate::{EventKind, state::PackageState};

/// `LoggingMode`: logs by its own options.
pub(super) const ENABLED: i32 = 1;
/// `LoggingMode`: logs nothing.
const DISABLED: i32 = 2;
/// `FilterKind`: the events listed are logged, no others.
const INCLUSION: i32 = 0;

/// What each container of a package selects.
#[derive(Debug)]
pub(super) struct Selection {
    /// The package's, then the caller's.
    providers: Vec<LogProvider>,
    /// By path; containers that log nothing are not in it.
    containers: BTreeMap<String, Arc<Options>>,
    /// Every event goes to every log in use.
    everything: bool,
    /// Providers that are selected and not there.
    missing: Vec<String>,
}

/// What one container logs.
#[derive(Debug, Clone, Default)]
struct Options {
    /// Places among the providers.
    providers: Vec<usize>,
    is_inclusion: bool,
    events: Vec<String>,
    columns: Vec<ColumnFilter>,
}

impl Options {
    fn lets(&self, event: &str) -> bool {
        let listed = self.events.iter();
        listed
            .into_iter()
            .any(|one| one.eq_ignore_ascii_case(event))
            == self.is_inclusion
    }
}

impl Selection {
    pub(super) fn new(state: &PackageState) -> Self {
        let overrides = &state.settings.logging;
        let mut providers = state.log_providers.clone();
        let own = providers.len();
        providers.extend(
            overrides
                .providers
                .iter()
                .map(|(class, configuration)| LogProvider {
                    class_id: class.clone(),
                    connection: configuration.clone(),
                    ..LogProvider::default()
                }),
        );
        let added: Vec<usize> = (own..providers.len()).collect();
        let mut selection = Self {
            providers,
            containers: BTreeMap::new(),
            everything: overrides.everything,
            missing: Vec::new(),
        };
        selection.collect(&state.root, None, &added);
        selection
    }

    /// `added` go with what the package itself logs: the caller turns logging on.
    fn collect(&mut self, one: &Executable, around: Option<&Arc<Options>>, added: &[usize]) {
        let mut options = match &one.logging_options {
            Some(own) if own.mode == ENABLED => Some(Arc::new(self.read(own))),
            Some(own) if own.mode == DISABLED => None,
            _ => around.map(Arc::clone),
        };
        if !added.is_empty() {
            let mut with = options.as_deref().cloned().unwrap_or_default();
            with.providers.extend(added);
            options = Some(Arc::new(with));
        }
        if let Some(options) = &options {
            self.containers
                .insert(one.path.clone(), Arc::clone(options));
        }
        let handlers = one.event_handlers.iter();
        for child in one
            .executables
            .iter()
            .chain(handlers.map(|handler| handler.container.as_ref()))
        {
            self.collect(child, options.as_ref(), &[]);
        }
    }

    fn read(&mut self, options: &LoggingOptions) -> Options {
        let mut providers = Vec::new();
        for id in &options.providers {
            let mut known = self.providers.iter();
            match known.position(|one| one.dtsid.eq_ignore_ascii_case(id) || one.name == *id) {
                Some(at) if providers.contains(&at) => {}
                Some(at) => providers.push(at),
                None => self.missing.push(id.clone()),
            }
        }
        Options {
            providers,
            is_inclusion: options.filter_kind == INCLUSION,
            events: options.events.clone(),
            columns: options.columns.clone(),
        }
    }

    pub(super) fn providers(&self) -> &[LogProvider] {
        &self.providers
    }

    /// For each provider whether anything is written to it.
    pub(super) fn used(&self) -> impl Iterator<Item = bool> {
        (0..self.providers.len()).map(|at| {
            let mut containers = self.containers.values();
            containers.any(|options| options.providers.contains(&at))
        })
    }

    /// Where an entry goes, and its columns if not all of them are filled.
    pub(super) fn of(&self, path: &str, kind: &EventKind) -> (Vec<usize>, Option<&ColumnFilter>) {
        let name = kind.name();
        let options = self.containers.get(path);
        let to_all = self.everything || matches!(name, "PackageStart" | "PackageEnd");
        let providers = match options {
            _ if to_all => self
                .used()
                .enumerate()
                .filter(|(_, used)| *used)
                .map(|(at, _)| at)
                .collect(),
            Some(options) if options.lets(name) => options.providers.clone(),
            _ => Vec::new(),
        };
        let columns = options.filter(|_| !self.everything).and_then(|options| {
            let mut columns = options.columns.iter();
            columns.find(|columns| columns.event.eq_ignore_ascii_case(name))
        });
        (providers, columns)
    }

    /// Providers that a container selects and the package has not.
    pub(super) fn warnings(&self, root: &Executable) -> Vec<String> {
        let mut missing = self.missing.clone();
        missing.sort_unstable();
        missing.dedup();
        let told = missing.into_iter().map(|id| {
            format!(
                "{}: the log provider {id} is selected, and the package has no such provider: nothing is logged there",
                root.path
            )
        });
        told.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(kind: i32, events: &[&str]) -> Options {
        Options {
            is_inclusion: kind == INCLUSION,
            events: events.iter().map(|event| (*event).to_owned()).collect(),
            ..Options::default()
        }
    }

    #[test]
    fn filters_include_or_exclude() {
        assert!(options(0, &["OnError"]).lets("onerror"));
        assert!(!options(0, &["OnError"]).lets("OnWarning"));
        assert!(!options(1, &["OnError"]).lets("OnError"));
        assert!(options(1, &["OnError"]).lets("OnWarning"));
        assert!(options(1, &[]).lets("OnWarning") && !options(0, &[]).lets("OnWarning"));
    }
}
