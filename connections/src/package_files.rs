//! Whole files and folders of packages: what loading, checking and storing needs.

use std::{
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use crate::{FileKind, Files, InputFile, LocalFiles, OpenError, OpenFault, Purpose, StagedFile};

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
        return Err(fail(io::Error::new(io::ErrorKind::FileTooLarge, message)));
    }
    Ok(bytes)
}

/// Writes a whole file beside its place and puts it there, so that it is the old one or the new one at any time.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), OpenError> {
    let mut file = StagedFile::create_local(path)?;
    let written = file.write_all(bytes);
    written.map_err(|error| OpenError::from_io(&LocalFiles, path, Purpose::Write, error))?;
    file.commit()
}

/// What stands at a path, links followed; `None` if nothing does.
pub fn kind(path: &Path) -> io::Result<Option<FileKind>> {
    match LocalFiles.kind(path) {
        Ok(kind) => Ok(Some(kind)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The one path of a file or folder that exists, without links and `..`.
pub fn canonical(path: &Path) -> io::Result<PathBuf> {
    LocalFiles.canonical(path)
}

/// Whether two paths lead to one file or folder; both must exist.
pub fn is_same(one: &Path, other: &Path) -> io::Result<bool> {
    Ok(LocalFiles.canonical(one)? == LocalFiles.canonical(other)?)
}

/// Gives a file or folder another place in the same file system, in one step; a file there is replaced.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    LocalFiles.rename(from, to)
}

/// Removes a file.
pub fn remove(path: &Path) -> io::Result<()> {
    LocalFiles.remove(path)
}

/// Makes a folder in one that exists.
pub fn create_folder(path: &Path) -> io::Result<()> {
    LocalFiles.create_folder(path)
}

/// Removes a folder that is empty.
pub fn remove_folder(path: &Path) -> io::Result<()> {
    LocalFiles.remove_folder(path)
}

/// All that is directly in a folder, in order of name.
pub fn content(folder: &Path) -> Result<Vec<(PathBuf, FileKind)>, OpenError> {
    let mut found = entries(folder)?;
    found.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(found)
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
            let error = io::Error::other(format!("folders are nested deeper than {DEPTH_MAX}"));
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
