//! srcDocHash: the number by which a DiffGram knows the document that it was made of.
//!
//! The function is that of XmlDiffPatch: over UTF-16 units, with the separator that its source really has (a zero, then
//! the letters `x01`). It is weak, and only ever compared with what a DiffGram says.

use super::{DiffOptions, compare::normalized};
use crate::xml::tree::{Attribute, Id, Kind, Name, Tree};

const SEPARATOR: &str = "\0x01";
/// Number of namespace declarations.
const NAMESPACE: u32 = 100;

/// The hash of a document as these options see it.
pub(super) fn hash(tree: &Tree, options: DiffOptions) -> u64 {
    let mut state = State(0);
    Hasher { tree, options }.children(Id::DOCUMENT, &mut state);
    state.0
}

struct State(u64);

impl State {
    fn text(&mut self, parts: &[&str]) {
        let units = || parts.iter().flat_map(|part| part.encode_utf16());
        self.add(13, units().count() as u64);
        for unit in units() {
            self.add(17, u64::from(unit));
        }
    }

    fn number(&mut self, number: u64) {
        self.add(11, number);
    }

    fn add(&mut self, shift: u32, number: u64) {
        self.0 = self.0.wrapping_add((self.0 << shift).wrapping_add(number));
    }
}

struct Hasher<'t> {
    tree: &'t Tree,
    options: DiffOptions,
}

impl Hasher<'_> {
    /// Adds what is in a node, and how much of it there is.
    fn children(&self, id: Id, state: &mut State) {
        let (mut count, mut sum) = (0, 0_u64);
        let is_ordered = !self.options.has(DiffOptions::CHILD_ORDER);
        for child in self.tree.children(id) {
            // What is ignored has the hash 0.
            match self.node(child) {
                0 => continue,
                hash if is_ordered => state.number(hash),
                hash => sum = sum.wrapping_add(hash),
            }
            count += 1;
        }
        if !is_ordered {
            state.number(sum);
        }
        if count > 0 {
            state.number(count);
        }
    }

    fn node(&self, id: Id) -> u64 {
        let kind = self.tree.kind(id);
        let number = kind.number().to_string();
        let mut state = State(0);
        let mut simple = |parts: &[&str]| {
            let mut all = vec![&*number];
            for part in parts {
                all.extend([SEPARATOR, part]);
            }
            state.text(&all);
        };
        let ignores = |option| self.options.has(option);
        match kind {
            Kind::Document => {}
            Kind::Element(name, attributes) => {
                let (prefix, namespace) = self.seen(name);
                simple(&[prefix, namespace, &name.local]);
                self.attributes(attributes, &mut state);
                self.children(id, &mut state);
            }
            Kind::Text(text) if ignores(DiffOptions::WHITESPACE) => simple(&[&normalized(text)]),
            Kind::Text(text) | Kind::CData(text) => simple(&[text]),
            Kind::Space(text) if !ignores(DiffOptions::WHITESPACE) => simple(&[text]),
            Kind::Comment(text) if !ignores(DiffOptions::COMMENTS) => simple(&[text]),
            Kind::Instruction(target, data) if !ignores(DiffOptions::INSTRUCTIONS) => {
                simple(&[target, data]);
            }
            Kind::Declaration(text) if !ignores(DiffOptions::DECLARATION) => {
                simple(&[&normalized(&text.replace('\'', "\""))]);
            }
            Kind::DocumentType(one) if !ignores(DiffOptions::DTD) => {
                let text = |part: &Option<_>| part.clone().unwrap_or_default();
                let (public, system) = (text(&one.public), text(&one.system));
                simple(&[&one.name, &public, &system, &text(&one.subset)]);
            }
            Kind::Space(_)
            | Kind::Comment(_)
            | Kind::Instruction(..)
            | Kind::Declaration(_)
            | Kind::DocumentType(_) => {}
        }
        state.0
    }

    /// Prefix and namespace, as far as they are compared.
    fn seen<'n>(&self, name: &'n Name) -> (&'n str, &'n str) {
        let no_namespaces = self.options.has(DiffOptions::NAMESPACES);
        let prefix = match no_namespaces || self.options.has(DiffOptions::PREFIXES) {
            true => "",
            false => &*name.prefix,
        };
        let namespace = if no_namespaces { "" } else { &*name.namespace };
        (prefix, namespace)
    }

    fn attributes(&self, attributes: &[Attribute], state: &mut State) {
        let (mut count, mut sum) = (0, 0_u64);
        for attribute in attributes {
            let mut one = State(0);
            match attribute.declares() {
                Some(_) if self.options.has(DiffOptions::NAMESPACES) => continue,
                Some(prefix) => {
                    let prefix = match self.options.has(DiffOptions::PREFIXES) {
                        true => "",
                        false => prefix,
                    };
                    let number = NAMESPACE.to_string();
                    one.text(&[&number, SEPARATOR, prefix, SEPARATOR, &attribute.value]);
                }
                None => {
                    let (prefix, namespace) = self.seen(&attribute.name);
                    let value = match self.options.has(DiffOptions::WHITESPACE) {
                        true => normalized(&attribute.value),
                        false => attribute.value.to_string(),
                    };
                    let local = &attribute.name.local;
                    one.text(&[
                        "2", SEPARATOR, prefix, SEPARATOR, namespace, SEPARATOR, local, SEPARATOR,
                        &value,
                    ]);
                }
            }
            sum = sum.wrapping_add(one.0);
            count += 1;
        }
        if count > 0 {
            state.number(sum);
            state.number(count);
        }
    }
}
