//! How far a transaction is kept apart from others: SSIS's IsolationLevel, and how databases are told.

use super::{DatabaseError, Session, Statement};
use crate::sql::Dialect;

/// `IsolationLevel` of a container that starts a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IsolationLevel {
    /// As the database has it.
    Unspecified,
    ReadUncommitted,
    ReadCommitted,
    RepeatableRead,
    #[default]
    Serializable,
    Snapshot,
}

impl IsolationLevel {
    /// Of the number in a package; `None` for one that no database has (16 is Chaos).
    pub fn of_number(number: i64) -> Option<Self> {
        Some(match number {
            -1 => Self::Unspecified,
            256 => Self::ReadUncommitted,
            4096 => Self::ReadCommitted,
            65536 => Self::RepeatableRead,
            1_048_576 => Self::Serializable,
            16_777_216 => Self::Snapshot,
            _ => return None,
        })
    }

    /// Its name in the SQL of a database; `None` where there is nothing to say.
    fn name(self, dialect: Dialect) -> Option<&'static str> {
        Some(match self {
            Self::Unspecified => return None,
            Self::ReadUncommitted => "READ UNCOMMITTED",
            Self::ReadCommitted => "READ COMMITTED",
            Self::RepeatableRead => "REPEATABLE READ",
            Self::Serializable => "SERIALIZABLE",
            Self::Snapshot if dialect == Dialect::MsSql => "SNAPSHOT",
            // Elsewhere this is what reads from a snapshot.
            Self::Snapshot => "REPEATABLE READ",
        })
    }
}

/// Begins a transaction of this level; SQLite and DuckDB have one level only.
pub(super) fn begin(session: &mut dyn Session, level: IsolationLevel) -> Result<(), DatabaseError> {
    let dialect = session.dialect();
    let set = level
        .name(dialect)
        .map(|name| format!("SET TRANSACTION ISOLATION LEVEL {name}"));
    match (dialect, set) {
        (Dialect::MsSql | Dialect::MySql, Some(set)) => {
            session.execute(&Statement::new(&set))?;
            session.begin()
        }
        (Dialect::Postgres, Some(set)) => {
            session.begin()?;
            session.execute(&Statement::new(&set)).map(|_| ())
        }
        // A lock that is taken later may come too late: what was read may have changed by then. Drivers begin by themselves.
        (Dialect::Sqlite, _) if session.in_transaction().is_some() => session
            .execute(&Statement::new("BEGIN IMMEDIATE"))
            .map(|_| ()),
        _ => session.begin(),
    }
}

/// Gives a session that is kept its own level back.
pub(super) fn reset(session: &mut dyn Session, level: IsolationLevel) {
    if session.dialect() == Dialect::MsSql && level != IsolationLevel::Unspecified {
        let reset = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED";
        // A session that cannot do so fails at its next use, and says why.
        drop(session.execute(&Statement::new(reset)));
    }
}
