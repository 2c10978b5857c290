//! Writes the DiffGram that leads from one document to another.
//!
//! A patch goes through the children of a node with a place in its hand: `xd:node` and `xd:change` move it, `xd:add` puts
//! nodes behind it, and it starts before the first.

use std::collections::HashSet;
use std::rc::Rc;

use super::{
    DiffGramError, DiffOptions, Difference, NAMESPACE,
    align::{Aligner, Likeness, Step},
    attributes::{preserved, qualifiers},
    compare::{Comparison, Fingerprints},
    hash,
};
use crate::xml::{
    XmlError,
    tree::{Attribute, Id, Kind, Name, Tree, XMLNS},
};

pub(super) fn diff(a: &Tree, b: &Tree, options: DiffOptions) -> Result<Difference, DiffGramError> {
    let comparison = Comparison::new(options);
    let fingerprints = (comparison.fingerprints(a), comparison.fingerprints(b));
    let is_none = fingerprints.0.of(Id::DOCUMENT) == fingerprints.1.of(Id::DOCUMENT);
    let mut out = Tree::new();
    let hash = hash::hash(a, options).to_string();
    let mut attributes = vec![
        plain("version", "1.0"),
        plain("srcDocHash", &hash),
        plain("options", &options.to_string()),
        plain("fragments", "no"),
    ];
    attributes.push(Attribute {
        name: Name::new("xmlns", "xd", XMLNS),
        value: NAMESPACE.into(),
    });
    out.append(
        Id::DOCUMENT,
        Kind::Declaration(r#"version="1.0" encoding="utf-8""#.into()),
    )?;
    let name = Name::new("xd", "xmldiff", NAMESPACE);
    let root = out.append(Id::DOCUMENT, Kind::Element(name, attributes))?;
    if !is_none {
        let mut differ = Differ {
            a,
            b,
            seen_a: fingerprints.0,
            seen_b: fingerprints.1,
            comparison,
            places: places(a),
            contained: contained(b),
            aligner: Aligner::new(),
            out,
        };
        differ.document(root)?;
        out = differ.out;
    }
    Ok(Difference {
        is_none,
        diffgram: out.write()?,
    })
}

pub(super) fn plain(name: &str, value: &str) -> Attribute {
    Attribute {
        name: Name::plain(name),
        value: value.into(),
    }
}

/// Where each node stands among its siblings, from 1.
fn places(tree: &Tree) -> Vec<u32> {
    let mut places = vec![0; tree.len()];
    for id in tree.ids() {
        for (number, child) in (1..).zip(tree.children(id)) {
            places[child.index()] = number;
        }
    }
    places
}

/// Whether each node declares all prefixes that are used in it.
fn contained(tree: &Tree) -> Vec<bool> {
    let mut open: Vec<HashSet<Rc<str>>> = Vec::new();
    open.resize_with(tree.len(), HashSet::new);
    let mut contained = vec![true; tree.len()];
    for id in tree.ids().rev() {
        let mut used = std::mem::take(&mut open[id.index()]);
        if let Kind::Element(name, attributes) = tree.kind(id) {
            if !(name.prefix.is_empty() && name.namespace.is_empty()) {
                used.insert(Rc::clone(&name.prefix));
            }
            let others = attributes.iter().filter(|one| one.declares().is_none());
            used.extend(
                others
                    .filter(|one| !one.name.prefix.is_empty())
                    .map(|one| Rc::clone(&one.name.prefix)),
            );
            for declared in attributes.iter().filter_map(Attribute::declares) {
                used.remove(declared);
            }
            used.remove("xml");
        }
        contained[id.index()] = used.is_empty();
        if let Some(parent) = tree.parent(id) {
            let above = &mut open[parent.index()];
            // The smaller into the larger.
            if above.len() < used.len() {
                std::mem::swap(above, &mut used);
            }
            above.extend(used);
        }
    }
    contained
}

/// Where the patch stands among the children.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Start,
    /// At a node of `a`.
    At(Id),
    /// At what was added last.
    Added,
}

/// The operations on the children of a node, as they are written.
struct Children {
    /// The element of the DiffGram that they go into.
    into: Id,
    /// Where the patch stands.
    place: Place,
    /// Where what comes next belongs behind.
    wanted: Place,
    /// The `xd:add` that is written last and can take more nodes.
    fragment: Option<Id>,
    removed: Vec<u32>,
}

pub(super) struct Differ<'t> {
    pub(super) a: &'t Tree,
    pub(super) b: &'t Tree,
    seen_a: Fingerprints,
    seen_b: Fingerprints,
    pub(super) comparison: Comparison,
    places: Vec<u32>,
    contained: Vec<bool>,
    aligner: Aligner,
    pub(super) out: Tree,
}

impl Differ<'_> {
    /// The prologs, what stands before the roots, the roots, what stands behind them.
    fn document(&mut self, into: Id) -> Result<(), XmlError> {
        let is_prolog = |tree: &Tree, id: Id| {
            matches!(tree.kind(id), Kind::Declaration(_) | Kind::DocumentType(_))
        };
        let of = |tree: &Tree, seen: &Fingerprints| -> Vec<Id> {
            let all = tree.children(Id::DOCUMENT);
            all.filter(|id| !seen.ignores(*id)).collect()
        };
        let (all_a, all_b) = (of(self.a, &self.seen_a), of(self.b, &self.seen_b));
        let mut children = Children::new(into);
        let prolog = |tree: &Tree, all: &[Id]| -> Vec<Id> {
            let all = all.iter().copied();
            all.filter(|id| is_prolog(tree, *id)).collect()
        };
        let (prolog_a, prolog_b) = (prolog(self.a, &all_a), prolog(self.b, &all_b));
        for step in self.steps(&prolog_a, &prolog_b) {
            match step {
                Step::Change(a, b) => drop(self.change(into, a, b)?),
                Step::Remove(a) => {
                    children.removed.push(self.places[a.index()]);
                    self.flush_removed(&mut children)?;
                }
                Step::Add(b) => self.add_prolog(into, b)?,
                Step::Keep(..) => {}
            }
        }
        let split = |tree: &Tree, all: &[Id]| -> [Vec<Id>; 2] {
            let root = tree.root();
            let at = all.iter().position(|id| Some(*id) == root);
            let at = at.unwrap_or(all.len());
            let before = all[..at].iter().copied();
            let before = before.filter(|id| !is_prolog(tree, *id)).collect();
            [before, all.get(at + 1..).unwrap_or_default().to_vec()]
        };
        let [before_a, behind_a] = split(self.a, &all_a);
        let [before_b, behind_b] = split(self.b, &all_b);
        let mut steps = self.steps(&before_a, &before_b);
        if let (Some(a), Some(b)) = (self.a.root(), self.b.root()) {
            steps.push(match self.seen_a.of(a) == self.seen_b.of(b) {
                true => Step::Keep(a, b),
                false => Step::Change(a, b),
            });
        }
        steps.extend(self.steps(&behind_a, &behind_b));
        self.write(children, steps)
    }

    fn steps(&mut self, a: &[Id], b: &[Id]) -> Vec<Step<Id>> {
        let (seen_a, seen_b) = (&self.seen_a, &self.seen_b);
        let (tree_a, tree_b, comparison) = (self.a, self.b, &self.comparison);
        self.aligner.steps(
            a,
            b,
            |is_b, id| if is_b { seen_b.of(id) } else { seen_a.of(id) },
            |a, b| match (tree_a.kind(a), tree_b.kind(b)) {
                (Kind::Element(one, _), Kind::Element(other, _)) => {
                    match comparison.key(one) == comparison.key(other) {
                        true => Likeness::Name,
                        false => Likeness::None,
                    }
                }
                // A patch cannot change it.
                (Kind::Space(_), _) => Likeness::None,
                (one, other) if one.number() == other.number() => Likeness::Kind,
                _ => Likeness::None,
            },
        )
    }

    fn children(&mut self, into: Id, a: Id, b: Id) -> Result<(), XmlError> {
        let of = |tree: &Tree, id: Id, seen: &Fingerprints| -> Vec<Id> {
            let all = tree.children(id);
            all.filter(|id| !seen.ignores(*id)).collect()
        };
        let (all_a, all_b) = (of(self.a, a, &self.seen_a), of(self.b, b, &self.seen_b));
        let same = |list: &[Id], seen: &Fingerprints| -> Vec<u128> {
            let mut all: Vec<_> = list.iter().map(|id| seen.of(*id)).collect();
            all.sort_unstable();
            all
        };
        let is_unordered = self.comparison.options.has(DiffOptions::CHILD_ORDER);
        if is_unordered && same(&all_a, &self.seen_a) == same(&all_b, &self.seen_b) {
            return Ok(());
        }
        let steps = self.steps(&all_a, &all_b);
        self.write(Children::new(into), steps)
    }

    fn write(&mut self, mut children: Children, steps: Vec<Step<Id>>) -> Result<(), XmlError> {
        let mut before: Option<Id> = None;
        for step in steps {
            let b = match step {
                Step::Remove(a) => {
                    children.removed.push(self.places[a.index()]);
                    continue;
                }
                Step::Keep(_, b) | Step::Change(_, b) | Step::Add(b) => b,
            };
            self.separate(&mut children, before, step)?;
            before = Some(b);
            match step {
                Step::Remove(_) => {}
                Step::Keep(a, _) => {
                    self.flush_removed(&mut children)?;
                    children.wanted = Place::At(a);
                }
                Step::Change(a, b) => {
                    self.flush_removed(&mut children)?;
                    children.wanted = Place::At(a);
                    if self.change(children.into, a, b)? {
                        children.place = Place::At(a);
                        children.fragment = None;
                    }
                }
                Step::Add(b) => self.add(&mut children, b)?,
            }
        }
        self.flush_removed(&mut children)
    }

    /// Two texts that only something ignored keeps apart: they would become one.
    fn separate(
        &mut self,
        children: &mut Children,
        before: Option<Id>,
        step: Step<Id>,
    ) -> Result<(), XmlError> {
        let (Some(before), Step::Keep(_, b) | Step::Change(_, b) | Step::Add(b)) = (before, step)
        else {
            return Ok(());
        };
        let is_text = |id| matches!(self.b.kind(id), Kind::Text(_));
        if !is_text(before) || !is_text(b) {
            return Ok(());
        }
        let backwards = |tree: &Tree, from: Id, to: Id| -> Vec<Id> {
            let all = std::iter::successors(tree.previous(from), |id| tree.previous(*id));
            all.take_while(|id| *id != to).collect()
        };
        if let (Place::At(last), Step::Keep(a, _) | Step::Change(a, _)) = (children.wanted, step) {
            let between = backwards(self.a, a, last);
            let stays = |id: &Id| self.seen_a.ignores(*id) && !self.a.kind(*id).is_text();
            if between.iter().any(stays) {
                return Ok(());
            }
        }
        let mut between = backwards(self.b, b, before);
        between.reverse();
        for id in between {
            if !self.b.kind(id).is_text() {
                self.add(children, id)?;
            }
        }
        Ok(())
    }

    /// Starts an operation.
    pub(super) fn operation(
        &mut self,
        into: Id,
        name: &str,
        attributes: Vec<Attribute>,
    ) -> Result<Id, XmlError> {
        let name = Name::new("xd", name, NAMESPACE);
        self.out.append(into, Kind::Element(name, attributes))
    }

    fn flush_removed(&mut self, children: &mut Children) -> Result<(), XmlError> {
        let removed = std::mem::take(&mut children.removed);
        let mut path = String::new();
        let mut rest = removed.as_slice();
        while let [first, ..] = rest {
            let row = (*first..)
                .zip(rest)
                .take_while(|(wanted, one)| wanted == *one);
            let count = row.count();
            let gap = if path.is_empty() { "" } else { "|" };
            path += &match count {
                1 => format!("{gap}{first}"),
                count => format!("{gap}{first}-{}", rest[count - 1]),
            };
            rest = &rest[count..];
        }
        if path.is_empty() {
            return Ok(());
        }
        children.fragment = None;
        self.operation(children.into, "remove", vec![plain("match", &path)])
            .map(|_| ())
    }

    /// Adds a node of `b` behind what is wanted.
    fn add(&mut self, children: &mut Children, b: Id) -> Result<(), XmlError> {
        self.flush_removed(children)?;
        if let Place::At(a) = children.wanted
            && children.place != children.wanted
        {
            let path = self.places[a.index()].to_string();
            self.operation(children.into, "node", vec![plain("match", &path)])?;
            children.fragment = None;
        }
        (children.place, children.wanted) = (Place::Added, Place::Added);
        children.fragment = self.added(children.into, children.fragment, b)?;
        Ok(())
    }

    /// Writes the addition of a node: into a fragment, or as an operation of its own for an element that needs a
    /// namespace from outside. Gives the fragment that more can go into.
    fn added(&mut self, into: Id, fragment: Option<Id>, b: Id) -> Result<Option<Id>, XmlError> {
        let tree = self.b;
        if let (Kind::Element(name, attributes), false) = (tree.kind(b), self.contained[b.index()])
        {
            let mut all = vec![plain("type", "1"), plain("name", &name.local)];
            all.extend(qualifiers(name));
            let operation = self.operation(into, "add", all)?;
            for attribute in attributes {
                self.add_attribute(operation, attribute)?;
            }
            let mut fragment = None;
            for child in tree.children(b) {
                fragment = self.added(operation, fragment, child)?;
            }
            return Ok(None);
        }
        let fragment = match fragment {
            Some(fragment) => fragment,
            None => {
                let preserve = self.preserves(b).then(preserved);
                self.operation(into, "add", preserve.into_iter().collect())?
            }
        };
        let copy = self.out.import(tree, b, 0)?;
        let last = self.out.children(fragment).last();
        self.out.insert(fragment, last, copy);
        Ok(Some(fragment))
    }

    /// Whether white space counts where a node of `b` stands.
    fn preserves(&self, b: Id) -> bool {
        let mut above = std::iter::successors(self.b.parent(b), |id| self.b.parent(*id));
        above
            .find_map(|id| {
                let mut all = self.b.attributes(id).iter();
                let space =
                    all.find(|one| &*one.name.prefix == "xml" && &*one.name.local == "space");
                space.map(|one| &*one.value == "preserve")
            })
            .unwrap_or(false)
    }

    fn add_prolog(&mut self, into: Id, b: Id) -> Result<(), XmlError> {
        let number = self.b.kind(b).number().to_string();
        let mut attributes = vec![plain("type", &number)];
        let content = match self.b.kind(b) {
            Kind::Declaration(text) => Some(Kind::Text(Rc::clone(text))),
            Kind::DocumentType(one) => {
                attributes.push(plain("name", &one.name));
                let ids = [("publicId", &one.public), ("systemId", &one.system)];
                attributes.extend(
                    ids.iter()
                        .filter_map(|(name, id)| Some(plain(name, id.as_deref()?))),
                );
                one.subset.as_ref().map(|one| Kind::CData(Rc::clone(one)))
            }
            _ => None,
        };
        let operation = self.operation(into, "add", attributes)?;
        match content {
            Some(content) => self.out.append(operation, content).map(|_| ()),
            None => Ok(()),
        }
    }

    /// Writes how a node of `a` becomes one of `b`; whether anything had to be.
    fn change(&mut self, into: Id, a: Id, b: Id) -> Result<bool, XmlError> {
        let mut attributes = vec![plain("match", &self.places[a.index()].to_string())];
        let (tree_a, tree_b) = (self.a, self.b);
        let content = match (tree_a.kind(a), tree_b.kind(b)) {
            (Kind::Element(one, _), Kind::Element(other, _)) => {
                return self.change_element(into, (a, one), (b, other), attributes);
            }
            (Kind::DocumentType(one), Kind::DocumentType(other)) => {
                if one.name != other.name {
                    attributes.push(plain("name", &other.name));
                }
                for (name, one, other) in [
                    ("systemId", &one.system, &other.system),
                    ("publicId", &one.public, &other.public),
                ] {
                    if one != other {
                        attributes.push(plain(name, other.as_deref().unwrap_or_default()));
                    }
                }
                let subset = || Kind::CData(other.subset.clone().unwrap_or_default());
                (one.subset != other.subset).then(subset)
            }
            (_, Kind::Declaration(text)) => Some(Kind::Text(Rc::clone(text))),
            (_, other) => Some(other.clone()),
        };
        let operation = self.operation(into, "change", attributes)?;
        if let Some(content) = content {
            self.out.append(operation, content)?;
        }
        Ok(true)
    }

    fn change_element(
        &mut self,
        into: Id,
        (a, one): (Id, &Name),
        (b, other): (Id, &Name),
        mut attributes: Vec<Attribute>,
    ) -> Result<bool, XmlError> {
        let (key, wanted) = (self.comparison.key(one), self.comparison.key(other));
        let is_named = key == wanted;
        if key.2 != wanted.2 {
            attributes.push(plain("name", &other.local));
        }
        if !is_named && (key.0 != wanted.0 || key.1 != wanted.1) {
            attributes.extend([
                plain("prefix", &other.prefix),
                plain("ns", &other.namespace),
            ]);
        }
        let name = if is_named { "node" } else { "change" };
        let operation = self.operation(into, name, attributes)?;
        self.attributes(operation, a, b)?;
        self.children(operation, a, b)?;
        let is_something = !is_named || self.out.children(operation).next().is_some();
        if !is_something {
            self.out.detach(operation);
        }
        Ok(is_something)
    }
}

impl Children {
    fn new(into: Id) -> Self {
        Self {
            into,
            place: Place::Start,
            wanted: Place::Start,
            fragment: None,
            removed: Vec::new(),
        }
    }
}
