//! A destination file that appears whole or not at all.
//!
//! ```text
//! create ─▶ .name.<random>.fletching beside the target ─write─▶ commit: renamed onto the target
//!                                                       └─────▶ drop:   removed, target untouched
//! append ─▶ the target itself, old length remembered   ─write─▶ commit: kept
//!                                                       └─────▶ drop:   cut back to the old length
//! ```
//!
//! A link is followed: the file it leads to is replaced, not the link. The permissions of a replaced file are kept. A
//! pipe or device (`/dev/stdout`) is written as it comes: it cannot be rolled back. `commit` flushes but does not force
//! the bytes to the disk. A process that is killed leaves the staged file (its name says whose it is), or an appended
//! file with what had been written.

use std::{
    ffi::{OsStr, OsString},
    hash::{BuildHasher, RandomState},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    FileHandle, FileKind, Files, LocalFiles, OpenError, OpenFault, Purpose, open_error::folder_of,
};

#[derive(Debug)]
pub struct StagedFile {
    files: Arc<dyn Files>,
    target: PathBuf,
    handle: Box<dyn FileHandle>,
    stage: Stage,
    written: u64,
}

#[derive(Debug)]
enum Stage {
    /// Written under another name.
    Beside {
        staged: PathBuf,
        replaces: bool,
    },
    /// Written at the end of the target, which had this length; `None`: it did not exist.
    InPlace {
        old_len: Option<u64>,
    },
    Device,
    Done,
}

/// Names tried before giving up; one collision is already next to impossible.
const NAMES_MAX: usize = 16;

impl StagedFile {
    /// As [`create`](Self::create), among the files of this machine.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn create_local(target: &Path) -> Result<Self, OpenError> {
        let files: Arc<dyn Files> = Arc::new(LocalFiles);
        Self::create(&files, target)
    }

    /// A file that replaces `target` on [`commit`](Self::commit).
    ///
    /// # Errors
    /// [`OpenError`] if the target is a folder or read-only, or its folder is missing or read-only.
    pub fn create(files: &Arc<dyn Files>, target: &Path) -> Result<Self, OpenError> {
        let fail = |error| OpenError::from_io(&**files, target, Purpose::Write, error);
        let (real, replaces) = match writable(&**files, target, Purpose::Write)? {
            Some(FileKind::Device) => return Self::device(files, target),
            Some(_) => (files.canonical(target).map_err(fail)?, true),
            None => (target.to_owned(), false),
        };
        let Some(name) = real.file_name() else {
            return Err(OpenError::new(target, Purpose::Write, OpenFault::IsFolder));
        };
        for _ in 0..NAMES_MAX {
            let staged = folder_of(&real).join(name_beside(name));
            match files.create_new(&staged) {
                Ok(handle) => {
                    return Ok(Self {
                        files: Arc::clone(files),
                        target: real,
                        handle,
                        stage: Stage::Beside { staged, replaces },
                        written: 0,
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(missing_folder(files, target, fail(error))),
            }
        }
        Err(fail(io::Error::from(io::ErrorKind::AlreadyExists)))
    }

    /// Writes at the end of `target`, which is created if it does not exist.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn append(files: &Arc<dyn Files>, target: &Path) -> Result<Self, OpenError> {
        let fail = |error| OpenError::from_io(&**files, target, Purpose::Append, error);
        let (handle, old_len) = match writable(&**files, target, Purpose::Append)? {
            Some(FileKind::File { len, .. }) => {
                (files.open_append(target).map_err(fail)?, Some(len))
            }
            Some(_) => return Self::device(files, target),
            None => {
                let created = files.create_new(target).map_err(fail);
                (
                    created.map_err(|error| missing_folder(files, target, error))?,
                    None,
                )
            }
        };
        Ok(Self {
            files: Arc::clone(files),
            target: target.to_owned(),
            handle,
            stage: Stage::InPlace { old_len },
            written: 0,
        })
    }

    fn device(files: &Arc<dyn Files>, target: &Path) -> Result<Self, OpenError> {
        let handle = files
            .open_append(target)
            .map_err(|error| OpenError::from_io(&**files, target, Purpose::Write, error))?;
        Ok(Self {
            files: Arc::clone(files),
            target: target.to_owned(),
            handle,
            stage: Stage::Device,
            written: 0,
        })
    }

    /// Where the bytes will be found after [`commit`](Self::commit).
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Length that the target had before an append; 0 for a new file. Decides whether a header is due.
    pub fn old_len(&self) -> u64 {
        match self.stage {
            Stage::InPlace { old_len } => old_len.unwrap_or(0),
            _ => 0,
        }
    }

    /// Gives the file what a copy of `source` has of it: when it last changed, and its permissions unless it replaces one.
    pub(crate) fn take_attributes(&mut self, source: &Path) -> io::Result<()> {
        self.handle.flush()?;
        if let Stage::Beside { staged, replaces } = &self.stage {
            self.files.copy_modified(source, staged)?;
            if !replaces {
                self.files.copy_permissions(source, staged)?;
            }
        }
        Ok(())
    }

    /// Forces what was written to the disk, so that [`commit`](Self::commit) puts nothing in place that a power failure
    /// could empty.
    pub(crate) fn force(&mut self) -> io::Result<()> {
        self.handle.flush()?;
        match self.stage {
            Stage::Device => Ok(()),
            _ => self.handle.force(),
        }
    }

    /// Bytes written so far through this handle.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Puts the file in place.
    ///
    /// # Errors
    /// [`OpenError`] with `DTS_E_CANNOTWRITETODATAFILE`; the staged file is then removed, an append undone.
    pub fn commit(mut self) -> Result<(), OpenError> {
        let put = self.put_in_place();
        put.map_err(|error| OpenError::new(&self.target, Purpose::Write, OpenFault::Io(error)))?;
        self.stage = Stage::Done;
        Ok(())
    }

    fn put_in_place(&mut self) -> io::Result<()> {
        self.handle.flush()?;
        if let Stage::Beside { staged, replaces } = &self.stage {
            if *replaces {
                self.files.copy_permissions(&self.target, staged)?;
            }
            self.files.rename(staged, &self.target)?;
        }
        Ok(())
    }
}

impl Write for StagedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.handle.write_all(bytes)?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.handle.flush()
    }
}

impl Drop for StagedFile {
    /// Undoes what was not committed. A failure here has nobody to tell; the name of a leftover says what it is.
    fn drop(&mut self) {
        let undone = match &self.stage {
            Stage::Beside { staged, .. } => self.files.remove(staged),
            Stage::InPlace { old_len: Some(len) } => self.handle.set_len(*len),
            Stage::InPlace { old_len: None } => self.files.remove(&self.target),
            Stage::Device | Stage::Done => Ok(()),
        };
        drop(undone);
    }
}

/// The name of what is made beside a target.
pub(crate) fn name_beside(name: &OsStr) -> OsString {
    let mut staged = OsString::from(".");
    staged.push(name);
    let random = RandomState::new().hash_one(0);
    staged.push(format!(".{random:016x}.fletching"));
    staged
}

/// What stands at a target that may be written; `None` if nothing does.
pub(crate) fn writable(
    files: &dyn Files,
    target: &Path,
    purpose: Purpose,
) -> Result<Option<FileKind>, OpenError> {
    match files.kind(target) {
        Ok(FileKind::Folder) => Err(OpenError::new(target, purpose, OpenFault::IsFolder)),
        Ok(FileKind::File {
            read_only: true, ..
        }) => Err(OpenError::new(target, purpose, OpenFault::ReadOnlyFile)),
        Ok(kind) => Ok(Some(kind)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(OpenError::from_io(files, target, purpose, error)),
    }
}

/// "Not found" while creating a file is about its folder.
pub(crate) fn missing_folder(files: &Arc<dyn Files>, target: &Path, error: OpenError) -> OpenError {
    match error.fault {
        OpenFault::Missing if files.kind(folder_of(target)).is_err() => OpenError {
            fault: OpenFault::MissingFolder {
                folder: folder_of(target).to_owned(),
            },
            ..error
        },
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn files() -> Arc<dyn Files> {
        Arc::new(LocalFiles)
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_appears_on_commit_only() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out.csv");
        fs::write(&target, "old").unwrap();
        let mut file = StagedFile::create(&files(), &target).unwrap();
        file.write_all(b"new rows").unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "old");
        drop(file);
        assert_eq!(names(folder.path()), ["out.csv"]);
        assert_eq!(fs::read_to_string(&target).unwrap(), "old");
        let mut file = StagedFile::create(&files(), &target).unwrap();
        file.write_all(b"new rows").unwrap();
        assert_eq!(file.written(), 8);
        file.commit().unwrap();
        assert_eq!(names(folder.path()), ["out.csv"]);
        assert_eq!(fs::read_to_string(&target).unwrap(), "new rows");
    }

    #[test]
    fn an_append_is_undone_without_commit() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out.csv");
        let mut file = StagedFile::append(&files(), &target).unwrap();
        file.write_all(b"x").unwrap();
        drop(file);
        assert!(!target.exists());
        fs::write(&target, "old").unwrap();
        let mut file = StagedFile::append(&files(), &target).unwrap();
        assert_eq!(file.old_len(), 3);
        file.write_all(b"+more").unwrap();
        drop(file);
        assert_eq!(fs::read_to_string(&target).unwrap(), "old");
        let mut file = StagedFile::append(&files(), &target).unwrap();
        file.write_all(b"+more").unwrap();
        file.commit().unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "old+more");
    }

    #[test]
    fn a_link_and_a_device_stay_what_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().join("real.csv");
        let link = folder.path().join("link.csv");
        fs::write(&real, "old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let mut file = StagedFile::create(&files(), &link).unwrap();
        file.write_all(b"new").unwrap();
        file.commit().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&real).unwrap(), "new");
        let mut null = StagedFile::create(&files(), Path::new("/dev/null")).unwrap();
        null.write_all(b"x").unwrap();
        null.commit().unwrap();
        assert_eq!(
            LocalFiles.kind(Path::new("/dev/null")).unwrap(),
            FileKind::Device
        );
    }

    #[test]
    fn targets_that_cannot_be_written_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let fault = |path: &Path| StagedFile::create(&files(), path).unwrap_err();
        assert!(matches!(fault(folder.path()).fault, OpenFault::IsFolder));
        let missing = fault(&folder.path().join("no/out.csv"));
        assert!(
            matches!(missing.fault, OpenFault::MissingFolder { .. }),
            "{missing}"
        );
        let locked = folder.path().join("locked.csv");
        fs::write(&locked, "x").unwrap();
        let mut permissions = fs::metadata(&locked).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&locked, permissions).unwrap();
        assert!(matches!(fault(&locked).fault, OpenFault::ReadOnlyFile));
        let under_file = fault(&locked.join("out.csv"));
        assert!(
            matches!(under_file.fault, OpenFault::ParentIsFile(_)),
            "{under_file}"
        );
    }
}
