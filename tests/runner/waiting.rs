//! Runs whose task waits for something that never comes, stopped by Ctrl-C: each ends within two seconds and leaves nothing.
//!
//! ```text
//!  a server that takes connections and says nothing ─┐
//!  a program, a statement, a stylesheet without end ─┼─▶ task waits ──Ctrl-C──▶ the end, within two seconds
//!  a huge file, a pipe that nobody writes to ────────┘
//! ```
//!
//! A busy machine may delay any end: of three stops one has to come within the two seconds, all within [`STOPS_WITHIN`]. A
//! wait that is only over by itself (the shortest, of a login, is 15 seconds) passes neither.

use std::{
    fs,
    io::{self, Read},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::sleep,
    time::{Duration, Instant},
};

use libtest_mimic::{Failed, Trial};
use tempfile::TempDir;

use super::{
    interrupted::{RUN, Run, STOPS_WITHIN, none_runs, said, staged},
    packages::{Flow, Package, escaped, executable, manager, shell, sql},
};

/// The rule.
const WITHIN: Duration = Duration::from_secs(2);
const TRIES: usize = 3;

/// A task that waits: makes its package in a folder; `address` is that of the silent server.
struct Waiting {
    name: &'static str,
    /// Whether it waits for the silent server; else it is given a second to begin.
    asks_server: bool,
    /// The variable that says where a real server is.
    needs: Option<&'static str>,
    package: fn(&Path, address: &str) -> Package,
}

const ALL: [Waiting; 19] = [
    Waiting {
        name: "FTP",
        asks_server: true,
        needs: None,
        package: |_, address| ftp(&format!("ftp://a:b@{address}/")),
    },
    Waiting {
        name: "FTP over TLS",
        asks_server: true,
        needs: None,
        package: |_, address| ftp(&format!("ftps://a:b@{address}/")),
    },
    Waiting {
        name: "SFTP",
        asks_server: true,
        needs: None,
        package: |_, address| ftp(&format!("sftp://a:b@{address}/")),
    },
    Waiting {
        name: "Send Mail",
        asks_server: true,
        needs: None,
        package: |_, address| mail(&format!("smtp://{address}")),
    },
    Waiting {
        name: "Web Service",
        asks_server: true,
        needs: None,
        package: soap_call,
    },
    Waiting {
        name: "login at SQL Server",
        asks_server: true,
        needs: None,
        package: |_, address| statement(&tds(address), "SELECT 1"),
    },
    Waiting {
        name: "a source's login at SQL Server",
        asks_server: true,
        needs: None,
        package: |folder, address| {
            let flow = Flow::new("Package\\Load")
                .read_query("Read", "Db", "SELECT id, name FROM a")
                .write_file("Write", "Out");
            let package = out(folder).database("Db", &tds(address));
            package.task(&flow.task("").replace(
                " DTS:ObjectName",
                " DTS:DelayValidation=\"True\" DTS:ObjectName",
            ))
        },
    },
    Waiting {
        name: "login at PostgreSQL",
        asks_server: true,
        needs: None,
        package: |_, address| statement(&format!("postgresql://a:b@{address}/a"), "SELECT 1"),
    },
    Waiting {
        name: "login over ODBC",
        asks_server: true,
        needs: None,
        package: |_, address| {
            let (host, port) = address.split_once(':').unwrap();
            let driver = "Driver={PostgreSQL Unicode};Database=a;Uid=a;Pwd=b";
            statement(
                &format!("odbc:{driver};Server={host};Port={port}"),
                "SELECT 1",
            )
        },
    },
    Waiting {
        name: "a statement of SQLite",
        asks_server: false,
        needs: None,
        package: |_, _| {
            statement(
                "sqlite:a.db",
                "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT max(n) FROM c",
            )
        },
    },
    Waiting {
        name: "a statement of PostgreSQL",
        asks_server: false,
        needs: Some("FLETCHING_TEST_POSTGRES"),
        package: |_, address| statement(address, "SELECT pg_sleep(1000)"),
    },
    Waiting {
        name: "a statement of MariaDB over ODBC",
        asks_server: false,
        needs: Some("FLETCHING_TEST_MARIADB_ODBC"),
        package: |_, address| statement(&format!("odbc:{address}"), "SELECT SLEEP(1000)"),
    },
    Waiting {
        name: "a program beside a retained session of PostgreSQL",
        asks_server: false,
        needs: Some("FLETCHING_TEST_POSTGRES"),
        package: |_, address| {
            let mut package = Package::default();
            let retains = r#" DTS:RetainSameConnection="True""#;
            package
                .managers
                .push_str(&manager("Db", "OLEDB", retains, address, ""));
            package
                .task(&sql(
                    "Package\\Make",
                    "Db",
                    "CREATE TEMP TABLE t (n int)",
                    "",
                ))
                .task(&shell("Package\\Wait", "sleep 1000"))
                .then("Make", "Wait", 0)
        },
    },
    Waiting {
        name: "a program that ignores signals",
        asks_server: false,
        needs: None,
        package: |_, _| {
            let line = "trap '' INT TERM HUP; sleep 1000 & sleep 1000";
            Package::default().task(&shell("Package\\Wait", line))
        },
    },
    Waiting {
        name: "a stylesheet without end",
        asks_server: false,
        needs: None,
        package: |folder, _| stylesheet(folder),
    },
    Waiting {
        name: "a copy of a huge file",
        asks_server: false,
        needs: None,
        package: |folder, _| copy(folder),
    },
    Waiting {
        name: "a flat file that is a pipe",
        asks_server: false,
        needs: None,
        package: |folder, _| {
            pipe(&folder.join("in.csv"));
            let flow = Flow::new("Package\\Load").read_file("Read", "In");
            let flow = flow.write_file("Write", "Out").task("");
            out(folder).file("In", "in.csv", None).task(&flow)
        },
    },
    Waiting {
        name: "rows without end",
        asks_server: false,
        needs: None,
        package: |folder, _| {
            let rows = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n % 1000 AS id, 'x' AS name \
                        FROM c";
            let flow = Flow::new("Package\\Load").read_query("Read", "Db", rows);
            let flow = flow.sort("Order").write_file("Write", "Out").task("");
            out(folder).database("Db", "sqlite:a.db").task(&flow)
        },
    },
    Waiting {
        name: "a loop without end",
        asks_server: false,
        needs: None,
        package: |_, _| {
            let data = r#"<DTS:ObjectData><ExpressionTask Expression="@[User::Round] = 1"/></DTS:ObjectData>"#;
            let task = executable("Package\\L\\Set", "Microsoft.ExpressionTask", "", data);
            let content = format!("<DTS:Executables>{task}</DTS:Executables>");
            let attributes = r#"DTS:EvalExpression="True""#;
            let package = Package::default().variable("Round", 3, "0");
            package.task(&executable(
                "Package\\L",
                "STOCK:FORLOOP",
                attributes,
                &content,
            ))
        },
    },
];

pub fn trials() -> Vec<Trial> {
    let trial = |waiting: Waiting| {
        Trial::test(
            format!("interrupted while it waits: {}", waiting.name),
            move || stops(&waiting).map_err(Failed::from),
        )
    };
    ALL.into_iter().map(trial).collect()
}

/// A server that takes connections and says nothing.
struct Silent {
    address: String,
    taken: Arc<AtomicUsize>,
}

impl Silent {
    fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?.to_string();
        let taken = Arc::<AtomicUsize>::default();
        let told = Arc::clone(&taken);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                told.fetch_add(1, Ordering::Relaxed);
                std::thread::spawn(move || swallow(stream));
            }
        });
        Ok(Self { address, taken })
    }

    fn waits_for(&self, count: usize) -> bool {
        let patience = Instant::now() + Duration::from_secs(60);
        while self.taken.load(Ordering::Relaxed) < count {
            if Instant::now() > patience {
                return false;
            }
            sleep(Duration::from_millis(10));
        }
        true
    }
}

fn swallow(mut stream: TcpStream) {
    let mut bytes = [0; 4096];
    while stream.read(&mut bytes).is_ok_and(|read| read > 0) {}
}

fn stops(waiting: &Waiting) -> Result<(), String> {
    let server = Silent::start().map_err(|error| error.to_string())?;
    let address = match waiting.needs {
        Some(name) => std::env::var(name).map_err(|error| format!("{name}: {error}"))?,
        None => server.address.clone(),
    };
    let mut least = Duration::MAX;
    for _ in 0..TRIES {
        let folder = TempDir::new().unwrap();
        let folder = folder.path();
        let package = (waiting.package)(folder, &address);
        fs::write(folder.join("Package.dtsx"), package.text()).unwrap();
        let before = server.taken.load(Ordering::Relaxed);
        let mut run = Run::start(folder, RUN);
        if waiting.asks_server && !server.waits_for(before + 1) {
            return Err(format!("it did not ask the server: {}", said(folder)));
        }
        sleep(Duration::from_millis(if waiting.asks_server {
            200
        } else {
            1000
        }));
        if let Some(status) = run.has_ended() {
            return Err(format!("it did not wait: {status}: {}", said(folder)));
        }
        let asked = Instant::now();
        run.signal("INT")?;
        let status = run.ended(STOPS_WITHIN)?;
        least = least.min(asked.elapsed());
        if status.code() != Some(3) {
            return Err(format!("{status}: {}", said(folder)));
        }
        none_runs(folder)?;
        let staged = staged(folder);
        if !staged.is_empty() || folder.join("out.csv").exists() {
            return Err(format!("unfinished files are left: {staged:?}"));
        }
        if least <= WITHIN {
            return Ok(());
        }
    }
    Err(format!("of {TRIES} stops the fastest took {least:?}"))
}

fn tds(address: &str) -> String {
    let address = address.replace(':', ",");
    format!("Data Source={address};Initial Catalog=a;User ID=a;Password=b;Provider=SQLNCLI11.1")
}

fn statement(address: &str, text: &str) -> Package {
    let package = Package::default().database("Db", address);
    package.task(&sql("Package\\Wait", "Db", text, ""))
}

fn out(_folder: &Path) -> Package {
    Package::default().file("Out", "out.csv", None)
}

fn ftp(address: &str) -> Package {
    let mut package = Package::default();
    package
        .managers
        .push_str(&manager("Server", "FTP", "", address, ""));
    let data = r#"<DTS:ObjectData><FtpData ConnectionName="Server" TaskOperationType="MakeDirRemote" TaskRemotePath="/inbox"/></DTS:ObjectData>"#;
    package.task(&executable("Package\\Wait", "Microsoft.FtpTask", "", data))
}

fn mail(address: &str) -> Package {
    let mut package = Package::default();
    package
        .managers
        .push_str(&manager("Server", "SMTP", "", address, ""));
    let data = r#"<DTS:ObjectData><M:SendMailTaskData M:SMTPServer="Server" M:From="a@example.org" M:To="b@example.org" M:Subject="s" M:MessageSource="m" xmlns:M="www.microsoft.com/sqlserver/dts/tasks/sendmailtask"/></DTS:ObjectData>"#;
    package.task(&executable(
        "Package\\Wait",
        "Microsoft.SendMailTask",
        "",
        data,
    ))
}

fn soap_call(folder: &Path, address: &str) -> Package {
    let description = include_str!("../../scripts/test_calculator.wsdl");
    fs::write(folder.join("calculator.wsdl"), description).unwrap();
    let mut package = Package::default().variable("Sum", 8, "");
    let url = format!("http://{address}/calculator");
    package
        .managers
        .push_str(&manager("Service", "HTTP", "", &url, ""));
    let parameters: String = ["a", "b"]
        .map(|name| {
            format!(
                r#"<W:ParamInfo W:Name="{name}" W:Datatype="int" W:ParamType="Primitive" W:SeqNumber="0"><W:PrimitiveValue>1</W:PrimitiveValue></W:ParamInfo>"#
            )
        })
        .concat();
    let data = format!(
        r#"<DTS:ObjectData><W:WebServiceTaskData W:ConnectionName="Service" W:Service="Calculator" W:WSDLFile="calculator.wsdl" W:OutputType="Variable" W:OutputLocation="User::Sum" xmlns:W="www.microsoft.com/sqlserver/dts/tasks/webservicetask"><W:MethodInfo W:MethodName="Add" W:MessageName=""><W:Documentation/>{parameters}</W:MethodInfo></W:WebServiceTaskData></DTS:ObjectData>"#
    );
    package.task(&executable(
        "Package\\Wait",
        "Microsoft.WebServiceTask",
        "",
        &data,
    ))
}

/// Rows that each apply all rows, and again.
fn stylesheet(folder: &Path) -> Package {
    let items = "<i/>".repeat(3000);
    fs::write(folder.join("in.xml"), format!("<r>{items}</r>")).unwrap();
    let each = "<xsl:for-each select=\"/r/i\">".repeat(4);
    let end = "</xsl:for-each>".repeat(4);
    let style = format!(
        r#"<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:template match="/">{each}<xsl:if test="count(/r/i) = 1">x</xsl:if>{end}</xsl:template></xsl:stylesheet>"#
    );
    fs::write(folder.join("style.xml"), style).unwrap();
    let mut package = Package::default().variable("Result", 8, "");
    for (name, path) in [("In", "in.xml"), ("Style", "style.xml")] {
        package
            .managers
            .push_str(&manager(name, "FILE", "", path, ""));
    }
    let data = r#"<DTS:ObjectData><XMLTaskData OperationType="XSLT" SourceType="FileConnection" Source="In" SecondOperandType="FileConnection" SecondOperand="Style" SaveOperationResult="True" DestinationType="Variable" Destination="User::Result" OverwriteDestination="True"/></DTS:ObjectData>"#;
    package.task(&executable("Package\\Wait", "Microsoft.XMLTask", "", data))
}

fn pipe(path: &Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status();
    assert!(made.is_ok_and(|status| status.success()), "mkfifo");
}

/// Copies a file of many holes.
fn copy(folder: &Path) -> Package {
    let path = folder.join("huge.bin");
    fs::File::create(&path).unwrap().set_len(40 << 30).unwrap();
    let data = r#"<DTS:ObjectData><FileSystemData TaskOperationType="CopyFile" TaskSourcePath="User::From" TaskIsSourceVariable="True" TaskDestinationPath="User::To" TaskIsDestinationVariable="True"/></DTS:ObjectData>"#;
    let to = folder.join("out.csv");
    Package::default()
        .variable("From", 8, &escaped(&path.display().to_string()))
        .variable("To", 8, &escaped(&to.display().to_string()))
        .task(&executable(
            "Package\\Wait",
            "Microsoft.FileSystemTask",
            "",
            data,
        ))
}
