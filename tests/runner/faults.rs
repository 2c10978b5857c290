//! What goes wrong with a database while a package runs: each fault ends with its code, and leaves what SSIS would leave.
//!
//! The package is `examples/warehouse`, against the TDS test server, which is told how to fail, or through a proxy that cuts
//! the network. Afterwards SQLite itself counts the rows of the server's database, past the engine. Unknown customers are left
//! unconnected: of two loads at once the test server, which is SQLite inside, lets one write.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use fletching::{
    Application, Execution, PathMap, Progress, RunError, RunReport, Settings, run_script, runtime,
};
use libtest_mimic::{Failed, Trial};
use rusqlite::Connection;
use tds_server::{Faults, Options, Server};
use tempfile::TempDir;

const PASSWORD: &str = "Passw0rd!";
/// `DTS_E_OLEDBERROR`.
const OLEDB_ERROR: u32 = 0xC020_2009;
/// `DTS_E_CANNOTACQUIRECONNECTIONFROMCONNECTIONMANAGER`.
const NO_CONNECTION: u32 = 0xC020_801C;

type Check = fn(&mut Stage) -> Result<(), String>;

const TRIALS: [(&str, Check); 9] = [
    ("none: the rows are those that were worked out apart", fine),
    ("the password is wrong", wrong_password),
    ("the server goes in the middle of a load", dies_in_load),
    ("the server goes in the middle of a read", dies_in_read),
    ("a constraint fails in a batch of a load", constraint),
    ("a lock is not given", locked),
    ("the network is cut", cut),
    ("a run is cancelled while the server thinks", cancelled),
    ("a run after a failed one is fine", again),
];

pub fn trials() -> Vec<Trial> {
    TRIALS
        .iter()
        .map(|(name, check)| {
            Trial::test(format!("faults: {name}"), move || {
                let mut stage = Stage::new().map_err(Failed::from)?;
                check(&mut stage).map_err(Failed::from)
            })
        })
        .collect()
}

/// A server with its database, and the example.
struct Stage {
    server: Server,
    folder: TempDir,
    example: PathBuf,
}

impl Stage {
    fn new() -> Result<Self, String> {
        let folder = TempDir::new().map_err(|error| error.to_string())?;
        let server = Server::start(Options {
            database: Some(folder.path().join("server.db")),
            password: PASSWORD.to_owned(),
            ..Options::default()
        });
        Ok(Self {
            server: server.map_err(|error| error.to_string())?,
            folder,
            example: Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/warehouse"),
        })
    }

    fn address(&self, port: u16, password: &str) -> String {
        format!("mssql://sa:{password}@127.0.0.1:{port}/Warehouse")
    }

    /// The example without the destination of unknown customers.
    fn package(&self) -> PathBuf {
        let text = std::fs::read_to_string(self.example.join("Warehouse.dtsx")).unwrap();
        let without = |text: &str, open: &str, close: &str, holds: &str| {
            let mut parts = text.split(open);
            let mut left = parts.next().unwrap_or_default().to_owned();
            for part in parts {
                let (inside, after) = part.split_once(close).unwrap();
                if !inside.contains(holds) {
                    left.push_str(&format!("{open}{inside}{close}"));
                }
                left.push_str(after);
            }
            left
        };
        let own = "refId=\"Package\\Load sales\\Write unknown\"";
        let text = without(&text, "<component\r\n", "</component>", own);
        let text = without(&text, "<path\r\n", "/>", "Write unknown.Inputs");
        let file = self.folder.path().join("Warehouse.dtsx");
        std::fs::write(&file, text).unwrap();
        file
    }

    /// The package makes its tables, and fills them.
    fn run(&self, address: &str) -> Result<RunReport, RunError> {
        let package = Application::load(&self.package(), None).unwrap();
        let rule = format!("C:\\data={}", self.example.join("data").display());
        let settings = Settings {
            connections: vec![("Warehouse".to_owned(), address.to_owned())],
            path_rules: vec![PathMap::parse_rule(&rule).unwrap()],
            base_dir: self.example.clone(),
            threads: 2,
            ..Settings::default()
        };
        let prepared = package.prepare(settings)?;
        let execution = Execution::new(prepared, Progress::default());
        runtime(2).unwrap().block_on(execution.run())
    }

    fn run_here(&self) -> Result<RunReport, RunError> {
        self.run(&self.address(self.server.port(), PASSWORD))
    }

    fn count(&self, table: &str) -> i64 {
        let connection = Connection::open(self.server.database()).unwrap();
        for collation in ["tsql", "moment", "number"] {
            // The tables' collations are the server's own; counting compares nothing.
            connection
                .create_collation(collation, |left: &str, right: &str| left.cmp(right))
                .unwrap();
        }
        let sql = format!("SELECT count(*) FROM \"{table}\"");
        connection
            .query_row(&sql, [], |row| row.get(0))
            .unwrap_or(-1)
    }

    fn counts(&self) -> [i64; 3] {
        ["DimCustomer", "FactSale", "UnknownCustomer"].map(|table| self.count(table))
    }
}

/// The error of a run that failed with a code.
fn failed(run: Result<RunReport, RunError>, code: u32, words: &str) -> Result<String, String> {
    let Err(error) = run else {
        return Err("the run succeeded".to_owned());
    };
    let message = error.to_string();
    match error.code() {
        Some(found) if found.0 == code && message.contains(words) => Ok(message),
        found => Err(format!(
            "{found:?}, not {code:08X} with `{words}`: {message}"
        )),
    }
}

fn same(found: [i64; 3], wanted: [i64; 3]) -> Result<(), String> {
    match found == wanted {
        true => Ok(()),
        false => Err(format!("{found:?} rows, not {wanted:?}")),
    }
}

const ALL: [i64; 3] = [20, 2855, 0];

fn fine(stage: &mut Stage) -> Result<(), String> {
    stage.run_here().map_err(|error| error.to_string())?;
    same(stage.counts(), ALL)
}

fn wrong_password(stage: &mut Stage) -> Result<(), String> {
    let address = stage.address(stage.server.port(), "guess");
    failed(stage.run(&address), NO_CONNECTION, "18456").map(|_| ())
}

fn dies_in_load(stage: &mut Stage) -> Result<(), String> {
    stage.server.set_faults(Faults {
        close_after_bulk_batches: Some(0),
        ..Faults::default()
    });
    failed(stage.run_here(), OLEDB_ERROR, "Write customers")?;
    same(stage.counts(), [0, 0, 0])
}

fn dies_in_read(stage: &mut Stage) -> Result<(), String> {
    stage.server.set_faults(Faults {
        close_after_rows: Some(15),
        ..Faults::default()
    });
    failed(stage.run_here(), OLEDB_ERROR, "Customer key")?;
    same(stage.counts(), [20, 0, 0])
}

fn constraint(stage: &mut Stage) -> Result<(), String> {
    stage.server.set_faults(Faults {
        fail: vec![("INSERT BULK FactSale".to_owned(), 547)],
        ..Faults::default()
    });
    failed(stage.run_here(), OLEDB_ERROR, "547")?;
    same(stage.counts(), [20, 0, 0])
}

fn locked(stage: &mut Stage) -> Result<(), String> {
    stage.server.set_faults(Faults {
        fail: vec![(
            "SELECT [CustomerKey], [Name] FROM [dbo].[DimCustomer]".to_owned(),
            1222,
        )],
        ..Faults::default()
    });
    failed(stage.run_here(), OLEDB_ERROR, "1222")?;
    same(stage.counts(), [20, 0, 0])
}

fn cut(stage: &mut Stage) -> Result<(), String> {
    // Enough for the login and the tables, not for the facts.
    let proxy = proxy(stage.server.port(), 60_000)?;
    let address = stage.address(proxy, PASSWORD);
    failed(stage.run(&address), OLEDB_ERROR, "")?;
    match stage.count("FactSale") {
        0 => Ok(()),
        rows => Err(format!("{rows} rows of a load that was cut")),
    }
}

fn cancelled(stage: &mut Stage) -> Result<(), String> {
    stage.server.set_faults(Faults {
        delay: Some(Duration::from_secs(30)),
        ..Faults::default()
    });
    let package = Application::load(&stage.package(), None).unwrap();
    let address = stage.address(stage.server.port(), PASSWORD);
    let settings = Settings {
        connections: vec![("Warehouse".to_owned(), address)],
        base_dir: stage.example.clone(),
        path_rules: vec![
            PathMap::parse_rule(&format!(
                "C:\\data={}",
                stage.example.join("data").display()
            ))
            .unwrap(),
        ],
        ..Settings::default()
    };
    let prepared = package
        .prepare(settings)
        .map_err(|error| error.to_string())?;
    let execution = Execution::new(prepared, Progress::default());
    let runtime = runtime(2).unwrap();
    let started = Instant::now();
    runtime.block_on(async {
        let running = tokio::time::timeout(Duration::from_millis(500), execution.run());
        drop(running.await);
    });
    runtime.shutdown_timeout(Duration::from_secs(2));
    match started.elapsed() {
        elapsed if elapsed < Duration::from_secs(4) => Ok(()),
        elapsed => Err(format!("it took {elapsed:?} to stop")),
    }
}

fn again(stage: &mut Stage) -> Result<(), String> {
    dies_in_load(stage)?;
    stage.server.set_faults(Faults::default());
    fine(stage)?;
    let address = stage.address(stage.server.port(), PASSWORD);
    let script = "DELETE FROM [dbo].[FactSale] WHERE [SaleId] > 10";
    run_script(&address, script).map_err(|error| error.to_string())?;
    match stage.count("FactSale") {
        rows if (1..=10).contains(&rows) => Ok(()),
        rows => Err(format!("{rows} rows are left")),
    }
}

/// A port that passes everything on to the server's, and cuts a connection once so many bytes have gone to it.
fn proxy(port: u16, bytes: usize) -> Result<u16, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    let own = listener.local_addr().map_err(|error| error.to_string())?;
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else {
                return;
            };
            let (Ok(client_too), Ok(server_too)) = (client.try_clone(), server.try_clone()) else {
                return;
            };
            std::thread::spawn(move || pass(client, server, bytes));
            std::thread::spawn(move || pass(server_too, client_too, usize::MAX));
        }
    });
    Ok(own.port())
}

fn pass(mut from: TcpStream, mut to: TcpStream, mut bytes: usize) {
    let mut buffer = [0; 4096];
    while let Ok(count) = from.read(&mut buffer) {
        if count == 0 || count > bytes || to.write_all(&buffer[..count]).is_err() {
            break;
        }
        bytes -= count;
    }
    for stream in [&from, &to] {
        // The other end may have gone.
        drop(stream.shutdown(Shutdown::Both));
    }
}
