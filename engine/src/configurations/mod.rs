//! Package configurations: values from outside that set properties of a package before it is checked.
//!
//! ```text
//!  XML file ─────────────┐
//!  environment variable ─┼─▶ ConfiguredValue (path, text) ──Overridable::set──▶ variables, managers, executables
//!  table of a database ──┤         └─ what does not fit: a note, raised as OnWarning when the package runs
//!  parent's variable ────┘
//! ```
//!
//! **Order** (spec `ssis-semantics.md` 12.1): the package's configurations as listed, the command line, the configurations
//! again, parents' variables. So the command line cannot override a configured value, but can say where to read it from.
//! A configuration that is missing, or names what is not there, is a warning; one that SSIS could apply and Fletching
//! cannot is a finding.

mod environment;
mod sql_table;
mod unchanged;
mod xml_file;

use std::path::Path;

use dtsx::{Configuration, ConfiguredValue, Package, SsisCode};
use fletching_components::{Finding, FindingKind, Variables};
use fletching_connections::database::Keywords;

use crate::{
    EventKind, RunError, Settings,
    scoped_variables::ScopedVariables,
    settings::{Overridable, PROPERTY_PATH, PropertyPath},
    state::Note,
    task::finding,
};

/// Why a configuration gave nothing.
#[derive(Debug)]
struct Fault {
    code: &'static str,
    message: String,
}

impl Fault {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

/// What came of applying configurations.
#[derive(Debug, Default)]
pub(crate) struct Applied {
    pub(crate) notes: Vec<Note>,
    pub(crate) findings: Vec<Finding>,
    /// Configurations that gave nothing.
    pub(crate) failed: Vec<String>,
    /// Paths that were to be set.
    paths: Vec<String>,
}

/// Kinds of configuration (spec `ssis-matrix.md` section 14).
const PARENT_VARIABLE: i32 = 0;
const XML_FILE: i32 = 1;
const ENVIRONMENT_VARIABLE: i32 = 2;
const REGISTRY: i32 = 3;
const INDIRECT_PARENT_VARIABLE: i32 = 4;
const INDIRECT_XML_FILE: i32 = 5;
const INDIRECT_REGISTRY: i32 = 6;
const SQL_TABLE: i32 = 7;
const INDIRECT_SQL_TABLE: i32 = 8;

/// The configurations of a package, those that it does not use left out.
pub(crate) fn of(package: &Package) -> Vec<Configuration> {
    match package.configurations_enabled() {
        true => package.configurations().to_vec(),
        false => Vec::new(),
    }
}

/// Kinds that cannot be read here.
pub(crate) fn unsupported(package: &Package) -> Vec<Finding> {
    let configurations = of(package);
    let known = configurations.iter().filter_map(|one| {
        let message = match one.configuration_type {
            REGISTRY | INDIRECT_REGISTRY => format!(
                "configuration `{}` is in the Windows registry (`{}`), which is not supported: make it an XML file or an \
                 environment variable",
                one.name, one.configuration_string
            ),
            PARENT_VARIABLE..=INDIRECT_SQL_TABLE => return None,
            other => format!("configuration `{}` is of the unknown type {other}", one.name),
        };
        Some(Finding {
            class: CLASS.to_owned(),
            ..finding(package.root(), FindingKind::Unsupported, None, message)
        })
    });
    known.collect()
}

/// A value could not be set.
const NOT_SET: &str = "DTS_W_PROCESSCONFIGURATIONFAILEDSET";

const CLASS: &str = "Configuration";

/// Applies the package's configurations but those from parents' variables, in their order.
pub(crate) fn apply(target: &mut Overridable<'_>, settings: &Settings) -> Applied {
    let mut applied = Applied::default();
    let all = target.configurations.to_vec();
    for configuration in &all {
        let values = match configuration.configuration_type {
            XML_FILE => xml_file::read(&configuration.configuration_string, settings),
            INDIRECT_XML_FILE => environment::value(&configuration.configuration_string)
                .and_then(|file| xml_file::read(&file, settings)),
            ENVIRONMENT_VARIABLE => environment::value(&configuration.configuration_string)
                .map(|value| vec![value_of(configuration, value)]),
            SQL_TABLE | INDIRECT_SQL_TABLE if settings.offline => continue,
            SQL_TABLE => sql_table::read(&configuration.configuration_string, target, settings),
            INDIRECT_SQL_TABLE => environment::value(&configuration.configuration_string)
                .and_then(|place| sql_table::read(&place, target, settings)),
            _ => continue,
        };
        applied.take(target, configuration, values);
    }
    applied
}

/// Applies a configuration file that the caller names.
///
/// # Errors
/// It cannot be read.
pub(crate) fn apply_file(
    target: &mut Overridable<'_>,
    file: &Path,
    settings: &Settings,
) -> Result<Applied, RunError> {
    let name = file.display().to_string();
    let values = xml_file::read(&name, settings).map_err(|fault| RunError::BadValue {
        what: "configuration file",
        name: name.clone(),
        message: fault.message,
    })?;
    let mut applied = Applied::default();
    for value in values {
        applied.set(target, &name, &value);
    }
    Ok(applied)
}

/// Applies those that read variables of the package that runs this one.
pub(crate) fn apply_of_parent(
    target: &mut Overridable<'_>,
    parent: Option<&ScopedVariables>,
) -> Applied {
    let mut applied = Applied::default();
    let all = target.configurations.to_vec();
    for configuration in &all {
        let name = match configuration.configuration_type {
            PARENT_VARIABLE => Ok(configuration.configuration_string.clone()),
            INDIRECT_PARENT_VARIABLE => environment::value(&configuration.configuration_string),
            _ => continue,
        };
        let values = name
            .and_then(|name| parents_value(&name, parent))
            .map(|value| vec![value_of(configuration, value)]);
        applied.take(target, configuration, values);
    }
    applied
}

fn parents_value(name: &str, parent: Option<&ScopedVariables>) -> Result<String, Fault> {
    let parent = parent.ok_or_else(|| {
        let message =
            format!("it reads variable `{name}` of a parent, and no package runs this one");
        Fault::new("DTS_W_NOPARENTVARIABLES", message)
    })?;
    let (namespace, bare) = crate::variables::split(name.trim());
    let value = parent.value(namespace, bare).ok_or_else(|| {
        let why = match parent.fault(namespace, bare) {
            Some(why) => format!("variable `{name}` of the parent {why}"),
            None => format!("the parent has no variable `{name}` in the scope of the task"),
        };
        Fault::new("DTS_W_PARENTVARIABLENOTFOUND", why)
    })?;
    Ok(value.to_string())
}

/// A connection string whose password was masked when it was written.
fn is_masked(value: &str) -> bool {
    let keywords = Keywords::parse(value);
    let password = keywords.get(&["password", "pwd"]).unwrap_or_default();
    !password.is_empty() && password.chars().all(|character| character == '*')
}

/// The one value of a configuration that names its property.
fn value_of(configuration: &Configuration, value: String) -> ConfiguredValue {
    ConfiguredValue {
        path: configuration.variable.clone(),
        value,
    }
}

impl Applied {
    pub(crate) fn extend(&mut self, other: Self) {
        self.notes.extend(other.notes);
        self.findings.extend(other.findings);
        self.failed.extend(other.failed);
        self.paths.extend(other.paths);
    }

    fn take(
        &mut self,
        target: &mut Overridable<'_>,
        configuration: &Configuration,
        values: Result<Vec<ConfiguredValue>, Fault>,
    ) {
        let name = &configuration.name;
        match values {
            Ok(values) => {
                let message = format!("configuration `{name}` was read");
                let symbol = match configuration.configuration_type {
                    XML_FILE | INDIRECT_XML_FILE => "DTS_I_CONFIGFROMFILE",
                    ENVIRONMENT_VARIABLE => "DTS_I_CONFIGFROMENVVAR",
                    SQL_TABLE | INDIRECT_SQL_TABLE => "DTS_I_CONFIGFROMSQLSERVER",
                    _ => "DTS_I_CONFIGFROMPARENTVARIABLE",
                };
                self.note(target, EventKind::Information, symbol, &message);
                let known = self.notes.len();
                for value in &values {
                    self.set(target, name, value);
                }
                if self.notes.len() > known {
                    self.failed.push(name.clone());
                }
            }
            Err(fault) => {
                let message = format!("configuration `{name}`: {}", fault.message);
                self.note(target, EventKind::Warning, fault.code, &message);
                self.failed.push(name.clone());
            }
        }
    }

    fn note(
        &mut self,
        target: &Overridable<'_>,
        kind: EventKind,
        symbol: &'static str,
        message: &str,
    ) {
        self.notes.push(Note {
            kind,
            code: SsisCode::from_symbol(symbol),
            message: format!("{}: {message}", target.root.path),
        });
    }

    /// Says which of the command line's settings a configuration has set again.
    pub(crate) fn tell_overridden(&mut self, target: &Overridable<'_>, set: &[(String, String)]) {
        for (path, _) in set {
            let wanted = PropertyPath::parse(path);
            let mut paths = self.paths.iter();
            if wanted.is_some() && paths.any(|path| PropertyPath::parse(path) == wanted) {
                let message = format!(
                    "`{path}` was set on the command line, and a configuration has set it again, as SSIS has it: change \
                     the configuration, or say where to read it from"
                );
                self.note(target, EventKind::Warning, "", &message);
            }
        }
    }

    /// Sets one property. Values are not shown: there may be secrets among them.
    fn set(&mut self, target: &mut Overridable<'_>, name: &str, configured: &ConfiguredValue) {
        let (path, value) = (&configured.path, &configured.value);
        self.paths.push(path.clone());
        let about = format!("configuration `{name}` of `{path}`");
        if let Some(PropertyPath::Variable {
            container,
            name,
            property: "Value",
        }) = PropertyPath::parse(path)
            && let Some(why) = target.variables.fixed(container, name)
        {
            let symbol = "DTS_W_CONFIGREADONLYVARIABLE";
            let message = format!("{about} has no effect: the variable {why}");
            return self.note(target, EventKind::Warning, symbol, &message);
        }
        let (is_unsupported, message) = match target.set(path, value) {
            Ok(()) if is_masked(value) => {
                let message = format!(
                    "{about} has stars where a password was: give it with another configuration"
                );
                return self.note(target, EventKind::Warning, NOT_SET, &message);
            }
            Ok(()) => return,
            Err(_) if unchanged::is_unchanged(target, path, value) => return,
            Err(RunError::UnknownOverride { what, name, .. }) => {
                let is_property = what.ends_with("property");
                let why = match is_property {
                    true => format!("{about}: setting the {what} `{name}` is not supported"),
                    false => format!("{about} has no effect: there is no {what} `{name}`"),
                };
                (is_property, why)
            }
            Err(RunError::BadValue { what, .. }) if what == PROPERTY_PATH => {
                (true, format!("{about}: setting this is not supported"))
            }
            Err(_) => {
                let message = format!("{about} has no effect: the property has no such value");
                return self.note(target, EventKind::Warning, NOT_SET, &message);
            }
        };
        match is_unsupported {
            true => self.findings.push(Finding {
                class: CLASS.to_owned(),
                ..finding(target.root, FindingKind::Unsupported, None, message)
            }),
            false => self.note(
                target,
                EventKind::Warning,
                "DTS_W_CANNOTFINDOBJECT",
                &message,
            ),
        }
    }
}
