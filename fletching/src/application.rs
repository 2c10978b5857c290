//! Finds and loads packages, with the project around them.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use dtsx::{Limits, Project, SsisCode};
use fletching_connections::{OpenError, package_files as files, run_sockets::RunSocketError};
use fletching_engine::{RunningPackage, Settings, running_packages};

use crate::{CheckReport, LoadOptions, Package, library::Library};

/// Files larger than this are not packages or projects.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// Why a package could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Nothing is at that place (exit code 4).
    #[error("{}: there is no such file or folder", path.display())]
    NotFound {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The operating system refused it, or it is too large.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It is not a sound package or project.
    #[error("{}: {source}", path.display())]
    Document {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and where.
        source: Box<dtsx::Error>,
    },
    /// The project was found, the package in it was not.
    #[error("{}: the project has no package `{name}`; it has: {}", path.display(), known.join(", "))]
    NoSuchPackage {
        /// The project.
        path: PathBuf,
        /// The package that was asked for.
        name: String,
        /// The packages that the project has.
        known: Vec<String>,
    },
    /// A project, a folder or another file, where a package was wanted.
    #[error("{} {hint}", path.display())]
    NotAPackage {
        /// What was named.
        path: PathBuf,
        /// What it is, and how to name a package in it.
        hint: String,
    },
}

impl LoadError {
    /// The code that SSIS reports for a document that does not load.
    pub fn code(&self) -> Option<SsisCode> {
        match self {
            Self::Document { source, .. } => Some(source.code()),
            _ => None,
        }
    }

    /// Nothing is at that place (exit code 4), as against something that cannot be loaded (5).
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. } | Self::NoSuchPackage { .. })
    }
}

/// Reads a whole file, within a limit.
pub fn read_file(path: &Path) -> Result<Vec<u8>, LoadError> {
    if !path.exists() {
        return Err(LoadError::NotFound {
            path: path.to_owned(),
        });
    }
    Ok(files::read(path, FILE_BYTES_MAX)?)
}

/// The entry point: loads and checks packages from files.
#[derive(Debug)]
pub struct Application;

impl Application {
    /// As [`load_with`](Self::load_with), without password and secrets.
    pub fn load(package: &Path, project: Option<&Path>) -> Result<Package, LoadError> {
        let options = LoadOptions {
            project: project.map(Path::to_owned),
            ..LoadOptions::default()
        };
        Self::load_with(package, &options)
    }

    /// Loads a `.dtsx` file. Its project is `project` (a folder or an `.ispac`), else the folder around it if that holds a
    /// `.dtproj`. With a project, `package` may be the name of a package in it; a path may lead into an archive,
    /// `folder/Sales.ispac/Load.dtsx`.
    ///
    /// # Errors
    /// [`LoadError`]; a package that is encrypted as a whole and stays closed is one that does not load.
    pub fn load_with(package: &Path, options: &LoadOptions) -> Result<Package, LoadError> {
        let loaded = Self::find(package, options)?;
        let open = loaded.document.check_open();
        open.map_err(|source| document(package, source))?;
        Ok(loaded)
    }

    /// Reads a package from memory; relative file names in it start at `base_dir`. It has no project.
    ///
    /// # Errors
    /// [`LoadError::Document`], with `name` as its place.
    pub fn load_bytes(
        bytes: &[u8],
        name: &str,
        base_dir: &Path,
        options: &LoadOptions,
    ) -> Result<Package, LoadError> {
        let place = base_dir.join(name);
        let limits = Limits::default();
        let read = match options.password.as_deref() {
            Some(password) => dtsx::Package::read_with_password(bytes, password, &limits),
            None => dtsx::Package::read(bytes),
        };
        let read = read.and_then(|package| package.check_open().map(|()| package));
        let mut package = Package {
            document: read.map_err(|source| document(&place, source))?,
            shared_parameters: Vec::new(),
            shared_managers: Vec::new(),
            base_dir: base_dir.to_owned(),
            place,
            library: Library::Folder {
                path: base_dir.to_owned(),
                options: options.clone(),
            },
            extensions: options.extensions.clone(),
        };
        package.supply(&options.secrets);
        Ok(package)
    }

    fn find(package: &Path, options: &LoadOptions) -> Result<Package, LoadError> {
        match options.project.as_deref() {
            Some(project) if is_ispac(project) => load_from_ispac(package, project, options),
            Some(folder) => {
                let file = if package.exists() {
                    package.to_owned()
                } else {
                    folder.join(package)
                };
                load_file(&file, Some(folder), options)
            }
            None if is_ispac(package) => {
                let known = open_ispac(package, options)?
                    .packages
                    .into_iter()
                    .map(|(name, _)| name)
                    .collect();
                Err(not_a_package(
                    package,
                    "a project: name a package of it, `PACKAGE.dtsx --project FILE.ispac`",
                    known,
                ))
            }
            None if package.is_dir() => {
                let known = files::find(package, &["dtsx"])?
                    .iter()
                    .map(|file| file.display().to_string())
                    .collect();
                Err(not_a_package(
                    package,
                    "a folder: name a package in it",
                    known,
                ))
            }
            None => match path_in_archive(package) {
                Some((project, name)) => load_from_ispac(name, project, options),
                None => load_file(package, None, options),
            },
        }
    }

    /// The packages that this user runs on this machine, in this process and in others, in the order of their beginnings:
    /// runs of the command line, of Python, C and Flight SQL too.
    ///
    /// # Errors
    /// The folder of runs (`FLETCHING_RUN_DIR`) cannot be read, or belongs to somebody else.
    pub fn running_packages() -> Result<Vec<RunningPackage>, RunSocketError> {
        running_packages()
    }

    /// As [`check_with`](Self::check_with), without password and secrets.
    pub fn check(paths: &[PathBuf]) -> Result<Vec<CheckReport>, LoadError> {
        Self::check_with(paths, &LoadOptions::default())
    }

    /// Checks all packages under the given paths: files, projects, folders (searched through).
    pub fn check_with(
        paths: &[PathBuf],
        options: &LoadOptions,
    ) -> Result<Vec<CheckReport>, LoadError> {
        let mut reports = Vec::new();
        for path in paths {
            if !path.exists() {
                return Err(LoadError::NotFound { path: path.clone() });
            }
            for file in files::find(path, &["dtsx", "ispac"])? {
                if is_ispac(&file) {
                    reports.extend(check_ispac(&file, options));
                } else {
                    let name = file.display().to_string();
                    reports.push(CheckReport::of(
                        name,
                        load_file(&file, None, options),
                        Settings::default(),
                    ));
                }
            }
        }
        Ok(reports)
    }
}

/// Names shown of a project's packages.
const NAMES_MAX: usize = 6;

fn not_a_package(path: &Path, what: &str, mut known: Vec<String>) -> LoadError {
    let more = known.len().saturating_sub(NAMES_MAX);
    known.truncate(NAMES_MAX);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    let hint = match known.is_empty() {
        true => format!("is {what}; it has none"),
        false => format!("is {what}; it has {}{more}", known.join(", ")),
    };
    LoadError::NotAPackage {
        path: path.to_owned(),
        hint,
    }
}

fn is_ispac(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("ispac"))
}

/// Project and package of a path that leads into an archive: `folder/Sales.ispac/Load.dtsx`.
fn path_in_archive(path: &Path) -> Option<(&Path, &Path)> {
    let mut around = path.ancestors().skip(1);
    let project = around.find(|folder| is_ispac(folder) && folder.is_file())?;
    Some((project, path.strip_prefix(project).ok()?))
}

fn load_file(
    file: &Path,
    folder: Option<&Path>,
    options: &LoadOptions,
) -> Result<Package, LoadError> {
    let document = read_package(file, options.password.as_deref())?;
    let parent = file
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut package = Package {
        document,
        shared_parameters: Vec::new(),
        shared_managers: Vec::new(),
        base_dir: parent.to_owned(),
        place: file.to_owned(),
        library: Library::Folder {
            path: folder.unwrap_or(parent).to_owned(),
            options: LoadOptions {
                project: folder.map(Path::to_owned),
                ..options.clone()
            },
        },
        extensions: options.extensions.clone(),
    };
    let around = folder.unwrap_or(parent);
    if folder.is_some() || files::holds(around, "dtproj")? {
        let project = project_of(around, file, options)?;
        package.shared_parameters = project.parameters;
        package.shared_managers = project.connection_managers;
    }
    package.supply(&options.secrets);
    Ok(package)
}

/// Reads a package by itself, as a document, and opens what the password closes in it.
pub fn read_package(file: &Path, password: Option<&str>) -> Result<dtsx::Package, LoadError> {
    let bytes = read_file(file)?;
    let package = match password {
        Some(password) => dtsx::Package::read_with_password(&bytes, password, &Limits::default()),
        None => dtsx::Package::read(&bytes),
    };
    package.map_err(|source| document(file, source))
}

/// What a project folder gives its packages: parameters and connection managers. The packages themselves are not read.
fn project_of(folder: &Path, package: &Path, options: &LoadOptions) -> Result<Project, LoadError> {
    let mut entries: Vec<(String, Vec<u8>)> = Vec::new();
    for file in files::list(folder, &["params", "conmgr", "dtproj"])? {
        let name = file
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        entries.push((name, read_file(&file)?));
    }
    keep_project_of(package, &mut entries);
    let project = match options.password.as_deref() {
        Some(password) => {
            Project::read_folder_with_password(&entries, password, &Limits::default())
        }
        None => Project::read_folder(&entries),
    };
    let mut project = project.map_err(|source| document(folder, source))?;
    let is_package = |name: &str| name.to_ascii_lowercase().ends_with(".dtsx");
    match std::mem::take(&mut project.broken)
        .into_iter()
        .find(|(name, _)| !is_package(name))
    {
        Some((name, source)) => Err(LoadError::Document {
            path: folder.join(name),
            source: Box::new(source),
        }),
        None => Ok(project),
    }
}

/// Of several projects in a folder, the first that names the package.
fn keep_project_of(package: &Path, entries: &mut Vec<(String, Vec<u8>)>) {
    let is_project = |name: &str| name.to_ascii_lowercase().ends_with(".dtproj");
    let name = package
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let names_it = |text: &[u8]| String::from_utf8_lossy(text).contains(&name);
    let projects: Vec<&(String, Vec<u8>)> = entries
        .iter()
        .filter(|(name, _)| is_project(name))
        .collect();
    let chosen = projects
        .iter()
        .find(|(_, text)| names_it(text))
        .or(projects.first())
        .map(|(name, _)| name.clone());
    entries.retain(|(name, _)| !is_project(name) || Some(name) == chosen.as_ref());
}

fn document(path: &Path, source: dtsx::Error) -> LoadError {
    LoadError::Document {
        path: path.to_owned(),
        source: Box::new(source),
    }
}

pub(crate) fn open_ispac(path: &Path, options: &LoadOptions) -> Result<Project, LoadError> {
    let bytes = read_file(path)?;
    let project = match options.password.as_deref() {
        Some(password) => Project::open_ispac_with_password(&bytes, password, &Limits::default()),
        None => Project::open_ispac(&bytes),
    };
    project.map_err(|source| document(path, source))
}

fn load_from_ispac(
    package: &Path,
    path: &Path,
    options: &LoadOptions,
) -> Result<Package, LoadError> {
    let project = Arc::new(open_ispac(path, options)?);
    let found = package_of_archive(&package.to_string_lossy(), path, &project, options);
    found.map(|(_, package)| package)
}

/// A package of an opened `.ispac`, and the name of its entry.
pub(crate) fn package_of_archive(
    wanted: &str,
    path: &Path,
    project: &Arc<Project>,
    options: &LoadOptions,
) -> Result<(String, Package), LoadError> {
    let named = |name: &str| {
        let stem = name.strip_suffix(".dtsx").unwrap_or(name);
        name.eq_ignore_ascii_case(wanted) || stem.eq_ignore_ascii_case(wanted)
    };
    if let Some((name, source)) = project.broken.iter().find(|(name, _)| named(name)) {
        return Err(document(&path.join(name), source.clone()));
    }
    match project.packages.iter().find(|(name, _)| named(name)) {
        Some((name, document)) => {
            let package = in_archive(name, document.clone(), path, project, options);
            Ok((name.clone(), package))
        }
        None => {
            let packages = project.packages.iter().map(|(name, _)| name.clone());
            let broken = project.broken.iter().map(|(name, _)| name.clone());
            Err(LoadError::NoSuchPackage {
                path: path.to_owned(),
                name: wanted.to_owned(),
                known: packages.chain(broken).collect(),
            })
        }
    }
}

/// A package of an opened `.ispac`.
fn in_archive(
    name: &str,
    document: dtsx::Package,
    path: &Path,
    project: &Arc<Project>,
    options: &LoadOptions,
) -> Package {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let library = Library::Archive {
        path: path.to_owned(),
        project: Arc::clone(project),
        options: options.clone(),
    };
    let mut package = Package {
        document,
        shared_parameters: project.parameters.clone(),
        shared_managers: project.connection_managers.clone(),
        base_dir: parent.to_owned(),
        place: library.place(name),
        library,
        extensions: options.extensions.clone(),
    };
    package.supply(&options.secrets);
    package
}

fn check_ispac(path: &Path, options: &LoadOptions) -> Vec<CheckReport> {
    let name = |entry: &str| format!("{}/{entry}", path.display());
    let project = match open_ispac(path, options) {
        Ok(project) => project,
        Err(error) => {
            return vec![CheckReport::of(
                path.display().to_string(),
                Err(error),
                Settings::default(),
            )];
        }
    };
    let project = Arc::new(project);
    let loaded = project.packages.iter().map(|(entry, document)| {
        let package = in_archive(entry, document.clone(), path, &project, options);
        CheckReport::of(name(entry), Ok(package), Settings::default())
    });
    let broken = project.broken.iter().map(|(entry, source)| {
        let error = document(&path.join(entry), source.clone());
        CheckReport::of(name(entry), Err(error), Settings::default())
    });
    loaded.chain(broken).collect()
}
