//! Structures of the control flow: tasks, connection managers, Foreach enumerators and log providers.

use std::ffi::c_void;

use arrow::{
    ffi::{FFI_ArrowArray, FFI_ArrowSchema},
    ffi_stream::FFI_ArrowArrayStream,
};

use super::{List, Listener, Names, Pair, Release, Text};

/// A class of tasks.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct TaskClass {
    /// Size of this structure.
    pub size: usize,
    /// Releases the class.
    pub release: Option<Release<Self>>,
    /// By what packages name it.
    pub names: Names,
    /// Reads the settings of a task.
    pub read: Option<
        unsafe extern "C" fn(
            class: *const Self,
            task: *const TaskSpec,
            out: *mut *mut Task,
            problems: *const Listener,
        ) -> i32,
    >,
}

/// A task of a package.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct TaskSpec {
    /// Size of this structure.
    pub size: usize,
    /// Its name.
    pub name: Text,
    /// Its path.
    pub path: Text,
    /// The attributes of the element below `ObjectData`, and of those in it.
    pub properties: List<Pair>,
    /// That element, as XML.
    pub xml: Text,
}

/// A task with its settings.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Task {
    /// Size of this structure.
    pub size: usize,
    /// Releases the object.
    pub release: Option<Release<Self>>,
    /// Does the work.
    pub run: Option<
        unsafe extern "C" fn(task: *const Self, host: *const Host, failure: *const Listener) -> i32,
    >,
}

/// The package around a task or an enumerator that runs; lent for the duration of the call, usable by all its threads.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Host {
    /// Size of this structure.
    pub size: usize,
    /// For the functions.
    pub context: *mut c_void,
    /// The value of a variable, an array of one; another number than 0 if there is none.
    pub variable: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            name: Text,
            schema: *mut FFI_ArrowSchema,
            value: *mut FFI_ArrowArray,
        ) -> i32,
    >,
    /// Gives a variable a value, an array of one, which is moved out of what is given.
    pub set_variable: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            name: Text,
            schema: *mut FFI_ArrowSchema,
            value: *mut FFI_ArrowArray,
            failure: *const Listener,
        ) -> i32,
    >,
    /// Tells the connection string of a manager; another number than 0 if there is none.
    pub connection: Option<
        unsafe extern "C" fn(context: *mut c_void, name: Text, answer: *const Listener) -> i32,
    >,
    /// Raises an event: 0 information, 1 warning, 2 progress with percent.
    pub say:
        Option<unsafe extern "C" fn(context: *mut c_void, kind: u32, percent: u32, text: Text)>,
    /// 1 if the run is being cancelled, or 0.
    pub is_canceled: Option<unsafe extern "C" fn(context: *mut c_void) -> i32>,
    /// Tells what a path of the package is on this machine.
    pub path: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            path: Text,
            answer: *const Listener,
            failure: *const Listener,
        ) -> i32,
    >,
}

/// A class of connection managers.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct ConnectionManagerClass {
    /// Size of this structure.
    pub size: usize,
    /// Releases the class.
    pub release: Option<Release<Self>>,
    /// By what packages name it.
    pub names: Names,
    /// Tells the address that a manager stands for.
    pub address: Option<
        unsafe extern "C" fn(
            class: *const Self,
            manager: *const ConnectionManagerSpec,
            answer: *const Listener,
            failure: *const Listener,
        ) -> i32,
    >,
}

/// A connection manager of a package.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct ConnectionManagerSpec {
    /// Size of this structure.
    pub size: usize,
    /// Its name.
    pub name: Text,
    /// ConnectionString, secrets filled in.
    pub connection_string: Text,
    /// Its other properties.
    pub properties: List<Pair>,
    /// The folder where relative file names of the package start.
    pub folder: Text,
}

/// A class of Foreach enumerators.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct EnumeratorClass {
    /// Size of this structure.
    pub size: usize,
    /// Releases the class.
    pub release: Option<Release<Self>>,
    /// By what packages name it.
    pub names: Names,
    /// Reads the settings of an enumerator.
    pub read: Option<
        unsafe extern "C" fn(
            class: *const Self,
            enumerator: *const EnumeratorSpec,
            out: *mut *mut Enumerator,
            problems: *const Listener,
        ) -> i32,
    >,
}

/// The enumerator of a loop.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct EnumeratorSpec {
    /// Size of this structure.
    pub size: usize,
    /// The path of its loop.
    pub path: Text,
    /// The attributes of its element, and of the elements in it.
    pub properties: List<Pair>,
    /// The element below `ObjectData`, as XML.
    pub xml: Text,
}

/// What a loop goes over.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Enumerator {
    /// Size of this structure.
    pub size: usize,
    /// Releases the object.
    pub release: Option<Release<Self>>,
    /// The rounds: a row each.
    pub rounds: Option<
        unsafe extern "C" fn(
            enumerator: *const Self,
            host: *const Host,
            out: *mut FFI_ArrowArrayStream,
            failure: *const Listener,
        ) -> i32,
    >,
}

/// A class of log providers.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct LogProviderClass {
    /// Size of this structure.
    pub size: usize,
    /// Releases the class.
    pub release: Option<Release<Self>>,
    /// By what packages name it.
    pub names: Names,
    /// Tells every problem with the settings of one.
    pub check: Option<
        unsafe extern "C" fn(
            class: *const Self,
            provider: *const LogProviderSpec,
            problems: *const Listener,
        ) -> i32,
    >,
    /// Opens the log of a run.
    pub open: Option<
        unsafe extern "C" fn(
            class: *const Self,
            provider: *const LogProviderSpec,
            out: *mut *mut Log,
            failure: *const Listener,
        ) -> i32,
    >,
}

/// A log provider of a package.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct LogProviderSpec {
    /// Size of this structure.
    pub size: usize,
    /// Its name.
    pub name: Text,
    /// ConfigString.
    pub config_string: Text,
    /// The connection string of the manager that it names, or empty.
    pub connection_string: Text,
}

/// An open log.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Log {
    /// Size of this structure.
    pub size: usize,
    /// Releases the object.
    pub release: Option<Release<Self>>,
    /// Writes an entry.
    pub write: Option<
        unsafe extern "C" fn(
            log: *mut Self,
            entry: *const LogEntry,
            failure: *const Listener,
        ) -> i32,
    >,
    /// The run has ended.
    pub close: Option<unsafe extern "C" fn(log: *mut Self, failure: *const Listener) -> i32>,
}

/// A line of a log.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct LogEntry {
    /// Size of this structure.
    pub size: usize,
    /// Its event.
    pub event: Text,
    /// The machine.
    pub computer: Text,
    /// The user.
    pub operator: Text,
    /// Name of the executable.
    pub source: Text,
    /// Its GUID.
    pub source_id: Text,
    /// GUID of the run.
    pub execution_id: Text,
    /// Microseconds since 1970-01-01 UTC.
    pub time_us: i64,
    /// The code.
    pub data_code: i32,
    /// The text.
    pub message: Text,
}
