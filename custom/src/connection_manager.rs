//! Connection managers.

use std::fmt;

use crate::{ClassNames, CustomError, Properties};

/// A class of connection managers. What it opens has an address that the engine knows: a file, or a database
/// (`sqlite:...`, `mssql://...`, `postgresql://...`, `odbc:...`); whoever asks for such a manager works with that.
pub trait ConnectionManagerClass: fmt::Debug + Send + Sync {
    /// By what packages name it: the creation name.
    fn names(&self) -> &ClassNames;

    /// The address that a manager stands for. Opens nothing that lasts.
    ///
    /// # Errors
    /// What is wrong with its settings.
    fn address(&self, manager: &ConnectionManagerSpec) -> Result<String, CustomError>;
}

/// One connection manager of a package, its property expressions evaluated.
#[derive(Debug, Clone)]
pub struct ConnectionManagerSpec {
    /// Its name in the package.
    pub name: String,
    /// ConnectionString, secrets filled in.
    pub connection_string: String,
    /// Its other properties.
    pub properties: Properties,
    /// The folder where relative file names of the package start.
    pub folder: String,
}

impl ConnectionManagerSpec {
    /// A property by name, whatever its case.
    pub fn property(&self, name: &str) -> Option<&str> {
        crate::component::property(&self.properties, name)
    }
}
