//! The rows of a DataReader destination by a connection string, as SSIS's DtsClient gave them (spec `ssis-matrix.md`
//! section 21): the string is dtexec's arguments, the command is the destination's name, parameters are variables of the
//! namespace `DtsClient`.

use std::path::{Path, PathBuf};

use fletching_connections::{PathError, PathMap};
use fletching_engine::Settings;

use super::{CommandLine, CommandLineError, ConfigureError, Secret, Source, configure::local_path};
use crate::{
    Application, ConfigError, LoadError, LoadOptions, Package, PackageStore, Reader, ReaderError,
    StoreError,
};

/// Why a connection string could not be followed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// It is no command line of dtexec.
    #[error(transparent)]
    CommandLine(#[from] CommandLineError),
    /// An option that says what a run shows, or how it is checked.
    #[error("{option} has no meaning in a connection string: {hint}")]
    Option {
        /// The option.
        option: String,
        /// What to do.
        hint: &'static str,
    },
    /// The package could not be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A Windows path that leads nowhere.
    #[error(transparent)]
    Path(#[from] PathError),
    /// `/DTS` and no store, or nothing of that name in it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// `/DTS` without a folder of packages.
    #[error("/DTS: there is no package store; name its folder, or use /FILE")]
    NoStore,
    /// What the `fletching.toml` beside the package says.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file that an option names.
    #[error(transparent)]
    Configure(#[from] ConfigureError),
    /// It is another package than /VerifyBuild and the like say.
    #[error("{0}")]
    Mismatch(String),
}

/// A package and how it is run, by a connection string.
#[derive(Debug)]
pub struct Client {
    package: Package,
    settings: Settings,
}

impl Client {
    /// Loads what a connection string names: `/FILE "x.dtsx" /SET \Package.Variables[User::X].Value;5`. Nothing runs yet. A
    /// `fletching.toml` beside the package counts.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn open(connection_string: &str) -> Result<Self, ClientError> {
        Self::open_with(connection_string, LoadOptions::default(), None)
    }

    /// [`open`](Self::open) with secrets, and the folder of the package store that `/DTS` reads.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn open_with(
        connection_string: &str,
        mut options: LoadOptions,
        store: Option<&Path>,
    ) -> Result<Self, ClientError> {
        let line = CommandLine::parse_text(connection_string)?;
        refuse(&line)?;
        options.password = line
            .decrypt
            .as_ref()
            .map(Secret::reveal)
            .map(str::to_owned)
            .or(options.password);
        let here = PathMap::new(".");
        let file = match &line.source {
            Some(Source::Store(path)) => {
                let store = store.ok_or(ClientError::NoStore)?;
                PackageStore::open(store)?.package(path)?
            }
            Some(Source::File(file)) => local_path(file, &here)?,
            Some(Source::Project(project)) => {
                options.project = Some(local_path(project, &here)?);
                line.package.as_ref().map(PathBuf::from).unwrap_or_default()
            }
            None => return Err(CommandLineError::NoSource.into()),
        };
        let package = Application::load_with(&file, &options)?;
        let mut settings = package.settings()?;
        let rules = settings.path_rules.iter().cloned();
        let paths = rules.fold(PathMap::new("."), PathMap::with_rule);
        line.configure(&mut settings, &package, &paths)?;
        match line.mismatch(&package) {
            Some(mismatch) => Err(ClientError::Mismatch(mismatch)),
            None => Ok(Self { package, settings }),
        }
    }

    /// The package.
    pub fn package(&self) -> &Package {
        &self.package
    }

    /// The package, and how it is run.
    pub fn into_parts(self) -> (Package, Settings) {
        (self.package, self.settings)
    }

    /// How it is run; may be changed before a reader is opened.
    pub fn settings_mut(&mut self) -> &mut Settings {
        &mut self.settings
    }

    /// Runs the package and reads the DataReader destination that the command text names. Each parameter sets the variable
    /// `DtsClient::name`.
    ///
    /// # Errors
    /// As [`Package::reader`]; a parameter without a variable, or of another type.
    pub fn reader(
        &self,
        command_text: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Reader, ReaderError> {
        let mut settings = self.settings.clone();
        for (name, value) in parameters {
            settings.set_client_parameter(name, value);
        }
        self.package.reader(command_text, settings)
    }
}

/// Options that speak of a console, or ask for no run.
fn refuse(line: &CommandLine) -> Result<(), ClientError> {
    let shown = "what a run shows is asked of its events";
    let found = [
        (line.help.is_some(), "/Help", "ask `fletch dtexec /Help`"),
        (
            line.validate,
            "/Validate",
            "a package is checked when its reader is opened",
        ),
        (line.sum, "/Sum", shown),
        (line.console_log.is_some(), "/ConsoleLog", shown),
        (
            line.warn_as_error,
            "/WarnAsError",
            "look at the warnings of the report",
        ),
    ];
    let found = found.into_iter().find(|(given, _, _)| *given);
    let own = line.own.first().map(|option| ClientError::Option {
        option: option.clone(),
        hint: "put it into the fletching.toml beside the package, or set it by the API",
    });
    match (found, own) {
        (Some((_, option, hint)), _) => Err(ClientError::Option {
            option: option.to_owned(),
            hint,
        }),
        (None, Some(own)) => Err(own),
        (None, None) => Ok(()),
    }
}
