//! An open SQLite database.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use arrow::array::RecordBatch;
use rusqlite::{
    Connection, ErrorCode, InterruptHandle, OpenFlags, fallible_iterator::FallibleIterator,
};

use super::{
    deadline::timed,
    failure::failure,
    load::SqliteLoad,
    read::read,
    write::{bind, cells},
};
use crate::{
    database::{
        Cancel, Collected, DatabaseError, Executed, Fault, Load, LoadOptions, Parameter,
        ReadOptions, RowSink, Session, SqliteTarget, Statement, TableColumn, TableName, Target,
    },
    sql::Dialect,
};

/// How long a statement waits for another session's lock.
const LOCK_WAIT: Duration = Duration::from_secs(30);
/// Longest pause between two attempts at what SQLite itself does not wait for.
const PAUSE_MAX: Duration = Duration::from_millis(50);

pub(crate) struct SqliteSession {
    connection: Connection,
    file: Option<PathBuf>,
    /// For errors.
    name: String,
    interrupt: Arc<Interrupt>,
}

struct Interrupt(InterruptHandle);

impl std::fmt::Debug for Interrupt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Interrupt")
    }
}

impl Cancel for Interrupt {
    fn cancel(&self) {
        self.0.interrupt();
    }
}

impl std::fmt::Debug for SqliteSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteSession")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl SqliteSession {
    /// A file that is not there is made: SQLite knows no other way to make a database.
    pub(crate) fn open(target: &SqliteTarget) -> Result<Self, DatabaseError> {
        let name = Target::Sqlite(target.clone()).to_string();
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let path = target.file.as_deref().unwrap_or(Path::new(":memory:"));
        let opened = Connection::open_with_flags(path, flags).and_then(|connection| {
            connection.busy_timeout(LOCK_WAIT)?;
            connection.pragma_update(None, "foreign_keys", true)?;
            if target.file.is_some() {
                write_ahead(&connection)?;
            }
            crate::sql::sqlite_functions::register(&connection)?;
            Ok(connection)
        });
        let connection = opened.map_err(|error| DatabaseError {
            fault: match failure(&name, &error).fault {
                Fault::Locked => Fault::Locked,
                _ => Fault::Unreachable,
            },
            ..failure(&name, &error)
        })?;
        let interrupt = Arc::new(Interrupt(connection.get_interrupt_handle()));
        Ok(Self {
            connection,
            file: target.file.clone(),
            name,
            interrupt,
        })
    }

    fn fail(&self, error: &rusqlite::Error, sql: &str) -> DatabaseError {
        failure(&self.name, error).with_statement(sql)
    }

    /// Runs `work` with a deadline, if the statement has one.
    fn timed<T>(
        &self,
        statement: &Statement<'_>,
        work: impl FnOnce(&Self) -> Result<T, DatabaseError>,
    ) -> Result<T, DatabaseError> {
        let shown = (self.name.as_str(), statement.sql);
        timed(&self.connection, shown, statement.timeout_seconds, || {
            work(self)
        })
    }

    /// Runs all statements of a text; parameters without names go to markers in order.
    fn run_all(&self, statement: &Statement<'_>) -> Result<Executed, DatabaseError> {
        let mut executed = Executed::default();
        let mut next_parameter = 0;
        let changes = self.connection.total_changes();
        let mut batch = rusqlite::Batch::new(&self.connection, statement.sql);
        loop {
            let prepared = batch
                .next()
                .map_err(|error| self.fail(&error, statement.sql))?;
            let Some(mut prepared) = prepared else { break };
            self.bind_parameters(&mut prepared, statement, &mut next_parameter)?;
            if prepared.column_count() == 0 {
                prepared
                    .raw_execute()
                    .map_err(|error| self.fail(&error, statement.sql))?;
                continue;
            }
            let mut collected = Collected::default();
            read(&mut prepared, &ReadOptions::default(), &mut collected)
                .map_err(|error| error.of(&self.name, statement.sql))?;
            executed.result_sets.extend(collected.0);
        }
        executed.rows_affected = self.connection.total_changes() - changes;
        Ok(executed)
    }

    fn bind_parameters(
        &self,
        prepared: &mut rusqlite::Statement<'_>,
        statement: &Statement<'_>,
        next: &mut usize,
    ) -> Result<(), DatabaseError> {
        for index in 1..=prepared.parameter_count() {
            let named = prepared.parameter_name(index).and_then(|marker| {
                let bare = marker.get(1..)?;
                statement
                    .parameters
                    .iter()
                    .find(|parameter| is_named(parameter, bare))
            });
            let parameter = named.or_else(|| {
                let parameter = statement.parameters.get(*next);
                *next += 1;
                parameter
            });
            let Some(parameter) = parameter else {
                let message = format!(
                    "the statement has {} parameter markers, {} values are given",
                    prepared.parameter_count(),
                    statement.parameters.len()
                );
                return Err(DatabaseError::new(&self.name, Fault::Syntax, message)
                    .with_statement(statement.sql));
            };
            let cells = cells(&parameter.value).map_err(|message| {
                DatabaseError::new(&self.name, Fault::Unsupported, message)
                    .with_statement(statement.sql)
            })?;
            bind(prepared, index, &cells, 0)
                .map_err(|error| error.of(&self.name, statement.sql))?;
        }
        Ok(())
    }

    fn simple(&self, sql: &str) -> Result<(), DatabaseError> {
        self.connection
            .execute_batch(sql)
            .map_err(|error| self.fail(&error, sql))
    }
}

/// Readers go on beside a writer. Refused where the file system cannot do it: then they wait.
///
/// A file that nobody has written yet is locked as a whole for that, and SQLite does not wait: of two that ask at once
/// each would wait for the other. The second one asks again.
fn write_ahead(connection: &Connection) -> rusqlite::Result<()> {
    let given_up = Instant::now() + LOCK_WAIT;
    let mut pause = Duration::from_millis(1);
    loop {
        let set = connection
            .pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))
            .and_then(|()| connection.pragma_update(None, "synchronous", "normal"));
        match set {
            Err(error) if is_busy(&error) && Instant::now() < given_up => {
                std::thread::sleep(pause);
                pause = (pause * 2).min(PAUSE_MAX);
            }
            set => return set,
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(
        code,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

fn is_named(parameter: &Parameter, name: &str) -> bool {
    let bare = |name: &str| name.trim_start_matches(['@', ':', '$']).to_lowercase();
    parameter
        .name
        .as_deref()
        .is_some_and(|known| bare(known) == bare(name))
}

impl Session for SqliteSession {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn query(
        &mut self,
        statement: &Statement<'_>,
        options: &ReadOptions,
        sink: &mut dyn RowSink,
    ) -> Result<(), DatabaseError> {
        self.timed(statement, |session| {
            let mut batch = rusqlite::Batch::new(&session.connection, statement.sql);
            let mut next_parameter = 0;
            // Statements before the one that yields rows prepare it; those after it run too.
            let mut found = false;
            loop {
                let prepared = batch
                    .next()
                    .map_err(|error| session.fail(&error, statement.sql))?;
                let Some(mut prepared) = prepared else { break };
                session.bind_parameters(&mut prepared, statement, &mut next_parameter)?;
                if prepared.column_count() == 0 || found {
                    prepared
                        .raw_execute()
                        .map_err(|error| session.fail(&error, statement.sql))?;
                    continue;
                }
                found = true;
                read(&mut prepared, options, sink)
                    .map_err(|error| error.of(&session.name, statement.sql))?;
            }
            if found {
                return Ok(());
            }
            let message = "the statement yields no rows, a query was wanted";
            Err(DatabaseError::new(&session.name, Fault::Syntax, message)
                .with_statement(statement.sql))
        })
    }

    fn execute(&mut self, statement: &Statement<'_>) -> Result<Executed, DatabaseError> {
        self.timed(statement, |session| session.run_all(statement))
    }

    fn execute_each(
        &mut self,
        statement: &Statement<'_>,
        rows: &RecordBatch,
        go_on: bool,
    ) -> Result<Vec<Result<u64, DatabaseError>>, DatabaseError> {
        // A statement that is stopped takes its transaction with it: rows with a time of their own stand alone.
        let own = self.connection.is_autocommit() && statement.timeout_seconds == 0;
        if own {
            self.simple("BEGIN IMMEDIATE")?;
        }
        let done = self.each_row(statement, rows, go_on);
        if own && let Err(error) = self.simple("COMMIT") {
            // It may have left the transaction open.
            drop(self.rollback());
            return Err(error);
        }
        done
    }

    fn describe(&mut self, table: &TableName) -> Result<Vec<TableColumn>, DatabaseError> {
        let name = local_name(table);
        let sql = "SELECT name, type, \"notnull\", dflt_value IS NOT NULL, pk, hidden FROM pragma_table_xinfo(?)";
        let read = || -> rusqlite::Result<Vec<(TableColumn, i64)>> {
            let mut statement = self.connection.prepare(sql)?;
            let rows = statement.query_map([&name], |row| {
                let declared: String = row.get(1)?;
                let hidden: i64 = row.get(5)?;
                let column = TableColumn {
                    name: row.get(0)?,
                    data_type: super::read::natural_type(&declared),
                    declared,
                    nullable: !row.get::<_, bool>(2)?,
                    identity: false,
                    has_default: row.get(3)?,
                    computed: hidden > 1,
                };
                Ok((column, row.get(4)?))
            })?;
            rows.collect()
        };
        let mut columns = read().map_err(|error| self.fail(&error, sql))?;
        if columns.is_empty() {
            let message = format!("there is no table `{name}`");
            return Err(DatabaseError::new(&self.name, Fault::Missing, message));
        }
        // The only key column, if it is an integer, numbers the rows.
        let keys = columns.iter().filter(|(_, key)| *key > 0).count();
        for (column, key) in &mut columns {
            column.identity =
                keys == 1 && *key == 1 && column.declared.eq_ignore_ascii_case("integer");
        }
        Ok(columns.into_iter().map(|(column, _)| column).collect())
    }

    fn load<'s>(
        &'s mut self,
        table: &TableName,
        columns: &[String],
        options: &LoadOptions,
    ) -> Result<Box<dyn Load + 's>, DatabaseError> {
        let described = self.describe(table)?;
        let load = SqliteLoad::open(
            &self.connection,
            (&self.name, self.file.as_deref()),
            &local_name(table),
            (columns, &described),
            options,
        )?;
        Ok(Box::new(load))
    }

    fn begin(&mut self) -> Result<(), DatabaseError> {
        self.simple("BEGIN")
    }

    fn commit(&mut self) -> Result<(), DatabaseError> {
        self.simple("COMMIT")
    }

    fn rollback(&mut self) -> Result<(), DatabaseError> {
        match self.connection.is_autocommit() {
            true => Ok(()),
            false => self.simple("ROLLBACK"),
        }
    }

    /// It is a part of this process.
    fn is_alive(&self) -> Option<bool> {
        Some(true)
    }

    fn in_transaction(&self) -> Option<bool> {
        Some(!self.connection.is_autocommit())
    }

    fn canceller(&self) -> Arc<dyn Cancel> {
        Arc::<Interrupt>::clone(&self.interrupt) as Arc<dyn Cancel>
    }
}

impl SqliteSession {
    fn each_row(
        &self,
        statement: &Statement<'_>,
        rows: &RecordBatch,
        go_on: bool,
    ) -> Result<Vec<Result<u64, DatabaseError>>, DatabaseError> {
        let (sql, within) = (statement.sql, !self.connection.is_autocommit());
        let mut prepared = self
            .connection
            .prepare(sql)
            .map_err(|error| self.fail(&error, sql))?;
        let wanted = prepared.parameter_count();
        if wanted != rows.num_columns() {
            let message = format!(
                "the statement has {wanted} parameter markers, {} columns are mapped to them",
                rows.num_columns()
            );
            return Err(DatabaseError::new(&self.name, Fault::Syntax, message).with_statement(sql));
        }
        let columns: Result<Vec<_>, _> = rows.columns().iter().map(cells).collect();
        let columns = columns.map_err(|message| {
            DatabaseError::new(&self.name, Fault::Unsupported, message).with_statement(sql)
        })?;
        let mut done = Vec::with_capacity(rows.num_rows());
        for row in 0..rows.num_rows() {
            let changed = |session: &Self| {
                for (at, cells) in columns.iter().enumerate() {
                    bind(&mut prepared, at + 1, cells, row)
                        .map_err(|error| error.of(&self.name, sql))?;
                }
                let before = session.connection.total_changes();
                let mut yielded = prepared.raw_query();
                while yielded
                    .next()
                    .map_err(|error| self.fail(&error, sql))?
                    .is_some()
                {}
                Ok(session.connection.total_changes() - before)
            };
            let changed = self.timed(statement, changed);
            let failed = changed.is_err();
            if let Err(error) = &changed
                && within
                && self.connection.is_autocommit()
            {
                return Err(DatabaseError {
                    fault: Fault::Lost,
                    message: format!("{}; its transaction was rolled back", error.message),
                    ..error.clone()
                });
            }
            if changed.as_ref().is_err_and(DatabaseError::is_fatal) {
                return changed.map(|_| Vec::new());
            }
            done.push(changed);
            if failed && !go_on {
                break;
            }
        }
        Ok(done)
    }
}

/// Schemas are part of a table's name here, but for `dbo`, which everybody means.
pub(super) fn local_name(table: &TableName) -> String {
    match table.schema() {
        Some(schema)
            if !schema.eq_ignore_ascii_case("dbo") && !schema.eq_ignore_ascii_case("main") =>
        {
            format!("{schema}.{}", table.table())
        }
        _ => table.table().trim_start_matches('#').to_owned(),
    }
}

pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
