//! Rows into a table.
//!
//! ```text
//!  alone with the file:   BEGIN IMMEDIATE ─ insert ─ insert ─ ... ─ COMMIT
//!  others load it too:    insert into a temporary table ... ─ BEGIN IMMEDIATE ─ INSERT ... SELECT ─ COMMIT
//! ```
//!
//! A load that waited for another's transaction could wait forever, where both are fed by one data flow: the other one waits
//! for rows that come no more. So a load knows whether it is alone ([`Sharing`]), and if not takes the file's lock only for
//! as long as moving its rows takes.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use arrow::array::RecordBatch;
use parking_lot::Mutex;
use rusqlite::{Connection, Statement};

use super::{
    deadline::timed,
    digits,
    failure::{Refusal, failure},
    read::natural_type,
    session::quoted,
    texts::push_decimal,
    write::{Cells, bind, cells, cells_of_number},
};
use crate::database::{DatabaseError, Fault, Load, LoadOptions, TableColumn};

/// Loads that are open on a file, by this process.
static OPEN: LazyLock<Mutex<HashMap<PathBuf, usize>>> = LazyLock::new(Mutex::default);

/// A load's entry in [`OPEN`].
struct Sharing(Option<PathBuf>);

impl Sharing {
    fn enter(file: Option<&Path>) -> Self {
        let file = file.map(Path::to_path_buf);
        if let Some(file) = &file {
            *OPEN.lock().entry(file.clone()).or_default() += 1;
        }
        Self(file)
    }

    fn is_shared(&self) -> bool {
        let open = OPEN.lock();
        self.0
            .as_ref()
            .and_then(|file| open.get(file))
            .is_some_and(|count| *count > 1)
    }
}

impl Drop for Sharing {
    fn drop(&mut self) {
        let Some(file) = &self.0 else { return };
        let mut open = OPEN.lock();
        if let Some(count) = open.get_mut(file) {
            *count -= 1;
            if *count == 0 {
                open.remove(file);
            }
        }
    }
}

/// What a column of the batches is written to.
struct Written {
    /// Its place in the batches.
    at: usize,
    name: String,
    /// NULL becomes the column's default.
    defaults: bool,
    /// Keeps 15 digits of a number.
    numeric: bool,
}

/// Where rows go at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// No transaction is open.
    Idle,
    /// The lock is held, rows go straight to the table.
    Direct,
    /// Rows go to the temporary table.
    Aside,
}

/// A statement that inserts a row.
struct Insert<'s> {
    /// The columns that it leaves to their defaults, as bits; [`ASIDE_KEY`] for the one of the temporary table.
    key: u64,
    statement: Statement<'s>,
    /// The columns that it takes, in the order of its markers.
    bound: Vec<usize>,
}

const ASIDE_KEY: u64 = u64::MAX;

pub(super) struct SqliteLoad<'s> {
    connection: &'s Connection,
    name: &'s str,
    table: String,
    columns: Vec<Written>,
    /// One for each set of columns that are left to their defaults.
    inserts: Vec<Insert<'s>>,
    sharing: Sharing,
    stage: Stage,
    /// The caller's transaction is used: nothing is begun or committed here.
    within: bool,
    /// Of a write.
    timeout_seconds: u32,
}

/// The temporary table of a load; one a session.
const ASIDE: &str = "temp.\"fletching load\"";

impl<'s> SqliteLoad<'s> {
    /// `database`: its name for errors, and its file.
    pub(super) fn open(
        connection: &'s Connection,
        (name, file): (&'s str, Option<&Path>),
        table: &str,
        (columns, described): (&[String], &[TableColumn]),
        options: &LoadOptions,
    ) -> Result<Self, DatabaseError> {
        let mut written = Vec::new();
        for (at, column) in columns.iter().enumerate() {
            let found = described
                .iter()
                .find(|known| known.name.eq_ignore_ascii_case(column));
            let Some(found) = found else {
                let message = format!("table `{table}` has no column `{column}`");
                return Err(DatabaseError::new(name, Fault::Missing, message));
            };
            if found.identity && !options.keep_identity {
                continue;
            }
            written.push(Written {
                at,
                name: found.name.clone(),
                defaults: found.has_default && !options.keep_nulls,
                numeric: has_numeric_affinity(&found.declared),
            });
        }
        let within = !connection.is_autocommit();
        let load = Self {
            connection,
            name,
            table: table.to_owned(),
            columns: written,
            inserts: Vec::new(),
            sharing: Sharing::enter(file),
            stage: if within { Stage::Direct } else { Stage::Idle },
            within,
            timeout_seconds: 0,
        };
        if !within {
            // Bulk loads look at neither, unless they are told to.
            let checks = options.check_constraints;
            load.run(&format!("PRAGMA foreign_keys = {checks}"))?;
            load.run(&format!("PRAGMA ignore_check_constraints = {}", !checks))?;
        }
        Ok(load)
    }

    fn run(&self, sql: &str) -> Result<(), DatabaseError> {
        self.connection
            .execute_batch(sql)
            .map_err(|error| failure(self.name, &error).with_statement(sql))
    }

    /// Takes the lock, or goes aside.
    fn begin(&mut self) -> Result<(), DatabaseError> {
        if self.stage != Stage::Idle {
            return Ok(());
        }
        self.inserts.clear();
        if !self.sharing.is_shared() {
            self.run("BEGIN IMMEDIATE")?;
            self.stage = Stage::Direct;
            return Ok(());
        }
        let names: Vec<String> = (0..self.columns.len()).map(|at| format!("c{at}")).collect();
        self.run(&format!(
            "DROP TABLE IF EXISTS {ASIDE}; CREATE TABLE {ASIDE} (defaults INTEGER{})",
            names
                .iter()
                .map(|name| format!(", {name}"))
                .collect::<String>()
        ))?;
        self.stage = Stage::Aside;
        Ok(())
    }

    /// The columns that a row leaves to their defaults, as bits.
    fn defaults(&self, cells: &[Cells], row: usize) -> u64 {
        let columns = self.columns.iter().zip(cells).enumerate();
        columns
            .filter(|(at, (column, cells))| column.defaults && *at < 64 && cells.is_null(row))
            .fold(0, |bits, (at, _)| bits | 1 << at)
    }

    fn left(&self, defaults: u64) -> Vec<usize> {
        (0..self.columns.len())
            .filter(|at| *at >= 64 || defaults & (1 << at) == 0)
            .collect()
    }

    /// `INSERT INTO t (a, b)`, with what follows.
    fn insert_text(&self, defaults: u64, values: impl Fn(usize) -> String) -> String {
        let left = self.left(defaults);
        if left.is_empty() {
            return format!("INSERT INTO {} DEFAULT VALUES", quoted(&self.table));
        }
        let list = |text: &dyn Fn(usize) -> String| {
            left.iter()
                .map(|at| text(*at))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let names = list(&|at| {
            let column = self.columns.get(at);
            quoted(column.map_or("", |column| column.name.as_str()))
        });
        format!(
            "INSERT INTO {} ({names}) VALUES ({})",
            quoted(&self.table),
            list(&|at| values(at))
        )
    }

    /// The place of the statement for such rows.
    fn insert_for(&mut self, key: u64) -> Result<usize, Refusal> {
        if let Some(at) = self.inserts.iter().position(|insert| insert.key == key) {
            return Ok(at);
        }
        let aside = key == ASIDE_KEY;
        let sql = match aside {
            true => format!(
                "INSERT INTO {ASIDE} VALUES (?{})",
                ", ?".repeat(self.columns.len())
            ),
            false => self.insert_text(key, |_| "?".to_owned()),
        };
        self.inserts.push(Insert {
            key,
            statement: self.connection.prepare(&sql)?,
            bound: self.left(if aside { 0 } else { key }),
        });
        Ok(self.inserts.len() - 1)
    }

    fn insert(&mut self, cells: &[Cells], row: usize) -> Result<(), Refusal> {
        let defaults = self.defaults(cells, row);
        let aside = self.stage == Stage::Aside;
        for (column, cells) in self.columns.iter().zip(cells) {
            check_digits(column, cells, row)?;
        }
        let at = self.insert_for(if aside { ASIDE_KEY } else { defaults })?;
        let Some(insert) = self.inserts.get_mut(at) else {
            return Ok(());
        };
        let mut marker = 1;
        if aside {
            insert
                .statement
                .raw_bind_parameter(marker, defaults.cast_signed())?;
            marker += 1;
        }
        for at in &insert.bound {
            if let Some(cells) = cells.get(*at) {
                bind(&mut insert.statement, marker, cells, row)?;
                marker += 1;
            }
        }
        insert.statement.raw_execute()?;
        Ok(())
    }

    fn cells_of(&self, rows: &RecordBatch) -> Result<Vec<Cells>, DatabaseError> {
        let columns = self.columns.iter().map(|column| {
            let array = rows.columns().get(column.at);
            let array = array.ok_or_else(|| format!("no values for column `{}`", column.name))?;
            let cells = match column.numeric {
                true => cells_of_number(array),
                false => cells(array),
            };
            cells.map_err(|error| format!("column `{}`: {error}", column.name))
        });
        columns
            .collect::<Result<_, String>>()
            .map_err(|message| DatabaseError::new(self.name, Fault::Unsupported, message))
    }

    fn refused(&self, refusal: Refusal) -> DatabaseError {
        refusal.of(self.name, &self.insert_text(0, |_| "?".to_owned()))
    }

    fn timed<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, DatabaseError>,
    ) -> Result<T, DatabaseError> {
        let (connection, name) = (self.connection, self.name);
        let table = quoted(&self.table);
        let shown = (name, table.as_str());
        timed(connection, shown, self.timeout_seconds, || work(self))
    }

    /// Whether a failure took the transaction with it, as a stopped statement does.
    fn is_undone(&mut self) -> bool {
        let undone = self.connection.is_autocommit() && self.stage != Stage::Aside;
        if undone {
            self.inserts.clear();
            self.stage = Stage::Idle;
        }
        undone
    }

    /// Moves the rows that were put aside into the table.
    fn move_rows(&mut self) -> Result<(), DatabaseError> {
        self.inserts.clear();
        self.run("BEGIN IMMEDIATE")?;
        let moved = self.timed(|load| load.move_within());
        match &moved {
            Ok(()) => self.end_transaction()?,
            Err(_) if self.connection.is_autocommit() => {}
            Err(_) => self.run("ROLLBACK")?,
        }
        moved
    }

    /// COMMIT; one that fails, as on a full disk, leaves the transaction open, which would hold the lock and the session.
    fn end_transaction(&self) -> Result<(), DatabaseError> {
        self.run("COMMIT").inspect_err(|_| {
            if !self.connection.is_autocommit() {
                drop(self.run("ROLLBACK"));
            }
        })
    }

    fn move_within(&self) -> Result<(), DatabaseError> {
        let sql = format!("SELECT DISTINCT defaults FROM {ASIDE}");
        let kinds = || -> rusqlite::Result<Vec<i64>> {
            let mut statement = self.connection.prepare(&sql)?;
            statement.query_map([], |row| row.get(0))?.collect()
        };
        let kinds = kinds().map_err(|error| failure(self.name, &error).with_statement(&sql))?;
        for kind in &kinds {
            let left = self.left(kind.cast_unsigned());
            let names: Vec<String> = left
                .iter()
                .filter_map(|at| Some(quoted(&self.columns.get(*at)?.name)))
                .collect();
            let values: Vec<String> = left.iter().map(|at| format!("c{at}")).collect();
            let table = quoted(&self.table);
            match names.is_empty() {
                true => {
                    let sql = format!("SELECT count(*) FROM {ASIDE} WHERE defaults = {kind}");
                    let count: i64 = self
                        .connection
                        .query_row(&sql, [], |row| row.get(0))
                        .map_err(|error| failure(self.name, &error).with_statement(&sql))?;
                    for _ in 0..count {
                        self.run(&format!("INSERT INTO {table} DEFAULT VALUES"))?;
                    }
                }
                false => self.run(&format!(
                    "INSERT INTO {table} ({}) SELECT {} FROM {ASIDE} WHERE defaults = {kind} ORDER BY rowid",
                    names.join(", "),
                    values.join(", ")
                ))?,
            }
        }
        Ok(())
    }
}

impl Load for SqliteLoad<'_> {
    fn allow(&mut self, seconds: u32) {
        self.timeout_seconds = seconds;
    }

    fn write(&mut self, rows: &RecordBatch) -> Result<(), DatabaseError> {
        let cells = self.cells_of(rows)?;
        self.begin()?;
        self.run("SAVEPOINT batch")?;
        let all = |load: &mut Self| {
            (0..rows.num_rows()).try_for_each(|row| {
                let done = load.insert(&cells, row);
                done.map_err(|refusal| load.refused(refusal))
            })
        };
        match self.timed(all) {
            Ok(()) => self.run("RELEASE batch"),
            Err(error) if self.is_undone() => Err(error),
            Err(error) => {
                self.run("ROLLBACK TO batch; RELEASE batch")?;
                Err(error)
            }
        }
    }

    fn write_each(
        &mut self,
        rows: &RecordBatch,
        go_on: bool,
    ) -> Result<Vec<(usize, DatabaseError)>, DatabaseError> {
        let cells = self.cells_of(rows)?;
        if self.stage == Stage::Idle {
            // Each row is to be judged by the table itself.
            self.inserts.clear();
            self.run("BEGIN IMMEDIATE")?;
            self.stage = Stage::Direct;
        }
        let mut failed = Vec::new();
        for row in 0..rows.num_rows() {
            let one = |load: &mut Self| {
                let done = load.insert(&cells, row);
                done.map_err(|refusal| load.refused(refusal))
            };
            match self.timed(one) {
                Ok(()) => {}
                Err(error) if error.ends_load() || self.is_undone() => return Err(error),
                Err(error) => {
                    failed.push((row, error));
                    if !go_on {
                        break;
                    }
                }
            }
        }
        Ok(failed)
    }

    fn commit(&mut self) -> Result<(), DatabaseError> {
        let stage = std::mem::replace(&mut self.stage, Stage::Idle);
        match stage {
            _ if self.within => {
                self.stage = Stage::Direct;
                Ok(())
            }
            Stage::Idle => Ok(()),
            Stage::Direct => {
                self.inserts.clear();
                self.end_transaction()
            }
            Stage::Aside => self.move_rows(),
        }
    }
}

impl Drop for SqliteLoad<'_> {
    fn drop(&mut self) {
        self.inserts.clear();
        if self.within {
            return;
        }
        // What is not committed goes with the connection, should this fail.
        if self.stage == Stage::Direct {
            drop(self.run("ROLLBACK"));
        }
        drop(self.run(&format!("DROP TABLE IF EXISTS {ASIDE}")));
        drop(self.run("PRAGMA foreign_keys = true; PRAGMA ignore_check_constraints = false"));
    }
}

/// Whether SQLite turns text into a number of 15 digits in a column (its datatype page, section 3.1).
pub(super) fn has_numeric_affinity(declared: &str) -> bool {
    let declared = declared.to_ascii_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| declared.contains(part));
    !has(&["char", "clob", "text", "blob"])
        && !declared.is_empty()
        && natural_type(&declared) != arrow::datatypes::DataType::Int64
}

fn check_digits(column: &Written, cells: &Cells, row: usize) -> Result<(), Refusal> {
    let Cells::Decimal(values, scale) = cells else {
        return Ok(());
    };
    if cells.is_null(row) || digits::are_kept(values.value(row)) {
        return Ok(());
    }
    let mut shown = String::new();
    // A string takes all text.
    let _done = push_decimal(&mut shown, values.value(row), *scale);
    Err(Refusal::Value(digits::refusal(&shown, &column.name)))
}
