//! Which databases, tables and indexes a maintenance task works on, as the server has them when it runs.

use fletching_connections::database::TableName;

use super::{quote::bracketed, reader::Reader};
use crate::tasks::on_session::{SessionError, Work, texts};

/// `DatabaseSelectionType`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Databases {
    All,
    System,
    User,
    These(Vec<String>),
}

/// Databases that a kind of work is not for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Without {
    Nothing,
    /// A differential backup of `master` is not possible.
    Master,
    /// Databases of the simple recovery model have no log to back up.
    Simple,
}

impl Databases {
    pub(super) fn read(reader: &Reader<'_>) -> Self {
        // Also written where all are meant: those that were there at design time.
        let names = reader.list("SelectedDatabases", "DatabaseName");
        match reader.text("DatabaseSelectionType") {
            "1" => Self::All,
            "2" => Self::System,
            "3" => Self::User,
            "4" if !names.is_empty() => Self::These(names),
            "" | "0" | "4" => {
                reader
                    .invalid("no database is selected (DatabaseSelectionType, SelectedDatabases)");
                Self::These(names)
            }
            other => {
                reader.unsupported(format!(
                    "DatabaseSelectionType is `{other}`: all (1), system (2), user (3) and these databases (4) are supported"
                ));
                Self::These(names)
            }
        }
    }

    /// What finds them on the server; `None` where they are named.
    pub(super) fn query(&self, online_only: bool, without: Without) -> Option<String> {
        let system = "(N'master', N'model', N'msdb')";
        let mut conditions = vec!["source_database_id IS NULL", "name <> N'tempdb'"];
        let of_kind = match self {
            Self::All => String::new(),
            Self::System => format!("name IN {system}"),
            Self::User => format!("name NOT IN {system}"),
            Self::These(_) => return None,
        };
        conditions.extend((!of_kind.is_empty()).then_some(of_kind.as_str()));
        conditions.extend(online_only.then_some("state = 0"));
        match without {
            Without::Nothing => {}
            Without::Master => conditions.push("name <> N'master'"),
            Without::Simple => conditions.push("recovery_model <> 3"),
        }
        let conditions = conditions.join(" AND ");
        Some(format!(
            "SELECT name FROM sys.databases WHERE {conditions} ORDER BY name"
        ))
    }

    pub(super) fn find(
        &self,
        work: &mut Work,
        online_only: bool,
        without: Without,
    ) -> Result<Vec<String>, SessionError> {
        let query = match (self, self.query(online_only, without)) {
            (_, Some(query)) => query,
            (Self::These(names), None) if online_only => {
                let mut online = Vec::new();
                let query = "SELECT name FROM sys.databases WHERE state = 0 AND name = ?";
                for name in names {
                    let found = !texts(&work.rows(query, &[name])?)?.is_empty();
                    online.extend(found.then(|| name.clone()));
                }
                return Ok(online);
            }
            (Self::These(names), None) => return Ok(names.clone()),
            (_, None) => return Ok(Vec::new()),
        };
        let rows = texts(&work.rows(&query, &[])?)?;
        Ok(rows.into_iter().flatten().flatten().collect())
    }
}

/// `TableSelectionType`: `None` for all.
pub(super) fn tables(reader: &Reader<'_>) -> Option<Vec<TableName>> {
    let names = reader.list("SelectedTables", "TableName");
    if reader.text("TableSelectionType") != "2" {
        return None;
    }
    if names.is_empty() {
        reader.invalid("no table is selected (TableSelectionType, SelectedTables)");
    }
    let parsed = names.iter().map(|name| {
        let parsed = TableName::parse(name);
        if parsed.is_none() {
            reader.invalid(format!("`{name}` is no name of a table (SelectedTables)"));
        }
        parsed
    });
    Some(parsed.flatten().collect())
}

/// Whether a table is among those selected.
fn is_selected(selected: Option<&[TableName]>, schema: &str, table: &str) -> bool {
    selected.is_none_or(|names| {
        names.iter().any(|name| {
            let same_schema = name
                .schema()
                .is_none_or(|one| one.eq_ignore_ascii_case(schema));
            same_schema && name.table().eq_ignore_ascii_case(table)
        })
    })
}

/// A table or view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) schema: String,
    pub(super) name: String,
}

/// An index, with the options that a rebuild keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Index {
    pub(super) table: Table,
    pub(super) name: String,
    /// Of rows, clustered or not: others (XML, spatial, columnstore) have fewer options.
    pub(super) is_of_rows: bool,
    pub(super) is_padded: bool,
    pub(super) no_recompute: bool,
    pub(super) ignores_duplicates: bool,
    pub(super) row_locks: bool,
    pub(super) page_locks: bool,
}

fn index_query(database: &str) -> String {
    let database = bracketed(database);
    format!(
        "SELECT s.name, o.name, i.name, CONVERT(int, i.type), CONVERT(int, i.is_padded), CONVERT(int, st.no_recompute), \
         CONVERT(int, i.ignore_dup_key), CONVERT(int, i.allow_row_locks), CONVERT(int, i.allow_page_locks) \
         FROM {database}.sys.indexes AS i JOIN {database}.sys.objects AS o ON o.object_id = i.object_id \
         JOIN {database}.sys.schemas AS s ON s.schema_id = o.schema_id \
         LEFT JOIN {database}.sys.stats AS st ON st.object_id = i.object_id AND st.stats_id = i.index_id \
         WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0 AND i.index_id > 0 AND i.is_disabled = 0 \
         AND i.is_hypothetical = 0 ORDER BY s.name, o.name, i.index_id"
    )
}

fn table_query(database: &str) -> String {
    let database = bracketed(database);
    format!(
        "SELECT s.name, o.name FROM {database}.sys.objects AS o JOIN {database}.sys.schemas AS s ON s.schema_id = o.schema_id \
         WHERE o.is_ms_shipped = 0 AND (o.type = 'U' OR o.type = 'V' AND EXISTS (SELECT 1 FROM {database}.sys.indexes AS i \
         WHERE i.object_id = o.object_id)) ORDER BY s.name, o.name"
    )
}

/// The indexes of the selected tables of a database.
pub(super) fn indexes(
    work: &mut Work,
    database: &str,
    selected: Option<&[TableName]>,
) -> Result<Vec<Index>, SessionError> {
    let rows = texts(&work.rows(&index_query(database), &[])?)?;
    let indexes = rows.into_iter().map(|row| {
        let text = |at: usize| row.get(at).cloned().flatten().unwrap_or_default();
        let flag = |at: usize| text(at) == "1";
        Index {
            table: Table {
                schema: text(0),
                name: text(1),
            },
            name: text(2),
            is_of_rows: matches!(text(3).as_str(), "1" | "2"),
            is_padded: flag(4),
            no_recompute: flag(5),
            ignores_duplicates: flag(6),
            row_locks: flag(7),
            page_locks: flag(8),
        }
    });
    Ok(indexes
        .filter(|index| is_selected(selected, &index.table.schema, &index.table.name))
        .collect())
}

/// The selected tables and indexed views of a database.
pub(super) fn found_tables(
    work: &mut Work,
    database: &str,
    selected: Option<&[TableName]>,
) -> Result<Vec<Table>, SessionError> {
    let rows = texts(&work.rows(&table_query(database), &[])?)?;
    let tables = rows.into_iter().map(|row| {
        let text = |at: usize| row.get(at).cloned().flatten().unwrap_or_default();
        Table {
            schema: text(0),
            name: text(1),
        }
    });
    Ok(tables
        .filter(|table| is_selected(selected, &table.schema, &table.name))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_are_found_by_their_kind() {
        let user = "SELECT name FROM sys.databases WHERE source_database_id IS NULL AND name <> N'tempdb' AND name NOT IN \
                    (N'master', N'model', N'msdb') AND state = 0 ORDER BY name";
        assert_eq!(Databases::User.query(true, Without::Nothing).unwrap(), user);
        let logs = "SELECT name FROM sys.databases WHERE source_database_id IS NULL AND name <> N'tempdb' AND \
                    recovery_model <> 3 ORDER BY name";
        assert_eq!(Databases::All.query(false, Without::Simple).unwrap(), logs);
        let named = Databases::These(vec!["Sales".to_owned()]);
        assert_eq!(named.query(false, Without::Nothing), None);
    }

    #[test]
    fn tables_are_selected_by_name() {
        let names = ["[dbo].[Orders]", "Lines"].map(|name| TableName::parse(name).unwrap());
        assert!(is_selected(Some(&names), "dbo", "orders"));
        assert!(!is_selected(Some(&names), "old", "Orders"));
        assert!(is_selected(Some(&names), "old", "Lines"));
        assert!(is_selected(None, "any", "any"));
        assert!(index_query("a]b").contains("FROM [a]]b].sys.indexes"));
        assert!(table_query("Sales").contains("FROM [Sales].sys.objects"));
    }
}
