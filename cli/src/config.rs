//! `fletching.toml`: what would otherwise be typed on every command line.
//!
//! ```toml
//! memory = "2GiB"
//! threads = 4
//! [path-map]                    # local folders: absolute, or relative to this file
//! 'C:\data' = "/srv/data"
//! [connections]
//! "Sales file" = "/srv/data/sales.csv" # a file name too may be relative to this file
//! [providers]                   # OLE DB providers that Fletching does not know
//! "MSDAORA" = "odbc:Driver=Oracle;DBQ={Data Source};UID={User ID};PWD={Password}"
//! [parameters]
//! Year = "2024"
//! [set]
//! '\Package.Variables[User::X].Value' = "5"
//! ```

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use fletching::Settings;
use serde::Deserialize;

use crate::{
    exit::{Exit, Failure},
    options::{from_folder, parse_size, path_rule},
};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Config {
    #[serde(skip)]
    file: PathBuf,
    memory: Option<String>,
    threads: Option<u16>,
    #[serde(default)]
    path_map: BTreeMap<String, String>,
    #[serde(default)]
    connections: BTreeMap<String, String>,
    #[serde(default)]
    providers: BTreeMap<String, String>,
    #[serde(default)]
    parameters: BTreeMap<String, String>,
    #[serde(default)]
    set: BTreeMap<String, String>,
}

impl Config {
    /// The named file, else `fletching.toml` beside the package, else nothing.
    pub(crate) fn find(named: Option<&Path>, base_dir: &Path) -> Result<Self, Failure> {
        let beside = base_dir.join("fletching.toml");
        let file = match named {
            Some(file) => file.to_owned(),
            None if beside.is_file() => beside,
            None => return Ok(Self::default()),
        };
        let bad = |message: String| {
            Failure::new(
                Exit::BadCommandLine,
                format!("{}: {message}", file.display()),
            )
        };
        let bytes = fletching::read_file(&file).map_err(|error| bad(error.to_string()))?;
        let text = String::from_utf8(bytes).map_err(|error| bad(error.to_string()))?;
        let config: Self = toml::from_str(&text).map_err(|error| bad(error.to_string()))?;
        Ok(Self { file, ..config })
    }

    pub(crate) fn apply(self, settings: &mut Settings) -> Result<(), Failure> {
        if let Some(memory) = &self.memory {
            let bytes = parse_size(memory).map_err(|message| {
                Failure::new(
                    Exit::BadCommandLine,
                    format!("{}: memory: {message}", self.file.display()),
                )
            })?;
            settings.memory_limit_bytes = Some(bytes);
        }
        if let Some(threads) = self.threads {
            settings.threads = usize::from(threads.max(1));
        }
        let folder = self.file.parent().unwrap_or(Path::new(""));
        for (windows, local) in &self.path_map {
            let rule = format!("{windows}={}", folder.join(local).display());
            settings.path_rules.push(path_rule(&rule)?);
        }
        let connections = self.connections.into_iter();
        settings
            .connections
            .extend(connections.map(|(name, value)| (name, from_folder(folder, value))));
        settings.providers.extend(self.providers);
        settings.parameters.extend(self.parameters);
        settings.set.extend(self.set);
        Ok(())
    }
}
