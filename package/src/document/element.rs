//! Reading a document: elements and attributes as light handles.

use std::borrow::Cow;

use crate::{
    Position,
    document::{
        AttributeSpan, Document, NONE, Node, NodeId, NodeKind,
        escape::{Place, decode},
        position_of,
    },
};

/// An element of a [`Document`].
#[derive(Debug, Clone, Copy)]
pub struct Element<'a> {
    document: &'a Document,
    id: NodeId,
}

/// An attribute of an [`Element`].
#[derive(Debug, Clone, Copy)]
pub struct Attribute<'a> {
    document: &'a Document,
    span: &'a AttributeSpan,
}

impl<'a> Element<'a> {
    pub(super) fn new(document: &'a Document, id: NodeId) -> Self {
        Self { document, id }
    }

    fn node(self) -> &'a Node {
        self.document.node(self.id)
    }

    /// The node, to find this element again.
    pub fn id(self) -> NodeId {
        self.id
    }

    /// The document it belongs to.
    pub fn document(self) -> &'a Document {
        self.document
    }

    /// Name with prefix, as written.
    pub fn name(self) -> &'a str {
        let node = self.node();
        self.document.span(node.start + 1, node.name_end)
    }

    /// Name without prefix.
    pub fn local_name(self) -> &'a str {
        local(self.name())
    }

    /// Namespace name; empty if it has none.
    pub fn namespace(self) -> &'a str {
        self.document
            .namespaces
            .get(self.node().namespace as usize)
            .map_or("", String::as_str)
    }

    /// Line and column of its start tag.
    pub fn position(self) -> Position {
        position_of(&self.document.source, self.node().start as usize)
    }

    /// The element around it; `None` for the root.
    pub fn parent(self) -> Option<Element<'a>> {
        match self.node().parent {
            NONE => None,
            parent => Some(Element::new(self.document, NodeId(parent))),
        }
    }

    /// Attributes in the order written, namespace declarations included.
    pub fn attributes(self) -> impl Iterator<Item = Attribute<'a>> {
        let (document, node) = (self.document, self.node());
        document
            .attributes
            .get(node.attributes_start as usize..node.attributes_end as usize)
            .unwrap_or_default()
            .iter()
            .map(move |span| Attribute { document, span })
    }

    /// The value of the attribute with that local name, whatever its prefix; one without prefix wins.
    pub fn attribute(self, local_name: &str) -> Option<Cow<'a, str>> {
        let named = || {
            self.attributes()
                .filter(|attribute| attribute.local_name() == local_name)
        };
        let found = named()
            .find(|attribute| attribute.span.namespace == 0)
            .or_else(|| named().next());
        found.map(Attribute::value)
    }

    /// Elements directly inside.
    pub fn children(self) -> impl Iterator<Item = Element<'a>> {
        let document = self.document;
        self.child_nodes()
            .filter(move |&id| document.node(id).kind == NodeKind::Element)
            .map(move |id| Element::new(document, id))
    }

    /// The first element directly inside with that local name.
    pub fn child(self, local_name: &str) -> Option<Element<'a>> {
        self.children()
            .find(|child| child.local_name() == local_name)
    }

    /// Text and CDATA directly inside, joined.
    pub fn text(self) -> Cow<'a, str> {
        let document = self.document;
        let mut parts = self
            .child_nodes()
            .filter_map(move |id| document.text_of(id));
        let Some(first) = parts.next() else {
            return Cow::Borrowed("");
        };
        match parts.next() {
            None => first,
            Some(second) => Cow::Owned(first.into_owned() + &second + &parts.collect::<String>()),
        }
    }

    /// What stands between start and end tag, as written.
    pub fn inner_xml(self) -> &'a str {
        let node = self.node();
        self.document.span(node.open_end, node.close_start)
    }

    /// The element as written, tags included.
    pub fn outer_xml(self) -> &'a str {
        let node = self.node();
        self.document.span(node.start, node.end)
    }

    /// The element as written, without some of its attributes and the white space before them.
    pub(crate) fn outer_xml_without(self, leave_out: impl Fn(Attribute<'_>) -> bool) -> String {
        let node = self.node();
        let mut xml = String::with_capacity((node.end - node.start) as usize);
        let mut at = node.start;
        for attribute in self.attributes().filter(|attribute| leave_out(*attribute)) {
            let before = self.document.span(at, attribute.span.name_start);
            xml.push_str(before.trim_ascii_end());
            at = attribute.span.value_end + 1;
        }
        xml.push_str(self.document.span(at, node.end));
        xml
    }

    pub(super) fn child_nodes(self) -> impl Iterator<Item = NodeId> + 'a {
        let document = self.document;
        let mut next = self.node().first_child;
        std::iter::from_fn(move || {
            let id = NodeId(next);
            next = document.nodes.get(next as usize)?.next;
            Some(id)
        })
    }
}

impl<'a> Attribute<'a> {
    /// Name with prefix, as written.
    pub fn name(self) -> &'a str {
        self.document.span(self.span.name_start, self.span.name_end)
    }

    /// Name without prefix.
    pub fn local_name(self) -> &'a str {
        local(self.name())
    }

    /// Namespace name; empty if it has no prefix.
    pub fn namespace(self) -> &'a str {
        self.document
            .namespaces
            .get(self.span.namespace as usize)
            .map_or("", String::as_str)
    }

    pub(super) fn value_start(self) -> u32 {
        self.span.value_start
    }

    pub(super) fn value_end(self) -> u32 {
        self.span.value_end
    }

    /// Whether it declares a namespace rather than holding a value.
    pub fn is_declaration(self) -> bool {
        let name = self.name();
        name == "xmlns" || name.starts_with("xmlns:")
    }

    /// The value, references resolved and white space normalised.
    pub fn value(self) -> Cow<'a, str> {
        decode(
            self.document
                .span(self.span.value_start, self.span.value_end),
            Place::Attribute,
        )
    }
}

impl Document {
    /// The decoded text of a text or CDATA node.
    pub(super) fn text_of(&self, id: NodeId) -> Option<Cow<'_, str>> {
        let node = self.node(id);
        let raw = self.span(node.start, node.end);
        match node.kind {
            NodeKind::Text => Some(decode(raw, Place::Content)),
            NodeKind::CData => {
                let inside = raw
                    .strip_prefix("<![CDATA[")
                    .and_then(|raw| raw.strip_suffix("]]>"));
                Some(decode(inside.unwrap_or_default(), Place::CData))
            }
            NodeKind::Element | NodeKind::Comment | NodeKind::Instruction => None,
        }
    }
}

fn local(name: &str) -> &str {
    name.split_once(':').map_or(name, |(_, local)| local)
}
