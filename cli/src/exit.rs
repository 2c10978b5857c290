//! Exit codes, those of dtexec (spec `ssis-matrix.md` section 16), and the error that carries one.

use std::process::ExitCode;

use fletching::{
    ConfigError, LoadError, RunError, RunReport, dtexec::ConfigureError, dtsx::SsisCode,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Success = 0,
    Failed = 1,
    Cancelled = 3,
    NotFound = 4,
    NotLoadable = 5,
    BadCommandLine = 6,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A command that did not succeed: what to print, as text or JSON, and the code to end with.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) message: String,
    /// SSIS code, `0xC004700D`.
    pub(crate) code: Option<String>,
    pub(crate) symbol: Option<&'static str>,
    pub(crate) json: bool,
    /// What was noticed before it failed.
    pub(crate) warnings: Vec<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            code: None,
            symbol: None,
            json: false,
            warnings: Vec::new(),
        }
    }

    /// Of a run that failed or was cancelled: its first error, with what was noticed before and what was not run.
    pub(crate) fn of_report(report: RunReport) -> Self {
        let not_run = report.tasks.iter().filter_map(|task| {
            let (why, rounds) = (task.not_run.as_ref()?, &task.rounds);
            let times = match rounds.total() {
                1 => String::new(),
                total => format!(" in {} of {total} rounds, at last", rounds.skipped),
            };
            Some(format!("{} was not run{times}: {why}", task.path))
        });
        let mut warnings = report.warnings.clone();
        warnings.extend(not_run);
        let mut errors = report.errors.clone();
        match report.succeeded() {
            Ok(report) => Self::new(Exit::Failed, format!("package `{}` failed", report.package)),
            Err(error) => {
                let mut failure = Self::from(error);
                errors.drain(..errors.len().min(1));
                for error in errors {
                    failure.message.push('\n');
                    failure.message.push_str(&error.to_string());
                }
                Self {
                    warnings,
                    ..failure
                }
            }
        }
    }

    /// The same with the code that SSIS reports, in the message too.
    pub(crate) fn with_code(mut self, code: SsisCode) -> Self {
        self.message = format!("{} [{code}]", self.message);
        self.code = Some(format!("0x{:08X}", code.0));
        self.symbol = Some(code.symbol());
        self
    }

    pub(crate) fn with_json(mut self, json: bool) -> Self {
        self.json = json;
        self
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        let exit = if error.is_not_found() {
            Exit::NotFound
        } else {
            Exit::NotLoadable
        };
        let failure = Self::new(exit, error.to_string());
        match error.code() {
            // That a package does not load, the exit code says already.
            None | Some(SsisCode::LOAD_PACKAGE_XML) => failure,
            Some(code) => failure.with_code(code),
        }
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        let exit = match error {
            RunError::Cancelled => Exit::Cancelled,
            RunError::UnknownOverride { .. } | RunError::BadValue { .. } => Exit::BadCommandLine,
            _ => Exit::Failed,
        };
        let code = error.code();
        Self {
            code: code.map(|code| format!("0x{:08X}", code.0)),
            symbol: code.map(|code| code.symbol()),
            ..Self::new(exit, error.to_string())
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::new(Exit::BadCommandLine, error.to_string())
    }
}

impl From<ConfigureError> for Failure {
    fn from(error: ConfigureError) -> Self {
        match error {
            ConfigureError::Load(error) => error.into(),
            ConfigureError::Path(error) => Self::new(Exit::BadCommandLine, error.to_string()),
        }
    }
}
