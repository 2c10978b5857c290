//! Data flows in transactions of packages: what is in the tables afterwards, by a query past the run.
//!
//! Each case is a package over three tables and a file (`source`, `names`, `target`, `in.csv`), run against SQLite, the TDS
//! test server, and PostgreSQL where `FLETCHING_TEST_POSTGRES` says where it is. A run that does not end in time is a
//! failure: whoever shares the session of a transaction must not wait for whoever holds it.

use std::{fmt::Write, fs, path::Path, time::Duration};

use fletching::{Application, Execution, Progress, RunError, RunReport, Settings, runtime};
use fletching_connections::database::{Collected, ReadOptions, Session, Statement, Target, open};
use libtest_mimic::{Failed, Trial};
use rusqlite::Connection;
use tds_server::{Options, Server};
use tempfile::TempDir;

use super::packages::{
    Flow, Package, REQUIRED, after, child, for_loop, foreach_item, sequence, sql,
};

/// How long a run may take before it counts as hanging.
const PATIENCE: Duration = Duration::from_secs(120);
const PASSWORD: &str = "Passw0rd!";

/// Where a case runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sqlite,
    Postgres,
    Tds,
}

/// The names of the tables of a case, and its address.
struct Place {
    folder: TempDir,
    address: String,
    tables: [String; 3],
    kind: Kind,
    server: Option<Server>,
}

/// What a case leaves.
struct Wanted {
    /// Numbers and texts of `target`.
    rows: Vec<(i64, String)>,
    /// Part of the error that the run ends with.
    fails: Option<&'static str>,
}

struct Case {
    name: &'static str,
    /// Rows of `source` and of the file.
    rows: i64,
    /// Bytes of the run's memory pool.
    memory: Option<usize>,
    package: fn(&Place) -> Package,
    wanted: fn() -> Wanted,
}

fn rows(ids: impl IntoIterator<Item = i64>, letter: char) -> Vec<(i64, String)> {
    ids.into_iter()
        .map(|id| (id, format!("{letter}{id}")))
        .collect()
}

fn done(rows: Vec<(i64, String)>) -> Wanted {
    Wanted { rows, fails: None }
}

fn fails(rows: Vec<(i64, String)>, words: &'static str) -> Wanted {
    let fails = Some(words);
    Wanted { rows, fails }
}

/// Nothing of `target` is left, and a task that cannot succeed is why.
fn undone() -> Wanted {
    fails(Vec::new(), "nowhere")
}

impl Place {
    fn start(&self) -> Package {
        let file = self.folder.path().join("in.csv");
        Package::default()
            .database("Db", "Data Source=.;Initial Catalog=Shop;Provider=MSOLEDBSQL.1;Integrated Security=SSPI;")
            .file("In", &file.display().to_string(), None)
            .file("Out", &self.out(), None)
            .variable("Round", 3, "0")
            .variable("Item", 8, "")
    }

    fn out(&self) -> String {
        self.folder.path().join("out.csv").display().to_string()
    }

    fn source(&self) -> &str {
        &self.tables[0]
    }

    fn names(&self) -> &str {
        &self.tables[1]
    }

    fn target(&self) -> &str {
        &self.tables[2]
    }

    fn load(&self, path: &str, attributes: &str) -> String {
        Flow::new(path)
            .read_file("Read", "In")
            .write_table("Write", "Db", self.target(), 1000, None)
            .task(attributes)
    }

    /// From a table into a table of the same database.
    fn copy(&self, path: &str, query: &str, attributes: &str) -> String {
        Flow::new(path)
            .read_query("Read", "Db", query)
            .write_table("Write", "Db", self.target(), 1000, None)
            .task(attributes)
    }

    /// Everything that needs the session at once.
    fn all(&self, path: &str, cache: &str) -> String {
        let query = format!("select id, name from {} order by id", self.source());
        let statement = format!(
            "update {} set name = 'seen' where id = ? and name <> ?",
            self.source()
        );
        Flow::new(path)
            .read_query("Read", "Db", &query)
            .lookup("Find", "Db", self.names(), cache)
            .command("Note", "Db", &statement)
            .write_table("Write", "Db", self.target(), 1000, None)
            .task("")
    }

    fn fail(path: &str) -> String {
        sql(path, "Db", "insert into nowhere values (1)", "")
    }

    fn insert(&self, path: &str, id: i64, letter: char) -> String {
        let statement = format!(
            "insert into {} values ({id}, '{letter}{id}')",
            self.target()
        );
        sql(path, "Db", &statement, "")
    }

    /// A sequence in a transaction: `first`, then `second`.
    fn steps(&self, first: (&str, String), second: (&str, String)) -> String {
        let order = after("Package\\S", first.0, second.0, 0);
        sequence(
            "Package\\S",
            REQUIRED,
            &format!("{}{}", first.1, second.1),
            &order,
        )
    }
}

const ALL: &str = "Package\\S\\All";
const LOAD: &str = "Package\\S\\Load";

fn cases() -> Vec<Case> {
    let mut cases = simple();
    cases.extend(shared());
    cases.extend(containers());
    cases
}

/// One load.
fn simple() -> Vec<Case> {
    vec![
        Case {
            name: "a load is committed with its container",
            rows: 3000,
            memory: None,
            package: |place| {
                let first = ("Load", place.load(LOAD, ""));
                let steps = place.steps(first, ("Add", place.insert("Package\\S\\Add", 9000, 'x')));
                place.start().task(&steps)
            },
            wanted: || done([rows(1..=3000, 'n'), rows([9000], 'x')].concat()),
        },
        Case {
            name: "a load is rolled back when a later task fails, and what follows is outside",
            rows: 3000,
            memory: None,
            package: |place| {
                let steps = place.steps(
                    ("Load", place.load(LOAD, "")),
                    ("Fail", Place::fail("Package\\S\\Fail")),
                );
                let package = place.start().task(&steps);
                package
                    .task(&place.insert("Package\\Add", 9000, 'x'))
                    .then("S", "Add", 1)
            },
            wanted: || fails(rows([9000], 'x'), "nowhere"),
        },
        Case {
            name: "a package that is one transaction",
            rows: 100,
            memory: None,
            package: |place| {
                let mut package = place
                    .start()
                    .task(&place.load("Package\\Load", ""))
                    .task(&Place::fail("Package\\Fail"))
                    .then("Load", "Fail", 0);
                package.attributes = REQUIRED.to_owned();
                package
            },
            wanted: undone,
        },
        Case {
            name: "a data flow by itself: a bad row at its end undoes what was written before",
            rows: 2500,
            memory: None,
            package: |place| {
                let twice = format!(
                    "select id, name from {0} union all select id, name from {0} where id = 7",
                    place.source()
                );
                place
                    .start()
                    .task(&place.copy("Package\\Load", &twice, REQUIRED))
            },
            wanted: || fails(Vec::new(), "Package\\Load\\Write"),
        },
        Case {
            name: "a failure that the container tolerates undoes its own rows only",
            rows: 1500,
            memory: None,
            package: |place| {
                let twice = format!(
                    "select id, name from {0} union all select id, name from {0} where id = 7",
                    place.source()
                );
                let load = place.copy(LOAD, &twice, "");
                let add = place.insert("Package\\S\\Add", 9000, 'x');
                let early = place.insert("Package\\S\\Early", 8000, 'y');
                let order = [
                    after("Package\\S", "Early", "Load", 0),
                    after("Package\\S", "Load", "Add", 2),
                ]
                .concat();
                let attributes = format!("{REQUIRED} DTS:MaxErrorCount=\"2\"");
                let mut package = place.start();
                package.attributes = "DTS:MaxErrorCount=\"2\"".to_owned();
                package.task(&sequence(
                    "Package\\S",
                    &attributes,
                    &[early, load, add].concat(),
                    &order,
                ))
            },
            wanted: || done([rows([8000], 'y'), rows([9000], 'x')].concat()),
        },
        Case {
            name: "failing rows that are redirected are refused before anything runs",
            rows: 10,
            memory: None,
            package: |place| {
                let load = Flow::new(LOAD)
                    .read_file("Read", "In")
                    .write_table("Write", "Db", place.target(), 1000, Some("Out"))
                    .task("");
                let add = place.insert("Package\\Add", 9000, 'x');
                let inside = sequence("Package\\S", REQUIRED, &load, "");
                place.start().task(&add).task(&inside)
            },
            wanted: || fails(Vec::new(), "0xC02092A5"),
        },
    ]
}

/// Several components, or flows, that need the one session.
fn shared() -> Vec<Case> {
    vec![
        Case {
            name: "a source and a destination share the session",
            rows: 4000,
            memory: None,
            package: |place| {
                let query = format!("select id, name from {}", place.source());
                let copy = place.copy(LOAD, &query, "");
                place
                    .start()
                    .task(&sequence("Package\\S", REQUIRED, &copy, ""))
            },
            wanted: || done(rows(1..=4000, 'n')),
        },
        Case {
            name: "rows that wait for the session go to disk",
            rows: 12_000,
            memory: Some(200_000),
            package: |place| {
                let query = format!("select id, name from {}", place.source());
                let copy = place.copy(LOAD, &query, "");
                place
                    .start()
                    .task(&sequence("Package\\S", REQUIRED, &copy, ""))
            },
            wanted: || done(rows(1..=12_000, 'n')),
        },
        Case {
            name: "rows that waited on disk are rolled back",
            rows: 12_000,
            memory: Some(200_000),
            package: |place| {
                let query = format!("select id, name from {}", place.source());
                let steps = place.steps(
                    ("Load", place.copy(LOAD, &query, "")),
                    ("Fail", Place::fail("Package\\S\\Fail")),
                );
                place.start().task(&steps)
            },
            wanted: undone,
        },
        Case {
            name: "a source, a lookup of a whole table, a command and a destination",
            rows: 1200,
            memory: None,
            package: |place| {
                place
                    .start()
                    .task(&sequence("Package\\S", REQUIRED, &place.all(ALL, "0"), ""))
            },
            wanted: || done(rows(1..=1200, 'r')),
        },
        Case {
            name: "a source, a lookup that asks for each row, a command and a destination",
            rows: 1200,
            memory: None,
            package: |place| {
                place
                    .start()
                    .task(&sequence("Package\\S", REQUIRED, &place.all(ALL, "2"), ""))
            },
            wanted: || done(rows(1..=1200, 'r')),
        },
        Case {
            name: "a source, a lookup that keeps answers, a command and a destination, rolled back",
            rows: 1200,
            memory: None,
            package: |place| {
                let second = ("Fail", Place::fail("Package\\S\\Fail"));
                place
                    .start()
                    .task(&place.steps(("All", place.all(ALL, "1")), second))
            },
            wanted: undone,
        },
        Case {
            name: "a lookup alone asks within the transaction: rows that are not committed are found",
            rows: 2000,
            memory: None,
            package: |place| {
                let lookup = Flow::new("Package\\S\\Find")
                    .read_file("Read", "In")
                    .lookup("Find", "Db", place.target(), "2")
                    .write_file("Write", "Out")
                    .task("");
                place
                    .start()
                    .task(&place.steps(("Load", place.load(LOAD, "")), ("Find", lookup)))
            },
            wanted: || done(rows(1..=2000, 'n')),
        },
        Case {
            name: "two flows at once in one transaction",
            rows: 3000,
            memory: None,
            package: |place| {
                let query = format!("select id + 10000 as id, name from {}", place.source());
                let both = [
                    place.load(LOAD, ""),
                    place.copy("Package\\S\\Copy", &query, ""),
                ]
                .concat();
                place
                    .start()
                    .task(&sequence("Package\\S", REQUIRED, &both, ""))
            },
            wanted: || {
                let copied = (1..=3000).map(|id| (id + 10_000, format!("n{id}")));
                done([rows(1..=3000, 'n'), copied.collect()].concat())
            },
        },
        Case {
            name: "of two flows at once one fails, and both are undone",
            rows: 3000,
            memory: None,
            package: |place| {
                let query = format!(
                    "select id, name from {0} union all select id, name from {0}",
                    place.source()
                );
                let twice = place.copy("Package\\S\\Copy", &query, "");
                let both = [place.load(LOAD, ""), twice].concat();
                place
                    .start()
                    .task(&sequence("Package\\S", REQUIRED, &both, ""))
            },
            wanted: || fails(Vec::new(), "Package\\S\\"),
        },
    ]
}

/// Loops and packages.
fn containers() -> Vec<Case> {
    vec![
        Case {
            name: "a loop is one transaction: a bad round undoes those before it",
            rows: 50,
            memory: None,
            package: |place| {
                let query = format!("select id, name from {} where id <= 20", place.source());
                let copy = place.copy("Package\\L\\Load", &query, "");
                place
                    .start()
                    .task(&for_loop("Package\\L", 3, REQUIRED, &copy))
            },
            // The second round writes the keys of the first.
            wanted: || fails(Vec::new(), "Package\\L\\Load\\Write"),
        },
        Case {
            name: "each round has a transaction of its own: a bad one undoes itself",
            rows: 50,
            memory: None,
            package: |place| {
                let query = format!("select id, name from {} where id <= 20", place.source());
                let copy = place.copy("Package\\L\\Load", &query, REQUIRED);
                place.start().task(&for_loop("Package\\L", 3, "", &copy))
            },
            wanted: || fails(rows(1..=20, 'n'), "Package\\L\\Load\\Write"),
        },
        Case {
            name: "rounds of a loop are committed together",
            rows: 50,
            memory: None,
            package: |place| {
                let query = format!(
                    "select id + (select count(*) from {}) as id, name from {} where id <= 20",
                    place.target(),
                    place.source()
                );
                let copy = place.copy("Package\\L\\Load", &query, "");
                place.start().task(&foreach_item(
                    "Package\\L",
                    &["a", "b", "c"],
                    REQUIRED,
                    &copy,
                ))
            },
            wanted: || {
                let copied = (0..60).map(|at| (at + 1, format!("n{}", at % 20 + 1)));
                done(copied.collect())
            },
        },
        Case {
            name: "a package that a task runs joins the transaction",
            rows: 500,
            memory: None,
            package: |place| {
                let child = child("Package\\S\\Load", "Child.dtsx", "");
                let add = place.insert("Package\\S\\Add", 9000, 'x');
                place
                    .start()
                    .task(&place.steps(("Load", child), ("Add", add)))
            },
            wanted: || done([rows(1..=500, 'n'), rows([9000], 'x')].concat()),
        },
        Case {
            name: "what a package that a task runs has loaded is undone with the transaction",
            rows: 500,
            memory: None,
            package: |place| {
                let child = child("Package\\S\\Load", "Child.dtsx", "");
                place
                    .start()
                    .task(&place.steps(("Load", child), ("Fail", Place::fail("Package\\S\\Fail"))))
            },
            wanted: undone,
        },
        Case {
            name: "a package that asks for a transaction joins the one around it",
            rows: 500,
            memory: None,
            package: |place| {
                let child = child("Package\\S\\Load", "Required.dtsx", "");
                place
                    .start()
                    .task(&place.steps(("Load", child), ("Fail", Place::fail("Package\\S\\Fail"))))
            },
            wanted: undone,
        },
        Case {
            name: "a package that a task outside the transaction runs keeps its rows",
            rows: 500,
            memory: None,
            package: |place| {
                let child = child(
                    "Package\\S\\Load",
                    "Child.dtsx",
                    "DTS:TransactionOption=\"0\"",
                );
                place
                    .start()
                    .task(&place.steps(("Load", child), ("Fail", Place::fail("Package\\S\\Fail"))))
            },
            wanted: || fails(rows(1..=500, 'n'), "nowhere"),
        },
    ]
}

pub fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for (number, case) in cases().into_iter().enumerate() {
        for kind in [Kind::Sqlite, Kind::Postgres, Kind::Tds] {
            let name = format!("transactions/{kind:?}: {}", case.name).to_lowercase();
            let Case {
                rows,
                memory,
                package,
                wanted,
                ..
            } = case;
            trials.push(Trial::test(name, move || {
                let Some(place) = Place::new(kind, number).map_err(Failed::from)? else {
                    return Ok(()); // There is no server, which only a machine that is no CI may say.
                };
                let checked = check(&place, (rows, memory), &package(&place), &wanted());
                place.close();
                checked.map_err(Failed::from)
            }));
        }
    }
    trials
}

fn shown(error: impl std::fmt::Display) -> String {
    error.to_string()
}

impl Place {
    fn new(kind: Kind, number: usize) -> Result<Option<Self>, String> {
        let folder = TempDir::new().map_err(shown)?;
        let mut server = None;
        let address = match kind {
            Kind::Sqlite => format!("sqlite:{}/a.db", folder.path().display()),
            Kind::Postgres => match std::env::var("FLETCHING_TEST_POSTGRES") {
                Ok(address) if !address.is_empty() => address,
                _ if std::env::var("CI").as_deref() == Ok("true") => {
                    return Err("FLETCHING_TEST_POSTGRES is not set: run scripts/setup ci and `. target/servers/env`".to_owned());
                }
                _ => return Ok(None),
            },
            Kind::Tds => {
                let options = Options {
                    database: Some(folder.path().join("a.db")),
                    password: PASSWORD.to_owned(),
                    ..Options::default()
                };
                let server = server.insert(Server::start(options).map_err(shown)?);
                format!("mssql://sa:{PASSWORD}@127.0.0.1:{}/Shop", server.port())
            }
        };
        let tables =
            ["source", "names", "target"].map(|table| format!("transactions_{number}_{table}"));
        Ok(Some(Self {
            folder,
            address,
            tables,
            kind,
            server,
        }))
    }

    fn session(&self) -> Result<Box<dyn Session>, String> {
        open(&Target::parse(&self.address, "OLEDB", None).map_err(shown)?).map_err(shown)
    }

    fn drop_tables(&self, session: &mut dyn Session) -> Result<(), String> {
        self.tables.iter().try_for_each(|table| {
            let statement = format!("DROP TABLE IF EXISTS {table}");
            session
                .execute(&Statement::new(&statement))
                .map(drop)
                .map_err(shown)
        })
    }

    /// The tables and the file, with their rows.
    fn fill(&self, count: i64) -> Result<(), String> {
        let mut session = self.session()?;
        self.drop_tables(&mut *session)?;
        for (table, letter) in self.tables.iter().zip(['n', 'r', '-']) {
            let statement =
                format!("CREATE TABLE {table} (id int NOT NULL PRIMARY KEY, name varchar(20))");
            session
                .execute(&Statement::new(&statement))
                .map_err(shown)?;
            let ids: Vec<i64> = (1..=count).filter(|_| letter != '-').collect();
            for ids in ids.chunks(500) {
                let values: Vec<String> = ids
                    .iter()
                    .map(|id| format!("({id}, '{letter}{id}')"))
                    .collect();
                let statement = format!("INSERT INTO {table} VALUES {}", values.join(", "));
                session
                    .execute(&Statement::new(&statement))
                    .map_err(shown)?;
            }
        }
        let mut text = "id,name\n".to_owned();
        (1..=count).for_each(|id| {
            let _ = writeln!(text, "{id},n{id}");
        });
        fs::write(self.folder.path().join("in.csv"), text).map_err(shown)
    }

    /// The packages that tasks run.
    fn children(&self) -> Result<(), String> {
        let mut package = self.start().task(&self.load("Package\\Load", ""));
        fs::write(self.folder.path().join("Child.dtsx"), package.text()).map_err(shown)?;
        package.attributes = REQUIRED.to_owned();
        fs::write(self.folder.path().join("Required.dtsx"), package.text()).map_err(shown)
    }

    /// What is in `target`, by who has no part in the run.
    fn found(&self) -> Result<Vec<(i64, String)>, String> {
        let query = format!("SELECT id, name FROM {} ORDER BY id", self.target());
        let file = match (&self.server, self.kind) {
            (Some(server), _) => server.database().to_owned(),
            (None, Kind::Sqlite) => self.folder.path().join("a.db"),
            (None, _) => return self.asked(&query),
        };
        let connection = Connection::open(file).map_err(shown)?;
        for collation in ["tsql", "moment", "number"] {
            // The tables' collations are the server's own; keys are numbers.
            connection
                .create_collation(collation, |left: &str, right: &str| left.cmp(right))
                .map_err(shown)?;
        }
        let mut statement = connection.prepare(&query).map_err(shown)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        rows.map_err(shown)?
            .collect::<Result<_, _>>()
            .map_err(shown)
    }

    fn asked(&self, query: &str) -> Result<Vec<(i64, String)>, String> {
        let mut rows = Collected::default();
        self.session()?
            .query(&Statement::new(query), &ReadOptions::default(), &mut rows)
            .map_err(shown)?;
        let batches = rows.0.map(|found| found.batches).unwrap_or_default();
        let mut found = Vec::new();
        for batch in batches {
            let texts = batch.columns().iter().map(|column| {
                let column = arrow::compute::cast(column, &arrow::datatypes::DataType::Utf8);
                let column = column.map_err(shown)?;
                let texts = arrow::array::AsArray::as_string::<i32>(&column).iter();
                Ok(texts
                    .map(|text| text.unwrap_or_default().to_owned())
                    .collect::<Vec<_>>())
            });
            let texts: Vec<Vec<String>> = texts.collect::<Result<_, String>>()?;
            let ids = texts[0].iter().map(|id| id.parse::<i64>().unwrap_or(-1));
            found.extend(ids.zip(texts[1].iter().cloned()));
        }
        Ok(found)
    }

    fn close(&self) {
        if self.kind == Kind::Postgres
            && let Ok(mut session) = self.session()
        {
            drop(self.drop_tables(&mut *session));
        }
    }
}

fn check(
    place: &Place,
    (count, memory): (i64, Option<usize>),
    package: &Package,
    wanted: &Wanted,
) -> Result<(), String> {
    place.fill(count)?;
    place.children()?;
    let file = place.folder.path().join("Package.dtsx");
    fs::write(&file, package.text()).map_err(shown)?;
    let said = match (run(place, &file, memory)?, wanted.fails) {
        (Ok(report), None) => format!("{:?}", report.warnings),
        (Err(error), Some(words)) if error.to_string().contains(words) => error.to_string(),
        (Ok(_), Some(words)) => {
            return Err(format!("it succeeded, an error with `{words}` was wanted"));
        }
        (Err(error), _) => return Err(error.to_string()),
    };
    let found = place.found()?;
    if found == wanted.rows {
        return Ok(());
    }
    let first = found
        .iter()
        .zip(&wanted.rows)
        .find(|(one, other)| one != other);
    Err(format!(
        "{} rows in the table, not {}; the first that differs: {first:?}; the run said: {said}",
        found.len(),
        wanted.rows.len()
    ))
}

/// Runs the package, re-pointed from SQL Server; an error of our own if it does not end.
fn run(
    place: &Place,
    file: &Path,
    memory: Option<usize>,
) -> Result<Result<RunReport, RunError>, String> {
    let folder = place.folder.path();
    let package = Application::load(file, None).map_err(shown)?;
    let temporary = folder.join("tmp");
    fs::create_dir_all(&temporary).map_err(shown)?;
    let settings = Settings {
        connections: vec![("Db".to_owned(), place.address.clone())],
        base_dir: folder.to_owned(),
        threads: 3,
        batch_size: 256,
        memory_limit_bytes: memory,
        temp_dir: Some(temporary.clone()),
        ..Settings::default()
    };
    let prepared = match package.prepare(settings) {
        Ok(prepared) => prepared,
        Err(error) => return Ok(Err(error)),
    };
    let runtime = runtime(3).map_err(shown)?;
    let run = Execution::new(prepared, Progress::default()).run();
    let ended = runtime.block_on(async { tokio::time::timeout(PATIENCE, run).await });
    runtime.shutdown_background();
    let ended = ended.map_err(|_| format!("the run has not ended after {PATIENCE:?}"))?;
    match fs::read_dir(&temporary).map_err(shown)?.count() {
        0 => Ok(ended),
        left => Err(format!("{left} temporary files are left")),
    }
}
