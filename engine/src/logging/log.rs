//! What a log is to the thread that writes it.

use std::fmt;

use dtsx::SsisCode;

use super::entry::LogEntry;

/// An open log. Blocks; lives on the thread of [`super::LogWriter`].
pub(super) trait Log: fmt::Debug + Send {
    /// Writes entries, one at least.
    ///
    /// # Errors
    /// Why not: the log is given up then.
    fn write(&mut self, entries: &[&LogEntry]) -> Result<(), LogFailure>;

    /// Ends it.
    ///
    /// # Errors
    /// Why its end could not be written.
    fn close(&mut self) -> Result<(), LogFailure>;
}

/// Why a log is not written, and which.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct LogFailure {
    /// `Package.LogProviders[Name]`.
    pub(crate) provider: String,
    pub(crate) code: SsisCode,
    pub(crate) message: String,
}

impl LogFailure {
    pub(super) fn opening(provider: &str, why: impl fmt::Display) -> Self {
        Self {
            provider: provider.to_owned(),
            code: super::OPEN_FAILED,
            message: format!("the log cannot be opened: {why}"),
        }
    }

    pub(super) fn writing(provider: &str, why: impl fmt::Display) -> Self {
        Self {
            provider: provider.to_owned(),
            code: super::PROVIDER_FAILED,
            message: format!("the log cannot be written, and ends here: {why}"),
        }
    }
}
