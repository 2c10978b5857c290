//! System variables that the document itself gives: of the package and of each task and container (spec
//! `ssis-matrix.md` section 11). Those of the run and the machine are in [`crate::prepare`].

use std::sync::Arc;

use crate::{Event, EventKind};
use arrow::array::{ArrayRef, StringViewArray};
use dtsx::{DataType, Executable, Package};
use fletching_expression::{ConvertOptions, Scalar, convert};

/// LCID by which SSIS writes CreationDate into a package, whatever the package's own.
const EN_US: u32 = 1033;

/// Of the package.
pub(crate) fn of_package(package: &Package) -> Vec<(&'static str, Scalar)> {
    let root = package.root();
    let text = |name: &str| Scalar::from(root.properties.get(name).unwrap_or_default());
    let number = |name: &str| integer(root.properties.int(name).unwrap_or(0));
    let mut variables = vec![
        ("CreatorName", text("CreatorName")),
        ("CreatorComputerName", text("CreatorComputerName")),
        ("VersionBuild", number("VersionBuild")),
        ("VersionMajor", number("VersionMajor")),
        ("VersionMinor", number("VersionMinor")),
        ("VersionComments", text("VersionComments")),
        ("InteractiveMode", Scalar::from(false)),
        ("IgnoreConfigurationsOnLoad", Scalar::from(false)),
        // A handle of Windows: nobody waits for it.
        ("CancelEvent", integer(0)),
        // Of a run that no catalog has started.
        ("ServerExecutionID", Scalar::from(0_i64)),
        (
            "OfflineMode",
            Scalar::from(root.properties.bool("OfflineMode").unwrap_or(false)),
        ),
    ];
    variables.extend(creation_date(root).map(|date| ("CreationDate", date)));
    variables
}

/// Of a task or container; the package counts as one. `parent`: the DTSID of what it is in.
pub(crate) fn of_task(task: &Executable, parent: &str) -> Vec<(&'static str, Scalar)> {
    vec![
        ("ParentContainerGUID", Scalar::from(parent)),
        ("TaskName", Scalar::from(task.name.as_str())),
        ("TaskID", Scalar::from(task.dtsid.as_str())),
        (
            "CreationName",
            Scalar::from(task.properties.get("CreationName").unwrap_or_default()),
        ),
        (
            "LocaleID",
            integer(task.properties.int("LocaleID").unwrap_or(0)),
        ),
        (
            "TaskTransactionOption",
            integer(task.properties.int("TransactionOption").unwrap_or(1)),
        ),
    ]
}

fn integer(value: i64) -> Scalar {
    // Properties of 32 bits: an LCID, a version number.
    Scalar::from(i32::try_from(value).unwrap_or_default())
}

/// Absent where the package has none, or none that reads as a date: naming it is then an error.
fn creation_date(root: &Executable) -> Option<Scalar> {
    let text: ArrayRef = Arc::new(StringViewArray::from(vec![
        root.properties.get("CreationDate")?,
    ]));
    let (from, data_type) = (DataType::WStr { length: 100 }, DataType::Date);
    let options = ConvertOptions {
        locale_id: EN_US,
        ..ConvertOptions::default()
    };
    let converted = convert(&text, &from, &data_type, &options).ok()?;
    converted.errors.is_empty().then_some(Scalar {
        data_type,
        array: converted.array,
    })
}

/// What a handler knows of its event: name, value, whether tasks may not set it. `None`: before there is one. `parent`: the
/// DTSID of what its source is in.
pub(crate) fn of_event(event: Option<&Event>, parent: &str) -> Vec<(&'static str, Scalar, bool)> {
    let source = event.map(|event| event.source.clone()).unwrap_or_default();
    let kind = event.map(|event| &event.kind);
    let text = |text: &str| Scalar::from(text);
    let message = event.map_or("", |event| event.message.as_str());
    let of = |wanted: EventKind| match kind {
        Some(kind) if *kind == wanted => message,
        _ => "",
    };
    let code = event.and_then(|event| event.code);
    let percent = event.map_or(0, |event| event.percent);
    let (name, value) = event
        .and_then(|event| event.variable.clone())
        .unwrap_or_default();
    vec![
        ("Cancel", Scalar::from(false), false),
        ("Propagate", Scalar::from(true), false),
        (
            "ErrorCode",
            integer(code.map_or(0, |code| code.as_i32().into())),
            true,
        ),
        ("ErrorDescription", text(message), true),
        ("ExecutionStatus", Scalar::from(true), true),
        ("ExecutionValue", text(""), true),
        ("PercentComplete", integer(percent.into()), true),
        ("ProgressCountHigh", integer(0), true),
        ("ProgressCountLow", integer(0), true),
        ("ProgressDescription", text(of(EventKind::Progress)), true),
        ("SourceDescription", text(&source.description), true),
        ("SourceID", text(&source.id), true),
        ("SourceName", text(&source.name), true),
        ("SourceParentGUID", text(parent), true),
        ("VariableDescription", text(""), true),
        ("VariableID", text(""), true),
        ("VariableName", text(&name), true),
        ("VariableValue", text(&value), true),
    ]
}
