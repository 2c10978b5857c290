//! What a user types and what comes of it.
//!
//! A `sh` fence holds a command, run by `sh` in a folder of its own that holds a copy of `examples/`, with `fletch` on the
//! PATH. The `text` fence after it is what it prints on both streams; `[exit N]` is its last line if it ends with another
//! code than 0. Times are shown as `TIME`.
//!
//! A case that names `$SQL_SERVER` has a SQL Server of its own at that address: the TDS test server ([`super::sql_server`]).
//!
//! `sh FLETCHING_TEST_FTP` needs a server that `scripts/setup ci` starts: where the variable is not set the case is shown
//! as ignored, with what it needs; where CI is `true` it fails.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use libtest_mimic::{Failed, Trial};
use tempfile::TempDir;

use super::{
    blessing, compare, files,
    markdown::{self, Case},
    sql_server, stem,
};

pub fn trials(folder: &Path) -> Vec<Trial> {
    let mut trials = Vec::new();
    for path in files(folder, "md") {
        for case in markdown::cases(&path) {
            let (path, name) = (
                path.clone(),
                format!("journey/{}: {}", stem(&path), case.title),
            );
            let missing = missing(&case);
            let kind = match missing.is_empty() {
                true => String::new(),
                false => format!("needs {}", missing.join(" ")),
            };
            let is_ci = std::env::var("CI").as_deref() == Ok("true");
            let ignored = !missing.is_empty() && !is_ci;
            let trial = Trial::test(name, move || check(&path, &case).map_err(Failed::from));
            trials.push(trial.with_kind(kind).with_ignored_flag(ignored));
        }
    }
    trials
}

/// The variables that a case needs and this machine has not.
fn missing(case: &Case) -> Vec<String> {
    let needed = case
        .of("sh")
        .flat_map(|fence| fence.name.split_whitespace());
    needed
        .filter(|name| std::env::var(name).map_or(true, |value| value.is_empty()))
        .map(str::to_owned)
        .collect()
}

fn check(path: &Path, case: &Case) -> Result<(), String> {
    let missing = missing(case);
    if !missing.is_empty() {
        let missing = missing.join(", ");
        return Err(format!(
            "{missing} is not set: run scripts/setup ci and `. target/servers/env`"
        ));
    }
    let folder = TempDir::new().map_err(|error| error.to_string())?;
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    copy(&examples, &folder.path().join("examples")).map_err(|error| error.to_string())?;
    let wants_server = |fence: &markdown::Fence| fence.text.contains("$SQL_SERVER");
    let server = match case.fences.iter().any(wants_server) {
        true => Some(sql_server::start(folder.path())?),
        false => None,
    };
    let mut steps = case.fences.iter().peekable();
    while let Some(step) = steps.next() {
        if step.language != "sh" {
            continue;
        }
        let address = server.as_ref().map(sql_server::address);
        let mut found = run(&step.text, folder.path(), address.as_deref())?;
        if let Some(server) = &server {
            found = found.replace(&format!("127.0.0.1:{}", server.port()), "SERVER");
        }
        let expected = steps
            .next_if(|fence| fence.language == "text")
            .ok_or("no ```text after ```sh")?;
        if blessing() {
            markdown::rewrite(path, &case.title, expected, &found);
        } else {
            compare(&step.text, &expected.text, &found)?;
        }
    }
    Ok(())
}

fn run(script: &str, folder: &Path, server: Option<&str>) -> Result<String, String> {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_fletch"));
    let beside = program.parent().unwrap_or(Path::new("/"));
    let path = format!(
        "{}:{}",
        beside.display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let output = Command::new("sh")
        .args(["-c", &format!("exec 2>&1\n{script}")])
        .current_dir(folder)
        .env("PATH", path)
        .envs(server.map(|address| ("SQL_SERVER", address)))
        .output()
        .map_err(|error| error.to_string())?;
    let mut text =
        String::from_utf8_lossy(&output.stdout).replace(&folder.display().to_string(), "DIR");
    text = without_times(&text);
    match output.status.code() {
        Some(0) => {}
        code => text.push_str(&format!("[exit {}]\n", code.unwrap_or(-1))),
    }
    Ok(text)
}

/// `0.039 s` -> `TIME`, with the blanks before it that align it.
fn without_times(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let cut = line.strip_suffix(" s").and_then(|line| {
            let (head, number) = line.rsplit_once(' ')?;
            let is_time = number.contains('.')
                && number.chars().all(|one| one.is_ascii_digit() || one == '.');
            is_time.then(|| format!("{} TIME", head.trim_end()))
        });
        out.push_str(&cut.unwrap_or_else(|| line.to_owned()));
        out.push('\n');
    }
    out
}

pub(super) fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_name() == "out" {
            // Empty, whatever somebody ran here.
            fs::create_dir(target)?;
        } else if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else if entry.metadata()?.len() < 16 << 20 {
            // The rows that a user made for the diamond stay where they are.
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
