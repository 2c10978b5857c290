//! Structures of the data flow: classes of components, what a package says of one, and the objects that run.

use std::{ffi::c_void, ptr};

use arrow::{
    ffi::{FFI_ArrowArray, FFI_ArrowSchema},
    ffi_stream::FFI_ArrowArrayStream,
};

use super::{List, Listener, Names, Pair, Release, Text};

/// A class of components.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct ComponentClass {
    /// Size of this structure.
    pub size: usize,
    /// Releases the class; none if there is nothing to release.
    pub release: Option<Release<Self>>,
    /// By what packages name it.
    pub names: Names,
    /// 0: source, 1: transformation, 2: destination.
    pub kind: u32,
    /// Properties and the values of a new component.
    pub properties: List<Pair>,
    /// Reads the settings of a component: sets one member of `out`, or tells every problem.
    pub read: Option<
        unsafe extern "C" fn(
            class: *const Self,
            component: *const ComponentSpec,
            out: *mut Component,
            problems: *const Listener,
        ) -> i32,
    >,
    /// Inputs of a new component. Where it has neither inputs nor outputs, they are those of its kind.
    pub inputs: List<Text>,
    /// Outputs of a new component.
    pub outputs: List<NewOutput>,
    /// Connections of a new component.
    pub connections: List<Text>,
}

/// An output of a new component.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct NewOutput {
    /// Its name.
    pub name: Text,
    /// 1 if the rows of the first input pass through, or 0.
    pub is_synchronous: u32,
    /// 1 for an error output, or 0.
    pub is_error: u32,
}

/// A component of a package.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct ComponentSpec {
    /// Size of this structure.
    pub size: usize,
    /// Its name.
    pub name: Text,
    /// Its path.
    pub path: Text,
    /// Custom properties.
    pub properties: List<Pair>,
    /// Inputs that a path arrives at.
    pub inputs: List<*const InputSpec>,
    /// Outputs, the error outputs among them.
    pub outputs: List<*const OutputSpec>,
    /// Names and connection strings of its connection managers.
    pub connections: List<Pair>,
    /// LCID.
    pub locale_id: u32,
    /// The folder where relative file names of the package start.
    pub folder: Text,
}

/// An input.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct InputSpec {
    /// Size of this structure.
    pub size: usize,
    /// Its name.
    pub name: Text,
    /// The columns that the package selects, lent: not to be released.
    pub schema: *const FFI_ArrowSchema,
    /// The same columns.
    pub columns: List<*const Column>,
    /// Custom properties.
    pub properties: List<Pair>,
}

/// An output.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct OutputSpec {
    /// Size of this structure.
    pub size: usize,
    /// Its name.
    pub name: Text,
    /// 1 for an error output, or 0.
    pub is_error: u32,
    /// 1 if a path leads away from it, or 0.
    pub connected: u32,
    /// The columns that the component makes, lent: not to be released.
    pub schema: *const FFI_ArrowSchema,
    /// The same columns.
    pub columns: List<*const Column>,
    /// Custom properties.
    pub properties: List<Pair>,
}

/// A column.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Size of this structure.
    pub size: usize,
    /// Its name.
    pub name: Text,
    /// Custom properties.
    pub properties: List<Pair>,
    /// The id by which properties of the package refer to it.
    pub id: Text,
    /// The lineage id by which properties refer to it.
    pub lineage: Text,
    /// 1 if the package lets the component give it new values, or 0.
    pub replaced: u32,
}

/// What a component does: one member is set. All are null where a class is asked to fill it.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Component {
    /// Size of this structure; a plug-in that knows more members writes no further.
    pub size: usize,
    /// Makes rows.
    pub source: *mut Source,
    /// Maps batches to as many rows.
    pub synchronous: *mut Synchronous,
    /// Maps batches to other batches.
    pub asynchronous: *mut Asynchronous,
    /// Ends a flow.
    pub destination: *mut Destination,
}

/// Makes rows.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Source {
    /// Size of this structure.
    pub size: usize,
    /// Releases the object.
    pub release: Option<Release<Self>>,
    /// Opens the rows of a run. An error code of the stream with the highest bit set is an HRESULT.
    pub open: Option<
        unsafe extern "C" fn(
            source: *const Self,
            out: *mut FFI_ArrowArrayStream,
            failure: *const Listener,
        ) -> i32,
    >,
    /// Nobody wants more rows: what waits ends soon. Called from another thread.
    pub cancel: Option<unsafe extern "C" fn(source: *const Self)>,
}

/// Maps batches to as many rows.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Synchronous {
    /// Size of this structure.
    pub size: usize,
    /// Releases the object.
    pub release: Option<Release<Self>>,
    /// Works on a batch, a structure array. It may be moved out; what is left is released by the caller.
    pub apply: Option<
        unsafe extern "C" fn(
            synchronous: *const Self,
            schema: *mut FFI_ArrowSchema,
            batch: *mut FFI_ArrowArray,
            applied: *const Applied,
            failure: *const Listener,
        ) -> i32,
    >,
}

/// Takes what became of a batch. Arrays are moved out of what is given, also in case of failure.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Applied {
    /// Size of this structure.
    pub size: usize,
    /// For the functions.
    pub context: *mut c_void,
    /// The next column that the component makes.
    pub column: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            schema: *mut FFI_ArrowSchema,
            array: *mut FFI_ArrowArray,
        ) -> i32,
    >,
    /// New values of an input column, by its position.
    pub replaced: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            position: usize,
            schema: *mut FFI_ArrowSchema,
            array: *mut FFI_ArrowArray,
        ) -> i32,
    >,
    /// For each row the output, or [`DROPPED`]; not called: all go to the first.
    pub route: Option<unsafe extern "C" fn(context: *mut c_void, outputs: List<u32>) -> i32>,
    /// A row that failed; column -1: the whole row.
    pub failed: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            row: u32,
            column: i64,
            message: Text,
            code: u32,
        ) -> i32,
    >,
}

/// Maps its inputs to the rows of its first output.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Asynchronous {
    /// Size of this structure.
    pub size: usize,
    /// Releases the object.
    pub release: Option<Release<Self>>,
    /// Begins a run.
    pub start: Option<
        unsafe extern "C" fn(
            asynchronous: *const Self,
            out: *mut *mut Process,
            failure: *const Listener,
        ) -> i32,
    >,
}

/// One run of an [`Asynchronous`].
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Process {
    /// Size of this structure.
    pub size: usize,
    /// Releases the object.
    pub release: Option<Release<Self>>,
    /// Takes a batch of an input.
    pub push: Option<
        unsafe extern "C" fn(
            process: *mut Self,
            input: usize,
            schema: *mut FFI_ArrowSchema,
            batch: *mut FFI_ArrowArray,
            ready: *const BatchReceiver,
            failure: *const Listener,
        ) -> i32,
    >,
    /// All inputs have ended.
    pub finish: Option<
        unsafe extern "C" fn(
            process: *mut Self,
            ready: *const BatchReceiver,
            failure: *const Listener,
        ) -> i32,
    >,
}

/// Takes batches, structure arrays. They are moved out of what is given, also in case of failure.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct BatchReceiver {
    /// Size of this structure.
    pub size: usize,
    /// For `give`.
    pub context: *mut c_void,
    /// Takes one batch.
    pub give: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            schema: *mut FFI_ArrowSchema,
            batch: *mut FFI_ArrowArray,
        ) -> i32,
    >,
}

/// Ends a flow.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Destination {
    /// Size of this structure.
    pub size: usize,
    /// Releases the object.
    pub release: Option<Release<Self>>,
    /// Opens it for a run.
    pub open: Option<
        unsafe extern "C" fn(
            destination: *const Self,
            out: *mut *mut Writer,
            failure: *const Listener,
        ) -> i32,
    >,
}

/// One run of a [`Destination`]. Released without a commit it undoes what it wrote.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Writer {
    /// Size of this structure.
    pub size: usize,
    /// Releases the object.
    pub release: Option<Release<Self>>,
    /// Writes a batch.
    pub write: Option<
        unsafe extern "C" fn(
            writer: *mut Self,
            schema: *mut FFI_ArrowSchema,
            batch: *mut FFI_ArrowArray,
            failure: *const Listener,
        ) -> i32,
    >,
    /// Makes what was written last.
    pub commit: Option<unsafe extern "C" fn(writer: *mut Self, failure: *const Listener) -> i32>,
}

/// No objects yet, for a class to fill.
impl Default for Component {
    fn default() -> Self {
        Self {
            size: size_of::<Self>(),
            source: ptr::null_mut(),
            synchronous: ptr::null_mut(),
            asynchronous: ptr::null_mut(),
            destination: ptr::null_mut(),
        }
    }
}
