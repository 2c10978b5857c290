//! Rows in and out, several loads of one file, failures and deadlines.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, Decimal128Array, Int32Array, RecordBatch, StringViewArray},
    util::pretty::pretty_format_batches,
};

use super::SqliteSession;
use crate::database::{
    Collected, Fault, LoadOptions, ReadOptions, Session, SqliteTarget, Statement, TableName,
};

fn session() -> (tempfile::TempDir, SqliteTarget) {
    let folder = tempfile::tempdir().unwrap();
    let file = Some(folder.path().join("a.db"));
    (folder, SqliteTarget { file })
}

fn rows(session: &mut SqliteSession, sql: &str) -> String {
    let mut collected = Collected::default();
    session
        .query(
            &Statement::new(sql),
            &ReadOptions::default(),
            &mut collected,
        )
        .unwrap();
    let batches = collected.0.unwrap().batches;
    pretty_format_batches(&batches).unwrap().to_string()
}

fn batch(ids: &[i32], names: &[Option<&str>]) -> RecordBatch {
    let amounts = Decimal128Array::from_iter_values(ids.iter().map(|id| i128::from(*id) * 150));
    let amounts = amounts.with_precision_and_scale(12, 2).unwrap();
    RecordBatch::try_from_iter([
        ("id", Arc::new(Int32Array::from(ids.to_vec())) as ArrayRef),
        (
            "name",
            Arc::new(StringViewArray::from_iter(names.iter().copied())),
        ),
        ("amount", Arc::new(amounts)),
    ])
    .unwrap()
}

const TABLE: &str =
    "CREATE TABLE t (id INT PRIMARY KEY, name TEXT NOT NULL DEFAULT 'none', amount DECIMAL(12,2))";

fn columns() -> Vec<String> {
    ["id", "name", "amount"].map(str::to_owned).to_vec()
}

#[test]
fn rows_go_in_and_come_out() {
    let (_folder, target) = session();
    let mut session = SqliteSession::open(&target).unwrap();
    session.execute(&Statement::new(TABLE)).unwrap();
    let table = TableName::parse("[dbo].[t]").unwrap();
    let options = LoadOptions::default();
    let mut load = session.load(&table, &columns(), &options).unwrap();
    load.write(&batch(&[1, 2], &[Some("a"), None])).unwrap();
    let error = load
        .write(&batch(&[3, 1], &[Some("c"), Some("d")]))
        .unwrap_err();
    assert_eq!(error.fault, Fault::Constraint);
    load.commit().unwrap();
    load.write(&batch(&[9], &[Some("lost")])).unwrap();
    drop(load);
    let expected = "\
+----+------+--------+
| id | name | amount |
+----+------+--------+
| 1  | a    | 1.5    |
| 2  | none | 3      |
+----+------+--------+";
    assert_eq!(rows(&mut session, "SELECT * FROM t ORDER BY id"), expected);
}

#[test]
fn two_loads_of_one_file_do_not_wait_for_each_other() {
    let (_folder, target) = session();
    let mut first = SqliteSession::open(&target).unwrap();
    first.execute(&Statement::new(TABLE)).unwrap();
    let mut second = SqliteSession::open(&target).unwrap();
    let table = TableName::parse("t").unwrap();
    let options = LoadOptions::default();
    let mut one = first.load(&table, &columns(), &options).unwrap();
    let mut two = second.load(&table, &columns(), &options).unwrap();
    one.write(&batch(&[1], &[Some("a")])).unwrap();
    two.write(&batch(&[2], &[None])).unwrap();
    one.write(&batch(&[3], &[Some("c")])).unwrap();
    two.commit().unwrap();
    one.commit().unwrap();
    drop((one, two));
    assert!(
        rows(
            &mut first,
            "SELECT group_concat(id) AS ids FROM (SELECT id FROM t ORDER BY id)"
        )
        .contains("1,2,3")
    );
}

#[test]
fn a_row_that_fails_is_named_and_the_others_are_in() {
    let (_folder, target) = session();
    let mut session = SqliteSession::open(&target).unwrap();
    session.execute(&Statement::new(TABLE)).unwrap();
    let table = TableName::parse("t").unwrap();
    let mut load = session
        .load(&table, &columns(), &LoadOptions::default())
        .unwrap();
    let failed = load
        .write_each(&batch(&[1, 1, 2], &[Some("a"), Some("b"), Some("c")]), true)
        .unwrap();
    assert_eq!(failed.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [1]);
    load.commit().unwrap();
    drop(load);
    assert!(rows(&mut session, "SELECT count(*) AS n FROM t").contains("| 2 |"));
}

#[test]
fn statements_with_parameters_and_their_failures() {
    let mut session = SqliteSession::open(&SqliteTarget { file: None }).unwrap();
    session.execute(&Statement::new(TABLE)).unwrap();
    let done = session
        .execute_each(
            &Statement::new("INSERT INTO t VALUES (?, ?, ?)"),
            &batch(&[1, 1], &[Some("a"), Some("b")]),
            true,
        )
        .unwrap();
    assert_eq!(done[0], Ok(1));
    assert_eq!(done[1].as_ref().unwrap_err().fault, Fault::Constraint);
    let missing = session
        .execute(&Statement::new("SELECT * FROM nowhere"))
        .unwrap_err();
    assert_eq!(missing.fault, Fault::Missing);
    let syntax = session.execute(&Statement::new("SELEC 1")).unwrap_err();
    assert_eq!(syntax.fault, Fault::Syntax);
    let executed = session
        .execute(&Statement::new(
            "UPDATE t SET name = 'x'; SELECT id FROM t; SELECT 5 AS n",
        ))
        .unwrap();
    assert_eq!((executed.rows_affected, executed.result_sets.len()), (1, 2));
    let late = Statement {
        timeout_seconds: 1,
        ..Statement::new(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
        )
    };
    assert_eq!(session.execute(&late).unwrap_err().fault, Fault::Timeout);
}

/// Somebody writes to a file that has no write-ahead log yet: whoever opens it meanwhile waits.
#[test]
fn a_file_that_is_being_written_is_opened_when_it_is_free() {
    let (_folder, target) = session();
    let writer = rusqlite::Connection::open(target.file.as_ref().unwrap()).unwrap();
    writer
        .execute_batch("CREATE TABLE t (id int); BEGIN IMMEDIATE; INSERT INTO t VALUES (1)")
        .unwrap();
    std::thread::scope(|scope| {
        let opened = scope.spawn(|| SqliteSession::open(&target).map(|_| ()));
        std::thread::sleep(std::time::Duration::from_millis(300));
        assert!(!opened.is_finished(), "it did not wait");
        writer.execute_batch("COMMIT").unwrap();
        opened.join().unwrap().unwrap();
    });
    let mut session = SqliteSession::open(&target).unwrap();
    assert!(rows(&mut session, "PRAGMA journal_mode").contains("wal"));
}

/// The first of them makes the file and gives it its journal; none of the others is turned away meanwhile.
#[test]
fn many_sessions_open_a_new_file_at_once() {
    const SESSIONS: usize = 12;
    for _ in 0..10 {
        let (_folder, target) = session();
        let start = std::sync::Barrier::new(SESSIONS);
        std::thread::scope(|scope| {
            for id in 0..SESSIONS {
                let (target, start) = (&target, &start);
                scope.spawn(move || {
                    start.wait();
                    let mut session = SqliteSession::open(target).unwrap();
                    let sql = format!(
                        "CREATE TABLE IF NOT EXISTS t (id int); INSERT INTO t VALUES ({id})"
                    );
                    session.execute(&Statement::new(&sql)).unwrap();
                });
            }
        });
        let mut session = SqliteSession::open(&target).unwrap();
        let found = rows(&mut session, "SELECT count(DISTINCT id) AS n FROM t");
        assert!(found.contains(&format!("| {SESSIONS} ")), "{found}");
        let mode = rows(&mut session, "PRAGMA journal_mode");
        assert!(mode.contains("wal"), "{mode}");
    }
}

/// A database that may not grow: nothing of the load that does not fit stays, and the session goes on.
#[test]
fn a_full_database_keeps_what_was_committed() {
    let (_folder, target) = session();
    let mut session = SqliteSession::open(&target).unwrap();
    session.execute(&Statement::new(TABLE)).unwrap();
    session
        .execute(&Statement::new("PRAGMA max_page_count = 20"))
        .unwrap();
    let table = TableName::parse("t").unwrap();
    let thousand = |from: i32| {
        let ids: Vec<i32> = (from..from + 1000).collect();
        batch(&ids, &vec![Some("a name"); 1000])
    };
    for each in [false, true] {
        let mut load = session
            .load(&table, &columns(), &LoadOptions::default())
            .unwrap();
        if !each {
            load.write(&thousand(0)).unwrap();
            load.commit().unwrap();
        }
        let mut write = |rows: &RecordBatch| match each {
            false => load.write(rows),
            true => load.write_each(rows, true).map(|failed| {
                assert_eq!(failed.len(), 0);
            }),
        };
        let failed = (1..50).find_map(|round| write(&thousand(round * 1000)).err());
        assert_eq!(failed.unwrap().fault, Fault::Full);
        drop(load);
        let found = rows(&mut session, "SELECT count(*) AS n, max(id) AS m FROM t");
        assert!(found.contains("| 1000 | 999 |"), "{found}");
    }
    let mut load = session
        .load(&table, &columns(), &LoadOptions::default())
        .unwrap();
    load.write(&batch(&[5000], &[None])).unwrap();
    load.commit().unwrap();
    drop(load);
    let found = rows(&mut session, "SELECT count(*) AS n FROM t");
    assert!(found.contains("| 1001 |"), "{found}");
}
