//! Packages that run in other processes: listed from their beginning to their end, stopped by `fletch running --stop`, and
//! gone when their process was killed.

use std::{
    collections::BTreeSet,
    fmt::Write,
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use libtest_mimic::{Failed, Trial};
use serde_json::Value;
use tempfile::TempDir;

use super::packages::{Flow, Package, sql};

const ROWS: u32 = 1_500_000;
/// How long something may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub fn trials() -> Vec<Trial> {
    type Check = fn(&Path) -> Result<(), String>;
    let trials: [(&str, Check); 2] = [
        ("two processes are listed, one stopped, one killed", listed),
        ("a folder that is not ours", not_ours),
    ];
    let trials = trials.map(|(name, check)| {
        Trial::test(format!("running: {name}"), move || {
            let folder = TempDir::new()?;
            check(folder.path()).map_err(Failed::from)
        })
    });
    trials.into()
}

fn fletch(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fletch"));
    command
        .args(arguments)
        .current_dir(folder)
        .env("FLETCHING_RUN_DIR", folder.join("runs"))
        .stdin(Stdio::null());
    command
}

fn output(folder: &Path, arguments: &[&str]) -> Result<Output, String> {
    let output = fletch(folder, arguments).output();
    output.map_err(|error| error.to_string())
}

fn start(folder: &Path, package: &str) -> Result<Child, String> {
    let mut command = fletch(folder, &["run", "--quiet", package]);
    let started = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    started.map_err(|error| error.to_string())
}

/// What is listed: process and id of each run.
fn running(folder: &Path) -> Result<Vec<(u64, String)>, String> {
    let output = output(folder, &["running", "--format", "json"])?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut found = Vec::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        wanted(&line, line["package_name"] == "Package", "the name")?;
        wanted(&line, line["package_id"] == "{P}", "the id")?;
        wanted(&line, line["answers"] == true, "an answer")?;
        wanted(
            &line,
            line["execution_duration"].as_f64() >= Some(0.0),
            "a duration",
        )?;
        let process = line["process_id"].as_u64().unwrap_or_default();
        let id = line["instance_id"].as_str().unwrap_or_default();
        found.push((process, id.to_owned()));
    }
    Ok(found)
}

fn wanted(found: &dyn std::fmt::Debug, holds: bool, what: &str) -> Result<(), String> {
    match holds {
        true => Ok(()),
        false => Err(format!("wanted is {what}: {found:?}")),
    }
}

fn wait_for(what: &str, mut holds: impl FnMut() -> Result<bool, String>) -> Result<(), String> {
    let until = Instant::now() + PATIENCE;
    while !holds()? {
        if Instant::now() > until {
            return Err(format!("it does not come: {what}"));
        }
        sleep(Duration::from_millis(5));
    }
    Ok(())
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name());
    names
        .map(|name| name.to_string_lossy().into_owned())
        .collect()
}

/// A package that copies a large file, and one whose statement takes long.
fn write(folder: &Path) {
    let mut text = "id,name\n".to_owned();
    (0..ROWS).for_each(|row| {
        let _ = writeln!(text, "{row},n{}", row.wrapping_mul(2_654_435_761));
    });
    fs::write(folder.join("in.csv"), text).unwrap();
    let copy = Flow::new("Package\\Copy")
        .read_file("Read", "In")
        .sort("Order")
        .write_file("Write", "Out")
        .task("");
    let copy = Package::default()
        .file("In", "in.csv", None)
        .file("Out", "out.csv", None)
        .task(&copy);
    fs::write(folder.join("Copy.dtsx"), copy.text()).unwrap();
    let busy = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 4000000000) SELECT max(n) FROM c";
    let long = Package::default()
        .database("Db", "sqlite::memory:")
        .task(&sql("Package\\Long", "Db", busy, ""));
    fs::write(folder.join("Long.dtsx"), long.text()).unwrap();
}

fn listed(folder: &Path) -> Result<(), String> {
    write(folder);
    let before = names(folder);
    let mut copy = start(folder, "Copy.dtsx")?;
    let mut long = start(folder, "Long.dtsx")?;
    let checked = both(folder, &mut copy, &mut long);
    // Whatever came of it, nothing stays.
    for process in [&mut copy, &mut long] {
        process.kill().ok();
        process.wait().ok();
    }
    checked?;
    wanted(
        &running(folder)?,
        running(folder)?.is_empty(),
        "nothing after a kill",
    )?;
    let left = names(&folder.join("runs"));
    wanted(&left, left.is_empty(), "no socket")?;
    let mut after = names(folder);
    after.remove("runs");
    wanted(&after, after == before, "no half file")?;
    let none = output(folder, &["running", "--stop", "0"])?;
    let told = String::from_utf8_lossy(&none.stderr);
    let is_told = none.status.code() == Some(4) && told.contains("no package is running");
    wanted(&none, is_told, "nothing to stop")
}

/// Both are listed; the one that copies is stopped.
fn both(folder: &Path, copy: &mut Child, long: &mut Child) -> Result<(), String> {
    let ids = [u64::from(copy.id()), u64::from(long.id())];
    let mut found = Vec::new();
    wait_for("two packages that run", || {
        found = running(folder)?;
        let processes: BTreeSet<u64> = found.iter().map(|(process, _)| *process).collect();
        Ok(processes == BTreeSet::from(ids))
    })?;
    let mut of_copy = found.iter().filter(|(process, _)| *process == ids[0]);
    let id = of_copy
        .next()
        .map(|(_, id)| id.as_str())
        .unwrap_or_default();
    // A part of an id that is of one run only, without its brace.
    let stopped = output(folder, &["running", "--stop", id.get(1..20).unwrap_or(id)])?;
    wanted(&stopped, stopped.status.success(), "a run that stops")?;
    wait_for("the end of what was stopped", || {
        let ended = copy.try_wait().map_err(|error| error.to_string())?;
        Ok(ended.is_some())
    })?;
    let code = copy.wait().map_err(|error| error.to_string())?.code();
    wanted(&code, code == Some(3), "a run that was cancelled")?;
    let found = running(folder)?;
    let is_other = matches!(found.as_slice(), [(process, _)] if *process == ids[1]);
    wanted(&found, is_other, "the other one")
}

/// The run goes on, and says that it is not listed.
fn not_ours(folder: &Path) -> Result<(), String> {
    let package = Package::default().database("Db", "sqlite::memory:");
    let package = package.task(&sql("Package\\One", "Db", "SELECT 1", ""));
    fs::write(folder.join("One.dtsx"), package.text()).unwrap();
    let runs = folder.join("runs");
    fs::create_dir(&runs).unwrap();
    fs::set_permissions(&runs, PermissionsExt::from_mode(0o777)).unwrap();
    let run = output(folder, &["run", "One.dtsx"])?;
    let told = String::from_utf8_lossy(&run.stdout).into_owned();
    wanted(&run, run.status.success(), "a run that succeeds")?;
    let says = told.contains("warning: the run is not listed") && told.contains("chmod 700");
    wanted(&told, says, "a warning")?;
    let list = output(folder, &["running"])?;
    wanted(&list, list.status.code() == Some(1), "an error")?;
    fs::remove_dir(&runs).unwrap();
    let run = output(folder, &["run", "One.dtsx"])?;
    let told = String::from_utf8_lossy(&run.stdout).into_owned();
    wanted(&told, !told.contains("warning"), "no warning")?;
    let mode = fs::metadata(&runs).unwrap().permissions().mode() & 0o777;
    wanted(&mode, mode == 0o700, "a folder of one user")
}
