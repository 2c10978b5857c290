//! Rows into a table, by COPY.
//!
//! ```text
//!  write:       SAVEPOINT ─ COPY ─ RELEASE, or ROLLBACK TO
//!  write_each:  the same with halves of the batch, halves of those that fail, down to the rows that fail
//! ```
//!
//! Rows that leave different columns to their defaults go in different COPYs: one that does not name a column gives it its
//! default.

use std::{collections::BTreeMap, pin::pin};

use arrow::array::{Array, RecordBatch};
use bytes::{BufMut, Bytes, BytesMut};
use futures::SinkExt;
use tokio_postgres::Statement;

use super::{
    describe::{Described, quoted},
    encode::{Encoder, TextEncoder},
    kind::Kind,
    session::{Patience, PostgresSession, Talk},
};
use crate::database::{DatabaseError, Fault, Load, LoadOptions, parts::insert_halves};

/// Bytes of a message.
const PART_BYTES: usize = 256 * 1024;
const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

struct Written {
    /// Its place in the batches.
    at: usize,
    name: String,
    kind: Kind,
    /// NULL becomes the column's default.
    defaults: bool,
}

pub(super) struct PostgresLoad<'s> {
    session: &'s mut PostgresSession,
    table: String,
    columns: Vec<Written>,
    /// A column has a type that only its text form is known of.
    as_text: bool,
    /// For each set of columns left out, as bits.
    copies: BTreeMap<u64, Statement>,
    /// Rows were written since the last commit.
    open: bool,
    /// The caller's transaction is used.
    within: bool,
    /// Of a write.
    timeout_seconds: u32,
}

impl<'s> PostgresLoad<'s> {
    pub(super) fn open(
        session: &'s mut PostgresSession,
        table: String,
        (columns, described): (&[String], &[Described]),
        options: &LoadOptions,
    ) -> Result<Self, DatabaseError> {
        let mut written = Vec::new();
        for (at, name) in columns.iter().enumerate() {
            let exact = described.iter().find(|known| known.column.name == *name);
            let found = exact.or_else(|| {
                let same =
                    |known: &&Described| known.column.name.to_lowercase() == name.to_lowercase();
                let mut alike = described.iter().filter(same);
                alike.next().filter(|_| alike.next().is_none())
            });
            let Some(found) = found else {
                let message = format!("table {table} has no column `{name}`");
                return Err(session.error(Fault::Missing, message));
            };
            if found.column.identity && !options.keep_identity {
                continue;
            }
            written.push(Written {
                at,
                name: found.column.name.clone(),
                kind: found.kind,
                defaults: found.column.has_default && !found.column.identity && !options.keep_nulls,
            });
        }
        Ok(Self {
            as_text: written.iter().any(|column| column.kind == Kind::Other),
            columns: written,
            table,
            copies: BTreeMap::new(),
            open: false,
            within: session.within,
            timeout_seconds: 0,
            session,
        })
    }

    fn begin(&mut self) -> Result<(), DatabaseError> {
        if !self.open {
            self.session.run(if self.within {
                "SAVEPOINT fletching_load"
            } else {
                "BEGIN"
            })?;
            self.open = true;
        }
        Ok(())
    }

    /// The columns that a row leaves to their defaults, as bits; only the first 64 columns can.
    fn left_out(&self, rows: &RecordBatch, row: usize) -> u64 {
        let columns = self.columns.iter().enumerate().take(64);
        let out = columns.filter(|(_, column)| {
            let array = rows.columns().get(column.at);
            column.defaults && array.is_some_and(|array| array.is_null(row))
        });
        out.fold(0, |bits, (at, _)| bits | 1 << at)
    }

    /// All rows or none.
    fn insert(&mut self, rows: &RecordBatch) -> Result<(), DatabaseError> {
        let mut groups: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for row in 0..rows.num_rows() {
            groups
                .entry(self.left_out(rows, row))
                .or_default()
                .push(row);
        }
        let mut parts = Vec::new();
        for (left_out, members) in groups {
            let bytes = self.encode(rows, left_out, &members)?;
            parts.push((left_out, members.len(), bytes));
        }
        let sql = self.copy_text(0);
        let mut copies = std::mem::take(&mut self.copies);
        let texts: BTreeMap<u64, String> = parts
            .iter()
            .map(|(out, ..)| (*out, self.copy_text(*out)))
            .collect();
        let known = &mut copies;
        let mut patience = Patience::new(self.timeout_seconds);
        let done = self.session.talk(&sql, |talk| {
            talk.block(async {
                talk.run("SAVEPOINT fletching_batch").await?;
                let copying = copy_all(talk, known, parts, &texts);
                let copied = talk.timed(&mut patience, copying).await;
                let after = match &copied {
                    Ok(()) => "RELEASE fletching_batch",
                    Err(error) if error.fault == Fault::Lost => return copied,
                    Err(_) => "ROLLBACK TO fletching_batch; RELEASE fletching_batch",
                };
                talk.run(after).await?;
                copied
            })
        });
        self.copies = copies;
        done
    }

    fn copy_text(&self, left_out: u64) -> String {
        let columns = self.kept(left_out).map(|column| quoted(&column.name));
        let columns: Vec<String> = columns.collect();
        if columns.is_empty() {
            return format!("INSERT INTO {} DEFAULT VALUES", self.table);
        }
        let format = if self.as_text { "text" } else { "binary" };
        format!(
            "COPY {} ({}) FROM STDIN (FORMAT {format})",
            self.table,
            columns.join(", ")
        )
    }

    fn kept(&self, left_out: u64) -> impl Iterator<Item = &Written> {
        let columns = self.columns.iter().enumerate();
        columns
            .filter(move |(at, _)| *at >= 64 || left_out & (1 << at) == 0)
            .map(|(_, column)| column)
    }

    fn refuse(&self, message: String) -> DatabaseError {
        let error = self.session.error(Fault::Value, message);
        error.with_statement(self.copy_text(0))
    }

    fn encode(
        &self,
        rows: &RecordBatch,
        left_out: u64,
        members: &[usize],
    ) -> Result<BytesMut, DatabaseError> {
        let mut out = BytesMut::new();
        let arrays = self
            .kept(left_out)
            .map(|column| match rows.columns().get(column.at) {
                Some(array) => Ok((column, array)),
                None => Err(self.refuse(format!("no values for column `{}`", column.name))),
            });
        let arrays = arrays.collect::<Result<Vec<_>, _>>()?;
        let wrong = |column: &Written, error: &dyn std::fmt::Display| {
            self.refuse(format!("column `{}`: {error}", column.name))
        };
        if self.as_text {
            let encoders = arrays.iter().map(|(column, array)| {
                TextEncoder::new(column.kind, array).map_err(|error| wrong(column, &error))
            });
            let encoders = encoders.collect::<Result<Vec<_>, _>>()?;
            for row in members {
                for (at, encoder) in encoders.iter().enumerate() {
                    if at > 0 {
                        out.put_u8(b'\t');
                    }
                    encoder.put(*row, &mut out);
                }
                out.put_u8(b'\n');
            }
            return Ok(out);
        }
        let encoders = arrays.iter().map(|(column, array)| {
            let encoder = Encoder::new(column.kind, array);
            encoder
                .map(|encoder| (*column, encoder))
                .map_err(|error| wrong(column, &error))
        });
        let encoders = encoders.collect::<Result<Vec<_>, _>>()?;
        let count = i16::try_from(encoders.len());
        let count = count.map_err(|_| self.refuse("a table has fewer columns".to_owned()))?;
        out.put_slice(SIGNATURE);
        for row in members {
            out.put_i16(count);
            for (column, encoder) in &encoders {
                encoder
                    .put(*row, &mut out)
                    .map_err(|error| wrong(column, &error))?;
            }
        }
        out.put_i16(-1);
        Ok(out)
    }
}

async fn copy_all(
    talk: Talk<'_>,
    copies: &mut BTreeMap<u64, Statement>,
    parts: Vec<(u64, usize, BytesMut)>,
    texts: &BTreeMap<u64, String>,
) -> Result<(), DatabaseError> {
    for (left_out, count, bytes) in parts {
        let text = texts.get(&left_out).map_or("", String::as_str);
        let failed = |error: tokio_postgres::Error| talk.fail(&error).with_statement(text);
        if text.starts_with("INSERT") {
            for _ in 0..count {
                talk.run(text).await?;
            }
            continue;
        }
        let prepared = match copies.get(&left_out) {
            Some(prepared) => prepared.clone(),
            None => {
                let prepared = talk.client.prepare(text).await.map_err(failed)?;
                copies.insert(left_out, prepared.clone());
                prepared
            }
        };
        let sink = talk
            .client
            .copy_in::<_, Bytes>(&prepared)
            .await
            .map_err(failed)?;
        let mut sink = pin!(sink);
        let mut bytes = bytes.freeze();
        while !bytes.is_empty() {
            let part = bytes.split_to(bytes.len().min(PART_BYTES));
            sink.feed(part).await.map_err(failed)?;
        }
        sink.finish().await.map_err(failed)?;
    }
    Ok(())
}

impl Load for PostgresLoad<'_> {
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
        insert_halves(rows, go_on, &mut |part| (self.insert(part), true))
    }

    fn commit(&mut self) -> Result<(), DatabaseError> {
        if !std::mem::take(&mut self.open) {
            return Ok(());
        }
        self.session.run(if self.within {
            "RELEASE fletching_load"
        } else {
            "COMMIT"
        })
    }
}

impl Drop for PostgresLoad<'_> {
    fn drop(&mut self) {
        if self.open {
            let undo = "ROLLBACK TO fletching_load; RELEASE fletching_load";
            // What is not committed goes with the connection, should this fail.
            drop(
                self.session
                    .run(if self.within { undo } else { "ROLLBACK" }),
            );
        }
    }
}
