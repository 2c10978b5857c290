//! Control flows made at random, against the rules of SSIS written down a second time (spec `ssis-semantics.md` 11.1 to 11.11).
//!
//! ```text
//!  proptest ──▶ Graph ──document──▶ dtsx::Package ──run──▶ report, events ─┐
//!                  └─────────model──▶ what must have come of it ───────────┴─▶ equal
//! ```

mod document;
mod executor;
mod model;
mod schedule;

use std::fmt;

use proptest::{collection::vec, prelude::*};

use super::ExecutionResult;

/// The executables of a container, and the constraints between them.
#[derive(Clone)]
struct Graph {
    nodes: Vec<Node>,
    arrows: Vec<Arrow>,
}

#[derive(Debug, Clone)]
struct Node {
    body: Body,
    disabled: bool,
    forced: Option<ExecutionResult>,
    fail_parent: bool,
    /// MaximumErrorCount.
    most: u32,
}

#[derive(Debug, Clone)]
enum Body {
    /// An Expression task; whether it fails.
    Task(bool),
    Sequence(Graph),
    /// A For loop of so many rounds.
    Loop(u32, Graph),
}

/// A precedence constraint between two places of a graph, the first before the second.
#[derive(Debug, Clone)]
struct Arrow {
    from: usize,
    to: usize,
    /// Success, Failure, Completion, Canceled.
    value: i32,
    /// Expression, Constraint, ExpressionAndConstraint, ExpressionOrConstraint.
    op: i32,
    and: bool,
    /// What its expression gives.
    holds: bool,
}

impl fmt::Debug for Graph {
    /// A case that failed is read by a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} with {:?}", self.nodes, self.arrows)
    }
}

fn result() -> impl Strategy<Value = ExecutionResult> {
    prop_oneof![
        4 => Just(ExecutionResult::Success),
        3 => Just(ExecutionResult::Failure),
        1 => Just(ExecutionResult::Canceled),
    ]
}

fn node(body: impl Strategy<Value = Body> + 'static) -> BoxedStrategy<Node> {
    let parts = (
        body,
        prop::bool::weighted(0.1),
        prop::option::weighted(0.15, result()),
        prop::bool::weighted(0.15),
        prop_oneof![4 => Just(1u32), 1 => Just(0u32), 2 => 2..4u32],
    );
    let made = parts.prop_map(|(body, disabled, forced, fail_parent, most)| Node {
        body,
        disabled,
        forced,
        fail_parent,
        most,
    });
    made.boxed()
}

fn graph_of(node: BoxedStrategy<Node>) -> BoxedStrategy<Graph> {
    let made = vec(node, 1..6).prop_flat_map(|nodes| {
        let place = 0..nodes.len();
        let arrow = (
            (place.clone(), place),
            0..4i32,
            prop_oneof![4 => Just(2), 1 => Just(1), 1 => Just(3), 1 => Just(4)],
            prop::bool::weighted(0.6),
            any::<bool>(),
        );
        let made = arrow.prop_map(|((one, other), value, op, and, holds)| Arrow {
            from: one.min(other),
            to: one.max(other),
            value,
            op,
            and,
            holds,
        });
        (Just(nodes), vec(made, 0..8)).prop_map(|(nodes, mut arrows)| {
            arrows.retain(|arrow| arrow.from != arrow.to);
            Graph { nodes, arrows }
        })
    });
    made.boxed()
}

/// A graph, with containers down to so many levels.
fn graph(levels: u32) -> BoxedStrategy<Graph> {
    let task = prop::bool::weighted(0.3).prop_map(Body::Task);
    if levels == 0 {
        return graph_of(node(task));
    }
    let inner = graph(levels - 1);
    let body = prop_oneof![
        4 => task,
        2 => inner.clone().prop_map(Body::Sequence),
        1 => (0..4u32, inner).prop_map(|(rounds, graph)| Body::Loop(rounds, graph)),
    ];
    graph_of(node(body))
}
