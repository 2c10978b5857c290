//! The canonical form: one text for all documents that mean the same. For comparison, not for storage.

use crate::document::{
    Document, Element, NodeId, NodeKind,
    escape::{Place, encode},
};

impl Document {
    /// Canonical text in the manner of C14N: namespaces in place of prefixes (`{namespace}name`), attributes sorted,
    /// CDATA and references as text, line ends as LF, comments and instructions kept, no XML declaration.
    pub fn canonical(&self) -> String {
        let mut out = String::with_capacity(self.source.len());
        // Open elements with the nodes that are left of each: no recursion, the depth comes from the file.
        let mut open: Vec<(String, Box<dyn Iterator<Item = NodeId> + '_>)> =
            vec![(String::new(), Box::new(self.top_nodes()))];
        while let Some((name, rest)) = open.last_mut() {
            let Some(id) = rest.next() else {
                if !name.is_empty() {
                    for part in ["</", name, ">"] {
                        out.push_str(part);
                    }
                }
                open.pop();
                continue;
            };
            let node = self.node(id);
            match node.kind {
                NodeKind::Element => {
                    let element = Element::new(self, id);
                    let name = expanded(element.namespace(), element.local_name());
                    write_start(&mut out, element, &name);
                    open.push((name, Box::new(element.child_nodes())));
                }
                NodeKind::Text | NodeKind::CData if node.parent != super::NONE => {
                    out.push_str(&encode(
                        &self.text_of(id).unwrap_or_default(),
                        Place::Content,
                    ));
                }
                NodeKind::Text | NodeKind::CData => {}
                NodeKind::Comment => out.push_str(self.span(node.start, node.end)),
                NodeKind::Instruction => {
                    let raw = self.span(node.start, node.end);
                    if !raw.starts_with("<?xml ") {
                        out.push_str(raw);
                    }
                }
            }
        }
        out
    }

    fn top_nodes(&self) -> impl Iterator<Item = NodeId> + '_ {
        (0u32..)
            .zip(&self.nodes)
            .filter(|(_, node)| node.parent == super::NONE)
            .map(|(index, _)| NodeId(index))
    }
}

fn write_start(out: &mut String, element: Element<'_>, name: &str) {
    let mut attributes: Vec<(String, String)> = element
        .attributes()
        .filter(|attribute| !attribute.is_declaration())
        .map(|attribute| {
            let name = expanded(attribute.namespace(), attribute.local_name());
            (name, encode(&attribute.value(), Place::Attribute))
        })
        .collect();
    attributes.sort_unstable();
    out.push('<');
    out.push_str(name);
    for (name, value) in attributes {
        for part in [" ", &name, "=\"", &value, "\""] {
            out.push_str(part);
        }
    }
    out.push('>');
}

fn expanded(namespace: &str, local: &str) -> String {
    match namespace {
        "" => local.to_owned(),
        namespace => format!("{{{namespace}}}{local}"),
    }
}
