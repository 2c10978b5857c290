//! Whole files and folders of packages: what loading and checking needs.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use crate::{FileKind, Files, InputFile, LocalFiles, OpenError, OpenFault, Purpose};

/// Folders below a folder that is searched; deeper ones are an error, not left out.
const DEPTH_MAX: usize = 64;

/// The content of a file of at most `bytes_max` bytes.
pub fn read(path: &Path, bytes_max: u64) -> Result<Vec<u8>, OpenError> {
    let file = InputFile::open(path)?;
    let mut bytes = Vec::new();
    let fail = |error| OpenError::from_io(&LocalFiles, path, Purpose::Read, error);
    file.take(bytes_max + 1)
        .read_to_end(&mut bytes)
        .map_err(fail)?;
    if bytes.len() as u64 > bytes_max {
        let message = format!("it is larger than {bytes_max} bytes");
        return Err(fail(std::io::Error::new(
            std::io::ErrorKind::FileTooLarge,
            message,
        )));
    }
    Ok(bytes)
}

/// The files directly in a folder with one of these extensions, in order of name.
pub fn list(folder: &Path, extensions: &[&str]) -> Result<Vec<PathBuf>, OpenError> {
    let mut found: Vec<PathBuf> = entries(folder)?
        .into_iter()
        .filter(|(path, kind)| is_one_of(path, kind, extensions))
        .map(|(path, _)| path)
        .collect();
    found.sort();
    Ok(found)
}

/// Whether a folder directly holds a file with this extension.
pub fn holds(folder: &Path, extension: &str) -> Result<bool, OpenError> {
    Ok(!list(folder, &[extension])?.is_empty())
}

/// The path itself if it is a file; else all files below it with one of these extensions, in order of name.
pub fn find(path: &Path, extensions: &[&str]) -> Result<Vec<PathBuf>, OpenError> {
    let kind = LocalFiles
        .kind(path)
        .map_err(|error| OpenError::from_io(&LocalFiles, path, Purpose::Read, error))?;
    if kind != FileKind::Folder {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    let mut folders = vec![(path.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        if depth > DEPTH_MAX {
            let error =
                std::io::Error::other(format!("folders are nested deeper than {DEPTH_MAX}"));
            return Err(OpenError::new(&folder, Purpose::Read, OpenFault::Io(error)));
        }
        for (path, kind) in entries(&folder)? {
            if kind == FileKind::Folder {
                folders.push((path, depth + 1));
            } else if is_one_of(&path, &kind, extensions) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn is_one_of(path: &Path, kind: &FileKind, extensions: &[&str]) -> bool {
    let extension = path
        .extension()
        .map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    matches!(kind, FileKind::File { .. })
        && extension.is_some_and(|found| extensions.contains(&found.as_str()))
}

/// Links that lead nowhere are left out: they are no packages.
fn entries(folder: &Path) -> Result<Vec<(PathBuf, FileKind)>, OpenError> {
    let names = LocalFiles
        .names(folder)
        .map_err(|error| OpenError::from_io(&LocalFiles, folder, Purpose::Read, error))?;
    let path = |name| folder.join(name);
    Ok(names
        .into_iter()
        .map(path)
        .filter_map(|path| Some((LocalFiles.kind(&path).ok()?, path)))
        .map(|(kind, path)| (path, kind))
        .collect())
}
