//! The order of the executables of a container in which each comes after all that its constraints put before it, the
//! document's order among equals; and what is wrong with constraints.

use dtsx::{Executable, Payload, SsisCode};
use fletching_components::{Finding, FindingKind};

use crate::task::finding;

/// The Data Flow tasks of a container that are not disabled, those of event handlers among them, depth first.
pub(crate) fn data_flows(root: &Executable) -> Vec<&Executable> {
    let mut flows = Vec::new();
    visit(root, &mut flows);
    flows
}

fn visit<'a>(executable: &'a Executable, flows: &mut Vec<&'a Executable>) {
    if executable.disabled {
        return;
    }
    if matches!(executable.payload, Payload::DataFlow(_)) {
        flows.push(executable);
    }
    let (order, _) = ordered(executable);
    order.into_iter().for_each(|child| visit(child, flows));
    for handler in &executable.event_handlers {
        visit(&handler.container, flows);
    }
}

/// Constraints that lead to nowhere, or in a circle.
pub(super) fn check_order(container: &Executable) -> Vec<Finding> {
    let wrong = |message: String| {
        let code = Some(SsisCode::VALIDATION_FAILED);
        finding(container, FindingKind::Invalid, code, message)
    };
    let children = &container.executables;
    let mut findings = Vec::new();
    for constraint in &container.precedence_constraints {
        for end in [&constraint.from, &constraint.to] {
            if !children.iter().any(|child| child.path == *end) {
                findings.push(wrong(format!(
                    "its precedence constraint `{}` leads from `{}` to `{}`, and `{end}` is not in it",
                    constraint.name, constraint.from, constraint.to
                )));
            }
        }
    }
    if !ordered(container).1 {
        findings.push(wrong("its precedence constraints form a cycle".to_owned()));
    }
    findings
}

/// The children in order, and whether all are among them: those of a circle come last, or not at all.
fn ordered(container: &Executable) -> (Vec<&Executable>, bool) {
    let children = &container.executables;
    let constraints = &container.precedence_constraints;
    let mut done = vec![false; children.len()];
    let mut order = Vec::with_capacity(children.len());
    let waits = |index: usize, done: &[bool]| {
        constraints
            .iter()
            .filter(|constraint| constraint.to == children[index].path)
            .any(|constraint| {
                children
                    .iter()
                    .position(|child| child.path == constraint.from)
                    .is_some_and(|from| !done[from])
            })
    };
    while let Some(next) = (0..children.len()).find(|&index| !done[index] && !waits(index, &done)) {
        done[next] = true;
        order.push(&children[next]);
    }
    let all = order.len() == children.len();
    (order, all)
}
