//! What a Foreach loop goes over, and which value of a round goes to which variable.
//!
//! ```text
//!  ForeachLoop ──expressions──▶ rounds: a list of values each ──mappings──▶ variables
//! ```
//!
//! All rounds are known before the first begins. An empty list is a success (spec `ssis-semantics.md` 11.6).

mod files;

use std::sync::Arc;

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use dtsx::{ForeachLoop, SsisCode};
use fletching_components::{Finding, FindingKind};
use fletching_expression::Scalar;

use super::{evaluate, loops::MAPPING};
use crate::{
    RunError,
    task::{TaskHost, all},
    variables::Handed,
};

/// One value of a round.
#[derive(Debug, Clone)]
pub(super) enum ForeachValue {
    Scalar(Scalar),
    /// Rows, as an Object variable holds them.
    #[expect(dead_code, reason = "of enumerators to come")]
    Rows(SchemaRef, Arc<Vec<RecordBatch>>),
}

/// All that a loop goes over.
#[derive(Debug, Default)]
pub(super) struct Rounds {
    pub(super) values: Vec<Vec<ForeachValue>>,
    /// What the user should know: nothing was found.
    pub(super) warning: Option<String>,
}

/// A kind of enumerator.
struct EnumeratorClass {
    /// Local name of the payload element.
    element: &'static str,
    /// Properties that expressions may set, and the attributes that hold them.
    properties: &'static [(&'static str, &'static str)],
    /// What is wrong with its settings.
    check: fn(&TaskHost<'_>, &ForeachLoop) -> Vec<Finding>,
    rounds: fn(&TaskHost<'_>, &ForeachLoop) -> Result<Rounds, RunError>,
}

static CLASSES: &[EnumeratorClass] = &[EnumeratorClass {
    element: "ForEachFileEnumeratorProperties",
    properties: files::PROPERTIES,
    check: files::check,
    rounds: files::rounds,
}];

fn class(foreach: &ForeachLoop) -> Option<&'static EnumeratorClass> {
    CLASSES
        .iter()
        .find(|class| class.element == foreach.element)
}

/// The enumerator with its property expressions evaluated.
fn evaluated(host: &TaskHost<'_>) -> Result<ForeachLoop, RunError> {
    let wrong = |code: Option<SsisCode>, message: String| {
        RunError::Findings(host.finding(FindingKind::Invalid, code, message).into())
    };
    let Some(foreach) = &host.executable.foreach else {
        return Err(wrong(
            Some(SsisCode(0xC001_4023)), // DTS_E_GETENUMERATOR
            "the loop has no enumerator".to_owned(),
        ));
    };
    let mut foreach = foreach.as_ref().clone();
    let properties = class(&foreach).map_or(&[][..], |class| class.properties);
    for expression in std::mem::take(&mut foreach.property_expressions) {
        let name = &expression.property;
        let mut known = properties.iter();
        let found = known.find(|(known, _)| known.eq_ignore_ascii_case(name));
        let Some((_, attribute)) = found else {
            let known: Vec<&str> = properties.iter().map(|(name, _)| *name).collect();
            let known = known.join(", ");
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
        foreach.properties.set(attribute, value.to_string());
    }
    Ok(foreach)
}

/// What is known of a Foreach loop before it runs.
///
/// # Errors
/// All findings.
pub(super) fn check(host: &TaskHost<'_>) -> Result<(), RunError> {
    let foreach = evaluated(host)?;
    let Some(class) = class(&foreach) else {
        let enumerator = match foreach.enumerator.is_empty() {
            true => &foreach.element,
            false => &foreach.enumerator,
        };
        let message = format!("the enumerator `{enumerator}` is not supported");
        return all(vec![host.unsupported(message)]);
    };
    let mut findings = (class.check)(host, &foreach);
    for mapping in &foreach.mappings {
        if let Err(message) = host.has_variable(&mapping.variable) {
            findings.push(host.finding(FindingKind::Invalid, Some(MAPPING), message));
        }
    }
    all(findings)
}

/// All rounds, as things stand now.
pub(super) async fn rounds(host: &TaskHost<'_>) -> Result<Rounds, RunError> {
    let foreach = evaluated(host)?;
    match class(&foreach) {
        Some(class) => (class.rounds)(host, &foreach),
        None => check(host).map(|()| Rounds::default()),
    }
}

/// What a round gives to variables.
pub(super) fn assignments(
    host: &TaskHost<'_>,
    values: &[ForeachValue],
) -> Result<Vec<Handed>, RunError> {
    let mappings = host.executable.foreach.iter().flat_map(|one| &one.mappings);
    let variables = host.state.variables();
    let assigned = mappings.map(|mapping| {
        let name = &mapping.variable;
        let place = mapping.value_index as usize;
        let wrong = |message: String| {
            let code = Some(MAPPING);
            RunError::Findings(host.finding(FindingKind::Invalid, code, message).into())
        };
        let value = values.get(place).ok_or_else(|| {
            let values = values.len();
            wrong(format!(
                "variable `{name}` takes value {place}; there are {values}"
            ))
        })?;
        let (assignment, said) = match value {
            ForeachValue::Scalar(value) => (
                variables.assigned_value(host.path(), name, value.data_type, &value.array),
                value.to_string(),
            ),
            ForeachValue::Rows(schema, batches) => {
                let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
                let (schema, batches) = (Arc::clone(schema), Arc::clone(batches));
                (
                    variables.assigned_batches(host.path(), name, schema, batches),
                    format!("{rows} rows"),
                )
            }
        };
        Ok((assignment.map_err(wrong)?, (name.clone(), said)))
    });
    assigned.collect()
}
