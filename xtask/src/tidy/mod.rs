//! The rules of the house, one check a file. A check takes the [`Tree`] and gives every [`Breach`] it finds.

mod edges;
mod length;
mod manifests;
mod module_docs;
mod names;
mod one_arrow;
pub(crate) mod source;
mod specs;

use std::fmt;

use crate::tree::Tree;

/// A broken rule: where, and what to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Breach {
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) advice: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.advice)
    }
}

/// Every breach, check by check, in the order of the files.
pub(crate) fn check(tree: &Tree) -> Vec<Breach> {
    [
        edges::check,
        one_arrow::check,
        manifests::check,
        length::check,
        module_docs::check,
        names::check,
        specs::check,
    ]
    .iter()
    .flat_map(|check| check(tree))
    .collect()
}
