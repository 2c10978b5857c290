//! Parameters that come back from procedures, by ODBC.

use std::{path::Path, sync::Arc};

use arrow::{
    array::{
        Array, ArrayRef, AsArray, BinaryViewArray, BooleanArray, Date32Array, Decimal128Array,
        Float64Array, Int32Array, Int64Array, RecordBatch, StringViewArray,
        TimestampMicrosecondArray,
    },
    compute::cast,
    datatypes::DataType,
};
use tds_server::{Answer, Options, Procedure, Server, Value};

use super::servers::Database;
use crate::database::{
    DatabaseError, Direction, Executed, Fault, Parameter, Session, Statement, Target, open,
};

use Direction::{Input, Output, ReturnValue};

fn parameter(direction: Direction, value: ArrayRef) -> Parameter {
    Parameter {
        name: None,
        direction,
        value,
        size: 0,
    }
}

fn int(direction: Direction, value: impl Into<Option<i32>>) -> Parameter {
    parameter(direction, Arc::new(Int32Array::from(vec![value.into()])))
}

fn text(direction: Direction, value: &str, size: u32) -> Parameter {
    let value: ArrayRef = Arc::new(StringViewArray::from(vec![value]));
    Parameter {
        size,
        ..parameter(direction, value)
    }
}

/// Of a variable that is a decimal without a fraction.
fn decimal(direction: Direction) -> Parameter {
    let value = Decimal128Array::from(vec![0])
        .with_precision_and_scale(29, 0)
        .unwrap();
    parameter(direction, Arc::new(value))
}

fn execute(
    session: &mut dyn Session,
    sql: &str,
    parameters: &[Parameter],
) -> Result<Executed, DatabaseError> {
    session.execute(&Statement {
        parameters,
        ..Statement::new(sql)
    })
}

fn by_name(
    session: &mut dyn Session,
    name: &str,
    parameters: &[Parameter],
) -> Result<Executed, DatabaseError> {
    session.execute(&Statement {
        parameters,
        is_procedure: true,
        ..Statement::new(name)
    })
}

fn shown(array: &ArrayRef) -> String {
    let texts = cast(array, &DataType::Utf8).unwrap();
    match texts.is_null(0) {
        true => "NULL".to_owned(),
        false => texts.as_string::<i32>().value(0).to_owned(),
    }
}

fn outputs(executed: &Executed) -> Vec<String> {
    executed.outputs.iter().map(shown).collect()
}

/// The first value of each result set.
fn firsts(executed: &Executed) -> Vec<String> {
    let sets = executed.result_sets.iter();
    sets.map(|set| shown(set.batches[0].column(0))).collect()
}

fn run(session: &mut dyn Session, statements: &[&str]) {
    for sql in statements {
        session.execute(&Statement::new(sql)).unwrap();
    }
}

#[test]
fn from_mariadb() {
    let Some(mut session) = Database::named("mariadb-odbc").open(Path::new("")) else {
        return;
    };
    let session = session.as_mut();
    run(
        session,
        &[
            "CREATE OR REPLACE PROCEDURE fletching_out_p (IN a int, OUT b int, INOUT c varchar(4000), OUT d decimal(10,2), OUT e datetime(6)) \
             BEGIN SELECT a + 1, c; SET b = a * 2; SET c = concat(c, '!'); SET d = 12.5; SET e = '2024-02-29 23:59:58.123456'; END",
            "CREATE OR REPLACE FUNCTION fletching_out_f (a int) RETURNS int DETERMINISTIC RETURN a + 1",
        ],
    );
    let parameters = [
        int(Input, 21),
        int(Output, 0),
        text(Output, "Zoë 😀", 0),
        decimal(Output),
        text(Output, "", 0),
    ];
    let wanted = ["42", "Zoë 😀!", "12.50", "2024-02-29T23:59:58.123456"];
    for sql in [
        "CALL fletching_out_p(?, ?, ?, ?, ?)",
        "{call fletching_out_p(?, ?, ?, ?, ?)}",
    ] {
        let executed = execute(session, sql, &parameters).unwrap();
        assert_eq!(outputs(&executed), wanted, "{sql}");
        assert_eq!(firsts(&executed), ["22"], "{sql}");
    }
    let executed = by_name(session, "fletching_out_p", &parameters).unwrap();
    assert_eq!(outputs(&executed), wanted);
    let returned = [int(ReturnValue, None), int(Input, 21)];
    let executed = execute(session, "{? = call fletching_out_f(?)}", &returned).unwrap();
    assert_eq!(outputs(&executed), ["22"]);
    let executed = by_name(session, "fletching_out_f", &returned).unwrap();
    assert_eq!(outputs(&executed), ["22"]);
    // What the procedure does not declare so does not come back.
    let wrong = [
        int(Output, 21),
        int(Output, 0),
        text(Output, "x", 0),
        decimal(Output),
        text(Output, "", 0),
    ];
    let error = by_name(session, "fletching_out_p", &wrong).unwrap_err();
    assert_eq!(error.fault, Fault::Unsupported, "{error}");
    assert!(error.message.contains("OUT or INOUT"), "{error}");
    let error = by_name(session, "fletching_out_p", &parameters[..2]).unwrap_err();
    assert!(error.message.contains("Incorrect number"), "{error}");
    run(
        session,
        &[
            "DROP PROCEDURE fletching_out_p",
            "DROP FUNCTION fletching_out_f",
        ],
    );
}

#[test]
fn from_postgresql() {
    let Some(mut session) = Database::named("postgres-odbc").open(Path::new("")) else {
        return;
    };
    let session = session.as_mut();
    run(
        session,
        &[
            "CREATE OR REPLACE PROCEDURE fletching_out_p (IN a int, OUT b int, INOUT c text, INOUT d numeric) LANGUAGE plpgsql AS \
             $$ BEGIN b := a * 2; c := c || '!'; d := 12.5; END $$",
            "CREATE OR REPLACE FUNCTION fletching_out_f (a int) RETURNS int LANGUAGE sql AS 'SELECT a + 1'",
            "CREATE OR REPLACE FUNCTION fletching_out_g (a int, OUT b int, OUT c text) LANGUAGE sql AS 'SELECT a + 1, ''x'' || a'",
        ],
    );
    let parameters = [
        int(Input, 21),
        int(Output, 0),
        text(Output, "Zoë 😀", 0),
        decimal(Output),
    ];
    let wanted = ["42", "Zoë 😀!", "12.5"];
    let executed = execute(session, "CALL fletching_out_p(?, ?, ?, ?)", &parameters).unwrap();
    assert_eq!(outputs(&executed), wanted);
    let executed = by_name(session, "fletching_out_p", &parameters).unwrap();
    assert_eq!(outputs(&executed), wanted);
    let returned = [int(ReturnValue, None), int(Input, 21)];
    for executed in [
        execute(session, "{? = call fletching_out_f(?)}", &returned),
        by_name(session, "fletching_out_f", &returned),
    ] {
        assert_eq!(outputs(&executed.unwrap()), ["22"]);
    }
    let of_function = [int(Input, 21), int(Output, 0), text(Output, "", 0)];
    let executed = execute(session, "{call fletching_out_g(?, ?, ?)}", &of_function).unwrap();
    assert_eq!(outputs(&executed), ["22", "x21"]);
    run(
        session,
        &[
            "DROP PROCEDURE fletching_out_p",
            "DROP FUNCTION fletching_out_f",
            "DROP FUNCTION fletching_out_g",
        ],
    );
}

fn server() -> Server {
    let add = Procedure::new("dbo.add_up", &["@a", "@b", "@sum", "@said"], |values| {
        let number = |name: &str| match values.iter().find(|(known, _)| known == name) {
            Some((_, Value::Integer(number))) => *number,
            _ => 0,
        };
        let said = "ä".repeat(usize::try_from(number("@a")).unwrap_or(0));
        Ok(Answer {
            status: 7,
            outputs: vec![
                (
                    "@sum".to_owned(),
                    Value::Integer(number("@a") + number("@b")),
                ),
                ("@said".to_owned(), Value::Text(said)),
            ],
            batch: Some("SELECT @a AS a UNION ALL SELECT @b; SELECT 'more' AS m".to_owned()),
        })
    });
    Server::start(Options {
        procedures: vec![add],
        ..Options::default()
    })
    .unwrap()
}

/// Sessions by Microsoft's driver and by FreeTDS', those that are there.
fn sessions(server: &Server) -> Vec<(&'static str, Box<dyn Session>)> {
    let port = server.port();
    let microsoft = std::env::var("MSODBCSQL").unwrap_or_default();
    let freetds = "/usr/lib/x86_64-linux-gnu/odbc/libtdsodbc.so";
    let drivers = [
        ("microsoft", microsoft.as_str(), format!("127.0.0.1,{port}")),
        (
            "freetds",
            freetds,
            format!("127.0.0.1;Port={port};TDS_Version=7.4"),
        ),
    ];
    let mut sessions = Vec::new();
    for (name, driver, server) in drivers {
        if !Path::new(driver).exists() {
            assert!(
                std::env::var("CI").as_deref() != Ok("true"),
                "the ODBC driver of {name} is missing: run scripts/setup ci and `. target/servers/env`"
            );
            eprintln!("skipped: the ODBC driver of {name} is missing");
            continue;
        }
        let address =
            format!("odbc:Driver={driver};Server={server};Encrypt=no;Uid=sa;Pwd=Passw0rd!");
        sessions.push((
            name,
            open(&Target::parse(&address, "OLEDB", None).unwrap()).unwrap(),
        ));
    }
    sessions
}

#[test]
fn from_sql_server() {
    let server = server();
    for (name, mut session) in sessions(&server) {
        let session = session.as_mut();
        let parameters = [
            int(ReturnValue, None),
            int(Input, 2),
            int(Input, 3),
            int(Output, 0),
            text(Output, "", 10),
        ];
        let wanted = ["7", "5", "ää"];
        for executed in [
            execute(session, "{? = call dbo.add_up(?, ?, ?, ?)}", &parameters),
            by_name(session, "dbo.add_up", &parameters),
        ] {
            let executed = executed.unwrap();
            assert_eq!(outputs(&executed), wanted, "{name}");
            // What comes back is read behind all results.
            assert_eq!(firsts(&executed), ["2", "more"], "{name}");
        }
        // A value that is longer than its size is cut; without a size there is room for 4,000 letters.
        let cut = [
            parameters[0].clone(),
            int(Input, 30),
            int(Input, 3),
            int(Output, 0),
            text(Output, "", 10),
        ];
        let executed = by_name(session, "dbo.add_up", &cut).unwrap();
        assert_eq!(outputs(&executed)[2], "ä".repeat(10), "{name}");
        let long = [
            parameters[0].clone(),
            int(Input, 300),
            int(Input, 3),
            int(Output, 0),
            text(Output, "", 0),
        ];
        let executed = by_name(session, "dbo.add_up", &long).unwrap();
        assert_eq!(outputs(&executed)[2], "ä".repeat(300), "{name}");
        let error = execute(session, "{call dbo.add_up(?, ?)}", &parameters).unwrap_err();
        assert!(error.message.contains("2 parameter markers"), "{error}");
        let done = execute(
            session,
            "SELECT ? = 40 + ?",
            &[int(Output, 0), int(Input, 2)],
        );
        match name {
            "microsoft" => assert_eq!(outputs(&done.unwrap()), ["42"]),
            _ => assert!(done.unwrap_err().message.contains("nothing of this call")),
        }
        // Prepared once, executed for each row.
        let rows = RecordBatch::try_from_iter(["a", "b"].map(|name| {
            let values: ArrayRef = Arc::new(Int32Array::from(vec![1, 2, 3]));
            (name, values)
        }));
        let each = Statement::new("{call dbo.add_up(?, ?)}");
        let done = session.execute_each(&each, &rows.unwrap(), true).unwrap();
        assert_eq!(done, [Ok(0), Ok(0), Ok(0)], "{name}");
        let missing = by_name(session, "dbo.nothing", &[]).unwrap_err();
        assert_eq!(missing.number, Some(2812), "{name}: {missing}");
    }
}

#[test]
fn every_type_comes_back_as_it_went_in() {
    let echo = Procedure::new("dbo.echo", &["@value"], |_| Ok(Answer::default()));
    let server = Server::start(Options {
        procedures: vec![echo],
        ..Options::default()
    })
    .unwrap();
    let digits = Decimal128Array::from(vec![-1255])
        .with_precision_and_scale(12, 3)
        .unwrap();
    let values: Vec<ArrayRef> = vec![
        Arc::new(BooleanArray::from(vec![true])),
        Arc::new(Int32Array::from(vec![i32::MIN])),
        Arc::new(Int64Array::from(vec![i64::MAX])),
        Arc::new(Float64Array::from(vec![0.1])),
        Arc::new(digits),
        Arc::new(Date32Array::from(vec![19_782])),
        Arc::new(TimestampMicrosecondArray::from(vec![1_709_251_198_123_456])),
        Arc::new(StringViewArray::from(vec!["Zoë 😀 "])),
        Arc::new(BinaryViewArray::from(vec![[0_u8, 255, 7].as_slice()])),
        Arc::new(Int32Array::from(vec![None::<i32>])),
        Arc::new(StringViewArray::from(vec![None::<&str>])),
    ];
    for (name, mut session) in sessions(&server) {
        for value in &values {
            let parameters = [parameter(Output, Arc::clone(value))];
            let executed = by_name(session.as_mut(), "dbo.echo", &parameters).unwrap();
            let came = &executed.outputs[0];
            assert_eq!(shown(came), shown(value), "{name}");
        }
    }
}

#[test]
fn parameters_of_procedures_by_their_names() {
    let server = server();
    let named = |name: &str, parameter: Parameter| Parameter {
        name: Some(name.to_owned()),
        ..parameter
    };
    // What comes back has the order in which it was asked for.
    let parameters = [
        named("@sum", int(Output, 0)),
        named("b", int(Input, 3)),
        int(ReturnValue, None),
        named("@a", int(Input, 5)),
        named("@said", text(Output, "", 9)),
    ];
    let without = [0, 1, 3, 4].map(|at: usize| parameters[at].clone());
    let asked: [(&[Parameter], &[&str]); 2] = [
        (&parameters, &["8", "7", "äääää"]),
        (&without, &["8", "äääää"]),
    ];
    for (name, mut session) in sessions(&server) {
        for (parameters, wanted) in asked {
            let done = by_name(session.as_mut(), "dbo.add_up", parameters);
            match name {
                "microsoft" => assert_eq!(outputs(&done.unwrap()), wanted),
                // It takes such a call for a batch, and leaves the values as they went in.
                _ => {
                    let error = done.unwrap_err();
                    assert!(error.message.contains("nothing of this call"), "{error}");
                }
            }
        }
    }
    if let Some(mut session) = Database::named("mariadb-odbc").open(Path::new("")) {
        let error = by_name(session.as_mut(), "p", &parameters).unwrap_err();
        assert!(error.message.contains("by their places"), "{error}");
    }
}

#[test]
fn a_database_without_procedures() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut session) = Database::named("sqlite-odbc").open(folder.path()) else {
        return;
    };
    let error = execute(session.as_mut(), "SELECT ?", &[int(Output, 1)]).unwrap_err();
    assert_eq!(error.fault, Fault::Unsupported, "{error}");
    assert!(error.message.contains("no procedures"), "{error}");
}
