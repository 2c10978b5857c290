//! Tasks, connection managers, enumerators and log providers of a plug-in as structures of functions.
//!
//! Every function here is called by the host, which keeps the contract of [`crate::abi`]: that is what each `SAFETY` means.

use std::sync::Arc;

use arrow::{
    array::ArrayRef,
    ffi::{FFI_ArrowArray, FFI_ArrowSchema},
    ffi_stream::FFI_ArrowArrayStream,
};

use super::{Class, specs};
use crate::{
    ConnectionManagerClass, CustomError, Enumerator, EnumeratorClass, Host, Log, LogProviderClass,
    Message, Task, TaskClass,
    abi::{self, Listener, Text},
    border::{
        answer,
        batches::{array_in, array_out, stream_out},
        heard, listened, made, release, table, tell, told, value, value_mut,
    },
};

type Tasks = Class<dyn TaskClass>;
type ConnectionManagers = Class<dyn ConnectionManagerClass>;
type Enumerators = Class<dyn EnumeratorClass>;
type LogProviders = Class<dyn LogProviderClass>;

/// A class as the host takes it.
pub(super) fn task_class(class: &Arc<dyn TaskClass>) -> *mut abi::TaskClass {
    unsafe extern "C" fn read(
        class: *const abi::TaskClass,
        spec: *const abi::TaskSpec,
        out: *mut *mut abi::Task,
        problems: *const Listener,
    ) -> i32 {
        // SAFETY: the host keeps the contract.
        unsafe {
            answer(problems, || {
                let known: &Tasks = value(class);
                out.write(task(known.class.read(&specs::task(spec)?)?));
                Ok(())
            })
        }
    }
    let known = Class::new(class, class.names(), Vec::new());
    let table = abi::TaskClass {
        size: size_of::<abi::TaskClass>(),
        release: Some(release::<abi::TaskClass, Tasks>),
        names: known.lent(),
        read: Some(read),
    };
    made(table, known)
}

fn task(task: Box<dyn Task>) -> *mut abi::Task {
    unsafe extern "C" fn run(
        task: *const abi::Task,
        host: *const abi::Host,
        failure: *const Listener,
    ) -> i32 {
        // SAFETY: the host keeps the contract.
        unsafe {
            answer(failure, || {
                let task = value::<_, Box<dyn Task>>(task);
                Ok(task.run(&Around::new(host)?)?)
            })
        }
    }
    let table = abi::Task {
        size: size_of::<abi::Task>(),
        release: Some(release::<abi::Task, Box<dyn Task>>),
        run: Some(run),
    };
    made(table, task)
}

/// The host's side of a running task or enumerator, during a call.
struct Around(abi::Host);

// SAFETY: by contract all threads of the call may use the host.
unsafe impl Send for Around {}
// SAFETY: as above.
unsafe impl Sync for Around {}

impl Around {
    /// # Safety
    /// `host` is valid for as long as the result is used.
    unsafe fn new(host: *const abi::Host) -> Result<Self, CustomError> {
        // SAFETY: the caller says so.
        let host = unsafe { table(host) };
        let host = host.ok_or_else(|| CustomError::new("the host gave NULL for itself"))?;
        Ok(Self(host))
    }
}

impl Host for Around {
    fn variable(&self, name: &str) -> Option<ArrayRef> {
        let mut schema = FFI_ArrowSchema::empty();
        let mut value = FFI_ArrowArray::empty();
        let ask = self.0.variable?;
        // SAFETY: the host keeps the contract.
        unsafe {
            let name = Text::of(name);
            if ask(self.0.context, name, &raw mut schema, &raw mut value) != 0 {
                return None;
            }
            let (_, value) = array_in(&raw mut schema, &raw mut value).ok()?;
            Some(value)
        }
    }

    fn set_variable(&self, name: &str, value: &ArrayRef) -> Result<(), CustomError> {
        let set = self.0.set_variable;
        let set = set.ok_or_else(|| CustomError::new("this host sets no variables"))?;
        let (mut schema, mut array) = array_out(value.as_ref(), None)?;
        let (name, context) = (Text::of(name), self.0.context);
        // SAFETY: the host keeps the contract; the array is given once.
        heard(|failure| unsafe { set(context, name, &raw mut schema, &raw mut array, failure) })
            .map_err(crate::border::Told::one)
    }

    fn connection(&self, name: &str) -> Option<String> {
        let ask = self.0.connection?;
        // SAFETY: the host keeps the contract.
        let (status, told) =
            listened(|answer| unsafe { ask(self.0.context, Text::of(name), answer) });
        match status {
            0 => told.into_iter().next().map(|answer| answer.message),
            _ => None,
        }
    }

    fn path(&self, path: &str) -> Result<String, CustomError> {
        let ask = self.0.path;
        let ask = ask.ok_or_else(|| CustomError::new("this host maps no paths"))?;
        let (path, context) = (Text::of(path), self.0.context);
        // SAFETY: the host keeps the contract.
        told(|found, failure| unsafe { ask(context, path, found, failure) })
    }

    fn say(&self, message: Message, text: &str) {
        let (kind, percent) = match message {
            Message::Information => (0, 0),
            Message::Warning => (1, 0),
            Message::Progress(percent) => (2, percent),
        };
        if let Some(say) = self.0.say {
            // SAFETY: the host keeps the contract.
            unsafe { say(self.0.context, kind, percent, Text::of(text)) };
        }
    }

    fn is_canceled(&self) -> bool {
        let ask = self.0.is_canceled;
        // SAFETY: the host keeps the contract.
        ask.is_some_and(|ask| unsafe { ask(self.0.context) } != 0)
    }
}

/// A class as the host takes it.
pub(super) fn connection_manager_class(
    class: &Arc<dyn ConnectionManagerClass>,
) -> *mut abi::ConnectionManagerClass {
    unsafe extern "C" fn address(
        class: *const abi::ConnectionManagerClass,
        manager: *const abi::ConnectionManagerSpec,
        found: *const Listener,
        failure: *const Listener,
    ) -> i32 {
        // SAFETY: the host keeps the contract.
        unsafe {
            answer(failure, || {
                let known: &ConnectionManagers = value(class);
                let address = known.class.address(&specs::connection_manager(manager)?)?;
                tell(found, &address, 0);
                Ok(())
            })
        }
    }
    let known = Class::new(class, class.names(), Vec::new());
    let table = abi::ConnectionManagerClass {
        size: size_of::<abi::ConnectionManagerClass>(),
        release: Some(release::<abi::ConnectionManagerClass, ConnectionManagers>),
        names: known.lent(),
        address: Some(address),
    };
    made(table, known)
}

/// A class as the host takes it.
pub(super) fn enumerator_class(class: &Arc<dyn EnumeratorClass>) -> *mut abi::EnumeratorClass {
    unsafe extern "C" fn read(
        class: *const abi::EnumeratorClass,
        spec: *const abi::EnumeratorSpec,
        out: *mut *mut abi::Enumerator,
        problems: *const Listener,
    ) -> i32 {
        // SAFETY: the host keeps the contract.
        unsafe {
            answer(problems, || {
                let known: &Enumerators = value(class);
                out.write(enumerator(known.class.read(&specs::enumerator(spec)?)?));
                Ok(())
            })
        }
    }
    let known = Class::new(class, class.names(), Vec::new());
    let table = abi::EnumeratorClass {
        size: size_of::<abi::EnumeratorClass>(),
        release: Some(release::<abi::EnumeratorClass, Enumerators>),
        names: known.lent(),
        read: Some(read),
    };
    made(table, known)
}

fn enumerator(enumerator: Box<dyn Enumerator>) -> *mut abi::Enumerator {
    unsafe extern "C" fn rounds(
        enumerator: *const abi::Enumerator,
        host: *const abi::Host,
        out: *mut FFI_ArrowArrayStream,
        failure: *const Listener,
    ) -> i32 {
        // SAFETY: the host keeps the contract.
        unsafe {
            answer(failure, || {
                let enumerator = value::<_, Box<dyn Enumerator>>(enumerator);
                out.write(stream_out(enumerator.rounds(&Around::new(host)?)?));
                Ok(())
            })
        }
    }
    let table = abi::Enumerator {
        size: size_of::<abi::Enumerator>(),
        release: Some(release::<abi::Enumerator, Box<dyn Enumerator>>),
        rounds: Some(rounds),
    };
    made(table, enumerator)
}

/// A class as the host takes it.
pub(super) fn log_provider_class(class: &Arc<dyn LogProviderClass>) -> *mut abi::LogProviderClass {
    unsafe extern "C" fn check(
        class: *const abi::LogProviderClass,
        provider: *const abi::LogProviderSpec,
        problems: *const Listener,
    ) -> i32 {
        // SAFETY: the host keeps the contract.
        unsafe {
            answer(problems, || {
                let known: &LogProviders = value(class);
                Ok(known.class.check(&specs::log_provider(provider)?)?)
            })
        }
    }
    unsafe extern "C" fn open(
        class: *const abi::LogProviderClass,
        provider: *const abi::LogProviderSpec,
        out: *mut *mut abi::Log,
        failure: *const Listener,
    ) -> i32 {
        // SAFETY: the host keeps the contract.
        unsafe {
            answer(failure, || {
                let known: &LogProviders = value(class);
                out.write(log(known.class.open(&specs::log_provider(provider)?)?));
                Ok(())
            })
        }
    }
    let known = Class::new(class, class.names(), Vec::new());
    let table = abi::LogProviderClass {
        size: size_of::<abi::LogProviderClass>(),
        release: Some(release::<abi::LogProviderClass, LogProviders>),
        names: known.lent(),
        check: Some(check),
        open: Some(open),
    };
    made(table, known)
}

fn log(log: Box<dyn Log>) -> *mut abi::Log {
    unsafe extern "C" fn write(
        log: *mut abi::Log,
        entry: *const abi::LogEntry,
        failure: *const Listener,
    ) -> i32 {
        // SAFETY: the host keeps the contract.
        unsafe {
            answer(failure, || {
                let log = value_mut::<_, Box<dyn Log>>(log);
                Ok(log.write(&specs::log_entry(entry)?)?)
            })
        }
    }
    unsafe extern "C" fn close(log: *mut abi::Log, failure: *const Listener) -> i32 {
        // SAFETY: the host keeps the contract.
        unsafe {
            answer(failure, || {
                let log = value_mut::<_, Box<dyn Log>>(log);
                Ok(log.close()?)
            })
        }
    }
    let table = abi::Log {
        size: size_of::<abi::Log>(),
        release: Some(release::<abi::Log, Box<dyn Log>>),
        write: Some(write),
        close: Some(close),
    };
    made(table, log)
}
