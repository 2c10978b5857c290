//! What a package asks for and this version does not do, by name and place.

use dtsx::{Executable, ExecutableKind, Package, Payload};
use fletching_components::{Finding, FindingKind};

use crate::task::finding;

/// What would make a run differ from SSIS's, tasks apart. Disabled executables are left out.
pub(crate) fn unsupported(package: &Package) -> Vec<Finding> {
    let mut findings = Vec::new();
    let root = package.root();
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
    executable(root, &mut findings);
    findings
}

fn executable(one: &Executable, findings: &mut Vec<Finding>) {
    if one.disabled {
        return;
    }
    if let Some(logging) = &one.logging_options
        && logging.mode == 1
        && !logging.providers.is_empty()
    {
        findings.push(Finding {
            class: "LogProvider".to_owned(),
            ..finding(
                one,
                FindingKind::Unsupported,
                None,
                "logging to the package's log providers is not supported yet",
            )
        });
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
    if let Payload::Script(script) = &one.payload {
        return format!("scripts are not run: {}", script.summary());
    }
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
