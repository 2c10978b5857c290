//! Statements, procedures, transactions, and what goes wrong.

use super::*;

struct Once(usize);

impl RowSink for Once {
    fn start(&mut self, _schema: &SchemaRef) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn batch(&mut self, batch: RecordBatch) -> ControlFlow<()> {
        self.0 += batch.num_rows();
        ControlFlow::Break(())
    }
}

#[test]
fn a_sink_may_have_enough() {
    let server = server();
    let mut session = session(&server);
    run(&mut session, TABLE);
    let ids: Vec<i32> = (0..20_000).collect();
    let names: Vec<Option<&str>> = ids.iter().map(|_| Some("name")).collect();
    let table = TableName::parse("t").unwrap();
    let mut load = session
        .load(&table, &columns(), &LoadOptions::default())
        .unwrap();
    load.write(&batch(&ids, &names)).unwrap();
    load.commit().unwrap();
    drop(load);
    let mut sink = Once(0);
    let options = ReadOptions {
        batch_rows: 10,
        ..ReadOptions::default()
    };
    session
        .query(&Statement::new("SELECT * FROM t"), &options, &mut sink)
        .unwrap();
    assert_eq!(sink.0, 10);
    assert!(rows(&mut session, "SELECT count(*) AS n FROM t").contains("20000"));
}

#[test]
fn parameters_and_results() {
    let server = server();
    let mut session = session(&server);
    run(&mut session, TABLE);
    run(
        &mut session,
        "INSERT INTO t VALUES (1, 'a', 1.5), (2, 'b?', 2.5)",
    );
    let parameters = [
        input(Arc::new(StringViewArray::from(vec!["b?"]))),
        input(Arc::new(Int32Array::from(vec![2]))),
    ];
    let statement = Statement {
        parameters: &parameters,
        ..Statement::new("SELECT id FROM t WHERE name = ? AND id = ? AND name <> 'x?' -- ?")
    };
    let batches = collected(&mut session, &statement);
    assert_eq!(batches[0].column(0).as_primitive::<Int32Type>().value(0), 2);
    let error = session
        .execute(&Statement {
            parameters: &parameters,
            ..Statement::new("SELECT ?")
        })
        .unwrap_err();
    assert_eq!(error.fault, Fault::Syntax);
    let executed = session
        .execute(&Statement::new(
            "UPDATE t SET name = 'x'; SELECT id FROM t; PRINT 'hello'; SELECT 5 AS n",
        ))
        .unwrap();
    assert_eq!((executed.rows_affected, executed.result_sets.len()), (2, 2));
    assert_eq!(executed.messages, ["hello"]);
    let none = session
        .execute(&Statement::new("SELECT id FROM t WHERE 1 = 0"))
        .unwrap();
    assert_eq!(
        none.result_sets[0].schema.field(0).data_type(),
        &DataType::Int32
    );
}

#[test]
fn procedures() {
    let add = Procedure::new("add_up", &["@a", "@b", "@sum"], |values| {
        let number = |at: usize| match &values[at].1 {
            Value::Integer(number) => *number,
            _ => 0,
        };
        Ok(Answer {
            status: 7,
            outputs: vec![("@sum".to_owned(), Value::Integer(number(0) + number(1)))],
            batch: None,
        })
    });
    let server = Server::start(Options {
        procedures: vec![add],
        ..Options::default()
    })
    .unwrap();
    let mut session = session(&server);
    let number = |name: Option<&str>, direction, value: i32| Parameter {
        name: name.map(str::to_owned),
        direction,
        value: Arc::new(Int32Array::from(vec![value])),
        size: 0,
    };
    let output = |array: &ArrayRef| array.as_primitive::<Int32Type>().value(0);
    let by_name = [
        number(None, Direction::ReturnValue, 0),
        number(Some("@a"), Direction::Input, 2),
        number(Some("b"), Direction::Input, 3),
        number(Some("sum"), Direction::Output, 0),
    ];
    let executed = session
        .execute(&Statement {
            parameters: &by_name,
            is_procedure: true,
            ..Statement::new("add_up")
        })
        .unwrap();
    let outputs: Vec<i32> = executed.outputs.iter().map(output).collect();
    assert_eq!(outputs, [7, 5]);
    let by_place = [
        number(None, Direction::Input, 4),
        number(None, Direction::Input, 5),
        number(None, Direction::Output, 0),
    ];
    let executed = session
        .execute(&Statement {
            parameters: &by_place,
            ..Statement::new("EXEC add_up ?, ?, ? OUTPUT")
        })
        .unwrap();
    assert_eq!(output(&executed.outputs[0]), 9);
    let with_status = [
        number(None, Direction::ReturnValue, 0),
        number(None, Direction::Input, 4),
        number(None, Direction::Input, 6),
        number(None, Direction::Output, 0),
    ];
    let executed = session
        .execute(&Statement {
            parameters: &with_status,
            ..Statement::new("EXEC ? = add_up ?, ?, ? OUTPUT")
        })
        .unwrap();
    let outputs: Vec<i32> = executed.outputs.iter().map(output).collect();
    assert_eq!(outputs, [7, 10]);
    let missing = session
        .execute(&Statement {
            is_procedure: true,
            ..Statement::new("no_such")
        })
        .unwrap_err();
    assert_eq!(missing.fault, Fault::Missing, "{missing}");
}

#[test]
fn each_row() {
    let server = server();
    let mut session = session(&server);
    run(&mut session, TABLE);
    let rows_in = batch(&[1, 1, 2], &[Some("a"), Some("b"), Some("c")]);
    let done = session
        .execute_each(
            &Statement::new("INSERT INTO t VALUES (?, ?, ?)"),
            &rows_in,
            true,
        )
        .unwrap();
    assert_eq!(done[0], Ok(1));
    assert_eq!(done[1].as_ref().unwrap_err().fault, Fault::Constraint);
    assert_eq!(done[2], Ok(1));
    let done = session
        .execute_each(
            &Statement::new("INSERT INTO t VALUES (?, ?, ?)"),
            &rows_in,
            false,
        )
        .unwrap();
    assert_eq!(done.len(), 1);
    assert!(rows(&mut session, "SELECT count(*) AS n FROM t").contains("| 2 |"));
    // More rows than travel in one message; the first row of each hundred is there already.
    let ids: Vec<i32> = (0..1200)
        .map(|id| if id % 100 == 0 { 1 } else { id + 10 })
        .collect();
    let names: Vec<Option<&str>> = ids.iter().map(|_| Some("many")).collect();
    let done = session
        .execute_each(
            &Statement::new("INSERT INTO t VALUES (?, ?, ?)"),
            &batch(&ids, &names),
            true,
        )
        .unwrap();
    assert_eq!(done.len(), 1200);
    for (at, changed) in done.iter().enumerate() {
        assert_eq!(changed.is_err(), at % 100 == 0, "row {at}");
    }
    let done = session
        .execute_each(
            &Statement::new("UPDATE t SET name = ? WHERE amount > ?"),
            &batch(&[1], &[Some("x")]).project(&[1, 2]).unwrap(),
            true,
        )
        .unwrap();
    assert_eq!(done, [Ok(1189)]);
}

#[test]
fn failures() {
    let server = server();
    let mut session = session(&server);
    let fault = |session: &mut SqlServerSession, sql: &str| {
        session.execute(&Statement::new(sql)).unwrap_err().fault
    };
    assert_eq!(fault(&mut session, "SELECT * FROM nowhere"), Fault::Missing);
    assert_eq!(fault(&mut session, "SELECT FROM"), Fault::Syntax);
    run(&mut session, TABLE);
    assert_eq!(
        fault(&mut session, "INSERT INTO t (id, name) VALUES (1, NULL)"),
        Fault::Constraint
    );
    // A failure in the second statement, after rows of the first.
    let mut sink = Collected::default();
    let error = session
        .query(
            &Statement::new("SELECT 1 AS a; SELECT * FROM nowhere"),
            &ReadOptions::default(),
            &mut sink,
        )
        .unwrap_err();
    assert_eq!(error.fault, Fault::Missing);
    assert!(error.statement.is_some());
    // The session goes on.
    assert!(rows(&mut session, "SELECT 2 AS b").contains("| 2 |"));
    let error = session
        .query(
            &Statement::new("DELETE FROM t"),
            &ReadOptions::default(),
            &mut Collected::default(),
        )
        .unwrap_err();
    assert_eq!(error.fault, Fault::Syntax);
}

#[test]
fn transactions() {
    let server = server();
    let mut session = session(&server);
    run(&mut session, TABLE);
    session.rollback().unwrap();
    session.begin().unwrap();
    run(&mut session, "INSERT INTO t (id) VALUES (1)");
    session.rollback().unwrap();
    session.begin().unwrap();
    let mut load = session
        .load(
            &TableName::parse("t").unwrap(),
            &columns(),
            &LoadOptions::default(),
        )
        .unwrap();
    load.write(&batch(&[2], &[None])).unwrap();
    load.commit().unwrap();
    drop(load);
    session.rollback().unwrap();
    session.begin().unwrap();
    run(&mut session, "INSERT INTO t (id) VALUES (3)");
    session.commit().unwrap();
    let ids = rows(&mut session, "SELECT id FROM t");
    assert!(ids.contains("| 3  |") && !ids.contains("| 2  |"), "{ids}");
}

#[test]
fn columns_of_a_table() {
    let server = server();
    let mut session = session(&server);
    run(
        &mut session,
        "CREATE TABLE d (id int IDENTITY(1,1) NOT NULL PRIMARY KEY, name nvarchar(50) NOT NULL DEFAULT 'x', price decimal(10,3))",
    );
    let columns = session
        .describe(&TableName::parse("[dbo].[d]").unwrap())
        .unwrap();
    let shown: Vec<String> = columns
        .iter()
        .map(|column| {
            format!(
                "{} {} {} {} {} {}",
                column.name,
                column.declared,
                column.nullable,
                column.identity,
                column.has_default,
                column.computed
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            "id int false true false false",
            "name nvarchar(50) false false true false",
            "price decimal(10,3) true false false false"
        ]
    );
    let missing = session
        .describe(&TableName::parse("nowhere").unwrap())
        .unwrap_err();
    assert_eq!(missing.fault, Fault::Missing, "{missing}");
}

#[test]
fn time_and_cancellation() {
    let server = server();
    let mut session = session(&server);
    run(&mut session, TABLE);
    server.set_faults(Faults {
        delay: Some(Duration::from_secs(20)),
        ..Faults::default()
    });
    let late = Statement {
        timeout_seconds: 1,
        ..Statement::new("SELECT 1 AS a")
    };
    let error = session.execute(&late).unwrap_err();
    assert_eq!((error.fault, error.number), (Fault::Timeout, Some(-2)));
    let canceller = session.canceller();
    let other = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        canceller.cancel();
    });
    let error = session
        .execute(&Statement::new("SELECT 1 AS a"))
        .unwrap_err();
    assert_eq!(error.fault, Fault::Cancelled, "{error}");
    other.join().unwrap();
    server.set_faults(Faults::default());
    assert!(rows(&mut session, "SELECT 3 AS c").contains("| 3 |"));
}

#[test]
fn parameters_of_all_types() {
    let server = server();
    let mut session = session(&server);
    run(
        &mut session,
        "CREATE TABLE v (a tinyint, b smallint, c int, d bigint, e bit, f real, g float, h decimal(20,4), m nvarchar(20), \
         o varbinary(8), p uniqueidentifier, q date, r time(7), u datetime2(7), w datetimeoffset(7))",
    );
    run(
        &mut session,
        "INSERT INTO v VALUES (255, -2, 3, 4000000000, 1, 1.5, 2.25, -12.3456, N'Ω漢', 0x0102, \
         '00112233-4455-6677-8899-AABBCCDDEEFF', '2024-02-29', '23:59:59.1234567', '1753-01-02T03:04:05.123456', \
         '2024-01-02T03:04:05.5-02:00')",
    );
    let values = collected(&mut session, &Statement::new("SELECT * FROM v"));
    for (at, field) in values[0].schema().fields().iter().enumerate() {
        let value = values[0].column(at);
        for value in [Arc::clone(value), new_null_array(field.data_type(), 1)] {
            let parameters = [input(Arc::clone(&value))];
            let statement = Statement {
                parameters: &parameters,
                ..Statement::new("SELECT ? AS v")
            };
            let came = collected(&mut session, &statement);
            assert_eq!(came[0].column(0), &value, "column {}", field.name());
        }
    }
    let markers = vec!["?"; values[0].num_columns()].join(", ");
    let insert = format!("INSERT INTO v VALUES ({markers})");
    let done = session
        .execute_each(&Statement::new(&insert), &values[0], true)
        .unwrap();
    assert_eq!(done, [Ok(1)]);
    let twice = collected(&mut session, &Statement::new("SELECT * FROM v"));
    assert_eq!(twice[0].slice(1, 1), values[0]);
}

#[derive(Default)]
struct Told(Vec<String>);

impl RowSink for Told {
    fn start(&mut self, _schema: &SchemaRef) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn batch(&mut self, _batch: RecordBatch) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn lost(&mut self, what: String) {
        self.0.push(what);
    }
}

#[test]
fn a_digit_that_is_lost_is_told() {
    let server = server();
    let mut session = session(&server);
    run(&mut session, "CREATE TABLE m (at datetime2(7))");
    run(
        &mut session,
        "INSERT INTO m VALUES ('2020-01-01 00:00:00.1234567'), ('9999-12-31 23:59:59.9999999'), ('2020-01-01 00:00:00.123456')",
    );
    let mut sink = Told::default();
    session
        .query(
            &Statement::new("SELECT at FROM m"),
            &ReadOptions::default(),
            &mut sink,
        )
        .unwrap();
    let told = "2 moments have lost the seventh digit of their fraction of a second";
    assert_eq!(sink.0, [told]);
    let executed = session
        .execute(&Statement::new("PRINT 'hello'; SELECT at FROM m"))
        .unwrap();
    assert_eq!(executed.messages, ["hello", told]);
    let mut first = FirstTold::default();
    session
        .query(
            &Statement::new("SELECT at FROM m WHERE at < '2021-01-01' ORDER BY at DESC"),
            &ReadOptions::default(),
            &mut first,
        )
        .unwrap();
    assert!(
        first
            .0
            .as_deref()
            .is_some_and(|lost| lost.contains("seventh digit")),
        "{first:?}"
    );
}

/// Has enough with one batch, and hears what was lost of it.
#[derive(Debug, Default)]
struct FirstTold(Option<String>);

impl RowSink for FirstTold {
    fn start(&mut self, _schema: &SchemaRef) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn batch(&mut self, _batch: RecordBatch) -> ControlFlow<()> {
        ControlFlow::Break(())
    }

    fn lost(&mut self, what: String) {
        self.0 = Some(what);
    }
}

/// One transaction of two databases of a server: tasks of a package, one after the other.
#[test]
fn transactions_of_a_package() {
    let server = server();
    let mut outside = session(&server);
    run(&mut outside, TABLE);
    let connection = |database: &str| DatabaseConnection {
        manager: database.to_owned(),
        target: Target::SqlServer(SqlServerTarget {
            database: Some(database.to_owned()),
            ..target(&server)
        }),
        retain: false,
        written_in: Dialect::MsSql,
    };
    let (first, other) = (connection("tests"), connection("master"));
    let outer = Arc::<Sessions>::default();
    let level = IsolationLevel::Serializable;
    let insert = |sessions: &Arc<Sessions>, connection: &DatabaseConnection, id: i32| {
        let mut session = sessions.acquire(connection)?;
        let sql = format!("INSERT INTO t (id) VALUES ({id})");
        session.execute(&Statement::new(&sql)).map(|_| ())
    };
    let transaction = Sessions::in_transaction(&outer, level);
    insert(&transaction, &first, 1).unwrap();
    insert(&transaction, &other, 2).unwrap();
    {
        let mut session = transaction.acquire(&first).unwrap();
        let name = TableName::parse("t").unwrap();
        let mut load = session
            .load(&name, &columns(), &LoadOptions::default())
            .unwrap();
        load.write(&batch(&[7], &[None])).unwrap();
    }
    insert(&transaction, &first, 1).unwrap_err();
    insert(&transaction, &first, 3).unwrap();
    transaction.end(true).unwrap();
    let transaction = Sessions::in_transaction(&outer, level);
    insert(&transaction, &first, 4).unwrap();
    transaction.end(false).unwrap();
    let transaction = Sessions::in_transaction(&outer, level);
    insert(&transaction, &first, 5).unwrap();
    drop(
        transaction
            .acquire(&first)
            .unwrap()
            .execute(&Statement::new("ROLLBACK TRANSACTION")),
    );
    let error = insert(&transaction, &first, 6).unwrap_err();
    assert!(error.message.contains("has ended it"), "{error}");
    transaction.end(true).unwrap_err();
    let found = rows(&mut outside, "SELECT id FROM t ORDER BY id");
    let found: String = found.chars().filter(char::is_ascii_digit).collect();
    assert_eq!(found, "123");
}
