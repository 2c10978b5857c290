//! A folder of packages for others: what is in it has a name, and nothing outside it has one.
//!
//! ```text
//! sales/Load.dtsx           ─PackageFolder─▶ ROOT/sales/Load.dtsx, with the project of its folder
//! sales.ispac/Load.dtsx     ───────────────▶ the package `Load.dtsx` of ROOT/sales.ispac
//! ../x.dtsx, a link that leads out ────────▶ FolderError::Outside
//! ```
//!
//! It guards the names of packages. What a package that runs reads and writes, the package says.

use std::path::{Path, PathBuf};

use dtsx::{Payload, Project};
use fletching_connections::{OpenError, package_files as files};

use crate::{Application, LoadError, LoadOptions, Package, application::open_ispac, read_package};

/// The class of DataReader destinations.
const READER: &str = "Microsoft.DataReaderDestinationAdapter";

/// A folder of packages and projects; nothing outside it is read.
#[derive(Debug, Clone)]
pub struct PackageFolder {
    root: PathBuf,
}

/// A package that a folder holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderPackage {
    /// Its name in the folder: `sales/Load.dtsx`, `sales.ispac/Load.dtsx`.
    pub name: String,
    /// Its DataReader destinations, those of disabled tasks not among them; or why it cannot be read.
    pub readers: Result<Vec<String>, String>,
}

/// Why there is no such package in a folder.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The root is no folder.
    #[error("{}: {reason}; name a folder of packages that exists", path.display())]
    NoFolder {
        /// The root.
        path: PathBuf,
        /// What the system says of it.
        reason: String,
    },
    /// A name that leads out of it, as text or by a link.
    #[error(
        "`{name}` leads out of the folder; name a package in it, such as `folder/Package.dtsx`, without `.` and `..`"
    )]
    Outside {
        /// The name given.
        name: String,
    },
    /// Nothing of that name.
    #[error(
        "`{name}`: there is no such package in the folder; names are relative to it, as `folder/Package.dtsx`"
    )]
    Missing {
        /// The name given.
        name: String,
    },
    /// A name that is not one of a package.
    #[error(
        "`{name}` is no package: a name ends in `.dtsx`, `folder/Package.dtsx` or `Project.ispac/Package.dtsx`"
    )]
    NotAPackage {
        /// The name given.
        name: String,
    },
    /// It is there and cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The system refuses a folder.
    #[error(transparent)]
    Open(#[from] OpenError),
}

impl PackageFolder {
    /// A folder that exists.
    ///
    /// # Errors
    /// [`FolderError::NoFolder`].
    pub fn open(root: &Path) -> Result<Self, FolderError> {
        let refused = |reason: String| FolderError::NoFolder {
            path: root.to_owned(),
            reason,
        };
        let path = files::canonical(root).map_err(|error| refused(error.to_string()))?;
        match path.is_dir() {
            true => Ok(Self { root: path }),
            false => Err(refused("it is not a folder".to_owned())),
        }
    }

    /// Loads the package of this name.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn load(&self, name: &str, options: &LoadOptions) -> Result<Package, FolderError> {
        let (file, entry) = self.place(name)?;
        let mut options = options.clone();
        let package = match entry {
            None => Application::load_with(&file, &options)?,
            Some(entry) => {
                options.project = Some(file);
                Application::load_with(Path::new(&entry), &options)?
            }
        };
        Ok(package)
    }

    /// All packages in it, in order of name. Links that lead out are left out: they have no name here.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn packages(&self, options: &LoadOptions) -> Result<Vec<FolderPackage>, FolderError> {
        let mut found = Vec::new();
        for file in files::find(&self.root, &["dtsx", "ispac"])? {
            let Ok(relative) = file.strip_prefix(&self.root) else {
                continue;
            };
            let name = relative.to_string_lossy().into_owned();
            if self.inside(&file, &name).is_err() {
                continue;
            }
            if !has_extension(&name, ".ispac") {
                let document = read_package(&file, options.password.as_deref());
                let readers = document
                    .map(|document| readers(&document))
                    .map_err(|error| error.to_string());
                found.push(FolderPackage { name, readers });
                continue;
            }
            match open_ispac(&file, options) {
                Ok(project) => found.extend(packages_of(&name, &project)),
                Err(error) => found.push(FolderPackage {
                    name,
                    readers: Err(error.to_string()),
                }),
            }
        }
        Ok(found)
    }

    /// The file of a package, and its name in that if it is a project.
    fn place(&self, name: &str) -> Result<(PathBuf, Option<String>), FolderError> {
        if !has_extension(name, ".dtsx") {
            return Err(FolderError::NotAPackage {
                name: name.to_owned(),
            });
        }
        let mut file = self.root.clone();
        let mut parts = name.split('/');
        while let Some(part) = parts.next() {
            if matches!(part, "" | "." | "..") || part.contains(['\0', '\\']) {
                return Err(FolderError::Outside {
                    name: name.to_owned(),
                });
            }
            file.push(part);
            if has_extension(part, ".ispac") && !file.is_dir() {
                let entry = parts.collect::<Vec<_>>().join("/");
                return Ok((self.inside(&file, name)?, Some(entry)));
            }
        }
        Ok((self.inside(&file, name)?, None))
    }

    /// The file if it is in the folder, however links lead to it.
    fn inside(&self, file: &Path, name: &str) -> Result<PathBuf, FolderError> {
        let missing = |_| FolderError::Missing {
            name: name.to_owned(),
        };
        let path = files::canonical(file).map_err(missing)?;
        match path.starts_with(&self.root) {
            true => Ok(path),
            false => Err(FolderError::Outside {
                name: name.to_owned(),
            }),
        }
    }
}

fn has_extension(name: &str, extension: &str) -> bool {
    name.to_ascii_lowercase().ends_with(extension)
}

fn packages_of(archive: &str, project: &Project) -> Vec<FolderPackage> {
    let sound = project.packages.iter().map(|(entry, document)| {
        let open = document.check_open().map_err(|error| error.to_string());
        (entry, open.map(|()| readers(document)))
    });
    let broken = project.broken.iter();
    let broken = broken.map(|(entry, error)| (entry, Err(error.to_string())));
    let named = |(entry, readers): (&String, _)| FolderPackage {
        name: format!("{archive}/{entry}"),
        readers,
    };
    sound.chain(broken).map(named).collect()
}

/// The DataReader destinations of a document, as they stand in it.
pub(crate) fn readers(document: &dtsx::Package) -> Vec<String> {
    let mut names = Vec::new();
    let mut open = vec![document.root()];
    while let Some(executable) = open.pop() {
        if executable.disabled {
            continue;
        }
        if let Payload::DataFlow(flow) = &executable.payload {
            let found = flow.components.iter();
            let found = found.filter(|component| component.class == Some(READER));
            names.extend(found.map(|component| component.name.clone()));
        }
        open.extend(executable.executables.iter().rev());
    }
    names
}
