//! Foreach Item: the rows of a table that the package itself holds.
//!
//! `FEIEItems` has an `FEIEItem` for each round, with an `FEIEItemValue` (`Type` a VARTYPE, `Value` its text) for each column.

use dtsx::ForeachLoop;
use fletching_components::{Finding, FindingKind};

use super::{Enumeration, EnumeratorClass, ForeachValue, Rounds, blocking};
use crate::{
    control_flow::loops::MAPPING,
    stored_value::{parse, variable_type},
    task::TaskHost,
};

pub(super) static CLASS: EnumeratorClass = EnumeratorClass {
    name: "ForEachItemEnumerator",
    element: "FEIEItems",
    properties: &[],
    check,
    rounds: |enumeration| blocking(enumeration, rounds),
};

fn check(host: &TaskHost<'_>, foreach: &ForeachLoop) -> Vec<Finding> {
    let items = match items(foreach) {
        Ok(items) => items,
        Err(message) => return vec![host.invalid(message)],
    };
    let mut findings = Vec::new();
    let fewest = items.iter().map(Vec::len).min();
    for mapping in &foreach.mappings {
        if let Some(columns) = fewest.filter(|columns| mapping.value_index as usize >= *columns) {
            let message = format!(
                "variable `{}` takes column {} of the items; the first is 0, and there are {columns}",
                mapping.variable, mapping.value_index
            );
            findings.push(host.finding(FindingKind::Invalid, Some(MAPPING), message));
        }
    }
    findings
}

fn rounds(enumeration: &Enumeration) -> Result<Rounds, String> {
    let items = items(&enumeration.foreach)?;
    let warning = items
        .is_empty()
        .then(|| format!("{}: the enumerator has no items", enumeration.path));
    Ok(Rounds::new(items).with_warning(warning))
}

/// All items, each value in the type of its column.
fn items(foreach: &ForeachLoop) -> Result<Vec<Vec<ForeachValue>>, String> {
    let items = foreach.items.iter().filter(|one| one.element == "FEIEItem");
    let value = |row: usize, column: usize, properties: &dtsx::Properties| {
        let wrong = |message: String| format!("item {row}, column {column}: {message}");
        let vartype = properties.get("Type").unwrap_or("8").trim();
        let vartype = vartype
            .parse()
            .map_err(|_| wrong(format!("`{vartype}` is no type")))?;
        let text = properties.get("Value").unwrap_or_default();
        let data_type = variable_type(vartype)
            .map_err(wrong)?
            .unwrap_or(dtsx::DataType::WStr { length: 4000 });
        let value = parse(text, data_type).map_err(wrong)?;
        Ok(ForeachValue::Scalar(value))
    };
    items
        .enumerate()
        .map(|(row, item)| {
            let values = item.values.iter().enumerate();
            let values = values.map(|(column, properties)| value(row, column, properties));
            values.collect()
        })
        .collect()
}
