//! Configurations in a table of a database: `"connection";"[dbo].[SSIS Configurations]";"filter";`.
//!
//! The connection manager is one of the package, as it stands when the configuration's turn comes: after those before it.
//! A session blocks and may have a runtime of its own, so it is opened on a thread of its own.

use std::sync::Arc;

use arrow::{
    array::{Array, AsArray, StringViewArray},
    compute::cast,
    datatypes::DataType,
};
use dtsx::ConfiguredValue;
use fletching_connections::database::{
    DatabaseConnection, Direction, Parameter, Sessions, Statement, TableName,
};

use super::Fault;
use crate::{Settings, control_flow, settings::Overridable};

/// Seconds that the table may take.
const TIMEOUT_SECONDS: u32 = 60;

/// The values under a filter.
pub(super) fn read(
    string: &str,
    target: &Overridable<'_>,
    settings: &Settings,
) -> Result<Vec<ConfiguredValue>, Fault> {
    let parts = parts(string);
    let [connection, table, filter] = parts.as_slice() else {
        let message =
            "its place is not written as `\"connection\";\"table\";\"filter\";`".to_owned();
        return Err(Fault::new("DTS_W_CONFIGFORMATINVALID", message));
    };
    let failed = |message: String| Fault::new("DTS_W_ONEORMORECONFIGLOADFAILED", message);
    let table = TableName::parse(table)
        .ok_or_else(|| failed(format!("`{table}` is not the name of a table")))?;
    let variables = Arc::new(target.variables.clone());
    let connections = control_flow::connections(
        target.managers,
        settings,
        target.package,
        &variables.scope(&target.root.path),
        target.variables.locale_id(),
    )
    .map_err(|error| failed(error.to_string()))?;
    let connection = connections
        .database(connection)
        .map_err(|error| failed(error.to_string()))?;
    let rows = std::thread::scope(|scope| {
        let reading = scope.spawn(|| rows(&connection, &table, filter));
        reading
            .join()
            .unwrap_or_else(|_| Err("its thread is gone".to_owned()))
    });
    let values = rows.map_err(|message| {
        failed(format!(
            "connection manager `{}`: {message}",
            connection.manager
        ))
    })?;
    match values.is_empty() {
        true => Err(Fault::new(
            "DTS_W_CONFIGKEYNOTFOUND",
            format!("table {table} has no rows for the filter `{filter}`"),
        )),
        false => Ok(values),
    }
}

/// The quoted parts of a configuration string.
fn parts(string: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = string.trim();
    while !rest.is_empty() {
        let (part, after) = match rest.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
            Some((part, after)) => (part, after.trim_start_matches([' ', ';'])),
            None => rest.split_once(';').unwrap_or((rest, "")),
        };
        parts.push(part.trim().to_owned());
        rest = after.trim_start();
    }
    parts
}

fn rows(
    connection: &DatabaseConnection,
    table: &TableName,
    filter: &str,
) -> Result<Vec<ConfiguredValue>, String> {
    let sessions = Arc::<Sessions>::default();
    let opened = sessions.acquire(connection);
    let mut session = opened.map_err(|error| error.to_string())?;
    let quoted: Vec<String> = table
        .parts
        .iter()
        .map(|part| format!("[{}]", part.replace(']', "]]")))
        .collect();
    let text = format!(
        "SELECT ConfiguredValue, PackagePath FROM {} WHERE ConfigurationFilter = ?",
        quoted.join(".")
    );
    let parameter = Parameter {
        name: None,
        direction: Direction::Input,
        value: Arc::new(StringViewArray::from(vec![filter])),
        size: 0,
    };
    let statements = connection
        .adapt(session.dialect(), &text, &[parameter])
        .map_err(|error| error.to_string())?;
    let mut values = Vec::new();
    for one in statements {
        let statement = Statement {
            parameters: &one.parameters,
            timeout_seconds: TIMEOUT_SECONDS,
            ..Statement::new(&one.text)
        };
        let executed = session.execute(&statement);
        let executed = executed.map_err(|error| error.to_string())?;
        for batch in executed.result_sets.iter().flat_map(|set| &set.batches) {
            let [value, path] = batch.columns() else {
                return Err("the table did not give two columns".to_owned());
            };
            let text = |array| cast(array, &DataType::Utf8View).map_err(|error| error.to_string());
            let (value, path) = (text(value)?, text(path)?);
            let (value, path) = (value.as_string_view(), path.as_string_view());
            for row in (0..batch.num_rows()).filter(|row| path.is_valid(*row)) {
                values.push(ConfiguredValue {
                    path: path.value(row).to_owned(),
                    value: match value.is_valid(row) {
                        true => value.value(row).to_owned(),
                        false => String::new(),
                    },
                });
            }
        }
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_place() {
        let written = r#""Config DB";"[dbo].[SSIS; Configurations]";"Common";"#;
        assert_eq!(
            parts(written),
            ["Config DB", "[dbo].[SSIS; Configurations]", "Common"]
        );
        assert_eq!(parts("a;b;c"), ["a", "b", "c"]);
        assert_eq!(parts(r#""a";"b"#).len(), 2);
    }
}
