//! XSLT 1.0. `msxsl:node-set` is there; `msxsl:script` and `document()` are not.

#![expect(unsafe_code, reason = "the library is C")]

use std::{ffi::c_int, ptr::null_mut};

use super::{Document, XmlError, joined};

/// What a transformation gave.
#[derive(Debug)]
pub(crate) struct Transformed {
    /// In the encoding that the stylesheet asks for.
    pub(crate) bytes: Vec<u8>,
    /// What it said on the way (`xsl:message`).
    pub(crate) messages: Vec<String>,
}

/// `XSLT_STATE_OK`.
const OK: c_int = 0;

impl Document {
    /// Applies a stylesheet.
    ///
    /// # Errors
    /// What is wrong with the stylesheet, or stopped it.
    pub(crate) fn transform(&self, stylesheet: Document) -> Result<Transformed, XmlError> {
        let xslt = &self.libraries.xslt;
        let (style, messages) = self.libraries.listening(|| {
            // SAFETY: the document lives; the stylesheet takes it over if it is one.
            unsafe { (xslt.xsltParseStylesheetDoc)(stylesheet.raw) }
        });
        if style.is_null() {
            return Err(XmlError::Stylesheet(joined(&messages)));
        }
        // Freed with the stylesheet.
        std::mem::forget(stylesheet);
        let (result, messages) = self.libraries.listening(|| {
            // SAFETY: style and document live; all that is made here is freed here.
            unsafe {
                let context = (xslt.xsltNewTransformContext)(style, self.raw);
                if context.is_null() {
                    return None;
                }
                let no = null_mut();
                let result = (xslt.xsltApplyStylesheetUser)(style, self.raw, no, no, no, context);
                let is_whole = (*context).state == OK;
                (xslt.xsltFreeTransformContext)(context);
                if result.is_null() {
                    return None;
                }
                let (mut text, mut length) = (null_mut(), 0);
                let saved = (xslt.xsltSaveResultToString)(&mut text, &mut length, result, style);
                (self.libraries.xml.xmlFreeDoc)(result);
                let bytes = match usize::try_from(length) {
                    Ok(length) if !text.is_null() => {
                        std::slice::from_raw_parts(text.cast_const().cast::<u8>(), length).to_vec()
                    }
                    _ => Vec::new(),
                };
                self.libraries.free(text);
                (is_whole && saved == 0).then_some(bytes)
            }
        });
        // SAFETY: nothing of it is in use.
        unsafe { (xslt.xsltFreeStylesheet)(style) };
        match result {
            Some(bytes) => Ok(Transformed { bytes, messages }),
            None => Err(XmlError::Stylesheet(joined(&messages))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transformed(body: &str) -> Result<String, String> {
        let stylesheet = format!(
            r#"<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:msxsl="urn:schemas-microsoft-com:xslt" exclude-result-prefixes="msxsl">{body}</xsl:stylesheet>"#
        );
        let document = Document::of_text("<r><n>3</n><n>4</n></r>").unwrap();
        let stylesheet = Document::of_text(&stylesheet).unwrap();
        match document.transform(stylesheet) {
            Ok(done) => Ok(String::from_utf8(done.bytes).unwrap()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn stylesheets() {
        let text = r#"<xsl:output method="text"/><xsl:template match="/"><xsl:for-each select="//n">[<xsl:value-of select=". * 2"/>]</xsl:for-each></xsl:template>"#;
        assert_eq!(transformed(text).unwrap(), "[6][8]");
        let set = r#"<xsl:output method="text"/><xsl:template match="/"><xsl:variable name="v"><a>1</a><a>2</a></xsl:variable><xsl:value-of select="count(msxsl:node-set($v)/a)"/></xsl:template>"#;
        assert_eq!(transformed(set).unwrap(), "2");
        let xml = r#"<xsl:template match="/"><o><xsl:copy-of select="r/n[1]"/></o></xsl:template>"#;
        assert_eq!(
            transformed(xml).unwrap(),
            "<?xml version=\"1.0\"?>\n<o><n>3</n></o>\n"
        );
    }

    #[test]
    fn what_goes_wrong_is_said_and_nothing_outside_is_read() {
        let template = |inner: &str| format!(r#"<xsl:template match="/">{inner}</xsl:template>"#);
        for (body, wanted) in [
            (
                template(r#"<xsl:value-of select="user:f()" xmlns:user="urn:user"/>"#),
                "function",
            ),
            (
                template(r#"<xsl:copy-of select="document('/etc/hostname')"/>"#),
                "read",
            ),
            (r#"<xsl:include href="/etc/hostname"/>"#.to_owned(), "read"),
            (template(r#"<xsl:call-template name="none"/>"#), "none"),
            (
                r#"<xsl:template match="/"><xsl:apply-templates select="/"/></xsl:template>"#
                    .to_owned(),
                "recursion",
            ),
            (
                template(r#"<xsl:message terminate="yes">stop here</xsl:message>"#),
                "stop here",
            ),
        ] {
            let error = transformed(&body).unwrap_err();
            assert!(error.contains(wanted), "{wanted}: {error}");
        }
    }
}
