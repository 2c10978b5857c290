//! A document that can be compared and changed node by node: what libxml2 has checked, read once more into nodes of ours.
//!
//! ```text
//!  text ──read──▶ Tree ── hash, compare, patch ──▶ Tree ──write──▶ text
//! ```
//!
//! The nodes are those of .NET's `XmlDocument`, which path descriptors of DiffGrams count: the XML declaration and the
//! document type are nodes, CDATA is a node of its own, and text of nothing but white space is none, unless it stands
//! below `xml:space="preserve"`.

mod read;
mod write;

use std::{num::NonZeroU32, rc::Rc};

use super::XmlError;

pub(super) use read::{decoded, is_space};

/// Nodes of one document: what a DiffGram that copies copies could make is bounded by it.
const NODES_MAX: u32 = 8 << 20;
/// Text in a document that a DiffGram has made.
const TEXT_MAX: usize = 256 << 20;
/// Nodes below nodes.
const DEPTH_MAX: u32 = 2048;

pub(super) const XMLNS: &str = "http://www.w3.org/2000/xmlns/";
pub(super) const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// A node of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Id(NonZeroU32);

impl Id {
    /// The document itself.
    pub(super) const DOCUMENT: Self = Self(NonZeroU32::MIN);

    pub(super) fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// A name as it is written, and its namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) prefix: Rc<str>,
    pub(super) local: Rc<str>,
    pub(super) namespace: Rc<str>,
}

impl Name {
    pub(super) fn new(prefix: &str, local: &str, namespace: &str) -> Self {
        Self {
            prefix: prefix.into(),
            local: local.into(),
            namespace: namespace.into(),
        }
    }

    /// A name in no namespace.
    pub(super) fn plain(local: &str) -> Self {
        Self::new("", local, "")
    }

    /// With its prefix.
    pub(super) fn qualified(&self) -> String {
        match &*self.prefix {
            "" => self.local.to_string(),
            prefix => format!("{prefix}:{}", self.local),
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Attribute {
    pub(super) name: Name,
    pub(super) value: Rc<str>,
}

impl Attribute {
    /// The prefix that it declares, if it declares a namespace.
    pub(super) fn declares(&self) -> Option<&str> {
        match (&*self.name.prefix, &*self.name.local) {
            ("xmlns", prefix) => Some(prefix),
            ("", "xmlns") => Some(""),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct DocumentType {
    pub(super) name: Rc<str>,
    pub(super) public: Option<Rc<str>>,
    pub(super) system: Option<Rc<str>>,
    pub(super) subset: Option<Rc<str>>,
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    Document,
    Element(Name, Vec<Attribute>),
    Text(Rc<str>),
    CData(Rc<str>),
    Comment(Rc<str>),
    /// White space below `xml:space="preserve"`.
    Space(Rc<str>),
    Instruction(Rc<str>, Rc<str>),
    /// `version="1.0" encoding="utf-8"`.
    Declaration(Rc<str>),
    DocumentType(DocumentType),
}

impl Kind {
    /// Number of the kind in `XmlNodeType`.
    pub(super) fn number(&self) -> u32 {
        match self {
            Self::Element(..) => 1,
            Self::Text(_) => 3,
            Self::CData(_) => 4,
            Self::Instruction(..) => 7,
            Self::Comment(_) => 8,
            Self::Document => 9,
            Self::DocumentType(_) => 10,
            Self::Space(_) => 14,
            Self::Declaration(_) => 17,
        }
    }

    /// Text that stands for itself, in which no line may be broken.
    pub(super) fn is_text(&self) -> bool {
        matches!(self, Self::Text(_) | Self::CData(_) | Self::Space(_))
    }
}

#[derive(Debug)]
struct Node {
    kind: Kind,
    parent: Option<Id>,
    first: Option<Id>,
    last: Option<Id>,
    next: Option<Id>,
    previous: Option<Id>,
}

#[derive(Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    /// Length of all texts that were copied.
    copied: usize,
}

impl Tree {
    pub(super) fn new() -> Self {
        let document = Node {
            kind: Kind::Document,
            parent: None,
            first: None,
            last: None,
            next: None,
            previous: None,
        };
        Self {
            nodes: vec![document],
            copied: 0,
        }
    }

    /// How many nodes were made.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// All nodes, each after its parent if nothing was moved.
    pub(super) fn ids(&self) -> impl DoubleEndedIterator<Item = Id> + use<> {
        let count = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        (1..=count).filter_map(NonZeroU32::new).map(Id)
    }

    pub(super) fn kind(&self, id: Id) -> &Kind {
        &self.nodes[id.index()].kind
    }

    pub(super) fn kind_mut(&mut self, id: Id) -> &mut Kind {
        &mut self.nodes[id.index()].kind
    }

    pub(super) fn parent(&self, id: Id) -> Option<Id> {
        self.nodes[id.index()].parent
    }

    pub(super) fn previous(&self, id: Id) -> Option<Id> {
        self.nodes[id.index()].previous
    }

    pub(super) fn children(&self, id: Id) -> impl Iterator<Item = Id> {
        std::iter::successors(self.nodes[id.index()].first, |id| {
            self.nodes[id.index()].next
        })
    }

    /// Attributes; none of what is no element.
    pub(super) fn attributes(&self, id: Id) -> &[Attribute] {
        match self.kind(id) {
            Kind::Element(_, attributes) => attributes,
            _ => &[],
        }
    }

    /// The value of an attribute without a prefix.
    pub(super) fn attribute(&self, id: Id, name: &str) -> Option<&str> {
        self.attributes(id)
            .iter()
            .find(|one| one.name.prefix.is_empty() && *one.name.local == *name)
            .map(|one| &*one.value)
    }

    /// All text below a node.
    pub(super) fn text(&self, id: Id) -> String {
        let mut text = String::new();
        self.add_text(id, &mut text);
        text
    }

    fn add_text(&self, id: Id, into: &mut String) {
        for child in self.children(id) {
            match self.kind(child) {
                Kind::Text(text) | Kind::CData(text) | Kind::Space(text) => into.push_str(text),
                Kind::Element(..) => self.add_text(child, into),
                _ => {}
            }
        }
    }

    /// The root element.
    pub(super) fn root(&self) -> Option<Id> {
        self.children(Id::DOCUMENT)
            .find(|id| matches!(self.kind(*id), Kind::Element(..)))
    }

    /// Makes a node that stands nowhere yet.
    pub(super) fn make(&mut self, kind: Kind) -> Result<Id, XmlError> {
        let number = u32::try_from(self.nodes.len())
            .ok()
            .filter(|count| *count < NODES_MAX)
            .and_then(|count| NonZeroU32::new(count + 1))
            .ok_or_else(|| XmlError::Limit(format!("more than {NODES_MAX} nodes")))?;
        self.nodes.push(Node {
            kind,
            parent: None,
            first: None,
            last: None,
            next: None,
            previous: None,
        });
        Ok(Id(number))
    }

    /// Makes a node, as the last child of another.
    pub(super) fn append(&mut self, parent: Id, kind: Kind) -> Result<Id, XmlError> {
        let id = self.make(kind)?;
        self.insert(parent, self.nodes[parent.index()].last, id);
        Ok(id)
    }

    /// Puts a node that stands nowhere behind a child of its parent, or first.
    pub(super) fn insert(&mut self, parent: Id, behind: Option<Id>, id: Id) {
        let next = match behind {
            Some(behind) => self.nodes[behind.index()].next.replace(id),
            None => self.nodes[parent.index()].first.replace(id),
        };
        match next {
            Some(next) => self.nodes[next.index()].previous = Some(id),
            None => self.nodes[parent.index()].last = Some(id),
        }
        let node = &mut self.nodes[id.index()];
        node.parent = Some(parent);
        node.previous = behind;
        node.next = next;
    }

    /// Takes a node away from where it stands, with all that is in it.
    pub(super) fn detach(&mut self, id: Id) {
        let node = &mut self.nodes[id.index()];
        let Some(parent) = node.parent.take() else {
            return;
        };
        let (previous, next) = (node.previous.take(), node.next.take());
        match previous {
            Some(previous) => self.nodes[previous.index()].next = next,
            None => self.nodes[parent.index()].first = next,
        }
        match next {
            Some(next) => self.nodes[next.index()].previous = previous,
            None => self.nodes[parent.index()].last = previous,
        }
    }

    /// A copy of a node of this tree, that stands nowhere.
    pub(super) fn copy(&mut self, id: Id, with_children: bool) -> Result<Id, XmlError> {
        self.copied_below(id, with_children, 0)
    }

    fn copied_below(&mut self, id: Id, with_children: bool, depth: u32) -> Result<Id, XmlError> {
        deeper(depth)?;
        let kind = self.kind(id).clone();
        self.count(&kind)?;
        let copy = self.make(kind)?;
        if with_children {
            let children: Vec<Id> = self.children(id).collect();
            for child in children {
                let child = self.copied_below(child, true, depth + 1)?;
                self.insert(copy, self.nodes[copy.index()].last, child);
            }
        }
        Ok(copy)
    }

    /// A copy of a node of another tree, that stands nowhere.
    pub(super) fn import(&mut self, other: &Tree, id: Id, depth: u32) -> Result<Id, XmlError> {
        deeper(depth)?;
        let kind = other.kind(id).clone();
        self.count(&kind)?;
        let copy = self.make(kind)?;
        for child in other.children(id) {
            let child = self.import(other, child, depth + 1)?;
            self.insert(copy, self.nodes[copy.index()].last, child);
        }
        Ok(copy)
    }

    fn count(&mut self, kind: &Kind) -> Result<(), XmlError> {
        self.copied += match kind {
            Kind::Element(name, attributes) => {
                let length = |attribute: &Attribute| attribute.value.len() + 16;
                name.local.len() + attributes.iter().map(length).sum::<usize>()
            }
            Kind::Text(text) | Kind::CData(text) | Kind::Comment(text) | Kind::Space(text) => {
                text.len()
            }
            Kind::Instruction(_, text) => text.len(),
            _ => 0,
        };
        match self.copied > TEXT_MAX {
            true => Err(XmlError::Limit(format!(
                "more than {TEXT_MAX} bytes of copies"
            ))),
            false => Ok(()),
        }
    }
}

/// # Errors
/// That it is too deep.
fn deeper(depth: u32) -> Result<(), XmlError> {
    match depth > DEPTH_MAX {
        true => Err(XmlError::Limit(format!("nodes more than {DEPTH_MAX} deep"))),
        false => Ok(()),
    }
}
