//! A disk that fills while a package runs: loads of SQLite, flat and raw files, rows of a sort that wait on disk.
//!
//! ```text
//!  namespace of its own:  mount a small disk in memory ─ run ─ what is left there is copied out ─▶ looked at
//! ```
//!
//! `unshare` and `mount` make the disk, which needs no rights; where the system forbids it, a machine that is no CI does
//! without. SQLite itself counts the rows.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use libtest_mimic::{Failed, Trial};
use rusqlite::Connection;
use tempfile::TempDir;

use super::{
    journeys::copy,
    packages::{Flow, Package, sql},
};

type Check = fn(&Path) -> Result<(), String>;

const TRIALS: [(&str, Check); 7] = [
    ("a load, which is undone", |folder| load(folder, 0, false)),
    (
        "a load through a retained connection, which goes on",
        |folder| load(folder, 0, true),
    ),
    (
        "a load of several commits, of which whole ones stay",
        |folder| load(folder, 1000, false),
    ),
    ("rows of a command", command),
    ("a flat file, which stays as it was", flat_file),
    ("a raw file, which is not made", raw_file),
    ("a sort that spills", spill),
];

pub fn trials() -> Vec<Trial> {
    TRIALS
        .iter()
        .map(|(name, check)| {
            Trial::test(format!("full disk: {name}"), move || {
                let folder = TempDir::new().map_err(|error| Failed::from(error.to_string()))?;
                check(folder.path()).map_err(Failed::from)
            })
        })
        .collect()
}

/// Runs with a disk of `size` at `small`, which begins with what `small` holds and of which `left` has what is there at the
/// end. `None` where no disk can be made.
fn run(folder: &Path, size: &str, arguments: &[&str]) -> Result<Option<Output>, String> {
    for name in ["small", "left"] {
        fs::create_dir_all(folder.join(name)).map_err(|error| error.to_string())?;
    }
    let script = "cp -a small seed && mount -t tmpfs -o size=$0 none small && cp -a seed/. small/ || exit 99; \
                  \"$@\"; code=$?; cp -a small/. left/; exit $code";
    let output = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", script, size])
        .arg(env!("CARGO_BIN_EXE_fletch"))
        .args(arguments)
        .current_dir(folder)
        .env("TMPDIR", folder.join("small"))
        .output();
    let refused = match output {
        Ok(output) if output.status.code() != Some(99) && !denied(&output) => {
            return Ok(Some(output));
        }
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    match std::env::var("CI").as_deref() {
        Ok("true") => Err(format!("no small disk can be made: {refused}")),
        _ => {
            println!("skipped: no small disk can be made: {refused}");
            Ok(None)
        }
    }
}

fn denied(output: &Output) -> bool {
    output.stderr.starts_with(b"unshare:")
}

/// The run failed, and said so.
fn failed(output: &Output, words: &[&str]) -> Result<(), String> {
    let said = String::from_utf8_lossy(&output.stderr);
    let missing = words.iter().find(|word| !said.contains(**word));
    match (output.status.code(), missing) {
        (Some(1), None) => Ok(()),
        (code, missing) => Err(format!("code {code:?}, {missing:?} is not said: {said}")),
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn write(folder: &Path, package: &Package) {
    fs::write(folder.join("Package.dtsx"), package.text()).unwrap();
}

/// A package with a flat file of 60,000 rows to read.
fn package(folder: &Path, out: &str) -> Package {
    let rows = (0..60_000_u32).map(|row| format!("{row},n{}\n", row.wrapping_mul(2_654_435_761)));
    let text = "id,name\n".to_owned() + &rows.collect::<String>();
    fs::write(folder.join("in.csv"), text).unwrap();
    Package::default()
        .file("In", "in.csv", None)
        .file("Out", out, None)
}

/// With a database on the small disk: a task makes `t` with a row, another adds one when the flow has failed.
fn with_table(folder: &Path, flow: &str, retained: bool) -> Package {
    let make = "CREATE TABLE t (id int, name varchar(20)); INSERT INTO t VALUES (-1, 'before')";
    let mut package = package(folder, "out.csv").database("Db", "sqlite:small/shop.db");
    if retained {
        let address = r#"DTS:ConnectionString="sqlite"#;
        let kept = format!(r#"DTS:Retain="True" {address}"#);
        package.managers = package.managers.replace(address, &kept);
    }
    package
        .task(&sql("Package\\Make", "Db", make, ""))
        .task(flow)
        .task(&sql(
            "Package\\After",
            "Db",
            "INSERT INTO t VALUES (-2, 'after')",
            "",
        ))
        .then("Make", "Load", 0)
        .then("Load", "After", 1)
}

/// Of the ids of the file the first so many are in, and both rows of the tasks.
fn counted(folder: &Path) -> Result<i64, String> {
    let file = folder.join("left/shop.db");
    let connection = Connection::open(file).map_err(|error| error.to_string())?;
    let sql = "SELECT count(*), count(DISTINCT id), max(id), sum(id < 0) FROM t";
    let found: (i64, i64, i64, i64) = connection
        .query_row(sql, [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .map_err(|error| error.to_string())?;
    let sound: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .map_err(|error| error.to_string())?;
    match found {
        (rows, ids, last, 2) if rows == ids && last == (rows - 3).max(-1) && sound == "ok" => {
            Ok(rows - 2)
        }
        found => Err(format!("(rows, ids, last, tasks') = {found:?}, {sound}")),
    }
}

/// `commit`: rows of a transaction, 0 for all.
fn load(folder: &Path, commit: u32, retained: bool) -> Result<(), String> {
    let flow = Flow::new("Package\\Load")
        .read_file("Read", "In")
        .write_table("Write", "Db", "t", commit, None)
        .task("");
    write(folder, &with_table(folder, &flow, retained));
    let Some(output) = run(folder, "600k", &["run", "--quiet", "Package.dtsx"])? else {
        return Ok(());
    };
    failed(
        &output,
        &["0xC0202009", "disk is full", "Package\\Load\\Write"],
    )?;
    match (commit, counted(folder)?) {
        (0, 0) => Ok(()),
        (1.., rows @ 1..60_000) if rows % i64::from(commit) == 0 => Ok(()),
        (_, rows) => Err(format!("{rows} rows of a load with commits of {commit}")),
    }
}

fn command(folder: &Path) -> Result<(), String> {
    let flow = Flow::new("Package\\Load")
        .read_file("Read", "In")
        .command("Each", "Db", "INSERT INTO t (id, name) VALUES (?, ?)")
        .task("");
    write(folder, &with_table(folder, &flow, true));
    let Some(output) = run(folder, "600k", &["run", "--quiet", "Package.dtsx"])? else {
        return Ok(());
    };
    failed(
        &output,
        &["0xC0202009", "disk is full", "Package\\Load\\Each"],
    )?;
    match counted(folder)? {
        rows if rows < 60_000 => Ok(()),
        rows => Err(format!("{rows} rows on a full disk")),
    }
}

fn flat_file(folder: &Path) -> Result<(), String> {
    let flow = Flow::new("Package\\Load")
        .read_file("Read", "In")
        .write_file("Write", "Out")
        .task("");
    write(folder, &package(folder, "small/out.csv").task(&flow));
    fs::create_dir(folder.join("small")).unwrap();
    fs::write(folder.join("small/out.csv"), "id,name\n7,before\n").unwrap();
    let Some(output) = run(folder, "200k", &["run", "--quiet", "Package.dtsx"])? else {
        return Ok(());
    };
    failed(
        &output,
        &["0xC0202053", "No space left", "Package\\Load\\Write"],
    )?;
    let found = fs::read_to_string(folder.join("left/out.csv")).unwrap_or_default();
    match (found.as_str(), names(&folder.join("left")).as_slice()) {
        ("id,name\n7,before\n", [_]) => Ok(()),
        found => Err(format!("{found:?} is left")),
    }
}

fn raw_file(folder: &Path) -> Result<(), String> {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/staging");
    copy(&example, folder).map_err(|error| error.to_string())?;
    let settings = folder.join("fletching.toml");
    let text = fs::read_to_string(&settings).map_err(|error| error.to_string())?;
    let text = text.replace("\"out\"", "\"small\"");
    fs::write(settings, text).map_err(|error| error.to_string())?;
    let Some(output) = run(folder, "32k", &["run", "--quiet", "Staging.dtsx"])? else {
        return Ok(());
    };
    failed(&output, &["0xC020205D", "No space left", "Write raw"])?;
    match names(&folder.join("left")) {
        left if left.is_empty() => Ok(()),
        left => Err(format!("{left:?} are left")),
    }
}

fn spill(folder: &Path) -> Result<(), String> {
    let flow = Flow::new("Package\\Load")
        .read_file("Read", "In")
        .sort("Order")
        .write_file("Write", "Out")
        .task("");
    write(folder, &package(folder, "out.csv").task(&flow));
    let arguments = ["run", "--quiet", "--memory", "600KiB", "Package.dtsx"];
    let Some(output) = run(folder, "300k", &arguments)? else {
        return Ok(());
    };
    failed(&output, &["0xC0048013", "No space left", "TMPDIR"])?;
    let made = folder.join("out.csv").exists();
    match (made, names(&folder.join("left")).as_slice()) {
        (false, []) => Ok(()),
        found => Err(format!("(out.csv, temporary files) = {found:?}")),
    }
}
