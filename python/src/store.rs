//! The package store of a folder.

use std::path::PathBuf;

use fletching::{PackageStore, delete_package, package_exists, save_package};
use pyo3::{prelude::*, types::PyType};

use crate::{
    errors::{Outcome, Raised},
    package::Package,
    settings::{Pairs, secrets},
};

/// Packages in the folders of a folder, by paths as the SSIS service has them.
#[pyclass(frozen, module = "fletching._native")]
#[derive(Debug)]
pub(crate) struct Store {
    root: PathBuf,
}

impl Store {
    fn open(&self) -> Outcome<PackageStore> {
        Ok(PackageStore::open(&self.root)?)
    }
}

#[pymethods]
impl Store {
    #[classmethod]
    fn at(_class: &Bound<'_, PyType>, root: PathBuf) -> Outcome<Self> {
        PackageStore::open(&root)?;
        Ok(Self { root })
    }

    /// Path and whether it is a folder, of all in a folder.
    fn list(&self, py: Python<'_>, path: &str, recursive: bool) -> Outcome<Vec<(String, bool)>> {
        let entries = py.detach(|| Ok::<_, Raised>(self.open()?.list(path, recursive)?))?;
        let entries = entries.into_iter();
        Ok(entries.map(|entry| (entry.path, entry.is_folder)).collect())
    }

    fn exists(&self, path: &str) -> Outcome<bool> {
        Ok(package_exists(&self.open()?.package(path)?)?)
    }

    fn has_folder(&self, path: &str) -> Outcome<bool> {
        Ok(self.open()?.has_folder(path)?)
    }

    /// Writes a package, over one that is there.
    fn save(&self, py: Python<'_>, path: &str, package: &Package) -> Outcome<()> {
        let file = self.open()?.package(path)?;
        py.detach(|| Ok(save_package(&file, &package.inner.read().to_bytes())?))
    }

    fn remove(&self, path: &str) -> Outcome<()> {
        Ok(delete_package(&self.open()?.package(path)?)?)
    }

    fn load(
        &self,
        py: Python<'_>,
        path: &str,
        password: Option<String>,
        given: Pairs,
    ) -> Outcome<Package> {
        let file = self.open()?.package(path)?;
        Package::read(py, &file, None, password, secrets(&given))
    }

    fn create_folder(&self, parent: &str, name: &str) -> Outcome<()> {
        Ok(self.open()?.create_folder(parent, name)?)
    }

    fn remove_folder(&self, parent: &str, name: &str) -> Outcome<()> {
        Ok(self.open()?.delete_folder(parent, name)?)
    }

    fn rename_folder(&self, parent: &str, old: &str, new: &str) -> Outcome<()> {
        Ok(self.open()?.rename_folder(parent, old, new)?)
    }
}
