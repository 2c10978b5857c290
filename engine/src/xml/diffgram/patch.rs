//! Applies a DiffGram: all its paths are followed in the source document first, then the document is changed.

use std::rc::Rc;

use super::{
    DiffGramError, DiffOptions, NAMESPACE, hash,
    path::{Paths, Selected},
};
use crate::xml::tree::{Attribute, DocumentType, Id, Kind, Name, Tree, XMLNS};

/// Changes a document as a DiffGram says.
pub(super) fn patch(tree: &mut Tree, diffgram: &Tree) -> Result<(), DiffGramError> {
    let root = diffgram
        .root()
        .filter(|id| named(diffgram, *id) == Some("xmldiff"));
    let root = root.ok_or(DiffGramError::NoDiffGram)?;
    let attribute = |name: &'static str| {
        let found = diffgram.attribute(root, name);
        found.ok_or(DiffGramError::Missing(name))
    };
    let hash = attribute("srcDocHash")?;
    let wanted: u64 = hash
        .trim()
        .parse()
        .map_err(|_| DiffGramError::Hash(hash.to_owned()))?;
    let options = DiffOptions::read(attribute("options")?).map_err(DiffGramError::Options)?;
    let found = hash::hash(tree, options);
    if found != wanted {
        return Err(DiffGramError::OtherDocument { wanted, found });
    }
    let operations = Reader {
        tree,
        diffgram,
        paths: Paths::default(),
    }
    .operations(Id::DOCUMENT, root)?;
    Patcher { tree, diffgram }.apply(Id::DOCUMENT, &operations)
}

/// The local name of an element of the language.
fn named(diffgram: &Tree, id: Id) -> Option<&str> {
    match diffgram.kind(id) {
        Kind::Element(name, _) if &*name.namespace == NAMESPACE => Some(&name.local),
        _ => None,
    }
}

/// An operation, with the nodes of the source that it is about.
enum Operation {
    Position(Id, Vec<Operation>),
    Copy(Vec<Id>, Option<Vec<Operation>>),
    Node(Kind, Vec<Operation>),
    Attribute(Attribute),
    /// An element of the DiffGram whose content is added.
    Fragment(Id),
    Remove(Vec<Id>),
    RemoveAttributes(Vec<String>),
    /// A node goes, and what is left in it takes its place.
    Unwrap(Id, Vec<Operation>),
    ChangeElement(Id, Name, Vec<Operation>),
    ChangeAttribute(String, Name, String),
    Change(Id, Kind),
}

struct Reader<'t> {
    tree: &'t Tree,
    diffgram: &'t Tree,
    paths: Paths,
}

impl Reader<'_> {
    /// The operations in an element of the DiffGram, which are about the children of a node.
    fn operations(&mut self, parent: Id, into: Id) -> Result<Vec<Operation>, DiffGramError> {
        let mut operations = Vec::new();
        let children = self.diffgram.children(into);
        for id in children.collect::<Vec<_>>() {
            let Some(name) = named(self.diffgram, id) else {
                continue;
            };
            let selected = match self.diffgram.attribute(id, "match") {
                Some(path) if !path.is_empty() => {
                    Some((self.paths.select(self.tree, parent, path)?, path))
                }
                _ => None,
            };
            let is_whole = self.diffgram.attribute(id, "subtree") != Some("no");
            operations.push(match (name, selected) {
                ("node", Some(selected)) => {
                    let node = one(selected)?;
                    Operation::Position(node, self.operations(node, id)?)
                }
                ("add", Some((Selected::Nodes(nodes), _))) => {
                    let below = match is_whole {
                        true => None,
                        false => Some(self.operations(parent, id)?),
                    };
                    Operation::Copy(nodes, below)
                }
                ("add", None) => match self.diffgram.attribute(id, "type") {
                    None | Some("") => Operation::Fragment(id),
                    Some(number) => self.added(parent, id, number)?,
                },
                ("remove", Some((Selected::Attributes(names), _))) => {
                    Operation::RemoveAttributes(names)
                }
                ("remove", Some((Selected::Nodes(nodes), _))) if is_whole => {
                    Operation::Remove(nodes)
                }
                ("remove", Some(selected)) => {
                    let node = one(selected)?;
                    Operation::Unwrap(node, self.operations(node, id)?)
                }
                ("change", Some((Selected::Attributes(names), path))) => {
                    self.changed_attribute(parent, id, &names, path)?
                }
                ("change", Some(selected)) => self.changed(one(selected)?, id)?,
                // What operations with an `opid` have in common: nothing that is to be done.
                ("descriptor", _) => break,
                (other, _) => return Err(DiffGramError::Operation(format!("xd:{other}"))),
            });
        }
        Ok(operations)
    }

    fn attribute(&self, id: Id, name: &str) -> Option<&str> {
        self.diffgram.attribute(id, name)
    }

    fn name(&self, id: Id) -> Name {
        let text = |name| self.attribute(id, name).unwrap_or_default();
        Name::new(text("prefix"), text("name"), text("ns"))
    }

    fn added(&mut self, parent: Id, id: Id, number: &str) -> Result<Operation, DiffGramError> {
        let text = || self.diffgram.text(id).into();
        let text_of = |name: &str| self.attribute(id, name).filter(|id| !id.is_empty());
        let kind = match number {
            "1" => {
                let kind = Kind::Element(self.name(id), Vec::new());
                return Ok(Operation::Node(kind, self.operations(parent, id)?));
            }
            "2" => {
                let mut name = self.name(id);
                if &*name.prefix == "xmlns" || (name.prefix.is_empty() && &*name.local == "xmlns") {
                    name.namespace = XMLNS.into();
                }
                return Ok(Operation::Attribute(Attribute {
                    name,
                    value: text(),
                }));
            }
            "3" => Kind::Text(text()),
            "4" => Kind::CData(text()),
            "7" => Kind::Instruction(self.name(id).local, text()),
            "8" => Kind::Comment(text()),
            "10" => Kind::DocumentType(DocumentType {
                name: self.name(id).local,
                public: text_of("publicId").map(Into::into),
                system: text_of("systemId").map(Into::into),
                subset: Some(text()).filter(|text: &Rc<str>| !text.is_empty()),
            }),
            "14" => Kind::Space(text()),
            "17" => Kind::Declaration(text()),
            other => {
                let message = format!("xd:add type=\"{other}\"");
                return Err(DiffGramError::Operation(message));
            }
        };
        Ok(Operation::Node(kind, Vec::new()))
    }

    /// A name with the parts that a change gives.
    fn renamed(&self, id: Id, name: &Name) -> Name {
        let part = |label, old: &Rc<str>| match self.attribute(id, label) {
            Some(new) => new.into(),
            None => Rc::clone(old),
        };
        Name {
            prefix: part("prefix", &name.prefix),
            local: part("name", &name.local),
            namespace: part("ns", &name.namespace),
        }
    }

    fn changed_attribute(
        &self,
        parent: Id,
        id: Id,
        names: &[String],
        path: &str,
    ) -> Result<Operation, DiffGramError> {
        let [name] = names else {
            return Err(DiffGramError::SeveralNodes(path.to_owned()));
        };
        let attributes = self.tree.attributes(parent).iter();
        let found = attributes.map(|one| &one.name);
        let old = found.clone().find(|one| one.qualified() == *name);
        let old = old.ok_or_else(|| DiffGramError::NoNode(path.to_owned()))?;
        let new = self.renamed(id, old);
        Ok(Operation::ChangeAttribute(
            name.clone(),
            new,
            self.diffgram.text(id),
        ))
    }

    fn changed(&mut self, node: Id, id: Id) -> Result<Operation, DiffGramError> {
        let text = || self.diffgram.text(id).into();
        let kind = match self.tree.kind(node) {
            Kind::Element(name, _) => {
                let name = self.renamed(id, name);
                return Ok(Operation::ChangeElement(
                    node,
                    name,
                    self.operations(node, id)?,
                ));
            }
            Kind::Text(_) => Kind::Text(text()),
            Kind::CData(_) => Kind::CData(text()),
            Kind::Space(_) => Kind::Space(text()),
            Kind::Declaration(_) => Kind::Declaration(text()),
            Kind::Comment(_) => {
                let mut children = self.diffgram.children(id);
                let comment = children.find_map(|id| match self.diffgram.kind(id) {
                    Kind::Comment(text) => Some(Rc::clone(text)),
                    _ => None,
                });
                Kind::Comment(comment.unwrap_or_default())
            }
            Kind::Instruction(target, data) => {
                let mut children = self.diffgram.children(id);
                let found = children.find_map(|id| match self.diffgram.kind(id) {
                    Kind::Instruction(target, data) => Some((Rc::clone(target), Rc::clone(data))),
                    _ => None,
                });
                match (self.attribute(id, "name"), found) {
                    (Some(name), _) => Kind::Instruction(name.into(), Rc::clone(data)),
                    (None, Some((target, data))) => Kind::Instruction(target, data),
                    (None, None) => Kind::Instruction(Rc::clone(target), text()),
                }
            }
            Kind::DocumentType(old) => {
                let part = |label, old: &Option<_>| match self.attribute(id, label) {
                    None => old.clone(),
                    Some("") => None,
                    Some(new) => Some(new.into()),
                };
                let keeps = self.diffgram.children(id).next().is_none();
                Kind::DocumentType(DocumentType {
                    name: self
                        .attribute(id, "name")
                        .map_or(Rc::clone(&old.name), Into::into),
                    public: part("publicId", &old.public),
                    system: part("systemId", &old.system),
                    subset: match keeps {
                        true => old.subset.clone(),
                        false => Some(text()).filter(|text: &Rc<str>| !text.is_empty()),
                    },
                })
            }
            Kind::Document => return Err(DiffGramError::Operation("xd:change".to_owned())),
        };
        Ok(Operation::Change(node, kind))
    }
}

/// The one node of a path.
fn one((selected, path): (Selected, &str)) -> Result<Id, DiffGramError> {
    match selected {
        Selected::Nodes(nodes) => match nodes.as_slice() {
            [node] => Ok(*node),
            _ => Err(DiffGramError::SeveralNodes(path.to_owned())),
        },
        Selected::Attributes(_) => Err(DiffGramError::Path(path.to_owned())),
    }
}

struct Patcher<'t> {
    tree: &'t mut Tree,
    diffgram: &'t Tree,
}

impl Patcher<'_> {
    /// Applies operations on what is in a node, from before its first child on.
    fn apply(&mut self, parent: Id, operations: &[Operation]) -> Result<(), DiffGramError> {
        let mut place = None;
        for operation in operations {
            match operation {
                Operation::Position(node, below) => {
                    if self.is_prolog(*node) {
                        continue;
                    }
                    self.apply(*node, below)?;
                    place = Some(*node);
                }
                Operation::Copy(nodes, below) => {
                    for node in nodes {
                        let copy = self.tree.copy(*node, below.is_none())?;
                        self.apply(copy, below.as_deref().unwrap_or_default())?;
                        self.insert(parent, &mut place, copy)?;
                    }
                }
                Operation::Node(kind, below) => self.add(parent, &mut place, kind, below)?,
                Operation::Attribute(one) => {
                    let attributes = self.attributes(parent, "xd:add type=\"2\"")?;
                    attributes.retain(|old| old.name.qualified() != one.name.qualified());
                    attributes.push(one.clone());
                }
                Operation::Fragment(id) => {
                    let diffgram = self.diffgram;
                    for child in diffgram.children(*id) {
                        let copy = self.tree.import(diffgram, child, 0)?;
                        self.insert(parent, &mut place, copy)?;
                    }
                }
                Operation::Remove(nodes) => {
                    for node in nodes {
                        self.tree.detach(*node);
                    }
                }
                Operation::RemoveAttributes(names) => {
                    let attributes = self.attributes(parent, "xd:remove")?;
                    attributes.retain(|one| !names.contains(&one.name.qualified()));
                }
                Operation::Unwrap(node, below) => {
                    place = self.unwrap(parent, *node, below)?;
                }
                Operation::ChangeElement(node, name, below) => {
                    if let Kind::Element(old, _) = self.tree.kind_mut(*node) {
                        *old = name.clone();
                    }
                    self.apply(*node, below)?;
                    place = Some(*node);
                }
                Operation::ChangeAttribute(name, new, value) => {
                    let mut attributes = self.attributes(parent, "xd:change")?.iter_mut();
                    let found = attributes.find(|one| one.name.qualified() == *name);
                    if let Some(one) = found {
                        one.name = new.clone();
                        one.value = value.as_str().into();
                    }
                }
                Operation::Change(node, kind) => {
                    *self.tree.kind_mut(*node) = kind.clone();
                    if !self.is_prolog(*node) {
                        place = Some(*node);
                    }
                }
            }
        }
        Ok(())
    }

    /// Adds a node, with what operations put into it.
    fn add(
        &mut self,
        parent: Id,
        place: &mut Option<Id>,
        kind: &Kind,
        below: &[Operation],
    ) -> Result<(), DiffGramError> {
        let node = self.tree.make(kind.clone())?;
        self.apply(node, below)?;
        match kind {
            Kind::Declaration(_) => self.tree.insert(Id::DOCUMENT, None, node),
            Kind::DocumentType(_) => {
                let first = self.tree.children(Id::DOCUMENT).next();
                let first = first.filter(|id| matches!(self.tree.kind(*id), Kind::Declaration(_)));
                self.tree.insert(Id::DOCUMENT, first, node);
            }
            _ => self.insert(parent, place, node)?,
        }
        Ok(())
    }

    /// Puts what is left in a node in its place; gives the last of it.
    fn unwrap(
        &mut self,
        parent: Id,
        node: Id,
        below: &[Operation],
    ) -> Result<Option<Id>, DiffGramError> {
        self.apply(node, below)?;
        let mut place = self.tree.previous(node);
        let children: Vec<Id> = self.tree.children(node).collect();
        for child in children {
            self.tree.detach(child);
            self.insert(parent, &mut place, child)?;
        }
        self.tree.detach(node);
        Ok(place)
    }

    fn is_prolog(&self, id: Id) -> bool {
        matches!(
            self.tree.kind(id),
            Kind::Declaration(_) | Kind::DocumentType(_)
        )
    }

    fn attributes(
        &mut self,
        id: Id,
        operation: &str,
    ) -> Result<&mut Vec<Attribute>, DiffGramError> {
        match self.tree.kind_mut(id) {
            Kind::Element(_, attributes) => Ok(attributes),
            _ => Err(DiffGramError::Operation(operation.to_owned())),
        }
    }

    /// Puts a node behind the place, which it becomes. Nothing stands before the prolog.
    fn insert(&mut self, parent: Id, place: &mut Option<Id>, id: Id) -> Result<(), DiffGramError> {
        let behind = match *place {
            Some(place) if self.tree.parent(place) != Some(parent) => {
                let message = "xd:add behind a node that is gone".to_owned();
                return Err(DiffGramError::Operation(message));
            }
            None if parent == Id::DOCUMENT => {
                let children = self.tree.children(parent);
                children.filter(|id| self.is_prolog(*id)).last()
            }
            place => place,
        };
        self.tree.insert(parent, behind, id);
        *place = Some(id);
        Ok(())
    }
}
