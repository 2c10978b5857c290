//! The options that open protected packages: a password, and secrets that a package keeps closed. Both may come from the
//! environment, where no process list shows them.
//!
//! ```text
//! --decrypt PASSWORD    else FLETCH_PASSWORD          ─┐
//! --secrets FILE        lines of NAME=value           ─┼─▶ LoadOptions
//!                       else FLETCH_SECRET_NAME=value ─┤
//! --ask                 else the terminal ──────────────┘
//! ```

use std::{
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use clap::Args;
use fletching::{LoadOptions, dtsx::Secrets, read_file};

use crate::exit::{Exit, Failure};

const PASSWORD: &str = "FLETCH_PASSWORD";
const SECRET: &str = "FLETCH_SECRET_";
const STORE: &str = "FLETCHING_STORE";

#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ProtectionOptions {
    /// Password of the package or project; FLETCH_PASSWORD does the same.
    #[arg(long, value_name = "PASSWORD")]
    decrypt: Option<Password>,
    /// File of secrets, a line each: NAME=value, with the name that `check` shows; FLETCH_SECRET_NAME does the same.
    #[arg(long, value_name = "FILE")]
    secrets: Option<PathBuf>,
    /// Ask on the terminal for passwords and secrets that are given nowhere else.
    #[arg(long)]
    pub(crate) ask: bool,
}

/// Never shown.
#[derive(Clone)]
pub(crate) struct Password(String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl FromStr for Password {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl ProtectionOptions {
    /// What packages are loaded with.
    ///
    /// # Errors
    /// A file of secrets that is missing or has other lines.
    pub(crate) fn load_options(&self, project: Option<&Path>) -> Result<LoadOptions, Failure> {
        let mut secrets = Secrets::default();
        let mut password = None;
        for (name, value) in environment() {
            if name == PASSWORD {
                password = Some(value).filter(|password| !password.is_empty());
            } else if let Some(name) = name.strip_prefix(SECRET) {
                secrets.insert(name, value);
            }
        }
        if let Some(file) = &self.secrets {
            let bytes = read_file(file)?;
            let added = secrets.add_lines(&String::from_utf8_lossy(&bytes));
            added.map_err(|line| {
                let wanted = "wanted NAME=value, a blank line, or `#` and a comment";
                let message = format!("{}: line {line}: {wanted}", file.display());
                Failure::new(Exit::BadCommandLine, message)
            })?;
        }
        let given = self.decrypt.as_ref().map(|password| password.0.clone());
        Ok(LoadOptions {
            project: project.map(Path::to_owned),
            password: given.or(password),
            secrets,
            ..LoadOptions::default()
        })
    }
}

/// The environment variable that gives a secret.
pub(crate) fn secret_variable(name: &str) -> String {
    format!("{SECRET}{name}")
}

/// The folder that FLETCHING_STORE names.
pub(crate) fn package_store() -> Option<PathBuf> {
    let found = environment().find(|(name, _)| name == STORE);
    found
        .map(|(_, folder)| PathBuf::from(folder))
        .filter(|folder| !folder.as_os_str().is_empty())
}

/// The token of a server that FLETCH_TOKEN gives.
#[cfg(feature = "serve")]
pub(crate) fn server_token() -> Option<String> {
    let found = environment().find(|(name, _)| name == "FLETCH_TOKEN");
    found
        .map(|(_, token)| token)
        .filter(|token| !token.is_empty())
}

/// The variables that are text.
fn environment() -> impl Iterator<Item = (String, String)> {
    let text = |value: OsString| value.into_string().ok();
    std::env::vars_os().filter_map(move |(name, value)| Some((text(name)?, text(value)?)))
}
