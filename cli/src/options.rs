//! The options that `run`, `read` and `explain` share, merged with a `fletching.toml`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use fletching::{
    Application, Config, Drift, Package, PathMap, PathRule, Settings, from_folder, name_and_value,
    parse_size,
};

use crate::{
    ask,
    exit::{Exit, Failure},
    plugins::PluginOptions,
    protection::ProtectionOptions,
};

#[derive(Debug, Clone, Args)]
pub(crate) struct PackageOptions {
    /// The package: a .dtsx file, or with --project the name of a package in it.
    pub(crate) package: PathBuf,
    /// Project of the package: its folder or an .ispac file.
    #[arg(long, value_name = "DIR|FILE.ispac")]
    pub(crate) project: Option<PathBuf>,
    #[command(flatten)]
    protection: ProtectionOptions,
    #[command(flatten)]
    plugins: PluginOptions,
    /// Set a property: '\Package.Variables[User::X].Value=5'. Repeatable.
    #[arg(long, value_name = "PATH=VALUE")]
    pub(crate) set: Vec<String>,
    /// Set a package or project parameter. Repeatable.
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) param: Vec<String>,
    /// Re-point a connection manager: 'Sales file=/srv/data/sales.csv'. Repeatable.
    #[arg(long, value_name = "NAME=STRING")]
    pub(crate) connection: Vec<String>,
    /// Map Windows paths to local ones: 'C:\data=/srv/data'. Repeatable.
    #[arg(long, value_name = "WIN=LOCAL")]
    pub(crate) path_map: Vec<String>,
    /// XML configuration of a package (.dtsConfig), beside those that it names itself. Repeatable.
    #[arg(long, value_name = "FILE.dtsConfig")]
    pub(crate) dts_config: Vec<PathBuf>,
    /// Configuration file; `fletching.toml` beside the package is read by itself.
    #[arg(long, value_name = "FILE.toml")]
    pub(crate) config: Option<PathBuf>,
    /// Memory that queues, sorts and aggregates may hold before they spill: 512MiB, 2GiB.
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub(crate) memory: Option<usize>,
    /// Where columns of a database have changed: refuse any change, find them by name, or take longer text too.
    #[arg(long, value_enum)]
    pub(crate) drift: Option<DriftPolicy>,
    /// Threads (default: all cores).
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Print errors only.
    #[arg(long)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DriftPolicy {
    Strict,
    ByName,
    Widen,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    Text,
    Json,
}

impl PackageOptions {
    /// Loads the package.
    pub(crate) fn load(&self) -> Result<Package, Failure> {
        let mut options = self.protection.load_options(self.project.as_deref())?;
        self.plugins.load_into(&mut options)?;
        match self.protection.ask {
            true => ask::load(&self.package, options),
            false => Ok(Application::load_with(&self.package, &options)?),
        }
    }

    /// Command line over configuration file.
    pub(crate) fn settings(&self, package: &Package) -> Result<Settings, Failure> {
        let config = Config::find(self.config.as_deref(), package.base_dir())?;
        let mut settings = Settings {
            base_dir: package.base_dir().to_owned(),
            extensions: package.extensions().clone(),
            ..Settings::default()
        };
        config.apply(&mut settings)?;
        settings.set.extend(pairs("--set", &self.set)?);
        settings.parameters.extend(pairs("--param", &self.param)?);
        let here = std::env::current_dir().unwrap_or_default();
        let connections = pairs("--connection", &self.connection)?.into_iter();
        settings
            .connections
            .extend(connections.map(|(name, value)| (name, from_folder(&here, value))));
        let files = self.dts_config.iter();
        let absolute = files.map(|file| std::path::absolute(file).unwrap_or_else(|_| file.clone()));
        settings.config_files.extend(absolute);
        for rule in &self.path_map {
            settings.path_rules.push(path_rule(rule)?);
        }
        settings.memory_limit_bytes = self.memory.or(settings.memory_limit_bytes);
        settings.drift = match self.drift {
            Some(DriftPolicy::Strict) => Drift::Strict,
            Some(DriftPolicy::Widen) => Drift::Widen,
            Some(DriftPolicy::ByName) => Drift::ByName,
            None => settings.drift,
        };
        settings.threads = self.threads.map_or(settings.threads, usize::from);
        Ok(settings)
    }
}

pub(crate) fn path_rule(rule: &str) -> Result<PathRule, Failure> {
    PathMap::parse_rule(rule)
        .map_err(|error| Failure::new(Exit::BadCommandLine, format!("--path-map: {error}")))
}

/// The names and values of an option.
pub(crate) fn pairs(option: &str, texts: &[String]) -> Result<Vec<(String, String)>, Failure> {
    let pairs = texts.iter().map(|text| {
        name_and_value(text).ok_or_else(|| {
            let message = format!("{option} '{text}': write it as NAME=VALUE");
            Failure::new(Exit::BadCommandLine, message)
        })
    });
    pairs.collect()
}
