//! A project: packages with the parameters and connection managers that they share.
//!
//! ```text
//! .ispac ─ispac─▶ files by name ─┐                        ┌─▶ package names, protection level (manifest)
//! folder ─FileSource─────────────┴─▶ @Project.manifest or │
//!                                    .dtproj ─────────────┴─▶ each .dtsx, .conmgr, Project.params
//! ```
//!
//! A file that does not load is an error with its name in [`Project::broken`]; the others load all the same.

mod dtproj;
mod ispac;
mod manifest;
mod parameters;

use crate::{
    ConnectionManager, Document, Error, Limits, Package, Parameter,
    protection::unseal,
    read::{has_salt, read_connection_manager},
};
use manifest::Manifest;

/// How the packages of a project are deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DeploymentModel {
    /// As one unit, an `.ispac`, with parameters.
    #[default]
    Project,
    /// Each package by itself, with configurations (all projects before 2012).
    Package,
}

/// A project from an `.ispac` or from a folder with a `.dtproj`.
#[derive(Debug, Clone, Default)]
pub struct Project {
    /// Name in the manifest; the stem of the `.dtproj` if that has none.
    pub name: String,
    /// How its packages are deployed.
    pub deployment_model: DeploymentModel,
    /// As [`Package::protection_level`].
    pub protection_level: i32,
    /// 110 for SQL Server 2012 to 160 for 2022, or `SQLServer2022`, as the file has it; empty if it does not say.
    pub target_server_version: String,
    /// Packages by file name (`Load.dtsx`), in the order of the manifest.
    pub packages: Vec<(String, Package)>,
    /// Packages that other programs may start; the rest are children.
    pub entry_points: Vec<String>,
    /// Project parameters (`$Project::Name`).
    pub parameters: Vec<Parameter>,
    /// Connection managers that all packages share.
    pub connection_managers: Vec<ConnectionManager>,
    /// Values that are encrypted and so not available.
    pub sealed: Vec<String>,
    /// Files that the project lists and that did not load, with the reason.
    pub broken: Vec<(String, Error)>,
}

/// Where the files of a project folder come from; this crate opens none itself.
pub trait FileSource {
    /// Names of the files, relative to the folder.
    ///
    /// # Errors
    /// Whatever keeps the folder from being listed, as [`Error::Entry`].
    fn names(&self) -> Result<Vec<String>, Error>;

    /// The bytes of a file.
    ///
    /// # Errors
    /// Whatever keeps the file from being read, as [`Error::Entry`].
    fn read(&self, name: &str) -> Result<Vec<u8>, Error>;
}

/// Files that are in memory already.
impl FileSource for Vec<(String, Vec<u8>)> {
    fn names(&self) -> Result<Vec<String>, Error> {
        Ok(self.iter().map(|(name, _)| name.clone()).collect())
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, Error> {
        let found = self.iter().find(|(known, _)| known == name);
        found
            .map(|(_, bytes)| bytes.clone())
            .ok_or_else(|| missing(name))
    }
}

impl Project {
    /// Opens an `.ispac` within the default [`Limits`].
    ///
    /// # Errors
    /// See [`Project::open_ispac_with`].
    pub fn open_ispac(bytes: &[u8]) -> Result<Self, Error> {
        Self::open_ispac_with(bytes, &Limits::default())
    }

    /// Opens an `.ispac`. Nothing is unpacked to disk.
    ///
    /// # Errors
    /// [`Error::Archive`] and [`Error::Entry`] for an archive that cannot be read, is over the limits, or has names
    /// that leave the project; [`Error::InEntry`] for a manifest that does not load.
    pub fn open_ispac_with(bytes: &[u8], limits: &Limits) -> Result<Self, Error> {
        Self::open_files(bytes, &Opening::without_password(limits))
    }

    /// Opens an `.ispac`, and what `password` closes in it.
    ///
    /// # Errors
    /// As [`Project::open_ispac_with`]; [`Error::Password`], in [`Error::InEntry`], for another password, which the
    /// project's `PasswordVerifier` shows.
    pub fn open_ispac_with_password(
        bytes: &[u8],
        password: &str,
        limits: &Limits,
    ) -> Result<Self, Error> {
        Self::open_files(bytes, &Opening::with_password(password, limits))
    }

    fn open_files(bytes: &[u8], opening: &Opening<'_>) -> Result<Self, Error> {
        let limits = opening.limits;
        let files = ispac::unpack(bytes, limits)?;
        let Some((name, manifest)) = files
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(MANIFEST))
        else {
            return Err(Error::Archive {
                detail: format!("it has no {MANIFEST}; an .ispac must have one"),
            });
        };
        let manifest = opening.read(name, manifest).and_then(|document| {
            Manifest::read(document.root()).map_err(|error| error.in_entry(name))
        })?;
        Self::load(manifest, &files, opening)
    }

    /// Reads a project folder through its `.dtproj`; a folder without one is a project of all its packages.
    ///
    /// # Errors
    /// See [`Project::read_folder_with`].
    pub fn read_folder(files: &dyn FileSource) -> Result<Self, Error> {
        Self::read_folder_with(files, &Limits::default())
    }

    /// Reads a project folder within limits.
    ///
    /// # Errors
    /// Those of the source; [`Error::Archive`] if there are several `.dtproj`; [`Error::InEntry`] for a `.dtproj` that
    /// does not load.
    pub fn read_folder_with(files: &dyn FileSource, limits: &Limits) -> Result<Self, Error> {
        Self::read_files(files, &Opening::without_password(limits))
    }

    /// Reads a project folder, and what `password` closes in it.
    ///
    /// # Errors
    /// As [`Project::read_folder_with`]; [`Error::Password`], in [`Error::InEntry`], for another password, which the
    /// project's `PasswordVerifier` shows.
    pub fn read_folder_with_password(
        files: &dyn FileSource,
        password: &str,
        limits: &Limits,
    ) -> Result<Self, Error> {
        Self::read_files(files, &Opening::with_password(password, limits))
    }

    fn read_files(files: &dyn FileSource, opening: &Opening<'_>) -> Result<Self, Error> {
        let names = files.names()?;
        let projects: Vec<_> = names
            .iter()
            .filter(|name| has_extension(name, "dtproj"))
            .collect();
        let manifest = match projects.as_slice() {
            [] => Manifest::of_folder(&names),
            [name] => {
                let document = opening.read(name, &files.read(name)?)?;
                dtproj::read(document.root(), name).map_err(|error| error.in_entry(name))?
            }
            several => {
                return Err(Error::Archive {
                    detail: format!(
                        "the folder has {} .dtproj files, wanted one: {several:?}",
                        several.len()
                    ),
                });
            }
        };
        Self::load(manifest, files, opening)
    }

    /// The package with that file name, with or without `.dtsx`.
    pub fn package(&self, name: &str) -> Option<&Package> {
        let same = |known: &str| {
            known.eq_ignore_ascii_case(name)
                || known
                    .rsplit_once('.')
                    .is_some_and(|(stem, _)| stem.eq_ignore_ascii_case(name))
        };
        self.packages
            .iter()
            .find(|(known, _)| same(known))
            .map(|(_, package)| package)
    }

    fn load(
        manifest: Manifest,
        files: &dyn FileSource,
        opening: &Opening<'_>,
    ) -> Result<Self, Error> {
        let names = files.names()?;
        let mut project = Self {
            name: manifest.name,
            deployment_model: manifest.deployment_model,
            protection_level: manifest.protection_level,
            target_server_version: manifest.target_server_version,
            entry_points: manifest.entry_points,
            ..Self::default()
        };
        let read = |wanted: &str| {
            let name = names.iter().find(|name| name.eq_ignore_ascii_case(wanted));
            files.read(name.ok_or_else(|| missing(wanted))?)
        };
        for name in manifest.packages {
            let package = read(&name)
                .and_then(|bytes| opening.read(&name, &bytes))
                .and_then(|document| Package::new(document).map_err(|error| error.in_entry(&name)));
            match package {
                Ok(package) => project.packages.push((name, package)),
                Err(error) => project.broken.push((name, error)),
            }
        }
        for name in manifest.connection_managers {
            let manager = read(&name)
                .and_then(|bytes| opening.read(&name, &bytes))
                .and_then(|document| {
                    read_connection_file(&document).map_err(|error| error.in_entry(&name))
                });
            match manager {
                Ok(manager) => project.connection_managers.push(manager),
                Err(error) => project.broken.push((name, error)),
            }
        }
        let by_user_key = [1, 4].contains(&manifest.protection_level);
        for name in names
            .iter()
            .filter(|name| name.eq_ignore_ascii_case(PARAMETERS))
        {
            let found = read(name)
                .and_then(|bytes| opening.read(name, &bytes))
                .and_then(|document| {
                    let root = document.root();
                    if has_salt(root) {
                        return Ok((Vec::new(), vec!["Project".to_owned()]));
                    }
                    parameters::read(root, by_user_key).map_err(|error| error.in_entry(name))
                });
            match found {
                Ok((parameters, sealed)) => {
                    project.parameters = parameters;
                    project.sealed = sealed;
                }
                Err(error) => project.broken.push((name.clone(), error)),
            }
        }
        Ok(project)
    }
}

const MANIFEST: &str = "@Project.manifest";
const PARAMETERS: &str = "Project.params";

impl ConnectionManager {
    /// Reads a `.conmgr` file.
    ///
    /// # Errors
    /// As [`Document::read_with`]; [`Error::WrongRoot`] and [`Error::Value`].
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        read_connection_file(&Document::read(bytes)?)
    }
}

fn read_connection_file(document: &Document) -> Result<ConnectionManager, Error> {
    let root = document.root();
    if root.local_name() != "ConnectionManager" {
        return Err(Error::WrongRoot {
            position: root.position(),
            found: root.name().to_owned(),
            wanted: "DTS:ConnectionManager, the root of a .conmgr file",
        });
    }
    read_connection_manager(root, "Project")
}

/// What the files of a project are read with.
struct Opening<'a> {
    password: Option<&'a str>,
    limits: &'a Limits,
}

impl<'a> Opening<'a> {
    fn without_password(limits: &'a Limits) -> Self {
        Self {
            password: None,
            limits,
        }
    }

    fn with_password(password: &'a str, limits: &'a Limits) -> Self {
        Self {
            password: Some(password),
            limits,
        }
    }

    /// A file as a document, in the clear if there is a password.
    fn read(&self, name: &str, bytes: &[u8]) -> Result<Document, Error> {
        let document = Document::read_with(bytes, self.limits);
        let document = document.and_then(|document| match self.password {
            Some(password) => unseal(&document, password, self.limits),
            None => Ok(document),
        });
        document.map_err(|error| error.in_entry(name))
    }
}

fn has_extension(name: &str, wanted: &str) -> bool {
    name.rsplit_once('.')
        .is_some_and(|(_, extension)| extension.eq_ignore_ascii_case(wanted))
}

fn missing(name: &str) -> Error {
    Error::Entry {
        entry: name.to_owned(),
        detail: "the project lists it, but there is no such file".to_owned(),
    }
}
