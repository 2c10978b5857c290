//! Log providers.

use std::fmt;

use crate::{ClassNames, CustomError};

/// A class of log providers.
pub trait LogProviderClass: fmt::Debug + Send + Sync {
    /// By what packages name it: the creation name of the log provider.
    fn names(&self) -> &ClassNames;

    /// What is wrong with the settings of one; opens nothing.
    ///
    /// # Errors
    /// Every problem, each a sentence for a person.
    fn check(&self, provider: &LogProviderSpec) -> Result<(), Vec<String>>;

    /// Opens the log for one run.
    ///
    /// # Errors
    /// Why it cannot be opened.
    fn open(&self, provider: &LogProviderSpec) -> Result<Box<dyn Log>, CustomError>;
}

/// One log provider of a package.
#[derive(Debug, Clone)]
pub struct LogProviderSpec {
    /// Its name in the package.
    pub name: String,
    /// ConfigString: nearly always the name of a connection manager.
    pub config_string: String,
    /// The connection string of that manager, paths mapped to this machine; empty if there is none of that name.
    pub connection_string: String,
}

/// An open log. Dropping it closes it.
pub trait Log: Send {
    /// Writes one entry.
    ///
    /// # Errors
    /// Why it cannot be written.
    fn write(&mut self, entry: &LogEntry) -> Result<(), CustomError>;

    /// The run has ended: everything must last.
    ///
    /// # Errors
    /// Why it does not.
    fn close(&mut self) -> Result<(), CustomError>;
}

/// A line of a log, the columns of SSIS's log schema; what the package leaves out is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// `OnError`, `PackageStart`, `User:ExecuteSQLExecutingQuery`.
    pub event: String,
    /// The machine.
    pub computer: String,
    /// The user.
    pub operator: String,
    /// Name of the executable that it comes from.
    pub source: String,
    /// Its GUID.
    pub source_id: String,
    /// GUID of the run.
    pub execution_id: String,
    /// Microseconds since 1970-01-01 UTC.
    pub time_us: i64,
    /// The code of an error, a warning or an information; how the package ended.
    pub data_code: i32,
    /// The text; empty if there is none.
    pub message: String,
}
