//! One document into another.

#![expect(unsafe_code, reason = "the library is C")]

use std::{ffi::c_int, ptr::null_mut};

use super::{Document, XmlError, library};

/// Kinds of nodes that go into an element: elements, instructions and comments.
const ELEMENT: c_int = 1;
const TOP_LEVEL: [c_int; 3] = [ELEMENT, 7, 8];

impl Document {
    /// This document in UTF-8, with what another has below the first node of a path; `None` if there is no such element.
    ///
    /// # Errors
    /// What is wrong with the path.
    pub(crate) fn merge(self, other: &Document, path: &str) -> Result<Option<Vec<u8>>, XmlError> {
        let found = self.select(path, &[])?;
        let Some(place) = found.first().map(|node| node.raw) else {
            return Ok(None);
        };
        drop(found);
        let xml = &self.libraries.xml;
        // SAFETY: both documents live; the copies are of this document, which takes them over; the text is freed.
        unsafe {
            if (*place.cast::<library::Node>()).kind != ELEMENT {
                return Ok(None);
            }
            let mut next = (*other.raw.cast::<library::Node>()).children;
            while let Some(node) = next.as_ref() {
                if TOP_LEVEL.contains(&node.kind) {
                    let copy = (xml.xmlDocCopyNode)(next.cast_mut().cast(), self.raw, 1);
                    if copy.is_null() || (xml.xmlAddChild)(place, copy).is_null() {
                        return Err(XmlError::Limit("more than memory has room for".to_owned()));
                    }
                }
                next = node.next;
            }
            let (mut text, mut length) = (null_mut(), 0);
            (xml.xmlDocDumpMemoryEnc)(self.raw, &mut text, &mut length, c"UTF-8".as_ptr());
            let bytes = match usize::try_from(length) {
                Ok(length) if !text.is_null() => {
                    std::slice::from_raw_parts(text.cast_const().cast::<u8>(), length).to_vec()
                }
                _ => Vec::new(),
            };
            self.libraries.free(text);
            Ok(Some(bytes))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_merged() {
        let merged = |path: &str| {
            let one = Document::of_text("<a><b>x</b><b/></a>").unwrap();
            let other = "<?xml version='1.0'?><!--c--><p:d xmlns:p='u'><e/></p:d>";
            let done = one.merge(&Document::of_text(other).unwrap(), path);
            done.map(|bytes| bytes.map(|bytes| String::from_utf8(bytes).unwrap()))
        };
        let declaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
        let added = r#"<!--c--><p:d xmlns:p="u"><e/></p:d>"#;
        assert_eq!(
            merged("/*").unwrap().unwrap(),
            format!("{declaration}<a><b>x</b><b/>{added}</a>\n")
        );
        assert_eq!(
            merged("//b").unwrap().unwrap(),
            format!("{declaration}<a><b>x{added}</b><b/></a>\n")
        );
        assert_eq!(merged("//c").unwrap(), None);
        assert_eq!(merged("//b/text()").unwrap(), None);
        assert!(merged("count(//b)").is_err());
    }
}
