//! Execute Package task: runs another package inside this one.
//!
//! ```text
//!  settings ──▶ PackageReference ──library──▶ document ──prepare_for──▶ state ──run_package──▶ TaskResult
//!                                                  parameters, parents' variables
//! ```
//!
//! **When it is checked.** A package whose name is known is prepared along with this one, and what is not supported in it
//! is a finding here, with the path of the task in front. It is prepared again each time it runs, with the values of that
//! moment; what depends on values is an error then, as in SSIS. A name that depends on variables is looked up when it runs.
//! **Out of process** (ExecuteOutOfProcess) there is nothing to gain here: it runs in this process, and says so.

mod child;
mod settings;

use std::sync::Arc;

use async_trait::async_trait;
use datafusion_common_runtime::SpawnedTask;
use dtsx::{Executable, SsisCode};
use fletching_components::{FindingKind, Findings};

use crate::{
    RunError, TaskResult,
    task::{Task, TaskHost, TaskRun, all},
};

pub(crate) use child::children;
use settings::ExecutePackage;

/// Properties that expressions can set, and where they are stored.
pub(super) const PROPERTIES: &[(&str, &str)] = &[
    ("Connection", "Connection"),
    ("ExecuteOutOfProcess", "ExecuteOutOfProcess"),
    ("PackageID", "PackageID"),
    ("PackageName", "PackageName"),
    ("PackagePassword", "PackagePassword"),
    ("UseProjectReference", "UseProjectReference"),
    ("VersionID", "VersionID"),
];

pub(super) fn new(executable: &Executable) -> Option<Box<dyn Task>> {
    Some(Box::new(ExecutePackageTask {
        settings: ExecutePackage::of(executable)?,
    }))
}

#[derive(Debug)]
struct ExecutePackageTask {
    settings: ExecutePackage,
}

#[async_trait]
impl Task for ExecutePackageTask {
    fn check(&self, host: &TaskHost<'_>) -> Result<(), RunError> {
        let settings = &self.settings;
        let mut findings = Findings::default();
        for assignment in &settings.assignments {
            if let Err(message) = host.has_variable(&assignment.value) {
                let code = Some(SsisCode::VARIABLE_NOT_FOUND);
                let parameter = &assignment.parameter;
                let message = format!("parameter `{parameter}` of the package: {message}");
                findings.push(host.finding(FindingKind::Invalid, code, message));
            }
        }
        let is_settled = settings.is_settled(host);
        match settings.reference(host)? {
            Err(finding) if is_settled || finding.kind == FindingKind::Unsupported => {
                findings.push(finding);
            }
            Ok(reference) if is_settled => findings
                .0
                .extend(child::findings(settings, host, &reference)),
            _ => host.state.caller.repointed.leave_open(),
        }
        all(findings.0)
    }

    /// Its work begins with preparing the package.
    fn recheck(&self, _host: &TaskHost<'_>) -> Result<(), RunError> {
        Ok(())
    }

    async fn run(&self, run: &TaskRun<'_>) -> Result<TaskResult, RunError> {
        if self.settings.out_of_process {
            let message = format!(
                "{}: ExecuteOutOfProcess has no effect: the package runs in this process",
                run.path()
            );
            run.inform(None, message).await;
        }
        let (settings, executable) = (self.settings.clone(), run.executable.clone());
        let state = Arc::clone(&run.executor.state);
        let preparing = SpawnedTask::spawn_blocking(move || {
            let host = TaskHost {
                state: &state,
                executable: &executable,
            };
            let reference = settings.reference(&host)?;
            let reference = reference.map_err(|finding| RunError::Findings(finding.into()))?;
            child::prepared(&settings, &host, &reference)
        });
        let prepared = preparing.join().await;
        let gone = |error| run.failure(None, format!("its thread is gone: {error}"));
        let (name, package) = prepared.map_err(gone)??;
        Ok(run
            .executor
            .run_package(run.frame, &package.state, &name)
            .await)
    }
}
