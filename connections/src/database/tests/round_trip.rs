//! Every type of SSIS's columns, into each database and back: `round_trip/NAME.txt` says what comes back. With
//! `FLETCHING_UPDATE=1` the files are written anew.

use std::{fmt::Write, sync::Arc};

use arrow::{
    array::*,
    datatypes::{DataType, Field, Schema},
    util::display::{ArrayFormatter, FormatOptions},
};

use super::servers::{DATABASES, Database, Family};
use crate::database::{
    Collected, LoadOptions, ReadOptions, Session, Statement, TableName,
    natural::{offset_fields, to_type},
};

/// A type, its values, and how PostgreSQL, MariaDB, SQLite and DuckDB declare a column for it.
struct Case {
    name: &'static str,
    values: ArrayRef,
    declared: [&'static str; 4],
}

impl Case {
    fn new(name: &'static str, values: impl Array + 'static, declared: [&'static str; 4]) -> Self {
        Self {
            name,
            values: Arc::new(values),
            declared,
        }
    }

    fn declared(&self, family: Family) -> &'static str {
        let [postgres, mariadb, sqlite, duckdb] = self.declared;
        match family {
            Family::Postgres => postgres,
            Family::MariaDb => mariadb,
            Family::Sqlite => sqlite,
            Family::DuckDb => duckdb,
        }
    }
}

fn decimals(values: &[i128], precision: u8, scale: i8) -> Decimal128Array {
    let values = values.iter().copied().map(Some).chain([None]);
    Decimal128Array::from_iter(values)
        .with_precision_and_scale(precision, scale)
        .unwrap()
}

fn texts(long: usize) -> StringViewArray {
    let long = "x€😀".repeat(long);
    StringViewArray::from_iter([
        Some("a"),
        None,
        Some(""),
        Some("Grüße, Ελλάδα, 日本"),
        Some("😀 𝄞"),
        Some("it's \"quoted\" \\ {x} ? ; %"),
        Some("line\nline\r\n\ttab"),
        Some(" padded "),
        Some(long.as_str()),
    ])
}

fn micros(texts: &[&str]) -> Vec<Option<i64>> {
    let parse = |text: &&str| {
        let time = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").unwrap();
        Some(time.and_utc().timestamp_micros())
    };
    texts.iter().map(parse).chain([None]).collect()
}

fn offsets() -> StructArray {
    let instants = micros(&[
        "2024-02-29 12:00:00.5",
        "2024-02-29 12:00:00",
        "1753-01-01 00:00:00",
        "9999-12-31 00:00:00",
    ]);
    let filled = instants.iter().map(|instant| instant.unwrap_or(0));
    let instants: Vec<i64> = filled.collect();
    StructArray::new(
        offset_fields(),
        vec![
            Arc::new(TimestampMicrosecondArray::from(instants).with_timezone("UTC")),
            Arc::new(Int16Array::from(vec![330, -480, 0, 840, 0])),
        ],
        Some(vec![true, true, true, true, false].into()),
    )
}

fn numbers() -> Vec<Case> {
    let money = [
        9_223_372_036_854_775_807,
        -9_223_372_036_854_775_808,
        0,
        12_345,
    ];
    let wide = 10_i128.pow(38) - 1;
    vec![
        Case::new(
            "DT_I1",
            Int8Array::from(vec![Some(i8::MIN), Some(i8::MAX), None]),
            ["smallint", "tinyint", "tinyint", "tinyint"],
        ),
        Case::new(
            "DT_I2",
            Int16Array::from(vec![Some(i16::MIN), Some(i16::MAX), None]),
            ["smallint", "smallint", "smallint", "smallint"],
        ),
        Case::new(
            "DT_I4",
            Int32Array::from(vec![Some(i32::MIN), Some(i32::MAX), None]),
            ["integer", "integer", "integer", "integer"],
        ),
        Case::new(
            "DT_I8",
            Int64Array::from(vec![Some(i64::MIN), Some(i64::MAX), None]),
            ["bigint", "bigint", "bigint", "bigint"],
        ),
        Case::new(
            "DT_UI1",
            UInt8Array::from(vec![Some(0), Some(u8::MAX), None]),
            ["smallint", "tinyint unsigned", "tinyint", "utinyint"],
        ),
        Case::new(
            "DT_UI2",
            UInt16Array::from(vec![Some(0), Some(u16::MAX), None]),
            ["integer", "smallint unsigned", "integer", "usmallint"],
        ),
        Case::new(
            "DT_UI4",
            UInt32Array::from(vec![Some(0), Some(u32::MAX), None]),
            ["bigint", "integer unsigned", "bigint", "uinteger"],
        ),
        Case::new(
            "DT_UI8",
            UInt64Array::from(vec![Some(0), Some(u64::MAX), None]),
            ["numeric(20,0)", "bigint unsigned", "text", "ubigint"],
        ),
        Case::new(
            "DT_R4",
            Float32Array::from(vec![
                Some(f32::MIN),
                Some(f32::MIN_POSITIVE),
                Some(0.1),
                None,
            ]),
            ["real", "float", "real", "real"],
        ),
        Case::new(
            "DT_R8",
            Float64Array::from(vec![
                Some(f64::MIN),
                Some(f64::MIN_POSITIVE),
                Some(0.1),
                Some(1e15),
                None,
            ]),
            ["double precision", "double", "double", "double"],
        ),
        Case::new(
            "DT_CY",
            decimals(&money, 19, 4),
            ["numeric(19,4)", "decimal(19,4)", "text", "decimal(19,4)"],
        ),
        Case::new(
            "DT_DECIMAL,6",
            decimals(&[10_i128.pow(29) - 1, -1, 0], 29, 6),
            ["numeric(29,6)", "decimal(29,6)", "text", "decimal(29,6)"],
        ),
        Case::new(
            "DT_NUMERIC,38,10",
            decimals(&[wide, -wide, 1, 0], 38, 10),
            ["numeric(38,10)", "decimal(38,10)", "text", "decimal(38,10)"],
        ),
        Case::new(
            "DT_NUMERIC,12,2",
            decimals(&[150, -1, 999_999_999_999], 12, 2),
            [
                "numeric(12,2)",
                "decimal(12,2)",
                "decimal(12,2)",
                "decimal(12,2)",
            ],
        ),
        Case::new(
            "DT_NUMERIC, no size",
            decimals(&[150, -1, 999_999_999_999], 12, 2),
            ["numeric", "decimal", "numeric", "decimal"],
        ),
        Case::new(
            "DT_BOOL",
            BooleanArray::from(vec![Some(true), Some(false), None]),
            ["boolean", "boolean", "boolean", "boolean"],
        ),
    ]
}

fn others() -> Vec<Case> {
    let long: Vec<u8> = (0..100_000_u32).map(|at| (at % 251) as u8).collect();
    let bytes = |long: usize, all: &'static [u8]| {
        BinaryViewArray::from_iter([
            Some(&b"\x00\xff\n"[..]),
            None,
            Some(b""),
            Some(&all[..long]),
        ])
    };
    let all: &'static [u8] = long.leak();
    let guids = FixedSizeBinaryArray::try_from_sparse_iter_with_size(
        [Some([0xff; 16]), Some(*b"0123456789abcdef"), None].into_iter(),
        16,
    )
    .unwrap();
    let dates = |text: &str| chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").unwrap();
    let dates = ["0001-01-01", "1753-01-01", "1969-12-31", "9999-12-31"].map(dates);
    let dates = dates
        .into_iter()
        .map(|date| Some(chrono::Datelike::num_days_from_ce(&date) - 719_163));
    let times = [
        Some(0),
        Some(86_399_999_999_900),
        Some(45_296_123_456_700),
        None,
    ];
    let stamps = micros(&[
        "1753-01-01 00:00:00",
        "0001-01-01 00:00:00",
        "1969-12-31 23:59:59.999999",
        "9999-12-31 23:59:59.999999",
        "2024-02-29 12:30:00",
    ]);
    vec![
        Case::new(
            "DT_WSTR",
            texts(20),
            ["varchar(400)", "varchar(400)", "varchar(400)", "varchar"],
        ),
        Case::new(
            "DT_WSTR, no size",
            texts(1000),
            ["varchar", "text", "varchar", "varchar"],
        ),
        Case::new(
            "DT_NTEXT",
            texts(100_000),
            ["text", "longtext", "text", "text"],
        ),
        Case::new(
            "DT_BYTES",
            bytes(200, all),
            ["bytea", "varbinary(200)", "blob", "blob"],
        ),
        Case::new(
            "DT_IMAGE",
            bytes(100_000, all),
            ["bytea", "longblob", "blob", "blob"],
        ),
        Case::new(
            "DT_GUID",
            guids,
            ["uuid", "uuid", "uniqueidentifier", "uuid"],
        ),
        Case::new(
            "DT_DBDATE",
            Date32Array::from_iter(dates.chain([None])),
            ["date", "date", "date", "date"],
        ),
        Case::new(
            "DT_DBTIME",
            Time32SecondArray::from(vec![Some(0), Some(86_399), None]),
            ["time(0)", "time", "time", "time"],
        ),
        Case::new(
            "DT_DBTIME2,7",
            Time64NanosecondArray::from(times.to_vec()),
            ["time", "time(6)", "time", "time"],
        ),
        Case::new(
            "DT_DBTIMESTAMP2,6",
            TimestampMicrosecondArray::from(stamps),
            ["timestamp", "datetime(6)", "datetime", "timestamp"],
        ),
        Case::new(
            "DT_DBTIMESTAMPOFFSET",
            offsets(),
            ["timestamptz", "varchar(40)", "text", "timestamptz"],
        ),
        Case::new(
            "DT_NULL",
            NullArray::new(2),
            ["text", "text", "text", "text"],
        ),
    ]
}

fn read(session: &mut dyn Session, sql: &str) -> Result<ArrayRef, String> {
    let mut collected = Collected::default();
    session
        .query(
            &Statement::new(sql),
            &ReadOptions::default(),
            &mut collected,
        )
        .map_err(|error| format!("{:?}: {}", error.fault, error.message))?;
    let set = collected.0.unwrap();
    let batch = arrow::compute::concat_batches(&set.schema, &set.batches).unwrap();
    Ok(Arc::clone(batch.column(1)))
}

fn there_and_back(
    session: &mut dyn Session,
    name: &str,
    case: &Case,
    declared: &str,
) -> Result<ArrayRef, String> {
    let table = format!("fletching_round_trip_{}", name.replace("-", "_"));
    let table = table.as_str();
    let failed =
        |error: crate::database::DatabaseError| format!("{:?}: {}", error.fault, error.message);
    session
        .execute(&Statement::new(&format!("DROP TABLE IF EXISTS {table}")))
        .map_err(failed)?;
    session
        .execute(&Statement::new(&format!(
            "CREATE TABLE {table} (id integer, c {declared})"
        )))
        .map_err(failed)?;
    let ids = Int32Array::from_iter_values(0..case.values.len() as i32);
    let schema = Schema::new(vec![
        Field::new("id", DataType::Int32, true),
        Field::new("c", case.values.data_type().clone(), true),
    ]);
    let rows = RecordBatch::try_new(
        Arc::new(schema),
        vec![Arc::new(ids), Arc::clone(&case.values)],
    )
    .unwrap();
    let parsed = TableName::parse(table).unwrap();
    let columns = ["id", "c"].map(str::to_owned);
    let mut load = session
        .load(&parsed, &columns, &LoadOptions::default())
        .map_err(failed)?;
    load.write(&rows).map_err(failed)?;
    load.commit().map_err(failed)?;
    drop(load);
    read(session, &format!("SELECT id, c FROM {table} ORDER BY id"))
}

fn shown(array: &ArrayRef) -> String {
    let options = FormatOptions::default().with_null("NULL");
    let formatter = ArrayFormatter::try_new(array, &options).unwrap();
    let short = |row| {
        let text = formatter.value(row).to_string();
        let mut short: String = text
            .chars()
            .take(60)
            .collect::<String>()
            .escape_debug()
            .collect();
        if text.chars().count() > 60 {
            write!(short, "... ({} characters)", text.chars().count()).unwrap();
        }
        format!("[{short}]")
    };
    (0..array.len()).map(short).collect::<Vec<_>>().join(" ")
}

fn compared(sent: &ArrayRef, back: &ArrayRef) -> String {
    if sent.to_data() == back.to_data() {
        return "the same".to_owned();
    }
    let type_back = back.data_type();
    let again = to_type(back, sent.data_type());
    match again {
        Ok(again) if again.to_data() == sent.to_data() => format!("{type_back}: the same values"),
        _ => format!("{type_back}: {}", shown(back)),
    }
}

/// All types through one database.
fn through(database: Database) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let mut session = database.open(folder.path())?;
    let mut report = String::new();
    for case in numbers().into_iter().chain(others()) {
        let declared = case.declared(database.family);
        let back = match there_and_back(session.as_mut(), database.name, &case, declared) {
            Ok(back) => compared(&case.values, &back),
            Err(error) => format!(
                "fails: {}",
                error
                    .replace('\n', " ")
                    .replace(&*folder.path().to_string_lossy(), "")
            ),
        };
        writeln!(report, "{} | {declared} | {back}", case.name).unwrap();
        if session.execute(&Statement::new("SELECT 1")).is_err() {
            session = database.open(folder.path()).unwrap();
        }
    }
    let drop_table = format!(
        "DROP TABLE fletching_round_trip_{}",
        database.name.replace("-", "_")
    );
    drop(session.execute(&Statement::new(&drop_table)));
    Some(report)
}

fn check(name: &str) {
    let Some(report) = through(Database::named(name)) else {
        return;
    };
    let file = format!(
        "{}/src/database/tests/round_trip/{name}.txt",
        env!("CARGO_MANIFEST_DIR")
    );
    if std::env::var("FLETCHING_UPDATE").is_ok() {
        std::fs::write(&file, &report).unwrap();
    }
    let known = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(report, known, "{file}");
}

#[test]
fn sqlite() {
    check("sqlite");
}

#[test]
fn sqlite_by_odbc() {
    check("sqlite-odbc");
}

#[test]
fn sqlite_by_adbc() {
    check("sqlite-adbc");
}

#[test]
fn postgres() {
    check("postgres");
}

#[test]
fn postgres_by_odbc() {
    check("postgres-odbc");
}

#[test]
fn postgres_by_adbc() {
    check("postgres-adbc");
}

#[test]
fn mariadb_by_odbc() {
    check("mariadb-odbc");
}

#[test]
fn duckdb_by_adbc() {
    check("duckdb-adbc");
}

#[test]
fn every_database_is_checked() {
    assert_eq!(DATABASES.len(), 8);
}
