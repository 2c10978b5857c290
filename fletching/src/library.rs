//! Where the packages are that a package runs: in its project, or in files.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use dtsx::Project;
use fletching_connections::PathMap;
use fletching_engine::{LibraryError, LoadedPackage, PackageLibrary, PackageReference};

use crate::{Application, LoadError, Package, application};

/// What a package was loaded from.
#[derive(Debug, Clone)]
pub(crate) enum Library {
    /// A folder; `project`: it was named as the project.
    Folder {
        /// The folder.
        path: PathBuf,
        /// As the project of a package is named to [`Application::load`].
        project: Option<PathBuf>,
    },
    /// An `.ispac`.
    Archive {
        /// The file.
        path: PathBuf,
        /// Its content.
        project: Arc<Project>,
    },
}

impl Library {
    /// Where a package of this name is.
    pub(crate) fn place(&self, name: &str) -> PathBuf {
        let (Self::Folder { path, .. } | Self::Archive { path, .. }) = self;
        path.join(name)
    }

    fn of_project(&self, name: &str) -> Result<(PathBuf, Package), LibraryError> {
        let file = match name.to_ascii_lowercase().ends_with(".dtsx") {
            true => name.to_owned(),
            false => format!("{name}.dtsx"),
        };
        match self {
            Self::Folder { path, project } => {
                let found = PathMap::new(path).resolve(&file);
                let found = found.map_err(|error| LibraryError(error.to_string()))?;
                let package = Application::load(&found, project.as_deref()).map_err(said)?;
                Ok((found, package))
            }
            Self::Archive { path, project } => {
                let (entry, package) =
                    application::package_of_archive(&file, path, project).map_err(said)?;
                Ok((path.join(entry), package))
            }
        }
    }
}

impl PackageLibrary for Library {
    fn load(&self, reference: &PackageReference) -> Result<LoadedPackage, LibraryError> {
        let (place, package) = match reference {
            PackageReference::Project(name) => self.of_project(name)?,
            PackageReference::File { path, password } => {
                let package = Application::load(path, None).map_err(said)?;
                if password.is_some() && !package.document.sealed().is_empty() {
                    return Err(LibraryError(format!(
                        "{}: it is protected with a password (PackagePassword), which opening is not supported: save it \
                         with another ProtectionLevel",
                        path.display()
                    )));
                }
                (path.clone(), package)
            }
        };
        let name = place.file_name().unwrap_or(place.as_os_str());
        Ok(LoadedPackage {
            name: name.to_string_lossy().into_owned(),
            place: absolute(&place),
            document: package.document,
            shared_parameters: package.shared_parameters,
            shared_managers: package.shared_managers,
            base_dir: package.base_dir,
            library: Arc::new(package.library),
        })
    }
}

/// So that two ways to say a file are one place.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn said(error: LoadError) -> LibraryError {
    LibraryError(error.to_string())
}
