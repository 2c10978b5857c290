//! Single packages: saved, moved and deleted whole or not at all.

use std::{io, path::Path};

use fletching_connections::{FileKind, package_files};

use crate::{StoreError, read_file};

/// Whether a file is at that place.
///
/// # Errors
/// [`StoreError::Io`] if the system does not say.
pub fn package_exists(path: &Path) -> Result<bool, StoreError> {
    let kind = package_files::kind(path);
    let kind = kind.map_err(|error| StoreError::io("look for", path, error))?;
    Ok(matches!(kind, Some(FileKind::File { .. })))
}

/// Whether two paths lead to one file; one that does not exist is not the same as any other.
///
/// # Errors
/// As [`package_exists`].
pub fn is_same_file(one: &Path, other: &Path) -> Result<bool, StoreError> {
    if !package_exists(one)? || !package_exists(other)? {
        return Ok(false);
    }
    package_files::is_same(one, other).map_err(|error| StoreError::io("look for", one, error))
}

/// Writes a package; at any time the old file or the new one is there.
///
/// # Errors
/// [`StoreError::Open`].
pub fn save_package(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    Ok(package_files::write(path, bytes)?)
}

/// Gives a package another place, in one step where the file system can; else it is copied, and then deleted.
///
/// # Errors
/// [`StoreError::Missing`] if there is none; [`StoreError::Open`] and [`StoreError::Io`].
pub fn move_package(from: &Path, to: &Path) -> Result<(), StoreError> {
    require(from)?;
    match package_files::rename(from, to) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            let bytes = read_file(from).map_err(|error| {
                let error = io::Error::other(error.to_string());
                StoreError::io("read", from, error)
            })?;
            save_package(to, &bytes)?;
            delete_package(from)
        }
        Err(error) => Err(StoreError::io("move to", to, error)),
    }
}

/// Deletes a package.
///
/// # Errors
/// [`StoreError::Missing`] if there is none; [`StoreError::Io`].
pub fn delete_package(path: &Path) -> Result<(), StoreError> {
    require(path)?;
    package_files::remove(path).map_err(|error| StoreError::io("delete", path, error))
}

fn require(path: &Path) -> Result<(), StoreError> {
    match package_exists(path)? {
        true => Ok(()),
        false => Err(StoreError::Missing {
            path: path.to_owned(),
            what: "package",
        }),
    }
}
