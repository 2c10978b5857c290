//! Which nodes are the same, as options see them: by fingerprints of all that is in a node.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};

use super::DiffOptions;
use crate::xml::tree::{Attribute, Id, Kind, Name, Tree, is_space};

/// A text without white space around it, and one blank for each white space in it.
pub(super) fn normalized(text: &str) -> String {
    let words: Vec<&str> = text
        .split(is_space)
        .filter(|word| !word.is_empty())
        .collect();
    words.join(" ")
}

/// Keys of fingerprints. They are chosen anew each time, so no document can be made to have the fingerprint of another.
pub(super) struct Comparison {
    keys: [RandomState; 2],
    pub(super) options: DiffOptions,
}

/// Fingerprints of the nodes of a document; 0 for what is ignored.
pub(super) struct Fingerprints(Vec<u128>);

impl Fingerprints {
    pub(super) fn of(&self, id: Id) -> u128 {
        self.0.get(id.index()).copied().unwrap_or(0)
    }

    pub(super) fn ignores(&self, id: Id) -> bool {
        self.of(id) == 0
    }
}

/// What makes two names one: prefix, namespace and local name, as far as they are compared.
pub(super) type Key<'n> = (&'n str, &'n str, &'n str);

impl Comparison {
    pub(super) fn new(options: DiffOptions) -> Self {
        Self {
            keys: [RandomState::new(), RandomState::new()],
            options,
        }
    }

    pub(super) fn key<'n>(&self, name: &'n Name) -> Key<'n> {
        let no_namespaces = self.options.has(DiffOptions::NAMESPACES);
        let no_prefixes = no_namespaces || self.options.has(DiffOptions::PREFIXES);
        (
            if no_prefixes { "" } else { &name.prefix },
            if no_namespaces { "" } else { &name.namespace },
            &name.local,
        )
    }

    /// The key of an attribute, and its value as it is compared; `None` for one that is ignored.
    pub(super) fn attribute<'n>(&self, attribute: &'n Attribute) -> Option<(Key<'n>, String)> {
        if attribute.declares().is_some() {
            let value = attribute.value.to_string();
            let key = match self.options.has(DiffOptions::PREFIXES) {
                // Which prefix it is that is declared does not count.
                true => ("xmlns", "", ""),
                false => ("xmlns", "", attribute.declares()?),
            };
            return (!self.options.has(DiffOptions::NAMESPACES)).then_some((key, value));
        }
        let value = match self.options.has(DiffOptions::WHITESPACE) {
            true => normalized(&attribute.value),
            false => attribute.value.to_string(),
        };
        Some((self.key(&attribute.name), value))
    }

    /// The fingerprints of a document that nothing was done to since it was read.
    pub(super) fn fingerprints(&self, tree: &Tree) -> Fingerprints {
        let mut found = Fingerprints(vec![0; tree.len()]);
        // Parents were made before their children.
        for id in tree.ids().rev() {
            let fingerprint = self.fingerprint(tree, id, &found);
            if let Some(place) = found.0.get_mut(id.index()) {
                *place = fingerprint;
            }
        }
        found
    }

    fn fingerprint(&self, tree: &Tree, id: Id, found: &Fingerprints) -> u128 {
        let kind = tree.kind(id);
        let ignored = match kind {
            Kind::Comment(_) => DiffOptions::COMMENTS,
            Kind::Instruction(..) => DiffOptions::INSTRUCTIONS,
            Kind::Space(_) => DiffOptions::WHITESPACE,
            Kind::Declaration(_) => DiffOptions::DECLARATION,
            Kind::DocumentType(_) => DiffOptions::DTD,
            _ => DiffOptions::default(),
        };
        if self.options.has(ignored) {
            return 0;
        }
        let mut hashers = self.keys.each_ref().map(RandomState::build_hasher);
        for hasher in &mut hashers {
            kind.number().hash(hasher);
        }
        let mut add = |part: &dyn Fn(&mut dyn Hasher)| {
            for hasher in &mut hashers {
                part(hasher);
            }
        };
        let text = |text: &str, mut into: &mut dyn Hasher| text.hash(&mut into);
        match kind {
            Kind::Element(name, attributes) => {
                let key = self.key(name);
                let mut all: Vec<_> = attributes
                    .iter()
                    .filter_map(|one| self.attribute(one))
                    .collect();
                all.sort_unstable();
                add(&|mut into| (key, &all).hash(&mut into));
            }
            Kind::Text(one) if self.options.has(DiffOptions::WHITESPACE) => {
                let one = normalized(one);
                add(&|into| text(&one, into));
            }
            Kind::Text(one) | Kind::CData(one) | Kind::Comment(one) | Kind::Space(one) => {
                add(&|into| text(one, into));
            }
            Kind::Declaration(one) => {
                let one = normalized(&one.replace('\'', "\""));
                add(&|into| text(&one, into));
            }
            Kind::Instruction(target, data) => add(&|mut into| (target, data).hash(&mut into)),
            Kind::DocumentType(one) => add(&|mut into| {
                let plain = |part: &Option<_>| part.clone().unwrap_or_default();
                let parts = [&one.public, &one.system, &one.subset].map(plain);
                (&one.name, parts).hash(&mut into);
            }),
            Kind::Document => {}
        }
        let mut children: Vec<u128> = tree
            .children(id)
            .map(|child| found.of(child))
            .filter(|fingerprint| *fingerprint != 0)
            .collect();
        if self.options.has(DiffOptions::CHILD_ORDER) {
            children.sort_unstable();
        }
        add(&|mut into| children.hash(&mut into));
        let [one, other] = hashers.map(|hasher| u128::from(hasher.finish()));
        // Never that of what is ignored.
        ((one << 64) | other).max(1)
    }
}
