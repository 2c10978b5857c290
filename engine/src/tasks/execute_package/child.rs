//! The package that a task runs: loaded and prepared with what its parent hands it.

use std::sync::Arc;

use dtsx::{Executable, ExecutableKind, SsisCode};
use fletching_components::{Finding, FindingKind, Variables};

use super::settings::ExecutePackage;
use crate::{
    LoadedPackage, PackageReference, PreparedPackage, RunError, Settings,
    caller::{Caller, DEPTH_MAX},
    error::within,
    prepare::{Source, prepare_for},
    state::PackageState,
    task::TaskHost,
};

/// The package, ready to run, and its name. Blocks.
///
/// # Errors
/// All that is wrong with it as things stand now.
pub(super) fn prepared(
    settings: &ExecutePackage,
    host: &TaskHost<'_>,
    reference: &PackageReference,
) -> Result<(String, PreparedPackage), RunError> {
    let loaded = load(host, reference).map_err(|finding| RunError::Findings(finding.into()))?;
    let mut caller = caller_of(host, reference);
    let variables = host.variables();
    for assignment in &settings.assignments {
        let (namespace, bare) = crate::variables::split(&assignment.value);
        let parameter = &assignment.parameter;
        match variables.value(namespace, bare) {
            Some(value) => caller.parameters.push((parameter.clone(), value)),
            None => {
                let error = host.variable(&assignment.value).err();
                let message = format!(
                    "parameter `{parameter}` of {}: {}",
                    loaded.name,
                    error.unwrap_or_default()
                );
                return Err(host.failure(Some(SsisCode::VARIABLE_NOT_FOUND), message));
            }
        }
    }
    let place = within(host.path(), &loaded.name);
    let package = prepare(host.state, &loaded, caller);
    let package = package.map_err(|error| error.within(&place))?;
    Ok((loaded.name, package))
}

/// What can be said against it before anything runs: that it is not there, and what in it is not supported. The rest
/// depends on values, and on whether it runs at all.
pub(super) fn findings(
    settings: &ExecutePackage,
    host: &TaskHost<'_>,
    reference: &PackageReference,
) -> Vec<Finding> {
    let loaded = match load(host, reference) {
        Ok(loaded) => loaded,
        Err(finding) => return vec![finding],
    };
    let mut findings = Vec::new();
    let parameters = loaded.document.parameters();
    for assignment in &settings.assignments {
        let name = &assignment.parameter;
        let mut variables = loaded.document.root().variables.iter();
        // There are packages that assign variables so.
        let is_variable =
            variables.any(|variable| variable.namespace == "User" && variable.name == *name);
        if !is_variable && !parameters.iter().any(|parameter| parameter.name == *name) {
            let known: Vec<&str> = parameters.iter().map(|known| known.name.as_str()).collect();
            let message = format!(
                "{} has no parameter `{name}`; it has: {}",
                loaded.name,
                known.join(", ")
            );
            findings.push(host.invalid(message));
        }
    }
    let variables = host.variables();
    let mut caller = caller_of(host, reference);
    caller.parameters = settings
        .assignments
        .iter()
        .filter_map(|assignment| {
            let (namespace, bare) = crate::variables::split(&assignment.value);
            let value = variables.value(namespace, bare)?;
            Some((assignment.parameter.clone(), value))
        })
        .collect();
    let place = within(host.path(), &loaded.name);
    let found = unsupported(host, &loaded, caller);
    findings.extend(found.into_iter().map(|finding| Finding {
        path: within(&place, &finding.path),
        ..finding
    }));
    findings
}

/// What is not supported in a package, as it says it itself.
fn unsupported(host: &TaskHost<'_>, loaded: &LoadedPackage, mut caller: Caller) -> Vec<Finding> {
    let looked_at = caller.looked_at.clone();
    let values = caller.parameters.iter();
    let values = values.map(|(name, value)| format!("\0{name}={value}"));
    let key = loaded.place.display().to_string() + &values.collect::<String>();
    if let Some(known) = looked_at.known(&key) {
        return known;
    }
    if let Err(message) = looked_at.count() {
        return vec![host.unsupported(message)];
    }
    // Values that do not fit yet may when it runs.
    let found = match prepare(host.state, loaded, caller.clone()) {
        Err(RunError::BadValue { .. } | RunError::UnknownOverride { .. }) => {
            caller.parameters.clear();
            prepare(host.state, loaded, caller)
        }
        prepared => prepared,
    };
    let mut findings = match found {
        Err(RunError::Findings(findings)) => findings.0,
        _ => Vec::new(),
    };
    findings.retain(|finding| finding.kind == FindingKind::Unsupported);
    looked_at.note(key, &findings);
    findings
}

fn caller_of(host: &TaskHost<'_>, reference: &PackageReference) -> Caller {
    let shares_project = matches!(reference, PackageReference::Project(_));
    Caller::of(host.state, host.path(), shares_project)
}

fn load(host: &TaskHost<'_>, reference: &PackageReference) -> Result<LoadedPackage, Finding> {
    let wrong = |message: String| {
        let code = SsisCode::from_symbol("DTS_E_TKEXECPACKAGE_UNABLETOLOAD");
        host.finding(FindingKind::Invalid, code, message)
    };
    let Some(library) = &host.state.settings.library else {
        return Err(wrong(format!(
            "{reference} cannot be loaded: the package was not loaded from a file or a project"
        )));
    };
    let loaded = library
        .load(reference)
        .map_err(|error| wrong(error.to_string()))?;
    let around = &host.state.caller.places;
    let mut places = around.iter().chain([&host.state.settings.place]);
    if places.any(|place| *place == loaded.place) {
        let name = &loaded.name;
        return Err(host.unsupported(format!(
            "{name} runs itself, by way of the packages around: that is not supported"
        )));
    }
    if around.len() >= DEPTH_MAX {
        return Err(wrong(format!(
            "packages are nested deeper than {DEPTH_MAX}"
        )));
    }
    Ok(loaded)
}

/// Prepares it with the limits and paths of the run; overrides are for the first package, but for connection strings.
fn prepare(
    parent: &PackageState,
    loaded: &LoadedPackage,
    caller: Caller,
) -> Result<PreparedPackage, RunError> {
    let settings = Settings {
        set: Vec::new(),
        parameters: Vec::new(),
        connections: Vec::new(),
        config_files: Vec::new(),
        library: Some(Arc::clone(&loaded.library)),
        place: loaded.place.clone(),
        base_dir: loaded.base_dir.clone(),
        ..parent.settings.clone()
    };
    let source = Source {
        package: &loaded.document,
        parameters: &loaded.shared_parameters,
        managers: &loaded.shared_managers,
    };
    prepare_for(source, settings, caller)
}

/// The packages that a package runs, those whose names change left out, each with what goes before its paths.
pub(crate) fn children(
    state: &PackageState,
) -> impl Iterator<Item = Result<(String, PreparedPackage), RunError>> {
    let mut tasks = Vec::new();
    collect(&state.root, &mut tasks);
    tasks.into_iter().filter_map(|task| {
        let host = TaskHost {
            state,
            executable: task,
        };
        let settings = ExecutePackage::of(task).filter(|settings| settings.is_settled(&host))?;
        let child = settings.reference(&host).and_then(|reference| {
            let reference = reference.map_err(|finding| RunError::Findings(finding.into()))?;
            let counted = state.caller.looked_at.count();
            counted.map_err(|message| host.failure(None, message))?;
            let (name, package) = prepared(&settings, &host, &reference)?;
            Ok((within(&task.path, &name), package))
        });
        Some(child)
    })
}

fn collect<'a>(executable: &'a Executable, tasks: &mut Vec<&'a Executable>) {
    if executable.disabled {
        return;
    }
    if let ExecutableKind::Task(Some("Microsoft.ExecutePackageTask")) = executable.kind {
        tasks.push(executable);
    }
    let handlers = executable.event_handlers.iter();
    executable
        .executables
        .iter()
        .chain(handlers.map(|handler| handler.container.as_ref()))
        .for_each(|child| collect(child, tasks));
}
