//! SQL Server provider: rows of the table `sysssislog`, in whatever database the connection manager leads to.
//!
//! The table is made if it is not there. Rows are inserted in a session of their own: a log outlives the transactions of its
//! package. SSIS's procedure `sp_ssis_addlogentry` is neither made nor called.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, Int32Array, RecordBatch, StringViewArray, TimestampMicrosecondArray},
    datatypes::{Field, Schema},
};
use fletching_connections::{
    database::{
        AdaptError, DatabaseConnection, DatabaseError, Fault, Session, Statement, TableName, open,
    },
    sql::{self, Dialect, Parameter},
};

use super::{
    entry::LogEntry,
    log::{Log, LogFailure},
};

const TABLE: &str = "sysssislog";
const CREATE: &str = "CREATE TABLE sysssislog (\
     id int IDENTITY(1,1) NOT NULL PRIMARY KEY, event sysname NOT NULL, computer nvarchar(128) NOT NULL, \
     operator nvarchar(128) NOT NULL, source nvarchar(1024) NOT NULL, sourceid uniqueidentifier NOT NULL, \
     executionid uniqueidentifier NOT NULL, starttime datetime NOT NULL, endtime datetime NOT NULL, \
     datacode int NOT NULL, databytes image NULL, message nvarchar(2048) NOT NULL)";
const INSERT: &str = "INSERT INTO sysssislog \
     (event, computer, operator, source, sourceid, executionid, starttime, endtime, datacode, message) \
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
/// What stands for an id that is left out, or that the package has not.
const NO_ID: &str = "00000000-0000-0000-0000-000000000000";

#[derive(Debug)]
pub(super) struct DatabaseLog {
    provider: String,
    session: Box<dyn Session>,
    insert: String,
    /// Which of the columns goes to which marker of `insert`.
    places: Vec<usize>,
}

impl DatabaseLog {
    pub(super) fn open(
        provider: &str,
        connection: &DatabaseConnection,
    ) -> Result<Self, LogFailure> {
        let fail = |error: DatabaseError| LogFailure::opening(provider, error);
        let mut session = open(&connection.target).map_err(fail)?;
        let dialect = session.dialect();
        let unsaid = |error: AdaptError| LogFailure::opening(provider, error);
        let adapted = |text| adapted(text, dialect, &connection.target.to_string());
        let table = TableName {
            parts: vec![TABLE.to_owned()],
        };
        match session.describe(&table) {
            Ok(columns) if !columns.is_empty() => {}
            Err(error) if error.fault != Fault::Missing => return Err(fail(error)),
            _ => {
                let (create, _) = adapted(CREATE).map_err(unsaid)?;
                let created = session.execute(&Statement::new(&create));
                // Another run may have made it meanwhile.
                if let Err(error) = created
                    && session.describe(&table).is_err()
                {
                    return Err(fail(error));
                }
            }
        }
        let (insert, places) = adapted(INSERT).map_err(unsaid)?;
        Ok(Self {
            provider: provider.to_owned(),
            session,
            insert,
            places,
        })
    }
}

/// The text that a database is sent, and the places of its markers among ours.
fn adapted(
    text: &str,
    dialect: Dialect,
    database: &str,
) -> Result<(String, Vec<usize>), AdaptError> {
    let rewritten = sql::rewrite(text, dialect).map_err(|error| AdaptError::Rewrite {
        database: database.to_owned(),
        error,
    })?;
    let mut texts = Vec::new();
    let mut places = Vec::new();
    for statement in rewritten.statements {
        texts.push(statement.text);
        places.extend(statement.parameters.iter().map(|marker| match marker {
            Parameter::Ordinal(at) => *at,
            Parameter::Named(_) => 0,
        }));
    }
    Ok((texts.join(";\n"), places))
}

impl Log for DatabaseLog {
    fn write(&mut self, entries: &[&LogEntry]) -> Result<(), LogFailure> {
        let fail = |why: String| LogFailure::writing(&self.provider, why);
        let columns = columns(entries);
        let placed: Vec<ArrayRef> = self
            .places
            .iter()
            .filter_map(|at| columns.get(*at).map(Arc::clone))
            .collect();
        let fields: Vec<Field> = placed
            .iter()
            .enumerate()
            .map(|(at, column)| Field::new(format!("p{at}"), column.data_type().clone(), true))
            .collect();
        let rows = RecordBatch::try_new(Arc::new(Schema::new(fields)), placed)
            .map_err(|error| fail(error.to_string()))?;
        let done = self
            .session
            .execute_each(&Statement::new(&self.insert), &rows, false);
        let done = done.map_err(|error| fail(error.to_string()))?;
        match done.into_iter().find_map(Result::err) {
            Some(error) => Err(fail(error.to_string())),
            None => Ok(()),
        }
    }

    fn close(&mut self) -> Result<(), LogFailure> {
        Ok(())
    }
}

/// In the order of the statement's markers.
fn columns(entries: &[&LogEntry]) -> Vec<ArrayRef> {
    let texts = |of: &dyn Fn(&LogEntry) -> String| -> ArrayRef {
        let values = entries.iter().map(|entry| of(entry));
        Arc::new(StringViewArray::from_iter_values(values))
    };
    let times = entries.iter().map(|entry| {
        let local = entry.time.naive_local().and_utc();
        // `datetime` has three digits, and not all of them.
        local.timestamp_millis() * 1_000
    });
    let times: ArrayRef = Arc::new(TimestampMicrosecondArray::from_iter_values(times));
    let codes = entries.iter().map(|entry| entry.data_code);
    vec![
        texts(&|entry| cut(&entry.event, 128)),
        texts(&|entry| cut(&entry.computer, 128)),
        texts(&|entry| cut(&entry.operator, 128)),
        texts(&|entry| cut(&entry.source, 1024)),
        texts(&|entry| id(&entry.source_id)),
        texts(&|entry| id(&entry.execution_id)),
        Arc::clone(&times),
        times,
        Arc::new(Int32Array::from_iter_values(codes)),
        texts(&|entry| cut(entry.message.as_deref().unwrap_or_default(), 2048)),
    ]
}

/// A text of at most `max` UTF-16 units: what its column takes.
fn cut(text: &str, max: usize) -> String {
    let mut units = 0;
    let fits = |one: &char| {
        units += one.len_utf16();
        units <= max
    };
    text.chars().take_while(fits).collect()
}

/// A GUID without braces.
fn id(text: &str) -> String {
    let bare = text.trim().trim_start_matches('{').trim_end_matches('}');
    match uuid::Uuid::try_parse(bare) {
        Ok(id) => id.hyphenated().to_string().to_uppercase(),
        Err(_) => NO_ID.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_ids_fit_their_columns() {
        assert_eq!(cut("abc", 2), "ab");
        assert_eq!(cut("a😀b", 3), "a😀");
        assert_eq!(cut("a😀b", 2), "a");
        assert_eq!(
            id("{6de94afa-cfb0-4739-8050-eeee1f9d21ac}"),
            "6DE94AFA-CFB0-4739-8050-EEEE1F9D21AC"
        );
        assert_eq!(id(""), NO_ID);
    }

    #[test]
    fn every_dialect_can_say_it() {
        for dialect in [
            Dialect::MsSql,
            Dialect::Sqlite,
            Dialect::Postgres,
            Dialect::DuckDb,
            Dialect::MySql,
        ] {
            let (_, places) = adapted(INSERT, dialect, "").unwrap();
            assert_eq!(places.len(), 10, "{dialect:?}");
            adapted(CREATE, dialect, "").unwrap();
        }
    }
}
