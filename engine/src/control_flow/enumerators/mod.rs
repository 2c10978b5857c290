//! What a Foreach loop goes over, and which value of a round goes to which variable.
//!
//! ```text
//!  ForeachLoop ──expressions──▶ Enumeration ──blocking thread──▶ Rounds ──one by one──mappings──▶ variables
//! ```
//!
//! What there is to go over is found before the first round begins; the values of a round are made when its turn comes. No
//! rounds are a success (spec `ssis-semantics.md` 11.6).
//!
//! **Values** take the type of their variable. NULL is an empty text in a String, nothing in an Object, and an error in a
//! variable of any other type, as in SSIS.

mod custom;
mod files;
mod from_variable;
mod items;
mod node_list;
mod recordset;
mod rounds;
mod schema_rowset;

pub(crate) use files::fits;

use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use datafusion_common_runtime::SpawnedTask;
use dtsx::{ForeachLoop, SsisCode};
use fletching_components::{Finding, FindingKind};
use fletching_connections::{Connections, database::Sessions};
use fletching_expression::Scalar;
use futures::future::BoxFuture;

use super::{evaluate, loops::MAPPING, waits_for_values};
use crate::{
    RunError, VariableStore,
    assigned_values::Handed,
    scoped_variables::ScopedVariables,
    task::{TaskHost, TaskRun, all},
};

pub(super) use rounds::{ForeachValue, Round, Rounds};

/// A kind of enumerator.
struct EnumeratorClass {
    /// What the creation names of all versions contain.
    name: &'static str,
    /// Local name of the payload element.
    element: &'static str,
    /// Properties that expressions may set, and the attributes that hold them.
    properties: &'static [(&'static str, &'static str)],
    /// What is wrong with its settings. Opens nothing.
    check: fn(&TaskHost<'_>, &ForeachLoop) -> Vec<Finding>,
    rounds: fn(Enumeration) -> BoxFuture<'static, Result<Rounds, Failure>>,
}

static CLASSES: [&EnumeratorClass; 6] = [
    &files::CLASS,
    &items::CLASS,
    &recordset::CLASS,
    &from_variable::CLASS,
    &schema_rowset::CLASS,
    &node_list::CLASS,
];

/// Enumerators that are known and not supported: what their creation names contain, and why not.
const UNSUPPORTED: [(&str, &str); 5] = [
    (
        "ForEachSMOEnumerator",
        "Foreach SMO goes over the objects of SQL Server Management Objects, a library for Windows",
    ),
    (
        "ForEachHDFSFileEnumerator",
        "Foreach HDFS File is not supported",
    ),
    (
        "ForEachBlobFileEnumerator",
        "Foreach Azure Blob is not supported",
    ),
    (
        "ForEachADLSFileEnumerator",
        "Foreach ADLS File is not supported",
    ),
    (
        "ForEachBlobFsFileEnumerator",
        "Foreach Data Lake Storage Gen2 File is not supported",
    ),
];

/// Names of the enumerators that run: what the creation names of all versions contain.
pub fn enumerator_names() -> impl Iterator<Item = &'static str> {
    CLASSES.iter().map(|class| class.name)
}

fn class(foreach: &ForeachLoop) -> Option<&'static EnumeratorClass> {
    let by_element = |class: &&&EnumeratorClass| class.element == foreach.element;
    let by_name = |class: &&&EnumeratorClass| {
        foreach.element.is_empty() && foreach.enumerator.contains(class.name)
    };
    CLASSES
        .iter()
        .find(by_element)
        .or_else(|| CLASSES.iter().find(by_name))
        .copied()
}

/// An enumerator about to run, with all that it may look at.
struct Enumeration {
    /// Of the loop.
    path: String,
    /// Its property expressions evaluated.
    foreach: ForeachLoop,
    variables: Arc<VariableStore>,
    scope: ScopedVariables,
    connections: Connections,
    sessions: Arc<Sessions>,
}

impl Enumeration {
    /// The value of a variable by name.
    fn variable(&self, name: &str) -> Result<Scalar, String> {
        crate::task::variable(&self.scope, name)
    }
}

/// Why there are no rounds, for a person, with the code that the enumerator gives it.
struct Failure {
    code: SsisCode,
    message: String,
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self {
            // DTS_E_GETENUMERATOR
            code: SsisCode(0xC001_4023),
            message,
        }
    }
}

/// Finds what there is to go over on a thread that may block.
fn blocking<E: Into<Failure> + Send + 'static>(
    enumeration: Enumeration,
    rounds: fn(&Enumeration) -> Result<Rounds, E>,
) -> BoxFuture<'static, Result<Rounds, Failure>> {
    Box::pin(async move {
        let found = SpawnedTask::spawn_blocking(move || rounds(&enumeration).map_err(Into::into));
        match found.join().await {
            Ok(rounds) => rounds,
            Err(error) => Err(format!("its thread is gone: {error}").into()),
        }
    })
}

fn property<'a>(foreach: &'a ForeachLoop, name: &str) -> &'a str {
    foreach.properties.get(name).unwrap_or_default()
}

/// That the variable an enumerator reads is there.
fn check_variable(host: &TaskHost<'_>, name: &str) -> Result<(), Finding> {
    if name.trim().is_empty() {
        return Err(host.invalid("the enumerator names no variable"));
    }
    host.has_variable(name).map_err(|message| {
        host.finding(
            FindingKind::Invalid,
            Some(SsisCode::VARIABLE_NOT_FOUND),
            message,
        )
    })
}

/// The enumerator with its property expressions evaluated.
fn evaluated(host: &TaskHost<'_>) -> Result<ForeachLoop, Finding> {
    let wrong =
        |code: Option<SsisCode>, message: String| host.finding(FindingKind::Invalid, code, message);
    let Some(foreach) = &host.executable.foreach else {
        return Err(wrong(
            Some(SsisCode(0xC001_4023)), // DTS_E_GETENUMERATOR
            "the loop has no enumerator".to_owned(),
        ));
    };
    let mut foreach = foreach.as_ref().clone();
    let class = class(&foreach);
    if class.is_none() && custom::class(host, &foreach).is_none() {
        return Err(unsupported(host, &foreach));
    }
    for expression in std::mem::take(&mut foreach.property_expressions) {
        let name = &expression.property;
        // Which properties an enumerator of the caller's own has only its class knows.
        let found = match class {
            Some(class) => {
                let mut known = class.properties.iter();
                let found = known.find(|(known, _)| known.eq_ignore_ascii_case(name));
                found.map(|(_, attribute)| *attribute)
            }
            None => Some(name.as_str()),
        };
        let Some(attribute) = found else {
            let known = class.map_or(&[][..], |class| class.properties).iter();
            let known: Vec<&str> = known.map(|(name, _)| *name).collect();
            let known = match known.is_empty() {
                true => "none".to_owned(),
                false => known.join(", "),
            };
            let message = format!("property expression on `{name}`: the enumerator has: {known}");
            return Err(wrong(Some(SsisCode::VALIDATION_FAILED), message));
        };
        let variables = host.variables();
        let value = evaluate(&expression.expression, &variables, host.state.locale_id).map_err(
            |error| {
                wrong(
                    error.code,
                    format!("property expression on `{name}`: {error}"),
                )
            },
        )?;
        let value = value.to_string();
        let mut items = foreach.items.iter_mut();
        let item = items.find(|item| {
            item.element.eq_ignore_ascii_case(attribute) && item.properties.get("Value").is_some()
        });
        match item.filter(|_| class.is_none()) {
            Some(item) => item.properties.set("Value", value),
            None => foreach.properties.set(attribute, value),
        }
    }
    Ok(foreach)
}

fn unsupported(host: &TaskHost<'_>, foreach: &ForeachLoop) -> Finding {
    let enumerator = match foreach.enumerator.is_empty() {
        true => &foreach.element,
        false => &foreach.enumerator,
    };
    let mut known = UNSUPPORTED.iter();
    let known = known.find(|(name, _)| enumerator.contains(name));
    let message = match known {
        Some((_, why)) => format!("{why} (`{enumerator}`)"),
        None => format!(
            "the enumerator `{enumerator}` is not supported; register a class of this name, or load a plug-in that has it"
        ),
    };
    host.unsupported(message)
}

/// What is known of a Foreach loop before it runs.
///
/// # Errors
/// All findings.
pub(super) fn check(host: &TaskHost<'_>) -> Result<(), RunError> {
    let variables = host.variables();
    let expressions = host.executable.foreach.iter();
    let mut expressions = expressions.flat_map(|foreach| &foreach.property_expressions);
    if expressions.any(|one| waits_for_values(&one.expression, &variables, host.state.locale_id)) {
        return Ok(());
    }
    let foreach = evaluated(host).map_err(|finding| RunError::Findings(finding.into()))?;
    let mut findings = match class(&foreach) {
        Some(class) => (class.check)(host, &foreach),
        None => match custom::class(host, &foreach) {
            Some(class) => custom::check(class, host, &foreach),
            None => vec![unsupported(host, &foreach)],
        },
    };
    for mapping in &foreach.mappings {
        if let Err(message) = host.has_variable(&mapping.variable) {
            findings.push(host.finding(FindingKind::Invalid, Some(MAPPING), message));
        }
    }
    all(findings)
}

/// All rounds, as things stand now.
pub(super) async fn rounds(run: &TaskRun<'_>, sessions: Arc<Sessions>) -> Result<Rounds, RunError> {
    let host = &run.host;
    let foreach = evaluated(host).map_err(|finding| RunError::Findings(finding.into()))?;
    let Some(class) = class(&foreach) else {
        if let Some(class) = custom::class(host, &foreach) {
            return custom::rounds(class, run, &foreach).await;
        }
        return Err(RunError::Findings(unsupported(host, &foreach).into()));
    };
    let enumeration = Enumeration {
        path: host.path().to_owned(),
        foreach,
        variables: host.state.variables(),
        scope: host.variables(),
        connections: host.connections()?,
        sessions,
    };
    let rounds = (class.rounds)(enumeration).await;
    rounds.map_err(|failure| host.failure(Some(failure.code), failure.message))
}

/// What a round gives to variables.
pub(super) fn assignments(host: &TaskHost<'_>, round: &Round) -> Result<Vec<Handed>, RunError> {
    let mappings = host.executable.foreach.iter().flat_map(|one| &one.mappings);
    let variables = host.state.variables();
    let assigned = mappings.map(|mapping| {
        let name = &mapping.variable;
        let wrong = |message: String| {
            let code = Some(MAPPING);
            RunError::Findings(host.finding(FindingKind::Invalid, code, message).into())
        };
        let value = round.value(mapping.value_index as usize);
        let value = value.map_err(|message| wrong(format!("variable `{name}`: {message}")))?;
        let (assignment, said) = match value {
            ForeachValue::Scalar(value) => {
                let said = match value.array.is_null(0) {
                    true => "NULL".to_owned(),
                    false => value.to_string(),
                };
                let assigned =
                    variables.assigned_value(host.path(), name, value.data_type, &value.array);
                (assigned, said)
            }
            ForeachValue::Rows(schema, batches) => {
                let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
                let assigned = variables.assigned_batches(host.path(), name, schema, batches);
                (assigned, format!("{rows} rows"))
            }
        };
        Ok((assignment.map_err(wrong)?, (name.clone(), said)))
    });
    assigned.collect()
}
