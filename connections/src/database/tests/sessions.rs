//! What every session does, in every database: parameters, loads, transactions, descriptions.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, Decimal128Array, Int32Array, RecordBatch, StringViewArray},
    compute::cast,
    datatypes::{DataType, Int64Type},
};

use super::servers::{DATABASES, Database, Family};
use crate::database::{
    Collected, Direction, Fault, LoadOptions, Parameter, ReadOptions, Session, Statement, TableName,
};

fn rows(session: &mut dyn Session, sql: &str, parameters: &[Parameter]) -> Vec<Vec<String>> {
    let statement = Statement {
        parameters,
        ..Statement::new(sql)
    };
    let mut collected = Collected::default();
    session
        .query(&statement, &ReadOptions::default(), &mut collected)
        .unwrap();
    let mut rows = Vec::new();
    for batch in collected.0.unwrap().batches {
        let columns = batch
            .columns()
            .iter()
            .map(|array| cast(array, &DataType::Utf8).unwrap());
        let columns: Vec<ArrayRef> = columns.collect();
        for row in 0..batch.num_rows() {
            let text = |array: &ArrayRef| match array.is_null(row) {
                true => "NULL".to_owned(),
                false => array.as_string::<i32>().value(row).to_owned(),
            };
            rows.push(columns.iter().map(text).collect());
        }
    }
    rows
}

fn count(session: &mut dyn Session, table: &str) -> i64 {
    let mut collected = Collected::default();
    let sql = format!("SELECT count(*) AS n FROM {table}");
    session
        .query(
            &Statement::new(&sql),
            &ReadOptions::default(),
            &mut collected,
        )
        .unwrap();
    let batches = collected.0.unwrap().batches;
    cast(batches[0].column(0), &DataType::Int64)
        .unwrap()
        .as_primitive::<Int64Type>()
        .value(0)
}

fn batch(ids: &[i32], names: &[Option<&str>]) -> RecordBatch {
    let amounts = Decimal128Array::from_iter_values(ids.iter().map(|id| i128::from(*id) * 150));
    RecordBatch::try_from_iter_with_nullable([
        (
            "id",
            Arc::new(Int32Array::from(ids.to_vec())) as ArrayRef,
            true,
        ),
        (
            "name",
            Arc::new(StringViewArray::from_iter(names.iter().copied())),
            true,
        ),
        (
            "amount",
            Arc::new(amounts.with_precision_and_scale(12, 2).unwrap()),
            true,
        ),
    ])
    .unwrap()
}

fn columns() -> Vec<String> {
    ["id", "name", "amount"].map(str::to_owned).to_vec()
}

/// A table of its own: `id` is its key, `name` has a default, `amount` may be NULL.
fn table(database: Database, session: &mut dyn Session, what: &str) -> String {
    let name = format!("fletching_{what}_{}", database.name.replace('-', "_"));
    let text = if database.family == Family::MariaDb {
        "varchar(40)"
    } else {
        "text"
    };
    session
        .execute(&Statement::new(&format!("DROP TABLE IF EXISTS {name}")))
        .unwrap();
    let sql = format!(
        "CREATE TABLE {name} (id int PRIMARY KEY, name {text} NOT NULL DEFAULT 'none', amount decimal(12,2))"
    );
    session.execute(&Statement::new(&sql)).unwrap();
    name
}

/// Runs a check in every database that is there.
fn everywhere(what: &str, check: impl Fn(Database, &mut dyn Session, &str)) {
    for database in DATABASES {
        let folder = tempfile::tempdir().unwrap();
        let Some(mut session) = database.open(folder.path()) else {
            continue;
        };
        eprintln!("{what}: {}", database.name);
        let table = table(database, session.as_mut(), what);
        check(database, session.as_mut(), &table);
        session.rollback().unwrap();
        session
            .execute(&Statement::new(&format!("DROP TABLE {table}")))
            .unwrap();
    }
}

fn input(value: impl Array + 'static) -> Parameter {
    Parameter {
        name: None,
        direction: Direction::Input,
        value: Arc::new(value),
        size: 0,
    }
}

#[test]
fn a_batch_is_in_or_out() {
    everywhere("batches", |_, session, table| {
        let name = TableName::parse(&format!("[dbo].[{table}]")).unwrap();
        let mut load = session
            .load(&name, &columns(), &LoadOptions::default())
            .unwrap();
        load.write(&batch(&[1, 2], &[Some("a"), None])).unwrap();
        let error = load
            .write(&batch(&[3, 1], &[Some("c"), Some("d")]))
            .unwrap_err();
        assert_eq!(error.fault, Fault::Constraint, "{error}");
        load.write(&batch(&[4], &[Some("e")])).unwrap();
        load.commit().unwrap();
        load.write(&batch(&[9], &[Some("lost")])).unwrap();
        drop(load);
        let found = rows(
            session,
            &format!("SELECT id, name FROM {table} ORDER BY id"),
            &[],
        );
        assert_eq!(found, [["1", "a"], ["2", "none"], ["4", "e"]]);
    });
}

#[test]
fn rows_that_fail_are_named_and_the_others_are_in() {
    everywhere("rows", |_, session, table| {
        let name = TableName::parse(table).unwrap();
        let mut load = session
            .load(&name, &columns(), &LoadOptions::default())
            .unwrap();
        let five = batch(
            &[1, 2, 1, 3, 2],
            &[Some("a"), Some("b"), Some("c"), Some("d"), Some("e")],
        );
        let failed = load.write_each(&five, true).unwrap();
        assert_eq!(
            failed.iter().map(|(row, _)| *row).collect::<Vec<_>>(),
            [2, 4]
        );
        assert!(
            failed
                .iter()
                .all(|(_, error)| error.fault == Fault::Constraint),
            "{failed:?}"
        );
        let failed = load
            .write_each(
                &batch(&[7, 1, 8], &[Some("x"), Some("y"), Some("z")]),
                false,
            )
            .unwrap();
        assert_eq!(failed.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [1]);
        load.commit().unwrap();
        drop(load);
        let found = rows(
            session,
            &format!("SELECT id, name FROM {table} ORDER BY id"),
            &[],
        );
        assert_eq!(found, [["1", "a"], ["2", "b"], ["3", "d"], ["7", "x"]]);
    });
}

#[test]
fn parameters_and_transactions() {
    everywhere("parameters", |database, session, table| {
        let markers = match database.family {
            Family::Postgres if database.name != "postgres-odbc" => ["$1", "$2", "$3"],
            _ => ["?", "?", "?"],
        };
        let [a, b, c] = markers;
        session.begin().unwrap();
        let sql = format!("INSERT INTO {table} VALUES ({a}, {b}, {c})");
        let two = batch(&[1, 1, 2], &[Some("grün 😀"), Some("b"), Some("c")]);
        // A failure ends the transaction of some drivers, so it comes last there.
        let done = session
            .execute_each(&Statement::new(&sql), &two.slice(0, 1), true)
            .unwrap();
        assert_eq!(done, [Ok(1)]);
        session.rollback().unwrap();
        assert_eq!(count(session, table), 0);
        let done = session
            .execute_each(&Statement::new(&sql), &two, true)
            .unwrap();
        assert_eq!(done[0], Ok(1), "{}", database.name);
        assert_eq!(done[1].as_ref().unwrap_err().fault, Fault::Constraint);
        assert_eq!(done[2], Ok(1));
        let found = rows(
            session,
            &format!("SELECT name, amount FROM {table} WHERE id = {a} AND name = {b}"),
            &[
                input(Int32Array::from(vec![1])),
                input(StringViewArray::from(vec!["grün 😀"])),
            ],
        );
        assert_eq!(found.len(), 1, "{}", database.name);
        assert_eq!(found[0][0], "grün 😀");
        // SQLite's driver garbles what is not ASCII in a statement's text.
        let text = if database.name == "sqlite-odbc" {
            "gr%"
        } else {
            "grün 😀"
        };
        let found = rows(
            session,
            &format!("SELECT id FROM {table} WHERE name LIKE '{text}'"),
            &[],
        );
        assert_eq!(found, [["1"]]);
        session.begin().unwrap();
        let update = session
            .execute(&Statement::new(&format!("UPDATE {table} SET amount = 7")))
            .unwrap();
        assert_eq!(update.rows_affected, 2, "{}", database.name);
        session.commit().unwrap();
        assert_eq!(
            rows(
                session,
                &format!("SELECT id FROM {table} WHERE amount = 7 ORDER BY id"),
                &[]
            ),
            [["1"], ["2"]]
        );
    });
}

#[test]
fn columns_are_described() {
    everywhere("columns", |database, session, table| {
        let name = TableName::parse(table).unwrap();
        let found = session.describe(&name).unwrap();
        let names: Vec<&str> = found.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["id", "name", "amount"]);
        assert_eq!(found[1].data_type, DataType::Utf8View, "{}", database.name);
        assert!(found[1].has_default, "{}: {found:?}", database.name);
        assert!(
            !found[1].nullable && found[2].nullable,
            "{}: {found:?}",
            database.name
        );
        let missing = session.describe(&TableName::parse("fletching_nowhere").unwrap());
        assert_eq!(
            missing.unwrap_err().fault,
            Fault::Missing,
            "{}",
            database.name
        );
    });
}

#[test]
fn statements_that_fail_say_why() {
    everywhere("statements", |database, session, table| {
        let fault = |session: &mut dyn Session, sql: &str| {
            session.execute(&Statement::new(sql)).unwrap_err().fault
        };
        assert_eq!(
            fault(session, "SELECT * FROM fletching_nowhere"),
            Fault::Missing,
            "{}",
            database.name
        );
        assert_eq!(
            fault(session, "SELEC 1"),
            Fault::Syntax,
            "{}",
            database.name
        );
        let twice = format!("INSERT INTO {table} (id) VALUES (1), (1)");
        assert_eq!(
            fault(session, &twice),
            Fault::Constraint,
            "{}",
            database.name
        );
        let none = format!("SELECT * FROM {table} WHERE 1 = 0");
        let executed = session.execute(&Statement::new(&none)).unwrap();
        assert_eq!(executed.result_sets.len(), 1, "{}", database.name);
        assert_eq!(
            executed.result_sets[0].schema.fields().len(),
            3,
            "{}",
            database.name
        );
    });
}

#[test]
fn digits_are_kept_or_refused() {
    for name in ["sqlite", "sqlite-odbc", "sqlite-adbc"] {
        let database = Database::named(name);
        let folder = tempfile::tempdir().unwrap();
        let Some(mut session) = database.open(folder.path()) else {
            continue;
        };
        let table = table(database, session.as_mut(), "digits");
        let long = Decimal128Array::from(vec![1_234_567_890_123_456_789]);
        let long = long.with_precision_and_scale(19, 4).unwrap();
        let rows = RecordBatch::try_from_iter([
            ("id", Arc::new(Int32Array::from(vec![1])) as ArrayRef),
            ("amount", Arc::new(long)),
        ])
        .unwrap();
        let columns = ["id", "amount"].map(str::to_owned);
        let parsed = TableName::parse(&table).unwrap();
        let mut load = session
            .load(&parsed, &columns, &LoadOptions::default())
            .unwrap();
        let error = load.write(&rows).unwrap_err();
        assert_eq!(error.fault, Fault::Value, "{name}: {error}");
    }
}
