//! What a package is loaded with beside its file: its project, the password that opens it, the secrets that it needs.

use std::{fmt, path::PathBuf};

use dtsx::Secrets;
use fletching_custom::Extensions;

/// How to load packages. Shows no secret.
#[derive(Clone, Default)]
pub struct LoadOptions {
    /// The project of a package: a folder or an `.ispac`.
    pub project: Option<PathBuf>,
    /// Opens packages and projects of the levels EncryptSensitiveWithPassword and EncryptAllWithPassword.
    pub password: Option<String>,
    /// Values for what stays closed or was never saved.
    pub secrets: Secrets,
    /// Classes of objects beside those of the engine, for the package and those that it runs.
    pub extensions: Extensions,
}

impl fmt::Debug for LoadOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadOptions")
            .field("project", &self.project)
            .field("password", &self.password.as_ref().map(|_| "***"))
            .field("secrets", &self.secrets)
            .field("extensions", &self.extensions)
            .finish()
    }
}
