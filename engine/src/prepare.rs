//! Everything that can be known before a row moves: overrides applied, variables typed, the control flow ordered, every
//! data flow bound and checked. All problems are reported together.

use std::{collections::BTreeMap, sync::Arc};

use dtsx::{ConnectionManager, Executable, Package, Parameter, Payload, SsisCode};
use fletching_components::{Findings, Variables};
use fletching_connections::Connections;
use fletching_expression::Scalar;

use crate::{
    EventKind, RunError, Settings, VariableStore,
    caller::{Caller, Repointed},
    configurations::{self, Applied},
    control_flow,
    logging::{self, RunIdentity},
    settings::{Overridable, PropertyPath},
    state::{Note, PackageState},
};

/// A package that is ready to run.
#[derive(Debug)]
pub struct PreparedPackage {
    pub(crate) state: Arc<PackageState>,
}

/// LCID of packages that do not name one.
const LOCALE_DEFAULT: u32 = 1033;

/// A document and what its project gives it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) package: &'a Package,
    pub(crate) parameters: &'a [Parameter],
    pub(crate) managers: &'a [ConnectionManager],
}

/// Checks a package against the settings of a run. `shared_*`: what its project gives it. Blocks, where it has
/// configurations.
pub fn prepare(
    package: &Package,
    shared_parameters: &[Parameter],
    shared_managers: &[ConnectionManager],
    settings: Settings,
) -> Result<PreparedPackage, RunError> {
    let source = Source {
        package,
        parameters: shared_parameters,
        managers: shared_managers,
    };
    let caller = Caller {
        repointed: Repointed::new(&settings.connections),
        ..Caller::default()
    };
    let prepared = prepare_for(source, settings, caller)?;
    let state = &prepared.state;
    let repointed = &state.caller.repointed;
    repointed.check(&state.name, &state.managers)?;
    Ok(prepared)
}

/// Checks a package that `caller` runs.
pub(crate) fn prepare_for(
    source: Source<'_>,
    mut settings: Settings,
    caller: Caller,
) -> Result<PreparedPackage, RunError> {
    let package = source.package;
    let mut findings = Findings(control_flow::unsupported(package));
    findings.0.extend(configurations::unsupported(package));
    let mut system = system_variables(package);
    system.insert("FailedConfigurations".to_owned(), Scalar::from(""));
    let mut variables = VariableStore::new(package, source.parameters, &system, &mut findings);
    let mut managers = managers_of(package, source.managers);
    for shared in &caller.managers {
        let mut own = managers.iter_mut();
        if let Some(own) = own.find(|own| own.ref_id == shared.ref_id) {
            own.clone_from(shared);
        }
    }
    settings.connections = caller.repointed.of(&managers);
    let mut root = package.root().clone();
    settle_references(&mut root, &managers);
    let mut logs = package.log_providers().to_vec();
    let name = package.name().to_owned();
    let mut target = Overridable {
        package: &name,
        variables: &mut variables,
        managers: &mut managers,
        root: &mut root,
        logs: &mut logs,
        configurations: &mut configurations::of(package),
    };
    let applied = override_all(&mut target, &settings, &caller)?;
    findings.0.extend(applied.findings);
    let failed = Scalar::from(applied.failed.join(", ").as_str());
    variables.set_system(&root.path, "FailedConfigurations", failed);
    variables.may_change = true;
    let suppressed = root.properties.bool("SuppressConfigurationWarnings") == Some(true);
    let mut state = PackageState::new(name, settings, root, managers, variables, caller);
    state.notes = applied.notes;
    state
        .notes
        .retain(|note| !(suppressed && note.kind == EventKind::Warning));
    state.notes.extend(of_signature(package));
    state.log_providers = logs;
    control_flow::validate(&state, &mut findings)?;
    if let Err(error) = state.connections() {
        match error {
            RunError::Findings(found) => findings.0.extend(found.0),
            other => return Err(other),
        }
    }
    logging::check(&state, &mut findings)?;
    say_once(&mut findings);
    let state = Arc::new(state);
    findings
        .none_or(PreparedPackage { state })
        .map_err(RunError::Findings)
}

/// That nobody knows whether its signature holds.
fn of_signature(package: &Package) -> Option<Note> {
    package.is_signed().then(|| Note {
        kind: EventKind::Warning,
        code: Some(SsisCode::PACKAGE_VERIFICATION_FAILED),
        message: format!(
            "{}: the package has a digital signature, which is not checked: whether somebody changed the package since is not \
             known",
            package.root().path
        ),
    })
}

/// Configurations, the command line, the configurations again, what the caller hands down.
fn override_all(
    target: &mut Overridable<'_>,
    settings: &Settings,
    caller: &Caller,
) -> Result<Applied, RunError> {
    configurations::apply(target, settings);
    let mut all = Applied::default();
    for file in &settings.config_files {
        all.extend(configurations::apply_file(target, file, settings)?);
    }
    crate::settings::apply(settings, target)?;
    all.notes.extend(hidden_by_expressions(target, settings));
    let mut again = configurations::apply(target, settings);
    again.tell_overridden(target, &settings.set);
    all.extend(again);
    for name in caller.assign(target.variables)? {
        let root = &target.root.path;
        let message = match target.variables.hiding(root, name) {
            Some(why) => format!("and the variable of that name {why}"),
            None => "the variable of that name took the value".to_owned(),
        };
        all.notes.push(Note {
            kind: EventKind::Warning,
            code: None,
            message: format!(
                "{root}: the package has no parameter `{name}`, which its parent assigns: {message}"
            ),
        });
    }
    let parent = caller.variables.as_ref();
    all.extend(configurations::apply_of_parent(target, parent));
    Ok(all)
}

/// Variables that were set on the command line in vain.
fn hidden_by_expressions(target: &Overridable<'_>, settings: &Settings) -> Vec<Note> {
    let paths = settings.set.iter().map(|(path, _)| path);
    let notes = paths.filter_map(|path| {
        let Some(PropertyPath::Variable {
            container, name, ..
        }) = PropertyPath::parse(path)
        else {
            return None;
        };
        let why = target.variables.hiding(container, name)?;
        Some(Note {
            kind: EventKind::Warning,
            code: None,
            message: format!("{container}: variable `{name}` was set, and {why}"),
        })
    });
    notes.collect()
}

/// The connection managers of a package as a run would have them, before and after the overrides of `settings`.
///
/// # Errors
/// An override that fits nothing, a property expression that fails.
pub fn connections_of(
    package: &Package,
    shared_parameters: &[Parameter],
    shared_managers: &[ConnectionManager],
    settings: &Settings,
) -> Result<(Vec<ConnectionManager>, Connections), RunError> {
    let mut findings = Findings::default();
    let system = system_variables(package);
    let mut variables = VariableStore::new(package, shared_parameters, &system, &mut findings);
    let originals = managers_of(package, shared_managers);
    let mut managers = originals.clone();
    let name = package.name().to_owned();
    let mut root = package.root().clone();
    let mut logs = package.log_providers().to_vec();
    let mut target = Overridable {
        package: &name,
        variables: &mut variables,
        managers: &mut managers,
        root: &mut root,
        logs: &mut logs,
        configurations: &mut configurations::of(package),
    };
    override_all(&mut target, settings, &Caller::default())?;
    let locale_id = variables.locale_id();
    let scope = Arc::new(variables).scope(&root.path);
    let connections = control_flow::connections(&managers, settings, &name, &scope, locale_id)?;
    Ok((originals, connections))
}

/// The variables and parameters as the task at a path sees them, with the values that the document gives them.
pub fn variables_of(
    package: &Package,
    shared_parameters: &[Parameter],
    path: &str,
) -> impl Variables + use<> {
    let system = system_variables(package);
    let mut findings = Findings::default();
    let store = VariableStore::new(package, shared_parameters, &system, &mut findings);
    Arc::new(store).scope(path)
}

/// The package's managers hide those of its project.
fn managers_of(package: &Package, shared: &[ConnectionManager]) -> Vec<ConnectionManager> {
    let mut managers = package.connection_managers().to_vec();
    for shared in shared {
        if !managers.iter().any(|own| own.name == shared.name) {
            managers.push(shared.clone());
        }
    }
    managers
}

/// A component names its manager by DTSID; where none has it, by the refId beside it.
fn settle_references(executable: &mut Executable, managers: &[ConnectionManager]) {
    let is_known = |id: &str| {
        managers
            .iter()
            .any(|one| one.dtsid.eq_ignore_ascii_case(id))
    };
    if let Payload::DataFlow(flow) = &mut executable.payload {
        let components = flow.components.iter_mut();
        for connection in components.flat_map(|one| &mut one.connections) {
            if let Some(ref_id) = connection.ref_id.take()
                && !is_known(&connection.connection_manager)
            {
                connection.connection_manager = ref_id;
            }
        }
    }
    let handlers = executable.event_handlers.iter_mut();
    let handlers = handlers.map(|handler| handler.container.as_mut());
    for inner in executable.executables.iter_mut().chain(handlers) {
        settle_references(inner, managers);
    }
}

/// What several tasks have in common (a connection manager) is found by each of them.
fn say_once(findings: &mut Findings) {
    let mut seen = Vec::new();
    findings.0.retain(|finding| {
        let new = !seen.contains(finding);
        if new {
            seen.push(finding.clone());
        }
        new
    });
}

impl PreparedPackage {
    /// Name of the package.
    pub fn name(&self) -> &str {
        &self.state.name
    }

    /// What the caller set for the run.
    pub fn settings(&self) -> &Settings {
        &self.state.settings
    }

    /// Machine, user and execution, as logs have them.
    pub fn identity(&self) -> RunIdentity {
        RunIdentity::of(&self.state)
    }

    /// The variables as they stand now: after a run, with what its tasks set.
    pub fn variables(&self) -> Arc<VariableStore> {
        self.state.variables()
    }
}

/// The LCID of a task, or of the package that it is in.
pub(crate) fn locale(task: Option<i64>, package: Option<i64>) -> u32 {
    [task, package]
        .into_iter()
        .flatten()
        .find_map(|id| u32::try_from(id).ok().filter(|id| *id > 0))
        .unwrap_or(LOCALE_DEFAULT)
}

/// The system variables that do not depend on the task (spec `ssis-matrix.md` section 11).
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where a run learns clock, machine and user"
)]
pub(crate) fn system_variables(package: &Package) -> BTreeMap<String, Scalar> {
    let root = package.root();
    let machine = std::fs::read_to_string("/etc/hostname")
        .map(|name| name.trim().to_owned())
        .unwrap_or_default();
    let user = ["USER", "LOGNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok())
        .unwrap_or_default();
    let started = crate::clock::now_value();
    let text = |value: &str| Scalar::from(value);
    BTreeMap::from([
        ("PackageName".to_owned(), text(package.name())),
        ("PackageID".to_owned(), text(&root.dtsid)),
        (
            "VersionGUID".to_owned(),
            text(root.properties.get("VersionGUID").unwrap_or_default()),
        ),
        (
            "ExecutionInstanceGUID".to_owned(),
            text(&format!("{{{}}}", uuid::Uuid::new_v4()).to_uppercase()),
        ),
        ("MachineName".to_owned(), text(&machine)),
        ("UserName".to_owned(), text(&user)),
        ("StartTime".to_owned(), started.clone()),
        ("ContainerStartTime".to_owned(), started),
    ])
}
