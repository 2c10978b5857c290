//! Why a connection manager of a server of files, mail or pages does not say where it leads.

use crate::UnknownName;

/// What is wrong with the settings of a connection manager, or with the address that it was re-pointed to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    #[error(
        "it names no server ({property} is empty); set one, or re-point it with `--connection 'NAME={example}'`"
    )]
    NoServer {
        property: &'static str,
        example: &'static str,
    },
    /// An address or a connection string that cannot be read; shown without secrets.
    #[error("`{shown}`: {wanted}")]
    Malformed { shown: String, wanted: String },
    #[error("{property} is `{found}`; {wanted} is wanted")]
    Value {
        property: &'static str,
        found: String,
        wanted: &'static str,
    },
    /// Known, and not for this engine.
    #[error("{what} is not supported: {advice}")]
    Unsupported { what: String, advice: String },
}

/// A connection manager that does not lead to a server of files, mail or pages.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServerConnectionError {
    #[error(transparent)]
    Unknown(#[from] UnknownName),
    #[error("connection manager `{name}` is of kind {found}; one of kind {wanted} is needed here")]
    OtherKind {
        name: String,
        found: String,
        wanted: &'static str,
    },
    #[error("connection manager `{name}`: {error}")]
    Settings { name: String, error: SettingsError },
    /// A file that an address names: a key, a certificate, known hosts.
    #[error("connection manager `{name}`: {error}")]
    Path {
        name: String,
        error: crate::PathError,
    },
}
