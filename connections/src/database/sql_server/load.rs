//! Rows into a table, by bulk.
//!
//! ```text
//!  write:       BEGIN ─ SAVE ─ INSERT BULK of the batch ─┬─ done
//!                                                        └─ failed: ROLLBACK TO ─ the failure
//!  write_each:  the same with all rows; what fails is halved until single rows are left, which are named
//!  commit:      COMMIT                      dropped: ROLLBACK
//! ```
//!
//! Halving keeps the order of rows and what a bulk load means (defaults, checks and triggers as its options say), and costs
//! little where few rows fail.
//!
//! **Hints.** How many rows there will be and how they are sorted help the server to plan. `mssql-tds` words `INSERT BULK`
//! itself, from five options that are on or off, and lets nobody else send a bulk load: there is no way to tell the server.
//! Rows arrive all the same; whoever gave the hint warns ([`LoadOptions::hints`]). A declared order that does not hold is
//! not noticed.

use arrow::array::RecordBatch;
use mssql_tds::{
    datatypes::bulk_copy_metadata::BulkCopyColumnMetadata,
    message::transaction_management::TransactionIsolationLevel,
};

use super::{
    bulk::{Encoded, Written, insert},
    describe::{columns as table_columns, quoted},
    link::{Link, Wanted},
};
use crate::database::{DatabaseError, Fault, Load, LoadOptions, TableName, parts::halves};

/// Where a batch begins.
const SAVEPOINT: &str = "fletching_batch";

pub(super) struct SqlServerLoad<'s> {
    link: &'s mut Link,
    /// Quoted.
    table: String,
    /// In the table's order.
    columns: Vec<Written>,
    options: LoadOptions,
    /// A transaction of this load is open.
    open: bool,
    /// The caller's transaction is used: nothing is begun or committed here.
    within: bool,
    /// Of a write.
    timeout_seconds: u32,
}

impl<'s> SqlServerLoad<'s> {
    pub(super) fn open(
        link: &'s mut Link,
        table: &TableName,
        columns: &[String],
        options: &LoadOptions,
    ) -> Result<Self, DatabaseError> {
        let known = table_columns(link, table)?;
        // For each column of the table the place of its values.
        let mut places = vec![None; known.len()];
        for (at, column) in columns.iter().enumerate() {
            let place = place(&known, column).and_then(|place| places.get_mut(place));
            let Some(place) = place else {
                let message = format!("table `{table}` has no column `{column}`");
                return Err(link.fail(Fault::Missing, message));
            };
            *place = Some(at);
        }
        let written: Vec<Written> = known
            .into_iter()
            .zip(places)
            .filter(|(column, _)| options.keep_identity || !column.is_identity)
            .filter_map(|(column, at)| Some(Written { at: at?, column }))
            .collect();
        if written.is_empty() {
            let message = format!("no column of table `{table}` is left to write to");
            return Err(link.fail(Fault::Unsupported, message));
        }
        let within = link.client.has_active_transaction();
        Ok(Self {
            link,
            table: quoted(table),
            columns: written,
            options: options.clone(),
            open: false,
            within,
            timeout_seconds: 0,
        })
    }

    /// What the server is asked to do, for errors.
    fn shown(&self) -> String {
        let names = self.columns.iter().map(|written| {
            let name = &written.column.column_name;
            format!("[{}]", name.replace(']', "]]"))
        });
        let names: Vec<String> = names.collect();
        format!("INSERT BULK {} ({})", self.table, names.join(", "))
    }

    fn called<T>(
        &mut self,
        work: impl FnOnce(&mut Self, &Wanted) -> Result<T, DatabaseError>,
    ) -> Result<T, DatabaseError> {
        let seconds = self.timeout_seconds;
        let wanted = self.link.enter(seconds);
        let done = work(self, &wanted);
        self.link.leave();
        done.map_err(|error| match error.fault {
            Fault::Timeout => error.into_late(seconds).with_statement(self.shown()),
            _ => error.with_statement(self.shown()),
        })
    }

    fn encoded(&self, rows: &RecordBatch) -> Result<Encoded, DatabaseError> {
        Encoded::new(&self.columns, rows, self.link.client.get_collation())
            .map_err(|message| self.link.fail(Fault::Unsupported, message))
    }

    fn begin(&mut self) -> Result<(), DatabaseError> {
        if self.within || self.open {
            return Ok(());
        }
        self.link.wait(async |client| {
            let level = TransactionIsolationLevel::NoChange;
            client.begin_transaction(level, None).await
        })?;
        self.open = true;
        Ok(())
    }

    /// All of the rows, or none of them.
    fn insert(
        &mut self,
        wanted: &Wanted,
        encoded: &Encoded,
        rows: std::ops::Range<usize>,
    ) -> Result<(), DatabaseError> {
        if rows.is_empty() {
            return Ok(());
        }
        self.begin()?;
        self.link
            .wait(async |client| client.save_transaction(SAVEPOINT.to_owned()).await)?;
        let target = (self.table.as_str(), self.columns.as_slice());
        let done = insert(self.link, wanted, target, &self.options, (encoded, rows));
        let Err(error) = done else { return Ok(()) };
        if error.ends_load() {
            return Err(error);
        }
        let back = self.link.wait(async |client| {
            let name = Some(SAVEPOINT.to_owned());
            client.rollback_transaction(name, None).await
        });
        match back {
            Ok(()) if self.link.client.has_active_transaction() => Err(error),
            // A trigger or the server itself ended the transaction: what was written before is gone with it.
            _ => {
                self.open = false;
                Err(DatabaseError {
                    fault: Fault::Lost,
                    message: format!(
                        "{}; the whole transaction was rolled back, rows written before it are lost too",
                        error.message
                    ),
                    ..error
                })
            }
        }
    }
}

/// Where a column stands in its table: under its very name, or one that differs in the case of letters.
fn place(known: &[BulkCopyColumnMetadata], name: &str) -> Option<usize> {
    let exact = known.iter().position(|column| column.column_name == name);
    let folded = name.to_lowercase();
    exact.or_else(|| {
        known
            .iter()
            .position(|column| column.column_name.to_lowercase() == folded)
    })
}

impl Load for SqlServerLoad<'_> {
    fn allow(&mut self, seconds: u32) {
        self.timeout_seconds = seconds;
    }

    fn write(&mut self, rows: &RecordBatch) -> Result<(), DatabaseError> {
        self.called(|load, wanted| {
            let encoded = load.encoded(rows)?;
            if let Some((row, reason)) = encoded.refused.first() {
                let message = format!("row {} of the batch, {reason}", row + 1);
                return Err(load.link.fail(Fault::Value, message));
            }
            load.insert(wanted, &encoded, 0..encoded.count())
        })
    }

    fn write_each(
        &mut self,
        rows: &RecordBatch,
        go_on: bool,
    ) -> Result<Vec<(usize, DatabaseError)>, DatabaseError> {
        self.called(|load, wanted| {
            let encoded = load.encoded(rows)?;
            let shown = load.shown();
            let mut failed: Vec<(usize, DatabaseError)> = encoded
                .refused
                .iter()
                .map(|(row, reason)| (*row, load.link.fail(Fault::Value, reason.as_str())))
                .collect();
            let first_refused = failed.first().map(|(row, _)| *row);
            let count = match first_refused {
                Some(row) if !go_on => encoded.places.partition_point(|place| *place < row),
                _ => encoded.count(),
            };
            let refused = halves(0..count, go_on, &mut |rows| match load
                .insert(wanted, &encoded, rows)
            {
                Ok(()) => Ok(None),
                Err(error) if error.ends_load() => Err(error),
                Err(error) => Ok(Some(error)),
            })?;
            failed.extend(refused.into_iter().map(|(row, error)| {
                let place = encoded.places.get(row).copied();
                (place.unwrap_or_default(), error)
            }));
            failed.sort_by_key(|(row, _)| *row);
            if !go_on {
                failed.truncate(1);
            }
            let named = failed
                .into_iter()
                .map(|(row, error)| (row, error.with_statement(shown.as_str())));
            Ok(named.collect())
        })
    }

    fn commit(&mut self) -> Result<(), DatabaseError> {
        if self.within || !self.open {
            return Ok(());
        }
        self.called(|load, _| {
            load.link
                .wait(async |client| client.commit_transaction(None, None).await)
        })?;
        self.open = false;
        Ok(())
    }
}

impl Drop for SqlServerLoad<'_> {
    fn drop(&mut self) {
        if self.open && !self.link.client.is_connection_dead() {
            // What is not committed goes with the connection, should this fail.
            drop(
                self.link
                    .wait(async |client| client.rollback_transaction(None, None).await),
            );
        }
    }
}
