//! Tasks, connection managers, enumerators and log providers of plug-ins.
//!
//! Every call here is of a function of a plug-in, which keeps the contract of [`crate::abi`]: that is what each `SAFETY`
//! means. Its objects are valid until their `Held` is dropped.

use std::ffi::c_void;

use arrow::{
    ffi::{FFI_ArrowArray, FFI_ArrowSchema},
    ffi_stream::FFI_ArrowArrayStream,
};

use super::{failed, specs};
use crate::{
    Batches, ClassNames, ConnectionManagerClass, ConnectionManagerSpec, CustomError, Enumerator,
    EnumeratorClass, EnumeratorSpec, Host, Log, LogEntry, LogProviderClass, LogProviderSpec,
    Message, Task, TaskClass, TaskSpec,
    abi::{self, Listener, Text},
    border::{
        FAILED, Held, Told, answer,
        batches::{Taken, array_in, array_out, is_one},
        heard, kept_in, string, tell, told, wanted,
    },
};

/// A class of tasks.
#[derive(Debug)]
pub(super) struct Tasks(pub(super) ClassNames, pub(super) Held<abi::TaskClass>);

impl TaskClass for Tasks {
    fn names(&self) -> &ClassNames {
        &self.0
    }

    fn read(&self, task: &TaskSpec) -> Result<Box<dyn Task>, Vec<String>> {
        let read = wanted(self.1.table().read, "read").map_err(Told::problems)?;
        let mut made = std::ptr::null_mut();
        let out = &raw mut made;
        let outcome = specs::task(task, |task| {
            // SAFETY: the plug-in keeps the contract.
            heard(|problems| unsafe { read(self.1.as_ptr(), task, out, problems) })
        });
        // SAFETY: the plug-in gives it away.
        let held = outcome.and_then(|()| unsafe { Held::given(made) });
        Ok(Box::new(PluginTask(held.map_err(Told::problems)?)))
    }
}

#[derive(Debug)]
struct PluginTask(Held<abi::Task>);

impl Task for PluginTask {
    fn run(&self, host: &dyn Host) -> Result<(), CustomError> {
        let run = wanted(self.0.table().run, "run").map_err(failed)?;
        lent(host, |host| {
            // SAFETY: the plug-in keeps the contract.
            heard(|failure| unsafe { run(self.0.as_ptr(), host, failure) })
        })
        .map_err(failed)
    }
}

/// Lends a host to `call`.
fn lent<T>(host: &dyn Host, call: impl FnOnce(*const abi::Host) -> T) -> T {
    // A thin pointer to a pointer to the trait object.
    let context: *const &dyn Host = &raw const host;
    call(&abi::Host {
        size: size_of::<abi::Host>(),
        context: context.cast_mut().cast(),
        variable: Some(variable),
        set_variable: Some(set_variable),
        connection: Some(connection),
        say: Some(say),
        is_canceled: Some(is_canceled),
        path: Some(path),
    })
}

/// # Safety
/// The context of [`lent`], during its call.
unsafe fn host<'a>(context: *mut c_void) -> &'a dyn Host {
    // SAFETY: the caller says so.
    unsafe { *context.cast::<&dyn Host>() }
}

unsafe extern "C" fn variable(
    context: *mut c_void,
    name: Text,
    schema: *mut FFI_ArrowSchema,
    value: *mut FFI_ArrowArray,
) -> i32 {
    // SAFETY: the plug-in calls during `lent`, and keeps the contract; both places can be written.
    let written = kept_in(|| unsafe {
        let found = host(context).variable(&string(name))?;
        let (found_schema, found) = array_out(found.as_ref(), None).ok()?;
        schema.write(found_schema);
        value.write(found);
        Some(())
    });
    match written {
        Ok(Some(())) => 0,
        _ => FAILED,
    }
}

unsafe extern "C" fn set_variable(
    context: *mut c_void,
    name: Text,
    schema: *mut FFI_ArrowSchema,
    value: *mut FFI_ArrowArray,
    failure: *const Listener,
) -> i32 {
    // SAFETY: the plug-in calls during `lent`, and keeps the contract.
    unsafe {
        answer(failure, || {
            let (_, value) = array_in(schema, value)?;
            is_one(value.as_ref()).map_err(CustomError::from)?;
            Ok(host(context).set_variable(&string(name), &value)?)
        })
    }
}

unsafe extern "C" fn connection(context: *mut c_void, name: Text, found: *const Listener) -> i32 {
    // SAFETY: the plug-in calls during `lent`, and keeps the contract.
    let told = kept_in(|| unsafe {
        let connection = host(context).connection(&string(name))?;
        tell(found, &connection, 0);
        Some(())
    });
    match told {
        Ok(Some(())) => 0,
        _ => FAILED,
    }
}

unsafe extern "C" fn say(context: *mut c_void, kind: u32, percent: u32, text: Text) {
    let message = match kind {
        1 => Message::Warning,
        2 => Message::Progress(percent),
        _ => Message::Information,
    };
    // SAFETY: the plug-in calls during `lent`, and keeps the contract.
    drop(kept_in(|| unsafe {
        host(context).say(message, &string(text))
    }));
}

unsafe extern "C" fn is_canceled(context: *mut c_void) -> i32 {
    // SAFETY: the plug-in calls during `lent`, and keeps the contract.
    let canceled = kept_in(|| unsafe { host(context).is_canceled() });
    i32::from(canceled.unwrap_or(true))
}

unsafe extern "C" fn path(
    context: *mut c_void,
    path: Text,
    found: *const Listener,
    failure: *const Listener,
) -> i32 {
    // SAFETY: the plug-in calls during `lent`, and keeps the contract.
    unsafe {
        answer(failure, || {
            tell(found, &host(context).path(&string(path))?, 0);
            Ok(())
        })
    }
}

/// A class of connection managers.
#[derive(Debug)]
pub(super) struct ConnectionManagers(
    pub(super) ClassNames,
    pub(super) Held<abi::ConnectionManagerClass>,
);

impl ConnectionManagerClass for ConnectionManagers {
    fn names(&self) -> &ClassNames {
        &self.0
    }

    fn address(&self, manager: &ConnectionManagerSpec) -> Result<String, CustomError> {
        let address = wanted(self.1.table().address, "address").map_err(failed)?;
        let class = self.1.as_ptr();
        specs::connection_manager(manager, |manager| {
            // SAFETY: the plug-in keeps the contract.
            told(|answer, failure| unsafe { address(class, manager, answer, failure) })
        })
    }
}

/// A class of Foreach enumerators.
#[derive(Debug)]
pub(super) struct Enumerators(pub(super) ClassNames, pub(super) Held<abi::EnumeratorClass>);

impl EnumeratorClass for Enumerators {
    fn names(&self) -> &ClassNames {
        &self.0
    }

    fn read(&self, enumerator: &EnumeratorSpec) -> Result<Box<dyn Enumerator>, Vec<String>> {
        let read = wanted(self.1.table().read, "read").map_err(Told::problems)?;
        let mut made = std::ptr::null_mut();
        let out = &raw mut made;
        let outcome = specs::enumerator(enumerator, |enumerator| {
            // SAFETY: the plug-in keeps the contract.
            heard(|problems| unsafe { read(self.1.as_ptr(), enumerator, out, problems) })
        });
        // SAFETY: the plug-in gives it away.
        let held = outcome.and_then(|()| unsafe { Held::given(made) });
        Ok(Box::new(PluginEnumerator(held.map_err(Told::problems)?)))
    }
}

#[derive(Debug)]
struct PluginEnumerator(Held<abi::Enumerator>);

impl Enumerator for PluginEnumerator {
    fn rounds(&self, host: &dyn Host) -> Result<Batches, CustomError> {
        let rounds = wanted(self.0.table().rounds, "rounds").map_err(failed)?;
        let mut stream = FFI_ArrowArrayStream::empty();
        let out = &raw mut stream;
        let outcome = lent(host, |host| {
            // SAFETY: the plug-in keeps the contract.
            heard(|failure| unsafe { rounds(self.0.as_ptr(), host, out, failure) })
        });
        outcome.map_err(failed)?;
        Ok(Box::new(Taken::new(stream, Ok)))
    }
}

/// A class of log providers.
#[derive(Debug)]
pub(super) struct LogProviders(
    pub(super) ClassNames,
    pub(super) Held<abi::LogProviderClass>,
);

impl LogProviderClass for LogProviders {
    fn names(&self) -> &ClassNames {
        &self.0
    }

    fn check(&self, provider: &LogProviderSpec) -> Result<(), Vec<String>> {
        let Some(check) = self.1.table().check else {
            return Ok(());
        };
        let outcome = specs::log_provider(provider, |provider| {
            // SAFETY: the plug-in keeps the contract.
            heard(|problems| unsafe { check(self.1.as_ptr(), provider, problems) })
        });
        outcome.map_err(Told::problems)
    }

    fn open(&self, provider: &LogProviderSpec) -> Result<Box<dyn Log>, CustomError> {
        let open = wanted(self.1.table().open, "open").map_err(failed)?;
        let mut log = std::ptr::null_mut();
        let out = &raw mut log;
        let outcome = specs::log_provider(provider, |provider| {
            // SAFETY: the plug-in keeps the contract.
            heard(|failure| unsafe { open(self.1.as_ptr(), provider, out, failure) })
        });
        // SAFETY: the plug-in gives it away.
        let held = outcome.and_then(|()| unsafe { Held::given(log) });
        Ok(Box::new(PluginLog(held.map_err(failed)?)))
    }
}

struct PluginLog(Held<abi::Log>);

impl Log for PluginLog {
    fn write(&mut self, entry: &LogEntry) -> Result<(), CustomError> {
        let write = wanted(self.0.table().write, "write").map_err(failed)?;
        let log = self.0.as_ptr();
        specs::log_entry(entry, |entry| {
            // SAFETY: the plug-in keeps the contract.
            heard(|failure| unsafe { write(log, entry, failure) })
        })
        .map_err(failed)
    }

    fn close(&mut self) -> Result<(), CustomError> {
        let Some(close) = self.0.table().close else {
            return Ok(());
        };
        // SAFETY: the plug-in keeps the contract.
        heard(|failure| unsafe { close(self.0.as_ptr(), failure) }).map_err(failed)
    }
}
