//! Nodes to text, with the declarations of namespaces that nodes from elsewhere need.
//!
//! Elements without text in them stand on lines of their own, as .NET's `XmlDocument.Save` writes them: what it reads
//! afterwards is the same document.

use std::rc::Rc;

use super::{Attribute, DEPTH_MAX, Id, Kind, Name, TEXT_MAX, Tree, XML, deeper};
use crate::xml::XmlError;

impl Tree {
    /// # Errors
    /// It is larger than the limits allow.
    pub(in crate::xml) fn write(&self) -> Result<String, XmlError> {
        let mut writer = Writer {
            tree: self,
            text: String::new(),
            scope: vec![(Rc::from("xml"), Rc::from(XML))],
        };
        for (at, id) in self.children(Id::DOCUMENT).enumerate() {
            if at > 0 {
                writer.text.push('\n');
            }
            writer.node(id, 0, true)?;
        }
        Ok(writer.text)
    }
}

struct Writer<'t> {
    tree: &'t Tree,
    text: String,
    /// Prefix and namespace, innermost last.
    scope: Vec<(Rc<str>, Rc<str>)>,
}

impl Writer<'_> {
    fn node(&mut self, id: Id, depth: u32, breaks: bool) -> Result<(), XmlError> {
        // What is read is at most so deep, and what is added to it too.
        deeper(depth.saturating_sub(2 * DEPTH_MAX))?;
        if self.text.len() > 2 * TEXT_MAX {
            return Err(XmlError::Limit(format!("more than {} bytes", 2 * TEXT_MAX)));
        }
        match self.tree.kind(id) {
            Kind::Document => {}
            Kind::Element(name, attributes) => {
                return self.element(id, name, attributes, depth, breaks);
            }
            Kind::Text(text) | Kind::Space(text) => self.escaped(text, false),
            Kind::CData(text) => {
                self.text.push_str("<![CDATA[");
                self.text.push_str(&text.replace("]]>", "]]]]><![CDATA[>"));
                self.text.push_str("]]>");
            }
            Kind::Comment(text) => self.text.extend(["<!--", text, "-->"]),
            Kind::Instruction(target, data) => {
                let gap = if data.is_empty() { "" } else { " " };
                self.text.extend(["<?", target, gap, data, "?>"]);
            }
            Kind::Declaration(text) => self.text.extend(["<?xml ", text, "?>"]),
            Kind::DocumentType(one) => {
                self.text.extend(["<!DOCTYPE ", &one.name]);
                match (&one.public, &one.system) {
                    (Some(public), system) => {
                        self.text.extend([" PUBLIC \"", public, "\""]);
                        self.literal(system.as_deref().unwrap_or_default());
                    }
                    (None, Some(system)) => {
                        self.text.push_str(" SYSTEM");
                        self.literal(system);
                    }
                    (None, None) => {}
                }
                if let Some(subset) = &one.subset {
                    self.text.extend([" [", subset, "]"]);
                }
                self.text.push('>');
            }
        }
        Ok(())
    }

    fn literal(&mut self, text: &str) {
        let quote = if text.contains('"') { "'" } else { "\"" };
        self.text.extend([" ", quote, text, quote]);
    }

    fn element(
        &mut self,
        id: Id,
        name: &Name,
        attributes: &[Attribute],
        depth: u32,
        breaks: bool,
    ) -> Result<(), XmlError> {
        let outside = self.scope.len();
        for attribute in attributes {
            if let Some(prefix) = attribute.declares() {
                self.scope
                    .push((prefix.into(), Rc::clone(&attribute.value)));
            }
        }
        let declared = self.scope.len();
        let own = self.prefix(name, outside, false);
        let names: Vec<Rc<str>> = attributes
            .iter()
            .map(|one| match one.declares() {
                Some(_) => Rc::clone(&one.name.prefix),
                None => self.prefix(&one.name, outside, true),
            })
            .collect();
        self.text.push('<');
        self.name(&own, &name.local);
        for (attribute, prefix) in attributes.iter().zip(&names) {
            self.text.push(' ');
            self.name(prefix, &attribute.name.local);
            self.value(&attribute.value);
        }
        for at in declared..self.scope.len() {
            let (prefix, namespace) = self.scope[at].clone();
            match &*prefix {
                "" => self.text.push_str(" xmlns"),
                prefix => self.text.extend([" xmlns:", prefix]),
            }
            self.value(&namespace);
        }
        if self.tree.children(id).next().is_none() {
            self.text.push_str(" />");
        } else {
            self.text.push('>');
            let breaks = breaks && self.may_break(id, attributes);
            for child in self.tree.children(id) {
                self.line(breaks, depth + 1);
                self.node(child, depth + 1, breaks)?;
            }
            self.line(breaks, depth);
            self.text.push_str("</");
            self.name(&own, &name.local);
            self.text.push('>');
        }
        self.scope.truncate(outside);
        Ok(())
    }

    /// Whether white space between its children means nothing.
    fn may_break(&self, id: Id, attributes: &[Attribute]) -> bool {
        let preserves = attributes
            .iter()
            .any(|one| &*one.name.prefix == "xml" && &*one.name.local == "space");
        !preserves
            && !self
                .tree
                .children(id)
                .any(|child| self.tree.kind(child).is_text())
    }

    fn line(&mut self, breaks: bool, depth: u32) {
        if breaks {
            self.text.push('\n');
            // Deep documents are not written in the square of their depth.
            for _ in 0..depth.min(64) {
                self.text.push_str("  ");
            }
        }
    }

    /// The prefix that stands for the namespace of a name here; one is declared if there is none.
    fn prefix(&mut self, name: &Name, outside: usize, is_attribute: bool) -> Rc<str> {
        if &*name.prefix == "xml" || (is_attribute && name.namespace.is_empty()) {
            return match &*name.prefix {
                "xml" => Rc::clone(&name.prefix),
                _ => Rc::from(""),
            };
        }
        let bound = |prefix: &str| {
            let found = self.scope.iter().rev().find(|(one, _)| **one == *prefix);
            found.map(|(_, namespace)| Rc::clone(namespace))
        };
        let means = |prefix: &str| bound(prefix).unwrap_or_default() == name.namespace;
        let usable = |prefix: &str| !(is_attribute && prefix.is_empty());
        if usable(&name.prefix) && means(&name.prefix) {
            return Rc::clone(&name.prefix);
        }
        let mut others = self.scope.iter().rev().map(|(prefix, _)| prefix);
        if let Some(other) = others.find(|prefix| usable(prefix) && means(prefix)) {
            return Rc::clone(other);
        }
        // What this element declares itself cannot be declared once more.
        let is_free = |prefix: &str| {
            let own = self.scope.get(outside..).unwrap_or_default();
            !own.iter().any(|(one, _)| **one == *prefix)
        };
        let prefix = match &*name.prefix {
            _ if name.namespace.is_empty() => Rc::from(""),
            prefix if usable(prefix) && is_free(prefix) => Rc::clone(&name.prefix),
            _ => {
                let mut numbers = 1..;
                let free = numbers.find_map(|number: u32| {
                    let prefix = format!("ns{number}");
                    bound(&prefix).is_none().then_some(prefix)
                });
                free.unwrap_or_default().into()
            }
        };
        if !is_free(&prefix) {
            // `xmlns` of the element itself against an element in no namespace: XML has no way to write that.
            return prefix;
        }
        self.scope
            .push((Rc::clone(&prefix), Rc::clone(&name.namespace)));
        prefix
    }

    fn name(&mut self, prefix: &str, local: &str) {
        if !prefix.is_empty() {
            self.text.extend([prefix, ":"]);
        }
        self.text.push_str(local);
    }

    fn value(&mut self, value: &str) {
        self.text.push_str("=\"");
        self.escaped(value, true);
        self.text.push('"');
    }

    fn escaped(&mut self, text: &str, is_attribute: bool) {
        for one in text.chars() {
            match one {
                '&' => self.text.push_str("&amp;"),
                '<' => self.text.push_str("&lt;"),
                '>' => self.text.push_str("&gt;"),
                '\r' => self.text.push_str("&#xD;"),
                '"' if is_attribute => self.text.push_str("&quot;"),
                '\n' if is_attribute => self.text.push_str("&#xA;"),
                '\t' if is_attribute => self.text.push_str("&#x9;"),
                one => self.text.push(one),
            }
        }
    }
}
