//! An open ADBC connection.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use adbc_core::{
    CancelHandle, Connection as _, Database as _, Driver as _, Optionable as _, Statement as _,
    options::{InfoCode, OptionConnection, OptionDatabase, OptionValue},
};
use adbc_driver_manager::{ManagedConnection, ManagedDatabase, ManagedStatement};
use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchReader, UnionArray},
    datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit},
};
use parking_lot::Mutex;

use super::{
    describe::{self, Described},
    driver,
    failure::{failure, not_connected, of_arrow},
    load::AdbcLoad,
};
use crate::{
    database::{
        AdbcTarget, Cancel, Collected, DatabaseError, Direction, Executed, Fault, Load,
        LoadOptions, ReadOptions, RowSink, Session, Statement, TableColumn, TableName, Target,
        natural::{natural_batch, natural_schema, to_type},
        watch::{Unhurried, Watch, each_timed},
    },
    sql::Dialect,
};

pub(crate) struct AdbcSession {
    pub(super) connection: ManagedConnection,
    /// Lives as long as its connection.
    _database: ManagedDatabase,
    pub(super) name: String,
    pub(super) dialect: Dialect,
    interrupt: Arc<Interrupt>,
    /// A transaction is open: the driver commits nothing by itself.
    pub(super) within: bool,
}

#[derive(Default)]
struct Interrupt {
    running: Mutex<Option<Box<dyn CancelHandle>>>,
    cancelled: AtomicBool,
}

impl std::fmt::Debug for Interrupt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Interrupt")
    }
}

impl Cancel for Interrupt {
    fn cancel(&self) {
        if let Some(running) = &*self.running.lock() {
            self.cancelled.store(true, Ordering::Release);
            // A driver that cannot is stopped at its next batch.
            drop(running.try_cancel());
        }
    }
}

impl std::fmt::Debug for AdbcSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AdbcSession")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

fn dialect(connection: &ManagedConnection, driver: &str) -> Dialect {
    match driver::family(driver) {
        Some("duckdb") => return Dialect::DuckDb,
        Some("postgresql") => return Dialect::Postgres,
        Some("sqlite") => return Dialect::Sqlite,
        _ => {}
    }
    let vendor = vendor(connection).unwrap_or_default().to_lowercase();
    let known = [
        ("duckdb", Dialect::DuckDb),
        ("postgres", Dialect::Postgres),
        ("sqlite", Dialect::Sqlite),
        ("sql server", Dialect::MsSql),
        ("mysql", Dialect::MySql),
        ("mariadb", Dialect::MySql),
    ];
    let found = known.iter().find(|(name, _)| vendor.contains(name));
    found.map_or(Dialect::Other, |(_, dialect)| *dialect)
}

fn vendor(connection: &ManagedConnection) -> Option<String> {
    let codes = [InfoCode::VendorName].into_iter().collect();
    let mut info = connection.get_info(Some(codes)).ok()?;
    let batch = info.next()?.ok()?;
    let values: &UnionArray = batch.columns().get(1)?.as_any().downcast_ref()?;
    let value = (!values.is_empty()).then(|| values.value(0))?;
    Some(value.as_string_opt::<i32>()?.value(0).to_owned())
}

impl AdbcSession {
    pub(crate) fn open(target: &AdbcTarget) -> Result<Self, DatabaseError> {
        let name = Target::Adbc(target.clone()).to_string();
        let mut driver = driver::load(&name, &target.driver)?;
        let options = target.options.iter().map(|(key, value)| {
            let key = match key.as_str() {
                "uri" => OptionDatabase::Uri,
                "username" => OptionDatabase::Username,
                "password" => OptionDatabase::Password,
                other => OptionDatabase::Other(other.to_owned()),
            };
            (key, OptionValue::String(value.clone()))
        });
        let refused = |error: &adbc_core::error::Error| not_connected(&name, error);
        let database = driver
            .new_database_with_opts(options)
            .map_err(|error| refused(&error))?;
        let connection = database.new_connection().map_err(|error| refused(&error))?;
        let dialect = dialect(&connection, &target.driver);
        Ok(Self {
            connection,
            _database: database,
            name,
            dialect,
            interrupt: Arc::default(),
            within: false,
        })
    }

    pub(super) fn fail(&self, error: &adbc_core::error::Error, sql: &str) -> DatabaseError {
        self.stopped(failure(&self.name, error), sql)
    }

    fn stopped(&self, failure: DatabaseError, sql: &str) -> DatabaseError {
        let fault = match self.interrupt.cancelled.load(Ordering::Acquire) {
            true => Fault::Cancelled,
            false => failure.fault,
        };
        DatabaseError { fault, ..failure }.with_statement(sql)
    }

    pub(super) fn refuse(
        &self,
        fault: Fault,
        message: impl Into<String>,
        sql: &str,
    ) -> DatabaseError {
        DatabaseError::new(&self.name, fault, message).with_statement(sql)
    }

    pub(super) fn statement(&mut self, sql: &str) -> Result<ManagedStatement, DatabaseError> {
        let statement = self.connection.new_statement();
        statement.map_err(|error| self.fail(&error, sql))
    }

    /// Runs a statement whose rows nobody wants.
    pub(super) fn run(&mut self, sql: &str) -> Result<Option<i64>, DatabaseError> {
        let mut statement = self.statement(sql)?;
        statement
            .set_sql_query(sql)
            .and_then(|()| statement.execute_update())
            .map_err(|error| failure(&self.name, &error).with_statement(sql))
    }

    /// Works with a statement; [`Cancel::cancel`] has an effect meanwhile.
    pub(super) fn perform<T>(
        &self,
        statement: &mut ManagedStatement,
        work: impl FnOnce(&mut ManagedStatement) -> Result<T, DatabaseError>,
    ) -> Result<T, DatabaseError> {
        self.interrupt.cancelled.store(false, Ordering::Release);
        *self.interrupt.running.lock() = Some(statement.get_cancel_handle());
        let done = work(statement);
        *self.interrupt.running.lock() = None;
        done
    }

    fn stream(
        &self,
        mut reader: Box<dyn RecordBatchReader + Send>,
        options: &ReadOptions,
        sink: &mut dyn RowSink,
        sql: &str,
    ) -> Result<(), DatabaseError> {
        let schema = natural_schema(&reader.schema());
        if sink.start(&schema).is_break() {
            return Ok(());
        }
        let most = options.batch_rows.max(1);
        loop {
            let batch = reader.next();
            if self.interrupt.cancelled.load(Ordering::Acquire) {
                return Err(self.refuse(Fault::Cancelled, "cancelled", sql));
            }
            let Some(batch) = batch else { return Ok(()) };
            let batch = batch.and_then(|batch| natural_batch(&batch, &schema));
            let batch = batch.map_err(|error| self.stopped(of_arrow(&self.name, &error), sql))?;
            let mut begin = 0;
            while begin < batch.num_rows() {
                let part = batch.slice(begin, most.min(batch.num_rows() - begin));
                begin += part.num_rows();
                if sink.batch(part).is_break() {
                    return Ok(());
                }
            }
        }
    }

    /// A statement with its text and values.
    fn prepared(&mut self, statement: &Statement<'_>) -> Result<ManagedStatement, DatabaseError> {
        let sql = statement.sql;
        let mut prepared = self.statement(sql)?;
        prepared
            .set_sql_query(sql)
            .map_err(|error| self.fail(&error, sql))?;
        if statement.parameters.is_empty() {
            return Ok(prepared);
        }
        let mut fields = Vec::new();
        let mut values = Vec::new();
        for (at, parameter) in statement.parameters.iter().enumerate() {
            if parameter.direction != Direction::Input {
                let message = "ADBC has no output parameters";
                return Err(self.refuse(Fault::Unsupported, message, sql));
            }
            let value = plain(&parameter.value, self.dialect)
                .map_err(|error| self.refuse(Fault::Value, error, sql))?;
            fields.push(Field::new(at.to_string(), value.data_type().clone(), true));
            values.push(value);
        }
        let row = RecordBatch::try_new(Arc::new(Schema::new(Fields::from(fields))), values);
        let row = row.map_err(|error| self.refuse(Fault::Value, error.to_string(), sql))?;
        prepared
            .prepare()
            .and_then(|()| prepared.bind(row))
            .map_err(|error| self.fail(&error, sql))?;
        Ok(prepared)
    }

    fn each(
        &self,
        prepared: &mut ManagedStatement,
        (sql, rows): (&str, &RecordBatch),
        go_on: bool,
    ) -> Result<Vec<Result<u64, DatabaseError>>, DatabaseError> {
        let mut done = Vec::with_capacity(rows.num_rows());
        for row in 0..rows.num_rows() {
            let bound = prepared.bind(rows.slice(row, 1));
            let ran = bound.and_then(|()| prepared.execute_update());
            let one = ran.map_err(|error| self.fail(&error, sql));
            let one = one.map(|count| {
                count
                    .and_then(|count| u64::try_from(count).ok())
                    .unwrap_or(0)
            });
            let stop = match &one {
                Err(error) if error.is_fatal() => return one.map(|_| Vec::new()),
                Err(_) => !go_on,
                Ok(_) => false,
            };
            done.push(one);
            if stop {
                break;
            }
        }
        Ok(done)
    }

    fn table(&mut self, table: &TableName) -> Result<(Described, Vec<TableColumn>), DatabaseError> {
        let described = describe::find(&self.connection, &self.name, table)?;
        let mut collected = Collected::default();
        if let Some(sql) = describe::catalogue(self.dialect, &described) {
            // What is not known of a column is as if it had none of it.
            drop(self.query(
                &Statement::new(&sql),
                &ReadOptions::default(),
                &mut collected,
            ));
        }
        let columns = describe::columns(self.dialect, &described, Some(&collected));
        Ok((described, columns))
    }
}

/// Types that the driver takes: no views; GUIDs and offsets as their text, for SQLite decimals and times too.
pub(super) fn plain(array: &ArrayRef, dialect: Dialect) -> Result<ArrayRef, String> {
    let sqlite = dialect == Dialect::Sqlite;
    let wanted = match array.data_type() {
        DataType::Utf8View | DataType::FixedSizeBinary(16) | DataType::Struct(_) => DataType::Utf8,
        DataType::Decimal128(..) if sqlite => DataType::Utf8,
        DataType::Time32(_) | DataType::Time64(_) if sqlite => DataType::Utf8,
        DataType::Time32(_) | DataType::Time64(_) => DataType::Time64(TimeUnit::Microsecond),
        DataType::BinaryView => DataType::Binary,
        _ => return Ok(Arc::clone(array)),
    };
    to_type(array, &wanted).map_err(|error| error.to_string())
}

impl Session for AdbcSession {
    fn dialect(&self) -> Dialect {
        self.dialect
    }

    fn query(
        &mut self,
        statement: &Statement<'_>,
        options: &ReadOptions,
        sink: &mut dyn RowSink,
    ) -> Result<(), DatabaseError> {
        let sql = statement.sql;
        let watch = Watch::start(statement.timeout_seconds, self.canceller());
        let mut prepared = self.prepared(statement)?;
        let mut sink = Unhurried {
            sink,
            watch: watch.as_ref(),
        };
        let done = self.perform(&mut prepared, |prepared| {
            let reader = prepared.execute().map_err(|error| self.fail(&error, sql))?;
            if reader.schema().fields().is_empty() {
                let message = "the statement yields no rows, a query was wanted";
                return Err(self.refuse(Fault::Syntax, message, sql));
            }
            self.stream(reader, options, &mut sink, sql)
        });
        done.map_err(|error| Watch::told(watch.as_ref(), statement.timeout_seconds, error))
    }

    fn execute(&mut self, statement: &Statement<'_>) -> Result<Executed, DatabaseError> {
        let sql = statement.sql;
        let watch = Watch::start(statement.timeout_seconds, self.canceller());
        let mut prepared = self.prepared(statement)?;
        let rows = yields_rows(sql);
        let done = self.perform(&mut prepared, |prepared| {
            let mut executed = Executed::default();
            if rows {
                let reader = prepared.execute().map_err(|error| self.fail(&error, sql))?;
                let mut collected = Collected::default();
                self.stream(reader, &ReadOptions::default(), &mut collected, sql)?;
                executed.result_sets.extend(collected.0);
            } else {
                let count = prepared
                    .execute_update()
                    .map_err(|error| self.fail(&error, sql))?;
                executed.rows_affected = count
                    .and_then(|count| u64::try_from(count).ok())
                    .unwrap_or(0);
            }
            Ok(executed)
        });
        done.map_err(|error| Watch::told(watch.as_ref(), statement.timeout_seconds, error))
    }

    fn execute_each(
        &mut self,
        statement: &Statement<'_>,
        rows: &RecordBatch,
        go_on: bool,
    ) -> Result<Vec<Result<u64, DatabaseError>>, DatabaseError> {
        let (sql, seconds) = (statement.sql, statement.timeout_seconds);
        let mut prepared = self.statement(sql)?;
        let ready = prepared
            .set_sql_query(sql)
            .and_then(|()| prepared.prepare());
        ready.map_err(|error| self.fail(&error, sql))?;
        if let Ok(wanted) = prepared.get_parameter_schema()
            && wanted.fields().len() != rows.num_columns()
        {
            let message = format!(
                "the statement has {} parameter markers, {} columns are mapped to them",
                wanted.fields().len(),
                rows.num_columns()
            );
            return Err(self.refuse(Fault::Syntax, message, sql));
        }
        let rows = plain_batch(rows, self.dialect)
            .map_err(|message| self.refuse(Fault::Value, message, sql))?;
        let mut run = |rows: &RecordBatch, go_on| {
            self.perform(&mut prepared, |prepared| {
                self.each(prepared, (sql, rows), go_on)
            })
        };
        match seconds {
            0 => run(&rows, go_on),
            _ => each_timed(&rows, go_on, (seconds, &self.canceller()), &mut |row| {
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
        let (table, described) = self.table(table)?;
        Ok(Box::new(AdbcLoad::open(
            self,
            table,
            (columns, &described),
            options,
        )?))
    }

    fn begin(&mut self) -> Result<(), DatabaseError> {
        self.autocommit(false)?;
        self.within = true;
        Ok(())
    }

    fn commit(&mut self) -> Result<(), DatabaseError> {
        self.within = false;
        let done = self.connection.commit();
        let done = done.map_err(|error| self.fail(&error, "COMMIT"));
        done.and(self.autocommit(true))
    }

    fn rollback(&mut self) -> Result<(), DatabaseError> {
        if !std::mem::take(&mut self.within) {
            return Ok(());
        }
        let done = self.connection.rollback();
        let done = done.map_err(|error| self.fail(&error, "ROLLBACK"));
        done.and(self.autocommit(true))
    }

    fn canceller(&self) -> Arc<dyn Cancel> {
        Arc::<Interrupt>::clone(&self.interrupt) as Arc<dyn Cancel>
    }
}

impl AdbcSession {
    fn autocommit(&mut self, on: bool) -> Result<(), DatabaseError> {
        let value = OptionValue::String(on.to_string());
        let done = self
            .connection
            .set_option(OptionConnection::AutoCommit, value);
        done.map_err(|error| self.fail(&error, "autocommit"))
    }
}

fn plain_batch(rows: &RecordBatch, dialect: Dialect) -> Result<RecordBatch, String> {
    let arrays = rows.columns().iter().map(|array| plain(array, dialect));
    let arrays = arrays.collect::<Result<Vec<_>, _>>()?;
    let fields = rows.schema_ref().fields().iter().zip(&arrays);
    let fields =
        fields.map(|(field, array)| Field::new(field.name(), array.data_type().clone(), true));
    let schema: SchemaRef = Arc::new(Schema::new(fields.collect::<Fields>()));
    RecordBatch::try_new(schema, arrays).map_err(|error| error.to_string())
}

/// Whether the last statement of a text gives rows: by its first word, for drivers run it differently.
fn yields_rows(sql: &str) -> bool {
    let last = sql
        .trim()
        .trim_end_matches(';')
        .rsplit(';')
        .next()
        .unwrap_or_default();
    let word: String = last
        .trim_start_matches(|letter: char| letter.is_whitespace() || letter == '(')
        .chars()
        .take_while(|letter| letter.is_alphabetic())
        .collect();
    let word = word.to_lowercase();
    let words = [
        "select", "with", "values", "table", "show", "pragma", "explain", "describe", "call",
        "from",
    ];
    words.contains(&word.as_str()) || last.to_lowercase().contains(" returning ")
}
