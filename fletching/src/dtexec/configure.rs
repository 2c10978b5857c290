//! What the options change of a run.

use std::path::PathBuf;

use dtsx::ConfiguredValue;
use fletching_connections::{PathError, PathMap};
use fletching_engine::{CheckpointOverrides, Restart, Settings};

use super::command_line::{Change, CommandLine};
use crate::{LoadError, Package, config::from_folder, read_file};

/// Why options could not be followed.
#[derive(Debug, thiserror::Error)]
pub enum ConfigureError {
    /// A Windows path that leads nowhere.
    #[error(transparent)]
    Path(#[from] PathError),
    /// A configuration file that is not there.
    #[error(transparent)]
    Load(#[from] LoadError),
}

/// The local path of one that may be of Windows.
pub fn local_path(file: &str, paths: &PathMap) -> Result<PathBuf, PathError> {
    let is_windows = file.contains('\\') || file.get(1..2) == Some(":");
    match is_windows {
        false => Ok(PathBuf::from(file)),
        true => paths.resolve(file),
    }
}

impl CommandLine {
    /// Puts into the settings what the options change. `paths` says where Windows paths lead.
    ///
    /// # Errors
    /// A file that is not found.
    pub fn configure(
        &self,
        settings: &mut Settings,
        package: &Package,
        paths: &PathMap,
    ) -> Result<(), ConfigureError> {
        configure(self, settings, package, paths)
    }
}

fn configure(
    line: &CommandLine,
    settings: &mut Settings,
    package: &Package,
    paths: &PathMap,
) -> Result<(), ConfigureError> {
    for (at, change) in line.changes.iter().enumerate() {
        match change {
            Change::Set { path, value } => {
                let later = line.changes.get(at..).unwrap_or_default();
                if !is_configured(path, later, paths)? {
                    settings.set.push((path.clone(), value.clone()));
                }
            }
            Change::ConfigFile(file) => {
                let file = local_path(file, paths)?;
                let file = std::path::absolute(&file).unwrap_or(file);
                settings.config_files.push(file);
            }
        }
    }
    settings.parameters.extend(line.parameters.iter().cloned());
    let here = std::env::current_dir().unwrap_or_default();
    let connections = line.connections.iter();
    settings
        .connections
        .extend(connections.map(|(name, value)| (name.clone(), from_folder(&here, value.clone()))));
    let mut property = |name: &str, value: String| {
        let path = format!("\\Package.Properties[{name}]");
        settings.set.push((path, value));
    };
    if let Some(most) = line.max_concurrent {
        property("MaxConcurrentExecutables", most.to_string());
    }
    if line.check_file.as_deref() == Some("") {
        property("CheckpointFileName", String::new());
    }
    settings.checkpoint = checkpoint(line, paths)?;
    add_logs(line, settings, package, paths)
}

/// What the options say of checkpoints.
fn checkpoint(line: &CommandLine, paths: &PathMap) -> Result<CheckpointOverrides, ConfigureError> {
    let file = line.check_file.as_deref().filter(|file| !file.is_empty());
    Ok(CheckpointOverrides {
        on: line.check_pointing,
        file: file.map(|file| local_path(file, paths)).transpose()?,
        restart: line.restart.map(|usage| match usage {
            0 => Restart::Deny,
            1 => Restart::IfPossible,
            _ => Restart::Force,
        }),
    })
}

/// Whether a later configuration file gives the property its value: files are applied before what /Set sets.
fn is_configured(path: &str, later: &[Change], paths: &PathMap) -> Result<bool, ConfigureError> {
    for change in later {
        let Change::ConfigFile(file) = change else {
            continue;
        };
        // A file that is not there, or is none, is told when it is applied.
        let bytes = read_file(&local_path(file, paths)?).unwrap_or_default();
        let values = ConfiguredValue::read_file(&bytes).unwrap_or_default();
        if values.iter().any(|value| plain(&value.path) == plain(path)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A property path in one spelling.
fn plain(path: &str) -> String {
    let path = path.trim().trim_start_matches('\\').to_lowercase();
    let value = [".properties[value]", ".value"]
        .iter()
        .find_map(|end| path.strip_suffix(end));
    match (value, path.strip_suffix(".connectionstring")) {
        (Some(variable), _) => variable.to_owned(),
        (None, Some(manager)) => format!("{manager}.properties[connectionstring]"),
        (None, None) => path,
    }
}

/// The logs that the options add. A file is found from where the user is, as the package is.
fn add_logs(
    line: &CommandLine,
    settings: &mut Settings,
    package: &Package,
    paths: &PathMap,
) -> Result<(), ConfigureError> {
    let found = |file: &str| -> Result<String, ConfigureError> {
        let file = local_path(file, paths)?;
        let file = std::path::absolute(&file).unwrap_or(file);
        Ok(file.display().to_string())
    };
    let offline = Settings {
        offline: true,
        ..settings.clone()
    };
    let managers = package.connections(&offline, false).unwrap_or_default();
    for (class, configuration) in &line.loggers {
        let mut managers = managers.iter();
        let is_manager = managers.any(|one| one.name.eq_ignore_ascii_case(configuration));
        let is_file = !is_manager && configuration.contains(['/', '\\', '.']);
        let configuration = match is_file {
            true => found(configuration)?,
            false => configuration.clone(),
        };
        settings
            .logging
            .providers
            .push((class.clone(), configuration));
    }
    if let Some(file) = &line.verbose_log {
        settings.logging.everything = true;
        if let Some(file) = file {
            let text_file = "Microsoft.LogProviderTextFile".to_owned();
            settings.logging.providers.push((text_file, found(file)?));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_properties_in_one_spelling() {
        let variable = plain(r"\Package.Variables[User::X].Properties[Value]");
        assert_eq!(plain(r"Package.Variables[User::x].Value"), variable);
        assert_eq!(plain(r"\Package.Variables[User::X]"), variable);
        assert_eq!(
            plain(r"\Package.Connections[A].ConnectionString"),
            plain(r"\Package.Connections[A].Properties[ConnectionString]")
        );
    }
}
