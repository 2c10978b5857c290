//! Packages as files, to be stored rather than run: alone, or in a package store.
//!
//! ```text
//! DTS path   \File System\Sales\Load ─PackageStore─▶ ROOT/Sales/Load.dtsx ─┐
//! file       C:\pkg\Load.dtsx ───────PathMap───────▶ /srv/pkg/Load.dtsx ───┴─▶ save, move, delete: whole or not at all
//! ```
//!
//! The store of the SSIS service keeps packages in folders of the file system, and in msdb; this one is a folder.

mod files;
mod folders;

pub use files::{delete_package, is_same_file, move_package, package_exists, save_package};
pub use folders::{PackageStore, StoreEntry};

use std::{
    io,
    path::{Path, PathBuf},
};

use fletching_connections::{OpenError, PathError};

/// Why a store or a file in it could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The root is no folder.
    #[error("{}: the package store must be a folder that exists; create it or name another one", path.display())]
    NoStore {
        /// The root.
        path: PathBuf,
    },
    /// Packages of msdb.
    #[error(
        "`{path}` is in msdb, which needs an instance of SQL Server; the store has the root folder `File System` only"
    )]
    Msdb {
        /// The path given.
        path: String,
    },
    /// A path that leads out of the store.
    #[error(
        "`{path}` leads out of the package store; write it from the store's root, without `.` and `..`"
    )]
    Outside {
        /// The path given.
        path: String,
    },
    /// A name that is none.
    #[error("`{name}` is no name of a folder: one name is wanted, without `\\` and `/`")]
    Name {
        /// The name given.
        name: String,
    },
    /// No folder or package is there.
    #[error("{}: there is no such {what}", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
        /// `folder` or `package`.
        what: &'static str,
    },
    /// The place is taken.
    #[error("{}: there is a file or folder of that name already; choose another name", path.display())]
    Exists {
        /// The place.
        path: PathBuf,
    },
    /// A folder that holds something.
    #[error("{}: the folder is not empty; delete or move what is in it first", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// A path of Windows that leads nowhere here.
    #[error("{0}")]
    Path(#[from] PathError),
    /// A file that cannot be read or written.
    #[error("{0}")]
    Open(#[from] OpenError),
    /// The system refused something else.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was tried: `move`, `delete`, ...
        what: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl StoreError {
    /// Nothing is at that place (exit code 4).
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Missing { .. })
    }

    fn io(what: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io {
            what,
            path: path.to_owned(),
            source,
        }
    }
}
