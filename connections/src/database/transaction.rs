//! One transaction of a package: one session, which all that takes part uses, one after the other.
//!
//! ```text
//!  acquire ──first──▶ a session of the package's ── BEGIN ──▶ lent ◀──┐
//!  acquire ──later──▶ waits until it is given back ────────▶ lent ───┘ given back when the lease is dropped
//!  end ─────────────▶ COMMIT or ROLLBACK, and the session goes where it came from
//! ```
//!
//! **Whoever holds the session waits for nobody else who needs it**, or all would wait for ever: that is for its users to
//! keep.
//! **Failures.** A statement that fails leaves the transaction as it was before, by itself where the database does so, by a
//! savepoint in PostgreSQL; a load that does not come to its end is undone by a savepoint. Where neither is possible
//! (DuckDB, a deadlock, a statement that ends the transaction), nothing more runs in it, and it ends in a rollback: an
//! error, not a commit of half of it.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use arrow::array::RecordBatch;
use parking_lot::{Condvar, Mutex};

use super::{
    Cancel, DatabaseConnection, DatabaseError, Executed, Fault, IsolationLevel, Lease, Load,
    LoadOptions, ReadOptions, RowSink, Session, Sessions, SqlServerTarget, SqliteTarget, Statement,
    TableColumn, TableName, Target, isolation,
};
use crate::{Files, LocalFiles, sql::Dialect};

/// The session of a transaction, and who has it.
#[derive(Debug)]
pub(super) struct Transaction {
    /// Where sessions come from.
    outer: Arc<Sessions>,
    level: IsolationLevel,
    state: Mutex<State>,
    given_back: Condvar,
}

#[derive(Debug)]
enum State {
    /// Nobody has needed a database yet.
    Unused,
    Free(Box<Open>),
    Lent,
    Ended,
}

/// An open transaction.
#[derive(Debug)]
struct Open {
    lease: Lease,
    /// Of whom the session was opened.
    first: DatabaseConnection,
    /// The database of the server that it is in at the moment.
    target: Target,
    /// Why it can only be rolled back.
    lost: Option<String>,
}

impl Transaction {
    pub(super) fn new(outer: Arc<Sessions>, level: IsolationLevel) -> Self {
        Self {
            outer,
            level,
            state: Mutex::new(State::Unused),
            given_back: Condvar::new(),
        }
    }

    pub(super) fn outer(&self) -> &Arc<Sessions> {
        &self.outer
    }

    pub(super) fn is_ended(&self) -> bool {
        matches!(*self.state.lock(), State::Ended)
    }

    /// The session, once nobody else has it. Blocks.
    pub(super) fn acquire(
        self: &Arc<Self>,
        connection: &DatabaseConnection,
    ) -> Result<Transacted, DatabaseError> {
        let taken = {
            let mut state = self.state.lock();
            while matches!(*state, State::Lent) {
                self.given_back.wait(&mut state);
            }
            if matches!(*state, State::Ended) {
                let message = "the transaction has ended";
                let database = connection.target.to_string();
                return Err(DatabaseError::new(database, Fault::Cancelled, message));
            }
            std::mem::replace(&mut *state, State::Lent)
        };
        let open = match taken {
            State::Free(open) => open.for_use(connection),
            _ => self.open(connection).map_err(|error| (None, error)),
        };
        match open {
            Ok(open) => Ok(Transacted::new(Arc::clone(self), open)),
            Err((open, error)) => {
                self.give_back(open.map_or(State::Unused, State::Free));
                Err(error)
            }
        }
    }

    fn open(&self, connection: &DatabaseConnection) -> Result<Box<Open>, DatabaseError> {
        let mut lease = self.outer.acquire(connection)?;
        isolation::begin(&mut *lease, self.level)?;
        Ok(Box::new(Open {
            lease,
            first: connection.clone(),
            target: connection.target.clone(),
            lost: None,
        }))
    }

    fn give_back(&self, to: State) {
        let mut state = self.state.lock();
        match (&*state, to) {
            (State::Ended, State::Free(open)) => {
                drop(state);
                // It was given up while this was in use.
                drop(open.end(false, self.level));
            }
            (State::Ended, _) => {}
            (_, to) => *state = to,
        }
        self.given_back.notify_all();
    }

    /// Commits or rolls back, and gives the session up. Blocks.
    ///
    /// # Errors
    /// What was to be committed was not.
    pub(super) fn end(&self, commit: bool) -> Result<(), DatabaseError> {
        let taken = {
            let mut state = self.state.lock();
            while matches!(*state, State::Lent) {
                self.given_back.wait(&mut state);
            }
            std::mem::replace(&mut *state, State::Ended)
        };
        self.given_back.notify_all();
        match taken {
            State::Free(open) => open.end(commit, self.level),
            _ => Ok(()),
        }
    }

    /// Ends it without a commit and without waiting: on a thread of its own, or when it is given back.
    pub(super) fn give_up(&self) {
        let taken = std::mem::replace(&mut *self.state.lock(), State::Ended);
        self.given_back.notify_all();
        if let State::Free(open) = taken {
            let level = self.level;
            std::thread::spawn(move || drop(open.end(false, level)));
        }
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        self.give_up();
    }
}

/// With the transaction itself where it is still open.
type Refused = (Option<Box<Open>>, DatabaseError);

impl Open {
    /// For a connection manager that may be another one.
    fn for_use(mut self: Box<Self>, connection: &DatabaseConnection) -> Result<Box<Self>, Refused> {
        if let Some(why) = &self.lost {
            let message = format!("the transaction cannot go on: {why}");
            let error = DatabaseError::new(self.target.to_string(), Fault::Unsupported, message);
            return Err((Some(self), error));
        }
        if same(&connection.target, &self.target) {
            return Ok(self);
        }
        let Some(database) = beside(&self.first.target, &connection.target) else {
            let message = spans(
                (&self.first.manager, &self.first.target),
                (&connection.manager, &connection.target),
            );
            let error =
                DatabaseError::new(connection.target.to_string(), Fault::Unsupported, message);
            return Err((Some(self), error));
        };
        match self.lease.execute(&Statement::new(&in_database(database))) {
            Ok(_) => {
                self.target = connection.target.clone();
                Ok(self)
            }
            Err(error) => Err((Some(self), error)),
        }
    }

    fn end(mut self, commit: bool, level: IsolationLevel) -> Result<(), DatabaseError> {
        let session = &mut *self.lease;
        let ended = match (&self.lost, commit) {
            (Some(why), true) => Err(DatabaseError::new(
                self.first.target.to_string(),
                Fault::Unsupported,
                format!("the transaction was rolled back instead of committed: {why}"),
            )),
            (_, false) => Ok(()),
            (None, true) => committed(session),
        };
        if ended.is_err() || !commit {
            let back = session.rollback();
            if let (Err(error), Ok(())) = (back, &ended) {
                return Err(error);
            }
        }
        if self.lease.is_kept() {
            isolation::reset(&mut *self.lease, level);
            if let (true, Some(database)) = (
                self.target != self.first.target,
                database_of(&self.first.target),
            ) {
                drop(self.lease.execute(&Statement::new(&in_database(database))));
            }
        }
        ended
    }
}

fn committed(session: &mut dyn Session) -> Result<(), DatabaseError> {
    if session.dialect() == Dialect::Postgres {
        // The commit of a transaction that failed is a rollback without an error.
        session.execute(&Statement::new("SELECT 1"))?;
    }
    session.commit()
}

/// Why two connection managers cannot be in one transaction.
fn spans((first, at): (&str, &Target), (other, there): (&str, &Target)) -> String {
    format!(
        "connection manager `{other}` leads to {there}, and the transaction is one of `{first}`, at {at}: a transaction \
         of two databases is not supported; re-point both to one database, or set TransactionOption of one of the tasks \
         to NotSupported"
    )
}

/// Whether both can be in one transaction: one database, or two of one SQL Server with one login.
///
/// # Errors
/// Why not, for a person.
pub fn one_transaction(
    first: &DatabaseConnection,
    other: &DatabaseConnection,
) -> Result<(), String> {
    match same(&first.target, &other.target) || beside(&first.target, &other.target).is_some() {
        true => Ok(()),
        false => Err(spans(
            (&first.manager, &first.target),
            (&other.manager, &other.target),
        )),
    }
}

/// Whether both lead to one database; a file may be named in more than one way.
fn same(first: &Target, other: &Target) -> bool {
    let place = |file: &Path| {
        let whole = LocalFiles.canonical(file).ok();
        let folder = || {
            let folder = file
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty());
            let folder = LocalFiles
                .canonical(folder.unwrap_or(Path::new(".")))
                .ok()?;
            Some(folder.join(file.file_name()?))
        };
        whole.or_else(folder)
    };
    match (first, other) {
        _ if first == other => true,
        (
            Target::Sqlite(SqliteTarget { file: Some(first) }),
            Target::Sqlite(SqliteTarget { file: Some(other) }),
        ) => place(first).is_some() && place(first) == place(other),
        _ => false,
    }
}

/// The name of the database that `other` is, if a session of `first` can go there.
fn beside<'t>(first: &Target, other: &'t Target) -> Option<&'t str> {
    let (Target::SqlServer(first), Target::SqlServer(other)) = (first, other) else {
        return None;
    };
    let login = |one: &SqlServerTarget| (one.user.clone(), one.password.clone());
    let port = |one: &SqlServerTarget| one.port.unwrap_or(1433);
    let named = |one: &SqlServerTarget| one.instance.as_ref().map(|name| name.to_lowercase());
    let same = first.host.eq_ignore_ascii_case(&other.host)
        && named(first) == named(other)
        && (named(first).is_some() || port(first) == port(other))
        && first.port.is_some() == other.port.is_some()
        && login(first) == login(other);
    other
        .database
        .as_deref()
        .filter(|_| same && first.database.is_some())
}

fn database_of(target: &Target) -> Option<&str> {
    match target {
        Target::SqlServer(target) => target.database.as_deref(),
        _ => None,
    }
}

fn in_database(name: &str) -> String {
    format!("USE [{}]", name.replace(']', "]]"))
}

/// The session of a transaction in use; dropped, it is given back.
#[derive(Debug)]
pub(super) struct Transacted {
    transaction: Arc<Transaction>,
    /// Always there but while it is dropped.
    open: Option<Box<Open>>,
    /// A load was begun: whether it has written what it has not committed.
    loading: Option<Arc<AtomicBool>>,
}

/// Whether MySQL ends a transaction at a statement.
fn commits(sql: &str) -> bool {
    let word = sql.split_whitespace().next().unwrap_or_default();
    let words = [
        "CREATE", "ALTER", "DROP", "TRUNCATE", "RENAME", "GRANT", "REVOKE", "ANALYZE",
    ];
    words.iter().any(|known| word.eq_ignore_ascii_case(known))
}

/// Statements by which a part of a transaction is undone.
struct Savepoint {
    set: &'static str,
    undo: &'static str,
    release: Option<&'static str>,
}

fn savepoint(dialect: Dialect) -> Option<Savepoint> {
    match dialect {
        Dialect::MsSql => Some(Savepoint {
            set: "SAVE TRANSACTION fletching_step",
            undo: "ROLLBACK TRANSACTION fletching_step",
            release: None,
        }),
        Dialect::Sqlite | Dialect::Postgres | Dialect::MySql => Some(Savepoint {
            set: "SAVEPOINT fletching_step",
            undo: "ROLLBACK TO SAVEPOINT fletching_step",
            release: Some("RELEASE SAVEPOINT fletching_step"),
        }),
        Dialect::DuckDb | Dialect::Other => None,
    }
}

impl Savepoint {
    fn end(&self, session: &mut dyn Session, undo: bool) -> Result<(), DatabaseError> {
        let statements = [undo.then_some(self.undo), self.release];
        statements
            .into_iter()
            .flatten()
            .try_for_each(|sql| session.execute(&Statement::new(sql)).map(|_| ()))
    }
}

impl Transacted {
    fn new(transaction: Arc<Transaction>, open: Box<Open>) -> Self {
        Self {
            transaction,
            open: Some(open),
            loading: None,
        }
    }

    #[expect(clippy::expect_used, reason = "taken out by drop only")]
    fn open(&mut self) -> &mut Open {
        self.open.as_mut().expect("it is open until it is dropped")
    }

    #[expect(clippy::expect_used, reason = "taken out by drop only")]
    fn session(&self) -> &dyn Session {
        &*self.open.as_ref().expect("as above").lease
    }

    /// A step whose failure must leave the transaction as it was: where the database does not see to that.
    fn step<T>(
        &mut self,
        work: impl FnOnce(&mut dyn Session) -> Result<T, DatabaseError>,
    ) -> Result<T, DatabaseError> {
        self.settle_load();
        let dialect = self.session().dialect();
        let savepoint = savepoint(dialect).filter(|_| dialect == Dialect::Postgres);
        let session = &mut *self.open().lease;
        if let Some(savepoint) = &savepoint {
            session.execute(&Statement::new(savepoint.set))?;
        }
        let done = work(session);
        let ended = savepoint.map_or(Ok(()), |one| one.end(session, done.is_err()));
        self.note(done.as_ref().err(), ended.err());
        done
    }

    /// Undoes a load that has not come to its end.
    fn settle_load(&mut self) {
        let Some(dirty) = self.loading.take() else {
            return;
        };
        let dirty = dirty.load(Ordering::Acquire);
        let session = &mut *self.open().lease;
        let ended = match savepoint(session.dialect()) {
            Some(savepoint) => savepoint.end(session, dirty),
            None if dirty => Err(DatabaseError::new(
                "",
                Fault::Unsupported,
                "a load failed, and this database has no savepoints to undo it alone",
            )),
            None => Ok(()),
        };
        self.note(None, ended.err());
    }

    /// Notes that the transaction is gone, if it is. `end`: what failed of a savepoint.
    fn note(&mut self, error: Option<&DatabaseError>, end: Option<DatabaseError>) {
        let session = self.session();
        let survives = match session.dialect() {
            Dialect::DuckDb | Dialect::Other => error.is_none(),
            Dialect::MsSql | Dialect::Sqlite | Dialect::Postgres | Dialect::MySql => {
                error.is_none_or(|error| !error.is_fatal() && error.fault != Fault::Locked)
            }
        };
        let why = match (session.in_transaction(), error.or(end.as_ref())) {
            (Some(false), None) => "a statement of the package has ended it".to_owned(),
            (Some(false), Some(error)) => format!("a failure has ended it: {}", error.message),
            (_, Some(error)) if end.is_some() => error.message.clone(),
            (None, Some(error)) if !survives => {
                format!(
                    "what a failure has left of it is not known: {}",
                    error.message
                )
            }
            _ => return,
        };
        self.open().lost.get_or_insert(why);
    }

    fn refused(&mut self, what: &str) -> DatabaseError {
        let message =
            format!("a transaction cannot be {what} here: the package begins and ends its own");
        DatabaseError::new(self.open().target.to_string(), Fault::Unsupported, message)
    }
}

impl Session for Transacted {
    fn dialect(&self) -> Dialect {
        self.session().dialect()
    }

    fn query(
        &mut self,
        statement: &Statement<'_>,
        options: &ReadOptions,
        sink: &mut dyn RowSink,
    ) -> Result<(), DatabaseError> {
        self.step(|session| session.query(statement, options, sink))
    }

    fn execute(&mut self, statement: &Statement<'_>) -> Result<Executed, DatabaseError> {
        let mut executed = self.step(|session| session.execute(statement))?;
        if self.dialect() == Dialect::MySql && commits(statement.sql) {
            executed.messages.push(
                "this database commits what the transaction has done so far when it meets such a statement".to_owned(),
            );
        }
        Ok(executed)
    }

    fn execute_each(
        &mut self,
        statement: &Statement<'_>,
        rows: &RecordBatch,
        go_on: bool,
    ) -> Result<Vec<Result<u64, DatabaseError>>, DatabaseError> {
        self.step(|session| session.execute_each(statement, rows, go_on))
    }

    fn describe(&mut self, table: &TableName) -> Result<Vec<TableColumn>, DatabaseError> {
        self.step(|session| session.describe(table))
    }

    /// What the load commits is committed with the transaction.
    fn load<'s>(
        &'s mut self,
        table: &TableName,
        columns: &[String],
        options: &LoadOptions,
    ) -> Result<Box<dyn Load + 's>, DatabaseError> {
        self.settle_load();
        let dirty = Arc::<AtomicBool>::default();
        let session = &mut *self.open().lease;
        if let Some(savepoint) = savepoint(session.dialect()) {
            session.execute(&Statement::new(savepoint.set))?;
        }
        self.loading = Some(Arc::clone(&dirty));
        let load = self.open().lease.load(table, columns, options)?;
        Ok(Box::new(TransactedLoad { load, dirty }))
    }

    fn begin(&mut self) -> Result<(), DatabaseError> {
        Err(self.refused("begun"))
    }

    fn commit(&mut self) -> Result<(), DatabaseError> {
        Err(self.refused("committed"))
    }

    fn rollback(&mut self) -> Result<(), DatabaseError> {
        Err(self.refused("rolled back"))
    }

    fn is_alive(&self) -> Option<bool> {
        self.session().is_alive()
    }

    fn in_transaction(&self) -> Option<bool> {
        self.session().in_transaction()
    }

    fn canceller(&self) -> Arc<dyn Cancel> {
        self.session().canceller()
    }
}

impl Drop for Transacted {
    fn drop(&mut self) {
        self.settle_load();
        if let Some(open) = self.open.take() {
            self.transaction.give_back(State::Free(open));
        }
    }
}

/// A load that tells whether it came to its end.
struct TransactedLoad<'s> {
    load: Box<dyn Load + 's>,
    dirty: Arc<AtomicBool>,
}

impl Load for TransactedLoad<'_> {
    fn allow(&mut self, seconds: u32) {
        self.load.allow(seconds);
    }

    fn write(&mut self, rows: &RecordBatch) -> Result<(), DatabaseError> {
        self.dirty.store(true, Ordering::Release);
        self.load.write(rows)
    }

    fn write_each(
        &mut self,
        rows: &RecordBatch,
        go_on: bool,
    ) -> Result<Vec<(usize, DatabaseError)>, DatabaseError> {
        self.dirty.store(true, Ordering::Release);
        self.load.write_each(rows, go_on)
    }

    fn commit(&mut self) -> Result<(), DatabaseError> {
        self.load.commit()?;
        self.dirty.store(false, Ordering::Release);
        Ok(())
    }
}
