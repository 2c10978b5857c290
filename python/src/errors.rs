//! Errors as exceptions of `fletching.errors`, with the code, the symbol and the place beside the message.

use fletching::{
    ConfigError, DesignError, Finding, FindingKind, LoadError, ReaderError, RunError, StoreError,
    dtexec::ClientError, dtsx, dtsx::SsisCode,
};
use pyo3::{exceptions::PyRuntimeError, prelude::*, types::PyDict};

/// What an exception is made of.
#[derive(Debug)]
pub(crate) struct Raised {
    /// Name of the class in `fletching.errors`.
    class: &'static str,
    message: String,
    code: Option<SsisCode>,
    /// Path in the package, or of a file.
    path: Option<String>,
    findings: Vec<Finding>,
}

/// A finding: path, class, kind, code, symbol, message.
pub(crate) type FindingTuple = (
    String,
    String,
    &'static str,
    Option<u32>,
    Option<&'static str>,
    String,
);

pub(crate) fn finding(finding: &Finding) -> FindingTuple {
    (
        finding.path.clone(),
        finding.class.clone(),
        match finding.kind {
            FindingKind::Unsupported => "unsupported",
            FindingKind::Invalid => "invalid",
        },
        finding.code.map(|code| code.0),
        finding.code.map(SsisCode::symbol),
        finding.message.clone(),
    )
}

impl Raised {
    pub(crate) fn new(class: &'static str, message: impl Into<String>) -> Self {
        Self {
            class,
            message: message.into(),
            code: None,
            path: None,
            findings: Vec::new(),
        }
    }

    /// Of a run that had begun: what a task finds then is its failure.
    pub(crate) fn in_run(error: RunError) -> Self {
        let raised = Self::from(error);
        match raised.class {
            "ValidationError" => Self {
                class: "RunError",
                ..raised
            },
            _ => raised,
        }
    }

    pub(crate) fn at(self, path: impl Into<String>) -> Self {
        let path = Some(path.into());
        Self { path, ..self }
    }

    fn with_code(self, code: Option<SsisCode>) -> Self {
        Self { code, ..self }
    }

    /// The exception itself; what went wrong with making it, if that did.
    pub(crate) fn exception<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let class = py.import("fletching.errors")?.getattr(self.class)?;
        let known = PyDict::new(py);
        known.set_item("code", self.code.map(|code| code.0))?;
        let symbol = self.code.map(SsisCode::symbol);
        known.set_item("symbol", symbol.filter(|symbol| !symbol.is_empty()))?;
        known.set_item("path", self.path.as_deref())?;
        if !self.findings.is_empty() {
            let findings: Vec<FindingTuple> = self.findings.iter().map(finding).collect();
            known.set_item("findings", findings)?;
        }
        class.call((self.message.as_str(),), Some(&known))
    }
}

impl From<Raised> for PyErr {
    fn from(raised: Raised) -> Self {
        Python::attach(|py| match raised.exception(py) {
            Ok(exception) => Self::from_value(exception),
            // Without the Python half there are no classes.
            Err(_) => PyRuntimeError::new_err(raised.message),
        })
    }
}

/// `?` for the errors of the engine.
pub(crate) type Outcome<T> = Result<T, Raised>;

impl From<RunError> for Raised {
    fn from(error: RunError) -> Self {
        let message = error.to_string();
        let code = error.code();
        match error {
            RunError::Findings(findings) => {
                let path = findings.0.first().map(|finding| finding.path.clone());
                Self {
                    path,
                    findings: findings.0,
                    ..Self::new("ValidationError", message).with_code(code)
                }
            }
            RunError::UnknownOverride { name, .. } | RunError::BadValue { name, .. } => {
                Self::new("SettingError", message).at(name)
            }
            RunError::Flow { error, .. } => Self::new("RunError", message)
                .with_code(code)
                .at(error.path.clone()),
            RunError::Engine { task, .. } => Self::new("RunError", message).at(task),
            RunError::Failed { package } => Self::new("RunError", message).at(package),
            RunError::Cancelled => Self::new("CancelledError", message),
        }
    }
}

impl From<ReaderError> for Raised {
    fn from(error: ReaderError) -> Self {
        match error {
            ReaderError::Run(error) => error.into(),
            other @ ReaderError::Threads(_) => Self::new("OperationalError", other.to_string()),
        }
    }
}

impl From<LoadError> for Raised {
    fn from(error: LoadError) -> Self {
        let class = match error.is_not_found() {
            true => "NotFoundError",
            false => "LoadError",
        };
        let raised = Self::new(class, error.to_string()).with_code(error.code());
        match &error {
            LoadError::NotFound { path }
            | LoadError::Document { path, .. }
            | LoadError::NoSuchPackage { path, .. }
            | LoadError::NotAPackage { path, .. } => raised.at(path.display().to_string()),
            LoadError::Open(_) => raised,
        }
    }
}

impl From<ConfigError> for Raised {
    fn from(error: ConfigError) -> Self {
        match error {
            ConfigError::Load(error) => error.into(),
            ConfigError::Content { ref file, .. } => {
                let path = file.display().to_string();
                Self::new("SettingError", error.to_string()).at(path)
            }
        }
    }
}

impl From<StoreError> for Raised {
    fn from(error: StoreError) -> Self {
        let class = match error.is_not_found() {
            true => "NotFoundError",
            false => "StoreError",
        };
        Self::new(class, error.to_string())
    }
}

impl From<dtsx::Error> for Raised {
    fn from(error: dtsx::Error) -> Self {
        Self::new("DesignError", error.to_string()).with_code(Some(error.code()))
    }
}

impl From<DesignError> for Raised {
    fn from(error: DesignError) -> Self {
        let message = error.to_string();
        match error {
            DesignError::Document(error) => error.into(),
            DesignError::Property(error) => error.into(),
            DesignError::Missing { name, .. }
            | DesignError::Invalid { name, .. }
            | DesignError::Expression { name, .. } => Self::new("DesignError", message).at(name),
            _ => Self::new("DesignError", message),
        }
    }
}

impl From<ClientError> for Raised {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Load(error) => error.into(),
            ClientError::Store(error) => error.into(),
            ClientError::Config(error) => error.into(),
            other => Self::new("InterfaceError", other.to_string()),
        }
    }
}

impl From<std::io::Error> for Raised {
    fn from(error: std::io::Error) -> Self {
        let message = format!("the threads of the run could not be started: {error}");
        Self::new("OperationalError", message)
    }
}
