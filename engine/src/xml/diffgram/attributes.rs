//! Attributes in DiffGrams: how those of one element become those of another.

use std::rc::Rc;

use super::{
    compare::{Comparison, Key},
    diff::{Differ, plain},
};
use crate::xml::{
    XmlError,
    tree::{Attribute, Id, Kind, Name, XML, is_space},
};

/// An attribute that is compared.
struct Entry<'n> {
    one: &'n Attribute,
    qualified: String,
    seen: (Key<'n>, String),
}

/// Whether one attribute stands for another.
type IsSame = fn(&Entry<'_>, &Entry<'_>) -> bool;

fn entries<'n>(comparison: &Comparison, all: &'n [Attribute]) -> Vec<Entry<'n>> {
    let entry = |one: &'n Attribute| {
        Some(Entry {
            one,
            qualified: one.name.qualified(),
            seen: comparison.attribute(one)?,
        })
    };
    all.iter().filter_map(entry).collect()
}

impl Differ<'_> {
    /// Writes how the attributes of one element become those of another: what is called the same first, then what is
    /// taken for the same.
    pub(super) fn attributes(&mut self, into: Id, a: Id, b: Id) -> Result<(), XmlError> {
        let (tree_a, tree_b) = (self.a, self.b);
        let mut rest_a = entries(&self.comparison, tree_a.attributes(a));
        let mut rest_b = entries(&self.comparison, tree_b.attributes(b));
        let mut changes: Vec<(String, &Rc<str>)> = Vec::new();
        let rounds: [(IsSame, bool); 4] = [
            (|a, b| a.one.name == b.one.name && a.seen == b.seen, false),
            (
                |a, b| a.qualified == b.qualified && a.seen.0 == b.seen.0,
                true,
            ),
            (|a, b| a.seen == b.seen, false),
            (|a, b| a.seen.0 == b.seen.0, true),
        ];
        for (is_same, changed) in rounds {
            rest_b.retain(|wanted| {
                let place = rest_a.iter().position(|one| is_same(one, wanted));
                let Some(place) = place else {
                    return true;
                };
                let one = rest_a.remove(place);
                if changed {
                    changes.push((format!("@{}", one.qualified), &wanted.one.value));
                }
                false
            });
        }
        if !rest_a.is_empty() {
            let paths = rest_a.iter().map(|one| format!("@{}", one.qualified));
            let path = paths.collect::<Vec<_>>().join("|");
            self.operation(into, "remove", vec![plain("match", &path)])?;
        }
        for (path, value) in changes {
            self.value(into, "change", vec![plain("match", &path)], value)?;
        }
        for entry in rest_b {
            self.add_attribute(into, entry.one)?;
        }
        Ok(())
    }

    pub(super) fn add_attribute(&mut self, into: Id, one: &Attribute) -> Result<(), XmlError> {
        let mut all = vec![plain("type", "2"), plain("name", &one.name.local)];
        match one.declares() {
            None => all.extend(qualifiers(&one.name)),
            Some("") => {}
            Some(_) => all.push(plain("prefix", "xmlns")),
        }
        self.value(into, "add", all, &one.value)
    }

    /// An operation with a value in it.
    fn value(
        &mut self,
        into: Id,
        name: &str,
        mut attributes: Vec<Attribute>,
        value: &Rc<str>,
    ) -> Result<(), XmlError> {
        if value.is_empty() {
            return self.operation(into, name, attributes).map(|_| ());
        }
        if value.chars().all(is_space) {
            attributes.push(preserved());
        }
        let operation = self.operation(into, name, attributes)?;
        self.out
            .append(operation, Kind::Text(Rc::clone(value)))
            .map(|_| ())
    }
}

/// `xml:space="preserve"`: without it, white space alone is nothing to who reads the DiffGram.
pub(super) fn preserved() -> Attribute {
    Attribute {
        name: Name::new("xml", "space", XML),
        value: "preserve".into(),
    }
}

/// The attributes `ns` and `prefix` of an operation that adds something of this name.
pub(super) fn qualifiers(name: &Name) -> impl Iterator<Item = Attribute> + use<> {
    let all = [("ns", &name.namespace), ("prefix", &name.prefix)];
    let all = all.map(|(label, value)| (!value.is_empty()).then(|| plain(label, value)));
    all.into_iter().flatten()
}
