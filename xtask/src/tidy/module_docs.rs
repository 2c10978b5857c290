//! Every Rust file opens by saying what it is for.

use crate::{tidy::Breach, tree::Tree};

pub(crate) fn check(tree: &Tree) -> Vec<Breach> {
    tree.sources()
        .filter(|source| !source.text.starts_with("//! "))
        .map(|source| Breach {
            path: source.path.clone(),
            line: 1,
            advice: "open the file with `//!`: what it is for and how data passes through"
                .to_owned(),
        })
        .collect()
}
