//! Tall trees: `1 + 1 + 1 + …` is a tree as high as it is long, and what goes through it goes down as far. A tree above
//! [`HEIGHT_USUAL`] is worked on, copied and dropped on a stack of its own, whose size follows its height.
//!
//! ```text
//!  low tree  ──▶ the caller's stack (2 MiB of a worker thread are enough)
//!  tall tree ──▶ a stack of 16 KiB for each node above another, gone with the work
//! ```

use std::fmt;

use crate::{
    check::{Typed, TypedKind},
    syntax::{Literal, Node, NodeKind},
};

/// Nodes above each other for which the stack of any thread has room.
pub(crate) const HEIGHT_USUAL: usize = 500;

/// The highest tree: 4,000 characters, as many as SSIS takes, make none that is higher.
pub(crate) const HEIGHT_MAX: usize = 2000;

/// What a node needs of the stack in a build without optimisation, and as much again for the conversion of an operand.
const BYTES_PER_NODE: usize = 16 << 10;

/// Does what goes down a tree of this height.
pub(crate) fn with_room<R>(height: usize, work: impl FnOnce() -> R) -> R {
    match height <= HEIGHT_USUAL {
        true => work(),
        false => stacker::grow(height * BYTES_PER_NODE, work),
    }
}

/// A tree that may be tall.
pub(crate) struct Tree<T: Leaf> {
    pub(crate) root: T,
    pub(crate) height: usize,
}

/// What takes the place of a tree that is dropped.
pub(crate) trait Leaf {
    fn leaf() -> Self;
}

impl Leaf for Node {
    fn leaf() -> Self {
        Self {
            kind: NodeKind::Literal(Literal::Bool(false)),
            start: 0,
            end: 0,
            height: 1,
        }
    }
}

impl Leaf for Typed {
    fn leaf() -> Self {
        Self {
            data_type: dtsx::DataType::Null,
            kind: TypedKind::Column(0),
        }
    }
}

impl<T: Leaf> Drop for Tree<T> {
    fn drop(&mut self) {
        if self.height > HEIGHT_USUAL {
            let root = std::mem::replace(&mut self.root, T::leaf());
            with_room(self.height, || drop(root));
        }
    }
}

impl<T: Leaf + Clone> Clone for Tree<T> {
    fn clone(&self) -> Self {
        Self {
            root: with_room(self.height, || self.root.clone()),
            height: self.height,
        }
    }
}

impl<T: Leaf + PartialEq> PartialEq for Tree<T> {
    fn eq(&self, other: &Self) -> bool {
        self.height == other.height && with_room(self.height, || self.root == other.root)
    }
}

impl<T: Leaf + fmt::Debug> fmt::Debug for Tree<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        with_room(self.height, || self.root.fmt(f))
    }
}

impl<T: Leaf + fmt::Display> fmt::Display for Tree<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        with_room(self.height, || self.root.fmt(f))
    }
}

#[cfg(test)]
mod tests {
    use crate::{compile, parse, share, values::Values};

    /// Not the stack of the test's thread, which may be larger.
    fn on_a_worker(work: impl FnOnce() + Send + 'static) {
        let thread = std::thread::Builder::new().stack_size(2 << 20);
        thread.spawn(work).unwrap().join().unwrap();
    }

    #[test]
    fn the_longest_chains_of_ssis() {
        on_a_worker(|| {
            let mut values = Values::new(1033);
            let (name, value) = Values::parse_binding("A:DT_I4=1", 1033).unwrap();
            values.add_column(name, value);
            let (name, value) = Values::parse_binding("S:DT_WSTR(1)=s", 1033).unwrap();
            values.add_column(name, value);
            let (name, value) = Values::parse_binding("N:DT_NUMERIC(9,2)=1", 1033).unwrap();
            values.add_column(name, value);
            let chosen = "A==2?0:".repeat(570) + "7";
            for (text, want) in [
                (vec!["1"; 2000].join("+"), "2000"),
                (vec!["A"; 2000].join("+"), "2000"),
                (vec!["A"; 1999].join("+") + "+1L", "2000"),
                (vec!["N"; 2000].join("+"), "2000.00"),
                (vec!["S"; 1999].join("+") + "==\"s\"", "False"),
                (chosen, "7"),
            ] {
                let parsed = parse(&text).unwrap();
                let shown = parsed.to_string();
                assert!(parse(&shown).unwrap().to_string() == shown);
                assert!(parsed.clone() == parsed);
                let mut expression = parsed.compile(&values).unwrap();
                share(std::iter::once(&mut expression));
                assert!(format!("{expression:?}").len() > 100);
                let found = expression.clone().evaluate_row(&values).unwrap();
                assert_eq!(found.to_string(), want);
            }
            for unfinished in ["+", "+\"a\"", "+A)"] {
                let text = vec!["A"; 2000].join("+") + unfinished;
                assert!(compile(&text, &values).is_err());
            }
            let error = parse(&vec!["A"; 2001].join("+")).unwrap_err();
            assert!(
                error.message.starts_with("more than 2000 operators"),
                "{error}"
            );
        });
    }
}
