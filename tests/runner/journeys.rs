//! What a user types and what comes of it.
//!
//! A `sh` fence holds a command, run by `sh` in a folder of its own that holds a copy of `examples/`, with `fletch` on the
//! PATH. The `text` fence after it is what it prints on both streams; `[exit N]` is its last line if it ends with another
//! code than 0. Times are shown as `TIME`.

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
    stem,
};

pub fn trials(folder: &Path) -> Vec<Trial> {
    let mut trials = Vec::new();
    for path in files(folder, "md") {
        for case in markdown::cases(&path) {
            let (path, name) = (
                path.clone(),
                format!("journey/{}: {}", stem(&path), case.title),
            );
            trials.push(Trial::test(name, move || {
                check(&path, &case).map_err(Failed::from)
            }));
        }
    }
    trials
}

fn check(path: &Path, case: &Case) -> Result<(), String> {
    let folder = TempDir::new().map_err(|error| error.to_string())?;
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    copy(&examples, &folder.path().join("examples")).map_err(|error| error.to_string())?;
    let mut steps = case.fences.iter().peekable();
    while let Some(step) = steps.next() {
        if step.language != "sh" {
            continue;
        }
        let found = run(&step.text, folder.path())?;
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

fn run(script: &str, folder: &Path) -> Result<String, String> {
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
