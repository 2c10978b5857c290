//! The border between a host and a plug-in: C structures, the same as `include/fletching_plugin.h` has them.
//!
//! ```text
//!  host                                        plug-in
//!  dlopen ── fletching_plugin_v1(registry) ──▶ registry.add_component(ComponentClass) ...
//!  class.read(spec, out, problems) ──────────▶ fills `out` with an object of its own
//!  object.apply(batch, applied, failure) ────▶ applied.column(...), or failure.hear(text), status
//!  object.release(object) ───────────────────▶ frees what it made
//! ```
//!
//! * Nothing but C passes: texts are pointer and length in UTF-8, rows are Arrow's C data and stream interfaces.
//! * A structure begins with its `size` as its maker knew it. Whoever reads one reads no further, and takes what is missing
//!   as zero: structures grow at their end, and old plug-ins go on working. The number in [`SYMBOL`] changes when that is
//!   no longer so.
//! * Neither side frees what the other made. Texts and specs are lent for the duration of a call; an answer is told to a
//!   [`Listener`] and copied there; an object is released by the function in its own structure.
//! * Functions return 0, or another number when they failed and told the listener why. No panic and no exception leaves a
//!   function: a Rust plug-in turns it into a failure.
//! * A listener and a receiver of results may be used during the call that they were given to, on its thread.
//! * Objects are used by several threads at once, except [`Process`], [`Writer`], [`Log`] and streams: those by one at a
//!   time.

mod component;
mod control_flow;

use std::ffi::c_void;

pub use component::*;
pub use control_flow::*;

/// The function that a plug-in exports: an [`Entry`].
pub const SYMBOL: &str = "fletching_plugin_v1";

/// How often structures of this version of the border have grown.
pub const REVISION: u32 = 0;

/// Of a row that goes nowhere: its place in [`Applied::route`].
pub const DROPPED: u32 = u32::MAX;

/// The function of [`SYMBOL`]: registers all classes.
pub type Entry = unsafe extern "C" fn(*const Registry, *const Listener) -> i32;

/// A structure that begins with its size.
///
/// # Safety
/// It is `repr(C)`, its first member is its size as a `usize`, and zeros in all others are valid.
pub unsafe trait Versioned: Copy {}

/// A structure that knows how to release the object that it begins.
///
/// # Safety
/// As for [`Versioned`].
pub unsafe trait Object: Versioned {
    /// Its function of that name.
    fn release(&self) -> Option<Release<Self>>;
}

/// Releases an object.
pub type Release<T> = unsafe extern "C" fn(*mut T);

/// A text in UTF-8, lent for the duration of a call. Does not end with a zero byte.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Text {
    /// Its bytes; not looked at if there are none.
    pub data: *const u8,
    /// Their number.
    pub length: usize,
}

/// A property: name and value.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Pair {
    /// Name.
    pub name: Text,
    /// Value.
    pub value: Text,
}

/// A list, lent for the duration of a call.
#[repr(C)]
#[derive(Debug)]
pub struct List<T> {
    /// Its first entry; not looked at if there are none.
    pub items: *const T,
    /// The number of entries.
    pub length: usize,
}

impl<T> Clone for List<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for List<T> {}

impl<T> List<T> {
    /// Lends a list.
    pub fn of(items: &[T]) -> Self {
        Self {
            items: items.as_ptr(),
            length: items.len(),
        }
    }
}

impl Text {
    /// Lends a text.
    pub fn of(text: &str) -> Self {
        Self {
            data: text.as_ptr(),
            length: text.len(),
        }
    }
}

/// `unsafe impl Versioned`, and for objects `Object`.
macro_rules! versioned {
    ($($name:ident),+) => {$(
        // SAFETY: `repr(C)`; behind the size there are numbers, pointers, lists of those, and functions that may be none.
        unsafe impl Versioned for $name {}
    )+};
}

macro_rules! objects {
    ($($name:ident),+) => {$(
        versioned!($name);
        // SAFETY: as above.
        unsafe impl Object for $name {
            fn release(&self) -> Option<Release<Self>> {
                self.release
            }
        }
    )+};
}

versioned!(
    Listener,
    Registry,
    ComponentSpec,
    InputSpec,
    OutputSpec,
    Column,
    Component,
    Applied,
    BatchReceiver,
    TaskSpec,
    Host,
    ConnectionManagerSpec,
    EnumeratorSpec,
    LogProviderSpec,
    LogEntry
);
objects!(
    ComponentClass,
    Source,
    Synchronous,
    Asynchronous,
    Process,
    Destination,
    Writer,
    TaskClass,
    Task,
    ConnectionManagerClass,
    EnumeratorClass,
    Enumerator,
    LogProviderClass,
    Log
);

/// Hears texts: why something failed, each problem of a list, or an answer.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Listener {
    /// Size of this structure.
    pub size: usize,
    /// For `hear`.
    pub context: *mut c_void,
    /// Hears one text, with the HRESULT of an error or 0.
    pub hear: Option<unsafe extern "C" fn(context: *mut c_void, text: Text, code: u32)>,
}

/// How packages name a class.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Names {
    /// GUIDs, ProgIDs, .NET types; the first is shown.
    pub ids: List<Text>,
    /// What a person calls it.
    pub title: Text,
    /// What it does, in a line.
    pub description: Text,
}

/// Takes classes. Each is the registry's from then on, also when it cannot be taken.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Registry {
    /// Size of this structure.
    pub size: usize,
    /// [`REVISION`] of the host.
    pub revision: u32,
    /// For the functions.
    pub context: *mut c_void,
    /// Registers a class of components.
    pub add_component: Option<Add<ComponentClass>>,
    /// Registers a class of tasks.
    pub add_task: Option<Add<TaskClass>>,
    /// Registers a class of connection managers.
    pub add_connection_manager: Option<Add<ConnectionManagerClass>>,
    /// Registers a class of Foreach enumerators.
    pub add_enumerator: Option<Add<EnumeratorClass>>,
    /// Registers a class of log providers.
    pub add_log_provider: Option<Add<LogProviderClass>>,
}

/// Registers a class.
pub type Add<T> =
    unsafe extern "C" fn(context: *mut c_void, class: *mut T, failure: *const Listener) -> i32;
