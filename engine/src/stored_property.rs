//! Where a package document keeps what a property path names, so that a program can read it there and change it.

use dtsx::{Configuration, Executable, Package, Payload, PropertyOf};
use fletching_components::Findings;

use crate::{
    RunError, VariableStore, control_flow,
    prepare::system_variables,
    settings::{Overridable, PROPERTY_PATH, PropertyPath},
};

/// A place in the document of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredProperty {
    /// The value of a variable.
    Variable {
        /// Path of the executable whose scope it is.
        container: String,
        namespace: String,
        name: String,
    },
    /// An attribute of a connection manager.
    Connection { manager: String, attribute: String },
    /// An attribute of an executable or of its settings.
    Executable {
        path: String,
        place: PropertyOf,
        attribute: String,
    },
    /// A property of a component of a data flow.
    Component {
        task: String,
        component: String,
        property: String,
    },
}

impl StoredProperty {
    /// Of a property path (`\Package.Variables[User::X].Value`, `\Package\Task.Properties[Disable]`, ...).
    ///
    /// # Errors
    /// [`RunError::BadValue`] for a path that is none, or is of a kind that no document keeps in one place;
    /// [`RunError::UnknownOverride`] for an object or property that is not there.
    pub fn find(package: &Package, path: &str) -> Result<Self, RunError> {
        let bad = |message: &str| RunError::BadValue {
            what: PROPERTY_PATH,
            name: path.to_owned(),
            message: message.to_owned(),
        };
        match PropertyPath::parse(path) {
            Some(PropertyPath::Variable {
                container, name, ..
            }) => of_variable(package, container, name),
            Some(PropertyPath::Connection { name, property }) => Ok(Self::Connection {
                manager: name.to_owned(),
                attribute: property.to_owned(),
            }),
            Some(PropertyPath::Executable { path, property }) => {
                let Some(executable) = package.executable(path) else {
                    let known = package.executables().map(|one| one.path.clone());
                    return Err(unknown("container or task", path, package, known.collect()));
                };
                of_executable(package, executable, property)
            }
            Some(_) => Err(bad("cannot be changed in the document: give it to the run")),
            None => Err(bad("is not a property path")),
        }
    }

    /// The text that the document has there; empty where it has none, which stands for the default.
    pub fn read(&self, package: &Package) -> String {
        let found = match self {
            Self::Variable {
                container,
                namespace,
                name,
            } => package.executable(container).and_then(|executable| {
                let mut variables = executable.variables.iter();
                let is = |one: &&dtsx::Variable| one.namespace == *namespace && one.name == *name;
                variables.find(is).map(|variable| variable.value.clone())
            }),
            Self::Connection { manager, attribute } => {
                let manager = package.connection_manager(manager);
                let value = manager.and_then(|manager| manager.properties.get(attribute));
                value.map(str::to_owned)
            }
            Self::Executable {
                path,
                place,
                attribute,
            } => package
                .executable(path)
                .and_then(|executable| of_place(executable, *place, attribute)),
            Self::Component {
                task,
                component,
                property,
            } => package.data_flow(task).ok().and_then(|flow| {
                let mut components = flow.components.iter();
                let component = components.find(|one| one.name == *component)?;
                component.properties.get(property).map(str::to_owned)
            }),
        };
        found.unwrap_or_default()
    }
}

/// Whether a value fits the property at a path.
///
/// # Errors
/// As an override of a run would fail.
pub fn check_property_value(package: &Package, path: &str, value: &str) -> Result<(), RunError> {
    let mut variables = VariableStore::new(
        package,
        &[],
        &system_variables(package),
        &mut Findings::default(),
    );
    let mut managers = package.connection_managers().to_vec();
    let mut root = package.root().clone();
    let mut logs = package.log_providers().to_vec();
    let mut target = Overridable {
        package: package.name(),
        variables: &mut variables,
        managers: &mut managers,
        root: &mut root,
        logs: &mut logs,
        configurations: &mut Vec::<Configuration>::new(),
    };
    target.set(path, value)
}

fn unknown(what: &'static str, name: &str, package: &Package, known: Vec<String>) -> RunError {
    RunError::UnknownOverride {
        what,
        name: name.to_owned(),
        package: package.name().to_owned(),
        known,
    }
}

fn of_variable(package: &Package, container: &str, name: &str) -> Result<StoredProperty, RunError> {
    let (namespace, name) = name.split_once("::").unwrap_or(("User", name));
    let found = package.executable(container).filter(|executable| {
        let mut variables = executable.variables.iter();
        variables.any(|one| one.namespace.eq_ignore_ascii_case(namespace) && one.name == name)
    });
    match found {
        Some(executable) => Ok(StoredProperty::Variable {
            container: executable.path.clone(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }),
        None => {
            let variables = package.executables().flat_map(|one| &one.variables);
            let known = variables.map(|one| format!("{}::{}", one.namespace, one.name));
            Err(unknown("variable", name, package, known.collect()))
        }
    }
}

fn of_executable(
    package: &Package,
    executable: &Executable,
    property: &str,
) -> Result<StoredProperty, RunError> {
    let path = executable.path.clone();
    if let Some((component, property)) = control_flow::of_component(property) {
        return Ok(StoredProperty::Component {
            task: path,
            component: component.to_owned(),
            property: property.to_owned(),
        });
    }
    match control_flow::kept(executable, property) {
        Some((place, attribute)) => Ok(StoredProperty::Executable {
            path,
            place,
            attribute,
        }),
        None => {
            let known = control_flow::property_names(executable);
            Err(unknown("property", property, package, known))
        }
    }
}

fn of_place(executable: &Executable, place: PropertyOf, attribute: &str) -> Option<String> {
    let settings = match (place, &executable.payload) {
        (PropertyOf::Object, _) => &executable.properties,
        (PropertyOf::Payload, Payload::ExecuteSql(task)) => &task.properties,
        (PropertyOf::Payload, Payload::BulkInsert(task)) => &task.properties,
        (PropertyOf::Payload, Payload::Script(script)) => &script.properties,
        (PropertyOf::Payload, Payload::DataFlow(flow)) => &flow.properties,
        (PropertyOf::Payload, Payload::Other(task)) => &task.properties,
        (PropertyOf::Payload, Payload::Expression(text)) => return Some(text.clone()),
        (PropertyOf::Payload, Payload::None) => return None,
    };
    settings.get(attribute).map(str::to_owned)
}
