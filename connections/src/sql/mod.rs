//! SQL dialects.

pub(crate) mod sqlite_functions;

/// The SQL that a database speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    MsSql,
    Sqlite,
    Postgres,
    DuckDb,
    MySql,
    Other,
}
