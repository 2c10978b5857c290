//! What a package asks for and this version does not do, by name and place.

use dtsx::{Executable, ExecutableKind, Package, Payload};
use fletching_components::{Finding, FindingKind};

use super::{ContainerSettings, TransactionOption};
use crate::task::finding;

/// What would make a run differ from SSIS's, tasks apart. Disabled executables are left out.
/// `root`: the package's, overrides applied.
pub(crate) fn unsupported(package: &Package, root: &Executable) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut push = |class: &str, message: String| {
        findings.push(Finding {
            class: class.to_owned(),
            ..finding(root, FindingKind::Unsupported, None, message)
        });
    };
    if !package.sealed().is_empty() && root.executables.is_empty() {
        let message = "the package is encrypted as a whole: its content cannot be read";
        push("Package", message.to_owned());
    }
    let enabled = root.properties.bool("EnableConfig").unwrap_or(false);
    if enabled && !package.configurations().is_empty() {
        let names: Vec<&str> = package
            .configurations()
            .iter()
            .map(|one| one.name.as_str())
            .collect();
        let names = names.join(", ");
        push(
            "Configuration",
            format!("package configurations are not supported yet: {names}"),
        );
    }
    if root.properties.bool("SaveCheckpoints").unwrap_or(false) {
        let message = "checkpoints are not supported yet (SaveCheckpoints)";
        push("Package", message.to_owned());
    }
    if root.properties.int("CheckpointUsage").unwrap_or(0) != 0 {
        let message = "restarting from a checkpoint is not supported yet (CheckpointUsage)";
        push("Package", message.to_owned());
    }
    executable(root, &mut findings);
    findings
}

fn executable(one: &Executable, findings: &mut Vec<Finding>) {
    if one.disabled {
        return;
    }
    let settings = ContainerSettings::of(one).unwrap_or_default();
    if settings.transaction == TransactionOption::Required {
        let message = "transactions are not supported yet (TransactionOption=Required)";
        findings.push(finding(one, FindingKind::Unsupported, None, message));
    }
    let handlers = one.event_handlers.iter();
    let containers = handlers.map(|handler| handler.container.as_ref());
    one.executables
        .iter()
        .chain(containers)
        .for_each(|child| executable(child, findings));
}

/// Why a task does not run.
pub(super) fn task(one: &Executable, class: Option<&str>) -> String {
    match (one.kind, class) {
        (ExecutableKind::Task(_), None) => format!(
            "the task class `{}` is not known: it is not supported",
            one.class_id
        ),
        _ if matches!(one.payload, Payload::None) => {
            "this task has no settings in the package".to_owned()
        }
        _ => "this task is not supported yet".to_owned(),
    }
}
