//! Configured values that are in the package already, or have no effect on a run: files that were made of all properties
//! of an object are full of them.

use dtsx::Executable;

use crate::settings::{Overridable, PropertyPath};

/// Properties for the eyes of people.
const WITHOUT_EFFECT: [&str; 10] = [
    "Description",
    "IncludeInDebugDump",
    "CreationDate",
    "CreatorName",
    "CreatorComputerName",
    "VersionBuild",
    "VersionMajor",
    "VersionMinor",
    "VersionComments",
    "PackageType",
];

/// Whether setting the property at a path to a value would change nothing.
pub(super) fn is_unchanged(target: &Overridable<'_>, path: &str, value: &str) -> bool {
    let is_without_effect = |property: &str| {
        let mut known = WITHOUT_EFFECT.iter();
        known.any(|known| known.eq_ignore_ascii_case(property))
    };
    match PropertyPath::parse(path) {
        Some(PropertyPath::Variable {
            container,
            name,
            property,
        }) => {
            is_without_effect(property)
                || of_variable(target.root, container, name, property)
                    .is_some_and(|stored| is_same(&stored, value))
        }
        Some(PropertyPath::Executable { path, property }) => {
            is_without_effect(property)
                || executable(target.root, path)
                    .and_then(|found| found.properties.get(property))
                    .is_some_and(|stored| is_same(stored, value))
        }
        _ => false,
    }
}

/// Booleans are written in several ways.
fn is_same(stored: &str, value: &str) -> bool {
    let flags = (dtsx::parse_bool(stored), dtsx::parse_bool(value));
    stored == value || matches!(flags, (Some(stored), Some(value)) if stored == value)
}

fn of_variable(root: &Executable, container: &str, name: &str, property: &str) -> Option<String> {
    let (namespace, bare) = crate::variables::split(name);
    let mut variables = executable(root, container)?.variables.iter();
    let found = variables.find(|variable| {
        variable.name == bare && namespace.is_none_or(|namespace| variable.namespace == namespace)
    })?;
    let flag = |flag: bool| flag.to_string();
    Some(match property {
        "Name" => found.name.clone(),
        "Namespace" => found.namespace.clone(),
        "ReadOnly" => flag(found.read_only),
        "RaiseChangedEvent" => flag(found.raise_changed_event),
        "EvaluateAsExpression" => flag(found.evaluate_as_expression),
        "Expression" => found.expression.clone().unwrap_or_default(),
        _ => return None,
    })
}

fn executable<'a>(root: &'a Executable, path: &str) -> Option<&'a Executable> {
    if root.path.eq_ignore_ascii_case(path) {
        return Some(root);
    }
    let handlers = root.event_handlers.iter();
    root.executables
        .iter()
        .chain(handlers.map(|handler| handler.container.as_ref()))
        .find_map(|child| executable(child, path))
}
