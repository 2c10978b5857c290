//! Names in the SQL of a database.

use super::TableName;
use crate::sql::Dialect;

impl Dialect {
    /// A name in this dialect's quotes.
    pub fn quoted(self, name: &str) -> String {
        match self {
            Self::MsSql => format!("[{}]", name.replace(']', "]]")),
            Self::MySql => format!("`{}`", name.replace('`', "``")),
            _ => format!("\"{}\"", name.replace('"', "\"\"")),
        }
    }

    /// A table's name as a statement has it. Databases without schemas have them in the names of tables, but for `dbo`.
    pub fn table(self, table: &TableName) -> String {
        let parts: Vec<&str> = table.parts.iter().map(String::as_str).collect();
        let schema = table
            .schema()
            .filter(|schema| !schema.eq_ignore_ascii_case("dbo"));
        match (self, schema) {
            (Self::MsSql | Self::Other, _) => {
                let parts = parts.iter().map(|part| match part.is_empty() {
                    true => String::new(),
                    false => self.quoted(part),
                });
                parts.collect::<Vec<_>>().join(".")
            }
            (Self::Sqlite, Some(schema)) => self.quoted(&format!("{schema}.{}", table.table())),
            (_, Some(schema)) => {
                format!("{}.{}", self.quoted(schema), self.quoted(table.table()))
            }
            (_, None) => self.quoted(table.table()),
        }
    }

    /// `SELECT a, b FROM table`.
    pub fn select<'n>(self, columns: impl Iterator<Item = &'n str>, table: &TableName) -> String {
        let columns: Vec<String> = columns.map(|column| self.quoted(column)).collect();
        format!("SELECT {} FROM {}", columns.join(", "), self.table(table))
    }
}
