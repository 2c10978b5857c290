//! Rows of an order line table into a database and back: rows for each second of the clock, the best of a few rounds.
//!
//! The load gets its rows as a flat file gives them, as text, and casts all of them; with one partition and with two. SQLite
//! always, the TDS test server as SQL Server (SQLite behind the wire: it shows what our side costs, not what SQL Server
//! would), PostgreSQL where `FLETCHING_TEST_POSTGRES` says where it is.
//!
//! `cargo bench -p fletching-components --bench database -- [part of a name]`

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a measurement: prints, reads the environment, stops at the first fault"
)]

use std::{ops::ControlFlow, sync::Arc, time::Instant};

use arrow::{
    array::{ArrayRef, RecordBatch, StringViewArray},
    datatypes::{Schema, SchemaRef},
};
use datafusion_datasource::memory::MemorySourceConfig;
use datafusion_execution::TaskContext;
use datafusion_physical_plan::{ExecutionPlan, execute_stream};
use dtsx::{ConnectionManager, DataType, Disposition, Properties, Property};
use fletching_components::{
    Component, Drift, PlanContext, Planned,
    database::{
        ColumnCast, DatabaseAccess,
        destination::{DatabaseDestination, LoadColumn, Way},
    },
    flow::RunState,
};
use fletching_connections::{
    Connections,
    database::{LoadOptions, ReadOptions, RowSink, Statement, TableName, Target, open},
};
use fletching_expression::types::field;
use futures::StreamExt;
use tds_server::{Options, Server};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PASSWORD: &str = "Passw0rd!";
const ROWS: usize = 400_000;
const BATCH_ROWS: usize = 8192;
const ROUNDS: usize = 5;
const TEXT: DataType = DataType::WStr { length: 50 };
const MONEY: DataType = DataType::Numeric {
    precision: 15,
    scale: 2,
};

/// Name, type in the table, SQL, and the text of a row.
type Column = (&'static str, DataType, &'static str, fn(usize) -> String);

const COLUMNS: [Column; 8] = [
    ("orderkey", DataType::I8, "bigint", |row| {
        (1_000_000 + row / 4).to_string()
    }),
    ("linenumber", DataType::I4, "int", |row| {
        (row % 7 + 1).to_string()
    }),
    ("quantity", MONEY, "numeric(15,2)", |row| {
        format!("{}.00", row % 50)
    }),
    ("price", MONEY, "numeric(15,2)", |row| {
        format!("{}.{:02}", row * 31 % 100_000, row % 100)
    }),
    ("shipdate", DataType::DbDate, "date", |row| {
        format!("199{}-{:02}-{:02}", row % 8, row % 12 + 1, row % 28 + 1)
    }),
    ("changed", DataType::DbTimeStamp, "timestamp", |row| {
        format!(
            "1998-{:02}-{:02} 12:34:{:02}",
            row % 12 + 1,
            row % 28 + 1,
            row % 60
        )
    }),
    ("mode", TEXT, "varchar(50)", |row| {
        ["REG AIR", "AIR", "RAIL", "SHIP"][row % 4].to_owned()
    }),
    ("comment", TEXT, "varchar(50)", |row| {
        format!("regular courts above {row}")
    }),
];

fn schema() -> SchemaRef {
    let fields = COLUMNS.iter().map(|(name, ..)| field(name, &TEXT));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Batch `k` is in partition `k mod partitions`.
fn partitions(partitions: usize) -> Vec<Vec<RecordBatch>> {
    let mut all = vec![Vec::new(); partitions];
    for (number, begin) in (0..ROWS).step_by(BATCH_ROWS).enumerate() {
        let rows = begin..(begin + BATCH_ROWS).min(ROWS);
        let columns = COLUMNS.iter().map(|(.., text)| -> ArrayRef {
            Arc::new(StringViewArray::from_iter_values(rows.clone().map(text)))
        });
        let batch = RecordBatch::try_new(schema(), columns.collect()).unwrap();
        all[number % partitions].push(batch);
    }
    all
}

fn manager(address: &str) -> ConnectionManager {
    ConnectionManager {
        ref_id: "Package.ConnectionManagers[Warehouse]".to_owned(),
        dtsid: "{ABCDEF00-0000-0000-0000-000000000001}".to_owned(),
        name: "Warehouse".to_owned(),
        creation_name: "OLEDB".to_owned(),
        description: String::new(),
        delay_validation: false,
        properties: Properties::new(vec![Property {
            name: "ConnectionString".to_owned(),
            value: address.to_owned(),
            ..Property::default()
        }]),
        property_expressions: Vec::new(),
        flat_file_columns: Vec::new(),
        cache_columns: Vec::new(),
        sealed: Vec::new(),
    }
}

fn destination(table: &str) -> DatabaseDestination {
    let columns = COLUMNS.iter().enumerate().map(|(at, (name, to, ..))| {
        LoadColumn::new(at, name, name, ColumnCast::new(TEXT, *to, 1033).unwrap())
    });
    DatabaseDestination {
        access: DatabaseAccess {
            path: "\\Package\\Load\\Lines".to_owned(),
            manager: "Warehouse".to_owned(),
            timeout_seconds: 0,
        },
        table: TableName::parse(table).unwrap(),
        columns: columns.collect(),
        way: Way::Bulk(None),
        options: LoadOptions::default(),
        on_error: Disposition::FailComponent,
        error_output: None,
        operator: "OleDbDestination",
    }
}

fn context(address: &str, partitions: usize) -> PlanContext {
    PlanContext {
        partitions,
        batch_size: BATCH_ROWS,
        morsel_bytes: 1 << 20,
        connections: Arc::new(Connections::new(vec![manager(address)])),
        drift: Drift::default(),
        sessions: Arc::default(),
        shares_session: false,
        caches: Arc::default(),
        run: Arc::new(RunState::default()),
    }
}

/// Seconds of the best round.
fn best(mut round: impl FnMut() -> f64) -> f64 {
    (0..ROUNDS).map(|_| round()).fold(f64::INFINITY, f64::min)
}

/// T-SQL calls something else a timestamp.
fn of(sql: &'static str, address: &str) -> &'static str {
    match sql {
        "timestamp" if address.starts_with("mssql:") => "datetime2(3)",
        sql => sql,
    }
}

fn load(address: &str, table: &str, rows: &[Vec<RecordBatch>]) -> f64 {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(rows.len() + 1)
        .enable_all()
        .build()
        .unwrap();
    best(|| {
        let target = Target::parse(address, "OLEDB", None).unwrap();
        let columns = COLUMNS.map(|(name, _, sql, _)| format!("{name} {}", of(sql, address)));
        let sql = format!("DROP TABLE IF EXISTS {table}");
        open(&target)
            .unwrap()
            .execute(&Statement::new(&sql))
            .unwrap();
        let sql = format!("CREATE TABLE {table} ({})", columns.join(", "));
        open(&target)
            .unwrap()
            .execute(&Statement::new(&sql))
            .unwrap();
        let input = MemorySourceConfig::try_new_exec(rows, schema(), None).unwrap();
        let planned = destination(table).plan(vec![input], &context(address, rows.len()));
        let Planned::Sink(sink) = planned.unwrap() else {
            return f64::NAN;
        };
        let sink: Arc<dyn ExecutionPlan> = sink;
        let begin = Instant::now();
        runtime.block_on(async {
            let mut stream = execute_stream(sink, Arc::new(TaskContext::default())).unwrap();
            while let Some(batch) = stream.next().await {
                batch.unwrap();
            }
        });
        begin.elapsed().as_secs_f64()
    })
}

/// Counts rows.
struct Counted(usize);

impl RowSink for Counted {
    fn start(&mut self, _: &SchemaRef) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn batch(&mut self, batch: RecordBatch) -> ControlFlow<()> {
        self.0 += batch.num_rows();
        ControlFlow::Continue(())
    }
}

fn read(address: &str, table: &str) -> f64 {
    let target = Target::parse(address, "OLEDB", None).unwrap();
    let mut session = open(&target).unwrap();
    let sql = format!("SELECT * FROM {table}");
    let wanted = COLUMNS.map(|(name, data_type, ..)| field(name, &data_type));
    let options = ReadOptions {
        batch_rows: BATCH_ROWS,
        wanted: Some(Arc::new(Schema::new(wanted.to_vec()))),
    };
    best(|| {
        let mut counted = Counted(0);
        let begin = Instant::now();
        session
            .query(&Statement::new(&sql), &options, &mut counted)
            .unwrap();
        assert_eq!(counted.0, ROWS);
        begin.elapsed().as_secs_f64()
    })
}

fn main() {
    let part = std::env::args().skip(1).find(|one| !one.starts_with('-'));
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(Options {
        password: PASSWORD.to_owned(),
        ..Options::default()
    })
    .unwrap();
    let port = server.port();
    let tds = format!("mssql://sa:{PASSWORD}@127.0.0.1:{port}/Bench?encrypt=no");
    let sqlite = format!("sqlite:{}/a.db", folder.path().display());
    let mut databases = vec![("sqlite", sqlite), ("tds test server", tds)];
    databases.extend(
        std::env::var("FLETCHING_TEST_POSTGRES")
            .ok()
            .map(|text| ("postgres", text)),
    );
    let table = "fletching_bench_lines";
    let rate = |name: &str, seconds: f64| {
        println!("{name:30} {:9.0} rows/s", ROWS as f64 / seconds);
    };
    for (name, address) in databases {
        if part
            .as_ref()
            .is_some_and(|part| !name.contains(part.as_str()))
        {
            continue;
        }
        for count in [1, 2] {
            let rows = partitions(count);
            let seconds = load(&address, table, &rows);
            rate(&format!("{name}, load of {count} partitions"), seconds);
        }
        rate(&format!("{name}, read"), read(&address, table));
        let target = Target::parse(&address, "OLEDB", None).unwrap();
        let drop = format!("DROP TABLE {table}");
        open(&target)
            .expect("it was open before")
            .execute(&Statement::new(&drop))
            .unwrap();
    }
}
