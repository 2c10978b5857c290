//! Edits: spans of the text are replaced, then the text is read again. What is not named stays byte for byte.

use std::collections::BTreeMap;

use crate::{
    Error,
    document::{
        Document, Element, NodeId,
        escape::{Place, encode},
        parse,
    },
};

/// Changes to one [`Document`], made together by [`Document::apply`].
#[derive(Debug, Clone, Default)]
pub struct Edits {
    changes: Vec<(NodeId, Change)>,
}

#[derive(Debug, Clone)]
enum Change {
    Attribute { name: String, value: String },
    Text(String),
    Append(String),
    Before(String),
    Replace(String),
    Remove,
}

impl Edits {
    /// No changes yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets an attribute, named with its prefix (`DTS:ObjectName`); adds it as the last one if it is absent.
    pub fn set_attribute(&mut self, element: NodeId, name: &str, value: &str) -> &mut Self {
        let change = Change::Attribute {
            name: name.to_owned(),
            value: value.to_owned(),
        };
        self.changes.push((element, change));
        self
    }

    /// Replaces all that an element contains by a text.
    pub fn set_text(&mut self, element: NodeId, text: &str) -> &mut Self {
        self.changes.push((element, Change::Text(text.to_owned())));
        self
    }

    /// Adds XML behind what an element contains.
    pub fn append_xml(&mut self, element: NodeId, xml: &str) -> &mut Self {
        self.changes.push((element, Change::Append(xml.to_owned())));
        self
    }

    /// Puts XML in front of an element.
    pub fn insert_before(&mut self, element: NodeId, xml: &str) -> &mut Self {
        self.changes.push((element, Change::Before(xml.to_owned())));
        self
    }

    /// Puts XML in the place of an element with all it contains.
    pub fn replace_xml(&mut self, element: NodeId, xml: &str) -> &mut Self {
        self.changes
            .push((element, Change::Replace(xml.to_owned())));
        self
    }

    /// Removes an element with all it contains.
    pub fn remove(&mut self, element: NodeId) -> &mut Self {
        self.changes.push((element, Change::Remove));
        self
    }
}

/// Replacements by start offset: end offset and new text.
type Replacements = BTreeMap<u32, (u32, String)>;

impl Document {
    /// The document with changes made. Node ids of the old document do not hold for the new one.
    ///
    /// # Errors
    /// [`Error::Edit`] for a node that is not an element, or two changes to one place; any error of reading for XML
    /// that is not well-formed.
    pub fn apply(&self, edits: &Edits) -> Result<Self, Error> {
        let mut replacements = Replacements::new();
        for (id, change) in &edits.changes {
            let Some(element) = self.element(*id) else {
                return Err(Error::Edit {
                    what: format!("node {}", id.0),
                    detail: "it is not an element of this document".to_owned(),
                });
            };
            self.replace(element, change, &mut replacements)?;
        }
        let mut source = String::with_capacity(self.source.len());
        let mut at = 0;
        for (start, (end, text)) in &replacements {
            if *start < at {
                return Err(Error::Edit {
                    what: "a document".to_owned(),
                    detail: "one change lies inside another".to_owned(),
                });
            }
            source.push_str(self.span(at, *start));
            source.push_str(text);
            at = *end;
        }
        source.push_str(self.span(at, self.source.len() as u32));
        parse::parse(source, self.encoding, &self.limits)
    }

    /// The document with an ASCII text replaced wherever it stands, in any case, markup included.
    ///
    /// # Errors
    /// Any error of reading, if that is no XML any more.
    pub(crate) fn with_text(&self, old: &str, new: &str) -> Result<Self, Error> {
        let (haystack, needle) = (self.source.to_ascii_lowercase(), old.to_ascii_lowercase());
        let mut source = String::with_capacity(self.source.len());
        let mut at = 0;
        for (start, found) in haystack.match_indices(&needle) {
            source.push_str(self.source.get(at..start).unwrap_or_default());
            source.push_str(new);
            at = start + found.len();
        }
        source.push_str(self.source.get(at..).unwrap_or_default());
        parse::parse(source, self.encoding, &self.limits)
    }

    fn replace(
        &self,
        element: Element<'_>,
        change: &Change,
        replacements: &mut Replacements,
    ) -> Result<(), Error> {
        let node = self.node(element.id());
        let is_empty_tag = node.close_start == node.end;
        let (start, end, text) = match change {
            Change::Attribute { name, value } => {
                let quoted = encode(value, Place::Attribute).replace('\'', "&apos;");
                match element
                    .attributes()
                    .find(|attribute| attribute.name() == name)
                {
                    Some(attribute) => (attribute.value_start(), attribute.value_end(), quoted),
                    None => {
                        let end = node.open_end - if is_empty_tag { 2 } else { 1 };
                        let before = replacements.get(&end).map_or("", |(_, text)| text.as_str());
                        let text = format!("{before} {name}=\"{quoted}\"");
                        replacements.insert(end, (end, text));
                        return Ok(());
                    }
                }
            }
            Change::Text(text) if is_empty_tag => {
                let text = encode(text, Place::Content);
                (
                    node.end - 2,
                    node.end,
                    format!(">{text}</{}>", element.name()),
                )
            }
            Change::Text(text) => (
                node.open_end,
                node.close_start,
                encode(text, Place::Content),
            ),
            Change::Append(xml) if is_empty_tag => (
                node.end - 2,
                node.end,
                format!(">{xml}</{}>", element.name()),
            ),
            Change::Append(xml) => {
                let before = replacements
                    .get(&node.close_start)
                    .map_or("", |(_, text)| text.as_str());
                let text = format!("{before}{xml}");
                replacements.insert(node.close_start, (node.close_start, text));
                return Ok(());
            }
            Change::Before(xml) => (node.start, node.start, xml.clone()),
            Change::Replace(xml) => (node.start, node.end, xml.clone()),
            Change::Remove => (node.start, node.end, String::new()),
        };
        match replacements.insert(start, (end, text)) {
            None => Ok(()),
            Some(_) => Err(Error::Edit {
                what: format!("<{}> at {}", element.name(), element.position()),
                detail: "two changes are made to the same place".to_owned(),
            }),
        }
    }
}
