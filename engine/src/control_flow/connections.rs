//! The connection managers of a run: the package's own hide the project's, property expressions are evaluated, and what
//! the caller re-points (`--connection`) wins over both.

use dtsx::{ConnectionManager, SsisCode};
use fletching_components::{Finding, FindingKind, Findings, Variables};
use fletching_connections::{Connections, PathMap};

use crate::{RunError, Settings};

/// Evaluates the property expressions of the managers as they stand now, and applies the caller's overrides.
pub fn connections(
    managers: &[ConnectionManager],
    settings: &Settings,
    package: &str,
    variables: &dyn Variables,
) -> Result<Connections, RunError> {
    let mut findings = Findings::default();
    let mut managers = managers.to_vec();
    for manager in &mut managers {
        let repointed = settings
            .connections
            .iter()
            .any(|(name, _)| names(manager, name));
        for expression in &manager.property_expressions {
            if repointed && expression.property.eq_ignore_ascii_case("ConnectionString") {
                continue;
            }
            match super::evaluate(&expression.expression, variables) {
                Ok(value) => manager
                    .properties
                    .set(&expression.property, value.to_string()),
                Err(error) => findings.push(Finding {
                    path: format!("{package}.Connections[{}]", manager.name),
                    class: manager.creation_name.clone(),
                    kind: FindingKind::Invalid,
                    code: Some(SsisCode::VALIDATION_FAILED),
                    message: format!("property expression on `{}`: {error}", expression.property),
                }),
            }
        }
    }
    if !findings.is_empty() {
        return Err(RunError::Findings(findings));
    }
    let path_map = settings
        .path_rules
        .iter()
        .cloned()
        .fold(PathMap::new(&settings.base_dir), PathMap::with_rule);
    let mut connections = Connections::new(managers).with_path_map(path_map);
    for (name, string) in &settings.connections {
        connections
            .override_connection(name, string)
            .map_err(|error| RunError::UnknownOverride {
                what: "connection manager",
                name: name.clone(),
                package: package.to_owned(),
                known: error.known,
            })?;
    }
    Ok(connections)
}

fn names(manager: &ConnectionManager, name: &str) -> bool {
    manager.name.eq_ignore_ascii_case(name)
        || manager.dtsid.eq_ignore_ascii_case(name)
        || manager.ref_id == name
}
