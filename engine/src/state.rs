//! What a run knows of its package: the tree of executables with overrides applied, variables, connection managers, and
//! what tasks share (sessions, caches).

use std::sync::Arc;

use dtsx::{ConnectionManager, Executable, LogProvider, SsisCode};
use fletching_components::Caches;
use fletching_connections::{Connections, database::Sessions};
use parking_lot::RwLock;

use crate::{
    EventKind, RunError, Settings, VariableStore, assigned_values::Assignment, caller::Caller,
    control_flow, scoped_variables::ScopedVariables,
};

/// What was noticed before the run: raised as an event when it begins.
#[derive(Debug, Clone)]
pub(crate) struct Note {
    pub(crate) kind: EventKind,
    pub(crate) code: Option<SsisCode>,
    pub(crate) message: String,
}

/// Shared by everything that runs.
#[derive(Debug)]
pub(crate) struct PackageState {
    pub(crate) name: String,
    pub(crate) settings: Settings,
    /// The package as a container.
    pub(crate) root: Executable,
    pub(crate) managers: Vec<ConnectionManager>,
    pub(crate) log_providers: Vec<LogProvider>,
    /// Replaced by each assignment, so that whoever looks sees one moment.
    variables: RwLock<Arc<VariableStore>>,
    pub(crate) locale_id: u32,
    /// Open databases, kept between tasks.
    pub(crate) sessions: Arc<Sessions>,
    /// What Cache Transforms have left for later tasks.
    pub(crate) caches: Arc<Caches>,
    /// The package that runs this one.
    pub(crate) caller: Caller,
    pub(crate) notes: Vec<Note>,
}

impl PackageState {
    pub(crate) fn new(
        name: String,
        settings: Settings,
        root: Executable,
        managers: Vec<ConnectionManager>,
        variables: VariableStore,
        caller: Caller,
    ) -> Self {
        Self {
            name,
            settings,
            root,
            managers,
            log_providers: Vec::new(),
            locale_id: variables.locale_id(),
            variables: RwLock::new(Arc::new(variables)),
            sessions: Arc::default(),
            caches: Arc::default(),
            caller,
            notes: Vec::new(),
        }
    }

    /// The package runs: what its variables hold is what counts.
    pub(crate) fn begin(self: &Arc<Self>) -> Arc<Self> {
        self.change(|variables| variables.may_change = false);
        Arc::clone(self)
    }

    /// The variables as they stand now.
    pub(crate) fn variables(&self) -> Arc<VariableStore> {
        Arc::clone(&self.variables.read())
    }

    /// As the container or task at `path` sees them now.
    pub(crate) fn scope(&self, path: &str) -> ScopedVariables {
        self.variables().scope(path)
    }

    /// What is to be said of it, if anything.
    pub(crate) fn assign(&self, assignment: Assignment) -> Option<String> {
        self.change(|variables| variables.assign(assignment))
    }

    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut VariableStore) -> T) -> T {
        change(Arc::make_mut(&mut self.variables.write()))
    }

    /// Expressions of connection managers see the variables of the package, not those of the task that uses them.
    pub(crate) fn connections(&self) -> Result<Connections, RunError> {
        let variables = self.scope(&self.root.path);
        control_flow::connections(
            &self.managers,
            &self.settings,
            &self.name,
            &variables,
            self.locale_id,
        )
    }
}
