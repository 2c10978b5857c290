//! Where the packages are that a package runs: in its project, or in files.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use dtsx::Project;
use fletching_connections::PathMap;
use fletching_custom::Extensions;
use fletching_engine::{LibraryError, LoadedPackage, PackageLibrary, PackageReference};

use crate::{Application, LoadError, LoadOptions, Package, application};

/// What a package was loaded from.
#[derive(Debug, Clone)]
pub(crate) enum Library {
    /// A folder.
    Folder {
        /// The folder.
        path: PathBuf,
        /// With which its packages are loaded, as the first one was.
        options: LoadOptions,
    },
    /// An `.ispac`.
    Archive {
        /// The file.
        path: PathBuf,
        /// Its content.
        project: Arc<Project>,
        /// With which it was opened.
        options: LoadOptions,
    },
}

impl Library {
    /// Loads packages with other classes of objects.
    pub(crate) fn use_extensions(&mut self, extensions: &Extensions) {
        let (Self::Folder { options, .. } | Self::Archive { options, .. }) = self;
        options.extensions = extensions.clone();
    }

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
            Self::Folder { path, options } => {
                let found = PathMap::new(path).resolve(&file);
                let found = found.map_err(|error| LibraryError(error.to_string()))?;
                let package = Application::load_with(&found, options).map_err(said)?;
                Ok((found, package))
            }
            Self::Archive {
                path,
                project,
                options,
            } => {
                let (entry, package) =
                    application::package_of_archive(&file, path, project, options).map_err(said)?;
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
                let (Self::Folder { options, .. } | Self::Archive { options, .. }) = self;
                let options = LoadOptions {
                    project: None,
                    password: password.clone().or_else(|| options.password.clone()),
                    secrets: options.secrets.clone(),
                    extensions: options.extensions.clone(),
                };
                let package = Application::load_with(path, &options).map_err(said)?;
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
