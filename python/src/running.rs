//! The packages that run on this machine, and what packages can be made of.

use chrono::{DateTime, Utc};
use fletching::{Application, ClassInfo, ComponentKind, RunSocketError};
use pyo3::prelude::*;

use crate::errors::{Outcome, Raised};

/// A package that runs on this machine, started by the same user.
#[pyclass(frozen, module = "fletching")]
#[derive(Debug)]
pub(crate) struct RunningPackage {
    inner: fletching::RunningPackage,
}

impl From<RunSocketError> for Raised {
    fn from(error: RunSocketError) -> Self {
        let class = match error {
            RunSocketError::Ended(_) => "NotFoundError",
            _ => "OperationalError",
        };
        Self::new(class, error.to_string())
    }
}

#[pymethods]
impl RunningPackage {
    #[getter]
    fn instance_id(&self) -> &str {
        &self.inner.instance_id
    }

    #[getter]
    fn package_id(&self) -> &str {
        &self.inner.package_id
    }

    #[getter]
    fn package_name(&self) -> &str {
        &self.inner.package_name
    }

    #[getter]
    fn package_description(&self) -> &str {
        &self.inner.package_description
    }

    #[getter]
    fn user_name(&self) -> &str {
        &self.inner.user_name
    }

    #[getter]
    fn execution_start_time(&self) -> Option<DateTime<Utc>> {
        let time = self.inner.execution_start_time?;
        Some(time.with_timezone(&Utc))
    }

    #[getter]
    fn execution_duration(&self) -> std::time::Duration {
        self.inner.execution_duration
    }

    #[getter]
    fn process_id(&self) -> u32 {
        self.inner.process_id
    }

    fn stop(&self, py: Python<'_>) -> Outcome<()> {
        py.detach(|| Ok(self.inner.stop()?))
    }

    fn __repr__(&self) -> String {
        let one = &self.inner;
        format!(
            "RunningPackage({} {} in process {})",
            one.package_name, one.instance_id, one.process_id
        )
    }
}

/// The packages that this user runs on this machine.
#[pyfunction]
pub(crate) fn running_packages(py: Python<'_>) -> Outcome<Vec<RunningPackage>> {
    let running = py.detach(Application::running_packages)?.into_iter();
    Ok(running.map(|inner| RunningPackage { inner }).collect())
}

/// What there is of a kind: name, title, whether it runs, and of components that run what they are.
type Info = (&'static str, &'static str, bool, Option<&'static str>);

/// What packages can be made of: components, connections, enumerators, logs or tasks.
#[pyfunction]
pub(crate) fn class_infos(of: &str) -> Outcome<Vec<Info>> {
    let infos: Vec<ClassInfo> = match of {
        "components" => Application::component_infos(),
        "connections" => Application::connection_infos(),
        "enumerators" => Application::enumerator_infos(),
        "logs" => Application::log_provider_infos(),
        "tasks" => Application::task_infos(),
        other => {
            return Err(Raised::new(
                "InterfaceError",
                format!("there are no infos of {other}"),
            ));
        }
    };
    let kind = |kind| match kind {
        ComponentKind::Source => "source",
        ComponentKind::Transform => "transformation",
        ComponentKind::Destination => "destination",
    };
    let infos = infos.into_iter();
    Ok(infos
        .map(|one| (one.name, one.title, one.runs, one.kind.map(kind)))
        .collect())
}
