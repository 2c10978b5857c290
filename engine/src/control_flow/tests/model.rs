//! The rules, without a thought for how long they take: nothing here is shared with what is tested.

use std::collections::BTreeMap;

use super::{Arrow, Body, Graph, Node};
use crate::ExecutionResult::{self, Canceled, Failure, Success};

/// What became of a task, or would have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fate {
    Ran,
    Failed,
    Skipped,
    Disabled,
}

/// What a run leaves.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// How often each task met each fate.
    pub(super) fates: BTreeMap<(String, Fate), u32>,
    pub(super) errors: u32,
}

/// Whether the arrow holds, by what it comes from: `None` if that did not run.
fn holds(arrow: &Arrow, from: Option<ExecutionResult>) -> bool {
    let Some(result) = from else { return false };
    let outcome = match arrow.value {
        0 => result == Success,
        1 => result == Failure,
        2 => result == Success || result == Failure,
        _ => result == Canceled,
    };
    match arrow.op {
        1 => arrow.holds,
        2 => outcome,
        3 => outcome && arrow.holds,
        _ => outcome || arrow.holds,
    }
}

/// Whether the executable at a place starts, by the results of those before it.
pub(super) fn starts(graph: &Graph, place: usize, results: &[Option<ExecutionResult>]) -> bool {
    let before = || graph.arrows.iter().filter(|arrow| arrow.to == place);
    let all = |and: bool| before().filter(move |arrow| arrow.and == and);
    let one = all(false).any(|arrow| holds(arrow, results[arrow.from]));
    let every = all(true).all(|arrow| holds(arrow, results[arrow.from]));
    before().next().is_none() || one || (all(true).next().is_some() && every)
}

/// The path of the executable at a place.
pub(super) fn path(parent: &str, place: usize) -> String {
    format!("{parent}\\N{place}")
}

/// The whole package, MaximumErrorCount 1.
pub(super) fn package(graph: &Graph) -> (ExecutionResult, Outcome) {
    let mut outcome = Outcome::default();
    let mut failed = false;
    let errors = children(graph, "Package", &mut failed, &mut outcome);
    outcome.errors = errors;
    let result = if failed || errors >= 1 {
        Failure
    } else {
        Success
    };
    (result, outcome)
}

/// The errors under a container; whether a child failed it goes to `failed`.
fn children(graph: &Graph, parent: &str, failed: &mut bool, outcome: &mut Outcome) -> u32 {
    let mut results: Vec<Option<ExecutionResult>> = Vec::new();
    let mut errors = 0;
    for (place, node) in graph.nodes.iter().enumerate() {
        let path = path(parent, place);
        if !starts(graph, place, &results) {
            pass(node, &path, Fate::Skipped, outcome);
            results.push(None);
            continue;
        }
        if node.disabled {
            pass(node, &path, Fate::Disabled, outcome);
            results.push(Some(Success));
            continue;
        }
        let (result, raised) = run(node, &path, outcome);
        errors += raised;
        *failed |= node.fail_parent && result == Failure;
        results.push(Some(result));
    }
    errors
}

fn run(node: &Node, path: &str, outcome: &mut Outcome) -> (ExecutionResult, u32) {
    let mut failed = false;
    let full = |errors: u32| node.most != 0 && errors >= node.most;
    let errors = match &node.body {
        Body::Task(fails) => {
            let fate = if *fails { Fate::Failed } else { Fate::Ran };
            note(path, fate, outcome);
            failed = *fails;
            u32::from(*fails)
        }
        Body::Sequence(graph) => children(graph, path, &mut failed, outcome),
        Body::Loop(rounds, graph) => {
            let mut errors = 0;
            for _ in 0..*rounds {
                if failed || full(errors) {
                    break;
                }
                errors += children(graph, path, &mut failed, outcome);
            }
            errors
        }
    };
    let result = if failed || full(errors) {
        Failure
    } else {
        Success
    };
    (node.forced.unwrap_or(result), errors)
}

fn note(path: &str, fate: Fate, outcome: &mut Outcome) {
    *outcome.fates.entry((path.to_owned(), fate)).or_default() += 1;
}

/// All tasks of an executable meet one fate.
fn pass(node: &Node, at: &str, fate: Fate, outcome: &mut Outcome) {
    match &node.body {
        Body::Task(_) => note(at, fate, outcome),
        Body::Sequence(graph) | Body::Loop(_, graph) => {
            for (place, node) in graph.nodes.iter().enumerate() {
                pass(node, &path(at, place), fate, outcome);
            }
        }
    }
}
