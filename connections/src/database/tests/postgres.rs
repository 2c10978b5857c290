//! What only PostgreSQL has: numbering, types that are known as text alone, notices, several statements.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, RecordBatch, StringViewArray};

use super::servers::Database;
use crate::database::{LoadOptions, Session, Statement, TableName};

fn session() -> Option<Box<dyn Session>> {
    let folder = tempfile::tempdir().unwrap();
    Database::named("postgres").open(folder.path())
}

fn texts(session: &mut dyn Session, sql: &str) -> Vec<String> {
    let executed = session.execute(&Statement::new(sql)).unwrap();
    let batches = &executed.result_sets[0].batches;
    let values = batches.iter().flat_map(|batch| {
        let texts = batch.column(0).as_string_view().iter();
        texts
            .map(|text| text.unwrap_or("NULL").to_owned())
            .collect::<Vec<_>>()
    });
    values.collect()
}

fn rows(columns: &[(&str, ArrayRef)]) -> RecordBatch {
    let columns = columns
        .iter()
        .map(|(name, array)| (*name, Arc::clone(array), true));
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

#[test]
fn numbered_columns_and_defaults() {
    let Some(mut session) = session() else { return };
    session
        .execute(&Statement::new(
            "DROP TABLE IF EXISTS fletching_numbered; CREATE TABLE fletching_numbered ( \
             id integer GENERATED ALWAYS AS IDENTITY, serial serial, text text DEFAULT 'none', \
             twice integer GENERATED ALWAYS AS (id * 2) STORED)",
        ))
        .unwrap();
    let table = TableName::parse("[dbo].[Fletching_Numbered]").unwrap();
    let found = session.describe(&table).unwrap();
    let told: Vec<_> = found
        .iter()
        .map(|column| (column.identity, column.has_default, column.computed))
        .collect();
    assert_eq!(told[0], (true, false, false));
    assert!(told[1].0);
    assert_eq!(told[2], (false, true, false));
    assert_eq!(told[3], (false, false, true));
    let columns = ["ID", "text"].map(str::to_owned);
    let batch = rows(&[
        ("id", Arc::new(Int32Array::from(vec![70, 80]))),
        (
            "text",
            Arc::new(StringViewArray::from_iter([Some("a"), None])),
        ),
    ]);
    for (keep_identity, keep_nulls) in [(false, false), (true, true)] {
        let options = LoadOptions {
            keep_identity,
            keep_nulls,
            ..LoadOptions::default()
        };
        let mut load = session.load(&table, &columns, &options).unwrap();
        load.write(&batch).unwrap();
        load.commit().unwrap();
    }
    let sql = "SELECT concat_ws(' ', id, twice, coalesce(text, 'NULL')) FROM fletching_numbered ORDER BY id";
    let mut found = texts(session.as_mut(), sql);
    let mut expected = ["70 140 a", "80 160 NULL"].map(str::to_owned).to_vec();
    assert_eq!(found.split_off(2), expected.split_off(0));
    let mut given: Vec<&str> = found
        .iter()
        .filter_map(|row| row.split(' ').next_back())
        .collect();
    given.sort_unstable();
    assert_eq!(given, ["a", "none"]);
    session
        .execute(&Statement::new("DROP TABLE fletching_numbered"))
        .unwrap();
}

#[test]
fn types_that_are_known_as_text() {
    let Some(mut session) = session() else { return };
    session
        .execute(&Statement::new(
            "DROP TABLE IF EXISTS fletching_odd; \
             CREATE TABLE fletching_odd (a integer[], i interval, n inet, b bytea, t text)",
        ))
        .unwrap();
    let table = TableName::parse("fletching_odd").unwrap();
    let columns = ["a", "i", "n", "b", "t"].map(str::to_owned);
    let text = |text: &str| Arc::new(StringViewArray::from(vec![Some(text), None])) as ArrayRef;
    let bytes = arrow::array::BinaryViewArray::from_iter([Some(&b"\x00\xff"[..]), None]);
    let batch = rows(&[
        ("a", text("{1,2}")),
        ("i", text("1 day 02:00:00")),
        ("n", text("10.0.0.1/32")),
        ("b", Arc::new(bytes)),
        ("t", text("tab\t back\\slash\nline")),
    ]);
    let mut load = session
        .load(&table, &columns, &LoadOptions::default())
        .unwrap();
    load.write(&batch).unwrap();
    load.commit().unwrap();
    drop(load);
    let sql = "SELECT a, i, n, b, t FROM fletching_odd ORDER BY t";
    let executed = session.execute(&Statement::new(sql)).unwrap();
    let back = &executed.result_sets[0].batches[0];
    for (sent, back) in batch.columns().iter().zip(back.columns()) {
        assert_eq!(sent.to_data(), back.to_data());
    }
    session
        .execute(&Statement::new("DROP TABLE fletching_odd"))
        .unwrap();
}

#[test]
fn several_statements_and_what_is_said() {
    let Some(mut session) = session() else { return };
    let executed = session
        .execute(&Statement::new(
            "DO $$ BEGIN RAISE NOTICE 'half; way'; END $$; SELECT 1 AS a; SELECT 'b;' AS b, '2'::text",
        ))
        .unwrap();
    assert_eq!(executed.result_sets.len(), 2);
    assert_eq!(executed.messages, ["half; way"]);
}

#[test]
fn a_load_within_a_transaction() {
    let Some(mut session) = session() else { return };
    session
        .execute(&Statement::new(
            "DROP TABLE IF EXISTS fletching_within; CREATE TABLE fletching_within (t text)",
        ))
        .unwrap();
    let table = TableName::parse("fletching_within").unwrap();
    let columns = ["t".to_owned()];
    let one = |text: &str| rows(&[("t", Arc::new(StringViewArray::from(vec![text])) as ArrayRef)]);
    session.begin().unwrap();
    let mut load = session
        .load(&table, &columns, &LoadOptions::default())
        .unwrap();
    load.write(&one("kept")).unwrap();
    load.commit().unwrap();
    load.write(&one("dropped")).unwrap();
    drop(load);
    assert_eq!(
        texts(session.as_mut(), "SELECT t FROM fletching_within"),
        ["kept"]
    );
    session.rollback().unwrap();
    assert!(texts(session.as_mut(), "SELECT t FROM fletching_within").is_empty());
    session
        .execute(&Statement::new("DROP TABLE fletching_within"))
        .unwrap();
}
