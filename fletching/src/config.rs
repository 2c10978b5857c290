//! `fletching.toml`: what would otherwise be typed on every command line.
//!
//! ```toml
//! memory = "2GiB"
//! threads = 4
//! plugins = ["contoso.so"]      # shared libraries with classes of components, tasks and more; relative to this file
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

use fletching_connections::{PathMap, PathRule};
use fletching_custom::host;
use fletching_engine::Settings;
use serde::Deserialize;

use crate::{LoadError, read_file};

/// Why a configuration file does not hold.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It is not there, or cannot be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// What stands in it cannot be followed.
    #[error("{}: {message}", file.display())]
    Content {
        /// The file.
        file: PathBuf,
        /// Where, what was found and what is wanted.
        message: String,
    },
}

/// What a `fletching.toml` says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    #[serde(skip)]
    file: PathBuf,
    memory: Option<String>,
    threads: Option<u16>,
    #[serde(default)]
    plugins: Vec<PathBuf>,
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
    ///
    /// # Errors
    /// A file that is missing, or says what is not known.
    pub fn find(named: Option<&Path>, base_dir: &Path) -> Result<Self, ConfigError> {
        let beside = base_dir.join("fletching.toml");
        let file = match named {
            Some(file) => file.to_owned(),
            None if beside.is_file() => beside,
            None => return Ok(Self::default()),
        };
        let bytes = read_file(&file)?;
        let bad = |message: String| ConfigError::Content {
            file: file.clone(),
            message,
        };
        let text = String::from_utf8(bytes).map_err(|error| bad(error.to_string()))?;
        let config: Self = toml::from_str(&text).map_err(|error| bad(error.to_string()))?;
        Ok(Self { file, ..config })
    }

    /// Puts it into the settings of a run.
    ///
    /// # Errors
    /// A size or a path that is none, a plug-in that cannot be loaded.
    pub fn apply(self, settings: &mut Settings) -> Result<(), ConfigError> {
        let bad = |what: &str, message: String| ConfigError::Content {
            file: self.file.clone(),
            message: format!("{what}: {message}"),
        };
        if let Some(memory) = &self.memory {
            let bytes = parse_size(memory).map_err(|message| bad("memory", message))?;
            settings.memory_limit_bytes = Some(bytes);
        }
        if let Some(threads) = self.threads {
            settings.threads = usize::from(threads.max(1));
        }
        let folder = self.file.parent().unwrap_or(Path::new(""));
        for plugin in &self.plugins {
            let loaded = host::load(&folder.join(plugin), &mut settings.extensions);
            loaded.map_err(|error| bad("plugins", error.to_string()))?;
        }
        for (windows, local) in &self.path_map {
            let rule = format!("{windows}={}", folder.join(local).display());
            let rule = path_rule(&rule).map_err(|message| bad("path-map", message))?;
            settings.path_rules.push(rule);
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

/// A connection string that is a relative file name, as one of `folder`; any other as it is. What a user types is
/// relative to where the user is, not to the package.
pub fn from_folder(folder: &Path, value: String) -> String {
    if let Some((scheme, file)) = value.split_once(':')
        && matches!(scheme, "sqlite" | "duckdb")
        && file != ":memory:"
    {
        return format!("{scheme}:{}", from_folder(folder, file.to_owned()));
    }
    let is_file_name = !value.contains(['=', ';', ':']) && !value.starts_with(['/', '\\']);
    if is_file_name && !value.is_empty() {
        let file = folder.join(&value);
        return std::path::absolute(&file)
            .unwrap_or(file)
            .display()
            .to_string();
    }
    value
}

/// Splits `Name=value` at the first `=` that is not inside brackets: property paths may hold one there. `None` without one.
pub fn name_and_value(text: &str) -> Option<(String, String)> {
    let mut depth = 0;
    let (at, _) = text.char_indices().find(|(_, character)| {
        match character {
            '[' => depth += 1,
            ']' => depth -= 1,
            _ => {}
        }
        *character == '=' && depth <= 0
    })?;
    Some((text.get(..at)?.to_owned(), text.get(at + 1..)?.to_owned()))
}

fn path_rule(rule: &str) -> Result<PathRule, String> {
    PathMap::parse_rule(rule).map_err(|error| error.to_string())
}

/// `64MiB`, `2GiB`, `500MB`, `1048576`.
pub fn parse_size(text: &str) -> Result<usize, String> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let factor: usize = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kib" | "k" => 1 << 10,
        "mib" | "m" => 1 << 20,
        "gib" | "g" => 1 << 30,
        "tib" | "t" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        other => {
            return Err(format!(
                "`{other}` is not a unit of size: write 512MiB or 2GiB"
            ));
        }
    };
    number
        .parse::<usize>()
        .ok()
        .and_then(|number| number.checked_mul(factor))
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| format!("`{text}` is not a size: write 512MiB or 2GiB"))
}
