//! The statements of a package as the databases behind its connection managers get them.

use dtsx::{Executable, Payload, SqlSource};
use fletching_connections::{Connections, sql};
use fletching_engine::{RunError, Settings, connections_of};

use crate::Package;

/// A statement of a package.
#[derive(Debug, Clone)]
pub struct StatementReport {
    /// Path of the task or component that it belongs to.
    pub path: String,
    /// Property that holds it.
    pub property: String,
    /// Name of the connection manager.
    pub manager: String,
    /// As the package has it.
    pub original: String,
    /// As the database gets it, and what was changed; or why it cannot be said there. `None`: unchanged.
    pub rewritten: Option<Result<(String, Vec<String>), String>>,
}

/// Properties of components that hold SQL.
const PROPERTIES: [&str; 2] = ["SqlCommand", "SqlCommandParam"];

impl Package {
    /// All statements that stand in the package itself; those in variables and files are known when they run.
    pub fn statements(&self, settings: &Settings) -> Result<Vec<StatementReport>, RunError> {
        let (_, connections) = connections_of(
            &self.document,
            &self.shared_parameters,
            &self.shared_managers,
            &self.extended(settings.clone()),
        )?;
        let mut statements = Vec::new();
        visit(self.document.root(), &connections, &mut statements);
        Ok(statements)
    }
}

fn visit(
    executable: &Executable,
    connections: &Connections,
    statements: &mut Vec<StatementReport>,
) {
    let mut add = |path: String, property: &str, manager: &str, text: &str| {
        if !text.trim().is_empty() {
            statements.push(report(connections, path, property, manager, text));
        }
    };
    match &executable.payload {
        Payload::ExecuteSql(task) if task.source == SqlSource::Direct => add(
            executable.path.clone(),
            "SqlStatementSource",
            &task.connection,
            &task.statement,
        ),
        Payload::DataFlow(flow) => {
            for component in &flow.components {
                let Some(connection) = component.connections.first() else {
                    continue;
                };
                for property in PROPERTIES {
                    let text = component.properties.get(property).unwrap_or_default();
                    let path = format!("{}\\{}", executable.path, component.name);
                    add(path, property, &connection.connection_manager, text);
                }
            }
        }
        _ => {}
    }
    for child in &executable.executables {
        visit(child, connections, statements);
    }
}

fn report(
    connections: &Connections,
    path: String,
    property: &str,
    manager: &str,
    text: &str,
) -> StatementReport {
    let mut report = StatementReport {
        path,
        property: property.to_owned(),
        manager: manager.to_owned(),
        original: text.to_owned(),
        rewritten: None,
    };
    match connections.database(manager) {
        Ok(found) => {
            report.manager.clone_from(&found.manager);
            let to = found.target.dialect();
            if found.written_in == sql::Dialect::MsSql && to != sql::Dialect::MsSql {
                report.rewritten = Some(rewritten(text, to));
            }
        }
        Err(error) => report.rewritten = Some(Err(error.to_string())),
    }
    report
}

fn rewritten(text: &str, to: sql::Dialect) -> Result<(String, Vec<String>), String> {
    let rewritten = sql::rewrite(text, to).map_err(|error| error.to_string())?;
    let statements: Vec<String> = rewritten
        .statements
        .into_iter()
        .map(|statement| statement.text)
        .collect();
    let changes = rewritten.changes.into_iter().map(|change| {
        format!(
            "line {}, column {}: {}",
            change.line, change.column, change.what
        )
    });
    Ok((statements.join(";\n"), changes.collect()))
}
