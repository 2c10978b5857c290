//! What the checks look at: the Cargo files and the Rust files of the workspace, read once.

#![expect(
    clippy::disallowed_methods,
    reason = "reads the house itself; no package is involved"
)]

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use crate::tidy::source::Source;

/// Folders of crates that may use all, and that nobody builds on.
const FREE: &[&str] = &["tests/", "benches/", "xtask/"];

/// The repository as the checks see it. Paths are relative to its root, with `/`.
pub(crate) struct Tree {
    pub(crate) root: PathBuf,
    pub(crate) crates: Vec<Crate>,
    pub(crate) workspace: Manifest,
    pub(crate) lock: Manifest,
}

/// One member of the workspace.
pub(crate) struct Crate {
    pub(crate) name: String,
    pub(crate) manifest: Manifest,
    /// Every `.rs` file below the crate's folder, and of its tests that stand beside it, in the order of their paths.
    pub(crate) files: Vec<Source>,
}

/// A TOML file: as text, for line numbers, and as values.
pub(crate) struct Manifest {
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) table: toml::Table,
}

impl Manifest {
    fn read(root: &Path, path: String) -> Result<Self, TreeError> {
        let text = read(root, &path)?;
        let table = text.parse().map_err(|error: toml::de::Error| TreeError {
            path: path.clone(),
            fault: error.to_string(),
        })?;
        Ok(Self { path, text, table })
    }

    /// The number of the first line for which `wanted` holds; 1 if there is none.
    pub(crate) fn line(&self, wanted: impl Fn(&str) -> bool) -> usize {
        self.text
            .lines()
            .position(|line| wanted(line.trim()))
            .map_or(1, |index| index + 1)
    }

    /// The line of a dependency; also of a table by its header.
    pub(crate) fn line_of_entry(&self, name: &str) -> usize {
        self.line(|line| {
            let rest = line.strip_prefix(name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', ' ', '=']))
                || line.contains(&format!("\"{name}\""))
                || line.ends_with(&format!("dependencies.{name}]"))
        })
    }
}

/// A file that could not be read.
#[derive(Debug)]
pub(crate) struct TreeError {
    path: String,
    fault: String,
}

impl fmt::Display for TreeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.fault)
    }
}

impl Tree {
    /// Reads the repository that this crate stands in.
    pub(crate) fn read() -> Result<Self, TreeError> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let workspace = Manifest::read(&root, "Cargo.toml".to_owned())?;
        let members = workspace
            .table
            .get("workspace")
            .and_then(|workspace| workspace.get("members")?.as_array())
            .into_iter()
            .flatten()
            .filter_map(toml::Value::as_str);
        let crates = members
            .map(|folder| Crate::read(&root, folder))
            .collect::<Result<_, _>>()?;
        let lock = Manifest::read(&root, "Cargo.lock".to_owned())?;
        Ok(Self {
            root,
            crates,
            workspace,
            lock,
        })
    }

    /// Every Rust file of every crate.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &Source> {
        self.crates.iter().flat_map(|member| &member.files)
    }

    pub(crate) fn file_count(&self) -> usize {
        self.sources().count()
    }
}

impl Crate {
    /// A crate of tests, of benches, or of the house itself.
    pub(crate) fn is_free(&self) -> bool {
        let path = &self.manifest.path;
        FREE.iter().any(|folder| path.starts_with(folder))
    }

    fn read(root: &Path, folder: &str) -> Result<Self, TreeError> {
        let manifest = Manifest::read(root, format!("{folder}/Cargo.toml"))?;
        let name = manifest
            .table
            .get("package")
            .and_then(|package| package.get("name")?.as_str())
            .unwrap_or(folder)
            .to_owned();
        let mut paths = Vec::new();
        rust_files(root, folder, &mut paths)?;
        for beside in folders_beside(&manifest) {
            rust_files(root, &beside, &mut paths)?;
        }
        paths.sort();
        let files = paths
            .into_iter()
            .map(|path| Ok(Source::new(read(root, &path)?, path)))
            .collect::<Result<_, TreeError>>()?;
        Ok(Self {
            name,
            manifest,
            files,
        })
    }
}

/// Folders next to the crate's own that hold its tests or benches: `tests` of `path = "../tests/main.rs"`.
fn folders_beside(manifest: &Manifest) -> Vec<String> {
    ["test", "bench", "example"]
        .iter()
        .filter_map(|kind| manifest.table.get(*kind)?.as_array())
        .flatten()
        .filter_map(|target| {
            let path = target.get("path")?.as_str()?.strip_prefix("../")?;
            Some(path.rsplit_once('/')?.0.to_owned())
        })
        .collect()
}

fn rust_files(root: &Path, folder: &str, found: &mut Vec<String>) -> Result<(), TreeError> {
    let fail = |error: io::Error| TreeError {
        path: folder.to_owned(),
        fault: error.to_string(),
    };
    for entry in fs::read_dir(root.join(folder)).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{folder}/{name}");
        if entry.file_type().map_err(fail)?.is_dir() {
            rust_files(root, &path, found)?;
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
    Ok(())
}

fn read(root: &Path, path: &str) -> Result<String, TreeError> {
    fs::read_to_string(root.join(path)).map_err(|error| TreeError {
        path: path.to_owned(),
        fault: error.to_string(),
    })
}
