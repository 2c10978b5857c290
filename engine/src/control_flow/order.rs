//! The order of tasks: those without predecessors first, then each after all that it waits for, the document's order
//! among equals. Containers are opened in place: loops too, although they cannot run yet, so that what they hold is
//! checked.

use dtsx::{Executable, ExecutableKind, SsisCode};
use fletching_components::{Finding, FindingKind, Findings};

/// All Data Flow tasks of a container, depth first, in running order. A disabled container disables what it holds.
pub fn task_order(root: &Executable) -> Result<Vec<(&Executable, bool)>, Findings> {
    let mut tasks = Vec::new();
    let mut findings = Findings::default();
    visit(root, root.disabled, &mut tasks, &mut findings);
    findings.none_or(tasks)
}

fn visit<'a>(
    container: &'a Executable,
    disabled: bool,
    tasks: &mut Vec<(&'a Executable, bool)>,
    findings: &mut Findings,
) {
    for child in ordered(container, findings) {
        let disabled = disabled || child.disabled;
        match child.kind {
            ExecutableKind::Sequence
            | ExecutableKind::Package
            | ExecutableKind::ForLoop
            | ExecutableKind::ForeachLoop => visit(child, disabled, tasks, findings),
            _ => tasks.push((child, disabled)),
        }
    }
}

fn ordered<'a>(container: &'a Executable, findings: &mut Findings) -> Vec<&'a Executable> {
    let children = &container.executables;
    let constraints = &container.precedence_constraints;
    for constraint in constraints {
        for end in [&constraint.from, &constraint.to] {
            if !children.iter().any(|child| child.path == *end) {
                let message = format!(
                    "its precedence constraint `{}` leads from `{}` to `{}`, and `{end}` is not in it",
                    constraint.name, constraint.from, constraint.to
                );
                findings.push(invalid(container, message));
            }
        }
    }
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
    if order.len() < children.len() {
        let message = "its precedence constraints form a cycle".to_owned();
        findings.push(invalid(container, message));
    }
    order
}

fn invalid(container: &Executable, message: String) -> Finding {
    Finding {
        path: container.path.clone(),
        class: container.class_id.clone(),
        kind: FindingKind::Invalid,
        code: Some(SsisCode::VALIDATION_FAILED),
        message,
    }
}
