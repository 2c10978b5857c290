//! Whole folders. What is in one is listed and looked at before anything is touched.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use super::{FileOperationError, FileOperationFault, FileOperations, Result, Touched, fault};
use crate::{FileHandle, FileKind, Files, open_error::folder_of, staged_file::name_beside};

/// Folders within a folder.
const DEPTH_MAX: usize = 128;

/// What is looked at of a file before it is deleted.
const START_BYTES: usize = 128;

/// A file that may be deleted.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub path: PathBuf,
    pub modified: SystemTime,
    /// Its first bytes.
    pub start: Vec<u8>,
}

/// Something in a folder, by its path below it.
#[derive(Debug)]
struct Entry {
    below: PathBuf,
    kind: EntryKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EntryKind {
    File {
        read_only: bool,
    },
    Folder,
    /// Whatever it leads to.
    Link,
    Device,
}

/// A folder that is being made beside its place; removed when dropped.
struct StagedFolder<'a> {
    files: &'a Arc<dyn Files>,
    path: PathBuf,
    /// What is in it, in the order in which it was made.
    made: Vec<(PathBuf, EntryKind)>,
}

impl Drop for StagedFolder<'_> {
    /// A failure here has nobody to tell; the name of a leftover says what it is.
    fn drop(&mut self) {
        for (path, kind) in self.made.iter().rev() {
            match kind {
                EntryKind::Folder => self.files.remove_folder(path).ok(),
                _ => self.files.remove(path).ok(),
            };
        }
        self.files.remove_folder(&self.path).ok();
    }
}

/// Writes straight into a file.
struct Plain(Box<dyn FileHandle>);

impl Write for Plain {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_all(bytes).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl FileOperations {
    /// Makes a folder, and those around it that are missing; `use_existing`: one that is there will do.
    ///
    /// # Errors
    /// [`FileOperationError`]
    pub fn create_folder(&self, path: &Path, use_existing: bool) -> Result<Touched> {
        match self.found(path)? {
            Some(FileKind::Folder) if use_existing => return Ok(Touched::default()),
            Some(FileKind::Folder) => return Err(fault(path, FileOperationFault::Exists)),
            Some(_) => return Err(fault(path, FileOperationFault::IsFile)),
            None => {}
        }
        let mut touched = Touched::default();
        let mut missing = vec![path];
        let mut around = folder_of(path);
        while self.found(around)?.is_none() && around != folder_of(around) {
            missing.push(around);
            around = folder_of(around);
        }
        for folder in missing.into_iter().rev() {
            let made = self.files.create_folder(folder);
            made.map_err(|error| self.io(folder, error))?;
            touched.folders += 1;
        }
        Ok(touched)
    }

    /// Copies what is in a folder into another one, which is made if it is missing. Files that are there already are
    /// replaced if `overwrite`, else they are an error.
    ///
    /// # Errors
    /// [`FileOperationError`]; the destination is as it was, unless the last step, which renames, failed midway.
    pub fn copy_folder(&self, from: &Path, to: &Path, overwrite: bool) -> Result<Touched> {
        let entries = self.list(from)?;
        let exists = self.receives(from, to, &entries, overwrite)?;
        let mut touched = Touched::default();
        if self.found(folder_of(to))?.is_none() {
            touched = self.create_folder(folder_of(to), true)?;
        }
        let staged = self.stage_folder(from, to, &entries)?;
        if !exists {
            let renamed = self.files.rename_new(&staged.path, to);
            renamed.map_err(|error| self.io(to, error))?;
            touched.folders += 1;
        }
        for entry in &entries {
            let target = to.join(&entry.below);
            match entry.kind {
                EntryKind::Folder if exists && self.found(&target)?.is_some() => continue,
                EntryKind::Folder => touched.folders += 1,
                _ => touched.files += 1,
            }
            if exists {
                let placed = match entry.kind {
                    EntryKind::Folder => self.files.create_folder(&target),
                    _ => self.files.rename(&staged.path.join(&entry.below), &target),
                };
                placed.map_err(|error| self.io(&target, error))?;
            }
        }
        Ok(touched)
    }

    /// Moves a folder to a name that is free. One that is there gets what is in the source, if `overwrite`.
    ///
    /// # Errors
    /// [`FileOperationError`]; as for [`copy_folder`](Self::copy_folder).
    pub fn move_folder(&self, from: &Path, to: &Path, overwrite: bool) -> Result<Touched> {
        let entries = self.list(from)?;
        let exists = self.receives(from, to, &entries, overwrite)?;
        if exists && !overwrite {
            return Err(fault(to, FileOperationFault::Exists));
        }
        if !exists {
            match self.files.rename_new(from, to) {
                Ok(()) => return Ok(counted(&entries, 1)),
                Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {}
                Err(error) => return Err(self.io(to, error)),
            }
        }
        self.deletable(from, &entries)?;
        let touched = self.copy_folder(from, to, overwrite)?;
        self.delete_folder(from)?;
        Ok(touched)
    }

    /// Deletes a folder with all that is in it; of a link only the link.
    ///
    /// # Errors
    /// [`FileOperationError`]
    pub fn delete_folder(&self, path: &Path) -> Result<Touched> {
        if self.files.is_link(path).unwrap_or(false) {
            let removed = self.files.remove(path);
            removed.map_err(|error| self.io(path, error))?;
            return Ok(Touched {
                files: 0,
                folders: 1,
            });
        }
        let mut touched = self.empty_folder(path)?;
        let removed = self.files.remove_folder(path);
        removed.map_err(|error| self.io(path, error))?;
        touched.folders += 1;
        Ok(touched)
    }

    /// Deletes what is in a folder.
    ///
    /// # Errors
    /// [`FileOperationError`]; nothing is deleted if something in it is read-only.
    pub fn empty_folder(&self, path: &Path) -> Result<Touched> {
        let canonical = self.files.canonical(path);
        let canonical = canonical.map_err(|error| self.io(path, error))?;
        if canonical.parent().is_none() {
            return Err(fault(path, FileOperationFault::Root));
        }
        let entries = self.list(path)?;
        self.deletable(path, &entries)?;
        for entry in entries.iter().rev() {
            let target = path.join(&entry.below);
            self.go_on(&target)?;
            let removed = match entry.kind {
                EntryKind::Folder => self.files.remove_folder(&target),
                _ => self.files.remove(&target),
            };
            removed.map_err(|error| self.io(&target, error))?;
        }
        Ok(counted(&entries, 0))
    }

    /// Deletes the files of a folder, and of the folders in it if `inner`, that `wanted` says. Links stay.
    ///
    /// # Errors
    /// [`FileOperationError`]; files before that which failed are deleted.
    pub fn delete_files(
        &self,
        folder: &Path,
        inner: bool,
        wanted: &mut dyn FnMut(&Candidate) -> bool,
    ) -> Result<Touched> {
        let mut touched = Touched::default();
        for entry in self.list(folder)? {
            let depth = entry.below.components().count();
            let deep = depth > if inner { 2 } else { 1 };
            let EntryKind::File { .. } = entry.kind else {
                continue;
            };
            if deep {
                continue;
            }
            let path = folder.join(&entry.below);
            let candidate = self.candidate(path)?;
            if wanted(&candidate) {
                let deleted = self.delete_file(&candidate.path)?;
                touched.files += deleted.files;
            }
        }
        Ok(touched)
    }

    fn candidate(&self, path: PathBuf) -> Result<Candidate> {
        self.go_on(&path)?;
        let fail = |error| self.io(&path, error);
        let modified = self.files.modified(&path).map_err(fail)?;
        let mut start = vec![0; START_BYTES];
        let file = self.files.open_read(&path).map_err(fail)?;
        let read = file.read_at(&mut start, 0).map_err(fail)?;
        start.truncate(read);
        Ok(Candidate {
            path,
            modified,
            start,
        })
    }

    fn deletable(&self, folder: &Path, entries: &[Entry]) -> Result<()> {
        let mut entries = entries.iter();
        let locked = entries.find(|entry| entry.kind == EntryKind::File { read_only: true });
        match locked {
            Some(entry) => Err(fault(
                &folder.join(&entry.below),
                FileOperationFault::ReadOnly,
            )),
            None => Ok(()),
        }
    }

    /// Whether `to` is there to receive what is in `from`.
    ///
    /// # Errors
    /// What stands in the way, before anything is touched.
    fn receives(&self, from: &Path, to: &Path, entries: &[Entry], overwrite: bool) -> Result<bool> {
        if self.is_same(from, to) {
            return Err(fault(to, FileOperationFault::Same));
        }
        let canonical = |path: &Path| self.files.canonical(path).ok();
        let inner = to.ancestors().find_map(canonical);
        if let (Some(outer), Some(inner)) = (canonical(from), inner)
            && inner.starts_with(outer)
        {
            return Err(fault(to, FileOperationFault::Within));
        }
        match self.found(to)? {
            None => return Ok(false),
            Some(FileKind::Folder) => {}
            Some(_) => return Err(fault(to, FileOperationFault::IsFile)),
        }
        for entry in entries {
            let target = to.join(&entry.below);
            let Some(found) = self.found(&target)? else {
                continue;
            };
            match (entry.kind, found) {
                (EntryKind::Folder, FileKind::Folder) => {}
                (EntryKind::Folder, _) => return Err(fault(&target, FileOperationFault::IsFile)),
                (_, FileKind::Folder) => return Err(fault(&target, FileOperationFault::IsFolder)),
                _ if !overwrite => return Err(fault(&target, FileOperationFault::Exists)),
                (_, found) => self.writable(&target, found)?,
            }
        }
        Ok(true)
    }

    fn stage_folder(&self, from: &Path, to: &Path, entries: &[Entry]) -> Result<StagedFolder<'_>> {
        let name = to.file_name().unwrap_or_default();
        let path = folder_of(to).join(name_beside(name));
        let made = self.files.create_folder(&path);
        made.map_err(|error| self.io(to, error))?;
        let mut staged = StagedFolder {
            files: &self.files,
            path,
            made: Vec::new(),
        };
        for entry in entries {
            let source = from.join(&entry.below);
            let target = staged.path.join(&entry.below);
            let fail = |error: io::Error| self.io(&source, error);
            self.go_on(&source)?;
            staged.made.push((target.clone(), entry.kind));
            if entry.kind == EntryKind::Folder {
                self.files.create_folder(&target).map_err(fail)?;
                continue;
            }
            match self.kind(&source)? {
                FileKind::File { .. } => {}
                FileKind::Folder => return Err(fault(&source, FileOperationFault::IsLink)),
                FileKind::Device => return Err(fault(&source, FileOperationFault::IsDevice)),
            }
            let mut file = Plain(self.files.create_new(&target).map_err(fail)?);
            self.copy_bytes(&source, &mut file)?;
            file.flush().map_err(fail)?;
            drop(file);
            self.files.copy_modified(&source, &target).map_err(fail)?;
            self.files
                .copy_permissions(&source, &target)
                .map_err(fail)?;
        }
        Ok(staged)
    }

    /// What is in a folder, each folder before what is in it.
    fn list(&self, folder: &Path) -> Result<Vec<Entry>> {
        match self.kind(folder)? {
            FileKind::Folder => {}
            _ => return Err(fault(folder, FileOperationFault::IsFile)),
        }
        let mut entries = Vec::new();
        self.list_below(folder, Path::new(""), 0, &mut entries)?;
        Ok(entries)
    }

    fn list_below(
        &self,
        folder: &Path,
        below: &Path,
        depth: usize,
        entries: &mut Vec<Entry>,
    ) -> Result<()> {
        let here = folder.join(below);
        if depth > DEPTH_MAX {
            return Err(fault(&here, FileOperationFault::TooDeep(DEPTH_MAX)));
        }
        self.go_on(&here)?;
        let names = self.files.names(&here);
        let mut names = names.map_err(|error| self.io(&here, error))?;
        names.sort();
        for name in names {
            let below = below.join(name);
            let path = folder.join(&below);
            let kind = self.entry_kind(&path)?;
            entries.push(Entry {
                below: below.clone(),
                kind,
            });
            if kind == EntryKind::Folder {
                self.list_below(folder, &below, depth + 1, entries)?;
            }
        }
        Ok(())
    }

    fn entry_kind(&self, path: &Path) -> Result<EntryKind> {
        let fail = |error| -> FileOperationError { self.io(path, error) };
        if self.files.is_link(path).map_err(fail)? {
            return Ok(EntryKind::Link);
        }
        Ok(match self.files.kind(path).map_err(fail)? {
            FileKind::File { read_only, .. } => EntryKind::File { read_only },
            FileKind::Folder => EntryKind::Folder,
            FileKind::Device => EntryKind::Device,
        })
    }
}

fn counted(entries: &[Entry], folders: u64) -> Touched {
    let inner = entries
        .iter()
        .filter(|entry| entry.kind == EntryKind::Folder)
        .count() as u64;
    Touched {
        files: entries.len() as u64 - inner,
        folders: inner + folders,
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::{super::tests::operations, *};

    /// `a/one`, `a/sub/two`, `outside/kept`.
    fn tree(root: &Path) {
        fs::create_dir_all(root.join("a/sub")).unwrap();
        fs::create_dir(root.join("outside")).unwrap();
        fs::write(root.join("a/one"), "1").unwrap();
        fs::write(root.join("a/sub/two"), "2").unwrap();
        fs::write(root.join("outside/kept"), "k").unwrap();
    }

    fn all(root: &Path) -> Vec<String> {
        let operations = operations();
        let entries = operations.list(root).unwrap();
        entries
            .iter()
            .map(|entry| entry.below.display().to_string())
            .collect()
    }

    #[test]
    fn folders_are_copied_whole_or_not_at_all() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        tree(root.path());
        let operations = operations();
        let copied = operations.copy_folder(&path("a"), &path("new/b"), false);
        let copied = copied.unwrap();
        assert_eq!((copied.files, copied.folders), (2, 3));
        assert_eq!(all(&path("new")), ["b", "b/one", "b/sub", "b/sub/two"]);
        fs::remove_file(path("new/b/one")).unwrap();
        let refused = operations.copy_folder(&path("a"), &path("new/b"), false);
        assert!(matches!(
            refused.unwrap_err().fault,
            FileOperationFault::Exists
        ));
        assert_eq!(all(&path("new")), ["b", "b/sub", "b/sub/two"]);
        fs::write(path("a/sub/two"), "22").unwrap();
        let merged = operations.copy_folder(&path("a"), &path("new/b"), true);
        assert_eq!(merged.unwrap().files, 2);
        assert_eq!(fs::read_to_string(path("new/b/sub/two")).unwrap(), "22");
        let inward = operations.copy_folder(&path("a"), &path("a/sub/x/y"), true);
        assert!(matches!(
            inward.unwrap_err().fault,
            FileOperationFault::Within
        ));
        symlink(path("outside"), path("a/link")).unwrap();
        let linked = operations.copy_folder(&path("a"), &path("new/c"), true);
        assert!(matches!(
            linked.unwrap_err().fault,
            FileOperationFault::IsLink
        ));
        assert_eq!(
            all(&path("new")),
            ["b", "b/one", "b/sub", "b/sub/two"],
            "nothing is left beside"
        );
    }

    #[test]
    fn folders_are_moved() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        tree(root.path());
        let operations = operations();
        let moved = operations.move_folder(&path("a"), &path("b"), false);
        assert_eq!(moved.unwrap().files, 2);
        assert!(!path("a").exists());
        let refused = operations.move_folder(&path("b"), &path("outside"), false);
        assert!(matches!(
            refused.unwrap_err().fault,
            FileOperationFault::Exists
        ));
        let merged = operations.move_folder(&path("b"), &path("outside"), true);
        assert!(merged.is_ok());
        assert_eq!(
            all(root.path()),
            [
                "outside",
                "outside/kept",
                "outside/one",
                "outside/sub",
                "outside/sub/two"
            ]
        );
        if let Ok(other) = tempfile::tempdir_in("/dev/shm") {
            let target = other.path().join("x");
            let moved = operations.move_folder(&path("outside"), &target, false);
            assert_eq!(moved.unwrap().files, 3);
            assert!(all(root.path()).is_empty());
            assert_eq!(all(&target), ["kept", "one", "sub", "sub/two"]);
        }
    }

    #[test]
    fn deleting_does_not_follow_links() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        tree(root.path());
        symlink(path("outside"), path("a/link")).unwrap();
        symlink(path("outside/kept"), path("a/file")).unwrap();
        symlink(path("nowhere"), path("a/dangling")).unwrap();
        let operations = operations();
        let emptied = operations.empty_folder(&path("a")).unwrap();
        assert_eq!((emptied.files, emptied.folders), (5, 1));
        assert_eq!(all(root.path()), ["a", "outside", "outside/kept"]);
        symlink(path("outside"), path("door")).unwrap();
        operations.delete_folder(&path("door")).map(drop).unwrap();
        operations.delete_folder(&path("a")).map(drop).unwrap();
        assert_eq!(all(root.path()), ["outside", "outside/kept"]);
        symlink("/", path("root")).unwrap();
        for named in [Path::new("/"), &path("root")] {
            let refused = operations.empty_folder(named).unwrap_err();
            assert!(matches!(refused.fault, FileOperationFault::Root));
        }
    }

    #[test]
    fn folders_are_made_with_those_around_them() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a/b/c");
        let operations = operations();
        assert_eq!(operations.create_folder(&path, false).unwrap().folders, 3);
        assert_eq!(operations.create_folder(&path, true).unwrap().folders, 0);
        let again = operations.create_folder(&path, false).unwrap_err();
        assert!(matches!(again.fault, FileOperationFault::Exists));
    }
}
