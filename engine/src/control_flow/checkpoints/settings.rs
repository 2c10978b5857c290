//! What a package, and whoever runs it, say of checkpoints.

use std::path::PathBuf;

use dtsx::{Executable, SsisCode};
use fletching_components::{Finding, FindingKind};

use super::super::{ContainerSettings, TransactionOption, evaluated};
use crate::{Restart, Settings, state::PackageState, task::finding};

/// `DTS_E_CHECKPOINTFILENOTSPECIFIED`.
const NOT_SPECIFIED: SsisCode = SsisCode(0xC001_F081);
/// `DTS_E_INVALIDCHECKPOINT_TRANSACTION`.
const TRANSACTION: SsisCode = SsisCode(0xC001_4104);

/// Of one run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct CheckpointSettings {
    /// Results are written as they come.
    pub(super) save: bool,
    pub(super) restart: Restart,
    pub(super) file: PathBuf,
}

impl CheckpointSettings {
    /// Of a package whose property expressions are evaluated; `None` if it has no checkpoints.
    ///
    /// # Errors
    /// What is wrong with them.
    fn of(root: &Executable, settings: &Settings) -> Result<Option<Self>, (SsisCode, String)> {
        let invalid = |message: String| (SsisCode::VALIDATION_FAILED, message);
        let text = |name: &str| root.properties.get(name).unwrap_or_default().trim();
        let overrides = &settings.checkpoint;
        let saved = match text("SaveCheckpoints") {
            "" => false,
            found => dtsx::parse_bool(found).ok_or_else(|| {
                invalid(format!(
                    "SaveCheckpoints is `{found}`: True or False is wanted"
                ))
            })?,
        };
        let usage = match text("CheckpointUsage") {
            "" | "0" | "Never" => Restart::Deny,
            "1" | "IfExists" => Restart::IfPossible,
            "2" | "Always" => Restart::Force,
            found => {
                return Err(invalid(format!(
                    "CheckpointUsage is `{found}`: 0 (Never), 1 (IfExists) or 2 (Always) is wanted"
                )));
            }
        };
        let usage = match overrides.on {
            Some(true) => Restart::Force,
            Some(false) => Restart::Deny,
            None => usage,
        };
        let (save, restart) = (
            overrides.on.unwrap_or(saved),
            overrides.restart.unwrap_or(usage),
        );
        if !save && restart == Restart::Deny {
            return Ok(None);
        }
        let named = text("CheckpointFileName");
        let file = match &overrides.file {
            Some(file) => file.clone(),
            None if named.is_empty() => {
                let message = "checkpoints are wanted (SaveCheckpoints, CheckpointUsage) and no file is named for them: set \
                               CheckpointFileName";
                return Err((NOT_SPECIFIED, message.to_owned()));
            }
            None => settings
                .path_map()
                .resolve(named)
                .map_err(|error| (NOT_SPECIFIED, format!("CheckpointFileName: {error}")))?,
        };
        Ok(Some(Self {
            save,
            restart,
            file,
        }))
    }

    /// Of a package as its variables stand now. What is wrong was found before.
    pub(super) fn now(state: &PackageState) -> Option<Self> {
        let variables = state.scope(&state.root.path);
        let root = evaluated(&state.root, &variables, state.locale_id).ok()?;
        Self::of(&root, &state.settings).ok().flatten()
    }
}

/// What is wrong with the checkpoints of a package.
pub(in super::super) fn check(state: &PackageState) -> Vec<Finding> {
    let variables = state.scope(&state.root.path);
    let Ok(root) = evaluated(&state.root, &variables, state.locale_id) else {
        return Vec::new(); // It is found elsewhere.
    };
    let problem = match CheckpointSettings::of(&root, &state.settings) {
        Ok(None) => None,
        Ok(Some(_)) => {
            let settings = ContainerSettings::of(&root).unwrap_or_default();
            let message = "the package is one transaction (TransactionOption is Required), so that there is nothing to restart \
                           from: give the TransactionOption to containers in it, or set SaveCheckpoints to False";
            (settings.transaction == TransactionOption::Required)
                .then(|| (TRANSACTION, message.to_owned()))
        }
        Err(problem) => Some(problem),
    };
    let finding = |(code, message)| finding(&state.root, FindingKind::Invalid, Some(code), message);
    problem.map(finding).into_iter().collect()
}
