//! Against `tds-server`, which speaks TDS and keeps its tables in SQLite.

use std::{ops::ControlFlow, sync::Arc, time::Duration};

use arrow::{
    array::{
        Array, ArrayRef, AsArray, BinaryViewArray, Decimal128Array, Float64Array, Int32Array,
        Int64Array, RecordBatch, StringViewArray, TimestampMicrosecondArray, new_null_array,
    },
    datatypes::{DataType, Int32Type, SchemaRef},
    util::pretty::pretty_format_batches,
};
use tds_server::{Answer, Faults, Options, Procedure, Server, Value};

mod loads;
mod statements;

use super::SqlServerSession;
use crate::{
    database::{
        Collected, DatabaseConnection, Direction, Encrypt, Fault, IsolationLevel, LoadOptions,
        Parameter, ReadOptions, RowSink, Session, Sessions, SqlServerTarget, Statement, TableName,
        Target,
    },
    sql::Dialect,
};

fn server() -> Server {
    Server::start(Options::default()).unwrap()
}

fn target(server: &Server) -> SqlServerTarget {
    SqlServerTarget {
        host: "127.0.0.1".to_owned(),
        port: Some(server.port()),
        database: Some("tests".to_owned()),
        user: Some("sa".to_owned()),
        password: Some("Passw0rd!".to_owned()),
        encrypt: Encrypt::No,
        ..SqlServerTarget::default()
    }
}

fn session(server: &Server) -> SqlServerSession {
    SqlServerSession::open(&target(server)).unwrap()
}

fn collected(session: &mut SqlServerSession, statement: &Statement<'_>) -> Vec<RecordBatch> {
    let mut collected = Collected::default();
    session
        .query(statement, &ReadOptions::default(), &mut collected)
        .unwrap();
    collected.0.unwrap().batches
}

fn rows(session: &mut SqlServerSession, sql: &str) -> String {
    let batches = collected(session, &Statement::new(sql));
    pretty_format_batches(&batches).unwrap().to_string()
}

fn run(session: &mut SqlServerSession, sql: &str) {
    session.execute(&Statement::new(sql)).unwrap();
}

fn input(value: ArrayRef) -> Parameter {
    Parameter {
        name: None,
        direction: Direction::Input,
        value,
        size: 0,
    }
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

const TABLE: &str = "CREATE TABLE t (id int NOT NULL PRIMARY KEY, name nvarchar(10) NOT NULL DEFAULT 'none', amount decimal(12,2))";

fn columns() -> Vec<String> {
    ["id", "name", "amount"].map(str::to_owned).to_vec()
}

#[test]
fn doors() {
    let server = server();
    let wrong = SqlServerTarget {
        password: Some("wrong".to_owned()),
        ..target(&server)
    };
    let error = SqlServerSession::open(&wrong).unwrap_err();
    assert_eq!((error.fault, error.number), (Fault::Login, Some(18456)));
    let nobody = SqlServerTarget {
        port: Some(1),
        ..target(&server)
    };
    let error = SqlServerSession::open(&nobody).unwrap_err();
    assert_eq!(error.fault, Fault::Unreachable, "{error}");
    let integrated = SqlServerTarget {
        user: None,
        ..target(&server)
    };
    let error = SqlServerSession::open(&integrated).unwrap_err();
    assert_eq!(error.fault, Fault::Login, "{error}");
    assert!(error.message.contains("kinit"), "{error}");
}

#[test]
fn encrypted() {
    let server = Server::start(Options {
        tls: true,
        ..Options::default()
    })
    .unwrap();
    let strange = SqlServerTarget {
        encrypt: Encrypt::Yes,
        ..target(&server)
    };
    let error = SqlServerSession::open(&strange).unwrap_err();
    assert_eq!(error.fault, Fault::Unreachable, "{error}");
    let trusting = SqlServerTarget {
        trust_server_certificate: true,
        ..strange
    };
    let mut session = SqlServerSession::open(&trusting).unwrap();
    assert!(rows(&mut session, "SELECT 1 AS one").contains("| 1   |"));
}

#[test]
fn not_on_a_thread_of_a_runtime() {
    let server = server();
    let mut session = session(&server);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let error = runtime.block_on(async {
        let error = session.execute(&Statement::new("SELECT 1")).unwrap_err();
        drop(session);
        error
    });
    assert_eq!(error.fault, Fault::Lost);
    assert!(error.message.contains("threads that may wait"), "{error}");
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the thread of a runtime that may wait"
)]
fn on_a_thread_of_a_runtime_that_may_wait() {
    let server = server();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let target = target(&server);
    let shown = runtime.block_on(async {
        let work = tokio::task::spawn_blocking(move || {
            let mut session = SqlServerSession::open(&target).unwrap();
            rows(&mut session, "SELECT 4 AS four")
        });
        work.await.unwrap()
    });
    assert!(shown.contains("| 4    |"), "{shown}");
}
