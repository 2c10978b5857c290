//! Where a package finds the packages that it runs: the engine opens no files, whoever loaded the package does.
//!
//! ```text
//!  Execute Package task ──PackageReference──▶ PackageLibrary ──▶ LoadedPackage ──prepare──▶ runs inside its parent
//! ```

use std::{fmt, path::PathBuf, sync::Arc};

use dtsx::{ConnectionManager, Package, Parameter};

/// What an Execute Package task names. Shows no password.
#[derive(Clone, PartialEq, Eq)]
pub enum PackageReference {
    /// A package of the same project, by file name.
    Project(String),
    /// A package in a file of this machine.
    File {
        path: PathBuf,
        /// Opens what is encrypted in it.
        password: Option<String>,
    },
}

impl fmt::Debug for PackageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for PackageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Project(name) => write!(f, "package `{name}` of the project"),
            Self::File { path, .. } => write!(f, "package file {}", path.display()),
        }
    }
}

/// Loads the packages that a package runs.
pub trait PackageLibrary: fmt::Debug + Send + Sync {
    /// Loads a package; blocks.
    ///
    /// # Errors
    /// Why there is none, for a person.
    fn load(&self, reference: &PackageReference) -> Result<LoadedPackage, LibraryError>;
}

/// Why a package could not be loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LibraryError(pub String);

/// A package with what its project gives it.
#[derive(Debug, Clone)]
pub struct LoadedPackage {
    /// The file: two packages of one place are the same.
    pub place: PathBuf,
    /// As paths call it: `Load.dtsx`.
    pub name: String,
    pub document: Package,
    pub shared_parameters: Vec<Parameter>,
    pub shared_managers: Vec<ConnectionManager>,
    /// Where its relative paths start.
    pub base_dir: PathBuf,
    /// For the packages that it runs itself.
    pub library: Arc<dyn PackageLibrary>,
}
