//! Databases: one contract for SQL Server, PostgreSQL, SQLite and whatever ODBC or ADBC reaches.
//!
//! ```text
//!  ConnectionString ──Target──▶ what to open ──open──▶ Session ─┬─ query ───▶ Rows: record batches
//!                                                               ├─ execute ─▶ Executed: result sets, counts, parameters
//!                                                               ├─ load ────▶ Load: record batches go in
//!                                                               └─ begin, commit, roll back, describe
//! ```
//!
//! **A session blocks.** Its callers live on blocking threads: a feed of a source, the writer of a destination, a task. A
//! client that is async runs on a runtime of its own inside its session. What another thread may do meanwhile is
//! [`Cancel::cancel`].
//!
//! **Types.** Columns have the Arrow type that is natural for their database type (`docs/databases.md` has the table); what
//! a package declares is for the component that asked. Text is `Utf8View`, binary `BinaryView`, date and time without a zone
//! `Timestamp(Microsecond)`.

mod adbc;
mod dialect;
mod error;
mod isolation;
mod keywords;
mod natural;
mod noted;
mod odbc;
mod parts;
mod postgres;
mod provider;
mod sessions;
mod sql_server;
mod sqlite;
mod sqlstate;
mod statement;
mod table_name;
mod target;
#[cfg(test)]
mod tests;
mod transaction;
mod watch;

use std::{fmt::Debug, ops::ControlFlow, sync::Arc};

use arrow::{
    array::RecordBatch,
    datatypes::{DataType, SchemaRef},
};

pub use error::{DatabaseError, Fault};
pub use isolation::IsolationLevel;
pub use keywords::Keywords;
pub use provider::{LeadsTo, PROVIDERS, Provider};
pub use sessions::{AdaptError, Adapted, DatabaseConnection, Lease, Sessions};
pub use statement::{
    Collected, Direction, Executed, LoadOptions, Parameter, ReadOptions, ResultSet, Statement,
};
pub use table_name::TableName;
pub use target::{
    AdbcTarget, Encrypt, OdbcTarget, PostgresTarget, SCHEMES, SqlServerTarget, SqliteTarget,
    Target, TargetError,
};
pub use transaction::one_transaction;

use crate::sql::Dialect;

/// Opens a database.
///
/// # Errors
/// [`Fault::Unreachable`], [`Fault::Login`], [`Fault::Unsupported`] for what this build cannot open.
pub fn open(target: &Target) -> Result<Box<dyn Session>, DatabaseError> {
    match target {
        Target::Sqlite(target) => Ok(Box::new(sqlite::SqliteSession::open(target)?)),
        Target::SqlServer(target) => Ok(Box::new(sql_server::SqlServerSession::open(target)?)),
        Target::Adbc(target) => Ok(Box::new(adbc::AdbcSession::open(target)?)),
        Target::Odbc(target) => Ok(Box::new(odbc::OdbcSession::open(target)?)),
        Target::Postgres(target) => Ok(Box::new(postgres::PostgresSession::open(target)?)),
    }
}

/// An open connection.
pub trait Session: Send + Debug {
    /// The SQL that it speaks.
    fn dialect(&self) -> Dialect;

    /// Runs a statement that yields rows, and hands them to `sink` as they come. Of several result sets it is the first.
    fn query(
        &mut self,
        statement: &Statement<'_>,
        options: &ReadOptions,
        sink: &mut dyn RowSink,
    ) -> Result<(), DatabaseError>;

    /// Runs a batch of statements to its end; rows are collected.
    fn execute(&mut self, statement: &Statement<'_>) -> Result<Executed, DatabaseError>;

    /// Runs a statement once for each row of `rows`, whose columns are its parameters in order. For each row how many rows
    /// it changed, or why it failed. With `go_on` the next row follows a failure, else the list ends with it. The
    /// statement's timeout is that of a row.
    fn execute_each(
        &mut self,
        statement: &Statement<'_>,
        rows: &RecordBatch,
        go_on: bool,
    ) -> Result<Vec<Result<u64, DatabaseError>>, DatabaseError>;

    /// The columns of a table or view.
    fn describe(&mut self, table: &TableName) -> Result<Vec<TableColumn>, DatabaseError>;

    /// Begins to load rows into `columns` of a table. Until [`Load::commit`] nobody else sees them.
    fn load<'s>(
        &'s mut self,
        table: &TableName,
        columns: &[String],
        options: &LoadOptions,
    ) -> Result<Box<dyn Load + 's>, DatabaseError>;

    fn begin(&mut self) -> Result<(), DatabaseError>;
    fn commit(&mut self) -> Result<(), DatabaseError>;
    /// Without effect outside a transaction.
    fn rollback(&mut self) -> Result<(), DatabaseError>;

    /// After a failure with [`Fault::Lost`]: whether the connection is there all the same. `None` where the client does not
    /// know.
    fn is_alive(&self) -> Option<bool> {
        None
    }

    /// Whether a transaction is open; `None` where the client does not know.
    fn in_transaction(&self) -> Option<bool> {
        None
    }

    /// What stops a running call from another thread.
    fn canceller(&self) -> Arc<dyn Cancel>;
}

/// Takes the rows of a query.
pub trait RowSink {
    /// Before the first batch, also when there is none. Natural types; may differ from what [`ReadOptions::wanted`] asked
    /// for.
    fn start(&mut self, schema: &SchemaRef) -> ControlFlow<()>;
    /// Rows, one at least. A break ends the query without an error.
    fn batch(&mut self, batch: RecordBatch) -> ControlFlow<()>;
    /// What was lost of the values on the way, if it is not nothing: for the user.
    fn lost(&mut self, _what: String) {}
}

/// Rows on their way into a table. Dropped without a commit, nothing of what was written since the last one stays.
pub trait Load {
    /// Seconds that the database may take for each write from now on, which fails with [`Fault::Timeout`] then; 0 for any
    /// time. What was written since the last commit is not to be committed after it.
    fn allow(&mut self, seconds: u32);
    /// All rows, or none of them and the first failure. The columns are those of [`Session::load`], in order.
    fn write(&mut self, rows: &RecordBatch) -> Result<(), DatabaseError>;
    /// Row by row: those that fail, by their position in the batch, with the reason. The others are in, up to the first
    /// failure unless `go_on`.
    fn write_each(
        &mut self,
        rows: &RecordBatch,
        go_on: bool,
    ) -> Result<Vec<(usize, DatabaseError)>, DatabaseError>;
    /// Makes durable what was written since the last commit.
    fn commit(&mut self) -> Result<(), DatabaseError>;
}

/// Stops the call that a session is in, which then fails with [`Fault::Cancelled`]. Without effect on an idle session.
pub trait Cancel: Send + Sync + Debug {
    fn cancel(&self);
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableColumn {
    pub name: String,
    /// As the database declares it: `nvarchar(50)`.
    pub declared: String,
    /// Natural type of its values.
    pub data_type: DataType,
    pub nullable: bool,
    /// The database numbers the rows.
    pub identity: bool,
    pub has_default: bool,
    /// Worked out by the database: cannot be written.
    pub computed: bool,
}
