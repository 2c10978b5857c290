//! The sessions of a run.
//!
//! Who needs a database acquires a session and gives it back by dropping the lease. A manager with `RetainSameConnection`
//! keeps one session for the whole run, so that temporary tables and settings stay; a second one beside it is opened only
//! while the first is in use. A retained session that broke is not kept: whoever used it has the failure, and the next
//! one has a new session, and is told so.

use std::{
    collections::HashMap,
    ops::{Deref, DerefMut},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use arrow::{
    array::{AsArray, Int64Array},
    datatypes::Int64Type,
};
use parking_lot::Mutex;

use super::{
    DatabaseError, Direction, Fault, IsolationLevel, Parameter, Session, SqliteTarget, Target,
    noted::Noted, open, transaction::Transaction,
};
use crate::sql::{self, Dialect, RewriteError};

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

/// A statement of the package as a database is sent it.
#[derive(Debug, Clone)]
pub struct Adapted {
    pub text: String,
    /// Yields rows; of a text that was not rewritten nobody knows.
    pub is_query: Option<bool>,
    pub parameters: Vec<Parameter>,
}

/// Why a statement of the package cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdaptError {
    #[error("{database} does not speak the SQL of the package: {error}")]
    Rewrite {
        database: String,
        error: RewriteError,
    },
    #[error("the statement has a parameter `{marker}`, for which no value is given")]
    NoValue { marker: String },
}

impl DatabaseConnection {
    /// Statements of the package in the SQL of a database, each with its parameters in its own order.
    ///
    /// # Errors
    /// What cannot be said in it.
    pub fn adapt(
        &self,
        to: Dialect,
        text: &str,
        parameters: &[Parameter],
    ) -> Result<Vec<Adapted>, AdaptError> {
        let to_itself = self.written_in != Dialect::MsSql || to == Dialect::MsSql;
        let to = if to_itself { Dialect::MsSql } else { to };
        let rewritten = sql::rewrite(text, to).map_err(|error| AdaptError::Rewrite {
            database: self.target.to_string(),
            error,
        })?;
        let mut adapted = Vec::new();
        for (at, statement) in rewritten.statements.into_iter().enumerate() {
            let parameters = match (to_itself, at) {
                // The markers of a text that was not read are its own affair.
                (true, 0) => parameters.to_vec(),
                (true, _) => Vec::new(),
                (false, _) => of_markers(&statement.parameters, parameters)?,
            };
            let one = Adapted {
                text: statement.text,
                is_query: (!to_itself).then_some(statement.kind == sql::Kind::Query),
                parameters,
            };
            adapted.extend(std::iter::repeat_n(one, statement.repeat as usize));
        }
        Ok(adapted)
    }
}

impl DatabaseConnection {
    /// As [`adapt`](Self::adapt), of a text that is run for many rows: for each statement the places of its parameters
    /// among the `count` columns of the rows.
    pub fn adapt_markers(
        &self,
        to: Dialect,
        text: &str,
        count: usize,
    ) -> Result<Vec<(String, Vec<usize>)>, AdaptError> {
        let places = (0..count as i64).map(|place| Parameter {
            name: None,
            direction: Direction::Input,
            value: Arc::new(Int64Array::from(vec![place])),
            size: 0,
        });
        let statements = self.adapt(to, text, &places.collect::<Vec<_>>())?;
        let of_statement = |statement: Adapted| {
            let places = statement.parameters.iter().filter_map(|parameter| {
                let place = parameter.value.as_primitive_opt::<Int64Type>()?;
                usize::try_from(place.values().first().copied()?).ok()
            });
            let places = places.collect();
            (statement.text, places)
        };
        Ok(statements.into_iter().map(of_statement).collect())
    }
}

/// The values of a statement's markers, in its order.
fn of_markers(
    markers: &[sql::Parameter],
    parameters: &[Parameter],
) -> Result<Vec<Parameter>, AdaptError> {
    let values = markers.iter().map(|marker| {
        let (found, shown) = match marker {
            sql::Parameter::Ordinal(at) => (parameters.get(*at), format!("?{}", at + 1)),
            sql::Parameter::Named(name) => {
                let bare = name.trim_start_matches('@');
                let named = parameters.iter().find(|parameter| {
                    let known = parameter.name.as_deref().unwrap_or_default();
                    known.trim_start_matches('@').eq_ignore_ascii_case(bare)
                });
                (named, name.clone())
            }
        };
        let value = found.ok_or(AdaptError::NoValue { marker: shown })?;
        // Markers of the rewritten text are counted, whatever they were called.
        Ok(Parameter {
            name: None,
            ..value.clone()
        })
    });
    values.collect()
}

/// Sessions that are kept between their uses.
#[derive(Debug, Default)]
pub struct Sessions {
    kept: Mutex<HashMap<String, Kept>>,
    /// All sessions are this one.
    transaction: Option<Arc<Transaction>>,
}

/// How long the end of a run waits for its kept sessions to end.
const GOODBYE_WAIT: Duration = Duration::from_millis(500);

impl Drop for Sessions {
    /// On a thread of their own: this one may drive a runtime, which must not wait, nor may a server that says nothing hold
    /// up a run that was cancelled.
    fn drop(&mut self) {
        let kept = std::mem::take(self.kept.get_mut());
        if kept.is_empty() {
            return;
        }
        let (told, ended) = mpsc::sync_channel::<()>(1);
        let work = move || {
            drop(kept);
            drop(told);
        };
        if thread::Builder::new().spawn(work).is_ok() {
            // Nothing is ever sent: it is over when the other end is gone, or the time.
            ended.recv_timeout(GOODBYE_WAIT).ok();
        }
    }
}

#[derive(Debug)]
enum Kept {
    Free(Noted),
    InUse,
    /// It broke.
    Lost,
}

/// Which session of its manager a lease has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Only,
    /// Opened beside the retained session, which was in use.
    Beside,
    /// Opened after the retained session, which broke.
    After,
}

/// A session in use.
#[derive(Debug)]
pub struct Lease {
    /// Always there but while it is dropped.
    session: Option<Noted>,
    home: Option<(Arc<Sessions>, String)>,
    kind: Kind,
}

impl Lease {
    /// Whether it is not the session that its manager retains, because that one is in use: temporary tables are not there.
    pub fn is_beside(&self) -> bool {
        self.kind == Kind::Beside
    }

    /// Whether it is the first one after a retained session that broke: what that one had, temporary tables and an open
    /// transaction, is gone.
    pub fn is_after_break(&self) -> bool {
        self.kind == Kind::After
    }

    /// Whether somebody else gets the session after this lease.
    pub(super) fn is_kept(&self) -> bool {
        self.home.is_some()
    }
}

/// Transactions of a package: [`transaction`](super::transaction).
impl Sessions {
    /// The session of a transaction that begins when it is first needed. Sessions come from `outer`.
    pub fn in_transaction(outer: &Arc<Self>, level: IsolationLevel) -> Arc<Self> {
        let transaction = Transaction::new(Arc::clone(outer), level);
        Arc::new(Self {
            kept: Mutex::default(),
            transaction: Some(Arc::new(transaction)),
        })
    }

    /// Whether there is one session for all, which does one thing at a time.
    pub fn is_transaction(&self) -> bool {
        self.transaction.is_some()
    }

    /// Those outside the transaction, once it has ended; else itself.
    pub fn current(self: &Arc<Self>) -> Arc<Self> {
        match &self.transaction {
            Some(transaction) if transaction.is_ended() => Arc::clone(transaction.outer()),
            _ => Arc::clone(self),
        }
    }

    /// Ends the transaction. Blocks until nobody uses its session.
    ///
    /// # Errors
    /// What was to be committed was not.
    pub fn end(&self, commit: bool) -> Result<(), DatabaseError> {
        let transaction = self.transaction.as_ref();
        transaction.map_or(Ok(()), |transaction| transaction.end(commit))
    }

    /// Ends the transaction without a commit, and without waiting for it.
    pub fn give_up(&self) {
        if let Some(transaction) = &self.transaction {
            transaction.give_up();
        }
    }
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
        if let Some(transaction) = &self.transaction {
            return Ok(Lease {
                session: Some(Noted::new(Box::new(transaction.acquire(connection)?))),
                home: None,
                kind: Kind::Only,
            });
        }
        let in_memory = connection.target == Target::Sqlite(SqliteTarget { file: None });
        let lease = |kind, home| -> Result<Lease, DatabaseError> {
            Ok(Lease {
                session: Some(Noted::new(open(&connection.target)?)),
                home,
                kind,
            })
        };
        if !connection.retain && !in_memory {
            return lease(Kind::Only, None);
        }
        let key = connection.manager.to_lowercase();
        let kept = self.kept.lock().insert(key.clone(), Kept::InUse);
        let kind = match kept {
            Some(Kept::Free(session)) => {
                return Ok(Lease {
                    session: Some(session),
                    home: Some((Arc::clone(self), key)),
                    kind: Kind::Only,
                });
            }
            Some(Kept::InUse) if in_memory => {
                return Err(DatabaseError::new(
                    connection.target.to_string(),
                    Fault::Unsupported,
                    "a database in memory can be used by one component at a time: give it a file",
                ));
            }
            Some(Kept::InUse) => return lease(Kind::Beside, None),
            Some(Kept::Lost) => Kind::After,
            None => Kind::Only,
        };
        let opened = lease(kind, Some((Arc::clone(self), key.clone())));
        if opened.is_err() {
            let mut kept = self.kept.lock();
            match kind {
                Kind::After => kept.insert(key, Kept::Lost),
                _ => kept.remove(&key),
            };
        }
        opened
    }
}

impl Deref for Lease {
    type Target = dyn Session;

    #[expect(clippy::expect_used, reason = "taken out by drop only")]
    fn deref(&self) -> &Self::Target {
        self.session.as_ref().expect("a lease has a session")
    }
}

impl DerefMut for Lease {
    #[expect(clippy::expect_used, reason = "taken out by drop only")]
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.session.as_mut().expect("a lease has a session")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let (Some(session), Some((home, key))) = (self.session.take(), self.home.take()) {
            let kept = match session.is_broken() {
                true => Kept::Lost,
                false => Kept::Free(session),
            };
            home.kept.lock().insert(key, kept);
        }
    }
}
