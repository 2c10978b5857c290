//! The file that a package restarts from: read if it is there, replaced as a whole, removed.

use std::{io, path::Path};

use crate::{Files, LocalFiles, OpenError, Purpose, StagedFile, package_files};

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

/// Puts a new content in its place: at any moment the old one is there, or the new one.
///
/// # Errors
/// The folder is missing or read-only, or the disk is full; the old content stays.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), OpenError> {
    let mut file = StagedFile::create_local(path)?;
    io::Write::write_all(&mut file, bytes)
        .map_err(|error| OpenError::from_io(&LocalFiles, path, Purpose::Write, error))?;
    file.commit()
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
