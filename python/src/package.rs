//! A package: loaded, made, looked at, checked, run. `control_flow` changes it, `pipeline` its data flows.

use std::path::{Path, PathBuf};

use fletching::{
    Application, CheckReport, Finding, LoadOptions, Prepared, RunError, dtexec::Client, dtsx,
    save_package,
};
use parking_lot::RwLock;
use pyo3::{
    prelude::*,
    types::{PyBytes, PyDict, PyType},
};

use crate::{
    batch::Schema,
    custom::Extensions,
    document,
    errors::{FindingTuple, Outcome, Raised, finding},
    reader::Reader,
    run::Run,
    settings::{Given, Pairs, secrets},
};

/// A package with its project around it.
#[pyclass(frozen, module = "fletching._native")]
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) inner: RwLock<fletching::Package>,
    /// How a connection string says it is run; `None` for one loaded otherwise.
    settings: Option<fletching::Settings>,
}

impl Package {
    fn new(inner: fletching::Package) -> Self {
        Self {
            inner: RwLock::new(inner),
            settings: None,
        }
    }

    pub(crate) fn read(
        py: Python<'_>,
        file: &Path,
        project: Option<PathBuf>,
        password: Option<String>,
        secrets: dtsx::Secrets,
    ) -> Outcome<Self> {
        let options = LoadOptions {
            project,
            password,
            secrets,
            ..LoadOptions::default()
        };
        let loaded = py.detach(|| Application::load_with(file, &options))?;
        Ok(Self::new(loaded))
    }

    /// Settings of a run, and the package checked with them.
    fn prepare(&self, given: &Given) -> Outcome<Prepared> {
        let package = self.inner.read();
        let settings = self.settings_of(&package, given)?;
        Ok(package.prepare(settings)?)
    }

    pub(crate) fn settings_of(
        &self,
        package: &fletching::Package,
        given: &Given,
    ) -> Outcome<fletching::Settings> {
        match &self.settings {
            Some(settings) => {
                let mut settings = settings.clone();
                given.apply(&mut settings)?;
                Ok(settings)
            }
            None => given.over(package),
        }
    }

    /// Changes the document, in whole or not at all.
    pub(crate) fn edit<T: Send>(
        &self,
        py: Python<'_>,
        change: impl FnOnce(&mut dtsx::Package) -> Result<T, dtsx::Error> + Send,
    ) -> Outcome<T> {
        py.detach(|| Ok(self.inner.write().edit(change)?))
    }
}

#[pymethods]
impl Package {
    #[classmethod]
    fn load(
        _class: &Bound<'_, PyType>,
        py: Python<'_>,
        file: PathBuf,
        project: Option<PathBuf>,
        password: Option<String>,
        given: Pairs,
    ) -> Outcome<Self> {
        Self::read(py, &file, project, password, secrets(&given))
    }

    #[classmethod]
    fn create(_class: &Bound<'_, PyType>, name: &str, base_dir: PathBuf) -> Outcome<Self> {
        let created = fletching::Package::create(name, &base_dir)?;
        Ok(Self::new(created))
    }

    /// What a connection string names, and how it is run.
    #[classmethod]
    fn connect(
        _class: &Bound<'_, PyType>,
        py: Python<'_>,
        connection_string: &str,
        password: Option<String>,
        given: Pairs,
        store: Option<PathBuf>,
        extensions: Option<&Extensions>,
    ) -> Outcome<Self> {
        let options = LoadOptions {
            project: None,
            password,
            secrets: secrets(&given),
            extensions: extensions.map(Extensions::get).unwrap_or_default(),
        };
        let client = py.detach(|| Client::open_with(connection_string, options, store.as_deref()));
        let (package, settings) = client?.into_parts();
        Ok(Self {
            inner: RwLock::new(package),
            settings: Some(settings),
        })
    }

    /// Runs it with these classes beside those of the engine, in place of those that it was loaded with.
    fn use_extensions(&self, py: Python<'_>, extensions: &Extensions) {
        let extensions = extensions.get();
        // Who reads the package may wait for the GIL.
        py.detach(|| self.inner.write().use_extensions(extensions));
    }

    #[getter]
    fn name(&self) -> String {
        self.inner.read().document().name().to_owned()
    }

    #[getter]
    fn base_dir(&self) -> PathBuf {
        self.inner.read().base_dir().to_owned()
    }

    #[getter]
    fn format_version(&self) -> u32 {
        self.inner.read().document().format_version()
    }

    fn property(&self, path: &str) -> Outcome<String> {
        Ok(self.inner.read().property(path)?)
    }

    fn set_property(&self, py: Python<'_>, path: &str, value: &str) -> Outcome<()> {
        py.detach(|| Ok(self.inner.write().set_property(path, value)?))
    }

    fn variables<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let package = self.inner.read();
        let mut all = Vec::new();
        for one in package.document().executables() {
            for variable in &one.variables {
                all.push(document::variable(py, &one.path, variable)?);
            }
        }
        Ok(all)
    }

    fn parameters<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let package = self.inner.read();
        let parameters = package.document().parameters().iter();
        parameters.map(|one| document::parameter(py, one)).collect()
    }

    fn connection_managers<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let package = self.inner.read();
        let managers = package.document().connection_managers().iter();
        managers
            .map(|one| document::connection_manager(py, one))
            .collect()
    }

    /// The package as an executable, with all in it.
    fn root<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        document::executable(py, self.inner.read().document().root())
    }

    /// Everything that would keep the package from running.
    fn validate(&self, py: Python<'_>, given: Given) -> Outcome<Vec<FindingTuple>> {
        let checked = py.detach(|| {
            let package = self.inner.read();
            let settings = self.settings_of(&package, &given)?;
            match package.prepare(settings) {
                Ok(_) => Ok(Vec::new()),
                Err(RunError::Findings(findings)) => Ok(findings.0),
                Err(error) => Err(Raised::from(error)),
            }
        });
        Ok(checked?.iter().map(finding).collect())
    }

    /// The DataReader destinations and their columns.
    fn readers(&self, py: Python<'_>, given: Given) -> Outcome<Vec<(String, Schema)>> {
        let found = py.detach(|| Ok::<_, Raised>(self.prepare(&given)?.readers()?))?;
        let found = found.into_iter();
        Ok(found
            .map(|(name, schema)| (name, Schema::new(schema)))
            .collect())
    }

    /// The plan of each data flow.
    fn explain(&self, py: Python<'_>, given: Given) -> Outcome<Vec<String>> {
        py.detach(|| Ok(self.prepare(&given)?.explain()?))
    }

    /// Runs it in the background.
    fn start(&self, py: Python<'_>, given: Given, with_events: bool) -> Outcome<Run> {
        py.detach(|| Run::start(self.prepare(&given)?, with_events))
    }

    /// Runs it in the background, and reads its DataReader destinations of these names.
    fn open_readers(
        &self,
        py: Python<'_>,
        names: Vec<String>,
        given: Given,
    ) -> Outcome<Vec<Reader>> {
        py.detach(|| {
            let package = self.inner.read();
            let settings = self.settings_of(&package, &given)?;
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let readers = package.readers(&names, settings)?;
            Ok(readers.into_iter().map(Reader::new).collect())
        })
    }

    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.inner.read().to_bytes())
    }

    fn save(&self, py: Python<'_>, file: PathBuf) -> Outcome<()> {
        py.detach(|| Ok(save_package(&file, &self.inner.read().to_bytes())?))
    }
}

/// Checks all packages under these paths.
#[pyfunction]
pub(crate) fn check<'py>(
    py: Python<'py>,
    paths: Vec<PathBuf>,
    password: Option<String>,
    given: Pairs,
    extensions: Option<&Extensions>,
) -> PyResult<Vec<Bound<'py, PyDict>>> {
    let options = LoadOptions {
        project: None,
        password,
        secrets: secrets(&given),
        extensions: extensions.map(Extensions::get).unwrap_or_default(),
    };
    let reports = py.detach(|| Application::check_with(&paths, &options));
    let reports = reports.map_err(Raised::from)?.into_iter();
    reports.map(|report| checked(py, report)).collect()
}

fn checked(py: Python<'_>, report: CheckReport) -> PyResult<Bound<'_, PyDict>> {
    let known = PyDict::new(py);
    known.set_item("package", report.package)?;
    known.set_item("format_version", report.format)?;
    known.set_item("loads", report.loads)?;
    known.set_item("plans", report.plans)?;
    let findings = report.findings.iter();
    let findings: Vec<FindingTuple> = findings.map(|one: &Finding| finding(one)).collect();
    known.set_item("findings", findings)?;
    known.set_item("error", report.error)?;
    Ok(known)
}

/// Classes of components that a pipeline can add.
#[pyfunction]
pub(crate) fn component_classes() -> Vec<&'static str> {
    fletching::Package::component_classes().collect()
}
