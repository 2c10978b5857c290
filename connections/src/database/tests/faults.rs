//! What goes wrong with servers: logins, networks, locks, and calls that end from elsewhere.

use std::{
    ops::ControlFlow,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use arrow::{
    array::{AsArray, RecordBatch},
    datatypes::SchemaRef,
};

use super::servers::{Database, Family};
use crate::database::{
    Cancel, Collected, DatabaseError, Fault, ReadOptions, RowSink, Session, Statement, Target, open,
};

const SERVERS: [&str; 4] = ["postgres", "postgres-odbc", "postgres-adbc", "mariadb-odbc"];
/// SQLite's ADBC driver cannot be stopped in the middle of a step.
const STOPPABLE: [&str; 7] = [
    "sqlite",
    "sqlite-odbc",
    "postgres",
    "postgres-odbc",
    "postgres-adbc",
    "mariadb-odbc",
    "duckdb-adbc",
];
const ALL: [&str; 8] = [
    "sqlite",
    "sqlite-odbc",
    "sqlite-adbc",
    "postgres",
    "postgres-odbc",
    "postgres-adbc",
    "mariadb-odbc",
    "duckdb-adbc",
];

/// A query that takes minutes.
pub(super) fn long_query(family: Family) -> &'static str {
    match family {
        Family::Postgres => "SELECT pg_sleep(60)",
        Family::MariaDb => "SELECT sleep(60), a.seq FROM seq_1_to_100000 a",
        Family::Sqlite => {
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3000000000) SELECT max(i) FROM n"
        }
        Family::DuckDb => {
            "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range + b.range = 7"
        }
    }
}

fn failure(address: &str) -> DatabaseError {
    open(&Target::parse(address, "OLEDB", None).unwrap()).unwrap_err()
}

#[test]
fn a_wrong_password_and_nobody_listening() {
    for name in SERVERS {
        let folder = tempfile::tempdir().unwrap();
        let Some(address) = Database::named(name).address(folder.path()) else {
            continue;
        };
        let wrong = failure(&address.replace("for-tests-only", "wrong"));
        assert_eq!(wrong.fault, Fault::Login, "{name}: {wrong}");
        assert!(!wrong.to_string().contains("wrong@"), "{wrong}");
        let nobody = failure(&address.replace("5544", "5545").replace("3399", "3398"));
        assert_eq!(nobody.fault, Fault::Unreachable, "{name}: {nobody}");
    }
}

#[test]
fn tls_as_the_address_asks_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let Some(address) = Database::named("postgres").address(folder.path()) else {
        return;
    };
    let shown = |mode: &str| {
        let target = Target::parse(&format!("{address}?sslmode={mode}"), "OLEDB", None).unwrap();
        let mut session = open(&target)?;
        let sql = "SELECT ssl::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        let executed = session.execute(&Statement::new(sql))?;
        let batch = &executed.result_sets[0].batches[0];
        Ok::<_, DatabaseError>(batch.column(0).as_string_view().value(0).to_owned())
    };
    assert_eq!(shown("disable").unwrap(), "false");
    assert_eq!(shown("require").unwrap(), "true");
    // The server signed for itself.
    assert_eq!(shown("verify-full").unwrap_err().fault, Fault::Unreachable);
}

#[test]
fn a_driver_that_is_not_there() {
    let error = failure("odbc:Driver=Nothing Of The Kind;Server=x");
    assert_eq!(error.fault, Fault::Unreachable, "{error}");
    assert!(error.message.contains("drivers of this machine"), "{error}");
    let error = failure("adbc:nothing_of_the_kind?uri=x");
    assert_eq!(error.fault, Fault::Unreachable, "{error}");
    assert!(error.message.contains("ADBC_DRIVER_PATH"), "{error}");
}

#[test]
fn a_call_is_cancelled_from_another_thread() {
    for name in STOPPABLE {
        let database = Database::named(name);
        let folder = tempfile::tempdir().unwrap();
        let Some(mut session) = database.open(folder.path()) else {
            continue;
        };
        eprintln!("{name}");
        let cancel = session.canceller();
        let other = thread::spawn(move || {
            thread::sleep(Duration::from_millis(500));
            cancel.cancel();
        });
        let begin = Instant::now();
        let error = run(session.as_mut(), long_query(database.family), 0).unwrap_err();
        other.join().unwrap();
        assert_eq!(error.fault, Fault::Cancelled, "{name}: {error}");
        assert!(
            begin.elapsed() < Duration::from_millis(2500),
            "{name}: {:?}",
            begin.elapsed()
        );
        let again = run(session.as_mut(), "SELECT 1", 0);
        assert!(again.is_ok(), "{name}: {again:?}");
    }
}

fn run(session: &mut dyn Session, sql: &str, timeout_seconds: u32) -> Result<(), DatabaseError> {
    let statement = Statement {
        timeout_seconds,
        ..Statement::new(sql)
    };
    session.query(
        &statement,
        &ReadOptions::default(),
        &mut Collected::default(),
    )
}

#[test]
fn a_call_ends_when_its_time_is_over() {
    for name in STOPPABLE {
        let database = Database::named(name);
        let folder = tempfile::tempdir().unwrap();
        let Some(mut session) = database.open(folder.path()) else {
            continue;
        };
        eprintln!("{name}");
        let begin = Instant::now();
        let error = run(session.as_mut(), long_query(database.family), 1).unwrap_err();
        assert_eq!(error.fault, Fault::Timeout, "{name}: {error}");
        assert!(
            begin.elapsed() < Duration::from_secs(4),
            "{name}: {:?}",
            begin.elapsed()
        );
        assert!(run(session.as_mut(), "SELECT 1", 5).is_ok(), "{name}");
    }
}

/// Ends the server's side of a session as soon as the first batch is there.
struct Killer {
    admin: Box<dyn Session>,
    marker: &'static str,
    batches: usize,
}

impl RowSink for Killer {
    fn start(&mut self, _: &SchemaRef) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn batch(&mut self, _: RecordBatch) -> ControlFlow<()> {
        self.batches += 1;
        if self.batches == 1 {
            let sql = format!(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                 WHERE query LIKE '%{}%' AND pid <> pg_backend_pid()",
                self.marker
            );
            self.admin.execute(&Statement::new(&sql)).unwrap();
            thread::sleep(Duration::from_millis(300));
        }
        ControlFlow::Continue(())
    }
}

#[test]
fn a_server_that_ends_the_session_in_mid_read() {
    for name in ["postgres", "postgres-adbc"] {
        let database = Database::named(name);
        let folder = tempfile::tempdir().unwrap();
        let Some(mut session) = database.open(folder.path()) else {
            continue;
        };
        let admin = Database::named("postgres").open(folder.path()).unwrap();
        let mut sink = Killer {
            admin,
            marker: "killed_in_mid_read",
            batches: 0,
        };
        let sql = "SELECT i, repeat('x', 500) AS killed_in_mid_read FROM generate_series(1, 2000000) AS s (i)";
        let error = session
            .query(&Statement::new(sql), &ReadOptions::default(), &mut sink)
            .unwrap_err();
        assert_eq!(error.fault, Fault::Lost, "{name}: {error}");
    }
}

#[test]
fn a_lock_that_somebody_holds() {
    for name in SERVERS {
        let database = Database::named(name);
        let folder = tempfile::tempdir().unwrap();
        let Some(mut first) = database.open(folder.path()) else {
            continue;
        };
        let mut second = database.open(folder.path()).unwrap();
        let table = format!("fletching_lock_{}", name.replace('-', "_"));
        let run = |session: &mut dyn Session, sql: &str| {
            session.execute(&Statement::new(sql)).map(|_| ())
        };
        run(first.as_mut(), &format!("DROP TABLE IF EXISTS {table}")).unwrap();
        run(
            first.as_mut(),
            &format!("CREATE TABLE {table} (id integer PRIMARY KEY, n integer)"),
        )
        .unwrap();
        run(
            first.as_mut(),
            &format!("INSERT INTO {table} VALUES (1, 1)"),
        )
        .unwrap();
        let wait = match database.family {
            Family::MariaDb => "SET innodb_lock_wait_timeout = 1",
            _ => "SET lock_timeout = '500ms'",
        };
        run(second.as_mut(), wait).unwrap();
        first.begin().unwrap();
        run(first.as_mut(), &format!("UPDATE {table} SET n = 2")).unwrap();
        let error = run(second.as_mut(), &format!("UPDATE {table} SET n = 3")).unwrap_err();
        assert_eq!(error.fault, Fault::Locked, "{name}: {error}");
        first.rollback().unwrap();
        run(first.as_mut(), &format!("DROP TABLE {table}")).unwrap();
    }
}

/// Takes one batch.
struct One(usize);

impl RowSink for One {
    fn start(&mut self, _: &SchemaRef) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn batch(&mut self, batch: RecordBatch) -> ControlFlow<()> {
        self.0 += batch.num_rows();
        ControlFlow::Break(())
    }
}

#[test]
fn a_query_is_broken_off() {
    for name in ALL {
        let database = Database::named(name);
        let folder = tempfile::tempdir().unwrap();
        let Some(mut session) = database.open(folder.path()) else {
            continue;
        };
        let many = match database.family {
            Family::Postgres => "SELECT i FROM generate_series(1, 300000) AS s (i)",
            Family::MariaDb => "SELECT seq FROM seq_1_to_300000",
            Family::Sqlite => {
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 300000) SELECT i FROM n"
            }
            Family::DuckDb => "SELECT range AS i FROM range(300000)",
        };
        let options = ReadOptions {
            batch_rows: 100,
            wanted: None,
        };
        let mut sink = One(0);
        session
            .query(&Statement::new(many), &options, &mut sink)
            .unwrap();
        assert_eq!(sink.0, 100, "{name}");
        assert!(run(session.as_mut(), "SELECT 1", 0).is_ok(), "{name}");
    }
}

#[test]
fn cancelling_an_idle_session_does_nothing() {
    for name in ALL {
        let folder = tempfile::tempdir().unwrap();
        let Some(mut session) = Database::named(name).open(folder.path()) else {
            continue;
        };
        let cancel: Arc<dyn Cancel> = session.canceller();
        cancel.cancel();
        assert!(run(session.as_mut(), "SELECT 1", 0).is_ok(), "{name}");
    }
}
