//! Why an operation on files was not done, and what the user can do about it.

use std::{io, path::PathBuf};

use crate::OpenError;

/// What was found instead of what the operation needs.
#[derive(Debug, thiserror::Error)]
pub enum FileOperationFault {
    #[error("there is no such file or folder; check the name")]
    Missing,
    #[error(
        "the folder `{}` does not exist; create it, or map the package's Windows folder to another one (`--path-map`)",
        .0.display()
    )]
    MissingFolder(PathBuf),
    #[error("it exists already; let the task overwrite it, or name another one")]
    Exists,
    #[error("it is a folder, a file is wanted")]
    IsFolder,
    #[error("it is a file, a folder is wanted")]
    IsFile,
    #[error("it is neither a file nor a folder")]
    IsDevice,
    #[error("it is a link to a folder, which is not followed; name that folder")]
    IsLink,
    #[error(
        "it is read-only; make it writable (`chmod u+w`, or a File System task with SetAttributes)"
    )]
    ReadOnly,
    #[error("source and destination are the same")]
    Same,
    #[error("the destination lies within the source")]
    Within,
    #[error(
        "it is the root of a file system, a drive or a share, which is not deleted; name a folder in it"
    )]
    Root,
    #[error("folders are nested deeper than {0}")]
    TooDeep(usize),
    #[error("permission denied; give this user the right to change it")]
    Denied,
    #[error("the operation was stopped")]
    Stopped,
    #[error("{0}")]
    Open(OpenError),
    #[error("{0}")]
    Io(io::Error),
}

/// An operation that was not done.
#[derive(Debug, thiserror::Error)]
#[error("`{}`: {fault}", .path.display())]
pub struct FileOperationError {
    pub path: PathBuf,
    pub fault: FileOperationFault,
}

impl From<OpenError> for FileOperationError {
    fn from(error: OpenError) -> Self {
        Self {
            path: error.path.clone(),
            fault: FileOperationFault::Open(error),
        }
    }
}
