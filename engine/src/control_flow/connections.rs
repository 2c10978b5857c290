//! The connection managers of a run: the package's own hide the project's, property expressions are evaluated, and what
//! the caller re-points (`--connection`) wins over both.

use dtsx::{ConnectionManager, SsisCode};
use fletching_components::{Finding, FindingKind, Findings, Variables, flow::blocking};
use fletching_connections::Connections;
use fletching_custom::{ConnectionManagerClass, ConnectionManagerSpec, guarded};

use crate::{RunError, Settings};

/// Evaluates the property expressions of the managers as they stand now, and applies the caller's overrides.
pub(crate) fn connections(
    managers: &[ConnectionManager],
    settings: &Settings,
    package: &str,
    variables: &dyn Variables,
    locale_id: u32,
) -> Result<Connections, RunError> {
    let mut findings = Findings::default();
    let mut managers = managers.to_vec();
    for manager in &mut managers {
        let expressions = std::mem::take(&mut manager.property_expressions);
        let repointed = settings
            .connections
            .iter()
            .any(|(name, _)| is_named(manager, name));
        for expression in &expressions {
            if repointed && expression.property.eq_ignore_ascii_case("ConnectionString") {
                continue;
            }
            let property = &expression.property;
            let is_own = settings
                .extensions
                .connection_manager(&manager.creation_name)
                .is_some();
            let known = match is_own {
                // Which properties it has only its class knows.
                true => Ok(()),
                false => check_property(manager, property),
            };
            let value = known
                .map_err(|known| {
                    let known = known.join(", ");
                    format!("a connection manager has no such property; there are: {known}")
                })
                .and_then(|()| {
                    super::evaluate(&expression.expression, variables, locale_id)
                        .map_err(|error| error.to_string())
                });
            match value {
                Ok(value) => manager.properties.set(property, value.to_string()),
                Err(error) => findings.push(Finding {
                    path: format!("{package}.Connections[{}]", manager.name),
                    class: manager.creation_name.clone(),
                    kind: FindingKind::Invalid,
                    code: Some(SsisCode::VALIDATION_FAILED),
                    message: format!("property expression on `{property}`: {error}"),
                }),
            }
        }
        // Whoever opens it may need to know that a value is not the saved one.
        manager.property_expressions = expressions;
    }
    if !findings.is_empty() {
        return Err(RunError::Findings(findings));
    }
    let mut connections = Connections::new(managers).with_path_map(settings.path_map());
    connections.providers.clone_from(&settings.providers);
    resolve_own(&mut connections, settings);
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

/// Asks the caller's own classes what their managers stand for, those left out that the caller re-points.
fn resolve_own(connections: &mut Connections, settings: &Settings) {
    let managers: Vec<ConnectionManager> = connections.iter().cloned().collect();
    for manager in &managers {
        let class = settings
            .extensions
            .connection_manager(&manager.creation_name);
        let mut repointed = settings.connections.iter();
        if let Some(class) = class
            && !repointed.any(|(name, _)| is_named(manager, name))
        {
            let address = address(class.as_ref(), manager, connections);
            connections.resolve(&manager.ref_id, address);
        }
    }
}

fn address(
    class: &dyn ConnectionManagerClass,
    manager: &ConnectionManager,
    connections: &Connections,
) -> Result<String, String> {
    let properties = manager.properties.iter();
    let text = connections.text(&manager.ref_id);
    let spec = ConnectionManagerSpec {
        name: manager.name.clone(),
        connection_string: text.map_err(|error| error.to_string())?,
        properties: properties
            .map(|property| (property.name.clone(), property.value.clone()))
            .collect(),
        folder: connections.base_dir().display().to_string(),
    };
    let found = blocking(|| guarded(|| class.address(&spec)));
    found.map_err(|error| format!("`{}`: {}", class.names().id(), error.message))
}

/// Properties that a manager may have without saying so in the file: those of all kinds, and of flat files (spec
/// `dtsx-format.md` section 5).
const PROPERTIES: [&str; 45] = [
    "ConnectionString",
    "Name",
    "Description",
    "DelayValidation",
    "ProtectionLevel",
    "RetainSameConnection",
    "ServerName",
    "InitialCatalog",
    "UserName",
    "Password",
    "FileUsageType",
    "Format",
    "LocaleID",
    "Unicode",
    "CodePage",
    "HeaderRowsToSkip",
    "HeaderRowDelimiter",
    "ColumnNamesInFirstDataRow",
    "DataRowsToSkip",
    "RowDelimiter",
    "TextQualifier",
    "ConnectByProxy",
    "HostName",
    "ExcelFilePath",
    "SmtpServer",
    "ServerPort",
    "ServerUserName",
    "ServerPassword",
    "Timeout",
    "Retries",
    "ChunkSize",
    "UsePassiveMode",
    "UseWindowsAuthentication",
    "EnableSsl",
    "ServerURL",
    "UseServerCredentials",
    "ServerDomain",
    "UseProxy",
    "ProxyURL",
    "BypassProxyOnLocal",
    "ProxyBypassList",
    "UseProxyCredentials",
    "ProxyUserName",
    "ProxyPassword",
    "ProxyDomain",
];

/// Whether a connection manager has a property of this name.
///
/// # Errors
/// Names that it could have.
pub(crate) fn check_property(
    manager: &ConnectionManager,
    property: &str,
) -> Result<(), Vec<String>> {
    if PROPERTIES.contains(&property) || manager.properties.get(property).is_some() {
        return Ok(());
    }
    let mut known = PROPERTIES.map(str::to_owned).to_vec();
    known.sort_unstable();
    Err(known)
}

/// Whether a name, an id or a refId means a manager.
pub(crate) fn is_named(manager: &ConnectionManager, name: &str) -> bool {
    manager.name.eq_ignore_ascii_case(name)
        || (!name.is_empty() && manager.dtsid.eq_ignore_ascii_case(name))
        || manager.ref_id == name
}
