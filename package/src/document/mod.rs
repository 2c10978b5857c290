//! The lossless document: an index over the text of a package.
//!
//! ```text
//! bytes ─encoding─▶ text ─parse─▶ nodes, each a span of the text ─┬─▶ Element, Attribute: what the typed view reads
//!   ▲                                                            └─▶ canonical form: comparison
//!   └──────encoding───── text ◀─parse─ text with replaced spans ◀─ Edits
//! ```
//!
//! Nodes never own text, so nothing can be lost: what is not edited is written as it was read, byte for byte. An edit
//! replaces spans and reads the result again.

mod canonical;
mod edit;
mod element;
mod encoding;
mod escape;
mod parse;

pub use edit::Edits;
pub use element::{Attribute, Element};
pub use escape::escape_attribute;
pub(crate) use escape::{decode_hex_escapes, encode_attribute, encode_content, encode_hex_escapes};

use crate::{Error, Limits, Position};
use encoding::Encoding;

/// A node of a [`Document`]; valid for that document only, and until it is edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(u32);

/// XML text with an index of its nodes.
#[derive(Debug, Clone)]
pub struct Document {
    encoding: Encoding,
    source: String,
    nodes: Vec<Node>,
    attributes: Vec<AttributeSpan>,
    /// Namespace names; index 0 is "no namespace".
    namespaces: Vec<String>,
    root: NodeId,
    /// For edits, which read again.
    limits: Limits,
}

/// No node, no parent, no sibling.
const NONE: u32 = u32::MAX;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NodeKind {
    Element,
    /// Character data and references, undivided.
    Text,
    CData,
    Comment,
    /// Processing instructions and the XML declaration.
    Instruction,
}

/// Spans are byte offsets into the source.
#[derive(Debug, Clone)]
struct Node {
    kind: NodeKind,
    parent: u32,
    first_child: u32,
    next: u32,
    start: u32,
    end: u32,
    /// End of the start tag's name.
    name_end: u32,
    /// End of the start tag.
    open_end: u32,
    /// Start of the end tag; equal to `end` for `<empty/>`.
    close_start: u32,
    namespace: u32,
    attributes_start: u32,
    attributes_end: u32,
}

/// Offsets of `name="value"`, quotes left out.
#[derive(Debug, Clone)]
struct AttributeSpan {
    name_start: u32,
    name_end: u32,
    value_start: u32,
    value_end: u32,
    namespace: u32,
}

impl Document {
    /// Reads a document within the default [`Limits`].
    ///
    /// # Errors
    /// See [`Document::read_with`].
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        Self::read_with(bytes, &Limits::default())
    }

    /// Reads UTF-8 (BOM or not), UTF-16 (by BOM or by its look) or any encoding that the declaration names.
    ///
    /// # Errors
    /// Malformed text or XML, a document type declaration, an entity that XML does not predefine, a limit; each with
    /// its line and column.
    pub fn read_with(bytes: &[u8], limits: &Limits) -> Result<Self, Error> {
        if bytes.len() as u64 > limits.bytes_max.min(u64::from(u32::MAX) / 2) {
            return Err(Error::Limit {
                position: Position { line: 1, column: 1 },
                what: "bytes in a document",
                limit: limits.bytes_max,
            });
        }
        let (encoding, source) = encoding::decode(bytes)?;
        parse::parse(source, encoding, limits)
    }

    /// The bytes of the document, in the encoding it was read in; the same bytes if nothing was edited.
    pub fn write(&self) -> Vec<u8> {
        encoding::encode(self.encoding, &self.source)
    }

    /// The document's text.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The limits that it was read within.
    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The root element.
    pub fn root(&self) -> Element<'_> {
        Element::new(self, self.root)
    }

    /// The element of a node; `None` for a node of another document.
    pub fn element(&self, node: NodeId) -> Option<Element<'_>> {
        match self.nodes.get(node.0 as usize)?.kind {
            NodeKind::Element => Some(Element::new(self, node)),
            _ => None,
        }
    }

    /// All elements in document order.
    pub fn elements(&self) -> impl Iterator<Item = Element<'_>> {
        (0u32..)
            .zip(&self.nodes)
            .filter(|(_, node)| node.kind == NodeKind::Element)
            .map(|(index, _)| Element::new(self, NodeId(index)))
    }

    fn node(&self, node: NodeId) -> &Node {
        #[expect(
            clippy::indexing_slicing,
            reason = "Element::new is only given nodes of this document"
        )]
        &self.nodes[node.0 as usize]
    }

    fn span(&self, start: u32, end: u32) -> &str {
        self.source
            .get(start as usize..end as usize)
            .unwrap_or_default()
    }
}

/// Line and column of a byte offset.
fn position_of(source: &str, offset: usize) -> Position {
    let before = source.as_bytes().get(..offset).unwrap_or(source.as_bytes());
    let mut position = Position { line: 1, column: 1 };
    let mut previous = 0;
    for &byte in before {
        match byte {
            b'\n' if previous == b'\r' => {}
            b'\n' | b'\r' => {
                position.line += 1;
                position.column = 1;
            }
            // Continuation bytes belong to the character before.
            0x80..=0xBF => {}
            _ => position.column += 1,
        }
        previous = byte;
    }
    position
}
