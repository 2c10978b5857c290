//! Rows into tables and out of them.

use super::*;

#[test]
fn a_table_that_is_not_there_leaves_the_session_as_it_was() {
    let server = server();
    let mut session = session(&server);
    let table = TableName::parse("made_later").unwrap();
    let error = session.describe(&table).unwrap_err();
    assert_eq!(error.fault, Fault::Missing, "{error}");
    run(&mut session, "CREATE TABLE made_later (a int)");
    assert_eq!(session.describe(&table).unwrap().len(), 1);
}

#[test]
fn values_of_all_types() {
    let server = server();
    let mut session = session(&server);
    run(
        &mut session,
        "CREATE TABLE v (a tinyint, b smallint, c int, d bigint, e bit, f real, g float, h decimal(20,4), i money, \
         j smallmoney, k char(3), l varchar(20), m nvarchar(20), n nvarchar(max), o varbinary(8), p uniqueidentifier, \
         q date, r time(7), s datetime, t smalldatetime, u datetime2(7), w datetimeoffset(7), x varbinary(max))",
    );
    run(
        &mut session,
        "INSERT INTO v VALUES (255, -2, 3, 4000000000, 1, 1.5, 2.25, -12.3456, 922337203685477.5807, -1.25, 'ab', 'Grüße', \
         N'Ω漢', N'long', 0x0102, '00112233-4455-6677-8899-AABBCCDDEEFF', '2024-02-29', '23:59:59.1234567', \
         '2024-01-02T03:04:05.007', '2024-01-02T03:04:00', '2024-01-02T03:04:05.1234567', \
         '2024-01-02T03:04:05.5+02:00', 0xFF)",
    );
    run(&mut session, "INSERT INTO v (c) VALUES (NULL)");
    let batches = collected(&mut session, &Statement::new("SELECT * FROM v"));
    let types: Vec<String> = batches[0]
        .schema()
        .fields()
        .iter()
        .map(|field| field.data_type().to_string())
        .collect();
    assert_eq!(types[0..5], ["UInt8", "Int16", "Int32", "Int64", "Boolean"]);
    assert_eq!(
        types[7..10],
        [
            "Decimal128(20, 4)",
            "Decimal128(19, 4)",
            "Decimal128(19, 4)"
        ]
    );
    let shown: Vec<String> = batches[0]
        .columns()
        .iter()
        .map(|column| arrow::util::display::array_value_to_string(column, 0).unwrap())
        .collect();
    assert_eq!(
        shown,
        [
            "255",
            "-2",
            "3",
            "4000000000",
            "true",
            "1.5",
            "2.25",
            "-12.3456",
            "922337203685477.5807",
            "-1.2500",
            "ab ",
            "Grüße",
            "Ω漢",
            "long",
            "0102",
            "00112233445566778899aabbccddeeff",
            "2024-02-29",
            "23:59:59.123456700",
            "2024-01-02T03:04:05.007",
            "2024-01-02T03:04:00",
            "2024-01-02T03:04:05.123456",
            "{timestamp: 2024-01-02T01:04:05.500Z, offset_minutes: 120}",
            "ff",
        ]
    );
    for column in batches[0].columns() {
        assert!(column.is_null(1));
    }
    // The same values back in, by bulk, into a table of the same types.
    run(&mut session, "SELECT * INTO w FROM v");
    run(&mut session, "DELETE FROM v");
    let names: Vec<String> = batches[0]
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    let mut load = session
        .load(
            &TableName::parse("v").unwrap(),
            &names,
            &LoadOptions::default(),
        )
        .unwrap();
    load.write(&batches[0]).unwrap();
    load.commit().unwrap();
    drop(load);
    let again = collected(&mut session, &Statement::new("SELECT * FROM v"));
    assert_eq!(again, batches);
}

#[test]
fn rows_come_in_batches() {
    let server = server();
    let mut session = session(&server);
    run(&mut session, TABLE);
    let ids: Vec<i32> = (0..5000).collect();
    let names: Vec<Option<&str>> = ids.iter().map(|_| Some("Grüße")).collect();
    let mut load = session
        .load(
            &TableName::parse("[dbo].[t]").unwrap(),
            &columns(),
            &LoadOptions::default(),
        )
        .unwrap();
    load.write(&batch(&ids, &names)).unwrap();
    load.commit().unwrap();
    drop(load);
    let mut sink = Collected::default();
    let options = ReadOptions {
        batch_rows: 2000,
        ..ReadOptions::default()
    };
    session
        .query(
            &Statement::new("SELECT * FROM t ORDER BY id"),
            &options,
            &mut sink,
        )
        .unwrap();
    let batches = sink.0.unwrap().batches;
    let counts: Vec<usize> = batches.iter().map(RecordBatch::num_rows).collect();
    assert_eq!(counts, [2000, 2000, 1000]);
    let last = batches[2].column(0).as_primitive::<Int32Type>();
    assert_eq!(last.value(999), 4999);
}

#[test]
fn a_load_and_its_failures() {
    let server = server();
    let mut session = session(&server);
    run(&mut session, TABLE);
    let table = TableName::parse("[dbo].[t]").unwrap();
    let mut load = session
        .load(&table, &columns(), &LoadOptions::default())
        .unwrap();
    load.write(&batch(&[1, 2], &[Some("a"), None])).unwrap();
    let error = load
        .write(&batch(&[3, 1], &[Some("c"), Some("d")]))
        .unwrap_err();
    assert_eq!(
        (error.fault, error.number),
        (Fault::Constraint, Some(2627)),
        "{error}"
    );
    let error = load
        .write(&batch(&[3], &[Some("longer than ten")]))
        .unwrap_err();
    assert_eq!(error.fault, Fault::Value, "{error}");
    assert!(error.to_string().contains("`name`"), "{error}");
    load.commit().unwrap();
    load.write(&batch(&[9], &[Some("lost")])).unwrap();
    drop(load);
    let expected = "\
+----+------+--------+
| id | name | amount |
+----+------+--------+
| 1  | a    | 1.50   |
| 2  | none | 3.00   |
+----+------+--------+";
    assert_eq!(rows(&mut session, "SELECT * FROM t ORDER BY id"), expected);
    let missing = session
        .load(
            &TableName::parse("nowhere").unwrap(),
            &columns(),
            &LoadOptions::default(),
        )
        .map(|_| ())
        .unwrap_err();
    assert_eq!(missing.fault, Fault::Missing, "{missing}");
}

#[test]
fn rows_that_fail_are_named() {
    let server = server();
    let mut session = session(&server);
    run(&mut session, TABLE);
    let table = TableName::parse("t").unwrap();
    let mut load = session
        .load(&table, &columns(), &LoadOptions::default())
        .unwrap();
    let rows_in = batch(
        &[1, 1, 2, 3, 4, 2],
        &[
            Some("a"),
            Some("b"),
            Some("c"),
            Some("much too long"),
            Some("e"),
            Some("f"),
        ],
    );
    let failed = load.write_each(&rows_in, true).unwrap();
    let faults: Vec<(usize, Fault)> = failed
        .iter()
        .map(|(row, error)| (*row, error.fault))
        .collect();
    assert_eq!(
        faults,
        [
            (1, Fault::Constraint),
            (3, Fault::Value),
            (5, Fault::Constraint)
        ]
    );
    load.commit().unwrap();
    let stopped = load
        .write_each(
            &batch(&[10, 1, 11], &[Some("x"), Some("y"), Some("z")]),
            false,
        )
        .unwrap();
    assert_eq!(stopped.len(), 1);
    assert_eq!(stopped[0].0, 1);
    load.commit().unwrap();
    drop(load);
    let ids = rows(&mut session, "SELECT id FROM t ORDER BY id");
    for id in ["| 1  |", "| 2  |", "| 4  |", "| 10 |"] {
        assert!(ids.contains(id), "{ids}");
    }
    assert!(!ids.contains("11"), "{ids}");
}

#[test]
fn options_of_a_load() {
    let server = server();
    let mut session = session(&server);
    run(
        &mut session,
        "CREATE TABLE k (id int IDENTITY(1,1) NOT NULL PRIMARY KEY, name nvarchar(10) DEFAULT 'none')",
    );
    let table = TableName::parse("k").unwrap();
    let names = ["id", "name"].map(str::to_owned);
    let all = LoadOptions {
        keep_identity: true,
        keep_nulls: true,
        table_lock: true,
        check_constraints: true,
        fire_triggers: true,
        rows_per_batch: Some(10),
        kilobytes_per_batch: None,
        order: Some("id ASC".to_owned()),
    };
    let defaults = LoadOptions {
        keep_identity: true,
        ..LoadOptions::default()
    };
    for (options, id) in [(all, 70), (defaults, 71)] {
        let mut load = session.load(&table, &names, &options).unwrap();
        load.write(&batch(&[id], &[None])).unwrap();
        load.commit().unwrap();
    }
    let recorded = server.recorded().bulk;
    assert_eq!(
        recorded[0].options,
        [
            "KEEP_NULLS",
            "TABLOCK",
            "CHECK_CONSTRAINTS",
            "FIRE_TRIGGERS"
        ]
    );
    assert!(recorded[1].options.is_empty());
    let expected = "\
+----+------+
| id | name |
+----+------+
| 70 |      |
| 71 | none |
+----+------+";
    assert_eq!(rows(&mut session, "SELECT * FROM k ORDER BY id"), expected);
}

#[test]
fn rows_are_numbered_by_the_server() {
    let server = server();
    let mut session = session(&server);
    run(
        &mut session,
        "CREATE TABLE k (id int IDENTITY(1,1) NOT NULL PRIMARY KEY, name nvarchar(10))",
    );
    let table = TableName::parse("k").unwrap();
    let names = ["id", "name"].map(str::to_owned);
    let options = LoadOptions::default();
    let mut load = session.load(&table, &names, &options).unwrap();
    load.write(&batch(&[70, 70], &[Some("a"), Some("b")]))
        .unwrap();
    load.commit().unwrap();
    drop(load);
    assert_eq!(server.recorded().bulk[0].columns, ["name"]);
    let ids = rows(&mut session, "SELECT id FROM k ORDER BY id");
    assert!(ids.contains("| 1  |") && ids.contains("| 2  |"), "{ids}");
}

#[test]
fn large_and_odd_texts() {
    let server = server();
    let mut session = session(&server);
    run(
        &mut session,
        "CREATE TABLE [odd name] ([a b] varchar(max), c nvarchar(max), d varchar(10), e varbinary(max), f text, g ntext, h image, i xml)",
    );
    let long = "äöü漢\u{1F600}x".repeat(20_000);
    let ascii = "0123456789".repeat(3_000);
    let text = |values: Vec<Option<&str>>| Arc::new(StringViewArray::from(values)) as ArrayRef;
    let bytes = |values: Vec<Option<&[u8]>>| Arc::new(BinaryViewArray::from(values)) as ArrayRef;
    let rows_in = RecordBatch::try_from_iter([
        ("a b", text(vec![Some(ascii.as_str()), Some(""), None])),
        ("c", text(vec![Some(long.as_str()), Some(""), None])),
        ("d", text(vec![Some("ü漢\u{1F600}"), Some(""), None])),
        ("e", bytes(vec![Some(ascii.as_bytes()), Some(b""), None])),
        ("f", text(vec![Some(ascii.as_str()), Some(""), None])),
        ("g", text(vec![Some(long.as_str()), Some(""), None])),
        ("h", bytes(vec![Some(ascii.as_bytes()), Some(b""), None])),
        ("i", text(vec![Some("<a>ü</a>"), Some("<b/>"), None])),
    ])
    .unwrap();
    let names: Vec<String> = rows_in
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    let table = TableName::parse("[dbo].[odd name]").unwrap();
    let mut load = session
        .load(&table, &names, &LoadOptions::default())
        .unwrap();
    load.write(&rows_in.slice(0, 0)).unwrap();
    load.write(&rows_in).unwrap();
    load.commit().unwrap();
    drop(load);
    let out = collected(&mut session, &Statement::new("SELECT * FROM [odd name]"));
    assert_eq!(out.len(), 1);
    for (at, (came, went)) in out[0].columns().iter().zip(rows_in.columns()).enumerate() {
        match at {
            // The code page has no such letters.
            2 => assert_eq!(came.as_string_view().value(0), "ü???"),
            _ => assert_eq!(came, went, "column {at}"),
        }
    }
    let parameters = [input(text(vec![Some(long.as_str())]))];
    let statement = Statement {
        parameters: &parameters,
        ..Statement::new("SELECT ? AS t")
    };
    let out = collected(&mut session, &statement);
    assert_eq!(out[0].column(0).as_string_view().value(0), long);
}

#[test]
fn values_take_the_type_of_their_column() {
    let server = server();
    let mut session = session(&server);
    run(
        &mut session,
        "CREATE TABLE c (a int, b smallint, d decimal(5,1), e datetime, f smalldatetime, g datetime2(0), h uniqueidentifier, i date)",
    );
    let moments = |micros: Vec<i64>| Arc::new(TimestampMicrosecondArray::from(micros)) as ArrayRef;
    // 2024-01-02T03:04:05.998, 0001-01-01, and the same again.
    let good = 1_704_164_645_998_000;
    let old = -62_135_596_800_000_000;
    let rows_in = RecordBatch::try_from_iter([
        (
            "a",
            Arc::new(Int64Array::from(vec![7, 1 << 40, 8])) as ArrayRef,
        ),
        ("b", Arc::new(Float64Array::from(vec![2.5, 3.5, 4.0]))),
        ("d", Arc::new(Float64Array::from(vec![1.25, 2.0, 3.0]))),
        ("e", moments(vec![good, good, old])),
        ("f", moments(vec![good, good, good])),
        ("g", moments(vec![good, good, old])),
        (
            "h",
            Arc::new(StringViewArray::from(vec![
                "{00112233-4455-6677-8899-AABBCCDDEEFF}",
                "00112233-4455-6677-8899-AABBCCDDEEFF",
                "00112233-4455-6677-8899-AABBCCDDEEFF",
            ])),
        ),
        ("i", moments(vec![good, good, old])),
    ])
    .unwrap();
    let names: Vec<String> = rows_in
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    let table = TableName::parse("c").unwrap();
    let mut load = session
        .load(&table, &names, &LoadOptions::default())
        .unwrap();
    let failed = load.write_each(&rows_in, true).unwrap();
    let reasons: Vec<(usize, bool)> = failed
        .iter()
        .map(|(row, error)| {
            let message = &error.message;
            (*row, message.contains("`a`") || message.contains("1753"))
        })
        .collect();
    assert_eq!(reasons, [(1, true), (2, true)], "{failed:?}");
    load.commit().unwrap();
    drop(load);
    let expected = "\
+---+---+-----+-------------------------+---------------------+---------------------+----------------------------------+------------+
| a | b | d   | e                       | f                   | g                   | h                                | i          |
+---+---+-----+-------------------------+---------------------+---------------------+----------------------------------+------------+
| 7 | 2 | 1.3 | 2024-01-02T03:04:05.997 | 2024-01-02T03:04:00 | 2024-01-02T03:04:06 | 00112233445566778899aabbccddeeff | 2024-01-02 |
+---+---+-----+-------------------------+---------------------+---------------------+----------------------------------+------------+";
    assert_eq!(rows(&mut session, "SELECT * FROM c"), expected);
}

#[test]
fn a_lost_connection() {
    let server = server();
    let mut session = session(&server);
    run(&mut session, TABLE);
    let table = TableName::parse("t").unwrap();
    let mut load = session
        .load(&table, &columns(), &LoadOptions::default())
        .unwrap();
    load.write(&batch(&[1], &[None])).unwrap();
    server.set_faults(Faults {
        close_after_bulk_batches: Some(0),
        ..Faults::default()
    });
    let error = load.write(&batch(&[2], &[None])).unwrap_err();
    assert_eq!(error.fault, Fault::Lost, "{error}");
    drop(load);
    let error = session
        .execute(&Statement::new("SELECT 1 AS a"))
        .unwrap_err();
    assert_eq!(error.fault, Fault::Lost, "{error}");
    server.set_faults(Faults::default());
    let mut session = SqlServerSession::open(&target(&server)).unwrap();
    assert!(rows(&mut session, "SELECT count(*) AS n FROM t").contains("| 0 |"));
}

#[test]
fn a_load_is_cancelled() {
    let server = server();
    let mut session = session(&server);
    run(&mut session, TABLE);
    let canceller = session.canceller();
    let table = TableName::parse("t").unwrap();
    let mut load = session
        .load(&table, &columns(), &LoadOptions::default())
        .unwrap();
    load.write(&batch(&[1], &[None])).unwrap();
    server.set_faults(Faults {
        delay: Some(Duration::from_secs(20)),
        ..Faults::default()
    });
    let other = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        canceller.cancel();
    });
    let error = load.write(&batch(&[2], &[None])).unwrap_err();
    assert_eq!(error.fault, Fault::Cancelled, "{error}");
    other.join().unwrap();
}
