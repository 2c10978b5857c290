//! Transactions of packages, in every database: what is committed, what a failure leaves, what ends them.

use std::sync::Arc;

use arrow::array::{Int32Array, RecordBatch, StringViewArray};

use super::servers::{DATABASES, Database, Family};
use crate::{
    database::{
        DatabaseConnection, Fault, IsolationLevel, LoadOptions, Sessions, Statement, TableName,
        Target, one_transaction,
    },
    sql::Dialect,
};

struct Stage {
    database: Database,
    connection: DatabaseConnection,
    sessions: Arc<Sessions>,
    table: String,
}

impl Stage {
    fn run(
        &self,
        sessions: &Arc<Sessions>,
        sql: &str,
    ) -> Result<(), crate::database::DatabaseError> {
        let mut session = sessions.acquire(&self.connection)?;
        session.execute(&Statement::new(sql)).map(|_| ())
    }

    fn insert(
        &self,
        sessions: &Arc<Sessions>,
        id: i32,
    ) -> Result<(), crate::database::DatabaseError> {
        self.run(
            sessions,
            &format!("INSERT INTO {} VALUES ({id}, 'x')", self.table),
        )
    }

    /// The ids, as somebody outside sees them.
    fn found(&self) -> Vec<String> {
        let mut session = self.sessions.acquire(&self.connection).unwrap();
        let sql = format!("SELECT id FROM {} ORDER BY id", self.table);
        let executed = session.execute(&Statement::new(&sql)).unwrap();
        let batches = executed.result_sets.into_iter().flat_map(|set| set.batches);
        let texts = batches.flat_map(|batch| {
            let column = arrow::compute::cast(batch.column(0), &arrow::datatypes::DataType::Utf8);
            let column = column.unwrap();
            let texts = arrow::array::AsArray::as_string::<i32>(&column).iter();
            texts
                .map(|text| text.unwrap().to_owned())
                .collect::<Vec<_>>()
        });
        texts.collect()
    }

    fn begin(&self) -> Arc<Sessions> {
        Sessions::in_transaction(&self.sessions, IsolationLevel::Serializable)
    }
}

fn everywhere(what: &str, check: impl Fn(&Stage)) {
    for database in DATABASES {
        let folder = tempfile::tempdir().unwrap();
        let Some(address) = database.address(folder.path()) else {
            continue;
        };
        eprintln!("{what}: {}", database.name);
        let target = Target::parse(&address, "OLEDB", None).unwrap();
        let stage = Stage {
            connection: DatabaseConnection {
                manager: "Books".to_owned(),
                written_in: target.dialect(),
                target,
                retain: false,
            },
            table: format!("tx_{}_{what}", database.name.replace('-', "_")),
            sessions: Arc::default(),
            database,
        };
        let text = match database.family {
            Family::MariaDb => "varchar(20)",
            _ => "text",
        };
        let table = &stage.table;
        stage
            .run(&stage.sessions, &format!("DROP TABLE IF EXISTS {table}"))
            .unwrap();
        let sql = format!("CREATE TABLE {table} (id int PRIMARY KEY, name {text})");
        stage.run(&stage.sessions, &sql).unwrap();
        check(&stage);
        stage
            .run(&stage.sessions, &format!("DROP TABLE {table}"))
            .unwrap();
    }
}

#[test]
fn what_is_committed_stays_and_the_rest_does_not() {
    everywhere("ends", |stage| {
        let transaction = stage.begin();
        stage.insert(&transaction, 1).unwrap();
        stage.insert(&transaction, 2).unwrap();
        transaction.end(true).unwrap();
        assert_eq!(stage.found(), ["1", "2"], "{}", stage.database.name);
        let transaction = stage.begin();
        stage.insert(&transaction, 3).unwrap();
        transaction.end(false).unwrap();
        if matches!(stage.database.name, "sqlite" | "postgres") {
            let transaction = stage.begin();
            stage.insert(&transaction, 4).unwrap();
            transaction.give_up();
        }
        assert_eq!(stage.found(), ["1", "2"], "{}", stage.database.name);
        let transaction = stage.begin();
        transaction.end(true).unwrap();
        let error = stage.insert(&transaction, 5).unwrap_err();
        assert_eq!(error.fault, Fault::Cancelled, "{error}");
        assert!(Arc::ptr_eq(&transaction.current(), &stage.sessions));
    });
}

/// Either the transaction is as it was before the failure, or it says that it is lost and commits nothing.
#[test]
fn a_failure_leaves_all_or_nothing() {
    everywhere("failures", |stage| {
        let transaction = stage.begin();
        stage.insert(&transaction, 1).unwrap();
        stage.insert(&transaction, 1).unwrap_err();
        let after = stage.insert(&transaction, 2);
        let ended = transaction.end(true);
        let found = stage.found();
        match (after, ended) {
            (Ok(()), Ok(())) => assert_eq!(found, ["1", "2"], "{}", stage.database.name),
            (Err(_), Err(_)) => assert!(found.is_empty(), "{}: {found:?}", stage.database.name),
            other => panic!("{}: {other:?} with {found:?}", stage.database.name),
        }
    });
}

fn batch(ids: &[i32]) -> RecordBatch {
    let names: StringViewArray = ids.iter().map(|_| Some("x")).collect();
    RecordBatch::try_from_iter([
        (
            "id",
            Arc::new(Int32Array::from(ids.to_vec())) as arrow::array::ArrayRef,
        ),
        ("name", Arc::new(names) as arrow::array::ArrayRef),
    ])
    .unwrap()
}

#[test]
fn a_load_that_does_not_end_is_undone_alone() {
    everywhere("loads", |stage| {
        let transaction = stage.begin();
        let name = TableName::parse(&stage.table).unwrap();
        let columns = ["id".to_owned(), "name".to_owned()];
        let options = LoadOptions::default();
        {
            let mut session = transaction.acquire(&stage.connection).unwrap();
            let mut load = session.load(&name, &columns, &options).unwrap();
            load.write(&batch(&[1, 2])).unwrap();
            load.commit().unwrap();
        }
        {
            let mut session = transaction.acquire(&stage.connection).unwrap();
            let mut load = session.load(&name, &columns, &options).unwrap();
            load.write(&batch(&[3, 4])).unwrap();
        }
        let after = stage.insert(&transaction, 5);
        let ended = transaction.end(true);
        let found = stage.found();
        match (after, ended) {
            (Ok(()), Ok(())) => assert_eq!(found, ["1", "2", "5"], "{}", stage.database.name),
            (Err(_), Err(_)) => assert!(found.is_empty(), "{}: {found:?}", stage.database.name),
            other => panic!("{}: {other:?} with {found:?}", stage.database.name),
        }
        let transaction = stage.begin();
        {
            let mut session = transaction.acquire(&stage.connection).unwrap();
            let mut load = session.load(&name, &columns, &options).unwrap();
            load.write(&batch(&[8])).unwrap();
            load.commit().unwrap();
        }
        transaction.end(false).unwrap();
        assert!(
            !stage.found().contains(&"8".to_owned()),
            "{}",
            stage.database.name
        );
    });
}

#[test]
fn a_statement_that_ends_the_transaction_is_told() {
    everywhere("statements", |stage| {
        // Drivers of other databases do not know.
        if !matches!(stage.database.name, "sqlite" | "postgres") {
            return;
        }
        let transaction = stage.begin();
        stage.insert(&transaction, 1).unwrap();
        drop(stage.run(&transaction, "COMMIT"));
        let error = stage.insert(&transaction, 2).unwrap_err();
        assert!(error.message.contains("cannot go on"), "{error}");
        transaction.end(true).unwrap_err();
        assert_eq!(stage.found(), ["1"], "{}", stage.database.name);
    });
}

#[test]
fn one_at_a_time_and_the_waiting_one_gets_it() {
    everywhere("waits", |stage| {
        let transaction = stage.begin();
        let lease = transaction.acquire(&stage.connection).unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| stage.insert(&transaction, 1));
            std::thread::sleep(std::time::Duration::from_millis(50));
            assert!(!waiting.is_finished());
            drop(lease);
            waiting.join().unwrap().unwrap();
        });
        transaction.end(true).unwrap();
        assert_eq!(stage.found(), ["1"]);
    });
}

#[test]
fn databases_of_one_transaction() {
    let connection = |manager: &str, address: &str| DatabaseConnection {
        manager: manager.to_owned(),
        target: Target::parse(address, "OLEDB", None).unwrap(),
        retain: false,
        written_in: Dialect::MsSql,
    };
    let first = connection("A", "mssql://u:p@host:1433/Staging");
    let same = |address: &str| one_transaction(&first, &connection("B", address)).is_ok();
    assert!(same("mssql://u:p@HOST:1433/Warehouse"));
    assert!(!same("mssql://other:p@host:1433/Warehouse"));
    assert!(!same("mssql://u:p@host:1434/Warehouse"));
    assert!(!same("sqlite:a.db"));
    let error = one_transaction(&first, &connection("B", "sqlite:a.db")).unwrap_err();
    assert!(!error.contains(":p@"), "{error}");
}
