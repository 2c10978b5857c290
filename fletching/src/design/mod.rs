//! Packages made by a program, property by property and object by object, as the designer makes them.
//!
//! ```text
//! Package::create ─┐                     ┌─▶ prepare, reader: runs as any other
//! Application::load┴─▶ Package ──edits──▶┼─▶ save: format 8
//!                        └─ pipeline(task) ─▶ Pipeline: components, connections, paths, columns, metadata
//! ```
//!
//! The control flow is edited through [`Package::edit`], the methods of [`dtsx::Package`]; a property by its path through
//! [`Package::set_property`]; a data flow through [`Pipeline`].

mod columns;
mod custom;
mod error;
mod metadata;
mod pipeline;
mod properties;
mod stored_expression;
mod template;
mod transforms;

pub use error::DesignError;
pub use pipeline::Pipeline;
pub use transforms::{Aggregation, JoinType};

use std::path::{Path, PathBuf};

use fletching_custom::Extensions;

use crate::{LoadOptions, Package, StoreError, library::Library, save_package};

impl Package {
    /// An empty package, with a folder for the relative file names in it.
    ///
    /// # Errors
    /// A name that SSIS does not take.
    pub fn create(name: &str, base_dir: &Path) -> Result<Self, DesignError> {
        let place: PathBuf = base_dir.join(format!("{name}.dtsx"));
        Ok(Self {
            document: dtsx::Package::create(name)?,
            shared_parameters: Vec::new(),
            shared_managers: Vec::new(),
            base_dir: base_dir.to_owned(),
            place,
            library: Library::Folder {
                path: base_dir.to_owned(),
                options: LoadOptions::default(),
            },
            extensions: Extensions::default(),
        })
    }

    /// Changes the document, or leaves it as it was where a change fails.
    ///
    /// # Errors
    /// Those of the change.
    pub fn edit<T, E>(
        &mut self,
        change: impl FnOnce(&mut dtsx::Package) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut document = self.document.clone();
        let changed = change(&mut document)?;
        self.document = document;
        Ok(changed)
    }

    /// A Data Flow task, to be filled or changed.
    ///
    /// # Errors
    /// [`DesignError::Document`] for a task that is not there or another one.
    pub fn pipeline(&mut self, task: &str) -> Result<Pipeline<'_>, DesignError> {
        self.document.data_flow(task)?;
        let found = self.document.executable(task);
        let task = found.map_or_else(|| task.to_owned(), |found| found.path.clone());
        Ok(Pipeline::new(self, task))
    }

    /// The package as a file has it.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.document.write()
    }

    /// Writes the package to a file, in whole or not at all, over one that is there.
    ///
    /// # Errors
    /// [`StoreError`]: the file cannot be written.
    pub fn save(&self, file: &Path) -> Result<(), StoreError> {
        save_package(file, &self.to_bytes())
    }

    /// Classes of components that [`Pipeline::add`] makes.
    pub fn component_classes() -> impl Iterator<Item = &'static str> {
        template::classes()
    }
}
