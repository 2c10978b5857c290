//! The columns of a table.

use std::collections::HashMap;

use arrow::{
    array::{Array, AsArray},
    datatypes::{DataType, Int32Type},
};
use mssql_tds::{
    connection::{
        bulk_copy::BulkCopy,
        tds_client::{ExecuteOptions, ResultSet as _, StatementResult},
    },
    datatypes::bulk_copy_metadata::BulkCopyColumnMetadata,
};

use super::{
    column_types::{declared, natural_type},
    link::{Link, Wanted},
    read::{Rows, schema},
};
use crate::database::{DatabaseError, Fault, TableColumn, TableName};

/// Rows of the catalogue that are read at once; a table has 1024 columns, a wide one 30000.
const CATALOG_ROWS: usize = 32_768;

/// A name between brackets, for statements.
pub(super) fn quoted(table: &TableName) -> String {
    let parts = table.parts.iter().map(|part| match part.is_empty() {
        true => String::new(),
        false => format!("[{}]", part.replace(']', "]]")),
    });
    parts.collect::<Vec<_>>().join(".")
}

/// What the server says about the columns: types, keys that it numbers, NULL.
pub(super) fn columns(
    link: &mut Link,
    table: &TableName,
) -> Result<Vec<BulkCopyColumnMetadata>, DatabaseError> {
    if table.parts.len() > 3 {
        let message = format!("`{table}` is on a linked server: connect to that server");
        return Err(link.fail(Fault::Unsupported, message));
    }
    let name = quoted(table);
    let found = link.wait(async |client| {
        BulkCopy::new(client, name)
            .retrieve_destination_metadata()
            .await
    });
    if found.is_err() {
        run_again(link);
    }
    found
}

/// The client asks with FMTONLY turned on, and a table that is not there ends its batch before it is turned off again:
/// nothing would run in this session any more, without an error.
fn run_again(link: &mut Link) {
    let off = link.wait(async |client| {
        let off = "SET FMTONLY OFF".to_owned();
        client.execute(off, ExecuteOptions::new()).await?;
        client.close_query().await
    });
    if off.is_err() {
        link.client.mark_connection_dead();
    }
}

/// What only the catalogue knows about a column.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cataloged {
    pub(super) has_default: bool,
    pub(super) computed: bool,
}

/// The database whose catalogue has the table, and the table's name there.
fn catalog(table: &TableName) -> (String, String) {
    let temporary = table.table().starts_with('#');
    let database = match table.parts.as_slice() {
        [database, _, _] if !database.is_empty() => Some(database.as_str()),
        _ if temporary => Some("tempdb"),
        _ => None,
    };
    let Some(database) = database else {
        return (String::new(), quoted(table));
    };
    let prefix = format!("[{}].", database.replace(']', "]]"));
    let schema = table.schema().unwrap_or_default();
    let local = TableName {
        parts: vec![
            database.to_owned(),
            schema.to_owned(),
            table.table().to_owned(),
        ],
    };
    (prefix, quoted(&local))
}

fn cataloged(
    link: &mut Link,
    wanted: &Wanted,
    table: &TableName,
) -> Result<HashMap<String, Cataloged>, DatabaseError> {
    let (prefix, name) = catalog(table);
    let sql = format!(
        "SELECT name, CAST(is_computed AS int) AS computed, default_object_id AS preset FROM {prefix}sys.columns \
         WHERE object_id = OBJECT_ID(N'{}') ORDER BY column_id",
        name.replace('\'', "''")
    );
    let with_sql = |error: DatabaseError| error.with_statement(&sql);
    let first = link
        .wait(async |client| client.execute(sql.clone(), wanted.options()).await)
        .map_err(with_sql)?;
    if first != StatementResult::Rows {
        return Ok(HashMap::new());
    }
    let odd = |link: &Link, message: String| link.fail(Fault::Other, message);
    let schema = schema(link.client.get_metadata()).map_err(|message| odd(link, message))?;
    let mut rows = Rows::new(&schema).map_err(|message| odd(link, message))?;
    link.wait(async |client| {
        rows.fill(client, CATALOG_ROWS).await?;
        client.close_query().await
    })
    .map_err(with_sql)?;
    let Some(batch) = rows.take().map_err(|message| odd(link, message))? else {
        return Ok(HashMap::new());
    };
    let names = batch.column(0).as_string_view_opt();
    let computed = batch.column(1).as_primitive_opt::<Int32Type>();
    let presets = batch.column(2).as_primitive_opt::<Int32Type>();
    let (Some(names), Some(computed), Some(presets)) = (names, computed, presets) else {
        return Err(odd(
            link,
            "the catalogue has other types than it should".to_owned(),
        ));
    };
    let known = (0..batch.num_rows()).map(|row| {
        let cataloged = Cataloged {
            has_default: presets.is_valid(row) && presets.value(row) != 0,
            computed: computed.is_valid(row) && computed.value(row) != 0,
        };
        (names.value(row).to_owned(), cataloged)
    });
    Ok(known.collect())
}

pub(super) fn describe(
    link: &mut Link,
    wanted: &Wanted,
    table: &TableName,
) -> Result<Vec<TableColumn>, DatabaseError> {
    let columns = columns(link, table)?;
    let known = cataloged(link, wanted, table)?;
    let described = columns.into_iter().map(|column| {
        let known = known.get(&column.column_name).copied().unwrap_or_default();
        TableColumn {
            declared: declared(&column),
            // Of no use, but no harm while nobody reads or writes the column.
            data_type: natural_type(&column).unwrap_or(DataType::Null),
            nullable: column.is_nullable,
            identity: column.is_identity,
            has_default: known.has_default,
            computed: known.computed,
            name: column.column_name,
        }
    });
    Ok(described.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_statements() {
        let shown = |text: &str| {
            let table = TableName::parse(text).unwrap();
            (quoted(&table), catalog(&table))
        };
        assert_eq!(
            shown("dbo.[a]]b]"),
            (
                "[dbo].[a]]b]".to_owned(),
                (String::new(), "[dbo].[a]]b]".to_owned())
            )
        );
        assert_eq!(
            shown("#t").1,
            ("[tempdb].".to_owned(), "[tempdb]..[#t]".to_owned())
        );
        assert_eq!(shown("d..t").1, ("[d].".to_owned(), "[d]..[t]".to_owned()));
    }
}
