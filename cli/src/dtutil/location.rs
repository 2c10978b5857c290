//! Where packages are: `FILE;path`, `DTS;path`, and `SQL;path`, which is refused.

use std::path::PathBuf;

use fletching::{PackageStore, PathMap, PathRule, StoreError};

use crate::{
    dtutil::bad,
    exit::{Exit, Failure},
};

/// What a location needs to become a file.
#[derive(Debug, Default)]
pub(super) struct Setting {
    /// Folder of the package store.
    pub(super) store: Option<PathBuf>,
    /// Windows paths to local ones.
    pub(super) rules: Vec<PathRule>,
    /// Overwrite without asking.
    pub(super) quiet: bool,
    /// Password of the package that is loaded.
    pub(super) password: Option<String>,
}

/// Kinds of places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Store,
    Sql,
}

/// The place of a package.
#[derive(Debug, Clone)]
pub(super) struct Location {
    pub(super) kind: Kind,
    pub(super) path: String,
}

impl Kind {
    /// `FILE`, `DTS` or `SQL`, in any case.
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        match text.to_ascii_uppercase().as_str() {
            "FILE" => Ok(Self::File),
            "DTS" => Ok(Self::Store),
            "SQL" => Ok(Self::Sql),
            _ => Err(bad(format!(
                "`{text}` is no place of packages: wanted FILE, DTS or SQL"
            ))),
        }
    }

    /// Refuses what is in SQL Server.
    pub(super) fn check(self) -> Result<(), Failure> {
        match self {
            Self::File | Self::Store => Ok(()),
            Self::Sql => Err(Failure::new(
                Exit::Failed,
                "packages in msdb need an instance of SQL Server, whose store Fletching does not read or write; \
                 use FILE, or DTS with --store DIR",
            )),
        }
    }
}

impl Location {
    /// The file of the package; it need not exist.
    pub(super) fn file(&self, setting: &Setting) -> Result<PathBuf, Failure> {
        self.kind.check()?;
        if self.path.trim().is_empty() {
            return Err(bad("the path of the package is empty"));
        }
        match self.kind {
            Kind::Store => Ok(setting.store()?.package(&self.path)?),
            Kind::File | Kind::Sql => {
                let here = std::env::current_dir().unwrap_or_default();
                let rules = setting.rules.iter().cloned();
                let paths = rules.fold(PathMap::new(here), PathMap::with_rule);
                let found = paths.resolve(&self.path);
                found.map_err(|error| Failure::new(Exit::Failed, error.to_string()))
            }
        }
    }

    /// As the user wrote it.
    pub(super) fn shown(&self) -> String {
        match self.kind {
            Kind::Store => format!("DTS;{}", self.path),
            Kind::File | Kind::Sql => self.path.clone(),
        }
    }
}

impl Setting {
    /// The package store.
    pub(super) fn store(&self) -> Result<PackageStore, Failure> {
        let Some(folder) = &self.store else {
            return Err(bad(
                "DTS paths need a package store: name its folder with --store DIR or FLETCHING_STORE",
            ));
        };
        Ok(PackageStore::open(folder)?)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let exit = match error.is_not_found() {
            true => Exit::NotFound,
            false => Exit::Failed,
        };
        Self::new(exit, error.to_string())
    }
}
