//! Tables: their schema by the driver, and what SQL can tell of defaults and numbering.

use std::collections::HashMap;

use adbc_core::Connection as _;
use adbc_driver_manager::ManagedConnection;
use arrow::{array::AsArray, datatypes::SchemaRef};

use super::failure::failure;
use crate::{
    database::{
        Collected, DatabaseError, Fault, TableColumn, TableName, natural::natural_schema, sqlite,
    },
    sql::Dialect,
};

/// A table as the driver knows it.
pub(super) struct Described {
    pub(super) schema: Option<String>,
    pub(super) table: String,
    /// The driver's own types.
    pub(super) types: SchemaRef,
}

pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl Described {
    /// For statements.
    pub(super) fn text(&self) -> String {
        match &self.schema {
            Some(schema) => format!("{}.{}", quoted(schema), quoted(&self.table)),
            None => quoted(&self.table),
        }
    }
}

/// Looks as the name is written, and, where there is no schema `dbo`, without it.
pub(super) fn find(
    connection: &ManagedConnection,
    database: &str,
    table: &TableName,
) -> Result<Described, DatabaseError> {
    let schema = table.schema();
    let dbo = schema.is_some_and(|schema| schema.eq_ignore_ascii_case("dbo"));
    let mut failed = None;
    for schema in [schema, None].into_iter().take(if dbo { 2 } else { 1 }) {
        match connection.get_table_schema(None, schema, table.table()) {
            Ok(types) => {
                return Ok(Described {
                    schema: schema.map(str::to_owned),
                    table: table.table().to_owned(),
                    types: types.into(),
                });
            }
            Err(error) => failed = Some(error),
        }
    }
    let mut error = failed.map_or_else(
        || DatabaseError::new(database, Fault::Missing, ""),
        |error| failure(database, &error),
    );
    if !error.is_fatal() {
        error.fault = Fault::Missing;
        error.message = format!("there is no table `{table}` ({})", error.message);
    }
    Err(error)
}

/// A query whose rows are name, declared type, nullable, identity, default, computed, for dialects that have one.
pub(super) fn catalogue(dialect: Dialect, table: &Described) -> Option<String> {
    let text = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let name = text(&table.table);
    match dialect {
        Dialect::Sqlite => Some(format!(
            "SELECT name, type, \"notnull\" = 0, pk = 1 AND lower(type) = 'integer' AND \
             (SELECT sum(pk > 0) FROM pragma_table_xinfo({name})) = 1, dflt_value IS NOT NULL, hidden > 1 \
             FROM pragma_table_xinfo({name})"
        )),
        Dialect::Postgres | Dialect::DuckDb => {
            let of_schema = match (&table.schema, dialect) {
                (Some(schema), _) => format!("table_schema = {}", text(schema)),
                (None, Dialect::DuckDb) => "table_schema = current_schema()".to_owned(),
                (None, _) => "table_schema = ANY (current_schemas(true))".to_owned(),
            };
            let computed = match dialect {
                Dialect::Postgres => "is_generated = 'ALWAYS'",
                _ => "false",
            };
            let numbered = match dialect {
                Dialect::Postgres => {
                    "is_identity = 'YES' OR coalesce(column_default LIKE 'nextval(%', false)"
                }
                _ => "coalesce(column_default LIKE 'nextval(%', false)",
            };
            Some(format!(
                "SELECT column_name::varchar, CASE WHEN data_type = 'numeric' AND numeric_precision IS NOT NULL \
                 THEN data_type || '(' || numeric_precision || ',' || numeric_scale || ')' ELSE data_type END::varchar, (is_nullable = 'YES')::int, ({numbered})::int, \
                 (column_default IS NOT NULL)::int, ({computed})::int \
                 FROM information_schema.columns WHERE table_name = {name} AND {of_schema}"
            ))
        }
        _ => None,
    }
}

/// Puts the schema and what the catalogue says together.
pub(super) fn columns(
    dialect: Dialect,
    table: &Described,
    catalogue: Option<&Collected>,
) -> Vec<TableColumn> {
    let known = catalogue.and_then(read).unwrap_or_default();
    let natural = natural_schema(&table.types);
    let columns = natural.fields().iter().map(|field| {
        let (declared, [nullable, identity, has_default, computed]) = known
            .get(field.name())
            .cloned()
            .unwrap_or_else(|| (field.data_type().to_string(), [true, false, false, false]));
        // SQLite's driver looks at rows for types, and there may be none.
        let data_type = match dialect {
            Dialect::Sqlite => sqlite::natural_type(&declared),
            _ => field.data_type().clone(),
        };
        TableColumn {
            name: field.name().clone(),
            declared,
            data_type,
            nullable,
            identity,
            has_default,
            computed,
        }
    });
    columns.collect()
}

type Known = HashMap<String, (String, [bool; 4])>;

fn read(collected: &Collected) -> Option<Known> {
    let mut known = HashMap::new();
    for batch in &collected.0.as_ref()?.batches {
        let [name, declared, flags @ ..] = batch.columns() else {
            return None;
        };
        let (names, types) = (name.as_string_view_opt()?, declared.as_string_view_opt()?);
        let flags: Option<Vec<_>> = flags
            .iter()
            .map(|flags| arrow::compute::cast(flags, &arrow::datatypes::DataType::Boolean).ok())
            .collect();
        let flags = flags?;
        for row in 0..batch.num_rows() {
            let flag = |at: usize| {
                flags
                    .get(at)
                    .is_some_and(|flags| flags.as_boolean().value(row))
            };
            let told = [flag(0), flag(1), flag(2), flag(3)];
            known.insert(
                names.value(row).to_owned(),
                (types.value(row).to_owned(), told),
            );
        }
    }
    Some(known)
}
