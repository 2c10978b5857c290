//! Functions of T-SQL in SQLite.

pub(crate) fn register(_connection: &rusqlite::Connection) -> rusqlite::Result<()> {
    Ok(())
}
