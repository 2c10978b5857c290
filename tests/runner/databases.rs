//! Real packages against databases: SQLite, and the TDS test server as SQL Server.
//!
//! `corpus/databases.toml` lists them. The packages and what is shipped with them lie outside the repository, where
//! [`super::corpus`] finds them. All database managers of a package lead to one database, but those that a case calls
//! `sources` lead to another. Tables are made by the scripts of the case, else from the package's metadata
//! ([`super::generated`]). What must be in them afterwards is told by
//! queries that SQLite itself answers, past the engine.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use fletching::{
    Application, Event, EventKind, EventListener, Execution, PathMap, Progress, RunReport,
    Settings, TaskResult, run_script, runtime,
};
use libtest_mimic::{Failed, Trial};
use parking_lot::Mutex;
use rusqlite::{Connection, types::Value};
use serde::Deserialize;
use tds_server::{Answer, Options, Procedure, Server};
use tempfile::TempDir;

use super::{
    corpus,
    generated::{self, sqlite_name},
};

/// Rows of a table that nothing writes and no case counts.
const ROWS: usize = 40;
const PASSWORD: &str = "Passw0rd!";

#[derive(Debug, Deserialize)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub package: String,
    /// The package may lie in `packages` beside the repository instead, and be absent.
    #[serde(default)]
    pub may_be_absent: bool,
    /// `sqlite` or `tds` where the package runs against one of them only.
    #[serde(default)]
    pub only: Option<String>,
    /// Connection managers of a database of its own: `source` in queries, tables `source.name`.
    #[serde(default)]
    pub sources: Vec<String>,
    /// Files of T-SQL that are shipped, run first.
    #[serde(default)]
    pub scripts: Vec<String>,
    /// T-SQL, run before tables are made from metadata; what it makes is left alone.
    #[serde(default)]
    pub setup: String,
    /// Rows of generated tables, where they are not the usual.
    #[serde(default)]
    pub tables: BTreeMap<String, usize>,
    /// T-SQL, run when the tables are filled.
    #[serde(default)]
    pub then: String,
    /// Flat file connection managers and the shipped files.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// Flat file connection managers and the text of files that are not shipped; lines end in CR LF.
    #[serde(default)]
    pub texts: BTreeMap<String, String>,
    /// Folders of Windows, and the shipped ones whose copies they lead to.
    #[serde(default)]
    pub folders: BTreeMap<String, String>,
    /// The run stops with an error that says so; what came before it is in the tables.
    #[serde(default)]
    pub fails: Option<String>,
    /// As `--set`.
    #[serde(default)]
    pub set: Vec<(String, String)>,
    /// Procedures of the server.
    #[serde(default)]
    pub procedures: Vec<Body>,
    /// Rows of a table, counted.
    #[serde(default)]
    pub rows: BTreeMap<String, i64>,
    /// A table has a row for each line of one or more files but the first of each.
    #[serde(default)]
    pub lines: BTreeMap<String, Names>,
    /// Two queries that give the same rows: over what goes in, and over what came out.
    #[serde(default)]
    pub same: Vec<(String, String)>,
    /// The columns of a table, by their names, hold what those of another hold.
    #[serde(default)]
    pub copies: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Names {
    One(String),
    Many(Vec<String>),
}

/// A procedure that is a batch of T-SQL.
#[derive(Debug, Clone, Deserialize)]
pub struct Body {
    pub name: String,
    #[serde(default)]
    pub parameters: Vec<String>,
    pub batch: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sqlite,
    Tds,
}

pub fn trials(file: &Path) -> Vec<Trial> {
    let text =
        fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let cases: Cases =
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut trials = Vec::new();
    for case in cases.case {
        for (name, kind) in [("sqlite", Kind::Sqlite), ("tds", Kind::Tds)] {
            if case.only.as_deref().is_some_and(|only| only != name) {
                continue;
            }
            let case = case.clone();
            let title = format!("corpus/{name}: {}", case.package);
            // A package that nobody promises is told as left out, not as passed.
            let is_absent = case.may_be_absent && !matches!(folder(&case), Ok(Some(_)));
            let trial = Trial::test(title, move || check(&case, kind).map_err(Failed::from));
            trials.push(trial.with_ignored_flag(is_absent));
        }
    }
    trials
}

fn check(case: &Case, kind: Kind) -> Result<(), String> {
    let Some(corpus) = folder(case)? else {
        return Ok(());
    };
    let path = corpus.join(&case.package);
    let package = Application::load(&path, None).map_err(|error| error.to_string())?;
    let folder = TempDir::new().map_err(|error| error.to_string())?;
    let (target, source) = places(case, kind, package.document(), folder.path())?;
    fill(case, &corpus, &target)?;
    if let Some(source) = &source {
        fill(
            &Case {
                tables: case.tables.clone(),
                ..Case::default()
            },
            &corpus,
            source,
        )?;
    }
    let places = [&target, source.as_ref().unwrap_or(&target)];
    let report = run(case, &corpus, folder.path(), &package, places);
    let shown = match (report, &case.fails) {
        (Ok(report), None) => shown_report(&report),
        (Err(error), Some(fails)) if error.contains(fails.as_str()) => error,
        (Err(error), _) => return Err(error),
        (Ok(_), Some(fails)) => return Err(format!("no failure says `{fails}`")),
    };
    let files = Files {
        target: target.file,
        source: source.map(|source| source.file),
    };
    verify(case, &corpus, &files).map_err(|wrong| format!("{wrong}\n{shown}"))
}

/// Where the package lies, with what is shipped with it.
fn folder(case: &Case) -> Result<Option<PathBuf>, String> {
    let corpus = corpus::folder()?;
    if !case.may_be_absent {
        return Ok(corpus);
    }
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packages");
    let mut folders = corpus.into_iter().chain([beside]);
    Ok(folders.find(|folder| folder.join(&case.package).is_file()))
}

/// The rows of each component, and the warnings.
fn shown_report(report: &RunReport) -> String {
    let mut text = report.warnings.join("\n");
    for task in &report.tasks {
        text.push_str(&format!("\n{}", task.path));
        let TaskResult::Flow(flow) = &task.result else {
            continue;
        };
        for component in &flow.components {
            let outputs: Vec<u64> = component.outputs.iter().map(|output| output.rows).collect();
            let (name, rows) = (&component.name, component.rows_in);
            text.push_str(&format!("\n    {name}: {rows} in, {outputs:?} out"));
        }
    }
    text
}

/// A database with the tables that belong there.
struct Place {
    file: PathBuf,
    address: String,
    tables: BTreeMap<String, generated::Table>,
    _server: Option<Server>,
}

impl Place {
    fn new(
        kind: Kind,
        file: PathBuf,
        tables: BTreeMap<String, generated::Table>,
        procedures: &[Body],
    ) -> Result<Self, String> {
        let server = match kind {
            Kind::Sqlite => None,
            Kind::Tds => {
                let options = Options {
                    database: Some(file.clone()),
                    password: PASSWORD.to_owned(),
                    procedures: procedures.iter().map(procedure).collect(),
                    ..Options::default()
                };
                Some(Server::start(options).map_err(|error| error.to_string())?)
            }
        };
        let address = match &server {
            None => format!("sqlite:{}", file.display()),
            Some(server) => {
                let port = server.port();
                format!("mssql://sa:{PASSWORD}@127.0.0.1:{port}/Corpus?encrypt=no")
            }
        };
        Ok(Self {
            file,
            address,
            tables,
            _server: server,
        })
    }
}

/// The target, and the source where the case has one.
fn places(
    case: &Case,
    kind: Kind,
    package: &dtsx::Package,
    folder: &Path,
) -> Result<(Place, Option<Place>), String> {
    let is_source = |component: &dtsx::Component| {
        component.connections.iter().any(|connection| {
            let manager = package.connection_manager(&connection.connection_manager);
            manager.is_some_and(|manager| case.sources.contains(&manager.name))
        })
    };
    let mut tables = generated::tables(package, |component| !is_source(component));
    let mut procedures = generated::procedures(package, &mut tables);
    procedures.extend(case.procedures.iter().cloned());
    let target = Place::new(kind, folder.join("target.sqlite"), tables, &procedures)?;
    if case.sources.is_empty() {
        return Ok((target, None));
    }
    let tables = generated::tables(package, is_source);
    let source = Place::new(kind, folder.join("source.sqlite"), tables, &[])?;
    Ok((target, Some(source)))
}

fn procedure(body: &Body) -> Procedure {
    let parameters: Vec<&str> = body.parameters.iter().map(String::as_str).collect();
    let batch = body.batch.clone();
    Procedure::new(&body.name, &parameters, move |_| {
        Ok(Answer {
            batch: Some(batch.clone()),
            ..Answer::default()
        })
    })
}

fn fill(case: &Case, corpus: &Path, place: &Place) -> Result<(), String> {
    let send = |what: &str, script: &str| {
        let done = run_script(&place.address, script);
        done.map(|_| ()).map_err(|error| format!("{what}: {error}"))
    };
    for script in &case.scripts {
        send(script, &without_database(&text_of(&corpus.join(script))?))?;
    }
    if !case.setup.is_empty() {
        send("setup", &case.setup)?;
    }
    let made = made(&place.file)?;
    for (name, table) in &place.tables {
        if made.iter().any(|made| made.eq_ignore_ascii_case(name)) {
            continue;
        }
        let usual = if table.written { 0 } else { ROWS };
        let rows = case.tables.get(name).copied().unwrap_or(usual);
        let script = generated::script(name, table, rows);
        send(name, &script).map_err(|error| format!("{error}\n{script}"))?;
    }
    if case.then.is_empty() {
        return Ok(());
    }
    send("then", &case.then)
}

/// The database of a script is there.
fn without_database(script: &str) -> String {
    let lines = script.lines();
    let kept = lines.filter(|line| !line.to_ascii_uppercase().starts_with("CREATE DATABASE "));
    kept.collect::<Vec<_>>().join("\n")
}

/// The tables that scripts have made.
fn made(file: &Path) -> Result<Vec<String>, String> {
    if !file.exists() {
        return Ok(Vec::new());
    }
    let query = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')";
    let files = Files {
        target: file.to_owned(),
        source: None,
    };
    let rows = answered(&files, query)?;
    Ok(rows.into_iter().flatten().collect())
}

fn run(
    case: &Case,
    corpus: &Path,
    folder: &Path,
    package: &fletching::Package,
    [target, source]: [&Place; 2],
) -> Result<RunReport, String> {
    let mut settings = Settings {
        base_dir: package.base_dir().to_owned(),
        set: case.set.clone(),
        threads: 2,
        ..Settings::default()
    };
    for (at, (windows, shipped)) in case.folders.iter().enumerate() {
        // What the package moves and writes, it does in a copy.
        let local = folder.join(format!("folder{at}"));
        copy(&corpus.join(shipped), &local).map_err(|error| format!("{shipped}: {error}"))?;
        let rule = PathMap::parse_rule(&format!("{windows}={}", local.display()));
        settings
            .path_rules
            .push(rule.map_err(|error| error.to_string())?);
    }
    let managers = package
        .connections(&settings, false)
        .map_err(|error| error.to_string())?;
    for manager in managers {
        if let Some(file) = case.files.get(&manager.name) {
            let file = corpus.join(file).display().to_string();
            settings.connections.push((manager.name, file));
        } else if let Some(text) = case.texts.get(&manager.name) {
            let file = folder.join(format!("{}.txt", manager.name));
            fs::write(&file, text.replace('\n', "\r\n")).map_err(|error| error.to_string())?;
            let file = file.display().to_string();
            settings.connections.push((manager.name, file));
        } else if ["OLEDB", "ADO.NET", "ODBC"]
            .iter()
            .any(|kind| manager.kind.starts_with(kind))
        {
            let is_source = case.sources.contains(&manager.name);
            let place = if is_source { source } else { target };
            settings
                .connections
                .push((manager.name, place.address.clone()));
        }
    }
    let threads = settings.threads;
    let prepared = package
        .prepare(settings)
        .map_err(|error| error.to_string())?;
    let runtime = runtime(threads).map_err(|error| error.to_string())?;
    let trace = Arc::<Trace>::default();
    let execution =
        Execution::new(prepared, Progress::default()).listener(Arc::<Trace>::clone(&trace));
    let report = runtime.block_on(execution.run());
    let report = report.map_err(|error| error.to_string())?;
    trace.check(package, &report)?;
    Ok(report)
}

/// A folder with the folders in it.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy(&entry.path(), &to)?,
            false => fs::copy(entry.path(), to).map(drop)?,
        }
    }
    Ok(())
}

/// The executables that began and ended, as a trace has them.
#[derive(Debug, Default)]
struct Trace {
    begun: Mutex<Vec<String>>,
    ended: Mutex<Vec<String>>,
}

impl EventListener for Trace {
    fn event(&self, event: &Event) {
        let list = match event.kind {
            EventKind::PreExecute => &self.begun,
            EventKind::PostExecute => &self.ended,
            _ => return,
        };
        list.lock().push(event.source.path.clone());
    }
}

impl Trace {
    /// Every executable of the package has begun and ended, or the report says why not.
    fn check(&self, package: &fletching::Package, report: &RunReport) -> Result<(), String> {
        let (mut begun, mut ended) = (self.begun.lock().clone(), self.ended.lock().clone());
        begun.sort();
        ended.sort();
        if begun != ended {
            return Err(format!("begun: {begun:?}, ended: {ended:?}"));
        }
        let is_told = |path: &str| {
            let mut tasks = report.tasks.iter();
            let idle = |result: &TaskResult| {
                matches!(result, TaskResult::Skipped(_) | TaskResult::Disabled)
            };
            tasks.any(|task| path.starts_with(&task.path) && idle(&task.result))
        };
        let executables = package.document().executables();
        let mut traced = executables
            .filter(|executable| !executable.path.contains(".EventHandlers["))
            .filter(|executable| !begun.contains(&executable.path) && !is_told(&executable.path));
        match traced.next() {
            Some(missing) => Err(format!("`{}` is not in the trace", missing.path)),
            None => Ok(()),
        }
    }
}

fn verify(case: &Case, corpus: &Path, file: &Files) -> Result<(), String> {
    let counted = |table: &str| -> Result<i64, String> {
        let rows = answered(
            file,
            &format!("SELECT count(*) FROM \"{}\"", sqlite_name(table)),
        )?;
        let count = rows.first().and_then(|row| row.first());
        count
            .and_then(|count| count.parse().ok())
            .ok_or_else(|| format!("{table} is not counted"))
    };
    if case.rows.is_empty()
        && case.lines.is_empty()
        && case.same.is_empty()
        && case.copies.is_empty()
    {
        return Err("nothing is expected".to_owned());
    }
    for (table, expected) in &case.rows {
        let found = counted(table)?;
        if found != *expected {
            return Err(format!("{table} has {found} rows, not {expected}"));
        }
    }
    for (table, lines) in &case.lines {
        let files = match lines {
            Names::One(file) => std::slice::from_ref(file),
            Names::Many(files) => files,
        };
        let mut expected = 0;
        for file in files {
            let text = text_of(&corpus.join(file))?;
            expected += text.lines().filter(|line| !line.trim().is_empty()).count() - 1;
        }
        let found = counted(table)?;
        if found != expected as i64 {
            return Err(format!(
                "{table} has {found} rows, and {files:?} have {expected}"
            ));
        }
    }
    let mut same = case.same.clone();
    for (table, of) in &case.copies {
        same.push(copied(file, table, of)?);
    }
    for (given, came) in &same {
        let (expected, found) = (answered(file, given)?, answered(file, came)?);
        if expected.is_empty() {
            return Err(format!("{given}: no rows"));
        }
        if expected != found {
            return Err(format!("{given}\n{expected:?}\n{came}\n{found:?}"));
        }
    }
    Ok(())
}

/// The databases after the run.
struct Files {
    target: PathBuf,
    source: Option<PathBuf>,
}

/// Queries of the columns that two tables share.
fn copied(file: &Files, table: &str, of: &str) -> Result<(String, String), String> {
    let columns = |table: &str| {
        let query = format!(
            "SELECT name FROM pragma_table_info('{}')",
            sqlite_name(table)
        );
        Ok::<_, String>(answered(file, &query)?.concat())
    };
    let (there, here) = (columns(of)?, columns(table)?);
    let shared: Vec<String> = there
        .iter()
        .filter(|column| here.iter().any(|other| other.eq_ignore_ascii_case(column)))
        .map(|column| format!("\"{column}\""))
        .collect();
    if shared.is_empty() {
        return Err(format!("{table} and {of} share no column"));
    }
    let query = |table: &str| {
        format!(
            "SELECT {} FROM \"{}\"",
            shared.join(", "),
            sqlite_name(table)
        )
    };
    Ok((query(of), query(table)))
}

/// The rows of a query as text, in order. Numbers are the same however they are kept.
fn answered(files: &Files, query: &str) -> Result<Vec<Vec<String>>, String> {
    let read = || -> rusqlite::Result<Vec<Vec<String>>> {
        let connection = Connection::open(&files.target)?;
        // The order of columns in the test server: what is compared here is told apart as it is.
        for name in ["TDS_CI", "TDS_MOMENT", "TDS_NUMBER"] {
            connection.create_collation(name, |a: &str, b: &str| a.cmp(b))?;
        }
        if let Some(source) = &files.source {
            let file = source.display().to_string();
            connection.execute("ATTACH ? AS source", [file])?;
        }
        let mut statement = connection.prepare(query)?;
        let width = statement.column_count();
        let rows = statement.query_map([], |row| {
            (0..width)
                .map(|at| row.get::<_, Value>(at).map(shown))
                .collect()
        })?;
        rows.collect()
    };
    let mut rows = read().map_err(|error| format!("{query}: {error}"))?;
    rows.sort();
    Ok(rows)
}

fn shown(value: Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => number.to_string(),
        Value::Blob(bytes) => format!("{bytes:02X?}"),
        Value::Text(text) if text.contains('.') => text
            .parse::<f64>()
            .map_or(text, |number| number.to_string()),
        Value::Text(text) => text,
    }
}

fn text_of(path: &PathBuf) -> Result<String, String> {
    let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(match bytes.as_slice() {
        [0xFF, 0xFE, rest @ ..] => {
            let units: Vec<u16> = rest
                .chunks_exact(2)
                .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
                .collect();
            String::from_utf16_lossy(&units)
        }
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        bytes => String::from_utf8_lossy(bytes).into_owned(),
    })
}
