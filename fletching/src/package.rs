//! A loaded package with the project around it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow::datatypes::SchemaRef;
use dtsx::{ConnectionManager, Parameter};
use fletching_custom::Extensions;
use fletching_engine::{PreparedPackage, RunError, RunIdentity, Settings, prepare};
use fletching_planner::explain;

use crate::{
    Config, ConfigError,
    library::{Library, absolute},
    package_folder::readers,
};

/// A package, ready to be prepared any number of times.
#[derive(Debug)]
pub struct Package {
    pub(crate) document: dtsx::Package,
    pub(crate) shared_parameters: Vec<Parameter>,
    pub(crate) shared_managers: Vec<ConnectionManager>,
    pub(crate) base_dir: PathBuf,
    /// The file, or the entry in its archive.
    pub(crate) place: PathBuf,
    pub(crate) library: Library,
    pub(crate) extensions: Extensions,
}

impl Package {
    /// The package document.
    pub fn document(&self) -> &dtsx::Package {
        &self.document
    }

    /// The folder where relative file names start.
    pub fn base_dir(&self) -> &Path {
        &self.base_dir
    }

    /// The names of its own DataReader destinations as they stand in the document, those of disabled tasks not among them.
    pub fn reader_names(&self) -> Vec<String> {
        readers(&self.document)
    }

    /// Classes of objects beside those of the engine.
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// Runs it, and the packages that it runs, with classes of objects beside those of the engine.
    pub fn use_extensions(&mut self, extensions: Extensions) {
        self.library.use_extensions(&extensions);
        self.extensions = extensions;
    }

    /// How it is run where nothing else is said: relative to its folder, with what a `fletching.toml` there says.
    ///
    /// # Errors
    /// A `fletching.toml` that does not hold.
    pub fn settings(&self) -> Result<Settings, ConfigError> {
        let mut settings = Settings {
            base_dir: self.base_dir.clone(),
            extensions: self.extensions.clone(),
            ..Settings::default()
        };
        Config::find(None, &self.base_dir)?.apply(&mut settings)?;
        Ok(settings)
    }

    /// Settings with the extensions of the package, where they have none of their own.
    pub(crate) fn extended(&self, mut settings: Settings) -> Settings {
        if settings.extensions.is_empty() {
            settings.extensions = self.extensions.clone();
        }
        settings
    }

    /// Applies configurations and overrides, and checks everything before a row moves. Blocks, where a configuration is in a
    /// database.
    ///
    /// # Errors
    /// [`RunError::Findings`] with all that is unsupported or wrong; the other variants for overrides that do not fit.
    pub fn prepare(&self, settings: Settings) -> Result<Prepared, RunError> {
        let mut settings = self.extended(settings);
        settings.place = absolute(&self.place);
        if settings.library.is_none() {
            // With what a `fletching.toml` brings too.
            let mut library = self.library.clone();
            library.use_extensions(&settings.extensions);
            settings.library = Some(Arc::new(library));
        }
        let inner = prepare(
            &self.document,
            &self.shared_parameters,
            &self.shared_managers,
            settings,
        )?;
        Ok(Prepared { inner })
    }
}

/// A package that passed every check.
#[derive(Debug)]
pub struct Prepared {
    pub(crate) inner: PreparedPackage,
}

impl Prepared {
    /// The DataReader destinations and their schemas, without running.
    pub fn readers(&self) -> Result<Vec<(String, SchemaRef)>, RunError> {
        self.inner.readers()
    }

    /// Machine, user and execution, as logs have them.
    pub fn identity(&self) -> RunIdentity {
        self.inner.identity()
    }

    /// The physical plan of each data flow.
    pub fn explain(&self) -> Result<Vec<String>, RunError> {
        let plans = self.inner.plans()?;
        Ok(plans.iter().map(|plan| explain(plan, false)).collect())
    }
}
