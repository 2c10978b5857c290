//! Text to nodes: events of quick-xml with their byte spans, checked as they come.

use std::collections::{HashMap, HashSet};

use quick_xml::{Reader, events::BytesStart, events::Event};

use crate::{
    Error, Limits,
    document::{
        AttributeSpan, Document, NONE, Node, NodeId, NodeKind, encoding::Encoding,
        escape::bad_reference, position_of,
    },
};

/// Reads the nodes of a text.
///
/// # Errors
/// See [`Document::read_with`].
pub(super) fn parse(
    source: String,
    encoding: Encoding,
    limits: &Limits,
) -> Result<Document, Error> {
    let mut builder = Builder::new(&source, limits);
    builder.read()?;
    let Some(root) = builder.root else {
        return Err(builder.malformed(
            source.len(),
            "found no element, wanted one root element".to_owned(),
        ));
    };
    let Builder {
        nodes,
        attributes,
        namespaces,
        ..
    } = builder;
    Ok(Document {
        encoding,
        nodes,
        attributes,
        namespaces,
        root: NodeId(root),
        limits: limits.clone(),
        source,
    })
}

struct Builder<'a> {
    source: &'a str,
    limits: &'a Limits,
    nodes: Vec<Node>,
    attributes: Vec<AttributeSpan>,
    namespaces: Vec<String>,
    namespace_index: HashMap<String, u32>,
    /// Prefix and namespace, innermost last.
    scope: Vec<(&'a str, u32)>,
    open: Vec<Open>,
    last_top: u32,
    root: Option<u32>,
    elements: u32,
}

/// An element whose end tag has not come.
struct Open {
    node: u32,
    last_child: u32,
    /// Length of the scope outside.
    scope: usize,
}

/// Prefixes are looked up one by one, so there must be few.
const SCOPE_MAX: u32 = 256;
const XML_NAMESPACE: &str = "http://www.w3.org/XML/1998/namespace";

impl<'a> Builder<'a> {
    fn new(source: &'a str, limits: &'a Limits) -> Self {
        Self {
            source,
            limits,
            nodes: Vec::with_capacity(source.len() / 64),
            attributes: Vec::with_capacity(source.len() / 64),
            namespaces: vec![String::new(), XML_NAMESPACE.to_owned()],
            namespace_index: HashMap::from([(String::new(), 0), (XML_NAMESPACE.to_owned(), 1)]),
            scope: vec![("", 0), ("xml", 1)],
            open: Vec::new(),
            last_top: NONE,
            root: None,
            elements: 0,
        }
    }

    fn read(&mut self) -> Result<(), Error> {
        let mut reader = Reader::from_str(self.source);
        reader.config_mut().check_comments = false;
        loop {
            let start = reader.buffer_position() as usize;
            let event = match reader.read_event() {
                Ok(event) => event,
                Err(error) => {
                    return Err(self.malformed(reader.error_position() as usize, error.to_string()));
                }
            };
            let end = reader.buffer_position() as usize;
            match event {
                Event::Start(tag) => self.start_tag(&tag, start, end, false)?,
                Event::Empty(tag) => self.start_tag(&tag, start, end, true)?,
                Event::End(_) => self.end_tag(start, end),
                Event::Text(_) | Event::GeneralRef(_) => self.text(start, end)?,
                Event::CData(_) if self.open.is_empty() => {
                    return Err(
                        self.malformed(start, "found CDATA outside the root element".to_owned())
                    );
                }
                Event::CData(_) => self.leaf(NodeKind::CData, start, end)?,
                Event::Comment(_) => self.leaf(NodeKind::Comment, start, end)?,
                Event::PI(_) => self.leaf(NodeKind::Instruction, start, end)?,
                Event::Decl(_) if start > 0 => {
                    return Err(
                        self.malformed(start, "the XML declaration must come first".to_owned())
                    );
                }
                Event::Decl(_) => self.leaf(NodeKind::Instruction, start, end)?,
                Event::DocType(_) => {
                    return Err(Error::DocumentType {
                        position: position_of(self.source, start),
                    });
                }
                Event::Eof => break,
            }
        }
        match self.open.last() {
            Some(open) => {
                let start = self
                    .nodes
                    .get(open.node as usize)
                    .map_or(0, |node| node.start as usize);
                Err(self.malformed(
                    start,
                    "the document ends before the end tag of this element".to_owned(),
                ))
            }
            None => Ok(()),
        }
    }

    fn start_tag(
        &mut self,
        tag: &BytesStart<'_>,
        start: usize,
        end: usize,
        empty: bool,
    ) -> Result<(), Error> {
        if self.open.is_empty() && self.root.is_some() {
            return Err(self.malformed(start, "found a second root element".to_owned()));
        }
        self.elements += 1;
        self.limit(start, "elements", self.elements, self.limits.elements_max)?;
        let depth = self.open.len() as u32 + 1;
        self.limit(
            start,
            "elements inside elements",
            depth,
            self.limits.depth_max.min(Limits::DEPTH_MAX),
        )?;
        let scope = self.scope.len();
        let attributes_start = self.attributes.len();
        self.read_attributes(tag, start)?;
        let name_end = start + 1 + tag.name().as_ref().len();
        self.declare_namespaces(attributes_start, start)?;
        self.resolve_attributes(attributes_start, start)?;
        let name = self.source.get(start + 1..name_end).unwrap_or_default();
        self.check_name(name, start)?;
        let namespace =
            self.resolve(name.split_once(':').map_or("", |(prefix, _)| prefix), start)?;
        let node = self.push(Node {
            kind: NodeKind::Element,
            parent: self.open.last().map_or(NONE, |open| open.node),
            first_child: NONE,
            next: NONE,
            start: start as u32,
            end: end as u32,
            name_end: name_end as u32,
            open_end: end as u32,
            close_start: end as u32,
            namespace,
            attributes_start: attributes_start as u32,
            attributes_end: self.attributes.len() as u32,
        });
        if self.open.is_empty() {
            self.root = Some(node);
        }
        if empty {
            self.scope.truncate(scope);
        } else {
            self.open.push(Open {
                node,
                last_child: NONE,
                scope,
            });
        }
        Ok(())
    }

    fn end_tag(&mut self, start: usize, end: usize) {
        // quick-xml has checked that the end tag matches.
        if let Some(open) = self.open.pop() {
            self.scope.truncate(open.scope);
            if let Some(node) = self.nodes.get_mut(open.node as usize) {
                node.close_start = start as u32;
                node.end = end as u32;
            }
        }
    }

    /// quick-xml cuts text at references; here it stays one node.
    fn text(&mut self, start: usize, end: usize) -> Result<(), Error> {
        let raw = self.source.get(start..end).unwrap_or_default();
        if let Some((offset, name)) = bad_reference(raw) {
            return Err(Error::Entity {
                position: position_of(self.source, start + offset),
                name,
            });
        }
        if self.open.is_empty() && !raw.trim_ascii().is_empty() {
            return Err(self.malformed(start, "found text outside the root element".to_owned()));
        }
        let last = self
            .open
            .last()
            .map_or(self.last_top, |open| open.last_child);
        match self.nodes.get_mut(last as usize) {
            Some(node) if node.kind == NodeKind::Text && node.end as usize == start => {
                node.end = end as u32;
                Ok(())
            }
            _ => self.leaf(NodeKind::Text, start, end),
        }
    }

    fn leaf(&mut self, kind: NodeKind, start: usize, end: usize) -> Result<(), Error> {
        let count = self.nodes.len() as u32 - self.elements;
        self.limit(start, "texts and comments", count, self.limits.texts_max)?;
        self.push(Node {
            kind,
            parent: self.open.last().map_or(NONE, |open| open.node),
            first_child: NONE,
            next: NONE,
            start: start as u32,
            end: end as u32,
            name_end: start as u32,
            open_end: start as u32,
            close_start: end as u32,
            namespace: 0,
            attributes_start: 0,
            attributes_end: 0,
        });
        Ok(())
    }

    /// Adds a node behind its last sibling.
    fn push(&mut self, node: Node) -> u32 {
        let index = self.nodes.len() as u32;
        let parent = node.parent;
        self.nodes.push(node);
        let last = match self.open.last_mut() {
            Some(open) => std::mem::replace(&mut open.last_child, index),
            None => std::mem::replace(&mut self.last_top, index),
        };
        if let Some(sibling) = self.nodes.get_mut(last as usize) {
            sibling.next = index;
        } else if let Some(parent) = self.nodes.get_mut(parent as usize) {
            parent.first_child = index;
        }
        index
    }

    fn read_attributes(&mut self, tag: &BytesStart<'_>, start: usize) -> Result<(), Error> {
        let first = self.attributes.len();
        for attribute in tag.attributes().with_checks(false) {
            let attribute = attribute.map_err(|error| self.malformed(start, error.to_string()))?;
            let name_start = self.offset_of(attribute.key.as_ref());
            let value_start = self.offset_of(&attribute.value);
            self.check_name(attribute.key.as_ref(), name_start)?;
            if attribute.value.contains('<') {
                return Err(self.malformed(
                    name_start,
                    "found `<` in an attribute value, wanted `&lt;`".to_owned(),
                ));
            }
            if let Some((offset, name)) = bad_reference(&attribute.value) {
                return Err(Error::Entity {
                    position: position_of(self.source, value_start + offset),
                    name,
                });
            }
            self.attributes.push(AttributeSpan {
                name_start: name_start as u32,
                name_end: (name_start + attribute.key.as_ref().len()) as u32,
                value_start: value_start as u32,
                value_end: (value_start + attribute.value.len()) as u32,
                namespace: 0,
            });
            let count = (self.attributes.len() - first) as u32;
            self.limit(
                name_start,
                "attributes of an element",
                count,
                self.limits.attributes_max,
            )?;
            let count = self.attributes.len() as u32;
            self.limit(
                name_start,
                "attributes of a document",
                count,
                self.limits.attributes_total_max,
            )?;
        }
        Ok(())
    }

    fn declare_namespaces(&mut self, first: usize, start: usize) -> Result<(), Error> {
        let source = self.source;
        for attribute in self.attributes.get(first..).unwrap_or_default() {
            let span =
                |start: u32, end: u32| source.get(start as usize..end as usize).unwrap_or_default();
            let prefix = match span(attribute.name_start, attribute.name_end) {
                "xmlns" => "",
                name => match name.strip_prefix("xmlns:") {
                    Some(prefix) => prefix,
                    None => continue,
                },
            };
            let value = span(attribute.value_start, attribute.value_end);
            let value = super::escape::decode(value, super::escape::Place::Attribute);
            let next = self.namespaces.len() as u32;
            let index = *self
                .namespace_index
                .entry(value.to_string())
                .or_insert(next);
            if index == next {
                self.namespaces.push(value.into_owned());
            }
            self.scope.push((prefix, index));
        }
        self.limit(
            start,
            "namespaces in scope",
            self.scope.len() as u32,
            SCOPE_MAX,
        )
    }

    /// Gives each attribute its namespace and finds attributes given twice.
    fn resolve_attributes(&mut self, first: usize, start: usize) -> Result<(), Error> {
        let source = self.source;
        let mut seen = HashSet::new();
        for index in first..self.attributes.len() {
            let Some(span) = self.attributes.get(index) else {
                break;
            };
            let name = source
                .get(span.name_start as usize..span.name_end as usize)
                .unwrap_or_default();
            let (namespace, local) = match name.split_once(':') {
                Some(("xmlns", _)) | None => (0, name),
                Some((prefix, local)) => (self.resolve(prefix, start)?, local),
            };
            if !seen.insert((namespace, local)) {
                return Err(self.malformed(start, format!("attribute `{name}` is given twice")));
            }
            if let Some(span) = self.attributes.get_mut(index) {
                span.namespace = namespace;
            }
        }
        Ok(())
    }

    fn resolve(&self, prefix: &str, start: usize) -> Result<u32, Error> {
        match self.scope.iter().rev().find(|entry| entry.0 == prefix) {
            Some(entry) => Ok(entry.1),
            None => Err(self.malformed(
                start,
                format!("the prefix `{prefix}` has no xmlns:{prefix}"),
            )),
        }
    }

    fn check_name(&self, name: &str, offset: usize) -> Result<(), Error> {
        let first = name.chars().next();
        let good = first.is_some_and(|first| first.is_alphabetic() || first == '_')
            && name.chars().filter(|&character| character == ':').count() < 2
            && !name.ends_with(':')
            && !name.contains(|character: char| {
                character.is_whitespace()
                    || character.is_control()
                    || "<>&\"'=/?!;()[]{}@#$%^*+,`~|\\".contains(character)
            });
        if good {
            Ok(())
        } else {
            Err(self.malformed(
                offset,
                format!(
                    "`{}` is not a name",
                    name.chars().take(40).collect::<String>()
                ),
            ))
        }
    }

    fn limit(
        &self,
        offset: usize,
        what: &'static str,
        count: u32,
        limit: u32,
    ) -> Result<(), Error> {
        if count <= limit {
            return Ok(());
        }
        Err(Error::Limit {
            position: position_of(self.source, offset),
            what,
            limit: u64::from(limit),
        })
    }

    /// Offset of a part that quick-xml borrowed from the source.
    fn offset_of(&self, part: &str) -> usize {
        part.as_ptr()
            .addr()
            .wrapping_sub(self.source.as_ptr().addr())
    }

    fn malformed(&self, offset: usize, detail: String) -> Error {
        Error::NotWellFormed {
            position: position_of(self.source, offset),
            detail,
        }
    }
}
