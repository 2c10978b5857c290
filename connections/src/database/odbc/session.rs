//! An open ODBC connection.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow_odbc::odbc_api::{
    Connection, ConnectionOptions, Preallocated, environment,
    handles::{AsStatementRef, StatementImpl, StatementRef},
};

use super::{
    describe::{describe, table_text},
    failure::{failure, not_connected},
    load::OdbcLoad,
    raw::Interrupt,
    read::{Talk, all_results, direct, each, first_rows, prepared},
    shape::Habits,
};
use crate::{
    database::{
        Cancel, DatabaseError, Direction, Executed, Fault, Keywords, Load, LoadOptions, OdbcTarget,
        Parameter, ReadOptions, RowSink, Session, Statement, TableColumn, TableName, Target,
        watch::{Unhurried, Watch, each_timed},
    },
    sql::Dialect,
};

/// Seconds to wait for a connection, for drivers that know of it.
const LOGIN_SECONDS: u32 = 15;

pub(crate) struct OdbcSession {
    pub(super) connection: Connection<'static>,
    pub(super) name: String,
    pub(super) dialect: Dialect,
    pub(super) quote: Option<char>,
    pub(super) habits: Habits,
    pub(super) interrupt: Arc<Interrupt>,
    /// A transaction is open: the driver commits nothing by itself.
    pub(super) within: bool,
}

impl std::fmt::Debug for OdbcSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OdbcSession")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// With what PostgreSQL's driver needs to report types as they are, and MariaDB's (3.1) not to crash over a statement with a
/// semicolon in it: it is to leave several statements to the server.
fn connection_text(keywords: &Keywords) -> String {
    let mut keywords = keywords.clone();
    let driver = keywords.get(&["driver"]).unwrap_or_default().to_lowercase();
    let needed: &[(&str, &str)] = match &driver {
        name if name.contains("postgres") || name.contains("psqlodbc") => {
            &[("BoolsAsChar", "0"), ("MaxVarcharSize", "65536")]
        }
        name if name.contains("maria") || name.contains("libmaodbc") => {
            &[("OPTION", "67108864")] // FLAG_MULTI_STATEMENTS
        }
        _ => &[],
    };
    for (key, value) in needed {
        if keywords.get(&[*key]).is_none() {
            keywords.set(key, value);
        }
    }
    // A driver's name with blanks stands in braces.
    keywords
        .iter()
        .map(
            |(key, value)| match value.contains([' ', ';', '{', '}', '=']) {
                true => format!("{key}={{{}}};", value.replace('}', "}}")),
                false => format!("{key}={value};"),
            },
        )
        .collect()
}

fn in_usize(seconds: u32) -> usize {
    usize::try_from(seconds).unwrap_or(usize::MAX)
}

fn dialect(product: &str) -> Dialect {
    let product = product.to_lowercase();
    let known = [
        ("microsoft sql server", Dialect::MsSql),
        ("sqlite", Dialect::Sqlite),
        ("postgresql", Dialect::Postgres),
        ("mariadb", Dialect::MySql),
        ("mysql", Dialect::MySql),
        ("duckdb", Dialect::DuckDb),
    ];
    let found = known.iter().find(|(name, _)| product.contains(name));
    found.map_or(Dialect::Other, |(_, dialect)| *dialect)
}

impl OdbcSession {
    pub(crate) fn open(target: &OdbcTarget) -> Result<Self, DatabaseError> {
        let name = Target::Odbc(target.clone()).to_string();
        let environment = environment().map_err(|error| DatabaseError {
            fault: Fault::Unreachable,
            ..failure(&name, &error)
        })?;
        let options = ConnectionOptions {
            login_timeout_sec: Some(LOGIN_SECONDS),
            ..ConnectionOptions::default()
        };
        let text = connection_text(&target.keywords);
        let connection = environment
            .connect_with_connection_string(&text, options)
            .map_err(|error| not_connected(&name, &error, environment))?;
        let product = connection
            .database_management_system_name()
            .unwrap_or_default();
        let dialect = dialect(&product);
        let quote = connection.identifier_quote_char().ok().flatten();
        let sqlite = dialect == Dialect::Sqlite;
        Ok(Self {
            connection,
            name,
            dialect,
            quote,
            habits: Habits {
                loose: sqlite,
                numeric_of_any_size: (dialect == Dialect::Postgres).then_some((28, 6)),
            },
            interrupt: Arc::default(),
            within: false,
        })
    }

    pub(super) fn talk<'s>(&'s self, sql: &'s str) -> Talk<'s> {
        Talk {
            name: &self.name,
            interrupt: &self.interrupt,
            habits: self.habits,
            sql,
        }
    }

    /// Runs statements whose results nobody wants.
    pub(super) fn run(&self, sql: &str) -> Result<(), DatabaseError> {
        let talk = self.talk(sql);
        let mut statement = self
            .connection
            .preallocate()
            .map_err(|error| talk.fail(&error))?;
        let done = statement.execute(sql, ());
        done.map(|_| ())
            .map_err(|error| failure(&self.name, &error).with_statement(sql))
    }

    /// A statement's handle that knows its timeout.
    pub(super) fn handle(
        &self,
        talk: Talk<'_>,
        seconds: u32,
    ) -> Result<Preallocated<StatementImpl<'_>>, DatabaseError> {
        let handle = self.connection.preallocate();
        let mut handle = handle.map_err(|error| talk.fail(&error))?;
        if seconds > 0 {
            // Not every driver knows of it; the watch does not ask.
            drop(handle.set_query_timeout_sec(in_usize(seconds)));
        }
        Ok(handle)
    }

    /// Runs a statement under a clock; `results` takes what comes.
    pub(super) fn perform<T>(
        &self,
        statement: &Statement<'_>,
        watch: Option<&Watch>,
        results: impl FnOnce(Talk<'_>, StatementRef<'_>) -> Result<T, DatabaseError>,
    ) -> Result<T, DatabaseError> {
        let talk = self.talk(statement.sql);
        let seconds = statement.timeout_seconds;
        let values = self.values(statement)?;
        let done = if values.is_empty() {
            let mut handle = self.handle(talk, seconds)?;
            let running = self.interrupt.enter(&handle.as_stmt_ref());
            let done = direct(talk, &mut handle, (), |at| results(talk, at));
            drop(running);
            done
        } else {
            let handle = self.connection.prepare(statement.sql);
            let mut handle = handle.map_err(|error| talk.fail(&error))?;
            if seconds > 0 {
                drop(handle.set_query_timeout_sec(in_usize(seconds)));
            }
            let running = self.interrupt.enter(&handle.as_stmt_ref());
            let done = prepared(talk, &mut handle, &values, |at| results(talk, at));
            drop(running);
            done
        };
        done.map_err(|error| self.told(error, seconds, watch))
    }

    /// A failure of a call: that it took too long, if that is why.
    pub(super) fn told(
        &self,
        error: DatabaseError,
        seconds: u32,
        watch: Option<&Watch>,
    ) -> DatabaseError {
        // A driver that knows of the timeout may say that the server cancelled it.
        let by_driver = match error.fault {
            Fault::Timeout => true,
            Fault::Cancelled => !self.interrupt.is_cancelled(),
            _ => false,
        };
        let late = by_driver || watch.is_some_and(Watch::is_late);
        match seconds > 0 && late {
            true => error.into_late(seconds),
            false => error,
        }
    }

    fn values(&self, statement: &Statement<'_>) -> Result<Vec<ArrayRef>, DatabaseError> {
        let values = statement
            .parameters
            .iter()
            .map(|parameter| match parameter.direction {
                Direction::Input => Ok(Arc::clone(&parameter.value)),
                _ => {
                    let message = "parameters of a query that is read go in, none comes back";
                    let error = DatabaseError::new(&self.name, Fault::Unsupported, message);
                    Err(error.with_statement(statement.sql))
                }
            });
        values.collect()
    }

    pub(super) fn watch(&self, seconds: u32) -> Option<Watch> {
        Watch::start(seconds, self.canceller())
    }

    /// Columns of a table, and its name for statements.
    fn table(&self, table: &TableName) -> Result<(String, Vec<TableColumn>), DatabaseError> {
        let text = table_text(table, self.dialect, self.quote);
        let sql = format!("SELECT * FROM {text} WHERE 1 = 0");
        let columns = describe(&self.connection, table, &sql, self.habits);
        let columns = columns.map_err(|error| failure(&self.name, &error).with_statement(&sql))?;
        Ok((text, columns))
    }
}

impl Session for OdbcSession {
    fn dialect(&self) -> Dialect {
        self.dialect
    }

    fn query(
        &mut self,
        statement: &Statement<'_>,
        options: &ReadOptions,
        sink: &mut dyn RowSink,
    ) -> Result<(), DatabaseError> {
        let watch = self.watch(statement.timeout_seconds);
        let mut sink = Unhurried {
            sink,
            watch: watch.as_ref(),
        };
        self.perform(statement, watch.as_ref(), |talk, at| {
            first_rows(talk, at, options, &mut sink)
        })
    }

    fn execute(&mut self, statement: &Statement<'_>) -> Result<Executed, DatabaseError> {
        let watch = self.watch(statement.timeout_seconds);
        let comes_back = |one: &Parameter| one.direction != Direction::Input;
        match statement.is_procedure || statement.parameters.iter().any(comes_back) {
            true => self.call(statement, watch.as_ref()),
            false => self.perform(statement, watch.as_ref(), all_results),
        }
    }

    fn execute_each(
        &mut self,
        statement: &Statement<'_>,
        rows: &RecordBatch,
        go_on: bool,
    ) -> Result<Vec<Result<u64, DatabaseError>>, DatabaseError> {
        let (sql, seconds) = (statement.sql, statement.timeout_seconds);
        let talk = self.talk(sql);
        let mut handle = self
            .connection
            .prepare(sql)
            .map_err(|error| talk.fail(&error))?;
        // Drivers that cannot count markers say so when the values are bound.
        if let Ok(wanted) = handle.num_params()
            && usize::from(wanted) != rows.num_columns()
        {
            let message = format!(
                "the statement has {wanted} parameter markers, {} columns are mapped to them",
                rows.num_columns()
            );
            return Err(talk.refuse(Fault::Syntax, message));
        }
        let mut run = |rows: &RecordBatch, go_on| {
            let running = self.interrupt.enter(&handle.as_stmt_ref());
            let done = each(talk, &mut handle, rows, go_on);
            drop(running);
            done
        };
        match seconds {
            0 => run(rows, go_on),
            _ => each_timed(rows, go_on, (seconds, &self.canceller()), &mut |row| {
                run(row, true)
            }),
        }
    }

    fn describe(&mut self, table: &TableName) -> Result<Vec<TableColumn>, DatabaseError> {
        self.table(table).map(|(_, columns)| columns)
    }

    fn load<'s>(
        &'s mut self,
        table: &TableName,
        columns: &[String],
        options: &LoadOptions,
    ) -> Result<Box<dyn Load + 's>, DatabaseError> {
        let (text, described) = self.table(table)?;
        Ok(Box::new(OdbcLoad::open(
            self,
            text,
            (columns, &described),
            options,
        )?))
    }

    fn begin(&mut self) -> Result<(), DatabaseError> {
        let done = self.connection.set_autocommit(false);
        done.map_err(|error| failure(&self.name, &error))?;
        self.within = true;
        Ok(())
    }

    fn commit(&mut self) -> Result<(), DatabaseError> {
        self.within = false;
        let done = self.connection.commit();
        let back = self.connection.set_autocommit(true);
        done.and(back).map_err(|error| failure(&self.name, &error))
    }

    fn rollback(&mut self) -> Result<(), DatabaseError> {
        if !std::mem::take(&mut self.within) {
            return Ok(());
        }
        let done = self.connection.rollback();
        let back = self.connection.set_autocommit(true);
        done.and(back).map_err(|error| failure(&self.name, &error))
    }

    fn canceller(&self) -> Arc<dyn Cancel> {
        Arc::<Interrupt>::clone(&self.interrupt) as Arc<dyn Cancel>
    }
}

impl Drop for OdbcSession {
    fn drop(&mut self) {
        // A connection with an open transaction does not close.
        drop(self.rollback());
    }
}
