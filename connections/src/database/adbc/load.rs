//! Rows into a table, by bulk ingest.

use std::sync::Arc;

use adbc_core::{
    Optionable as _, Statement as _,
    options::{IngestMode, OptionStatement, OptionValue},
};
use arrow::{
    array::RecordBatch,
    datatypes::{DataType, Field, Fields, Schema},
};

use super::{
    describe::{Described, quoted},
    session::{AdbcSession, plain},
};
use crate::{
    database::{
        DatabaseError, Fault, Load, LoadOptions, Session as _, TableColumn,
        natural::to_type,
        parts::{Given, by_given, insert_halves},
        sqlite::check_digits,
        watch::Watch,
    },
    sql::Dialect,
};

struct Written {
    given: Given,
    name: String,
    declared: String,
    /// What the driver takes for it.
    data_type: DataType,
}

pub(super) struct AdbcLoad<'s> {
    session: &'s mut AdbcSession,
    table: Described,
    columns: Vec<Written>,
    savepoints: bool,
    open: bool,
    /// The caller's transaction is used.
    within: bool,
    /// Without savepoints: the batches since the last commit, to be written again after a failure.
    kept: Vec<RecordBatch>,
    kept_bytes: usize,
    /// A batch failed that could not be undone alone.
    spoiled: bool,
    /// Of a write.
    timeout_seconds: u32,
}

/// Where DuckDB's rows wait.
const ASIDE: &str = "fletching_load";
/// Batches are kept up to this size.
const KEPT_BYTES: usize = 256 * 1024 * 1024;

/// `numeric` of PostgreSQL, which comes out as text, goes in as a decimal.
fn ingested(dialect: Dialect, declared: &str, data_type: &DataType) -> DataType {
    let Some(size) = declared
        .strip_prefix("numeric")
        .filter(|_| dialect == Dialect::Postgres)
    else {
        return data_type.clone();
    };
    let sizes = size.trim_matches(['(', ')']).split_once(',');
    let sizes = sizes.and_then(|(precision, scale)| {
        let (precision, scale): (u8, i8) =
            (precision.trim().parse().ok()?, scale.trim().parse().ok()?);
        (precision <= 38 && (0..=38).contains(&scale)).then_some((precision, scale))
    });
    let (precision, scale) = sizes.unwrap_or((38, 10));
    DataType::Decimal128(precision, scale)
}

impl<'s> AdbcLoad<'s> {
    pub(super) fn open(
        session: &'s mut AdbcSession,
        table: Described,
        (columns, described): (&[String], &[TableColumn]),
        options: &LoadOptions,
    ) -> Result<Self, DatabaseError> {
        let mut written = Vec::new();
        for (at, name) in columns.iter().enumerate() {
            let fields = described.iter().zip(table.types.fields());
            let mut alike = fields.filter(|(known, _)| known.name.eq_ignore_ascii_case(name));
            let exact = described
                .iter()
                .zip(table.types.fields())
                .find(|(known, _)| known.name == *name);
            let Some((found, field)) = exact.or_else(|| alike.next()) else {
                let message = format!("table `{}` has no column `{name}`", table.table);
                return Err(DatabaseError::new(&session.name, Fault::Missing, message));
            };
            if found.identity && !options.keep_identity {
                continue;
            }
            written.push(Written {
                given: Given {
                    at,
                    defaults: found.has_default && !found.identity && !options.keep_nulls,
                },
                name: found.name.clone(),
                declared: found.declared.clone(),
                data_type: ingested(session.dialect, &found.declared, field.data_type()),
            });
        }
        // The driver of PostgreSQL runs nothing after a failure, not even what would undo it.
        let savepoints = matches!(session.dialect, Dialect::Sqlite | Dialect::MySql);
        Ok(Self {
            savepoints,
            within: session.within,
            session,
            table,
            columns: written,
            open: false,
            kept: Vec::new(),
            kept_bytes: 0,
            spoiled: false,
            timeout_seconds: 0,
        })
    }

    fn begin(&mut self) -> Result<(), DatabaseError> {
        if self.spoiled {
            let message = "an earlier batch failed, and there was no way to undo it alone: this database has no \
                           savepoints, and more rows were written since the last commit than are kept for it";
            return Err(DatabaseError::new(
                &self.session.name,
                Fault::Unsupported,
                message,
            ));
        }
        if !self.open {
            if !self.within {
                self.session.begin()?;
            }
            self.open = true;
        }
        Ok(())
    }

    /// All rows or none.
    fn insert(&mut self, rows: &RecordBatch) -> Result<(), DatabaseError> {
        if self.savepoints {
            self.session.run("SAVEPOINT fletching_batch")?;
        }
        let done = self.insert_groups(rows);
        match &done {
            Ok(()) if self.savepoints => {
                self.session.run("RELEASE SAVEPOINT fletching_batch")?;
            }
            Ok(()) => self.keep(rows),
            Err(error) if error.is_fatal() => {}
            Err(error) if error.ends_load() => self.spoiled = true,
            Err(_) if self.savepoints => {
                self.session.run("ROLLBACK TO SAVEPOINT fletching_batch")?;
                self.session.run("RELEASE SAVEPOINT fletching_batch")?;
            }
            Err(_) => self.write_kept_again()?,
        }
        done
    }

    fn keep(&mut self, rows: &RecordBatch) {
        self.kept_bytes += rows.get_array_memory_size();
        match self.kept_bytes <= KEPT_BYTES {
            true => self.kept.push(rows.clone()),
            false => self.kept.clear(),
        }
    }

    /// After a failure that ended the transaction: all that was in it before, in a new one.
    fn write_kept_again(&mut self) -> Result<(), DatabaseError> {
        self.spoiled = self.within || self.kept_bytes > KEPT_BYTES;
        if self.within {
            return Ok(());
        }
        self.open = false;
        self.session.rollback()?;
        if self.spoiled {
            return Ok(());
        }
        self.session.begin()?;
        self.open = true;
        for rows in std::mem::take(&mut self.kept) {
            if let Err(error) = self.insert_groups(&rows) {
                self.spoiled = true;
                return Err(error);
            }
            self.kept.push(rows);
        }
        Ok(())
    }

    fn insert_groups(&mut self, rows: &RecordBatch) -> Result<(), DatabaseError> {
        let given: Vec<Given> = self.columns.iter().map(|column| column.given).collect();
        let groups = by_given(rows, &given).map_err(|error| self.refuse(error.to_string()))?;
        let watch = Watch::start(self.timeout_seconds, self.session.canceller());
        for (given, part) in groups {
            let done = self.ingest(&part, &given);
            done.map_err(|error| Watch::told(watch.as_ref(), self.timeout_seconds, error))?;
        }
        Ok(())
    }

    fn refuse(&self, message: String) -> DatabaseError {
        DatabaseError::new(&self.session.name, Fault::Value, message)
    }

    fn ingest(&mut self, rows: &RecordBatch, given: &[usize]) -> Result<(), DatabaseError> {
        if rows.num_rows() == 0 {
            return Ok(());
        }
        let rows = self.converted(rows, given)?;
        if self.session.dialect != Dialect::DuckDb {
            let schema = self.table.schema.clone();
            let table = self.table.table.clone();
            return self.bulk(rows, (schema.as_deref(), &table), IngestMode::Append);
        }
        // DuckDB appends by position, and looks at keys only when all is done.
        let names: Vec<String> = rows
            .schema()
            .fields()
            .iter()
            .map(|field| quoted(field.name()))
            .collect();
        let (names, table) = (names.join(", "), self.table.text());
        self.bulk(rows, (None, ASIDE), IngestMode::Create)?;
        self.session.run(&format!(
            "INSERT INTO {table} ({names}) SELECT {names} FROM temp.{ASIDE}"
        ))?;
        self.session
            .run(&format!("DROP TABLE temp.{ASIDE}"))
            .map(|_| ())
    }

    fn bulk(
        &mut self,
        rows: RecordBatch,
        (schema, table): (Option<&str>, &str),
        mode: IngestMode,
    ) -> Result<(), DatabaseError> {
        let sql = format!("ingest into {table}");
        let mut statement = self.session.statement(&sql)?;
        let text = |text: &str| OptionValue::String(text.to_owned());
        let aside = matches!(mode, IngestMode::Create);
        let ready = statement
            .set_option(OptionStatement::TargetTable, text(table))
            .and_then(|()| statement.set_option(OptionStatement::IngestMode, mode.into()))
            .and_then(|()| match (schema, aside) {
                (Some(schema), _) => {
                    statement.set_option(OptionStatement::TargetDbSchema, text(schema))
                }
                (None, true) => statement.set_option(OptionStatement::Temporary, text("true")),
                (None, false) => Ok(()),
            })
            .and_then(|()| statement.bind(rows));
        ready.map_err(|error| self.session.fail(&error, &sql))?;
        self.session.perform(&mut statement, |statement| {
            let done = statement.execute_update();
            done.map(|_| ())
                .map_err(|error| self.session.fail(&error, &sql))
        })
    }

    /// Rows in the types that the driver has for the table's columns.
    fn converted(&self, rows: &RecordBatch, given: &[usize]) -> Result<RecordBatch, DatabaseError> {
        let mut fields = Vec::new();
        let mut arrays = Vec::new();
        for column in given.iter().filter_map(|at| self.columns.get(*at)) {
            let wrong = |error: String| self.refuse(format!("column `{}`: {error}", column.name));
            let array = rows.columns().get(column.given.at);
            let array = array.ok_or_else(|| wrong("no values".to_owned()))?;
            if self.session.dialect == Dialect::Sqlite {
                check_digits(array, &column.name, &column.declared).map_err(wrong)?;
            }
            // SQLite keeps types with values, not with columns.
            let array = match self.session.dialect == Dialect::Sqlite {
                true => plain(array, Dialect::Sqlite).map_err(wrong)?,
                false => {
                    to_type(array, &column.data_type).map_err(|error| wrong(error.to_string()))?
                }
            };
            fields.push(Field::new(&column.name, array.data_type().clone(), true));
            arrays.push(array);
        }
        RecordBatch::try_new(Arc::new(Schema::new(Fields::from(fields))), arrays)
            .map_err(|error| self.refuse(error.to_string()))
    }
}

impl Load for AdbcLoad<'_> {
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
        self.kept.clear();
        self.kept_bytes = 0;
        match std::mem::take(&mut self.open) && !self.within {
            true => self.session.commit(),
            false => Ok(()),
        }
    }
}

impl Drop for AdbcLoad<'_> {
    fn drop(&mut self) {
        // What is not committed goes with the connection, should this fail.
        if self.open && !self.within {
            drop(self.session.rollback());
        }
    }
}
