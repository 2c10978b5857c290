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

/// A statement in the SQL of another database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adapted {
    pub text: String,
    /// For each parameter marker, the place of its value among those of the original; `None`: unchanged.
    pub order: Option<Vec<usize>>,
}

/// A statement that cannot be said in the SQL of another database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RewriteError {
    pub message: String,
}
