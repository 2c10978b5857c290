//! Every public package of the corpus loads, and writing it gives back what was read. The corpus lies outside the
//! repository: in `$FLETCHING_SHARED/corpus`, else in `shared/corpus` beside the repository. Without it this test only
//! says so, except in CI, where it fails.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that reads the corpus and says what it found"
)]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use dtsx::{ConnectionManager, Document, Error, Package, Payload, Project};

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            files_below(&entry.path(), found);
        } else {
            found.push(entry.path());
        }
    }
}

/// The corpus, and the folders listed in `FLETCHING_CORPUS_MORE` (separated by `:`).
fn corpus() -> Vec<PathBuf> {
    let shared = std::env::var_os("FLETCHING_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
        PathBuf::from,
    );
    let more = std::env::var_os("FLETCHING_CORPUS_MORE").unwrap_or_default();
    let folders = std::iter::once(shared.join("corpus")).chain(std::env::split_paths(&more));
    let mut files = Vec::new();
    for folder in folders.filter(|folder| folder.is_dir()) {
        files_below(&folder, &mut files);
    }
    if files.is_empty() {
        println!(
            "the corpus is absent: no {}",
            shared.join("corpus").display()
        );
        assert!(
            std::env::var_os("CI").is_none(),
            "the corpus must be present in CI"
        );
    }
    files.sort();
    files
}

fn with_extension<'a>(files: &'a [PathBuf], wanted: &'a str) -> impl Iterator<Item = &'a PathBuf> {
    files.iter().filter(move |file| {
        let extension = file.extension().unwrap_or_default();
        extension.eq_ignore_ascii_case(wanted)
    })
}

/// What is wrong with a package, or its format.
fn verdict(bytes: &[u8]) -> Result<u32, String> {
    let package = Package::read(bytes).map_err(|error| error.to_string())?;
    let written = package.write();
    let again = Document::read(&written).map_err(|error| format!("written: {error}"))?;
    if again.canonical() != package.document().canonical() {
        return Err("the canonical forms differ".to_owned());
    }
    if written != bytes {
        return Err("not byte for byte".to_owned());
    }
    if package.sealed().is_empty() && package.executables().count() == 0 {
        return Err("no executable".to_owned());
    }
    for executable in package.executables() {
        if let Payload::DataFlow(flow) = &executable.payload {
            for path in &flow.paths {
                let starts = flow
                    .components
                    .iter()
                    .flat_map(|component| &component.outputs);
                if !starts.into_iter().any(|output| output.id == path.start_id) {
                    return Err(format!("path {} starts nowhere", path.name));
                }
            }
        }
    }
    Ok(package.format_version())
}

#[test]
fn packages_load_and_round_trip() {
    let files = corpus();
    let mut formats = BTreeMap::<u32, usize>::new();
    let mut failures = Vec::new();
    for file in with_extension(&files, "dtsx") {
        match verdict(&fs::read(file).unwrap()) {
            Ok(format) => *formats.entry(format).or_default() += 1,
            Err(reason) => failures.push(format!("{}: {reason}", file.display())),
        }
    }
    println!("packages by format: {formats:?}");
    assert!(
        failures.is_empty(),
        "{} failures:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

/// Errors of a project's files; a file that the repository lacks is not one.
fn broken(project: &Project) -> impl Iterator<Item = String> + '_ {
    let real = project
        .broken
        .iter()
        .filter(|(_, error)| !matches!(error, Error::Entry { .. }));
    real.map(|(_, error)| error.to_string())
}

#[test]
fn projects_open() {
    let files = corpus();
    let (mut opened, mut packages, mut failures) = (0, 0, Vec::new());
    let mut note = |file: &Path, result: Result<Project, Error>| match result {
        Ok(project) => {
            opened += 1;
            packages += project.packages.len();
            failures.extend(broken(&project).map(|error| format!("{}: {error}", file.display())));
        }
        Err(error) => failures.push(format!("{}: {error}", file.display())),
    };
    for file in with_extension(&files, "ispac") {
        note(file, Project::open_ispac(&fs::read(file).unwrap()));
    }
    for file in with_extension(&files, "dtproj") {
        let mut folder = vec![(name_of(file), fs::read(file).unwrap())];
        for other in fs::read_dir(file.parent().unwrap()).unwrap() {
            let other = other.unwrap().path();
            if other.is_file()
                && !with_extension(std::slice::from_ref(&other), "dtproj").any(|_| true)
            {
                folder.push((name_of(&other), fs::read(&other).unwrap()));
            }
        }
        note(file, Project::read_folder(&folder));
    }
    for file in with_extension(&files, "conmgr") {
        if let Err(error) = ConnectionManager::read(&fs::read(file).unwrap()) {
            failures.push(format!("{}: {error}", file.display()));
        }
    }
    println!("{opened} projects with {packages} packages");
    assert!(
        failures.is_empty(),
        "{} failures:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

fn name_of(file: &Path) -> String {
    file.file_name().unwrap().to_string_lossy().into_owned()
}
