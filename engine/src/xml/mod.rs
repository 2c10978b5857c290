//! XML documents: XPath 1.0, XSD and DTD, XSLT 1.0, by libxml2 and libxslt; DiffGrams, by nodes of our own.
//!
//! ```text
//!  text or bytes ──parse──▶ Document ─┬─ select ────▶ nodes: text, XML
//!                                     ├─ evaluate ──▶ number, text, truth
//!                                     ├─ validate ──▶ what is wrong
//!                                     ├─ transform ─▶ bytes
//!                                     └─ merge ─────▶ bytes
//!                   └─▶ Checked ─ diff, patch ──────▶ DiffGram, XML
//! ```
//!
//! **Hostile input**: a document that declares entities is refused, DTDs and all else outside the document are not read.
//! Everything runs on a thread with room for the recursion that the libraries allow. It cannot be stopped halfway.

#![expect(
    unsafe_code,
    reason = "the library is C; what is handed out here borrows from its document"
)]

mod diffgram;
mod library;
mod merge;
mod source;
mod transform;
mod tree;

use std::{
    ffi::{CString, c_int},
    marker::PhantomData,
    ptr::{null, null_mut},
};

pub(crate) use diffgram::{Checked, DiffGramError, DiffOptions, Difference};
pub(crate) use source::TextSource;

use library::{Libraries, Pointer, libraries};

/// Why something with XML could not be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum XmlError {
    /// The libraries are not there.
    #[error("{0}")]
    Library(String),
    #[error("it is no XML: {0}")]
    Syntax(String),
    #[error("it declares entities, which are not expanded")]
    Entities,
    #[error("its DTD `{0}` lies outside the document, which is not read")]
    ExternalDtd(String),
    #[error("it has no DTD to be valid by")]
    NoDtd,
    #[error("XPath `{path}`: {message}")]
    XPath { path: String, message: String },
    #[error("the schema is not valid: {0}")]
    Schema(String),
    #[error("the stylesheet: {0}")]
    Stylesheet(String),
    #[error("it has {0}, which is more than is read")]
    Limit(String),
}

/// Whether XML can be read at all.
///
/// # Errors
/// The libraries are not there.
pub(crate) fn available() -> Result<(), XmlError> {
    libraries().map(|_| ()).map_err(XmlError::Library)
}

/// What the libraries' recursion may take: their own limits are made for 8 MB.
const STACK_BYTES: usize = 64 << 20;

/// Runs work with documents on a thread with room for it.
///
/// # Errors
/// That there is no thread to be had.
pub(crate) fn on_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, String> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, work)
            .map_err(|error| format!("no thread for XML: {error}"))?;
        thread.join().map_err(|_| "its thread is gone".to_owned())
    })
}

/// A document in memory, of one thread.
pub(crate) struct Document {
    libraries: &'static Libraries,
    raw: Pointer,
}

impl Drop for Document {
    fn drop(&mut self) {
        // SAFETY: it is this one's own, and nodes that were handed out are gone.
        unsafe { (self.libraries.xml.xmlFreeDoc)(self.raw) };
    }
}

/// Options of libxml2's parser: nothing over the network; the encoding is what the caller says.
const NO_NETWORK: c_int = 1 << 11;
const IGNORE_ENCODING: c_int = 1 << 21;

fn joined(messages: &[String]) -> String {
    match messages {
        [] => "the library does not say why".to_owned(),
        messages => messages.join("; "),
    }
}

impl Document {
    /// Reads a text, whatever encoding it says it has.
    pub(crate) fn of_text(text: &str) -> Result<Self, XmlError> {
        let text = text.trim_start_matches('\u{feff}');
        Self::read(text.as_bytes(), c"UTF-8".as_ptr(), IGNORE_ENCODING)
    }

    /// Reads the bytes of a file.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Result<Self, XmlError> {
        Self::read(bytes, null(), 0)
    }

    fn read(bytes: &[u8], encoding: library::Text, options: c_int) -> Result<Self, XmlError> {
        let libraries = libraries().map_err(XmlError::Library)?;
        let length = c_int::try_from(bytes.len())
            .map_err(|_| XmlError::Syntax("it is larger than 2 GB".to_owned()))?;
        let (raw, messages) = libraries.listening(|| {
            // SAFETY: so many bytes are there; the library copies what it keeps.
            unsafe {
                let read = libraries.xml.xmlReadMemory;
                read(
                    bytes.as_ptr().cast(),
                    length,
                    null(),
                    encoding,
                    options | NO_NETWORK,
                )
            }
        });
        if raw.is_null() {
            return Err(XmlError::Syntax(joined(&messages)));
        }
        let document = Self { libraries, raw };
        // SAFETY: the document lives; a DTD is its own.
        let dtd = unsafe { (libraries.xml.xmlGetIntSubset)(raw).as_ref() };
        match dtd {
            Some(dtd) if !dtd.entities.is_null() || !dtd.parameter_entities.is_null() => {
                Err(XmlError::Entities)
            }
            _ => Ok(document),
        }
    }

    /// The nodes that a path leads to, in document order.
    pub(crate) fn select(
        &self,
        path: &str,
        namespaces: &[(String, String)],
    ) -> Result<Vec<Node<'_>>, XmlError> {
        match self.evaluated(path, namespaces, null_mut())? {
            Evaluated::Nodes(nodes) => Ok(nodes),
            Evaluated::Value(value) => Err(XmlError::XPath {
                path: path.to_owned(),
                message: format!("it gives `{value}`, and nodes are wanted"),
            }),
        }
    }

    /// What an expression gives.
    pub(crate) fn evaluate(
        &self,
        path: &str,
        namespaces: &[(String, String)],
    ) -> Result<Evaluated<'_>, XmlError> {
        self.evaluated(path, namespaces, null_mut())
    }

    fn evaluated(
        &self,
        path: &str,
        namespaces: &[(String, String)],
        within: Pointer,
    ) -> Result<Evaluated<'_>, XmlError> {
        let wrong = |message: String| XmlError::XPath {
            path: path.to_owned(),
            message,
        };
        let text = |text: &str| CString::new(text).map_err(|error| wrong(error.to_string()));
        let expression = text(path)?;
        let mut prefixes = Vec::with_capacity(namespaces.len());
        for (prefix, uri) in namespaces {
            prefixes.push((text(prefix)?, text(uri)?));
        }
        let xml = &self.libraries.xml;
        let (found, messages) = self.libraries.listening(|| {
            // SAFETY: the document, and the node in it, outlive the context, which is freed; the object is read and freed here,
            // and the nodes in it are the document's.
            unsafe {
                let context = (xml.xmlXPathNewContext)(self.raw);
                if context.is_null() {
                    return None;
                }
                if !within.is_null() {
                    (xml.xmlXPathSetContextNode)(within, context);
                }
                for (prefix, uri) in &prefixes {
                    (xml.xmlXPathRegisterNs)(context, prefix.as_ptr(), uri.as_ptr());
                }
                let object = (xml.xmlXPathEvalExpression)(expression.as_ptr(), context);
                let found = (!object.is_null()).then(|| self.value_of(object));
                if !object.is_null() {
                    (xml.xmlXPathFreeObject)(object);
                }
                (xml.xmlXPathFreeContext)(context);
                found
            }
        });
        match found {
            Some(found) => found.map_err(wrong),
            None => Err(wrong(joined(&messages))),
        }
    }

    /// # Safety
    /// `object` is a result over this document.
    unsafe fn value_of(&self, object: *mut library::XPathObject) -> Result<Evaluated<'_>, String> {
        // SAFETY: as the caller says; a set has so many nodes, each with its kind.
        unsafe {
            match (*object).kind {
                XPATH_NODESET => {
                    let Some(set) = (*object).nodes.as_ref() else {
                        return Ok(Evaluated::Nodes(Vec::new()));
                    };
                    let count = usize::try_from(set.count).unwrap_or(0);
                    let mut nodes = Vec::with_capacity(count);
                    for at in 0..count {
                        let raw = *set.nodes.add(at);
                        if (*raw.cast::<library::Node>()).kind == NAMESPACE_NODE {
                            return Err("nodes of the namespace axis are not supported".to_owned());
                        }
                        nodes.push(Node {
                            libraries: self.libraries,
                            document: self,
                            raw,
                            lives: PhantomData,
                        });
                    }
                    Ok(Evaluated::Nodes(nodes))
                }
                XPATH_BOOLEAN => Ok(Evaluated::Value(
                    match (*object).boolean {
                        0 => "False",
                        _ => "True",
                    }
                    .to_owned(),
                )),
                _ => {
                    let text = (self.libraries.xml.xmlXPathCastToString)(object);
                    Ok(Evaluated::Value(self.libraries.take(text)))
                }
            }
        }
    }

    /// What an XML schema has against it; empty for nothing.
    pub(crate) fn validate(&self, schema: &Document) -> Result<Vec<String>, XmlError> {
        let xml = &self.libraries.xml;
        let (parsed, messages) = self.libraries.listening(|| {
            // SAFETY: the schema's document outlives the schema, which is freed below.
            unsafe {
                let context = (xml.xmlSchemaNewDocParserCtxt)(schema.raw);
                let parsed = (xml.xmlSchemaParse)(context);
                (xml.xmlSchemaFreeParserCtxt)(context);
                parsed
            }
        });
        if parsed.is_null() {
            return Err(XmlError::Schema(joined(&messages)));
        }
        let (result, messages) = self.libraries.listening(|| {
            // SAFETY: both live; what is made here is freed here.
            unsafe {
                let context = (xml.xmlSchemaNewValidCtxt)(parsed);
                let result = (xml.xmlSchemaValidateDoc)(context, self.raw);
                (xml.xmlSchemaFreeValidCtxt)(context);
                (xml.xmlSchemaFree)(parsed);
                result
            }
        });
        match result {
            0 => Ok(Vec::new()),
            _ if messages.is_empty() => Ok(vec![joined(&messages)]),
            _ => Ok(messages),
        }
    }

    /// What its own DTD has against it; empty for nothing.
    pub(crate) fn validate_by_dtd(&self) -> Result<Vec<String>, XmlError> {
        let xml = &self.libraries.xml;
        // SAFETY: the document lives; a DTD is its own.
        let dtd = unsafe { (xml.xmlGetIntSubset)(self.raw).as_ref() }.ok_or(XmlError::NoDtd)?;
        if !dtd.system_id.is_null() || !dtd.external_id.is_null() {
            // SAFETY: C strings of the DTD.
            let name = unsafe { self.libraries.copied(dtd.system_id) };
            return Err(XmlError::ExternalDtd(name));
        }
        let (valid, messages) = self.libraries.listening(|| {
            // SAFETY: the context is freed here.
            unsafe {
                let context = (xml.xmlNewValidCtxt)();
                let valid = (xml.xmlValidateDocument)(context, self.raw);
                (xml.xmlFreeValidCtxt)(context);
                valid
            }
        });
        match valid {
            1 => Ok(Vec::new()),
            _ if messages.is_empty() => Ok(vec![joined(&messages)]),
            _ => Ok(messages),
        }
    }
}

/// Kinds of libxml2: of XPath objects, and of nodes.
const XPATH_NODESET: c_int = 1;
const XPATH_BOOLEAN: c_int = 2;
const DOCUMENT_NODE: c_int = 9;
const NAMESPACE_NODE: c_int = 18;

/// What an XPath expression gives.
pub(crate) enum Evaluated<'d> {
    Nodes(Vec<Node<'d>>),
    /// A number or text; `True` or `False`.
    Value(String),
}

/// A node of a document.
pub(crate) struct Node<'d> {
    libraries: &'static Libraries,
    document: &'d Document,
    raw: Pointer,
    lives: PhantomData<&'d Document>,
}

impl<'d> Node<'d> {
    /// All text in it.
    pub(crate) fn text(&self) -> String {
        // SAFETY: the document, and with it the node, lives.
        unsafe {
            self.libraries
                .take((self.libraries.xml.xmlNodeGetContent)(self.raw))
        }
    }

    /// It as XML, with the namespaces that it needs.
    pub(crate) fn xml(&self) -> String {
        let xml = &self.libraries.xml;
        // SAFETY: the document lives; the copy, which takes namespaces along, and the buffer are freed here.
        unsafe {
            let raw = match (*self.raw.cast::<library::Node>()).kind {
                DOCUMENT_NODE => (xml.xmlDocGetRootElement)(self.document.raw),
                _ => self.raw,
            };
            let copy = (xml.xmlDocCopyNode)(raw, self.document.raw, 1);
            let buffer = (xml.xmlBufferCreate)();
            (xml.xmlNodeDump)(buffer, self.document.raw, copy, 0, 0);
            let text = self.libraries.copied((xml.xmlBufferContent)(buffer));
            (xml.xmlBufferFree)(buffer);
            (xml.xmlFreeNode)(copy);
            match text.strip_prefix(' ') {
                // An attribute comes as it stands in its element.
                Some(attribute) if (*raw.cast::<library::Node>()).kind == ATTRIBUTE_NODE => {
                    attribute.to_owned()
                }
                _ => text,
            }
        }
    }

    /// The nodes that a path leads to from here.
    pub(crate) fn select(&self, path: &str) -> Result<Vec<Node<'d>>, XmlError> {
        match self.document.evaluated(path, &[], self.raw)? {
            Evaluated::Nodes(nodes) => Ok(nodes),
            Evaluated::Value(value) => Err(XmlError::XPath {
                path: path.to_owned(),
                message: format!("it gives `{value}`, and nodes are wanted"),
            }),
        }
    }
}

const ATTRIBUTE_NODE: c_int = 2;

#[cfg(test)]
mod tests {
    use super::*;

    const ORDERS: &str = r#"<?xml version="1.0" encoding="utf-16"?>
<s:Orders xmlns:s="urn:shop"><Order id="1"><s:Item>Bread &amp; Butter</s:Item></Order><Order id="2"><s:Item>Milk</s:Item></Order></s:Orders>"#;

    fn texts(nodes: &[Node<'_>]) -> Vec<String> {
        nodes.iter().map(Node::text).collect()
    }

    #[test]
    fn paths_over_a_document() {
        let document = Document::of_text(ORDERS).unwrap();
        let shop = [("s".to_owned(), "urn:shop".to_owned())];
        let items = document.select("//s:Item", &shop).unwrap();
        assert_eq!(texts(&items), ["Bread & Butter", "Milk"]);
        assert_eq!(
            items[0].xml(),
            r#"<s:Item xmlns:s="urn:shop">Bread &amp; Butter</s:Item>"#
        );
        let orders = document.select("//Order", &[]).unwrap();
        assert_eq!(orders[1].select("@id").unwrap()[0].xml(), r#"id="2""#);
        assert_eq!(texts(&orders[1].select("*").unwrap()), ["Milk"]);
        let value = |path: &str| match document.evaluate(path, &shop).unwrap() {
            Evaluated::Value(value) => value,
            Evaluated::Nodes(nodes) => format!("{} nodes", nodes.len()),
        };
        assert_eq!(value("sum(//@id)"), "3");
        assert_eq!(value("count(//Order) = 2"), "True");
        assert_eq!(value("//Order"), "2 nodes");
        let wrong = document.select("//s:Item", &[]).err().unwrap();
        assert!(
            wrong.to_string().contains("Undefined namespace prefix"),
            "{wrong}"
        );
        assert!(document.select("1 +", &[]).is_err());
    }

    #[test]
    fn entities_and_what_lies_outside_are_refused() {
        let laughs = r#"<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;">]><a>&y;</a>"#;
        assert_eq!(Document::of_text(laughs).err(), Some(XmlError::Entities));
        let file = r#"<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>"#;
        assert_eq!(Document::of_text(file).err(), Some(XmlError::Entities));
        let outside = Document::of_text(r#"<!DOCTYPE a SYSTEM "a.dtd"><a/>"#).unwrap();
        let wanted = XmlError::ExternalDtd("a.dtd".to_owned());
        assert_eq!(outside.validate_by_dtd().err(), Some(wanted));
        assert!(matches!(
            Document::of_text("<a>").err(),
            Some(XmlError::Syntax(_))
        ));
    }

    #[test]
    fn schemas_and_dtds_judge() {
        let schema = Document::of_text(
            r#"<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="n" type="xs:int"/></xs:schema>"#,
        )
        .unwrap();
        let judged = |text: &str| Document::of_text(text).unwrap().validate(&schema).unwrap();
        assert!(judged("<n>7</n>").is_empty());
        assert!(judged("<n>x</n>")[0].contains("'x' is not a valid value"));
        let other = Document::of_text(
            r#"<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:include schemaLocation="/etc/passwd"/></xs:schema>"#,
        )
        .unwrap();
        let any = Document::of_text("<n/>").unwrap();
        assert!(
            any.validate(&other)
                .err()
                .is_some_and(|error| error.to_string().contains("not read"))
        );
        let by_dtd = |text: &str| Document::of_text(text).unwrap().validate_by_dtd();
        assert!(
            by_dtd("<!DOCTYPE n [<!ELEMENT n EMPTY>]><n/>")
                .unwrap()
                .is_empty()
        );
        assert!(
            !by_dtd("<!DOCTYPE n [<!ELEMENT n EMPTY>]><n>x</n>")
                .unwrap()
                .is_empty()
        );
        assert_eq!(by_dtd("<n/>").err(), Some(XmlError::NoDtd));
    }
}
