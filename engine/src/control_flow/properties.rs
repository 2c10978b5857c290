//! Properties of executables as property expressions and `--set` set them.
//!
//! A task is made anew from its executable for each validation and each run, so that setting a property on a copy of the
//! executable is all there is to it.

use std::borrow::Cow;

use dtsx::{
    BulkInsert, Executable, ExecutableKind, ExecuteSql, Payload, PropertyOf, ResultType, SqlSource,
    SsisCode, TaskData,
};
use fletching_components::{Finding, FindingKind, Findings, Variables};

use crate::tasks;

/// Why a property cannot be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PropertyError {
    #[error("there is no such property; there are: {}", known.join(", "))]
    Unknown { known: Vec<String> },
    #[error("is `{found}`: {wanted} is wanted")]
    Value { found: String, wanted: String },
}

/// Properties of every executable, and the attributes that hold them.
const COMMON: [(&str, &str); 15] = [
    ("Name", "ObjectName"),
    ("Description", "Description"),
    ("Disable", "Disabled"),
    ("Disabled", "Disabled"),
    ("DelayValidation", "DelayValidation"),
    ("DisableEventHandlers", "DisableEventHandlers"),
    ("FailPackageOnFailure", "FailPackageOnFailure"),
    ("FailParentOnFailure", "FailParentOnFailure"),
    ("ForceExecutionResult", "ForceExecutionResult"),
    ("ForceExecutionValue", "ForceExecValue"),
    ("ForcedExecutionValue", "ExecValue"),
    ("IsolationLevel", "ISOLevel"),
    ("LocaleID", "LocaleID"),
    ("MaximumErrorCount", "MaxErrorCount"),
    ("TransactionOption", "TransactionOption"),
];

const OF_PACKAGES: [(&str, &str); 7] = [
    ("CheckpointFileName", "CheckpointFileName"),
    ("CheckpointUsage", "CheckpointUsage"),
    ("MaxConcurrentExecutables", "MaxConcurrentExecutables"),
    ("PackagePriorityClass", "PackagePriorityClass"),
    ("SaveCheckpoints", "SaveCheckpoints"),
    (
        "SuppressConfigurationWarnings",
        "SuppressConfigurationWarnings",
    ),
    ("VersionComments", "VersionComments"),
];

const OF_FOR_LOOPS: [(&str, &str); 4] = [
    ("InitExpression", "InitExpression"),
    ("EvalExpression", "EvalExpression"),
    ("AssignExpression", "AssignExpression"),
    ("MaximumConcurrentIterations", "MaximumConcurrentIterations"),
];

const OF_DATA_FLOWS: [(&str, &str); 7] = [
    ("AutoAdjustBufferSize", "autoAdjustBufferSize"),
    ("BLOBTempStoragePath", "BLOBTempStoragePath"),
    ("BufferTempStoragePath", "bufferTempStoragePath"),
    ("DefaultBufferMaxRows", "defaultBufferMaxRows"),
    ("DefaultBufferSize", "defaultBufferSize"),
    ("EngineThreads", "engineThreads"),
    ("RunInOptimizedMode", "runInOptimizedMode"),
];

const OF_SCRIPTS: [(&str, &str); 4] = [
    ("EntryPoint", "EntryPoint"),
    ("ReadOnlyVariables", "ReadOnlyVariables"),
    ("ReadWriteVariables", "ReadWriteVariables"),
    ("ScriptLanguage", "Language"),
];

const OF_EXECUTE_SQL: [&str; 8] = [
    "BypassPrepare",
    "CodePage",
    "Connection",
    "IsStoredProcedure",
    "ResultSetType",
    "SqlStatementSource",
    "SqlStatementSourceType",
    "TimeOut",
];

/// The attribute that holds a property.
fn find(known: &[(&str, &'static str)], property: &str) -> Option<&'static str> {
    let mut known = known.iter();
    let found = known.find(|(name, _)| name.eq_ignore_ascii_case(property));
    found.map(|(_, attribute)| *attribute)
}

/// Properties that only executables of this kind have.
fn own(executable: &Executable) -> &'static [(&'static str, &'static str)] {
    match (executable.kind, &executable.payload) {
        (ExecutableKind::Package, _) => &OF_PACKAGES,
        (ExecutableKind::ForLoop, _) => &OF_FOR_LOOPS,
        (ExecutableKind::ForeachLoop | ExecutableKind::Sequence, _) => &[],
        (_, Payload::DataFlow(_)) => &OF_DATA_FLOWS,
        (_, Payload::Expression(_)) => &[("Expression", "Expression")],
        (_, Payload::Script(_)) => &OF_SCRIPTS,
        _ => tasks::properties(executable),
    }
}

/// The settings of a task whose class is not ours. Which properties it has only its class knows: any may be set, and the
/// class refuses what it does not take.
fn of_unknown_class(executable: &mut Executable) -> Option<&mut TaskData> {
    match (executable.kind, &mut executable.payload) {
        (ExecutableKind::Task(None), Payload::Other(data)) => Some(data),
        _ => None,
    }
}

fn set_unknown(data: &mut TaskData, property: &str, value: &str) {
    let mut items = data.items.iter_mut();
    let item = items.find(|(element, properties)| {
        element.eq_ignore_ascii_case(property) && properties.get("Value").is_some()
    });
    match item {
        Some((_, properties)) => properties.set("Value", value),
        None => data.properties.set(property, value),
    }
}

/// Where the document keeps a property, and the attribute that holds it.
pub(crate) fn kept(executable: &Executable, property: &str) -> Option<(PropertyOf, String)> {
    if let Some(attribute) = find(&COMMON, property) {
        return Some((PropertyOf::Object, attribute.to_owned()));
    }
    if let (ExecutableKind::Task(None), Payload::Other(data)) =
        (executable.kind, &executable.payload)
    {
        let known = data.properties.property(property);
        let name = known.map_or(property, |known| known.name.as_str());
        return Some((PropertyOf::Payload, name.to_owned()));
    }
    let place = match executable.payload {
        Payload::None => PropertyOf::Object,
        _ => PropertyOf::Payload,
    };
    let attribute = match &executable.payload {
        Payload::ExecuteSql(_) => {
            let mut known = OF_EXECUTE_SQL.iter();
            let known = known.find(|known| known.eq_ignore_ascii_case(property))?;
            match *known {
                "IsStoredProcedure" => "IsStoredProc",
                "ResultSetType" => "ResultType",
                "SqlStatementSourceType" => "SqlStmtSourceType",
                other => other,
            }
        }
        _ => find(own(executable), property)?,
    };
    Some((place, attribute.to_owned()))
}

/// Sets a property. Booleans and members of enumerations are numbers or words, as [`dtsx`] reads them.
///
/// # Errors
/// It has no such property, or not of such a value.
pub(crate) fn set(
    executable: &mut Executable,
    property: &str,
    value: &str,
) -> Result<(), PropertyError> {
    if let Some(attribute) = find(&COMMON, property) {
        return set_common(executable, attribute, value);
    }
    if let Some((component, property)) = of_component(property) {
        return set_component(executable, component, property, value);
    }
    if let Some(data) = of_unknown_class(executable) {
        set_unknown(data, property, value);
        return Ok(());
    }
    let attribute = find(own(executable), property);
    let is_sql = matches!(executable.payload, Payload::ExecuteSql(_));
    if attribute.is_none() && !is_sql {
        return Err(unknown(executable));
    }
    let attribute = attribute.unwrap_or_default();
    match &mut executable.payload {
        Payload::ExecuteSql(task) if !attribute.is_empty() => task.properties.set(attribute, value),
        Payload::ExecuteSql(task) => {
            return match set_sql(task, property, value) {
                Some(done) => done,
                None => Err(unknown(executable)),
            };
        }
        Payload::BulkInsert(task) => {
            let mut properties = task.properties.clone();
            properties.set(attribute, value);
            **task = BulkInsert::new(properties).map_err(|wrong| PropertyError::Value {
                found: wrong.found,
                wanted: wrong.wanted.to_owned(),
            })?;
        }
        Payload::Other(task) => task.properties.set(attribute, value),
        Payload::Script(script) => script.properties.set(attribute, value),
        Payload::Expression(text) => value.clone_into(text),
        Payload::DataFlow(flow) => flow.properties.set(attribute, value),
        Payload::None => executable.properties.set(attribute, value),
    }
    Ok(())
}

fn set_common(
    executable: &mut Executable,
    attribute: &str,
    value: &str,
) -> Result<(), PropertyError> {
    let flag = || {
        dtsx::parse_bool(value).ok_or_else(|| PropertyError::Value {
            found: value.to_owned(),
            wanted: "True or False".to_owned(),
        })
    };
    match attribute {
        "ObjectName" => value.clone_into(&mut executable.name),
        "Description" => value.clone_into(&mut executable.description),
        "Disabled" => executable.disabled = flag()?,
        "DelayValidation" => executable.delay_validation = flag()?,
        _ => {}
    }
    executable.properties.set(attribute, value);
    Ok(())
}

/// `[Component].[Property]`.
pub(crate) fn of_component(property: &str) -> Option<(&str, &str)> {
    property
        .strip_prefix('[')?
        .strip_suffix(']')?
        .split_once("].[")
}

fn set_component(
    executable: &mut Executable,
    component: &str,
    property: &str,
    value: &str,
) -> Result<(), PropertyError> {
    let Payload::DataFlow(flow) = &mut executable.payload else {
        return Err(unknown(executable));
    };
    let known = |flow: &dtsx::DataFlow| {
        let all = flow.components.iter().flat_map(|component| {
            let properties = component.properties.iter();
            properties.map(|property| format!("[{}].[{}]", component.name, property.name))
        });
        all.collect()
    };
    let mut components = flow.components.iter_mut();
    let found = components
        .find(|candidate| candidate.name == component)
        .map(|component| &mut component.properties)
        .filter(|properties| properties.get(property).is_some());
    match found {
        Some(properties) => properties.set(property, value),
        None => return Err(PropertyError::Unknown { known: known(flow) }),
    }
    Ok(())
}

/// `None` if it has no such property.
fn set_sql(
    task: &mut ExecuteSql,
    property: &str,
    value: &str,
) -> Option<Result<(), PropertyError>> {
    let known = OF_EXECUTE_SQL
        .iter()
        .find(|known| known.eq_ignore_ascii_case(property))?;
    let wrong = |wanted: &str| {
        Err(PropertyError::Value {
            found: value.to_owned(),
            wanted: wanted.to_owned(),
        })
    };
    match *known {
        "SqlStatementSource" => value.clone_into(&mut task.statement),
        "Connection" => value.clone_into(&mut task.connection),
        "CodePage" => match value.trim().parse() {
            Ok(page) => task.code_page = Some(page),
            Err(_) => return Some(wrong("the number of a code page")),
        },
        "TimeOut" => match value.trim().parse() {
            Ok(seconds) => task.timeout_seconds = seconds,
            Err(_) => return Some(wrong("a number of seconds")),
        },
        "IsStoredProcedure" => match dtsx::parse_bool(value) {
            Some(is_procedure) => task.is_stored_procedure = is_procedure,
            None => return Some(wrong("True or False")),
        },
        "SqlStatementSourceType" => match value.trim() {
            "1" | "DirectInput" => task.source = SqlSource::Direct,
            "2" | "FileConnection" => task.source = SqlSource::File,
            "3" | "Variable" => task.source = SqlSource::Variable,
            _ => return Some(wrong("1 (DirectInput), 2 (FileConnection) or 3 (Variable)")),
        },
        "ResultSetType" => match value.trim() {
            "1" | "ResultSetType_None" => task.result = ResultType::None,
            "2" | "ResultSetType_SingleRow" => task.result = ResultType::SingleRow,
            "3" | "ResultSetType_Rowset" => task.result = ResultType::Rowset,
            "4" | "ResultSetType_XML" => task.result = ResultType::Xml,
            _ => return Some(wrong("1 (None), 2 (SingleRow), 3 (Rowset) or 4 (XML)")),
        },
        _ => {}
    }
    Some(Ok(()))
}

fn unknown(executable: &Executable) -> PropertyError {
    PropertyError::Unknown {
        known: names(executable),
    }
}

/// The properties that can be set, for messages.
pub(crate) fn names(executable: &Executable) -> Vec<String> {
    let mut names: Vec<String> = COMMON
        .iter()
        .chain(own(executable))
        .map(|(name, _)| (*name).to_owned())
        .collect();
    if matches!(executable.payload, Payload::ExecuteSql(_)) {
        names.extend(OF_EXECUTE_SQL.map(str::to_owned));
    }
    names.sort_unstable();
    names.dedup();
    names
}

/// The executable with its property expressions evaluated; its children are left out of a copy.
///
/// # Errors
/// Every expression that fails, and every property that it has not.
pub(crate) fn evaluated<'a>(
    executable: &'a Executable,
    variables: &dyn Variables,
    locale_id: u32,
) -> Result<Cow<'a, Executable>, Findings> {
    if executable.property_expressions.is_empty() {
        return Ok(Cow::Borrowed(executable));
    }
    let mut copy = without_children(executable);
    let mut findings = Findings::default();
    for expression in &executable.property_expressions {
        let (code, message) = match super::evaluate(&expression.expression, variables, locale_id) {
            Ok(value) => match set(&mut copy, &expression.property, &value.to_string()) {
                Ok(()) => continue,
                Err(error) => (Some(SsisCode::VALIDATION_FAILED), error.to_string()),
            },
            Err(error) => (error.code, error.to_string()),
        };
        findings.push(Finding {
            path: executable.path.clone(),
            class: executable.class_id.clone(),
            kind: FindingKind::Invalid,
            code,
            message: format!(
                "property expression on `{}`: {message}",
                expression.property
            ),
        });
    }
    findings.none_or(Cow::Owned(copy))
}

fn without_children(executable: &Executable) -> Executable {
    Executable {
        path: executable.path.clone(),
        name: executable.name.clone(),
        dtsid: executable.dtsid.clone(),
        kind: executable.kind,
        class_id: executable.class_id.clone(),
        description: executable.description.clone(),
        disabled: executable.disabled,
        delay_validation: executable.delay_validation,
        properties: executable.properties.clone(),
        property_expressions: executable.property_expressions.clone(),
        variables: Vec::new(),
        executables: Vec::new(),
        precedence_constraints: Vec::new(),
        event_handlers: Vec::new(),
        logging_options: executable.logging_options.clone(),
        payload: executable.payload.clone(),
        foreach: executable.foreach.clone(),
        node: executable.node,
    }
}
