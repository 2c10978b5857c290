//! Foreach ADO: the rows that an Object variable holds, or all of them at once as a table.
//!
//! Recordset Destinations and Execute SQL tasks leave them there, one table in a variable: the rows of the first table are
//! those of all tables.

use std::sync::Arc;

use dtsx::{ForeachLoop, SsisCode};
use fletching_components::{Finding, FindingKind};

use super::{
    Enumeration, EnumeratorClass, ForeachValue, Rounds, blocking, check_variable, property,
};
use crate::{task::TaskHost, variables::Value};

pub(super) static CLASS: EnumeratorClass = EnumeratorClass {
    name: "ForEachADOEnumerator",
    element: "FEEADO",
    properties: &[("DataObjectVariable", "VarName"), ("Type", "EnumType")],
    check,
    rounds: |enumeration| blocking(enumeration, rounds),
};

#[derive(Debug, Clone, Copy)]
enum EnumType {
    Rows,
    Tables,
}

/// Members are names or numbers of ADOEnumerationType.
fn enum_type(foreach: &ForeachLoop) -> Result<EnumType, String> {
    match property(foreach, "EnumType").trim() {
        "" | "EnumerateRowsInFirstTable" | "EnumerateAllRows" | "1" | "2" => Ok(EnumType::Rows),
        "EnumerateTables" | "0" => Ok(EnumType::Tables),
        other => Err(format!(
            "EnumType is `{other}`: EnumerateRowsInFirstTable, EnumerateAllRows or EnumerateTables is wanted"
        )),
    }
}

fn check(host: &TaskHost<'_>, foreach: &ForeachLoop) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Err(message) = enum_type(foreach) {
        findings.push(host.invalid(message));
    }
    let name = property(foreach, "VarName");
    if let Err(finding) = check_variable(host, name) {
        findings.push(finding);
        return findings;
    }
    let variables = host.state.variables();
    if variables
        .held(host.path(), name)
        .is_some_and(|(is_object, _)| !is_object)
    {
        let message = format!(
            "variable `{name}` holds one value: the rows of a recordset are wanted, in an Object variable"
        );
        let code = Some(SsisCode::VALIDATION_FAILED);
        findings.push(host.finding(FindingKind::Invalid, code, message));
    }
    findings
}

fn rounds(enumeration: &Enumeration) -> Result<Rounds, String> {
    let name = property(&enumeration.foreach, "VarName");
    let variables = &enumeration.variables;
    let Some((_, held)) = variables.held(&enumeration.path, name) else {
        return Err(format!("variable `{name}` is not in scope"));
    };
    let Value::Batches { schema, batches } = held else {
        return Err(format!(
            "variable `{name}` holds no rows: nothing that ran before has left a recordset or a full result set in it"
        ));
    };
    let rounds = match enum_type(&enumeration.foreach)? {
        EnumType::Rows => Rounds::of_rows(Arc::clone(batches)),
        EnumType::Tables => {
            let table = ForeachValue::Rows(Arc::clone(schema), Arc::clone(batches));
            Rounds::new(vec![vec![table]])
        }
    };
    Ok(rounds)
}
