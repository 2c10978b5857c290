//! Loads, and statements that run for each row, that take longer than they may.

use std::{
    sync::Arc,
    thread::sleep,
    time::{Duration, Instant},
};

use arrow::array::{ArrayRef, Int32Array, RecordBatch};
use tds_server::{Faults, Options, Server};

use super::servers::{Database, Family};
use crate::database::{
    DatabaseError, Fault, LoadOptions, Session, Statement, TableName, Target, open,
};

/// SQLite's drivers cannot be stopped in a step, DuckDB has no triggers.
const DATABASES: [&str; 5] = [
    "sqlite",
    "postgres",
    "postgres-odbc",
    "postgres-adbc",
    "mariadb-odbc",
];

fn numbers(values: &[i32]) -> RecordBatch {
    let values = Arc::new(Int32Array::from(values.to_vec())) as ArrayRef;
    RecordBatch::try_from_iter([("a", values)]).unwrap()
}

/// What makes a row of table `t` slow.
fn slow(family: Family, table: &str) -> Vec<String> {
    match family {
        Family::MariaDb => vec![format!(
            "CREATE TRIGGER slow_{table} BEFORE INSERT ON {table} FOR EACH ROW SET NEW.a = NEW.a + 0 * sleep(20)"
        )],
        Family::Sqlite => vec![format!(
            "CREATE TRIGGER slow_{table} BEFORE INSERT ON {table} BEGIN SELECT (WITH RECURSIVE n(i) AS \
             (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3000000000) SELECT max(i) FROM n); END"
        )],
        _ => vec![
            format!(
                "CREATE OR REPLACE FUNCTION slow_{table}() RETURNS trigger LANGUAGE plpgsql AS \
                 $$ BEGIN PERFORM pg_sleep(20); RETURN NEW; END $$"
            ),
            format!(
                "CREATE TRIGGER slow BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION slow_{table}()"
            ),
        ],
    }
}

fn load(session: &mut dyn Session, table: &str, each: bool) -> DatabaseError {
    let name = TableName::parse(table).unwrap();
    let mut load = session
        .load(&name, &["a".to_owned()], &LoadOptions::default())
        .unwrap();
    load.allow(1);
    let rows = numbers(&[1, 2, 3, 4]);
    match each {
        true => load.write_each(&rows, true).unwrap_err(),
        false => load.write(&rows).unwrap_err(),
    }
}

#[test]
fn a_load_ends_when_its_time_is_over() {
    for name in DATABASES {
        let database = Database::named(name);
        let folder = tempfile::tempdir().unwrap();
        let Some(mut session) = database.open(folder.path()) else {
            continue;
        };
        let table = format!("fletching_slow_{}", name.replace('-', "_"));
        let run = |session: &mut dyn Session, sql: &str| {
            session.execute(&Statement::new(sql)).unwrap();
        };
        run(session.as_mut(), &format!("DROP TABLE IF EXISTS {table}"));
        run(session.as_mut(), &format!("CREATE TABLE {table} (a int)"));
        for sql in slow(database.family, &table) {
            run(session.as_mut(), &sql);
        }
        for each in [false, true] {
            let begin = Instant::now();
            let error = load(session.as_mut(), &table, each);
            assert_eq!(error.fault, Fault::Timeout, "{name}: {error}");
            assert!(error.message.contains("1 s"), "{name}: {error}");
            assert!(begin.elapsed() < Duration::from_secs(10), "{name}");
        }
        run(session.as_mut(), &format!("DROP TABLE {table}"));
    }
}

#[test]
fn a_row_that_takes_too_long_is_one_that_fails() {
    for name in ["postgres", "postgres-odbc", "postgres-adbc", "mariadb-odbc"] {
        let database = Database::named(name);
        let folder = tempfile::tempdir().unwrap();
        let Some(mut session) = database.open(folder.path()) else {
            continue;
        };
        let sql = match (name, database.family) {
            (_, Family::MariaDb) => "SELECT sleep(?), a.seq FROM seq_1_to_50 a",
            ("postgres-odbc", _) => "SELECT pg_sleep(?)",
            _ => "SELECT pg_sleep($1::int)",
        };
        let statement = Statement {
            timeout_seconds: 1,
            ..Statement::new(sql)
        };
        let rows = numbers(&[0, 20, 0]);
        let done = session.execute_each(&statement, &rows, true).unwrap();
        let faults: Vec<_> = done
            .iter()
            .map(|one| one.as_ref().err().map(|error| error.fault))
            .collect();
        assert_eq!(faults, [None, Some(Fault::Timeout), None], "{name}");
        let done = session.execute_each(&statement, &rows, false).unwrap();
        assert_eq!(done.len(), 2, "{name}");
    }
}

#[test]
fn sqlite_keeps_the_rows_before_one_that_takes_too_long() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = Database::named("sqlite").open(folder.path()).unwrap();
    session
        .execute(&Statement::new("CREATE TABLE t (a int)"))
        .unwrap();
    let statement = Statement {
        timeout_seconds: 1,
        ..Statement::new(
            "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT ?) SELECT max(i) FROM n",
        )
    };
    let rows = numbers(&[3, 2_000_000_000, 4]);
    let done = session.execute_each(&statement, &rows, true).unwrap();
    let error = done[1].as_ref().unwrap_err();
    assert_eq!(error.fault, Fault::Timeout, "{error}");
    let count = session.execute(&Statement::new("SELECT a FROM t")).unwrap();
    assert_eq!(count.result_sets[0].batches[0].num_rows(), 2);
    session.begin().unwrap();
    let error = session.execute_each(&statement, &rows, true).unwrap_err();
    assert!(error.message.contains("rolled back"), "{error}");
}

#[test]
fn a_server_that_answers_late() {
    let server = Server::start(Options::default()).unwrap();
    let address = format!(
        "mssql://sa:Passw0rd!@127.0.0.1:{}/tests?encrypt=no",
        server.port()
    );
    let target = Target::parse(&address, "OLEDB", None).unwrap();
    let mut session = open(&target).unwrap();
    session
        .execute(&Statement::new("CREATE TABLE t (a int)"))
        .unwrap();
    let statement = Statement {
        timeout_seconds: 1,
        ..Statement::new("INSERT INTO t VALUES (?)")
    };
    let late = Faults {
        delay: Some(Duration::from_secs(4)),
        ..Faults::default()
    };
    server.set_faults(late.clone());
    let done = session
        .execute_each(&statement, &numbers(&[1]), true)
        .unwrap();
    let error = done[0].as_ref().unwrap_err();
    assert_eq!(error.fault, Fault::Timeout, "{error}");
    server.set_faults(Faults::default());
    sleep(Duration::from_millis(100));
    let mut session = open(&target).unwrap();
    let name = TableName::parse("t").unwrap();
    let mut load = session
        .load(&name, &["a".to_owned()], &LoadOptions::default())
        .unwrap();
    load.allow(1);
    load.write(&numbers(&[1, 2])).unwrap();
    server.set_faults(late);
    let begin = Instant::now();
    let error = load.write(&numbers(&[3, 4])).unwrap_err();
    assert_eq!(error.fault, Fault::Timeout, "{error}");
    assert!(begin.elapsed() < Duration::from_secs(9));
}
