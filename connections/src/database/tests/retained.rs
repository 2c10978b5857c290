//! Sessions that a manager retains, and what becomes of those that break.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use arrow::{
    array::{Array, AsArray, Int32Array, RecordBatch},
    compute::cast,
    datatypes::{DataType, Int64Type},
};
use tds_server::{Faults, Options, Server};

use super::{
    faults::long_query,
    servers::{Database, Family},
};
use crate::{
    database::{
        DatabaseConnection, DatabaseError, Fault, LoadOptions, Session, Sessions, Statement,
        TableName, Target,
    },
    sql::Dialect,
};

fn retained(address: &str) -> DatabaseConnection {
    DatabaseConnection {
        manager: "Warehouse".to_owned(),
        target: Target::parse(address, "OLEDB", None).unwrap(),
        retain: true,
        written_in: Dialect::MsSql,
    }
}

fn number(session: &mut dyn Session, sql: &str) -> Result<i64, DatabaseError> {
    let executed = session.execute(&Statement::new(sql))?;
    let found = cast(
        executed.result_sets[0].batches[0].column(0),
        &DataType::Int64,
    );
    Ok(found.unwrap().as_primitive::<Int64Type>().value(0))
}

#[test]
fn a_retained_session_that_breaks_is_opened_anew() {
    for name in ["postgres", "postgres-odbc", "postgres-adbc", "mariadb-odbc"] {
        let database = Database::named(name);
        let folder = tempfile::tempdir().unwrap();
        let Some(address) = database.address(folder.path()) else {
            continue;
        };
        let (who, kill) = match database.family {
            Family::MariaDb => ("SELECT connection_id()", "KILL CONNECTION "),
            _ => ("SELECT pg_backend_pid()", "SELECT pg_terminate_backend"),
        };
        let sessions = Arc::new(Sessions::default());
        let connection = retained(&address);
        let mut lease = sessions.acquire(&connection).unwrap();
        let first = number(&mut *lease, who).unwrap();
        drop(lease);
        let mut lease = sessions.acquire(&connection).unwrap();
        assert_eq!(number(&mut *lease, who), Ok(first), "{name}: kept");
        assert!(!lease.is_after_break());
        let mut admin = database.open(folder.path()).unwrap();
        admin
            .execute(&Statement::new(&format!("{kill}({first})")))
            .unwrap();
        std::thread::sleep(Duration::from_millis(300));
        let error = number(&mut *lease, who).unwrap_err();
        assert_eq!(error.fault, Fault::Lost, "{name}: {error}");
        drop(lease);
        let mut lease = sessions.acquire(&connection).unwrap();
        assert!(lease.is_after_break(), "{name}");
        let second = number(&mut *lease, who).unwrap();
        assert_ne!(first, second, "{name}");
        drop(lease);
        let mut lease = sessions.acquire(&connection).unwrap();
        assert!(!lease.is_after_break(), "{name}: told once");
        assert_eq!(number(&mut *lease, who), Ok(second), "{name}");
    }
}

#[test]
fn a_call_that_was_cancelled_leaves_its_session_to_the_next() {
    let stoppable = [
        "sqlite",
        "sqlite-odbc",
        "postgres",
        "postgres-odbc",
        "postgres-adbc",
        "mariadb-odbc",
        "duckdb-adbc",
    ];
    for name in stoppable {
        let database = Database::named(name);
        let folder = tempfile::tempdir().unwrap();
        let Some(address) = database.address(folder.path()) else {
            continue;
        };
        let own = ("TEMPORARY TABLE mine", "mine");
        is_left_to_the_next(name, &address, own, long_query(database.family));
    }
    let server = Server::start(Options::default()).unwrap();
    let port = server.port();
    let driver = std::env::var("MSODBCSQL").unwrap_or_default();
    let wait = "WAITFOR DELAY '00:01:00'; SELECT 1 AS one";
    let mut addresses = vec![format!(
        "mssql://sa:Passw0rd!@127.0.0.1:{port}/tests?encrypt=no"
    )];
    if !driver.is_empty() {
        addresses.push(format!(
            "odbc:Driver={driver};Server=127.0.0.1,{port};Encrypt=no;Uid=sa;Pwd=Passw0rd!"
        ));
    }
    for address in addresses {
        is_left_to_the_next(&address, &address, ("TABLE #mine", "#mine"), wait);
    }
}

/// A call is cancelled; it ends within two seconds, and whoever asks next has the very session.
fn is_left_to_the_next(name: &str, address: &str, (kind, own): (&str, &str), long: &str) {
    let sessions = Arc::new(Sessions::default());
    let connection = retained(address);
    let mut lease = sessions.acquire(&connection).unwrap();
    lease
        .execute(&Statement::new(&format!("CREATE {kind} (a int)")))
        .unwrap();
    let cancel = lease.canceller();
    let other = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(500));
        cancel.cancel();
    });
    let begin = Instant::now();
    let done = lease.execute(&Statement::new(long));
    let error = done.expect_err(name);
    let taken = begin.elapsed();
    other.join().unwrap();
    assert_eq!(error.fault, Fault::Cancelled, "{name}: {error}");
    assert!(taken < Duration::from_millis(2500), "{name}: {taken:?}");
    drop(lease);
    let mut lease = sessions.acquire(&connection).unwrap();
    assert!(!lease.is_after_break(), "{name}");
    let count = format!("SELECT count(*) AS n FROM {own}");
    assert_eq!(number(&mut *lease, &count), Ok(0), "{name}");
}

#[test]
fn a_failure_that_breaks_nothing_keeps_the_session() {
    let folder = tempfile::tempdir().unwrap();
    let address = format!("sqlite:{}/a.db", folder.path().display());
    let sessions = Arc::new(Sessions::default());
    let connection = retained(&address);
    let run = |sql: &str| {
        let mut lease = sessions.acquire(&connection).unwrap();
        lease.execute(&Statement::new(sql)).map(|_| ())
    };
    run("CREATE TEMP TABLE t (a int)").unwrap();
    assert_eq!(
        run("SELECT * FROM nowhere").unwrap_err().fault,
        Fault::Missing
    );
    run("INSERT INTO t VALUES (1)").unwrap();
}

#[test]
fn a_server_that_closes_the_connection() {
    let server = Server::start(Options::default()).unwrap();
    let address = format!(
        "mssql://sa:Passw0rd!@127.0.0.1:{}/tests?encrypt=no",
        server.port()
    );
    let sessions = Arc::new(Sessions::default());
    let connection = retained(&address);
    let mut lease = sessions.acquire(&connection).unwrap();
    lease
        .execute(&Statement::new(
            "CREATE TABLE t (a int); INSERT INTO t VALUES (1), (2)",
        ))
        .unwrap();
    drop(lease);
    server.set_faults(Faults {
        close_after_rows: Some(1),
        ..Faults::default()
    });
    let mut lease = sessions.acquire(&connection).unwrap();
    assert!(!lease.is_after_break());
    let error = lease
        .execute(&Statement::new("SELECT a FROM t"))
        .unwrap_err();
    assert_eq!(error.fault, Fault::Lost, "{error}");
    drop(lease);
    server.set_faults(Faults {
        close_after_bulk_batches: Some(0),
        ..Faults::default()
    });
    let mut lease = sessions.acquire(&connection).unwrap();
    assert!(lease.is_after_break());
    let rows =
        RecordBatch::try_from_iter([("a", Arc::new(Int32Array::from(vec![3])) as Arc<dyn Array>)])
            .unwrap();
    let table = TableName::parse("t").unwrap();
    let mut load = lease
        .load(&table, &["a".to_owned()], &LoadOptions::default())
        .unwrap();
    assert_eq!(load.write(&rows).unwrap_err().fault, Fault::Lost);
    drop(load);
    drop(lease);
    server.set_faults(Faults::default());
    let mut lease = sessions.acquire(&connection).unwrap();
    assert!(lease.is_after_break(), "a load's failure counts");
    assert_eq!(number(&mut *lease, "SELECT count(*) AS n FROM t"), Ok(2));
}

#[test]
fn a_server_that_is_gone_and_comes_back() {
    let server = Server::start(Options::default()).unwrap();
    let port = server.port();
    let address = format!("mssql://sa:Passw0rd!@127.0.0.1:{port}/tests?encrypt=no");
    let sessions = Arc::new(Sessions::default());
    let connection = retained(&address);
    let mut lease = sessions.acquire(&connection).unwrap();
    drop(server);
    assert!(number(&mut *lease, "SELECT 1 AS one").is_err());
    drop(lease);
    assert_eq!(
        sessions.acquire(&connection).unwrap_err().fault,
        Fault::Unreachable
    );
    let _again = Server::start(Options {
        listen: format!("127.0.0.1:{port}"),
        ..Options::default()
    })
    .unwrap();
    let mut lease = sessions.acquire(&connection).unwrap();
    assert!(lease.is_after_break());
    assert_eq!(number(&mut *lease, "SELECT 1 AS one"), Ok(1));
}
