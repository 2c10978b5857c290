//! The file that a package restarts from: locked while a run uses it, read if it is there, replaced as a whole, removed.
//!
//! ```text
//!  lock ──▶ steps.checkpoint.lock beside it, locked: a second run is refused ──dropped──▶ removed
//!  replace ──▶ staged beside it ──▶ forced to the disk ──▶ renamed onto it ──▶ the folder forced to the disk
//! ```
//!
//! The lock is one of a file of its own, since each replacement puts another file in the place of the old one. The
//! system lets go of it when the process ends, however that comes: a lock file that is left behind locks nobody out.

use std::{
    fs::{File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use crate::{
    Files, LocalFiles, OpenError, Purpose, StagedFile, open_error::folder_of, package_files,
};

/// Held while a run uses the file.
#[derive(Debug)]
pub struct RestartLock {
    path: PathBuf,
    /// Locked for as long as it is open.
    _file: File,
}

/// Why a restart file is not locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("another run has locked it with `{}`", path.display())]
    Taken { path: PathBuf },
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// Attempts at a lock file that others remove as they end.
const ATTEMPTS_MAX: usize = 100;

/// Keeps other runs away from it until the lock is dropped.
///
/// # Errors
/// Another run has it, or its folder is missing, read-only, or on a file system without locks.
pub fn lock(path: &Path) -> Result<RestartLock, LockError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let path = PathBuf::from(name);
    let fail = |error| OpenError::from_io(&LocalFiles, &path, Purpose::Write, error);
    for _ in 0..ATTEMPTS_MAX {
        let file = LocalFiles.open_lock_file(&path).map_err(fail)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => break,
            Err(TryLockError::Error(error)) => return Err(fail(error).into()),
        }
        // Who had it before may have removed it between our opening and our locking: then it locks nobody out.
        if LocalFiles.is_file_at(&file, &path).map_err(fail)? {
            return Ok(RestartLock { path, _file: file });
        }
    }
    Err(LockError::Taken { path })
}

impl Drop for RestartLock {
    /// Removed while it is locked, so that nobody else's is. What cannot be removed locks nobody out.
    fn drop(&mut self) {
        drop(LocalFiles.remove(&self.path));
    }
}

/// Its content; `None` if there is no such file.
///
/// # Errors
/// It is there and cannot be read, or is larger than `bytes_max`.
pub fn read(path: &Path, bytes_max: u64) -> Result<Option<Vec<u8>>, OpenError> {
    match LocalFiles.kind(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        _ => package_files::read(path, bytes_max).map(Some),
    }
}

/// Puts a new content in its place, on the disk: at any moment the old one is there, or the new one.
///
/// # Errors
/// The folder is missing or read-only, or the disk is full; the old content stays.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), OpenError> {
    let fail = |error| OpenError::from_io(&LocalFiles, path, Purpose::Write, error);
    let mut file = StagedFile::create_local(path)?;
    io::Write::write_all(&mut file, bytes).map_err(fail)?;
    let target = file.target().to_owned();
    file.force().map_err(fail)?;
    file.commit()?;
    LocalFiles.force_folder(folder_of(&target)).map_err(fail)
}

/// Removes it, if it is there.
///
/// # Errors
/// It is there and stays.
pub fn remove(path: &Path) -> Result<(), OpenError> {
    match LocalFiles.remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(OpenError::from_io(&LocalFiles, path, Purpose::Write, error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn one_run_at_a_time_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("steps.checkpoint");
        let beside = folder.path().join("steps.checkpoint.lock");
        // Left behind by a process that was killed.
        fs::write(&beside, "").unwrap();
        let first = lock(&path).unwrap();
        let second = lock(&path).unwrap_err();
        assert!(matches!(second, LockError::Taken { .. }), "{second}");
        drop(first);
        assert!(!beside.exists());
        drop(lock(&path).unwrap());
        let missing = lock(&folder.path().join("no/steps.checkpoint")).unwrap_err();
        assert!(matches!(missing, LockError::Open(_)), "{missing}");
    }

    /// Whoever gets it is alone, however the others come and go.
    #[test]
    fn nobody_gets_it_beside_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("steps.checkpoint");
        let (inside, had) = (
            std::sync::atomic::AtomicU32::new(0),
            std::sync::atomic::AtomicU32::new(0),
        );
        let order = std::sync::atomic::Ordering::SeqCst;
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        if let Ok(held) = lock(&path) {
                            assert_eq!(inside.fetch_add(1, order), 0);
                            had.fetch_add(1, order);
                            std::thread::yield_now();
                            inside.fetch_sub(1, order);
                            drop(held);
                        }
                    }
                });
            }
        });
        assert!(had.load(order) > 0);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn it_is_replaced_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("steps.checkpoint");
        replace(&path, b"one").unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(read(&path, 10).unwrap().unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        remove(&path).unwrap();
        assert_eq!(read(&path, 10).unwrap(), None);
    }
}
