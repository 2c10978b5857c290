//! Paths of DiffGrams: which nodes or attributes an operation is about, by their places in the source document.

use std::{collections::HashMap, rc::Rc};

use super::DiffGramError;
use crate::xml::{
    XmlError,
    tree::{Id, Tree},
};

/// What a path leads to.
#[derive(Debug, Clone)]
pub(super) enum Selected {
    Nodes(Vec<Id>),
    /// Attributes of the node that the operation is within, by their names with prefixes.
    Attributes(Vec<String>),
}

/// Nodes that all paths of a DiffGram together lead to.
const SELECTED_MAX: usize = 8 << 20;

/// Follows paths in a document that is not changed meanwhile.
#[derive(Debug, Default)]
pub(super) struct Paths {
    children: HashMap<Id, Rc<[Id]>>,
    selected: usize,
}

impl Paths {
    /// Follows a path from a node.
    pub(super) fn select(
        &mut self,
        tree: &Tree,
        from: Id,
        path: &str,
    ) -> Result<Selected, DiffGramError> {
        if let Some(names) = path.strip_prefix('@') {
            return attributes(tree, from, path, names);
        }
        let (from, last) = match path.strip_prefix('/') {
            None => (from, path),
            Some(steps) => {
                let (steps, last) = steps.rsplit_once('/').unwrap_or(("", steps));
                let mut at = Id::DOCUMENT;
                for step in steps.split('/').filter(|step| !step.is_empty()) {
                    let children = self.children(tree, at);
                    at = child(&children, number(step, path)?, path)?;
                }
                (at, last)
            }
        };
        let children = self.children(tree, from);
        let mut found = Vec::new();
        if last == "*" {
            found.extend(children.iter());
        } else {
            for part in last.split('|') {
                let (first, last) = part.split_once('-').unwrap_or((part, part));
                let (first, last) = (number(first, path)?, number(last, path)?);
                child(&children, first, path)?;
                child(&children, last, path)?;
                // The place before the first is none.
                let row = children.get(first - 1..last).unwrap_or_default();
                self.selected += row.len();
                if self.selected > SELECTED_MAX {
                    let message = format!("paths to more than {SELECTED_MAX} nodes");
                    return Err(XmlError::Limit(message).into());
                }
                found.extend(row);
            }
        }
        match found.is_empty() {
            true => Err(DiffGramError::NoNode(path.to_owned())),
            false => Ok(Selected::Nodes(found)),
        }
    }

    fn children(&mut self, tree: &Tree, id: Id) -> Rc<[Id]> {
        let known = self.children.entry(id);
        Rc::clone(known.or_insert_with(|| tree.children(id).collect()))
    }
}

fn number(text: &str, path: &str) -> Result<usize, DiffGramError> {
    text.parse()
        .map_err(|_| DiffGramError::Path(path.to_owned()))
}

fn child(children: &[Id], number: usize, path: &str) -> Result<Id, DiffGramError> {
    let found = number.checked_sub(1).and_then(|at| children.get(at));
    found
        .copied()
        .ok_or_else(|| DiffGramError::NoNode(path.to_owned()))
}

/// `@*`, `@name`, `@name|@other`.
fn attributes(tree: &Tree, from: Id, path: &str, names: &str) -> Result<Selected, DiffGramError> {
    let there = tree.attributes(from).iter().map(|one| one.name.qualified());
    let there: Vec<String> = there.collect();
    let found = match names {
        "*" => there,
        names => {
            let mut found = Vec::new();
            for name in names.split("|@") {
                match there.iter().any(|one| one == name) {
                    true => found.push(name.to_owned()),
                    false => return Err(DiffGramError::NoNode(path.to_owned())),
                }
            }
            found
        }
    };
    match found.is_empty() {
        true => Err(DiffGramError::NoNode(path.to_owned())),
        false => Ok(Selected::Attributes(found)),
    }
}
