//! What a package knows of the package that runs it: nothing, for the first.
//!
//! ```text
//!  parent's state ──Caller::of──▶ values of parameters, project parameters, variables as the task sees them
//!                                 connection strings of the command line, for all packages below
//! ```

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use dtsx::ConnectionManager;
use fletching_components::Finding;
use fletching_expression::Scalar;
use parking_lot::Mutex;

use crate::{
    RunError, VariableStore, scoped_variables::ScopedVariables, state::PackageState,
    variables::Value,
};

/// Packages within packages.
pub(crate) const DEPTH_MAX: usize = 32;

/// The package that runs this one, and what it hands down.
#[derive(Debug, Clone, Default)]
pub(crate) struct Caller {
    /// Places of the packages around, outermost first.
    pub(crate) places: Vec<PathBuf>,
    /// Its variables as the Execute Package task sees them; `None` for the first package.
    pub(crate) variables: Option<ScopedVariables>,
    /// Parameters that the task assigns.
    pub(crate) parameters: Vec<(String, Scalar)>,
    /// What the parameters of the common project stand at.
    pub(crate) project: Vec<(String, Value)>,
    /// The connection managers of the common project, as the parent has them.
    pub(crate) managers: Vec<ConnectionManager>,
    pub(crate) repointed: Repointed,
    pub(crate) looked_at: LookedAt,
}

/// The packages that were prepared to see what is in them: each once, so that packages which run each other many times
/// over take no longer than their number.
#[derive(Debug, Clone, Default)]
pub(crate) struct LookedAt {
    found: Arc<Mutex<BTreeMap<String, Vec<Finding>>>>,
    count: Arc<AtomicUsize>,
}

/// Packages that are prepared to see what is in them.
const LOOKS_MAX: usize = 10_000;

impl LookedAt {
    /// What was found in a package with these values.
    pub(crate) fn known(&self, package: &str) -> Option<Vec<Finding>> {
        self.found.lock().get(package).cloned()
    }

    pub(crate) fn note(&self, package: String, found: &[Finding]) {
        self.found.lock().insert(package, found.to_vec());
    }

    /// Counts a package that is about to be prepared.
    ///
    /// # Errors
    /// There are too many.
    pub(crate) fn count(&self) -> Result<(), String> {
        match self.count.fetch_add(1, Ordering::Relaxed) < LOOKS_MAX {
            true => Ok(()),
            false => Err(format!(
                "packages run each other more than {LOOKS_MAX} times over: too many to look at"
            )),
        }
    }
}

/// The connection strings that the caller of the run gives: for the package, and for those that it runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Repointed {
    pub(crate) all: Vec<(String, String)>,
    /// Names that some package has taken.
    taken: Arc<Mutex<BTreeSet<String>>>,
    /// Some package is known only when it runs.
    open: Arc<Mutex<bool>>,
}

impl Repointed {
    pub(crate) fn new(all: &[(String, String)]) -> Self {
        Self {
            all: all.to_vec(),
            ..Self::default()
        }
    }

    /// Those that name a manager of a package.
    pub(crate) fn of(&self, managers: &[ConnectionManager]) -> Vec<(String, String)> {
        let mut mine = self.all.clone();
        mine.retain(|(name, _)| {
            let mut managers = managers.iter();
            managers.any(|manager| crate::control_flow::is_named(manager, name))
        });
        let mut taken = self.taken.lock();
        taken.extend(mine.iter().map(|(name, _)| name.clone()));
        mine
    }

    /// A package is known only when it runs, and may have any name.
    pub(crate) fn leave_open(&self) {
        *self.open.lock() = true;
    }

    /// # Errors
    /// A name that no package has.
    pub(crate) fn check(
        &self,
        package: &str,
        managers: &[ConnectionManager],
    ) -> Result<(), RunError> {
        if *self.open.lock() {
            return Ok(());
        }
        let taken = self.taken.lock();
        match self.all.iter().find(|(name, _)| !taken.contains(name)) {
            None => Ok(()),
            Some((name, _)) => Err(RunError::UnknownOverride {
                what: "connection manager",
                name: name.clone(),
                package: package.to_owned(),
                known: managers
                    .iter()
                    .map(|manager| manager.name.clone())
                    .collect(),
            }),
        }
    }
}

impl Caller {
    /// What the package of `state` hands to one that its task at `path` runs; `shares_project`: both are of one project.
    pub(crate) fn of(state: &PackageState, path: &str, shares_project: bool) -> Self {
        let variables = state.variables();
        let mut places = state.caller.places.clone();
        places.push(state.settings.place.clone());
        let mut caller = Self {
            places,
            variables: Some(variables.scope(path)),
            repointed: state.caller.repointed.clone(),
            looked_at: state.caller.looked_at.clone(),
            ..Self::default()
        };
        if shares_project {
            caller.project = variables.project_values();
            let is_shared = |manager: &&ConnectionManager| manager.ref_id.starts_with("Project.");
            caller.managers = state.managers.iter().filter(is_shared).cloned().collect();
        }
        caller
    }

    /// Gives parameters the values that the parent has for them; the names of those that are variables instead.
    ///
    /// # Errors
    /// A value that a parameter cannot have, or a parameter that is not there.
    pub(crate) fn assign(&self, variables: &mut VariableStore) -> Result<Vec<&str>, RunError> {
        variables.take_project_values(&self.project);
        let mut of_variables = Vec::new();
        for (name, value) in &self.parameters {
            let assigned = variables.assign_parameter(name, value);
            let is_parameter = assigned.map_err(|message| RunError::BadValue {
                what: "parameter",
                name: name.clone(),
                message,
            })?;
            if !is_parameter {
                of_variables.push(name.as_str());
            }
        }
        Ok(of_variables)
    }
}
