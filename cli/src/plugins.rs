//! The option that brings classes of others: `--plugin FILE.so`. `plugins` of a `fletching.toml` does the same.

use std::path::PathBuf;

use clap::Args;
use fletching::{LoadOptions, custom::host};

use crate::exit::{Exit, Failure};

#[derive(Debug, Clone, Default, Args)]
pub(crate) struct PluginOptions {
    /// Plug-in with classes of components, tasks and more: a shared library, which may do what this program may. Repeatable.
    #[arg(long, value_name = "FILE.so")]
    plugin: Vec<PathBuf>,
}

impl PluginOptions {
    /// Packages are loaded with their classes.
    ///
    /// # Errors
    /// A plug-in that cannot be loaded.
    pub(crate) fn load_into(&self, options: &mut LoadOptions) -> Result<(), Failure> {
        for file in &self.plugin {
            host::load(file, &mut options.extensions)
                .map_err(|error| Failure::new(Exit::NotLoadable, format!("--plugin {error}")))?;
        }
        Ok(())
    }
}
