//! Foreach From Variable: what a variable holds, one after the other: the letters of a text, the rows of a table.
//!
//! A row gives its columns as values; the elements of a list are rows of one column.

use std::sync::Arc;

use dtsx::{DataType, ForeachLoop, SsisCode};
use fletching_components::Finding;
use fletching_expression::Scalar;

use super::{
    Enumeration, EnumeratorClass, ForeachValue, Rounds, blocking, check_variable, property,
};
use crate::{task::TaskHost, variables::Value};

pub(super) static CLASS: EnumeratorClass = EnumeratorClass {
    name: "ForEachFromVarEnumerator",
    element: "FEEFVE",
    properties: &[("VariableName", "VariableName")],
    check,
    rounds: |enumeration| blocking(enumeration, rounds),
};

/// `DTS_E_ENUMERATIONELEMENTNOTENUMERABLE`.
const NOT_ENUMERABLE: SsisCode = SsisCode(0xC002_410C);

fn check(host: &TaskHost<'_>, foreach: &ForeachLoop) -> Vec<Finding> {
    let name = property(foreach, "VariableName");
    if let Err(finding) = check_variable(host, name) {
        return vec![finding];
    }
    let variables = host.state.variables();
    let is_object = variables
        .held(host.path(), name)
        .is_none_or(|(is_object, _)| is_object);
    match host.variable(name) {
        Ok(value) if !is_object && !is_text(value.data_type) => {
            let message = not_enumerable(name, &value);
            let kind = fletching_components::FindingKind::Invalid;
            vec![host.finding(kind, Some(NOT_ENUMERABLE), message)]
        }
        _ => Vec::new(),
    }
}

fn is_text(data_type: DataType) -> bool {
    matches!(
        data_type,
        DataType::WStr { .. } | DataType::NText | DataType::Str { .. } | DataType::Text { .. }
    )
}

fn not_enumerable(name: &str, value: &Scalar) -> String {
    format!(
        "variable `{name}` holds one value of type {}: a text or rows are wanted",
        value.data_type
    )
}

fn rounds(enumeration: &Enumeration) -> Result<Rounds, String> {
    let name = property(&enumeration.foreach, "VariableName");
    let variables = &enumeration.variables;
    match variables.held(&enumeration.path, name) {
        None => return Err(format!("variable `{name}` is not in scope")),
        Some((_, Value::Batches { batches, .. })) => {
            return Ok(Rounds::of_rows(Arc::clone(batches)));
        }
        Some((true, Value::Nothing)) => {
            return Err(format!(
                "variable `{name}` holds nothing: nothing that ran before has given it a value"
            ));
        }
        Some(_) => {}
    }
    let value = enumeration.variable(name)?;
    if !is_text(value.data_type) {
        return Err(not_enumerable(name, &value));
    }
    // .NET's characters are UTF-16 units; a letter outside the first plane stays whole here.
    let letters: Vec<char> = value.to_string().chars().collect();
    let rounds = letters.into_iter().map(|letter| {
        let mut bytes = [0; 4];
        vec![ForeachValue::from(&*letter.encode_utf8(&mut bytes))]
    });
    Ok(Rounds::new(rounds.collect()))
}
