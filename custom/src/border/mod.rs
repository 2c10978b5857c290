//! What both sides of the border do: lend texts, read structures, tell and hear, and keep panics in.
//!
//! ```text
//!  caller: heard(|listener| call(.., listener)) ──▶ callee: answer(listener, || work) ──▶ 0, or texts and a status
//! ```

pub(crate) mod batches;

use std::{
    ffi::c_void,
    mem::MaybeUninit,
    ptr::{self, NonNull},
    slice,
};

use crate::{
    CustomError, Properties,
    abi::{List, Listener, Object, Pair, Text, Versioned},
    guarded,
};

/// What a function returns that has failed.
pub(crate) const FAILED: i32 = 1;

/// A copy of a structure of the other side, up to what that side knows of it.
///
/// # Safety
/// `pointer` is NULL, or a structure whose size is what it says.
pub(crate) unsafe fn table<T: Versioned>(pointer: *const T) -> Option<T> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: the first member is the size.
    let size = unsafe { pointer.cast::<usize>().read_unaligned() };
    if size < size_of::<usize>() {
        return None;
    }
    let mut copy = MaybeUninit::<T>::zeroed();
    // SAFETY: no more than either of the two has; zeros are valid in what remains.
    unsafe {
        ptr::copy_nonoverlapping(
            pointer.cast::<u8>(),
            copy.as_mut_ptr().cast::<u8>(),
            size.min(size_of::<T>()),
        );
        Some(copy.assume_init())
    }
}

/// A text of the other side.
///
/// # Safety
/// It has that many bytes.
pub(crate) unsafe fn string(text: Text) -> String {
    // SAFETY: the caller says so.
    let bytes = unsafe {
        items(List {
            items: text.data,
            length: text.length,
        })
    };
    String::from_utf8_lossy(bytes).into_owned()
}

/// The entries of a list of the other side.
///
/// # Safety
/// It has that many, and lives as long as the result is used.
pub(crate) unsafe fn items<'a, T>(list: List<T>) -> &'a [T] {
    if list.items.is_null() || list.length == 0 {
        return &[];
    }
    // SAFETY: the caller says so.
    unsafe { slice::from_raw_parts(list.items, list.length) }
}

/// Properties lent to the other side.
pub(crate) fn pairs(properties: &Properties) -> Vec<Pair> {
    let properties = properties.iter();
    properties
        .map(|(name, value)| Pair {
            name: Text::of(name),
            value: Text::of(value),
        })
        .collect()
}

/// Properties of the other side.
///
/// # Safety
/// The list and its texts are valid.
pub(crate) unsafe fn properties(list: List<Pair>) -> Properties {
    // SAFETY: the caller says so.
    let list = unsafe { items(list) };
    let pairs = list.iter();
    // SAFETY: as above.
    pairs
        .map(|pair| unsafe { (string(pair.name), string(pair.value)) })
        .collect()
}

/// What goes to a listener: one error, or every problem.
#[derive(Debug)]
pub(crate) struct Told(pub(crate) Vec<CustomError>);

impl From<CustomError> for Told {
    fn from(error: CustomError) -> Self {
        Self(vec![error])
    }
}

impl From<Vec<String>> for Told {
    fn from(problems: Vec<String>) -> Self {
        Self(problems.into_iter().map(CustomError::new).collect())
    }
}

impl Told {
    /// One error of all that was heard.
    pub(crate) fn one(self) -> CustomError {
        let code = self.0.first().map_or(0, |error| error.code);
        let texts: Vec<String> = self.0.into_iter().map(|error| error.message).collect();
        CustomError::new(texts.join("; ")).with_code(code)
    }

    pub(crate) fn problems(self) -> Vec<String> {
        self.0.into_iter().map(|error| error.message).collect()
    }
}

/// Does the work of a function of the border: its status, with failures and panics told to the listener.
///
/// # Safety
/// `listener` is NULL or valid.
pub(crate) unsafe fn answer(
    listener: *const Listener,
    work: impl FnOnce() -> Result<(), Told>,
) -> i32 {
    match kept_in(work) {
        Ok(Ok(())) => 0,
        Ok(Err(Told(errors))) => {
            for error in errors {
                // SAFETY: the caller says so.
                unsafe { tell(listener, &error.message, error.code) };
            }
            FAILED
        }
        Err(message) => {
            // SAFETY: the caller says so.
            unsafe { tell(listener, &message, 0) };
            FAILED
        }
    }
}

/// Runs `work`; a panic is an error.
pub(crate) fn kept_in<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    guarded(|| Ok(work())).map_err(|panic| panic.message)
}

/// # Safety
/// `listener` is NULL or valid.
pub(crate) unsafe fn tell(listener: *const Listener, text: &str, code: u32) {
    // SAFETY: the caller says so; the text lives during the call.
    unsafe {
        if let Some(known) = table(listener)
            && let Some(hear) = known.hear
        {
            hear(known.context, Text::of(text), code);
        }
    }
}

/// Calls a function of the other side; what it told.
pub(crate) fn listened(call: impl FnOnce(*const Listener) -> i32) -> (i32, Vec<CustomError>) {
    let mut heard: Vec<CustomError> = Vec::new();
    let listener = Listener {
        size: size_of::<Listener>(),
        context: (&raw mut heard).cast(),
        hear: Some(hear),
    };
    let status = call(&raw const listener);
    (status, heard)
}

/// Calls a function of the other side that may fail.
pub(crate) fn heard(call: impl FnOnce(*const Listener) -> i32) -> Result<(), Told> {
    let (status, mut errors) = listened(call);
    if status == 0 {
        return Ok(());
    }
    if errors.is_empty() {
        let message = format!("it failed with status {status} and did not say why");
        errors.push(CustomError::new(message));
    }
    Err(Told(errors))
}

/// Calls a function of the other side that tells one answer, or fails.
pub(crate) fn told(
    call: impl FnOnce(*const Listener, *const Listener) -> i32,
) -> Result<String, CustomError> {
    let mut answers = Vec::new();
    let outcome = heard(|failure| {
        let (status, found) = listened(|answer| call(answer, failure));
        answers = found;
        status
    });
    outcome.map_err(Told::one)?;
    let answer = answers.into_iter().next();
    answer
        .map(|answer| answer.message)
        .ok_or_else(|| CustomError::new("it reported success and gave no answer"))
}

unsafe extern "C" fn hear(context: *mut c_void, text: Text, code: u32) {
    // SAFETY: the context is the list of `listened`, which waits for this call's caller; the text is valid by contract.
    drop(kept_in(|| unsafe {
        let errors = &mut *context.cast::<Vec<CustomError>>();
        errors.push(CustomError::new(string(text)).with_code(code));
    }));
}

/// A function that the other side must have.
pub(crate) fn wanted<T>(function: Option<T>, name: &str) -> Result<T, Told> {
    function.ok_or_else(|| {
        CustomError::new(format!("its function `{name}` is missing: it is a must")).into()
    })
}

/// An object of the other side, released by its own function.
pub(crate) struct Held<T: Object> {
    object: NonNull<T>,
    table: T,
}

impl<T: Object> Held<T> {
    /// Takes an object.
    ///
    /// # Safety
    /// `object` is NULL or valid, and the caller's to give.
    pub(crate) unsafe fn take(object: *mut T) -> Option<Self> {
        let place = NonNull::new(object)?;
        // SAFETY: the caller says so.
        let table = unsafe { table(object)? };
        Some(Self {
            object: place,
            table,
        })
    }

    /// Takes what a function of the other side gave.
    ///
    /// # Safety
    /// As for `take`.
    pub(crate) unsafe fn given(object: *mut T) -> Result<Self, Told> {
        // SAFETY: the caller says so.
        let taken = unsafe { Self::take(object) };
        taken.ok_or_else(|| CustomError::new("it reported success and gave no object").into())
    }

    pub(crate) fn table(&self) -> &T {
        &self.table
    }

    pub(crate) fn as_ptr(&self) -> *mut T {
        self.object.as_ptr()
    }
}

impl<T: Object> Drop for Held<T> {
    fn drop(&mut self) {
        if let Some(release) = self.table.release() {
            // SAFETY: the object is ours, and released this once.
            unsafe { release(self.object.as_ptr()) };
        }
    }
}

impl<T: Object> std::fmt::Debug for Held<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}({:p})", std::any::type_name::<T>(), self.object)
    }
}

// SAFETY: by the contract of the border objects go from thread to thread; those that one thread at a time may use are only
// used by `&mut`.
unsafe impl<T: Object> Send for Held<T> {}
// SAFETY: as above: what is used by `&` may be used by several threads.
unsafe impl<T: Object> Sync for Held<T> {}

/// An object for the other side: its structure, then what it stands for.
#[repr(C)]
struct Made<T, V> {
    table: T,
    value: V,
}

/// Makes an object that [`release`] of the same types frees.
pub(crate) fn made<T: Object, V: Send>(table: T, value: V) -> *mut T {
    Box::into_raw(Box::new(Made { table, value })).cast()
}

/// The function that releases what [`made`] made.
pub(crate) unsafe extern "C" fn release<T: Object, V: Send>(object: *mut T) {
    if object.is_null() {
        return;
    }
    let owned = object.cast::<Made<T, V>>();
    // SAFETY: by contract it is an object of `made` with these types, released once.
    let owned = unsafe { Box::from_raw(owned) };
    drop(kept_in(|| drop(owned)));
}

/// What an object of [`made`] stands for.
///
/// # Safety
/// `object` was made with these types and is not released while the result is used.
pub(crate) unsafe fn value<'a, T: Object, V: Send + Sync>(object: *const T) -> &'a V {
    // SAFETY: the caller says so.
    unsafe { &(*object.cast::<Made<T, V>>()).value }
}

/// The same, for an object that one thread at a time uses.
///
/// # Safety
/// As for [`value`], and nobody else uses it.
pub(crate) unsafe fn value_mut<'a, T: Object, V: Send>(object: *mut T) -> &'a mut V {
    // SAFETY: the caller says so.
    unsafe { &mut (*object.cast::<Made<T, V>>()).value }
}
