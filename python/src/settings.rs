//! What `execute`, `reader` and `validate` are given beside the package.

use std::path::{Path, PathBuf};

use fletching::{Package, PathMap, Settings, dtsx, from_folder, parse_size};
use pyo3::prelude::*;

use crate::errors::{Outcome, Raised};

/// Names and values.
pub(crate) type Pairs = Vec<(String, String)>;

/// The settings of a run as Python hands them over.
#[derive(Debug, Default, FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Given {
    set: Pairs,
    parameters: Pairs,
    connections: Pairs,
    path_map: Pairs,
    client_parameters: Pairs,
    config_files: Vec<PathBuf>,
    memory: Option<String>,
    threads: Option<usize>,
    morsel_bytes: Option<usize>,
}

impl Given {
    /// Over those that the package has by itself, `fletching.toml` included.
    pub(crate) fn over(&self, package: &Package) -> Outcome<Settings> {
        let mut settings = package.settings()?;
        self.apply(&mut settings)?;
        Ok(settings)
    }

    /// What a program names by a relative file name is where the program is, not where the package is.
    pub(crate) fn apply(&self, settings: &mut Settings) -> Outcome<()> {
        let bad =
            |what: &str, message: String| Raised::new("SettingError", format!("{what}: {message}"));
        settings.set.extend(self.set.iter().cloned());
        settings.parameters.extend(self.parameters.iter().cloned());
        for (name, value) in &self.connections {
            let value = from_folder(Path::new(""), value.clone());
            settings.connections.push((name.clone(), value));
        }
        for (windows, local) in &self.path_map {
            let rule = PathMap::parse_rule(&format!("{windows}={local}"));
            let rule = rule.map_err(|error| bad("path_map", error.to_string()))?;
            settings.path_rules.push(rule);
        }
        for (name, value) in &self.client_parameters {
            settings.set_client_parameter(name, value);
        }
        settings
            .config_files
            .extend(self.config_files.iter().cloned());
        if let Some(memory) = &self.memory {
            let bytes = parse_size(memory).map_err(|message| bad("memory", message))?;
            settings.memory_limit_bytes = Some(bytes);
        }
        if let Some(threads) = self.threads {
            settings.threads = threads.max(1);
        }
        if let Some(bytes) = self.morsel_bytes {
            settings.morsel_bytes = bytes.max(1);
        }
        Ok(())
    }
}

/// Secrets by their names.
pub(crate) fn secrets(given: &[(String, String)]) -> dtsx::Secrets {
    let mut secrets = dtsx::Secrets::default();
    for (name, value) in given {
        secrets.insert(name, value.as_str());
    }
    secrets
}
