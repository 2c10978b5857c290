//! libxml2 and libxslt, found when they are first wanted: nothing but these two files knows them by symbol.
//!
//! **Hostile input**: the loader of everything outside the document (DTDs, entities, schemas and stylesheets that others
//! include, `document()`) refuses, for the whole process; libxslt may read and write nothing.

#![expect(unsafe_code, reason = "the libraries are C, loaded at run time")]
#![expect(non_snake_case, reason = "the names of C")]

use std::{
    cell::RefCell,
    ffi::{CStr, c_char, c_int, c_void},
    ptr::null_mut,
    sync::OnceLock,
};

use libloading::Library;

/// What C hands out and nobody looks into.
pub(super) type Pointer = *mut c_void;
pub(super) type Text = *const c_char;

macro_rules! functions {
    ($name:ident: $($function:ident($($argument:ty),*) $(-> $result:ty)?;)*) => {
        /// Functions of a library, by their own names.
        pub(super) struct $name {
            $(pub(super) $function: unsafe extern "C" fn($($argument),*) $(-> $result)?,)*
        }

        impl $name {
            /// Its functions, and the library itself, which stays.
            fn load(names: &[&str]) -> Result<(Self, &'static Library), String> {
                let library: &Library = Box::leak(Box::new(open(names)?));
                $(
                    // SAFETY: the signature is that of the library's headers.
                    let $function = *unsafe { library.get(concat!(stringify!($function), "\0").as_bytes()) }
                        .map_err(|error| error.to_string())?;
                )*
                Ok((Self { $($function,)* }, library))
            }
        }
    };
}

functions! {
    Libxml:
    xmlInitParser();
    xmlReadMemory(Text, c_int, Text, Text, c_int) -> Pointer;
    xmlFreeDoc(Pointer);
    xmlGetIntSubset(Pointer) -> *const Dtd;
    xmlDocGetRootElement(Pointer) -> Pointer;
    xmlSetExternalEntityLoader(Option<EntityLoader>);
    xmlSetStructuredErrorFunc(Pointer, Option<StructuredError>);
    xmlSetGenericErrorFunc(Pointer, Option<unsafe extern "C" fn(Pointer, Text, ...)>);
    xmlXPathNewContext(Pointer) -> Pointer;
    xmlXPathFreeContext(Pointer);
    xmlXPathRegisterNs(Pointer, Text, Text) -> c_int;
    xmlXPathSetContextNode(Pointer, Pointer) -> c_int;
    xmlXPathEvalExpression(Text, Pointer) -> *mut XPathObject;
    xmlXPathCastToString(*mut XPathObject) -> *mut c_char;
    xmlXPathFreeObject(*mut XPathObject);
    xmlNodeGetContent(Pointer) -> *mut c_char;
    xmlDocCopyNode(Pointer, Pointer, c_int) -> Pointer;
    xmlAddChild(Pointer, Pointer) -> Pointer;
    xmlDocDumpMemoryEnc(Pointer, *mut *mut c_char, *mut c_int, Text);
    xmlFreeNode(Pointer);
    xmlBufferCreate() -> Pointer;
    xmlBufferContent(Pointer) -> Text;
    xmlBufferFree(Pointer);
    xmlNodeDump(Pointer, Pointer, Pointer, c_int, c_int) -> c_int;
    xmlSchemaNewDocParserCtxt(Pointer) -> Pointer;
    xmlSchemaFreeParserCtxt(Pointer);
    xmlSchemaParse(Pointer) -> Pointer;
    xmlSchemaFree(Pointer);
    xmlSchemaNewValidCtxt(Pointer) -> Pointer;
    xmlSchemaFreeValidCtxt(Pointer);
    xmlSchemaValidateDoc(Pointer, Pointer) -> c_int;
    xmlNewValidCtxt() -> Pointer;
    xmlFreeValidCtxt(Pointer);
    xmlValidateDocument(Pointer, Pointer) -> c_int;
}

functions! {
    Libxslt:
    xsltParseStylesheetDoc(Pointer) -> Pointer;
    xsltFreeStylesheet(Pointer);
    xsltNewTransformContext(Pointer, Pointer) -> *mut TransformContext;
    xsltFreeTransformContext(*mut TransformContext);
    xsltApplyStylesheetUser(Pointer, Pointer, Pointer, Pointer, Pointer, *mut TransformContext) -> Pointer;
    xsltSaveResultToString(*mut *mut c_char, *mut c_int, Pointer, Pointer) -> c_int;
    xsltNewSecurityPrefs() -> Pointer;
    xsltSetSecurityPrefs(Pointer, c_int, Option<SecurityCheck>) -> c_int;
    xsltSetDefaultSecurityPrefs(Pointer);
    xsltSecurityForbid(Pointer, *mut TransformContext, Text) -> c_int;
    xsltSetGenericErrorFunc(Pointer, Option<unsafe extern "C" fn(Pointer, Text, ...)>);
    xsltRegisterExtModuleFunction(Text, Text, Option<unsafe extern "C" fn(Pointer, c_int)>) -> c_int;
    xsltFunctionNodeSet(Pointer, c_int);
}

type EntityLoader = unsafe extern "C" fn(Text, Text, Pointer) -> Pointer;
type StructuredError = unsafe extern "C" fn(Pointer, *const RaisedError);
type SecurityCheck = unsafe extern "C" fn(Pointer, *mut TransformContext, Text) -> c_int;

/// The beginning of `xmlDtd`.
#[repr(C)]
pub(super) struct Dtd {
    unused: [Pointer; 12],
    pub(super) entities: Pointer,
    pub(super) external_id: Text,
    pub(super) system_id: Text,
    pub(super) parameter_entities: Pointer,
}

/// The beginning of `xmlNode` and `xmlDoc`, and of what else can be in a set of nodes.
#[repr(C)]
pub(super) struct Node {
    private: Pointer,
    pub(super) kind: c_int,
    name: Text,
    pub(super) children: *const Node,
    last: *const Node,
    parent: *const Node,
    pub(super) next: *const Node,
}

/// The beginning of `xmlXPathObject`.
#[repr(C)]
pub(super) struct XPathObject {
    pub(super) kind: c_int,
    pub(super) nodes: *const NodeSet,
    pub(super) boolean: c_int,
    pub(super) number: f64,
}

/// `xmlNodeSet`.
#[repr(C)]
pub(super) struct NodeSet {
    pub(super) count: c_int,
    room: c_int,
    pub(super) nodes: *const Pointer,
}

/// The beginning of `xmlError`.
#[repr(C)]
pub(super) struct RaisedError {
    domain: c_int,
    code: c_int,
    message: Text,
    level: c_int,
    file: Text,
    line: c_int,
}

/// The beginning of `xsltTransformContext`.
#[repr(C)]
pub(super) struct TransformContext {
    style: Pointer,
    output_kind: c_int,
    template: Pointer,
    templates: [c_int; 2],
    template_table: Pointer,
    variable_table: Pointer,
    variables: [c_int; 2],
    variable_tables: Pointer,
    variable_base: c_int,
    extensions: [Pointer; 3],
    modes: [Text; 2],
    /// Documents, nodes, output, place to insert.
    place: [Pointer; 6],
    xpath: Pointer,
    pub(super) state: c_int,
}

unsafe extern "C" {
    fn fletching_xml_format(context: Pointer, format: Text, ...);
}

/// Both libraries.
pub(super) struct Libraries {
    pub(super) xml: Libxml,
    pub(super) xslt: Libxslt,
    free: unsafe extern "C" fn(Pointer),
}

/// Names of the libraries in the releases whose layout is known.
const LIBXML: [&str; 3] = ["libxml2.so.2", "libxml2.so.16", "libxml2.2.dylib"];
const LIBXSLT: [&str; 2] = ["libxslt.so.1", "libxslt.1.dylib"];

fn open(names: &[&str]) -> Result<Library, String> {
    let mut first = None;
    for name in names {
        // SAFETY: the initializers of these libraries have no conditions.
        match unsafe { Library::new(*name) } {
            Ok(library) => return Ok(library),
            Err(error) => first = first.or(Some(error.to_string())),
        }
    }
    Err(first.unwrap_or_default())
}

/// The libraries, loaded once.
///
/// # Errors
/// That they are not there: for a person.
pub(super) fn libraries() -> Result<&'static Libraries, String> {
    static LOADED: OnceLock<Result<Libraries, String>> = OnceLock::new();
    LOADED.get_or_init(load).as_ref().map_err(|error| {
        format!(
            "XML needs the libraries libxml2 and libxslt ({error}): install them, on Debian with \
             `apt-get install libxml2 libxslt1.1`"
        )
    })
}

fn load() -> Result<Libraries, String> {
    let (xml, library) = Libxml::load(&LIBXML)?;
    let (xslt, _) = Libxslt::load(&LIBXSLT)?;
    // SAFETY: `xmlFree` is a variable that holds a function.
    let free = unsafe {
        let free = library.get::<*const unsafe extern "C" fn(Pointer)>(b"xmlFree\0");
        **free.map_err(|error| error.to_string())?
    };
    // SAFETY: called once, before any document is read; the functions given live as long as the process.
    unsafe {
        (xml.xmlInitParser)();
        (xml.xmlSetExternalEntityLoader)(Some(refuse));
        (xslt.xsltSetGenericErrorFunc)(null_mut(), Some(fletching_xml_format));
        (xslt.xsltSetDefaultSecurityPrefs)(forbid_all(&xslt));
        // What stylesheets written for Microsoft's processors call it.
        (xslt.xsltRegisterExtModuleFunction)(
            c"node-set".as_ptr(),
            c"urn:schemas-microsoft-com:xslt".as_ptr(),
            Some(xslt.xsltFunctionNodeSet),
        );
    }
    Ok(Libraries { xml, xslt, free })
}

/// Reading and writing files, making folders, reading and writing over the network: the numbers of libxslt.
const SECURITY_OPTIONS: std::ops::RangeInclusive<c_int> = 1..=5;

/// Preferences that forbid all; they live as long as the process.
unsafe fn forbid_all(xslt: &Libxslt) -> Pointer {
    // SAFETY: a new object, and a check that the library itself has.
    unsafe {
        let preferences = (xslt.xsltNewSecurityPrefs)();
        for option in SECURITY_OPTIONS {
            (xslt.xsltSetSecurityPrefs)(preferences, option, Some(xslt.xsltSecurityForbid));
        }
        preferences
    }
}

unsafe extern "C" fn refuse(url: Text, _id: Text, _context: Pointer) -> Pointer {
    // SAFETY: a C string or nothing.
    let url = unsafe { borrowed(url) };
    note(&format!("`{url}` is outside the document and is not read"));
    null_mut()
}

/// Messages of one operation that are kept.
const MESSAGES_MAX: usize = 100;

thread_local! {
    static MESSAGES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

fn note(message: &str) {
    MESSAGES.with_borrow_mut(|messages| {
        if messages.len() < MESSAGES_MAX {
            messages.push(message.to_owned());
        }
    });
}

unsafe extern "C" fn structured(_context: Pointer, error: *const RaisedError) {
    // SAFETY: the library hands over its own error, or nothing.
    unsafe {
        if let Some(error) = error.as_ref() {
            let message = borrowed(error.message);
            let message = message.trim();
            match error.line {
                0 => note(message),
                line => note(&format!("line {line}: {message}")),
            }
        }
    }
}

/// Called by `fletching_xml_format`.
#[unsafe(no_mangle)]
unsafe extern "C" fn fletching_xml_message(text: Text) {
    // SAFETY: a C string on the caller's stack.
    let text = unsafe { borrowed(text) };
    let text = text.trim();
    if !text.is_empty() {
        note(text);
    }
}

/// A copy of a C string; empty for none.
unsafe fn borrowed(text: Text) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: not null, and ends as C strings do.
    unsafe { CStr::from_ptr(text) }
        .to_string_lossy()
        .into_owned()
}

impl Libraries {
    /// Does something, and hands over what the libraries said meanwhile on this thread.
    pub(super) fn listening<T>(&self, work: impl FnOnce() -> T) -> (T, Vec<String>) {
        MESSAGES.with_borrow_mut(Vec::clear);
        // SAFETY: the handlers live as long as the process; they are of this thread alone.
        unsafe {
            (self.xml.xmlSetStructuredErrorFunc)(null_mut(), Some(structured));
            (self.xml.xmlSetGenericErrorFunc)(null_mut(), Some(fletching_xml_format));
        }
        let done = work();
        // SAFETY: as above.
        unsafe { (self.xml.xmlSetStructuredErrorFunc)(null_mut(), None) };
        (done, MESSAGES.with_borrow_mut(std::mem::take))
    }

    /// Frees a text of the library.
    ///
    /// # Safety
    /// It is the caller's, or null.
    pub(super) unsafe fn free(&self, text: *mut c_char) {
        if !text.is_null() {
            // SAFETY: as the caller says.
            unsafe { (self.free)(text.cast()) };
        }
    }

    /// A copy of a text that the library made, which is freed.
    ///
    /// # Safety
    /// It is a C string that the caller owns, or null.
    pub(super) unsafe fn take(&self, text: *mut c_char) -> String {
        // SAFETY: as the caller says.
        unsafe {
            let copy = borrowed(text);
            self.free(text);
            copy
        }
    }

    /// A copy of a text that stays the library's.
    ///
    /// # Safety
    /// It is a C string, or null.
    pub(super) unsafe fn copied(&self, text: Text) -> String {
        // SAFETY: as the caller says.
        unsafe { borrowed(text) }
    }
}
