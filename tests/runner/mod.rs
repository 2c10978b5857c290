//! What reads the spec files and carries out their cases.

pub mod components;
pub mod contract;
pub mod corpus;
pub mod custom;
mod database;
pub mod databases;
pub mod document;
pub mod expressions;
pub mod faults;
pub mod full_disk;
mod generated;
pub mod interrupted;
pub mod journeys;
pub mod killed;
mod markdown;
mod packages;
pub mod programs;
pub mod running;
mod sql_server;
mod table;
pub mod transactions;
pub mod tutorial;
pub mod waiting;

use std::path::{Path, PathBuf};

/// The files of a folder with an extension, in order of name.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries =
        std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    files.sort();
    assert!(
        !files.is_empty(),
        "{} has no .{extension} file",
        folder.display()
    );
    files
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn blessing() -> bool {
    std::env::var_os("FLETCHING_BLESS").is_some()
}

/// `Ok` if equal, else both with the first line that differs.
fn compare(what: &str, expected: &str, found: &str) -> Result<(), String> {
    if expected == found {
        return Ok(());
    }
    let line = expected
        .lines()
        .zip(found.lines())
        .take_while(|(one, other)| one == other)
        .count();
    Err(format!(
        "{what} differs at line {}\n--- expected\n{expected}--- found\n{found}---",
        line + 1
    ))
}
