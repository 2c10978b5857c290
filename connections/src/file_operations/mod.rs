//! Files and folders copied, moved, made and deleted.
//!
//! ```text
//!  copy   ─▶ .name.<random>.fletching beside the target ─▶ renamed onto it     all or nothing
//!  move   ─▶ renamed; onto another file system: copied as above, then the source is deleted
//!  delete ─▶ looked through first (read-only files, depth), then removed; links are removed, not followed
//! ```
//!
//! An operation stops between files, and within a large one, when its [`AtomicBool`] is set. Read-only files are not
//! overwritten and not deleted, as on Windows.

mod error;
mod folders;

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

pub use error::{FileOperationError, FileOperationFault};
pub use folders::Candidate;

use crate::{FileKind, Files, StagedFile, open_error::folder_of};

/// Bytes that are copied at a time.
const PIECE_BYTES: usize = 1 << 20;

/// What an operation did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Touched {
    pub files: u64,
    pub folders: u64,
}

/// The operations, and what stops them.
#[derive(Debug, Clone)]
pub struct FileOperations {
    files: Arc<dyn Files>,
    stop: Arc<AtomicBool>,
}

type Result<T> = std::result::Result<T, FileOperationError>;

fn fault(path: &Path, fault: FileOperationFault) -> FileOperationError {
    FileOperationError {
        path: path.to_owned(),
        fault,
    }
}

impl FileOperations {
    pub fn new(files: Arc<dyn Files>, stop: Arc<AtomicBool>) -> Self {
        Self { files, stop }
    }

    /// Copies a file to a name, or under its own name into a folder that exists.
    ///
    /// # Errors
    /// [`FileOperationError`]; the target is as it was.
    pub fn copy_file(&self, from: &Path, to: &Path, overwrite: bool) -> Result<Touched> {
        self.file(from)?;
        let to = self.in_folder(from, to)?;
        self.free(from, &to, overwrite)?;
        let staged = self.stage(from, &to)?;
        staged.commit()?;
        Ok(ONE_FILE)
    }

    /// Moves a file to a name, or under its own name into a folder that exists.
    ///
    /// # Errors
    /// [`FileOperationError`]; source and target are as they were.
    pub fn move_file(&self, from: &Path, to: &Path, overwrite: bool) -> Result<Touched> {
        let to = self.in_folder(from, to)?;
        self.rename_file(from, &to, overwrite)
    }

    /// Gives a file another name, in whatever folder; the name is not that of a folder.
    ///
    /// # Errors
    /// [`FileOperationError`]; source and target are as they were.
    pub fn rename_file(&self, from: &Path, to: &Path, overwrite: bool) -> Result<Touched> {
        self.file(from)?;
        let replaces = self.free(from, to, overwrite)?;
        let renamed = match replaces {
            true => self.files.rename(from, to),
            false => self.files.rename_new(from, to),
        };
        match renamed {
            Ok(()) => Ok(ONE_FILE),
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                self.stage(from, to)?.commit()?;
                self.files.remove(from).map_err(|error| {
                    if !replaces {
                        self.files.remove(to).ok();
                    }
                    self.io(from, error)
                })?;
                Ok(ONE_FILE)
            }
            Err(error) => Err(self.io(to, error)),
        }
    }

    /// # Errors
    /// [`FileOperationError`]: it does not exist, is a folder or is read-only.
    pub fn delete_file(&self, path: &Path) -> Result<Touched> {
        // A link is removed, wherever it leads.
        if !self.files.is_link(path).unwrap_or(false) {
            self.writable(path, self.file(path)?)?;
        }
        self.files
            .remove(path)
            .map_err(|error| self.io(path, error))?;
        Ok(ONE_FILE)
    }

    /// Makes a file read-only, or writable by its owner; folders stay as they are.
    ///
    /// # Errors
    /// [`FileOperationError`]: it does not exist, or is another user's.
    pub fn set_read_only(&self, path: &Path, read_only: bool) -> Result<FileKind> {
        let kind = self.kind(path)?;
        if kind != FileKind::Folder {
            let set = self.files.set_read_only(path, read_only);
            set.map_err(|error| self.io(path, error))?;
        }
        Ok(kind)
    }

    fn kind(&self, path: &Path) -> Result<FileKind> {
        let kind = self.files.kind(path);
        kind.map_err(|error| self.io(path, error))
    }

    /// What stands at a path; `None` if nothing does.
    fn found(&self, path: &Path) -> Result<Option<FileKind>> {
        match self.files.kind(path) {
            Ok(kind) => Ok(Some(kind)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.io(path, error)),
        }
    }

    fn file(&self, path: &Path) -> Result<FileKind> {
        match self.kind(path)? {
            FileKind::Folder => Err(fault(path, FileOperationFault::IsFolder)),
            FileKind::Device => Err(fault(path, FileOperationFault::IsDevice)),
            file @ FileKind::File { .. } => Ok(file),
        }
    }

    fn writable(&self, path: &Path, kind: FileKind) -> Result<()> {
        match kind {
            FileKind::File {
                read_only: true, ..
            } => Err(fault(path, FileOperationFault::ReadOnly)),
            _ => Ok(()),
        }
    }

    /// A file that is copied to a folder keeps its name.
    fn in_folder(&self, from: &Path, to: &Path) -> Result<PathBuf> {
        match (self.found(to)?, from.file_name()) {
            (Some(FileKind::Folder), Some(name)) => Ok(to.join(name)),
            _ => Ok(to.to_owned()),
        }
    }

    /// Whether there is a file at `to`, which may be replaced.
    fn free(&self, from: &Path, to: &Path, overwrite: bool) -> Result<bool> {
        let Some(kind) = self.found(to)? else {
            return Ok(false);
        };
        if self.is_same(from, to) {
            return Err(fault(to, FileOperationFault::Same));
        }
        match kind {
            FileKind::Folder => Err(fault(to, FileOperationFault::IsFolder)),
            _ if !overwrite => Err(fault(to, FileOperationFault::Exists)),
            kind => self.writable(to, kind).map(|()| true),
        }
    }

    fn is_same(&self, left: &Path, right: &Path) -> bool {
        let canonical = |path| self.files.canonical(path).ok();
        canonical(left).is_some_and(|left| canonical(right) == Some(left))
    }

    /// A copy of a file beside where it goes.
    fn stage(&self, from: &Path, to: &Path) -> Result<StagedFile> {
        let mut staged = StagedFile::create(&self.files, to)?;
        self.copy_bytes(from, &mut staged)?;
        let alike = staged.take_attributes(from);
        alike.map_err(|error| self.io(to, error))?;
        Ok(staged)
    }

    fn copy_bytes(&self, from: &Path, to: &mut dyn Write) -> Result<()> {
        let fail = |error| self.io(from, error);
        let mut source = self.files.open_read(from).map_err(fail)?;
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            self.go_on(from)?;
            let read = source.read(&mut piece).map_err(fail)?;
            let Some(read) = piece.get(..read).filter(|read| !read.is_empty()) else {
                return Ok(());
            };
            to.write_all(read).map_err(fail)?;
        }
    }

    /// # Errors
    /// The operation was told to stop.
    fn go_on(&self, path: &Path) -> Result<()> {
        match self.stop.load(Ordering::Relaxed) {
            true => Err(fault(path, FileOperationFault::Stopped)),
            false => Ok(()),
        }
    }

    fn io(&self, path: &Path, error: io::Error) -> FileOperationError {
        let folder = folder_of(path);
        let found = match error.kind() {
            io::ErrorKind::NotFound if self.files.kind(folder).is_err() => {
                FileOperationFault::MissingFolder(folder.to_owned())
            }
            io::ErrorKind::NotFound => FileOperationFault::Missing,
            io::ErrorKind::AlreadyExists => FileOperationFault::Exists,
            io::ErrorKind::PermissionDenied => FileOperationFault::Denied,
            _ => FileOperationFault::Io(error),
        };
        fault(path, found)
    }
}

const ONE_FILE: Touched = Touched {
    files: 1,
    folders: 0,
};

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::LocalFiles;

    pub(super) fn operations() -> FileOperations {
        FileOperations::new(Arc::new(LocalFiles), Arc::default())
    }

    fn faults(result: Result<Touched>) -> FileOperationFault {
        result.unwrap_err().fault
    }

    #[test]
    fn a_file_is_copied_and_moved() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let text = |name: &str| fs::read_to_string(path(name)).unwrap();
        fs::write(path("a"), "one").unwrap();
        fs::create_dir(path("in")).unwrap();
        let operations = operations();
        let copied = operations.copy_file(&path("a"), &path("in"), false);
        assert_eq!(copied.unwrap(), ONE_FILE);
        assert_eq!(text("in/a"), "one");
        let again = operations.copy_file(&path("a"), &path("in"), false);
        assert!(matches!(faults(again), FileOperationFault::Exists));
        fs::write(path("a"), "two").unwrap();
        operations
            .copy_file(&path("a"), &path("in"), true)
            .map(drop)
            .unwrap();
        assert_eq!(text("in/a"), "two");
        let onto_itself = operations.move_file(&path("a"), &path("in/../a"), true);
        assert!(matches!(faults(onto_itself), FileOperationFault::Same));
        let named_as_folder = operations.rename_file(&path("a"), &path("in"), true);
        assert!(matches!(
            faults(named_as_folder),
            FileOperationFault::IsFolder
        ));
        let nowhere = operations.move_file(&path("a"), &path("no/a"), true);
        assert!(matches!(
            faults(nowhere),
            FileOperationFault::MissingFolder(_)
        ));
        operations
            .rename_file(&path("a"), &path("in/b"), false)
            .map(drop)
            .unwrap();
        assert!(!path("a").exists());
        assert_eq!(text("in/b"), "two");
        // Onto another file system.
        if let Ok(other) = tempfile::tempdir_in("/dev/shm") {
            let target = other.path().join("b");
            operations
                .move_file(&path("in/b"), &target, false)
                .map(drop)
                .unwrap();
            assert!(!path("in/b").exists());
            assert_eq!(fs::read_to_string(target).unwrap(), "two");
        }
        assert_eq!(fs::read_dir(path("in")).unwrap().count(), 1);
    }

    #[test]
    fn read_only_files_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("a"), "one").unwrap();
        fs::write(path("b"), "two").unwrap();
        let operations = operations();
        operations
            .set_read_only(&path("a"), true)
            .map(drop)
            .unwrap();
        for refused in [
            operations.delete_file(&path("a")),
            operations.copy_file(&path("b"), &path("a"), true),
            operations.move_file(&path("b"), &path("a"), true),
            operations.delete_folder(folder.path()),
        ] {
            assert!(matches!(faults(refused), FileOperationFault::ReadOnly));
        }
        operations
            .set_read_only(&path("a"), false)
            .map(drop)
            .unwrap();
        operations.delete_file(&path("a")).map(drop).unwrap();
        let gone = operations.delete_file(&path("a"));
        assert!(matches!(faults(gone), FileOperationFault::Missing));
    }

    #[test]
    fn a_stopped_copy_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("a"), "one").unwrap();
        let stop = Arc::new(AtomicBool::new(true));
        let operations = FileOperations::new(Arc::new(LocalFiles), stop);
        let stopped = operations.copy_file(&path("a"), &path("b"), false);
        assert!(matches!(faults(stopped), FileOperationFault::Stopped));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
