//! Why a package cannot be read in a query, and where among DataFusion's errors that is found.

use std::{fmt, sync::Arc};

use datafusion::{common::utils::datafusion_strsim::levenshtein, error::DataFusionError};
use fletching::{ConfigError, FolderError, LoadError, ReaderError, RunError, dtsx::SsisCode};

/// What is wrong with one call of the function. In a [`DataFusionError`] it is the `External` one.
#[derive(Debug)]
pub struct PackageError {
    /// The arguments as the query has them; empty if they are not texts.
    pub call: Arc<[String]>,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong with a package in a query.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// An argument that is none.
    #[error(
        "{0}; write package('folder/Load.dtsx', 'DataReader destination', 'Name=value', ...), the destination only where there are several"
    )]
    Arguments(String),
    /// There is no such package in the folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The package does not load.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The `fletching.toml` beside it does not hold.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// It does not run, or has failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// It has no DataReader destination.
    #[error("the package has no DataReader destination: a query reads the rows of one")]
    NoReader,
    /// It has several.
    #[error("the package has several DataReader destinations, name one as the second argument: {}", quoted(.0))]
    SeveralReaders(Vec<String>),
    /// It has none of that name.
    #[error("the package has no DataReader destination `{name}`{}", nearest(.name, .known))]
    UnknownReader {
        /// The name given.
        name: String,
        /// Those that it has.
        known: Vec<String>,
    },
    /// Columns that SQL cannot tell apart.
    #[error(
        "the DataReader destination `{reader}` has several columns of one name, {}, which SQL cannot tell apart: give them other names in the package (the Output Alias of its input columns), or leave all but one of them out",
        quoted(.columns)
    )]
    RepeatedColumns {
        /// The destination.
        reader: String,
        /// The names, each once.
        columns: Vec<String>,
    },
    /// The package is another one than when the query was planned.
    #[error("the columns of `{0}` have changed since the query was planned: ask again")]
    Changed(String),
    /// Its threads could not be started.
    #[error("the threads of the run could not be started: {0}")]
    Threads(#[from] std::io::Error),
    /// A defect.
    #[error("the package could not be loaded: {0}")]
    Broken(String),
}

impl From<ReaderError> for Fault {
    fn from(error: ReaderError) -> Self {
        match error {
            ReaderError::Run(error) => Self::Run(error),
            ReaderError::Threads(error) => Self::Threads(error),
        }
    }
}

impl fmt::Display for PackageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fault = self.fault.to_string();
        match self.call.first() {
            // Errors of loading begin with the file.
            Some(package) if !fault.starts_with(&**package) => write!(f, "{package}: {fault}"),
            _ => f.write_str(&fault),
        }
    }
}

impl std::error::Error for PackageError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.fault)
    }
}

impl PackageError {
    /// The one that a query failed with, if it is one.
    pub fn find(error: &DataFusionError) -> Option<&Self> {
        let mut open = vec![error];
        while let Some(error) = open.pop() {
            match error {
                DataFusionError::External(inner) => {
                    if let Some(found) = inner.downcast_ref() {
                        return Some(found);
                    }
                    open.extend(inner.downcast_ref::<DataFusionError>());
                }
                DataFusionError::Shared(inner) => open.push(inner),
                DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => {
                    open.push(inner);
                }
                DataFusionError::Collection(several) => open.extend(several.iter().rev()),
                DataFusionError::ArrowError(inner, _) => {
                    if let datafusion::arrow::error::ArrowError::ExternalError(inner) = &**inner {
                        if let Some(found) = inner.downcast_ref() {
                            return Some(found);
                        }
                        open.extend(inner.downcast_ref::<DataFusionError>());
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// The code that SSIS reports for it, where one exists.
    pub fn code(&self) -> Option<SsisCode> {
        match &self.fault {
            Fault::Run(error) => error.code(),
            Fault::Load(error) | Fault::Folder(FolderError::Load(error)) => error.code(),
            _ => None,
        }
    }

    /// Nothing is at that place.
    pub fn is_not_found(&self) -> bool {
        match &self.fault {
            Fault::Load(error) | Fault::Folder(FolderError::Load(error)) => error.is_not_found(),
            Fault::Folder(FolderError::Missing { .. }) => true,
            _ => false,
        }
    }

    /// The run was cancelled.
    pub fn is_cancelled(&self) -> bool {
        matches!(self.fault, Fault::Run(RunError::Cancelled))
    }

    pub(crate) fn external(self) -> DataFusionError {
        DataFusionError::External(Box::new(self))
    }
}

fn quoted(names: &[String]) -> String {
    let names = names.iter().map(|name| format!("`{name}`"));
    names.collect::<Vec<_>>().join(", ")
}

/// The name that was meant, or all that there are.
fn nearest(name: &str, known: &[String]) -> String {
    let lower = name.to_lowercase();
    let near = known
        .iter()
        .map(|candidate| (levenshtein(&lower, &candidate.to_lowercase()), candidate))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= (lower.chars().count() / 3).max(1));
    match near {
        Some((_, near)) => format!("; did you mean `{near}`?"),
        None => format!("; it has {}", quoted(known)),
    }
}
