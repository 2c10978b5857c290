//! A package store: a folder whose folders and packages have paths as the SSIS service has them.

use std::path::{Path, PathBuf};

use fletching_connections::{FileKind, PathMap, package_files};

use crate::StoreError;

/// Name of the root folder that stands for the store itself, and of the one that is in SQL Server.
const FILE_SYSTEM: &str = "File System";
const MSDB: &str = "MSDB";
/// Extension of a package file.
const EXTENSION: &str = "dtsx";
/// Folders inside folders that a listing goes into.
const DEPTH_MAX: usize = 64;

/// A package store in the file system. Paths are taken without regard to case, `\` and `/` alike, with or without the
/// root folder `File System`.
#[derive(Debug)]
pub struct PackageStore {
    root: PathBuf,
    paths: PathMap,
}

/// A folder or package of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreEntry {
    /// From the listed folder, with `\` between names; a package without `.dtsx`.
    pub path: String,
    /// A folder, else a package.
    pub is_folder: bool,
}

impl PackageStore {
    /// The store of a folder.
    ///
    /// # Errors
    /// [`StoreError::NoStore`] if there is no such folder.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        if !is_folder(root)? {
            return Err(StoreError::NoStore {
                path: root.to_owned(),
            });
        }
        Ok(Self {
            root: root.to_owned(),
            paths: PathMap::new(root),
        })
    }

    /// The file of a package; it need not exist. `.dtsx` may be left out.
    ///
    /// # Errors
    /// [`StoreError::Msdb`], [`StoreError::Outside`] and [`StoreError::Path`] for paths that lead to no place in the store.
    pub fn package(&self, path: &str) -> Result<PathBuf, StoreError> {
        let found = self.resolve(path)?;
        let has_extension = found
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case(EXTENSION));
        if found == self.root {
            return Err(StoreError::Missing {
                path: found,
                what: "package",
            });
        }
        let is_file = matches!(kind(&found)?, Some(FileKind::File { .. }));
        if has_extension || is_file {
            return Ok(found);
        }
        self.resolve(&format!("{path}.{EXTENSION}"))
    }

    /// Whether there is a folder of that path.
    ///
    /// # Errors
    /// As [`package`](Self::package).
    pub fn has_folder(&self, path: &str) -> Result<bool, StoreError> {
        is_folder(&self.resolve(path)?)
    }

    /// Makes a folder in one that exists.
    ///
    /// # Errors
    /// As [`package`](Self::package); [`StoreError::Missing`], [`StoreError::Exists`], [`StoreError::Name`].
    pub fn create_folder(&self, parent: &str, name: &str) -> Result<(), StoreError> {
        let folder = self.child(parent, name)?;
        free(&folder)?;
        let created = package_files::create_folder(&folder);
        created.map_err(|error| StoreError::io("create", &folder, error))
    }

    /// Deletes a folder that holds nothing.
    ///
    /// # Errors
    /// As [`package`](Self::package); [`StoreError::Missing`], [`StoreError::NotEmpty`], [`StoreError::Name`].
    pub fn delete_folder(&self, parent: &str, name: &str) -> Result<(), StoreError> {
        let folder = self.child(parent, name)?;
        require_folder(&folder)?;
        if !package_files::content(&folder)?.is_empty() {
            return Err(StoreError::NotEmpty { path: folder });
        }
        let removed = package_files::remove_folder(&folder);
        removed.map_err(|error| StoreError::io("delete", &folder, error))
    }

    /// Gives a folder another name, in one step.
    ///
    /// # Errors
    /// As [`package`](Self::package); [`StoreError::Missing`], [`StoreError::Exists`], [`StoreError::Name`].
    pub fn rename_folder(&self, parent: &str, old: &str, new: &str) -> Result<(), StoreError> {
        let from = self.child(parent, old)?;
        require_folder(&from)?;
        let to = from.with_file_name(one_name(new)?);
        // A change of case only leads to the folder itself.
        if !old.eq_ignore_ascii_case(new) {
            free(&self.child(parent, new)?)?;
        }
        let renamed = package_files::rename(&from, &to);
        renamed.map_err(|error| StoreError::io("rename", &from, error))
    }

    /// The folders and packages in a folder, in order of name; with `recursive` those in its folders too.
    ///
    /// # Errors
    /// As [`package`](Self::package); [`StoreError::Missing`]; [`StoreError::Io`] for folders nested too deep.
    pub fn list(&self, path: &str, recursive: bool) -> Result<Vec<StoreEntry>, StoreError> {
        let start = self.resolve(path)?;
        require_folder(&start)?;
        let mut entries = Vec::new();
        let mut folders = vec![(start, String::new(), 0)];
        while let Some((folder, prefix, depth)) = folders.pop() {
            if depth > DEPTH_MAX {
                let error = std::io::Error::other("its folders are nested too deep");
                return Err(StoreError::io("list", &folder, error));
            }
            for (path, kind) in package_files::content(&folder)? {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let is_folder = kind == FileKind::Folder;
                let package = name.rsplit_once('.').filter(|(_, extension)| {
                    extension.eq_ignore_ascii_case(EXTENSION) && !is_folder
                });
                let name = match package {
                    Some((name, _)) => name,
                    None if is_folder => &name,
                    None => continue,
                };
                let shown = format!("{prefix}{name}");
                if is_folder && recursive {
                    folders.push((path.clone(), format!("{shown}\\"), depth + 1));
                }
                entries.push(StoreEntry {
                    path: shown,
                    is_folder,
                });
            }
        }
        entries.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(entries)
    }

    fn child(&self, parent: &str, name: &str) -> Result<PathBuf, StoreError> {
        let folder = self.resolve(parent)?;
        require_folder(&folder)?;
        self.resolve(&format!("{parent}\\{}", one_name(name)?))
    }

    fn resolve(&self, path: &str) -> Result<PathBuf, StoreError> {
        let mut names: Vec<&str> = path
            .split(['\\', '/'])
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .collect();
        if names.iter().any(|name| matches!(*name, "." | "..")) || path.contains(':') {
            return Err(StoreError::Outside {
                path: path.to_owned(),
            });
        }
        match names.first() {
            Some(first) if first.eq_ignore_ascii_case(MSDB) => {
                return Err(StoreError::Msdb {
                    path: path.to_owned(),
                });
            }
            Some(first) if first.eq_ignore_ascii_case(FILE_SYSTEM) => {
                names.remove(0);
            }
            _ => {}
        }
        if names.is_empty() {
            return Ok(self.root.clone());
        }
        Ok(self.paths.resolve(&names.join("\\"))?)
    }
}

fn one_name(name: &str) -> Result<&str, StoreError> {
    let name = name.trim();
    let is_bad = name.is_empty() || matches!(name, "." | "..") || name.contains(['\\', '/', ':']);
    match is_bad {
        true => Err(StoreError::Name {
            name: name.to_owned(),
        }),
        false => Ok(name),
    }
}

fn kind(path: &Path) -> Result<Option<FileKind>, StoreError> {
    package_files::kind(path).map_err(|error| StoreError::io("look for", path, error))
}

fn is_folder(path: &Path) -> Result<bool, StoreError> {
    Ok(kind(path)? == Some(FileKind::Folder))
}

fn require_folder(path: &Path) -> Result<(), StoreError> {
    match is_folder(path)? {
        true => Ok(()),
        false => Err(StoreError::Missing {
            path: path.to_owned(),
            what: "folder",
        }),
    }
}

fn free(path: &Path) -> Result<(), StoreError> {
    match kind(path)? {
        None => Ok(()),
        Some(_) => Err(StoreError::Exists {
            path: path.to_owned(),
        }),
    }
}
