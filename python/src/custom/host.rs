//! The package around a task or an enumerator, for the time of a call.

#![expect(
    unsafe_code,
    reason = "what is lent for a call goes through an object that Python may keep"
)]

use std::sync::Arc;

use arrow::{
    array::RecordBatch,
    datatypes::{Field, Schema},
};
use fletching::custom::{CustomError, Host, Message};
use parking_lot::RwLock;
use pyo3::{
    exceptions::{PyKeyError, PyRuntimeError, PyValueError},
    prelude::*,
};

use super::{arrays, half};
use crate::values;

/// What a task sees of its package. Of no use when the call has ended.
#[pyclass(frozen, module = "fletching._native")]
pub(crate) struct RunHost {
    /// `None` when the call has ended.
    host: RwLock<Option<&'static dyn Host>>,
}

impl std::fmt::Debug for RunHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RunHost")
    }
}

impl RunHost {
    /// Calls with the host as `fletching.custom.Host`; nobody has it afterwards.
    pub(super) fn lend<'py, T>(
        py: Python<'py>,
        host: &dyn Host,
        call: impl FnOnce(Bound<'py, PyAny>) -> PyResult<T>,
    ) -> PyResult<T> {
        // SAFETY: it is taken away below, before this function returns, and no call into it is under way then.
        let lent = unsafe { std::mem::transmute::<&dyn Host, &'static dyn Host>(host) };
        let native = Py::new(
            py,
            Self {
                host: RwLock::new(Some(lent)),
            },
        )?;
        let end = End(&native);
        let shown = half(py)?.getattr("Host")?.call1((native.bind(py),))?;
        let done = call(shown);
        drop(end);
        done
    }

    fn with<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&dyn Host) -> T + Send,
    ) -> PyResult<T> {
        let done = py.detach(|| {
            let host = self.host.read();
            host.map(work)
        });
        done.ok_or_else(|| {
            PyRuntimeError::new_err("the call that this host was given to has ended")
        })
    }
}

/// Takes the host away, also when the call panics.
struct End<'a>(&'a Py<RunHost>);

impl Drop for End<'_> {
    fn drop(&mut self) {
        let host = &self.0.get().host;
        // Another thread of Python may be in a call, and want the GIL at its end.
        let taken = Python::try_attach(|py| py.detach(|| host.write().take()));
        if taken.is_none() {
            host.write().take();
        }
    }
}

#[pymethods]
impl RunHost {
    fn variable<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        let found = self.with(py, |host| host.variable(name))?;
        let found = found.ok_or_else(|| PyKeyError::new_err(name.to_owned()))?;
        let field = Field::new(name, found.data_type().clone(), true);
        let batch = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![found]);
        let batch = batch.map_err(|error| PyValueError::new_err(error.to_string()))?;
        match values::rows(py, &batch)?.first() {
            Some(row) => row.get_item(0),
            None => Ok(py.None().into_bound(py)),
        }
    }

    fn set_variable(&self, py: Python<'_>, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let value = arrays::one(value)?;
        let set = self.with(py, |host| host.set_variable(name, &value))?;
        set.map_err(|CustomError { message, .. }| PyValueError::new_err(message))
    }

    fn connection(&self, py: Python<'_>, name: &str) -> PyResult<String> {
        let found = self.with(py, |host| host.connection(name))?;
        found.ok_or_else(|| PyKeyError::new_err(name.to_owned()))
    }

    fn path(&self, py: Python<'_>, path: &str) -> PyResult<String> {
        let found = self.with(py, |host| host.path(path))?;
        found.map_err(|CustomError { message, .. }| PyValueError::new_err(message))
    }

    /// Raises an event: 0 information, 1 warning, 2 progress.
    fn say(&self, py: Python<'_>, kind: u32, percent: u32, text: &str) -> PyResult<()> {
        let message = match kind {
            1 => Message::Warning,
            2 => Message::Progress(percent),
            _ => Message::Information,
        };
        self.with(py, |host| host.say(message, text))
    }

    fn is_canceled(&self, py: Python<'_>) -> PyResult<bool> {
        self.with(py, |host| host.is_canceled())
    }
}
