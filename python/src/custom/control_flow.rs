//! Tasks, connection managers, enumerators and log providers that are functions and classes of Python.

use fletching::custom::{
    Batches, ClassNames, ConnectionManagerClass, ConnectionManagerSpec, CustomError, Enumerator,
    EnumeratorClass, EnumeratorSpec, Host, Log, LogEntry, LogProviderClass, LogProviderSpec, Task,
    TaskClass, TaskSpec,
};
use pyo3::prelude::*;

use super::{Function, arrays, ask, call_if_there, host::RunHost, specs, with_python};

/// A class of tasks.
#[derive(Debug)]
pub(super) struct Tasks(pub(super) Function);

/// A function with the object that it stands for.
#[derive(Debug)]
struct Object {
    function: Py<PyAny>,
    spec: Py<PyAny>,
}

impl TaskClass for Tasks {
    fn names(&self) -> &ClassNames {
        &self.0.names
    }

    fn read(&self, task: &TaskSpec) -> Result<Box<dyn Task>, Vec<String>> {
        Ok(Box::new(Object {
            spec: self.0.checked(|py| specs::task(py, task))?,
            function: self.0.cloned()?,
        }))
    }
}

impl Task for Object {
    fn run(&self, host: &dyn Host) -> Result<(), CustomError> {
        with_python(|py| {
            RunHost::lend(py, host, |host| {
                self.function.bind(py).call1((self.spec.bind(py), host))?;
                Ok(())
            })
        })
    }
}

/// A class of Foreach enumerators.
#[derive(Debug)]
pub(super) struct Enumerators(pub(super) Function);

impl EnumeratorClass for Enumerators {
    fn names(&self) -> &ClassNames {
        &self.0.names
    }

    fn read(&self, enumerator: &EnumeratorSpec) -> Result<Box<dyn Enumerator>, Vec<String>> {
        Ok(Box::new(Object {
            spec: self.0.checked(|py| specs::enumerator(py, enumerator))?,
            function: self.0.cloned()?,
        }))
    }
}

impl Enumerator for Object {
    /// All rounds at once: a generator may ask the host between two of them.
    fn rounds(&self, host: &dyn Host) -> Result<Batches, CustomError> {
        let rounds = with_python(|py| {
            RunHost::lend(py, host, |host| {
                let found = self.function.bind(py).call1((self.spec.bind(py), host))?;
                let mut all = Vec::new();
                for round in ask(py, "_rounds", (found,))?.try_iter()? {
                    all.extend(arrays::batches(&round?)?.all()?);
                }
                Ok(all)
            })
        })?;
        Ok(Box::new(rounds.into_iter().map(Ok)))
    }
}

/// A class of connection managers.
#[derive(Debug)]
pub(super) struct ConnectionManagers(pub(super) Function);

impl ConnectionManagerClass for ConnectionManagers {
    fn names(&self) -> &ClassNames {
        &self.0.names
    }

    fn address(&self, manager: &ConnectionManagerSpec) -> Result<String, CustomError> {
        let spec = self.0.checked(|py| specs::connection_manager(py, manager));
        let spec = spec.map_err(|problems| CustomError::new(problems.join("; ")))?;
        with_python(|py| {
            let address = self.0.function.bind(py).call1((spec.bind(py),))?;
            address.extract()
        })
    }
}

/// A class of log providers.
#[derive(Debug)]
pub(super) struct LogProviders(pub(super) Function);

impl LogProviderClass for LogProviders {
    fn names(&self) -> &ClassNames {
        &self.0.names
    }

    fn check(&self, provider: &LogProviderSpec) -> Result<(), Vec<String>> {
        self.0
            .checked(|py| specs::log_provider(py, provider))
            .map(drop)
    }

    fn open(&self, provider: &LogProviderSpec) -> Result<Box<dyn Log>, CustomError> {
        let log = with_python(|py| {
            let spec = specs::log_provider(py, provider)?;
            Ok(self.0.function.bind(py).call1((spec,))?.unbind())
        })?;
        Ok(Box::new(PythonLog(log)))
    }
}

struct PythonLog(Py<PyAny>);

impl Log for PythonLog {
    fn write(&mut self, entry: &LogEntry) -> Result<(), CustomError> {
        with_python(|py| {
            let entry = specs::log_entry(py, entry)?;
            self.0.bind(py).call_method1("write", (entry,))?;
            Ok(())
        })
    }

    fn close(&mut self) -> Result<(), CustomError> {
        with_python(|py| call_if_there(py, &self.0, "close"))
    }
}
