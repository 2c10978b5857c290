//! Tables: which one is meant, and its columns.

use tokio_postgres::types::Type;

use super::{kind::Kind, session::Talk};
use crate::database::{DatabaseError, Fault, TableColumn, TableName};

/// A column, with what a load needs to know of it.
pub(super) struct Described {
    pub(super) column: TableColumn,
    pub(super) kind: Kind,
}

const COLUMNS: &str = "\
    SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), \
        CASE WHEN t.typbasetype <> 0 THEN t.typbasetype ELSE t.oid END::oid, \
        CASE WHEN t.typbasetype <> 0 THEN t.typtypmod ELSE a.atttypmod END, \
        NOT a.attnotnull, \
        a.attidentity <> '' OR coalesce(pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%', false), \
        a.atthasdef AND a.attgenerated = '', a.attgenerated <> '', t.typtype = 'e' \
    FROM pg_catalog.pg_attribute a \
    JOIN pg_catalog.pg_type t ON t.oid = a.atttypid \
    LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
    WHERE a.attrelid = to_regclass($1)::oid AND a.attnum > 0 AND NOT a.attisdropped \
    ORDER BY a.attnum";

pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Names to try, in order.
fn candidates(table: &TableName) -> Vec<String> {
    let names = [table.table().to_owned(), table.table().to_lowercase()];
    let mut candidates = Vec::new();
    if let Some(schema) = table.schema() {
        for name in &names {
            for schema in [schema.to_owned(), schema.to_lowercase()] {
                candidates.push(format!("{}.{}", quoted(&schema), quoted(name)));
            }
        }
    }
    let by_path = table
        .schema()
        .is_none_or(|schema| schema.eq_ignore_ascii_case("dbo"));
    if by_path {
        candidates.extend(names.iter().map(|name| quoted(name)));
    }
    candidates.dedup();
    candidates
}

/// The table's name in full, for statements, and its columns.
pub(super) async fn describe(
    talk: Talk<'_>,
    table: &TableName,
) -> Result<(String, Vec<Described>), DatabaseError> {
    for name in candidates(table) {
        let rows = talk.client.query(COLUMNS, &[&name]).await;
        let rows = rows.map_err(|error| talk.fail(&error).with_statement(COLUMNS))?;
        if rows.is_empty() {
            continue;
        }
        let columns = rows.iter().map(column).collect::<Result<Vec<_>, _>>();
        let columns = columns.map_err(|error| talk.fail(&error).with_statement(COLUMNS))?;
        return Ok((name, columns));
    }
    let message = format!("there is no table `{table}`");
    let mut error = talk.refuse(Fault::Missing, message);
    error.statement = None;
    Err(error)
}

fn column(row: &tokio_postgres::Row) -> Result<Described, tokio_postgres::Error> {
    let kind = match Type::from_oid(row.try_get(2)?) {
        Some(known) => Kind::of(&known, row.try_get(3)?),
        None if row.try_get(8)? => Kind::Text,
        None => Kind::Other,
    };
    Ok(Described {
        column: TableColumn {
            name: row.try_get(0)?,
            declared: row.try_get(1)?,
            data_type: kind.natural(),
            nullable: row.try_get(4)?,
            identity: row.try_get(5)?,
            has_default: row.try_get(6)?,
            computed: row.try_get(7)?,
        },
        kind,
    })
}
