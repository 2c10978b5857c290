//! What the control flow of a package asks for and this version does not do, by name and place.

use dtsx::{ConstraintValue, EvalOp, Executable, ExecutableKind, Package, Payload};
use fletching_components::{Finding, FindingKind};

use crate::tasks::{BulkInsertTask, ExecuteSqlTask, is_execute_sql};

/// Every element of the control flow that would make a run differ from SSIS's. Disabled executables are left out.
pub fn unsupported(package: &Package) -> Vec<Finding> {
    let mut findings = Vec::new();
    let root = package.root();
    if !package.sealed().is_empty() && root.executables.is_empty() {
        findings.push(finding(
            root,
            "Package",
            "the package is encrypted as a whole: its content cannot be read",
        ));
    }
    let enabled = root.properties.bool("EnableConfig").unwrap_or(false);
    if enabled && !package.configurations().is_empty() {
        let names: Vec<&str> = package
            .configurations()
            .iter()
            .map(|one| one.name.as_str())
            .collect();
        let message = format!(
            "package configurations are not supported yet: {}",
            names.join(", ")
        );
        findings.push(finding(root, "Configuration", message));
    }
    if root.properties.bool("SaveCheckpoints").unwrap_or(false) {
        findings.push(finding(
            root,
            "Package",
            "checkpoints are not supported yet (SaveCheckpoints)",
        ));
    }
    if root.properties.int("CheckpointUsage").unwrap_or(0) != 0 {
        findings.push(finding(
            root,
            "Package",
            "restarting from a checkpoint is not supported yet (CheckpointUsage)",
        ));
    }
    executable(root, &mut findings);
    findings
}

fn executable(one: &Executable, findings: &mut Vec<Finding>) {
    if one.disabled {
        return;
    }
    kind(one, findings);
    let known = |property: &str| match &one.payload {
        Payload::ExecuteSql(_) => ExecuteSqlTask::sets(property),
        Payload::BulkInsert(_) => BulkInsertTask::sets(property),
        _ => false,
    };
    let unknown = one.property_expressions.iter();
    for expression in unknown.filter(|expression| !known(&expression.property)) {
        let message = format!(
            "the property expression on `{}` is not supported yet: {}",
            expression.property, expression.expression
        );
        findings.push(finding(one, "PropertyExpression", message));
    }
    for handler in &one.event_handlers {
        if handler
            .container
            .executables
            .iter()
            .any(|child| !child.disabled)
        {
            let message = format!(
                "the event handler for {} is not supported yet",
                handler.event_name
            );
            findings.push(finding(one, "EventHandler", message));
        }
    }
    if let Some(logging) = &one.logging_options
        && logging.mode == 1
        && !logging.providers.is_empty()
    {
        findings.push(finding(
            one,
            "LogProvider",
            "logging to the package's log providers is not supported yet",
        ));
    }
    properties(one, findings);
    constraints(one, findings);
    one.executables
        .iter()
        .for_each(|child| executable(child, findings));
}

fn kind(one: &Executable, findings: &mut Vec<Finding>) {
    let message = match (one.kind, &one.payload) {
        (ExecutableKind::Package | ExecutableKind::Sequence, _)
        | (_, Payload::DataFlow(_) | Payload::Expression(_) | Payload::BulkInsert(_)) => {
            return;
        }
        (_, Payload::ExecuteSql(_)) if is_execute_sql(one) => return,
        (ExecutableKind::ForLoop | ExecutableKind::ForeachLoop, _) => {
            "this container is not supported yet".to_owned()
        }
        (ExecutableKind::Task(Some(_)), _) => "this task is not supported yet".to_owned(),
        (ExecutableKind::Task(None), _) => {
            format!(
                "the task class `{}` is not known: it is not supported",
                one.class_id
            )
        }
    };
    findings.push(finding(one, class(one), message));
}

fn properties(one: &Executable, findings: &mut Vec<Finding>) {
    if one.properties.int("TransactionOption") == Some(2) {
        findings.push(finding(
            one,
            class(one),
            "transactions are not supported yet (TransactionOption=Required)",
        ));
    }
    if one
        .properties
        .int("ForceExecutionResult")
        .is_some_and(|value| value >= 0)
    {
        findings.push(finding(
            one,
            class(one),
            "ForceExecutionResult is not supported yet",
        ));
    }
    if one.properties.bool("ForceExecValue").unwrap_or(false) {
        findings.push(finding(
            one,
            class(one),
            "ForceExecValue is not supported yet",
        ));
    }
    let variable = one.properties.get("ExecValueVariable").unwrap_or_default();
    if !matches!(variable, "" | "<none>") {
        let message = format!("the execution value is not given to variable `{variable}` yet");
        findings.push(finding(one, class(one), message));
    }
}

fn constraints(container: &Executable, findings: &mut Vec<Finding>) {
    for constraint in &container.precedence_constraints {
        let expression = constraint.eval_op != EvalOp::Constraint;
        let logical_or = !constraint.logical_and
            && container
                .precedence_constraints
                .iter()
                .filter(|other| other.to == constraint.to)
                .count()
                > 1;
        let message = match constraint.value {
            _ if expression => "precedence constraints with an expression are not supported yet",
            _ if logical_or => "precedence constraints combined by OR are not supported yet",
            ConstraintValue::Success => continue,
            ConstraintValue::Failure => "precedence constraints on failure are not supported yet",
            ConstraintValue::Completion => {
                "precedence constraints on completion are not supported yet"
            }
            ConstraintValue::Canceled => {
                "precedence constraints on cancellation are not supported yet"
            }
        };
        let message = format!(
            "{message}: `{}` from {} to {}",
            constraint.name, constraint.from, constraint.to
        );
        findings.push(finding(container, "PrecedenceConstraint", message));
    }
}

fn class(one: &Executable) -> &str {
    match one.kind {
        ExecutableKind::Task(Some(class)) => class,
        ExecutableKind::ForLoop => "STOCK:FORLOOP",
        ExecutableKind::ForeachLoop => "STOCK:FOREACHLOOP",
        ExecutableKind::Sequence => "STOCK:SEQUENCE",
        _ => &one.class_id,
    }
}

fn finding(one: &Executable, class: &str, message: impl Into<String>) -> Finding {
    Finding {
        path: one.path.clone(),
        class: class.to_owned(),
        kind: FindingKind::Unsupported,
        code: None,
        message: message.into(),
    }
}
