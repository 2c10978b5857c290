//! Fletching from C: `include/fletching.h` says what there is.
//!
//! ```text
//!  connection string, name ──Client──▶ Reader ──▶ ArrowArrayStream: get_schema, get_next, release
//! ```
//!
//! Texts are copied at the border; batches are handed over as they are. A panic ends at the border as an error.

#![expect(
    unsafe_code,
    reason = "the border to C: each function says what its caller has to keep"
)]

use std::{
    ffi::{CStr, CString, c_char, c_int},
    panic::{AssertUnwindSafe, catch_unwind},
};

use arrow::ffi_stream::FFI_ArrowArrayStream;
use fletching::dtexec::Client;

/// What a function returns that has failed.
const FAILED: c_int = 1;

/// Opens a DataReader destination of a package.
///
/// # Safety
/// `connection_string` and `reader` are texts that end with a zero byte; `parameters` is NULL or a list of such texts that
/// ends with NULL; `out` can be written, and what is there is not released; `error` is NULL or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fletching_open_reader(
    connection_string: *const c_char,
    reader: *const c_char,
    parameters: *const *const c_char,
    out: *mut FFI_ArrowArrayStream,
    error: *mut *mut c_char,
) -> c_int {
    let opened = guarded(|| {
        // SAFETY: the caller gives texts and a list that end as they should.
        let (connection_string, name, parameters) = unsafe {
            (
                text(connection_string, "connection_string")?,
                text(reader, "reader")?,
                pairs(parameters)?,
            )
        };
        if out.is_null() {
            return Err("out is NULL: a place for the stream is wanted".to_owned());
        }
        let client = Client::open(&connection_string).map_err(|error| error.to_string())?;
        let parameters: Vec<(&str, &str)> = parameters
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let reader = client.reader(&name, &parameters);
        Ok(FFI_ArrowArrayStream::new(Box::new(
            reader.map_err(|error| error.to_string())?,
        )))
    });
    match opened {
        Ok(stream) => {
            // SAFETY: `out` is not NULL and can be written; what was there is not dropped.
            unsafe { out.write(stream) };
            0
        }
        Err(message) => {
            // SAFETY: `error` is NULL or can be written.
            unsafe { tell(error, &message) };
            FAILED
        }
    }
}

/// The names of the DataReader destinations, a line each.
///
/// # Safety
/// `connection_string` is a text that ends with a zero byte; `error` is NULL or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fletching_readers(
    connection_string: *const c_char,
    error: *mut *mut c_char,
) -> *mut c_char {
    let found = guarded(|| {
        // SAFETY: the caller gives a text that ends as it should.
        let connection_string = unsafe { text(connection_string, "connection_string")? };
        let mut client = Client::open(&connection_string).map_err(|error| error.to_string())?;
        let settings = client.settings_mut().clone();
        let prepared = client.package().prepare(settings);
        let readers = prepared.and_then(|prepared| prepared.readers());
        let readers = readers.map_err(|error| error.to_string())?;
        let names = readers.into_iter().map(|(name, _)| name + "\n");
        Ok(names.collect::<String>())
    });
    match found {
        Ok(names) => owned(&names),
        Err(message) => {
            // SAFETY: `error` is NULL or can be written.
            unsafe { tell(error, &message) };
            std::ptr::null_mut()
        }
    }
}

/// Frees a text of this library.
///
/// # Safety
/// `text` is NULL or was returned by this library and is freed once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fletching_free(text: *mut c_char) {
    if !text.is_null() {
        // SAFETY: it came from `CString::into_raw`.
        drop(unsafe { CString::from_raw(text) });
    }
}

/// The version of the library.
#[unsafe(no_mangle)]
pub extern "C" fn fletching_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// Runs `work`; a panic in it is an error.
fn guarded<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done,
        Err(_) => {
            Err("a defect in Fletching: it panicked; the message is on standard error".to_owned())
        }
    }
}

/// # Safety
/// `pointer` is NULL or a text that ends with a zero byte.
unsafe fn text(pointer: *const c_char, what: &str) -> Result<String, String> {
    if pointer.is_null() {
        return Err(format!("{what} is NULL: a text is wanted"));
    }
    // SAFETY: it is a text that ends with a zero byte.
    let found = unsafe { CStr::from_ptr(pointer) };
    let found = found.to_str();
    found
        .map(str::to_owned)
        .map_err(|_| format!("{what} is not UTF-8"))
}

/// # Safety
/// `list` is NULL or a list of texts that ends with NULL.
unsafe fn pairs(list: *const *const c_char) -> Result<Vec<(String, String)>, String> {
    let mut pairs = Vec::new();
    if list.is_null() {
        return Ok(pairs);
    }
    let mut at = list;
    // SAFETY: the list ends with NULL, and nothing behind that is looked at.
    unsafe {
        while !(*at).is_null() {
            let name = text(*at, "a parameter's name")?;
            at = at.add(1);
            if (*at).is_null() {
                return Err(format!("parameter `{name}` has no value"));
            }
            pairs.push((name, text(*at, "a parameter's value")?));
            at = at.add(1);
        }
    }
    Ok(pairs)
}

/// A text for the caller to free. Zero bytes, which it cannot have, are left out.
fn owned(text: &str) -> *mut c_char {
    let text: String = text.chars().filter(|one| *one != '\0').collect();
    CString::new(text).unwrap_or_default().into_raw()
}

/// # Safety
/// `error` is NULL or can be written.
unsafe fn tell(error: *mut *mut c_char, message: &str) {
    if !error.is_null() {
        // SAFETY: it is not NULL and can be written.
        unsafe { error.write(owned(message)) };
    }
}
