//! Functions of Python as components, tasks, connection managers, enumerators and log providers.
//!
//! ```text
//!  decorated function ──Extensions.add──▶ a class of `fletching::custom` ──▶ threads of the run: take the GIL, call, let go
//! ```
//!
//! `fletching/custom.py` says what a function may return and makes one form of it; here that becomes Arrow. The GIL is held
//! while a function runs, and nowhere else.

pub(crate) mod arrays;
mod component;
mod control_flow;
pub(crate) mod host;
mod specs;

use std::{path::PathBuf, sync::Arc};

use fletching::custom::{
    ClassNames, ComponentKind, CustomError, Extensions as Registered, Properties, Taken, host::load,
};
use parking_lot::Mutex;
use pyo3::{
    prelude::*,
    types::{PyModule, PyTuple},
};

use crate::errors::{Outcome, Raised};

/// Classes beside those of the engine.
#[pyclass(frozen, module = "fletching._native")]
#[derive(Debug, Default)]
pub(crate) struct Extensions {
    registered: Mutex<Registered>,
}

impl Extensions {
    pub(crate) fn get(&self) -> Registered {
        self.registered.lock().clone()
    }
}

fn taken(taken: Taken) -> Raised {
    Raised::new("SettingError", taken.to_string())
}

#[pymethods]
impl Extensions {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// Registers a decorated function: what `_Class` of `fletching.custom` says of it.
    fn add(&self, class: &Bound<'_, PyAny>) -> PyResult<()> {
        let function = Function::of(class)?;
        let what: String = class.getattr("what")?.extract()?;
        let mut all = self.registered.lock();
        let added = match &*what {
            "component" | "source" | "asynchronous" | "destination" => {
                all.add_component(Arc::new(component::Components {
                    kind: match &*what {
                        "source" => ComponentKind::Source,
                        "destination" => ComponentKind::Destination,
                        _ => ComponentKind::Transform,
                    },
                    is_asynchronous: what == "asynchronous",
                    properties: class.getattr("properties")?.extract::<Properties>()?,
                    function,
                }))
            }
            "task" => all.add_task(Arc::new(control_flow::Tasks(function))),
            "enumerator" => all.add_enumerator(Arc::new(control_flow::Enumerators(function))),
            "connection_manager" => {
                let class = control_flow::ConnectionManagers(function);
                all.add_connection_manager(Arc::new(class))
            }
            _ => all.add_log_provider(Arc::new(control_flow::LogProviders(function))),
        };
        Ok(added.map_err(taken)?)
    }

    /// Registers the classes of other ones.
    fn merge(&self, other: &Self) -> Outcome<()> {
        let (mut all, other) = (self.get(), other.get());
        for class in other.components() {
            all.add_component(Arc::clone(class)).map_err(taken)?;
        }
        for class in other.tasks() {
            all.add_task(Arc::clone(class)).map_err(taken)?;
        }
        for class in other.connection_managers() {
            all.add_connection_manager(Arc::clone(class))
                .map_err(taken)?;
        }
        for class in other.enumerators() {
            all.add_enumerator(Arc::clone(class)).map_err(taken)?;
        }
        for class in other.log_providers() {
            all.add_log_provider(Arc::clone(class)).map_err(taken)?;
        }
        *self.registered.lock() = all;
        Ok(())
    }

    /// Registers the classes of a plug-in.
    fn load_plugin(&self, py: Python<'_>, file: PathBuf) -> Outcome<()> {
        let mut all = self.get();
        py.detach(|| load(&file, &mut all)).map_err(|error| {
            let path = file.display().to_string();
            Raised::new("LoadError", error.to_string()).at(path)
        })?;
        *self.registered.lock() = all;
        Ok(())
    }

    /// The first id of each class.
    fn ids(&self) -> Vec<String> {
        let all = self.get();
        let ids = all.components().map(|class| class.names().id().to_owned());
        let ids = ids.chain(all.tasks().map(|class| class.names().id().to_owned()));
        let managers = all.connection_managers();
        let ids = ids.chain(managers.map(|class| class.names().id().to_owned()));
        let ids = ids.chain(all.enumerators().map(|class| class.names().id().to_owned()));
        let logs = all.log_providers();
        ids.chain(logs.map(|class| class.names().id().to_owned()))
            .collect()
    }
}

/// A decorated function with what was said of it.
#[derive(Debug)]
struct Function {
    names: ClassNames,
    class: Py<PyAny>,
    function: Py<PyAny>,
}

impl Function {
    fn of(class: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self {
            names: ClassNames {
                ids: class.getattr("ids")?.extract()?,
                title: class.getattr("title")?.extract()?,
                description: class.getattr("description")?.extract()?,
            },
            function: class.getattr("function")?.unbind(),
            class: class.clone().unbind(),
        })
    }

    /// The specification of one object as Python has it, after the class looked for problems with it.
    fn checked(
        &self,
        spec: impl FnOnce(Python<'_>) -> PyResult<Bound<'_, PyAny>>,
    ) -> Result<Py<PyAny>, Vec<String>> {
        let checked = with_python(|py| {
            let spec = spec(py)?;
            let problems = self.class.bind(py).call_method1("problems", (&spec,))?;
            Ok((problems.extract::<Vec<String>>()?, spec.unbind()))
        });
        match checked {
            Ok((problems, spec)) if problems.is_empty() => Ok(spec),
            Ok((problems, _)) => Err(problems),
            Err(error) => Err(vec![error.message]),
        }
    }

    fn clone_of(&self) -> Result<Py<PyAny>, CustomError> {
        with_python(|py| Ok(self.function.clone_ref(py)))
    }

    fn cloned(&self) -> Result<Py<PyAny>, Vec<String>> {
        self.clone_of().map_err(|error| vec![error.message])
    }
}

/// `fletching.custom`.
fn half(py: Python<'_>) -> PyResult<Bound<'_, PyModule>> {
    py.import("fletching.custom")
}

/// Calls a function of the Python half.
fn ask<'py>(
    py: Python<'py>,
    name: &str,
    arguments: impl IntoPyObject<'py, Target = PyTuple, Output = Bound<'py, PyTuple>, Error = PyErr>,
) -> PyResult<Bound<'py, PyAny>> {
    half(py)?.getattr(name)?.call1(arguments.into_pyobject(py)?)
}

/// Does something with the GIL; an exception is an error with its type and line.
fn with_python<T>(work: impl FnOnce(Python<'_>) -> PyResult<T>) -> Result<T, CustomError> {
    let done = Python::try_attach(|py| work(py).map_err(|error| described(py, &error)));
    done.unwrap_or_else(|| Err(CustomError::new("the interpreter of Python is ending")))
}

fn described(py: Python<'_>, error: &PyErr) -> CustomError {
    let text = half(py).and_then(|half| {
        if let Some(traceback) = error.traceback(py) {
            error.value(py).setattr("__traceback__", traceback)?;
        }
        let text = half.getattr("_described")?.call1((error.value(py),))?;
        text.extract::<String>()
    });
    CustomError::new(text.unwrap_or_else(|_| error.to_string()))
}

/// Calls a method that an object may be without.
fn call_if_there(py: Python<'_>, object: &Py<PyAny>, method: &str) -> PyResult<()> {
    let object = object.bind(py);
    if object.hasattr(method)? {
        object.call_method0(method)?;
    }
    Ok(())
}
