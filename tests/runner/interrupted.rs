//! Runs that are stopped at any moment: by Ctrl-C, which must leave nothing half done, and by `kill -9`, after which
//! another run must come to what one that nobody stopped comes to.
//!
//! ```text
//!  job ──run to its end──▶ what a clean run leaves ◀──────────── must be equal ──────────────┐
//!  job ──stopped after 0, 10, 50, 200, 500 ms──▶ no process, no temporary file, no half file ──run again──▶ what is left
//! ```

use std::{
    collections::BTreeMap,
    fmt::Write,
    fs,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use libtest_mimic::{Failed, Trial};
use rusqlite::{Connection, types::Value};
use tempfile::TempDir;

use super::{
    journeys::copy,
    packages::{Flow, Package, REQUIRED, after, for_loop, foreach_item, sequence, shell, sql},
};

/// Milliseconds after which a run is stopped; and percents of the time that a clean run takes.
const MOMENTS: [u64; 5] = [0, 10, 50, 200, 500];
const PARTS: [u32; 3] = [40, 60, 80];
/// How long a run that was stopped may take to end. A release build on a free machine takes less than two seconds.
pub const STOPS_WITHIN: Duration = Duration::from_secs(10);
/// How long a run that nobody stops may take before it counts as hanging.
const ENDS_WITHIN: Duration = Duration::from_secs(120);
/// In the environment of a run and of all that it starts.
const MARK: &str = "FLETCHING_TRIAL";

type Check = fn() -> Result<(), String>;

/// What is run, in a folder of its own.
#[derive(Clone, Copy)]
struct Job {
    name: &'static str,
    arguments: &'static [&'static str],
    prepare: fn(&Path),
}

const JOBS: [Job; 12] = [
    Job {
        name: "example sales",
        arguments: &["run", "--quiet", "examples/sales/Sales.dtsx"],
        prepare: |folder| example(folder, "sales"),
    },
    Job {
        name: "example merge",
        arguments: &["run", "--quiet", "examples/merge/Merge.dtsx"],
        prepare: |folder| example(folder, "merge"),
    },
    Job {
        name: "example report",
        arguments: &[
            "read",
            "examples/report/Report.dtsx",
            "--format",
            "csv",
            "-o",
            "report.csv",
        ],
        prepare: |folder| example(folder, "report"),
    },
    Job {
        name: "example staging",
        arguments: &["run", "--quiet", "examples/staging/Staging.dtsx"],
        prepare: |folder| example(folder, "staging"),
    },
    Job {
        name: "example warehouse",
        arguments: &["run", "--quiet", "examples/warehouse/Warehouse.dtsx"],
        prepare: |folder| example(folder, "warehouse"),
    },
    Job {
        name: "a loop that writes a file each round",
        arguments: RUN,
        prepare: loop_of_files,
    },
    Job {
        name: "flows beside each other",
        arguments: RUN,
        prepare: flows_at_once,
    },
    Job {
        name: "a program that starts another one",
        arguments: RUN,
        prepare: |folder| {
            let line = "sleep 0.6 & sleep 0.3; wait; echo done > made.txt";
            write(
                folder,
                Package::default().task(&shell("Package\\Program", line)),
            );
        },
    },
    Job {
        name: "a statement that takes long",
        arguments: RUN,
        prepare: |folder| {
            let busy = "DROP TABLE IF EXISTS t; CREATE TABLE t AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 \
                        FROM c WHERE n < 1500000) SELECT max(n) AS n FROM c";
            write(
                folder,
                database(folder).task(&sql("Package\\Long", "Db", busy, "")),
            );
        },
    },
    Job {
        name: "a sort that spills",
        arguments: &["run", "--quiet", "--memory", "600KiB", "Package.dtsx"],
        prepare: |folder| {
            let sort = Flow::new("Package\\Sort")
                .read_file("Read", "In")
                .sort("Order")
                .write_file("Write", "Out")
                .task("");
            write(folder, files(folder, 60_000).task(&sort));
        },
    },
    Job {
        name: "a load in a transaction",
        arguments: RUN,
        prepare: transaction,
    },
    Job {
        name: "rows of a transaction that wait on disk",
        arguments: &["run", "--quiet", "--memory", "200KB", "Package.dtsx"],
        prepare: spooled,
    },
];

pub const RUN: &[&str] = &["run", "--quiet", "Package.dtsx"];

fn example(folder: &Path, name: &str) {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    copy(&examples.join(name), &folder.join("examples").join(name)).unwrap();
}

fn write(folder: &Path, package: Package) {
    fs::write(folder.join("Package.dtsx"), package.text()).unwrap();
}

/// A package with two flat files, of which one is there.
fn files(folder: &Path, rows: u32) -> Package {
    let mut text = "id,name\n".to_owned();
    (0..rows).for_each(|row| {
        let _ = writeln!(text, "{row},n{}", row.wrapping_mul(2_654_435_761));
    });
    fs::write(folder.join("in.csv"), text).unwrap();
    Package::default()
        .file("In", "in.csv", None)
        .file("Out", "out.csv", None)
        .variable("Round", 3, "0")
        .variable("Item", 8, "")
}

fn database(folder: &Path) -> Package {
    files(folder, 20_000).database("Db", "sqlite:shop.db")
}

fn loop_of_files(folder: &Path) {
    let write_one = |path: &str| {
        Flow::new(path)
            .read_file("Read", "In")
            .write_file("Write", "Rounds")
            .task("")
    };
    let package = files(folder, 2000)
        .file(
            "Rounds",
            "",
            Some("\"round \" + (DT_WSTR, 10) @[User::Round] + @[User::Item] + \".csv\""),
        )
        .task(&for_loop(
            "Package\\L",
            6,
            "",
            &write_one("Package\\L\\Load"),
        ))
        .task(&foreach_item(
            "Package\\E",
            &["a", "b", "c"],
            "",
            &write_one("Package\\E\\Load"),
        ))
        .then("L", "E", 0);
    write(folder, package);
}

fn flows_at_once(folder: &Path) {
    let mut package = files(folder, 20_000);
    for number in 0..3 {
        let out = format!("Out{number}");
        let flow = Flow::new(&format!("Package\\Load{number}"))
            .read_file("Read", "In")
            .write_file("Write", &out)
            .task("");
        package = package
            .file(&out, &format!("out{number}.csv"), None)
            .task(&flow);
    }
    write(folder, package);
}

/// Makes the tables, then loads in a transaction; the last task tells that all was there.
fn transaction(folder: &Path) {
    let make = "CREATE TABLE IF NOT EXISTS a (id int PRIMARY KEY, name text)";
    let clear = sql("Package\\S\\Clear", "Db", "DELETE FROM a", "");
    let load = Flow::new("Package\\S\\Load")
        .read_file("Read", "In")
        .write_table("Write", "Db", "a", 1000, None)
        .task("");
    let order = after("Package\\S", "Clear", "Load", 0);
    let package = database(folder)
        .task(&sql("Package\\Make", "Db", make, ""))
        .task(&sequence(
            "Package\\S",
            REQUIRED,
            &[clear, load].concat(),
            &order,
        ))
        .then("Make", "S", 0);
    write(folder, package);
}

fn spooled(folder: &Path) {
    let make = "DROP TABLE IF EXISTS a; DROP TABLE IF EXISTS b; CREATE TABLE b (id int PRIMARY KEY, name text); CREATE TABLE \
                a AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 20000) SELECT n AS id, \
                'n' || n AS name FROM c";
    let load = Flow::new("Package\\Load")
        .read_query("Read", "Db", "SELECT id, name FROM a")
        .write_table("Write", "Db", "b", 1000, None)
        .task(REQUIRED);
    let package = database(folder)
        .task(&sql("Package\\Make", "Db", make, ""))
        .task(&load)
        .then("Make", "Load", 0);
    write(folder, package);
}

pub fn trials() -> Vec<Trial> {
    let of_job = |job: Job| {
        [("interrupted", "INT"), ("killed", "KILL")].map(|(how, signal)| {
            Trial::test(format!("{how}: {}", job.name), move || {
                stop_at_any_moment(job, signal).map_err(Failed::from)
            })
        })
    };
    let mut trials: Vec<Trial> = JOBS.into_iter().flat_map(of_job).collect();
    let others: [(&str, Check); 5] = [
        ("a killed run leaves no program", killed_with_programs),
        (
            "a failure does not end what runs beside it, and starts nothing more",
            beside_a_failure,
        ),
        ("a failure beside a wait for a lock", beside_a_lock),
        ("a wait for a lock is interrupted", lock_is_interrupted),
        (
            "a transaction that waits for its session is interrupted",
            session_is_interrupted,
        ),
    ];
    trials.extend(others.map(|(name, check)| {
        Trial::test(format!("interrupted: {name}"), move || {
            check().map_err(Failed::from)
        })
    }));
    trials
}

/// A run that was started.
pub struct Run {
    process: Child,
    started: Instant,
}

impl Run {
    pub fn start(folder: &Path, arguments: &[&str]) -> Self {
        let temporary = folder.join("tmp");
        fs::create_dir_all(&temporary).unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_fletch"))
            .args(arguments)
            .current_dir(folder)
            .env("TMPDIR", temporary)
            .env(MARK, folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.join("stderr.txt")).unwrap())
            .spawn()
            .unwrap();
        Self {
            process,
            started: Instant::now(),
        }
    }

    pub fn signal(&mut self, signal: &str) -> Result<(), String> {
        if self
            .process
            .try_wait()
            .map_err(|error| error.to_string())?
            .is_some()
        {
            return Ok(());
        }
        let id = self.process.id().to_string();
        Command::new("kill")
            .args([&format!("-{signal}"), &id])
            .stderr(Stdio::null())
            .status()
            .map(drop)
            .map_err(|error| error.to_string())
    }

    pub fn has_ended(&mut self) -> Option<ExitStatus> {
        self.process.try_wait().unwrap()
    }

    /// Waits for its end.
    pub fn ended(&mut self, within: Duration) -> Result<ExitStatus, String> {
        let patience = Instant::now() + within;
        loop {
            if let Some(status) = self.process.try_wait().map_err(|error| error.to_string())? {
                return Ok(status);
            }
            if Instant::now() > patience {
                self.process.kill().ok();
                self.process.wait().ok();
                return Err(format!("it has not ended within {within:?}"));
            }
            sleep(Duration::from_millis(2));
        }
    }
}

pub fn said(folder: &Path) -> String {
    fs::read_to_string(folder.join("stderr.txt")).unwrap_or_default()
}

/// Runs to the end.
fn run(folder: &Path, arguments: &[&str]) -> Result<(), String> {
    match Run::start(folder, arguments).ended(ENDS_WITHIN)?.success() {
        true => Ok(()),
        false => Err(format!("the run failed: {}", said(folder))),
    }
}

fn prepared(job: Job) -> TempDir {
    let folder = TempDir::new().unwrap();
    (job.prepare)(folder.path());
    folder
}

fn stop_at_any_moment(job: Job, signal: &str) -> Result<(), String> {
    let clean = prepared(job);
    let before = contents(clean.path())?;
    let started = Instant::now();
    run(clean.path(), job.arguments)?;
    let takes = started.elapsed();
    let after = contents(clean.path())?;
    let moments = MOMENTS.into_iter().map(Duration::from_millis);
    let moments = moments.filter(|moment| *moment < takes);
    for moment in moments.chain(PARTS.map(|percent| takes * percent / 100)) {
        let at = |error: String| format!("stopped after {moment:?} of {takes:?}: {error}");
        let folder = prepared(job);
        let folder = folder.path();
        let mut first = Run::start(folder, job.arguments);
        sleep(moment);
        first.signal(signal)?;
        let status = first.ended(STOPS_WITHIN).map_err(at)?;
        none_runs(folder).map_err(at)?;
        if signal == "INT" {
            clean_stop(folder, status, (&before, &after)).map_err(at)?;
        }
        run(folder, job.arguments).map_err(|error| at(format!("the run after it: {error}")))?;
        let found = contents(folder).map_err(at)?;
        different(&found, &after)
            .map_or(Ok(()), |what| Err(at(format!("the run after it: {what}"))))?;
    }
    Ok(())
}

/// What an interrupted run must not leave.
fn clean_stop(
    folder: &Path,
    status: ExitStatus,
    (before, after): (&Contents, &Contents),
) -> Result<(), String> {
    // One that was asked before it listens ends by the signal.
    if !matches!(status.code(), Some(0 | 3)) && status.signal() != Some(2) {
        return Err(format!("{status}: {}", said(folder)));
    }
    let left: Vec<_> = fs::read_dir(folder.join("tmp"))
        .unwrap()
        .flatten()
        .collect();
    if !left.is_empty() {
        return Err(format!("temporary files are left: {left:?}"));
    }
    let staged = staged(folder);
    if !staged.is_empty() {
        return Err(format!("unfinished files are left: {staged:?}"));
    }
    for (name, found) in contents(folder)? {
        // A database holds what was committed: that the next run comes to the same rows is seen then.
        let is_whole = before.get(&name) == Some(&found) || after.get(&name) == Some(&found);
        if !is_whole && !name.ends_with(".db") {
            return Err(format!(
                "`{name}` is neither what was there nor what was to come: {found:.200}"
            ));
        }
    }
    Ok(())
}

/// The processes that the run has started are gone; those that were killed take a moment.
pub fn none_runs(folder: &Path) -> Result<(), String> {
    let mark = format!("{MARK}={}", folder.display());
    let patience = Instant::now() + Duration::from_secs(5);
    loop {
        let running: Vec<String> = fs::read_dir("/proc")
            .unwrap()
            .flatten()
            .filter_map(|process| {
                let environment = fs::read(process.path().join("environ")).ok()?;
                let mut entries = environment.split(|byte| *byte == 0);
                entries.any(|entry| entry == mark.as_bytes()).then(|| {
                    let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
                    String::from_utf8_lossy(&line).replace('\0', " ")
                })
            })
            .collect();
        if running.is_empty() {
            return Ok(());
        }
        if Instant::now() > patience {
            return Err(format!("processes are left: {running:?}"));
        }
        sleep(Duration::from_millis(10));
    }
}

/// Files by name: their bytes, or the rows of a database.
type Contents = BTreeMap<String, String>;

fn contents(folder: &Path) -> Result<Contents, String> {
    let mut contents = Contents::new();
    walk(folder, &mut |path| {
        let name = path
            .strip_prefix(folder)
            .unwrap_or(path)
            .display()
            .to_string();
        let passing = ["-wal", "-shm", "-journal", ".fletching", "stderr.txt"];
        if passing.iter().any(|ending| name.ends_with(ending)) {
            return Ok(());
        }
        let content = match name.ends_with(".db") {
            true => rows(path).map_err(|error| format!("{name}: {error}"))?,
            false => String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned(),
        };
        contents.insert(name, content);
        Ok(())
    })?;
    Ok(contents)
}

fn walk(folder: &Path, seen: &mut dyn FnMut(&Path) -> Result<(), String>) -> Result<(), String> {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        match entry.path() {
            path if path.is_dir() && path.ends_with("tmp") => {}
            path if path.is_dir() => walk(&path, seen)?,
            path => seen(&path)?,
        }
    }
    Ok(())
}

pub fn staged(folder: &Path) -> Vec<String> {
    let mut staged = Vec::new();
    let found = walk(folder, &mut |path| {
        let name = path.display().to_string();
        if name.ends_with(".fletching") {
            staged.push(name);
        }
        Ok(())
    });
    drop(found);
    staged
}

/// All rows of all tables, in an order of their own.
fn rows(file: &Path) -> rusqlite::Result<String> {
    let connection = Connection::open(file)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    let mut names =
        connection.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")?;
    let names = names.query_map([], |row| row.get::<_, String>(0))?;
    let mut text = String::new();
    for name in names.collect::<rusqlite::Result<Vec<_>>>()? {
        let mut statement = connection.prepare(&format!("SELECT * FROM \"{name}\""))?;
        let width = statement.column_count();
        let lines = statement.query_map([], |row| {
            let values = (0..width).map(|at| row.get(at).map(without_moment));
            Ok(format!(
                "{:?}",
                values.collect::<rusqlite::Result<Vec<_>>>()?
            ))
        })?;
        let mut lines = lines.collect::<rusqlite::Result<Vec<_>>>()?;
        lines.sort();
        let _ = writeln!(text, "{name}: {} rows\n{}", lines.len(), lines.join("\n"));
    }
    Ok(text)
}

/// A moment with its milliseconds is when a run took place.
fn without_moment(value: Value) -> Value {
    match value {
        Value::Text(text) if text.len() == 23 && text.as_bytes().get(19) == Some(&b'.') => {
            Value::Text("now".to_owned())
        }
        value => value,
    }
}

/// The first difference.
fn different(found: &Contents, wanted: &Contents) -> Option<String> {
    let names = found.keys().chain(wanted.keys());
    let name = names
        .into_iter()
        .find(|name| found.get(*name) != wanted.get(*name))?;
    let shown = |contents: &Contents| match contents.get(name) {
        Some(text) => format!("{} bytes", text.len()),
        None => "nothing".to_owned(),
    };
    Some(format!(
        "`{name}` is {}, not {} as after a clean run",
        shown(found),
        shown(wanted)
    ))
}

const FAILS_PACKAGE: &str = r#"DTS:FailPackageOnFailure="True""#;

/// One task fails at once while another runs: that one comes to its end, what follows it does not begin.
fn beside_a_failure() -> Result<(), String> {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let fails = sql(
        "Package\\Fail",
        "Db",
        "SELECT * FROM nowhere",
        FAILS_PACKAGE,
    );
    let package = database(folder)
        .task(&shell("Package\\Slow", "sleep 1; echo slow > slow.txt"))
        .task(&shell("Package\\Next", "echo next > next.txt"))
        .task(&fails)
        .task(&shell("Package\\Never", "echo never > never.txt"))
        .then("Slow", "Next", 0)
        .then("Fail", "Never", 0);
    write(folder, package);
    let status = Run::start(folder, RUN).ended(ENDS_WITHIN)?;
    let made = |name: &str| folder.join(name).exists();
    let found = (
        status.code(),
        made("slow.txt"),
        made("next.txt"),
        made("never.txt"),
    );
    match found {
        (Some(1), true, false, false) => none_runs(folder),
        found => Err(format!(
            "(exit code, slow, next, never) = {found:?}: {}",
            said(folder)
        )),
    }
}

/// What a program has started dies with a run that is killed, too; so does one that ignores signals.
fn killed_with_programs() -> Result<(), String> {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let line = "trap '' HUP INT TERM; touch begun.txt; sleep 1000 & sleep 1000";
    write(
        folder,
        Package::default().task(&shell("Package\\Wait", line)),
    );
    let mut run = Run::start(folder, RUN);
    let patience = Instant::now() + ENDS_WITHIN;
    while !folder.join("begun.txt").exists() {
        if Instant::now() > patience || run.has_ended().is_some() {
            return Err(format!("the program did not begin: {}", said(folder)));
        }
        sleep(Duration::from_millis(10));
    }
    sleep(Duration::from_millis(200));
    run.signal("KILL")?;
    run.ended(STOPS_WITHIN)?;
    none_runs(folder)
}

/// A file of SQLite that somebody writes to.
fn locked(folder: &Path) -> Connection {
    let outside = Connection::open(folder.join("shop.db")).unwrap();
    let made = "PRAGMA journal_mode = wal; CREATE TABLE IF NOT EXISTS t (n int); BEGIN IMMEDIATE";
    outside.execute_batch(made).unwrap();
    outside
}

/// One task fails while another waits for a lock: the run ends once the lock is given.
fn beside_a_lock() -> Result<(), String> {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let package = database(folder)
        .task(&sql("Package\\Wait", "Db", "INSERT INTO t VALUES (1)", ""))
        .task(
            &shell("Package\\Fail", "exit 1")
                .replace("DTS:ObjectName", &format!("{FAILS_PACKAGE} DTS:ObjectName")),
        );
    write(folder, package);
    let outside = locked(folder);
    let mut run = Run::start(folder, RUN);
    sleep(Duration::from_secs(2));
    if let Some(status) = run.process.try_wait().unwrap() {
        return Err(format!("it did not wait: {status}: {}", said(folder)));
    }
    outside.execute_batch("COMMIT").unwrap();
    let status = run.ended(STOPS_WITHIN)?;
    let rows: i64 = outside
        .query_row("SELECT count(*) FROM t", [], |row| row.get(0))
        .unwrap();
    match (status.code(), rows) {
        (Some(1), 1) => Ok(()),
        found => Err(format!("(exit code, rows) = {found:?}: {}", said(folder))),
    }
}

/// Interrupts a run after a second; what it may leave is looked for.
fn interrupt(folder: &Path) -> Result<Duration, String> {
    let mut run = Run::start(folder, RUN);
    sleep(Duration::from_secs(1));
    if let Some(status) = run.process.try_wait().unwrap() {
        return Err(format!("it did not wait: {status}: {}", said(folder)));
    }
    run.signal("INT")?;
    let status = run.ended(STOPS_WITHIN)?;
    if status.code() != Some(3) {
        return Err(format!("{status}: {}", said(folder)));
    }
    none_runs(folder)?;
    Ok(run.started.elapsed())
}

fn lock_is_interrupted() -> Result<(), String> {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let load = Flow::new("Package\\Load")
        .read_file("Read", "In")
        .write_table("Write", "Db", "t", 0, None)
        .task("");
    let load = load.replace("OpenRowset\">t<", "OpenRowset\">u<");
    let wait = sql("Package\\Wait", "Db", "INSERT INTO t VALUES (1)", "");
    write(folder, database(folder).task(&wait).task(&load));
    let outside = locked(folder);
    outside
        .execute_batch("CREATE TABLE u (id int, name text)")
        .unwrap();
    interrupt(folder)?;
    outside.execute_batch("COMMIT").unwrap();
    let rows: i64 = outside
        .query_row(
            "SELECT (SELECT count(*) FROM t) + (SELECT count(*) FROM u)",
            [],
            |row| row.get(0),
        )
        .unwrap();
    match rows {
        0 => Ok(()),
        rows => Err(format!(
            "{rows} rows of a run that was interrupted before it could write"
        )),
    }
}

/// One task has the session of the transaction for long, others wait for it.
fn session_is_interrupted() -> Result<(), String> {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let busy = "INSERT INTO t VALUES (1); WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT max(n) FROM c";
    let tasks = [
        sql("Package\\S\\Busy", "Db", busy, ""),
        sql("Package\\S\\Wait", "Db", "INSERT INTO t VALUES (2)", ""),
        Flow::new("Package\\S\\Load")
            .read_file("Read", "In")
            .write_table("Write", "Db", "u", 0, None)
            .task(""),
    ];
    write(
        folder,
        database(folder).task(&sequence("Package\\S", REQUIRED, &tasks.concat(), "")),
    );
    let outside = locked(folder);
    outside
        .execute_batch("CREATE TABLE u (id int, name text); COMMIT")
        .unwrap();
    interrupt(folder)?;
    let rows: i64 = outside
        .query_row(
            "SELECT (SELECT count(*) FROM t) + (SELECT count(*) FROM u)",
            [],
            |row| row.get(0),
        )
        .unwrap();
    match rows {
        0 => Ok(()),
        rows => Err(format!("{rows} rows of a transaction that was interrupted")),
    }
}
