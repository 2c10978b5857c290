//! What a caller can set for a run, beside the package.

use std::{path::PathBuf, sync::Arc};

use dtsx::{Configuration, ConnectionManager, Executable, LogProvider};
use fletching_components::Drift;
use fletching_connections::{PathMap, PathRule};
use fletching_custom::Extensions;

use crate::{
    PackageLibrary, RunError, VariableStore,
    control_flow::{PropertyError, check_property, is_named, set},
};

/// Logs beside those that the package has.
#[derive(Debug, Clone, Default)]
pub struct LoggingOverrides {
    /// Classes of log providers (any of their ids), and what configures each: the name of a connection manager, or a file.
    pub providers: Vec<(String, String)>,
    /// Every event goes to every log, whatever the package's filters say.
    pub everything: bool,
}

/// Overrides and limits of one run. The default is: no overrides, all cores, no memory limit.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Property paths and values, in the order given (`\Package.Variables[User::X].Value` = `5`).
    pub set: Vec<(String, String)>,
    /// Parameter names (`P`, `$Package::P`, `$Project::P`) and values.
    pub parameters: Vec<(String, String)>,
    /// Connection manager names (or ids) and connection strings.
    pub connections: Vec<(String, String)>,
    /// OLE DB providers and what they lead to: an address with `{Keyword}` for the values of the connection string.
    pub providers: Vec<(String, String)>,
    /// XML configuration files, in order, that apply beside those of the package (dtexec's /ConfigFile).
    pub config_files: Vec<PathBuf>,
    /// Where the package finds those that it runs; `None`: nowhere.
    pub library: Option<Arc<dyn PackageLibrary>>,
    /// File of the package, by which packages that run each other in a circle are known.
    pub place: PathBuf,
    /// Opens no database before the run: configurations in tables are left out.
    pub offline: bool,
    /// Logs that the package does not have, and events that it leaves out.
    pub logging: LoggingOverrides,
    /// What a source does with columns that have changed.
    pub drift: Drift,
    /// Classes of objects beside those of the engine.
    pub extensions: Extensions,
    /// Windows paths to local ones.
    pub path_rules: Vec<PathRule>,
    /// Relative paths start here: the package's folder.
    pub base_dir: PathBuf,
    /// Bytes that queues, sorts and aggregates may hold together; beyond it they spill.
    pub memory_limit_bytes: Option<usize>,
    /// Threads, hence partitions of a source.
    pub threads: usize,
    /// Rows in the batches of blocking operators.
    pub batch_size: usize,
    /// Bytes of a flat file that travel as one batch: whole rows, at least one.
    pub morsel_bytes: usize,
    /// What the caller says of checkpoints, where the package says otherwise.
    pub checkpoint: CheckpointOverrides,
    /// DataReader destinations wait for their readers as long as it takes, whatever their ReadTimeout says.
    pub patient_readers: bool,
    /// Where spill files go; the system's temporary folder if `None`.
    pub temp_dir: Option<PathBuf>,
}

/// What dtexec's /CheckPointing, /CheckFile and /Restart say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckpointOverrides {
    /// On: checkpoints are saved, and the run restarts from one. Off: neither.
    pub on: Option<bool>,
    /// A path of this machine, in place of CheckpointFileName.
    pub file: Option<PathBuf>,
    /// In place of CheckpointUsage; wins over `on`.
    pub restart: Option<Restart>,
}

/// Whether a run begins where an earlier one stopped: CheckpointUsage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Restart {
    /// Never.
    #[default]
    Deny,
    /// If there is a checkpoint file.
    IfPossible,
    /// Always: without a file it fails.
    Force,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            set: Vec::new(),
            parameters: Vec::new(),
            connections: Vec::new(),
            providers: Vec::new(),
            config_files: Vec::new(),
            library: None,
            place: PathBuf::new(),
            offline: false,
            logging: LoggingOverrides::default(),
            drift: Drift::default(),
            extensions: Extensions::default(),
            path_rules: Vec::new(),
            base_dir: PathBuf::from("."),
            memory_limit_bytes: None,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            batch_size: 8192,
            morsel_bytes: 1 << 20,
            checkpoint: CheckpointOverrides::default(),
            patient_readers: false,
            temp_dir: None,
        }
    }
}

impl Settings {
    /// Sets the variable `DtsClient::name`, by which a reader of a DataReader destination hands a value in
    /// (spec `ssis-semantics.md` 13.3).
    pub fn set_client_parameter(&mut self, name: &str, value: &str) {
        let name = name
            .trim_start_matches('@')
            .trim_start_matches("DtsClient::");
        let path = format!("\\Package.Variables[DtsClient::{name}].Value");
        self.set.push((path, value.to_owned()));
    }

    /// Where the Windows paths of the package are.
    pub(crate) fn path_map(&self) -> PathMap {
        let rules = self.path_rules.iter().cloned();
        rules.fold(PathMap::new(&self.base_dir), PathMap::with_rule)
    }
}

/// What overrides and configurations reach of a package.
pub(crate) struct Overridable<'a> {
    pub(crate) package: &'a str,
    pub(crate) variables: &'a mut VariableStore,
    pub(crate) managers: &'a mut [ConnectionManager],
    pub(crate) root: &'a mut Executable,
    pub(crate) logs: &'a mut [LogProvider],
    pub(crate) configurations: &'a mut [Configuration],
}

/// Applies `set` and `parameters` to the typed view. Connections are applied where they are resolved.
pub(crate) fn apply(settings: &Settings, target: &mut Overridable<'_>) -> Result<(), RunError> {
    for (name, value) in &settings.parameters {
        target
            .variables
            .set_parameter(name, value, target.package)?;
    }
    for (path, value) in &settings.set {
        target.set(path, value)?;
    }
    Ok(())
}

impl Overridable<'_> {
    /// Sets the property at a path.
    ///
    /// # Errors
    /// [`RunError::UnknownOverride`] for what is not there, [`RunError::BadValue`] for a value or a path that is none.
    pub(crate) fn set(&mut self, path: &str, value: &str) -> Result<(), RunError> {
        let package = self.package;
        match PropertyPath::parse(path) {
            Some(PropertyPath::Variable {
                container,
                name,
                property: "Value",
            }) => self.variables.set_variable(container, name, value, package),
            Some(PropertyPath::Variable { property, .. }) => {
                let known = vec!["Value".to_owned()];
                Err(unknown("variable property", property, package, known))
            }
            Some(PropertyPath::Connection { name, property }) => {
                self.set_connection(name, property, value)
            }
            Some(PropertyPath::Configuration { name }) => {
                let known = self.configurations.iter().map(|one| one.name.clone());
                let known = known.collect();
                let mut all = self.configurations.iter_mut();
                match all.find(|one| one.name.eq_ignore_ascii_case(name)) {
                    Some(found) => value.clone_into(&mut found.configuration_string),
                    None => return Err(unknown("configuration", name, package, known)),
                }
                Ok(())
            }
            Some(PropertyPath::LogProvider { name, property }) => {
                set_log_provider(self.logs, name, property, value, package)
            }
            Some(PropertyPath::Executable { path, property }) => {
                set_executable(self.root, path, property, value, package)
            }
            None => Err(RunError::BadValue {
                what: PROPERTY_PATH,
                name: path.to_owned(),
                message: "is not a property path; write \\Package.Variables[User::X].Value, \
                          \\Package.Connections[Name].Properties[ConnectionString] or \
                          \\Package\\Task.Properties[Disable] or \
                          \\Package\\Task.Properties[[Component].[Property]]"
                    .to_owned(),
            }),
        }
    }

    fn set_connection(&mut self, name: &str, property: &str, value: &str) -> Result<(), RunError> {
        let package = self.package;
        let known = self.managers.iter().map(|manager| manager.name.clone());
        let known: Vec<String> = known.collect();
        let mut managers = self.managers.iter_mut();
        let Some(manager) = managers.find(|manager| is_named(manager, name)) else {
            return Err(unknown("connection manager", name, package, known));
        };
        check_property(manager, property)
            .map_err(|known| unknown(MANAGER_PROPERTY, property, package, known))?;
        manager.properties.set(property, value);
        manager
            .sealed
            .retain(|sealed| !sealed.eq_ignore_ascii_case(property));
        Ok(())
    }
}

/// What an error calls a text that is no property path.
pub(crate) const PROPERTY_PATH: &str = "property path";
const MANAGER_PROPERTY: &str = "connection manager property";

fn unknown(what: &'static str, name: &str, package: &str, known: Vec<String>) -> RunError {
    RunError::UnknownOverride {
        what,
        name: name.to_owned(),
        package: package.to_owned(),
        known,
    }
}

fn set_log_provider(
    logs: &mut [LogProvider],
    name: &str,
    property: &str,
    value: &str,
    package: &str,
) -> Result<(), RunError> {
    let known: Vec<String> = logs.iter().map(|log| log.name.clone()).collect();
    let Some(log) = logs
        .iter_mut()
        .find(|log| log.name.eq_ignore_ascii_case(name) || log.dtsid.eq_ignore_ascii_case(name))
    else {
        return Err(unknown("log provider", name, package, known));
    };
    if !property.eq_ignore_ascii_case("ConfigString") {
        let known = vec!["ConfigString".to_owned()];
        return Err(unknown("log provider property", property, package, known));
    }
    value.clone_into(&mut log.connection);
    Ok(())
}

fn set_executable(
    root: &mut Executable,
    path: &str,
    property: &str,
    value: &str,
    package: &str,
) -> Result<(), RunError> {
    let mut known = Vec::new();
    paths(root, &mut known);
    let Some(executable) = find(root, path) else {
        return Err(unknown("container or task", path, package, known));
    };
    set(executable, property, value).map_err(|error| match error {
        PropertyError::Unknown { known } => unknown("property", property, package, known),
        PropertyError::Value { .. } => RunError::BadValue {
            what: "property",
            name: format!("{path}.Properties[{property}]"),
            message: error.to_string(),
        },
    })?;
    // An expression on it would bring the old value back: it wins, as in SSIS (spec `ssis-semantics.md` 12.3).
    Ok(())
}

fn paths(executable: &Executable, known: &mut Vec<String>) {
    known.push(executable.path.clone());
    let handlers = executable.event_handlers.iter();
    executable
        .executables
        .iter()
        .chain(handlers.map(|handler| handler.container.as_ref()))
        .for_each(|child| paths(child, known));
}

/// The executable at a path, without regard to case.
fn find<'a>(executable: &'a mut Executable, path: &str) -> Option<&'a mut Executable> {
    if executable.path.eq_ignore_ascii_case(path) {
        return Some(executable);
    }
    let handlers = executable.event_handlers.iter_mut();
    executable
        .executables
        .iter_mut()
        .chain(handlers.map(|handler| handler.container.as_mut()))
        .find_map(|child| find(child, path))
}

/// What SSIS's property paths can lead to beside.
const OTHERS: [&str; 3] = [
    ".LogProviders[",
    ".ForEachEnumerator",
    ".PrecedenceConstraints[",
];

/// The property paths of dtexec's /Set (spec `ssis-matrix.md` section 14) that can be set here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PropertyPath<'a> {
    Variable {
        container: &'a str,
        name: &'a str,
        property: &'a str,
    },
    Connection {
        name: &'a str,
        property: &'a str,
    },
    LogProvider {
        name: &'a str,
        property: &'a str,
    },
    /// Where a configuration is read from.
    Configuration {
        name: &'a str,
    },
    Executable {
        path: &'a str,
        property: &'a str,
    },
}

impl<'a> PropertyPath<'a> {
    pub(crate) fn parse(path: &'a str) -> Option<Self> {
        let path = path.trim().trim_start_matches('\\');
        if let Some((container, rest)) = path.split_once(".Variables[") {
            let (name, rest) = rest.split_once(']')?;
            let property = match rest {
                "" | ".Value" => "Value",
                _ => rest.strip_prefix(".Properties[")?.strip_suffix(']')?,
            };
            return Some(Self::Variable {
                container,
                name,
                property,
            });
        }
        if let Some((container, rest)) = path.split_once(".Connections[") {
            // Connection managers belong to the package.
            if container.contains('\\') {
                return None;
            }
            let (name, rest) = rest.split_once(']')?;
            let property = match rest {
                ".ConnectionString" => "ConnectionString",
                _ => rest.strip_prefix(".Properties[")?.strip_suffix(']')?,
            };
            return Some(Self::Connection { name, property });
        }
        if let Some((_, rest)) = path.split_once(".Configurations[") {
            let (name, rest) = rest.split_once(']')?;
            let is_place = matches!(
                rest,
                ".ConfigurationString" | ".Properties[ConfigurationString]"
            );
            return is_place.then_some(Self::Configuration { name });
        }
        if let Some((container, rest)) = path.split_once(".LogProviders[")
            && !container.contains('\\')
        {
            let (name, rest) = rest.split_once("].Properties[")?;
            let property = rest.strip_suffix(']')?;
            return Some(Self::LogProvider { name, property });
        }
        let (path, rest) = path.split_once(".Properties[")?;
        if OTHERS.iter().any(|other| path.contains(other)) {
            return None;
        }
        let property = rest.strip_suffix(']')?;
        Some(Self::Executable { path, property })
    }
}
