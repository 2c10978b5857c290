//! Tables: their columns by the catalogue, the types of these by a query that yields nothing.

use std::collections::HashMap;

use arrow_odbc::odbc_api::{Connection, Error, handles::AsStatementRef, parameter::VarCharArray};

use super::{
    raw,
    shape::{Habits, Shape},
};
use crate::{
    database::{TableColumn, TableName},
    sql::Dialect,
};

/// Puts a name between the quotes of the database.
pub(super) fn quoted(name: &str, quote: Option<char>) -> String {
    match quote {
        Some(quote) => format!(
            "{quote}{}{quote}",
            name.replace(quote, &format!("{quote}{quote}"))
        ),
        None => name.to_owned(),
    }
}

/// The table's name for statements. SQL Server's schema is nobody else's.
pub(super) fn table_text(table: &TableName, dialect: Dialect, quote: Option<char>) -> String {
    let parts = table.parts.iter().filter(|part| !part.is_empty());
    let foreign = |part: &&String| dialect != Dialect::MsSql && part.eq_ignore_ascii_case("dbo");
    let last = table.table();
    let parts: Vec<String> = parts
        .filter(|part| !foreign(part) || part.as_str() == last)
        .map(|part| quoted(part, quote))
        .collect();
    parts.join(".")
}

/// What the catalogue knows of a column.
struct Known {
    declared: String,
    nullable: bool,
    has_default: bool,
}

fn text<const N: usize>(value: &VarCharArray<N>) -> String {
    String::from_utf8_lossy(value.as_bytes().unwrap_or_default()).into_owned()
}

pub(super) fn describe(
    connection: &Connection<'_>,
    table: &TableName,
    sql: &str,
    habits: Habits,
) -> Result<Vec<TableColumn>, Error> {
    let mut result = connection.preallocate()?;
    let Some(mut cursor) = result.execute(sql, ())? else {
        return Ok(Vec::new());
    };
    let shape = Shape::of(&mut cursor, habits)?;
    let identities: Vec<bool> = (1_u16..)
        .take(shape.natural.fields().len())
        .map(|number| raw::is_identity(&mut cursor.as_stmt_ref(), number))
        .collect();
    drop(cursor);
    drop(result);
    let known = catalogue(connection, table).unwrap_or_default();
    let columns = shape
        .natural
        .fields()
        .iter()
        .zip(identities)
        .map(|(field, identity)| {
            let known = known.get(field.name());
            TableColumn {
                name: field.name().clone(),
                declared: known.map_or_else(
                    || field.data_type().to_string(),
                    |known| known.declared.clone(),
                ),
                data_type: field.data_type().clone(),
                nullable: known.is_none_or(|known| known.nullable),
                identity,
                has_default: known.is_some_and(|known| known.has_default),
                computed: false,
            }
        });
    Ok(columns.collect())
}

fn catalogue(
    connection: &Connection<'_>,
    table: &TableName,
) -> Result<HashMap<String, Known>, Error> {
    let schema = table
        .schema()
        .filter(|schema| !schema.eq_ignore_ascii_case("dbo"));
    let mut statement = connection.preallocate()?;
    // `_` and `%` in a name are a pattern's: what else they find has another table's name.
    let rows = statement.columns("", schema.unwrap_or_default(), table.table(), "")?;
    let mut known = HashMap::new();
    for row in rows {
        let row = row?;
        if !text(&row.table).eq_ignore_ascii_case(table.table()) {
            continue;
        }
        let default = text(&row.column_default);
        let size = row.column_size.as_opt().copied();
        let digits = row.decimal_digits.as_opt().copied();
        let name = text(&row.type_name);
        let lower = name.to_lowercase();
        let declared = match (size, digits) {
            _ if name.contains('(') => name,
            (Some(size), Some(digits)) if lower.contains("dec") || lower.contains("num") => {
                format!("{name}({size},{digits})")
            }
            (Some(size), _) if lower.contains("char") || lower.contains("binary") => {
                format!("{name}({size})")
            }
            _ => name,
        };
        known.insert(
            text(&row.column_name),
            Known {
                declared,
                nullable: row.nullable != 0,
                has_default: !default.is_empty() && !default.eq_ignore_ascii_case("null"),
            },
        );
    }
    Ok(known)
}
