//! What a package asks for and this version does not do, by name and place.

use dtsx::{Executable, ExecutableKind, Package, Payload};
use fletching_components::{Finding, FindingKind};

use crate::task::finding;

/// The class of a `.dtsxp` file.
const PACKAGE_PART: &str = "Microsoft.DTSPackagePart";

/// What would make a run differ from SSIS's, tasks apart.
pub(crate) fn unsupported(package: &Package) -> Vec<Finding> {
    let root = package.root();
    if root.class_id == PACKAGE_PART {
        let message = "this is a part of packages, which no run knows: the designer has put a copy of it into each package (`.dtsx`) that uses it; run that one";
        return vec![finding(root, FindingKind::Unsupported, None, message)];
    }
    if package.sealed().is_empty() || !root.executables.is_empty() {
        return Vec::new();
    }
    let message = "the package is encrypted as a whole: its content cannot be read";
    vec![Finding {
        class: "Package".to_owned(),
        ..finding(root, FindingKind::Unsupported, None, message)
    }]
}

/// Why a task does not run.
pub(super) fn task(one: &Executable, class: Option<&str>) -> String {
    if let Payload::Script(script) = &one.payload {
        return format!("scripts are not run: {}", script.summary());
    }
    if one.class_id.ends_with(".dtsxp") {
        return format!(
            "`{}` stands for a package part, so this is the designer's own file: run the package (`.dtsx`) beside it, which has the part in it",
            one.class_id
        );
    }
    match (one.kind, class) {
        (ExecutableKind::Task(_), None) => format!(
            "the task class `{}` is not known: it is not supported; register a class of this name, or load a plug-in that has it",
            one.class_id
        ),
        _ if matches!(one.payload, Payload::None) => {
            "this task has no settings in the package".to_owned()
        }
        _ => "this task is not supported yet".to_owned(),
    }
}
