//! Log providers: what a package wants to be written of its own run.
//!
//! ```text
//!  LogProvider ──property expressions──▶ Destination ──open──▶ dyn Log, all on one blocking thread
//!  LoggingOptions of each container ──▶ Selection                          ▲
//!                                          │                               │ queue with an end
//!  Event ──────────────────────────────────┴──▶ LogEntry, columns left out ┘
//! ```
//!
//! An event is one entry in each log that the container which it comes from selects; a container without logging of its own
//! (UseParentSetting) logs as the one around it. **PackageStart and PackageEnd** go to every log. **A log that cannot be
//! opened or written** is an OnError of the package, as in SSIS (DTS_E_OPENLOGFAILED, DTS_E_LOGPROVIDERFAILED): what runs
//! goes on, and the package fails unless MaximumErrorCount lets it pass. What a task's failure is worth, its log is too.
//!
//! *Not supported, by name*: SQL Server Profiler and the Windows Event Log.

mod custom;
mod destination;
mod entry;
mod log;
mod selection;
mod sql_server;
mod text_file;
mod writer;
mod xml_file;

use dtsx::{Executable, SsisCode};
use fletching_components::{Finding, Findings};

pub use destination::log_provider_names;
pub use entry::RunIdentity;
pub(crate) use log::LogFailure;
pub(crate) use writer::{LogWriter, package_end};

use self::{
    destination::{Destination, Problem, destination},
    selection::Selection,
};
use crate::{RunError, state::PackageState};

/// `DTS_E_OPENLOGFAILED`.
const OPEN_FAILED: SsisCode = SsisCode(0xC001_404B);
/// `DTS_E_LOGPROVIDERFAILED`.
const PROVIDER_FAILED: SsisCode = SsisCode(0xC001_4010);

/// What a run writes, and where: worked out anew for each validation and each run.
#[derive(Debug)]
struct LogPlan {
    selection: Selection,
    /// For each provider that is used its path and where it leads; `None` for those that nobody selects.
    destinations: Vec<Option<(String, Destination)>>,
    warnings: Vec<String>,
}

/// What is wrong with the logs of a package.
///
/// # Errors
/// A problem that has no place in the package.
pub(crate) fn check(state: &PackageState, findings: &mut Findings) -> Result<(), RunError> {
    match plan(state) {
        Ok(_) => Ok(()),
        Err(RunError::Findings(found)) => {
            findings.0.extend(found.0);
            Ok(())
        }
        Err(other) => Err(other),
    }
}

fn plan(state: &PackageState) -> Result<LogPlan, RunError> {
    let selection = Selection::new(state);
    let mut plan = LogPlan {
        warnings: selection.warnings(&state.root),
        destinations: Vec::new(),
        selection,
    };
    let used: Vec<bool> = plan.selection.used().collect();
    if !used.contains(&true) {
        return Ok(plan);
    }
    let connections = state.connections()?;
    let mut findings = Findings::default();
    for (provider, used) in plan.selection.providers().iter().zip(used) {
        let path = match provider.name.is_empty() {
            true => format!("{}.LogProviders[{}]", state.root.path, provider.class_id),
            false => format!("{}.LogProviders[{}]", state.root.path, provider.name),
        };
        if !used {
            plan.destinations.push(None);
            continue;
        }
        match destination(provider, state, &connections) {
            Ok(found) => plan.destinations.push(Some((path, found))),
            Err(problems) => {
                let problems = problems.into_iter();
                findings
                    .0
                    .extend(problems.map(|problem| finding(&path, &provider.class_id, problem)));
            }
        }
    }
    findings.none_or(plan).map_err(RunError::Findings)
}

fn finding(path: &str, class: &str, problem: Problem) -> Finding {
    Finding {
        path: path.to_owned(),
        class: dtsx::resolve_log_provider(class)
            .unwrap_or(class)
            .to_owned(),
        kind: problem.kind,
        code: problem.code,
        message: problem.message,
    }
}

/// Whether anything in the package asks for logging.
fn is_wanted(state: &PackageState) -> bool {
    fn any(one: &Executable) -> bool {
        let own = one.logging_options.as_ref();
        let handlers = one.event_handlers.iter();
        own.is_some_and(|own| own.mode == selection::ENABLED && !own.providers.is_empty())
            || one.executables.iter().any(any)
            || handlers
                .map(|handler| &handler.container)
                .any(|one| any(one))
    }
    !state.settings.logging.providers.is_empty() || any(&state.root)
}
