//! The sessions of a run.
//!
//! Who needs a database acquires a session and gives it back by dropping the lease. A manager with `RetainSameConnection`
//! keeps one session for the whole run, so that temporary tables and settings stay; a second one beside it is opened only
//! while the first is in use.

use std::{
    collections::HashMap,
    ops::{Deref, DerefMut},
    sync::Arc,
};

use parking_lot::Mutex;

use super::{DatabaseError, Fault, Session, SqliteTarget, Target, open};
use crate::sql::{Adapted, Dialect, RewriteError};

/// What a connection manager leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseConnection {
    /// Name of the connection manager.
    pub manager: String,
    pub target: Target,
    /// `RetainSameConnection`.
    pub retain: bool,
    /// The SQL that the package is written in: that of the database which the manager led to before it was re-pointed.
    pub written_in: Dialect,
}

impl DatabaseConnection {
    /// A statement of the package in the SQL of a database.
    ///
    /// # Errors
    /// What cannot be said in it.
    pub fn adapt(&self, _to: Dialect, sql: &str) -> Result<Adapted, RewriteError> {
        Ok(Adapted {
            text: sql.to_owned(),
            order: None,
        })
    }
}

/// Sessions that are kept between their uses.
#[derive(Debug, Default)]
pub struct Sessions {
    kept: Mutex<HashMap<String, Kept>>,
}

#[derive(Debug)]
enum Kept {
    Free(Box<dyn Session>),
    InUse,
}

/// A session in use.
#[derive(Debug)]
pub struct Lease {
    /// Always there but while it is dropped.
    session: Option<Box<dyn Session>>,
    home: Option<(Arc<Sessions>, String)>,
}

impl Sessions {
    /// A session of a manager. Blocks.
    ///
    /// # Errors
    /// As [`open`].
    pub fn acquire(
        self: &Arc<Self>,
        connection: &DatabaseConnection,
    ) -> Result<Lease, DatabaseError> {
        let in_memory = connection.target == Target::Sqlite(SqliteTarget { file: None });
        if !connection.retain && !in_memory {
            return Ok(Lease {
                session: Some(open(&connection.target)?),
                home: None,
            });
        }
        let key = connection.manager.to_lowercase();
        let kept = self.kept.lock().insert(key.clone(), Kept::InUse);
        let session = match kept {
            Some(Kept::Free(session)) => Ok(session),
            None => open(&connection.target),
            Some(Kept::InUse) if in_memory => Err(DatabaseError::new(
                connection.target.to_string(),
                Fault::Unsupported,
                "a database in memory can be used by one component at a time: give it a file",
            )),
            Some(Kept::InUse) => {
                return Ok(Lease {
                    session: Some(open(&connection.target)?),
                    home: None,
                });
            }
        };
        if session.is_err() && !in_memory {
            self.kept.lock().remove(&key);
        }
        Ok(Lease {
            session: Some(session?),
            home: Some((Arc::clone(self), key)),
        })
    }
}

impl Deref for Lease {
    type Target = dyn Session;

    #[expect(clippy::expect_used, reason = "taken out by drop only")]
    fn deref(&self) -> &Self::Target {
        self.session.as_deref().expect("a lease has a session")
    }
}

impl DerefMut for Lease {
    #[expect(clippy::expect_used, reason = "taken out by drop only")]
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.session.as_deref_mut().expect("a lease has a session")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let (Some(session), Some((home, key))) = (self.session.take(), self.home.take()) {
            home.kept.lock().insert(key, Kept::Free(session));
        }
    }
}
