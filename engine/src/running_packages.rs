//! The packages that run on this machine: what a run says of itself while it goes on, and how others find and stop it.
//!
//! ```text
//!  PreparedPackage::run ──announced──▶ RunSocket: properties as a line of JSON; ends the run when somebody says stop
//!  running_packages ──▶ RunningPackage (properties) ──stop──▶ the run is cancelled, as by Ctrl-C
//! ```
//!
//! GetRunningPackages and RunningPackage of SSIS (spec `ssis-matrix.md` section 19), for the runs of one user.

use std::time::Duration;

use chrono::{DateTime, Local};
use fletching_connections::run_sockets::{self, FoundRun, RunSocket, RunSocketError};
use serde::{Deserialize, Serialize};

use crate::{clock::now, logging::RunIdentity, state::PackageState};

/// What a run says of itself.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Properties {
    instance_id: String,
    package_id: String,
    package_name: String,
    package_description: String,
    user_name: String,
    /// Microseconds since 1970.
    started: i64,
}

/// Longest description that is told.
const DESCRIPTION_MAX: usize = 4000;

/// Lets others see a run, from here until the socket is dropped.
pub(crate) fn announced(state: &PackageState) -> Result<RunSocket, RunSocketError> {
    let identity = RunIdentity::of(state);
    let description = state.root.description.chars();
    let properties = Properties {
        instance_id: identity.execution_id,
        package_id: state.root.dtsid.clone(),
        package_name: state.name.clone(),
        package_description: description.take(DESCRIPTION_MAX).collect(),
        user_name: identity.operator,
        started: now().timestamp_micros(),
    };
    // Texts and a number are always JSON.
    let answer = serde_json::to_string(&properties).unwrap_or_default();
    RunSocket::open(&properties.instance_id, &answer)
}

/// A package that runs on this machine, started by the same user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningPackage {
    /// GUID of the run, in braces.
    pub instance_id: String,
    /// GUID of the package, in braces.
    pub package_id: String,
    /// Name of the package.
    pub package_name: String,
    /// What the package says of itself.
    pub package_description: String,
    /// Who started it.
    pub user_name: String,
    /// When it began; `None` for one whose process does not answer, of which the other properties are empty too.
    pub execution_start_time: Option<DateTime<Local>>,
    /// How long it had been running when it was asked.
    pub execution_duration: Duration,
    /// The process that runs it.
    pub process_id: u32,
    found: FoundRun,
}

impl RunningPackage {
    fn new(found: FoundRun) -> Self {
        let answer = found.answer.as_deref();
        let told: Option<Properties> = answer.and_then(|text| serde_json::from_str(text).ok());
        let started = told.as_ref().and_then(|told| {
            let time = DateTime::from_timestamp_micros(told.started)?;
            Some(time.with_timezone(&Local))
        });
        let told = told.unwrap_or_else(|| Properties {
            instance_id: format!("{{{}}}", found.instance),
            ..Properties::default()
        });
        let duration = started.and_then(|started| (now() - started).to_std().ok());
        Self {
            instance_id: told.instance_id,
            package_id: told.package_id,
            package_name: told.package_name,
            package_description: told.package_description,
            user_name: told.user_name,
            execution_start_time: started,
            execution_duration: duration.unwrap_or_default(),
            process_id: found.process_id,
            found,
        }
    }

    /// Asks the run to stop: it is cancelled as by Ctrl-C, what it had not finished is removed. Does not wait for its end.
    ///
    /// # Errors
    /// [`RunSocketError::Ended`] for one that has ended by itself, [`RunSocketError::Silent`] for one that does not answer.
    pub fn stop(&self) -> Result<(), RunSocketError> {
        self.found.stop()
    }
}

/// The packages that this user runs on this machine, in this process and in others, in the order of their beginnings.
///
/// # Errors
/// The folder of runs cannot be read, or belongs to somebody else.
pub fn running_packages() -> Result<Vec<RunningPackage>, RunSocketError> {
    let found = run_sockets::found()?.into_iter();
    let mut running: Vec<RunningPackage> = found.map(RunningPackage::new).collect();
    running.sort_by(|a, b| {
        let key = |one: &RunningPackage| (one.execution_start_time, one.instance_id.clone());
        key(a).cmp(&key(b))
    });
    Ok(running)
}
