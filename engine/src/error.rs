//! Why a package did not run, or stopped.

use datafusion_common::DataFusionError;
use dtsx::SsisCode;
use fletching_components::{Findings, flow::FlowError};

#[derive(Debug, Clone, thiserror::Error)]
pub enum RunError {
    /// Problems found before any row moved: all of them.
    #[error("{0}")]
    Findings(Findings),

    /// An override names something that is not there.
    #[error("{what} `{name}` is not in package `{package}`{}", suggestion(.known))]
    UnknownOverride {
        what: &'static str,
        name: String,
        package: String,
        known: Vec<String>,
    },

    /// An override or a stored value does not fit its type.
    #[error("{what} `{name}`: {message}")]
    BadValue {
        what: &'static str,
        name: String,
        message: String,
    },

    /// A data flow stopped at a component.
    #[error("{}{error}", of_task(.task, .error))]
    Flow { task: String, error: Box<FlowError> },

    /// A data flow stopped for another reason: memory, disk, a defect.
    #[error("{task}: {message}")]
    Engine { task: String, message: String },

    /// The result was forced, or a child failed its parent, without an error.
    #[error("package `{package}` failed without an error: see the results of its tasks")]
    Failed { package: String },

    /// The reader of a DataReader destination went away, or the caller cancelled.
    #[error("the run was cancelled")]
    Cancelled,
}

impl RunError {
    /// The SSIS code of the failure, where one exists.
    pub fn code(&self) -> Option<SsisCode> {
        match self {
            Self::Findings(findings) => findings.0.first().and_then(|finding| finding.code),
            Self::Flow { error, .. } => error.code,
            _ => None,
        }
    }

    /// As it is seen from the package around: `place` goes before the paths.
    #[must_use]
    pub(crate) fn within(self, place: &str) -> Self {
        let path = |path: &str| within(place, path);
        match self {
            Self::Findings(mut findings) => {
                for finding in &mut findings.0 {
                    finding.path = path(&finding.path);
                }
                Self::Findings(findings)
            }
            Self::Flow { task, mut error } => {
                error.path = path(&error.path);
                Self::Flow {
                    task: path(&task),
                    error,
                }
            }
            Self::Engine { task, message } => Self::Engine {
                task: path(&task),
                message,
            },
            Self::Cancelled => Self::Cancelled,
            other => Self::Engine {
                task: place.to_owned(),
                message: other.to_string(),
            },
        }
    }

    /// Finds the component's error inside DataFusion's.
    pub(crate) fn of_task(task: &str, error: &DataFusionError) -> Self {
        match flow_error(error) {
            Some(error) => Self::Flow {
                task: task.to_owned(),
                error: Box::new(error.clone()),
            },
            None => Self::Engine {
                task: task.to_owned(),
                message: error.strip_backtrace(),
            },
        }
    }
}

/// A path in a package that another one runs: `Package\Run load > Load.dtsx > Package\Read`.
pub(crate) fn within(place: &str, path: &str) -> String {
    format!("{place} > {path}")
}

fn flow_error(error: &DataFusionError) -> Option<&FlowError> {
    let mut source: &(dyn std::error::Error + 'static) = error;
    loop {
        if let Some(found) = source.downcast_ref::<FlowError>() {
            return Some(found);
        }
        source = match source.downcast_ref::<DataFusionError>() {
            Some(DataFusionError::External(inner)) => inner.as_ref(),
            Some(DataFusionError::Shared(inner)) => inner.as_ref(),
            Some(DataFusionError::Context(_, inner)) => inner.as_ref(),
            Some(DataFusionError::ArrowError(inner, _)) => inner.as_ref(),
            _ => source.source()?,
        };
    }
}

fn suggestion(known: &[String]) -> String {
    if known.is_empty() {
        String::new()
    } else {
        format!("; there are: {}", known.join(", "))
    }
}

/// The task's path, where the component's does not begin with it.
fn of_task(task: &str, error: &FlowError) -> String {
    if error.path.starts_with(task) {
        String::new()
    } else {
        format!("{task}: ")
    }
}
