//! The settings of an Execute Package task, and what they name.

use dtsx::{ConnectionManager, Executable, Payload, Properties, PropertyExpression, SsisCode};
use fletching_components::{Finding, FindingKind};

use crate::{PackageReference, RunError, task::TaskHost};

#[derive(Debug, Clone)]
pub(super) struct ExecutePackage {
    by_project: bool,
    name: String,
    connection: String,
    /// Not shown: see [`Password`].
    password: Password,
    pub(super) out_of_process: bool,
    pub(super) assignments: Vec<Assignment>,
}

/// Shows nothing of itself.
#[derive(Clone)]
struct Password(Option<String>);

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "***" } else { "none" })
    }
}

/// A parameter of the package that it runs, and the variable or parameter that gives its value.
#[derive(Debug, Clone)]
pub(super) struct Assignment {
    pub(super) parameter: String,
    pub(super) value: String,
}

impl ExecutePackage {
    pub(super) fn of(executable: &Executable) -> Option<Self> {
        let Payload::Other(data) = &executable.payload else {
            return None;
        };
        if data.element != "ExecutePackageTask" {
            return None;
        }
        let text = |properties: &Properties, name: &str| {
            let text = properties.get(name).unwrap_or_default();
            text.trim().to_owned()
        };
        let items = data.items.iter();
        let assignments = items.filter(|(element, _)| element == "ParameterAssignment");
        Some(Self {
            by_project: data.properties.bool("UseProjectReference") == Some(true),
            name: text(&data.properties, "PackageName"),
            connection: text(&data.properties, "Connection"),
            password: Password(
                data.properties
                    .get("PackagePassword")
                    .filter(|password| !password.is_empty())
                    .map(str::to_owned),
            ),
            out_of_process: data.properties.bool("ExecuteOutOfProcess") == Some(true),
            assignments: assignments
                .map(|(_, properties)| Assignment {
                    parameter: text(properties, "ParameterName"),
                    value: text(properties, "BindedVariableOrParameterName"),
                })
                .collect(),
        })
    }

    /// The package that it names as things stand now, or what is wrong with the name.
    ///
    /// # Errors
    /// Connection managers that cannot be worked out.
    pub(super) fn reference(
        &self,
        host: &TaskHost<'_>,
    ) -> Result<Result<PackageReference, Finding>, RunError> {
        let wrong = |symbol: &str, message: String| {
            let code = SsisCode::from_symbol(symbol);
            Ok(Err(host.finding(FindingKind::Invalid, code, message)))
        };
        if self.by_project {
            return match self.name.is_empty() {
                true => wrong(
                    "DTS_E_TKEXECPACKAGE_UNSPECIFIEDPACKAGE",
                    "no package is named (PackageName)".to_owned(),
                ),
                false => Ok(Ok(PackageReference::Project(self.name.clone()))),
            };
        }
        if self.connection.is_empty() {
            let message = "no connection is named (Connection), nor a package of the project";
            return wrong(
                "DTS_E_TKEXECPACKAGE_UNSPECIFIEDCONNECTION",
                message.to_owned(),
            );
        }
        let connections = host.connections()?;
        let Some(manager) = connections.get(&self.connection) else {
            let connection = &self.connection;
            let message = format!("there is no connection manager `{connection}`");
            return wrong("DTS_E_TKEXECPACKAGE_UNSPECIFIEDCONNECTION", message);
        };
        let (name, kind) = (&manager.name, &manager.creation_name);
        match kind.as_str() {
            "FILE" => match connections.file(&self.connection) {
                Ok(path) => Ok(Ok(PackageReference::File {
                    path,
                    password: self.password.0.clone(),
                })),
                Err(error) => wrong(
                    "DTS_E_TKEXECPACKAGE_UNABLETOLOADFILE",
                    format!("the package file is not known: {error}"),
                ),
            },
            "OLEDB" => Ok(Err(host.unsupported(format!(
                "package `{}` is stored in SQL Server (msdb, connection manager `{name}`), which is not supported: save it \
                 as a file and point a FILE connection manager to it",
                self.name
            )))),
            _ => wrong(
                "DTS_E_TKEXECPACKAGE_INCORRECTCONNECTIONMANAGERTYPE",
                format!(
                    "connection manager `{name}` is of kind {kind}: FILE is wanted for a package in a file"
                ),
            ),
        }
    }

    /// Whether the name stays as it is while the package runs.
    pub(super) fn is_settled(&self, host: &TaskHost<'_>) -> bool {
        let (naming, manager) = match self.by_project {
            true => ("PackageName", None),
            false => {
                let mut managers = host.state.managers.iter();
                let found = managers.find(|manager| is_meant(manager, &self.connection));
                ("Connection", found)
            }
        };
        let changes = |expressions: &[PropertyExpression], property: &str| {
            expressions.iter().any(|one| {
                one.property.eq_ignore_ascii_case(property) && depends_on_variables(&one.expression)
            })
        };
        !changes(&host.executable.property_expressions, naming)
            && !manager
                .is_some_and(|manager| changes(&manager.property_expressions, "ConnectionString"))
    }
}

fn is_meant(manager: &ConnectionManager, connection: &str) -> bool {
    crate::control_flow::is_named(manager, connection)
}

/// Whether an expression reads what may change while the package runs: anything but parameters.
fn depends_on_variables(expression: &str) -> bool {
    let mut parts = expression.split('@').skip(1);
    parts.any(|part| !(part.starts_with("[$Package::") || part.starts_with("[$Project::")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_change() {
        for (expression, changes) in [
            ("\"Load.dtsx\"", false),
            ("@[$Project::Folder] + \"\\\\Load.dtsx\"", false),
            ("@[User::Child]", true),
            ("@[$Package::P] + @Child", true),
        ] {
            assert_eq!(depends_on_variables(expression), changes, "{expression}");
        }
    }
}
