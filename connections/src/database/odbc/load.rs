//! Rows into a table, by arrays of parameters.
//!
//! Many rows go with one call, as many as fit [`ARRAY_BYTES`]. A batch is all or nothing by a savepoint; row by row is by
//! halves: a batch that fails is cut in two, down to the rows that fail.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow_odbc::odbc_api::handles::AsStatementRef;

use super::{describe::quoted, session::OdbcSession, write::all_cells};
use crate::{
    database::{
        DatabaseError, Fault, Load, LoadOptions, TableColumn,
        parts::{Given, by_given, insert_halves},
        sqlite::check_digits,
        watch::Watch,
    },
    sql::Dialect,
};

/// Bytes of the arrays of one call.
const ARRAY_BYTES: usize = 4 * 1024 * 1024;

struct Written {
    given: Given,
    name: String,
    declared: String,
}

/// What undoes a batch and nothing else.
struct Savepoints {
    set: &'static str,
    undo: &'static str,
    /// Nothing, where they go by themselves.
    release: Option<&'static str>,
}

fn savepoints(dialect: Dialect) -> Option<Savepoints> {
    match dialect {
        Dialect::MsSql => Some(Savepoints {
            set: "SAVE TRANSACTION fletching_batch",
            undo: "ROLLBACK TRANSACTION fletching_batch",
            release: None,
        }),
        Dialect::Sqlite | Dialect::Postgres | Dialect::MySql => Some(Savepoints {
            set: "SAVEPOINT fletching_batch",
            undo: "ROLLBACK TO SAVEPOINT fletching_batch",
            release: Some("RELEASE SAVEPOINT fletching_batch"),
        }),
        Dialect::DuckDb | Dialect::Other => None,
    }
}

pub(super) struct OdbcLoad<'s> {
    session: &'s mut OdbcSession,
    table: String,
    columns: Vec<Written>,
    savepoints: Option<Savepoints>,
    /// `SET IDENTITY_INSERT` is on.
    identity: bool,
    /// What stands before VALUES.
    overriding: &'static str,
    open: bool,
    /// The caller's transaction is used.
    within: bool,
    /// A batch failed that could not be undone alone.
    spoiled: bool,
    /// Of a write.
    timeout_seconds: u32,
}

impl<'s> OdbcLoad<'s> {
    pub(super) fn open(
        session: &'s mut OdbcSession,
        table: String,
        (columns, described): (&[String], &[TableColumn]),
        options: &LoadOptions,
    ) -> Result<Self, DatabaseError> {
        let mut written = Vec::new();
        let mut keeps = false;
        for (at, name) in columns.iter().enumerate() {
            let exact = described.iter().find(|known| known.name == *name);
            let alike = || {
                described
                    .iter()
                    .find(|known| known.name.eq_ignore_ascii_case(name))
            };
            let Some(found) = exact.or_else(alike) else {
                let message = format!("table {table} has no column `{name}`");
                return Err(DatabaseError::new(&session.name, Fault::Missing, message));
            };
            if found.identity && !options.keep_identity {
                continue;
            }
            keeps |= found.identity;
            written.push(Written {
                given: Given {
                    at,
                    defaults: found.has_default && !found.identity && !options.keep_nulls,
                },
                name: found.name.clone(),
                declared: found.declared.clone(),
            });
        }
        let identity = keeps && session.dialect == Dialect::MsSql;
        if identity {
            session.run(&format!("SET IDENTITY_INSERT {table} ON"))?;
        }
        Ok(Self {
            savepoints: savepoints(session.dialect),
            overriding: match session.dialect {
                Dialect::Postgres if keeps => " OVERRIDING SYSTEM VALUE",
                _ => "",
            },
            within: session.within,
            table,
            columns: written,
            identity,
            open: false,
            spoiled: false,
            timeout_seconds: 0,
            session,
        })
    }

    fn begin(&mut self) -> Result<(), DatabaseError> {
        if self.spoiled {
            let message =
                "an earlier batch failed, and this database has no savepoints to undo it alone";
            return Err(DatabaseError::new(
                &self.session.name,
                Fault::Unsupported,
                message,
            ));
        }
        if !self.open {
            if !self.within {
                crate::database::Session::begin(self.session)?;
            }
            self.open = true;
        }
        Ok(())
    }

    fn insert_text(&self, columns: &[usize]) -> String {
        let kept = columns.iter().filter_map(|at| self.columns.get(*at));
        let names: Vec<String> = kept
            .map(|column| quoted(&column.name, self.session.quote))
            .collect();
        let markers = vec!["?"; names.len()];
        format!(
            "INSERT INTO {} ({}){} VALUES ({})",
            self.table,
            names.join(", "),
            self.overriding,
            markers.join(", ")
        )
    }

    /// All rows or none.
    fn insert(&mut self, rows: &RecordBatch) -> Result<(), DatabaseError> {
        if let Some(savepoints) = &self.savepoints {
            self.session.run(savepoints.set)?;
        }
        let done = self.insert_groups(rows);
        match (&done, &self.savepoints) {
            (Ok(()), Some(savepoints)) => {
                if let Some(release) = savepoints.release {
                    self.session.run(release)?;
                }
            }
            (Ok(()), None) => {}
            (Err(error), _) if error.is_fatal() => {}
            (Err(error), Some(savepoints)) => match self.session.run(savepoints.undo) {
                // A driver that stops a statement may roll back by itself.
                Err(_) if error.ends_load() => self.spoiled = true,
                undone => undone?,
            },
            (Err(_), None) => {
                self.spoiled = true;
                if !self.within {
                    self.open = false;
                    crate::database::Session::rollback(self.session)?;
                }
            }
        }
        done
    }

    fn insert_groups(&self, rows: &RecordBatch) -> Result<(), DatabaseError> {
        let given: Vec<Given> = self.columns.iter().map(|column| column.given).collect();
        let groups = by_given(rows, &given).map_err(|error| self.refuse(error.to_string()))?;
        let watch = self.session.watch(self.timeout_seconds);
        for (given, part) in groups {
            let done = self.insert_rows(&part, &given);
            done.map_err(|error| Watch::told(watch.as_ref(), self.timeout_seconds, error))?;
        }
        Ok(())
    }

    fn refuse(&self, message: String) -> DatabaseError {
        DatabaseError::new(&self.session.name, Fault::Value, message)
    }

    fn insert_rows(&self, rows: &RecordBatch, given: &[usize]) -> Result<(), DatabaseError> {
        let sql = self.insert_text(given);
        let talk = self.session.talk(&sql);
        let mut arrays: Vec<ArrayRef> = Vec::new();
        for column in given.iter().filter_map(|at| self.columns.get(*at)) {
            let array = rows.columns().get(column.given.at);
            let array = array
                .ok_or_else(|| self.refuse(format!("no values for column `{}`", column.name)))?;
            if self.session.dialect == Dialect::Sqlite {
                check_digits(array, &column.name, &column.declared)
                    .map_err(|message| talk.refuse(Fault::Value, message))?;
            }
            arrays.push(Arc::clone(array));
        }
        let fail = |error: &arrow_odbc::odbc_api::Error| talk.fail(error);
        let mut prepared = self
            .session
            .connection
            .prepare(&sql)
            .map_err(|error| fail(&error))?;
        let running = self.session.interrupt.enter(&prepared.as_stmt_ref());
        let mut begin = 0;
        while begin < rows.num_rows() {
            let left = rows.num_rows() - begin;
            let part = |count: usize| -> Vec<ArrayRef> {
                arrays
                    .iter()
                    .map(|array| array.slice(begin, count))
                    .collect()
            };
            let cells = all_cells(&part(left), self.session.habits.loose);
            let cells = cells.map_err(|message| talk.refuse(Fault::Value, message))?;
            let row_bytes: usize = cells.iter().map(|cells| cells.bytes(left)).sum();
            let one_by_one =
                self.session.habits.loose && cells.iter().any(|cells| cells.is_binary());
            let count = match one_by_one {
                true => 1,
                false => left.min((ARRAY_BYTES / row_bytes.max(1)).max(1)),
            };
            let cells = match count == left {
                true => cells,
                false => all_cells(&part(count), self.session.habits.loose)
                    .map_err(|message| talk.refuse(Fault::Value, message))?,
            };
            let descriptions: Vec<_> = cells.iter().map(|cells| cells.description()).collect();
            let mut inserter = prepared
                .column_inserter(count, descriptions)
                .map_err(|error| fail(&error))?;
            inserter.set_num_rows(count);
            for (at, cells) in cells.iter().enumerate() {
                let filled = cells.fill(inserter.column_mut(at));
                filled.ok_or_else(|| {
                    talk.refuse(
                        Fault::Value,
                        format!("a value of column {} does not fit", at + 1),
                    )
                })?;
            }
            let done = inserter.execute().map_err(|error| fail(&error))?;
            drop(done);
            begin += count;
        }
        drop(running);
        Ok(())
    }
}

impl Load for OdbcLoad<'_> {
    fn allow(&mut self, seconds: u32) {
        self.timeout_seconds = seconds;
    }

    fn write(&mut self, rows: &RecordBatch) -> Result<(), DatabaseError> {
        self.begin()?;
        self.insert(rows)
    }

    fn write_each(
        &mut self,
        rows: &RecordBatch,
        go_on: bool,
    ) -> Result<Vec<(usize, DatabaseError)>, DatabaseError> {
        self.begin()?;
        insert_halves(rows, go_on, &mut |part| (self.insert(part), !self.spoiled))
    }

    fn commit(&mut self) -> Result<(), DatabaseError> {
        if self.spoiled {
            return self.begin();
        }
        match std::mem::take(&mut self.open) && !self.within {
            true => crate::database::Session::commit(self.session),
            false => Ok(()),
        }
    }
}

impl Drop for OdbcLoad<'_> {
    fn drop(&mut self) {
        // What is not committed goes with the connection, should this fail.
        if self.open && !self.within {
            drop(crate::database::Session::rollback(self.session));
        }
        if self.identity {
            drop(
                self.session
                    .run(&format!("SET IDENTITY_INSERT {} OFF", self.table)),
            );
        }
    }
}
