//! XML elements as the designer lays them out: an attribute a line, children indented.

use crate::document::{encode_attribute, encode_content};

/// An element to be written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
    children: Vec<Tag>,
    text: Option<String>,
}

impl Tag {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    #[must_use]
    pub(crate) fn attribute(mut self, name: &str, value: impl Into<String>) -> Self {
        self.attributes.push((name.to_owned(), value.into()));
        self
    }

    /// An attribute that is left out at its default, as the designer does.
    #[must_use]
    pub(crate) fn unless(self, default: &str, name: &str, value: impl Into<String>) -> Self {
        let value = value.into();
        match value == default {
            true => self,
            false => self.attribute(name, value),
        }
    }

    #[must_use]
    pub(crate) fn child(mut self, child: Tag) -> Self {
        self.children.push(child);
        self
    }

    #[must_use]
    pub(crate) fn children(mut self, children: impl IntoIterator<Item = Tag>) -> Self {
        self.children.extend(children);
        self
    }

    /// An element around others, left out if there are none.
    #[must_use]
    pub(crate) fn group(self, name: &str, children: Vec<Tag>) -> Self {
        match children.is_empty() {
            true => self,
            false => self.child(Tag::new(name).children(children)),
        }
    }

    #[must_use]
    pub(crate) fn text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// The element as text that begins where it stands, `depth` levels below the root.
    pub(crate) fn write(&self, depth: usize) -> String {
        let mut xml = String::new();
        self.write_to(depth, &mut xml);
        xml
    }

    fn write_to(&self, depth: usize, xml: &mut String) {
        xml.push('<');
        xml.push_str(&self.name);
        let break_line = |xml: &mut String, depth: usize| {
            xml.push('\n');
            xml.extend(std::iter::repeat_n("  ", depth));
        };
        for (name, value) in &self.attributes {
            break_line(xml, depth + 1);
            xml.push_str(&format!("{name}=\"{}\"", encode_attribute(value)));
        }
        match (&self.text, self.children.is_empty()) {
            (Some(text), _) => {
                xml.push('>');
                xml.push_str(&encode_content(text));
                xml.push_str(&format!("</{}>", self.name));
            }
            (None, true) => xml.push_str(" />"),
            (None, false) => {
                xml.push('>');
                for child in &self.children {
                    break_line(xml, depth + 1);
                    child.write_to(depth + 1, xml);
                }
                break_line(xml, depth);
                xml.push_str(&format!("</{}>", self.name));
            }
        }
    }
}
