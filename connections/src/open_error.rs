//! Why a file could not be opened or written, and what the user can do about it.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use dtsx::SsisCode;

use crate::Files;

/// What the file was wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Read,
    Write,
    Append,
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "open for reading",
            Self::Write => "write",
            Self::Append => "append to",
        })
    }
}

/// What was found instead of a file that serves the purpose.
#[derive(Debug, thiserror::Error)]
pub enum OpenFault {
    #[error(
        "there is no such file; check the name, or point the connection manager elsewhere with `--connection NAME=PATH`"
    )]
    Missing,
    #[error(
        "the folder `{}` does not exist; create it, or map the package's Windows folder to another one (`--path-map 'C:\\data=/srv/data'`)",
        .folder.display()
    )]
    MissingFolder { folder: PathBuf },
    #[error("it is a folder, not a file; add a file name to the connection string")]
    IsFolder,
    #[error("`{}` is a file, not a folder; name a folder there", .0.display())]
    ParentIsFile(PathBuf),
    #[error("permission denied; give this user the right to read or write it")]
    AccessDenied,
    #[error("the file is read-only; make it writable (`chmod u+w`) or name another file")]
    ReadOnlyFile,
    #[error("no file may be created in the folder `{}`; make the folder writable or name another one", .0.display())]
    ReadOnlyFolder(PathBuf),
    #[error("{0}")]
    Io(io::Error),
}

/// A file that could not be opened, written or put in place.
#[derive(Debug, thiserror::Error)]
#[error("cannot {purpose} `{}`: {fault}", .path.display())]
pub struct OpenError {
    pub path: PathBuf,
    pub purpose: Purpose,
    pub fault: OpenFault,
}

impl OpenError {
    /// `DTS_E_CANNOTOPENDATAFILE`; `DTS_E_CANNOTWRITETODATAFILE` when an open file could not be written.
    pub fn code(&self) -> SsisCode {
        match (&self.fault, self.purpose) {
            (OpenFault::Io(_), Purpose::Write | Purpose::Append) => SsisCode(0xC020_2053),
            _ => SsisCode(0xC020_200E),
        }
    }

    pub(crate) fn new(path: &Path, purpose: Purpose, fault: OpenFault) -> Self {
        Self {
            path: path.to_owned(),
            purpose,
            fault,
        }
    }

    /// Names the cause of a failed operation on `path` by looking at what is there.
    pub(crate) fn from_io(
        files: &dyn Files,
        path: &Path,
        purpose: Purpose,
        error: io::Error,
    ) -> Self {
        let folder = folder_of(path);
        let fault = match error.kind() {
            io::ErrorKind::NotFound => match files.kind(folder) {
                Ok(_) => OpenFault::Missing,
                Err(_) => OpenFault::MissingFolder {
                    folder: folder.to_owned(),
                },
            },
            io::ErrorKind::NotADirectory => OpenFault::ParentIsFile(folder.to_owned()),
            io::ErrorKind::IsADirectory => OpenFault::IsFolder,
            io::ErrorKind::PermissionDenied if purpose != Purpose::Read => {
                OpenFault::ReadOnlyFolder(folder.to_owned())
            }
            io::ErrorKind::ReadOnlyFilesystem => OpenFault::ReadOnlyFolder(folder.to_owned()),
            io::ErrorKind::PermissionDenied => OpenFault::AccessDenied,
            _ => OpenFault::Io(error),
        };
        Self::new(path, purpose, fault)
    }
}

/// The folder of a path; `.` for a bare name.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
