//! What a class of the caller's own is told of a component: columns as Arrow schemas, properties as text.

use dtsx::{Input, InputColumn, Properties, UsageType};
use fletching_custom::{Column, ComponentSpec, InputSpec, OutputSpec};

use crate::{Binding, BoundInput, BoundOutput, Findings, schema_of};

/// A component as its class is told of it. A connection manager that is not there is a finding.
pub(super) fn of(binding: &Binding<'_>, findings: &mut Findings) -> ComponentSpec {
    let component = binding.component;
    let inputs = component.inputs.iter().zip(binding.inputs);
    let inputs = inputs.filter_map(|(document, bound)| Some(input(document, bound.as_ref()?)));
    let outputs = component.outputs.iter().zip(binding.outputs);
    ComponentSpec {
        name: component.name.clone(),
        path: binding.path.to_owned(),
        // By what a managed component is hosted for it was found.
        properties: properties(&component.properties)
            .into_iter()
            .filter(|(name, _)| !name.eq_ignore_ascii_case("UserComponentTypeName"))
            .collect(),
        inputs: inputs.collect(),
        outputs: outputs
            .map(|(document, bound)| output(document, bound))
            .collect(),
        connections: connections(binding, findings),
        folder: binding.connections.base_dir().display().to_string(),
        locale_id: binding.locale_id,
    }
}

/// The columns that the package selects of an input, and where they are in its batches.
pub(super) fn selected<'a>(
    document: &'a Input,
    bound: &'a BoundInput,
) -> impl Iterator<Item = (&'a InputColumn, usize)> {
    let columns = document.columns.iter().zip(bound.used.iter().copied());
    columns.filter(|(column, _)| column.usage != UsageType::Ignored)
}

fn input(document: &Input, bound: &BoundInput) -> InputSpec {
    let columns = selected(document, bound).map(|(column, at)| Column {
        name: bound.columns[at].name.clone(),
        id: column.id.clone(),
        lineage: column.lineage_id.0.clone(),
        replaced: column.usage == UsageType::ReadWrite,
        properties: properties(&column.properties),
    });
    let bound_columns: Vec<_> = selected(document, bound)
        .map(|(_, at)| bound.columns[at].clone())
        .collect();
    InputSpec {
        name: document.name.clone(),
        schema: schema_of(&bound_columns),
        columns: columns.collect(),
        properties: properties(&document.properties),
    }
}

fn output(document: &dtsx::Output, bound: &BoundOutput) -> OutputSpec {
    let columns = document.columns.iter().map(|column| Column {
        name: column.name.clone(),
        id: column.id.clone(),
        lineage: column.lineage_id.0.clone(),
        replaced: false,
        properties: properties(&column.properties),
    });
    OutputSpec {
        name: document.name.clone(),
        is_error: document.is_error,
        connected: bound.connected,
        schema: schema_of(
            bound
                .columns
                .get(bound.passed_through..)
                .unwrap_or_default(),
        ),
        columns: columns.collect(),
        properties: properties(&document.properties),
    }
}

/// Name and text; the elements of an array are lines.
fn properties(all: &Properties) -> fletching_custom::Properties {
    let text = |property: &dtsx::Property| match property.elements.is_empty() {
        true => property.value.clone(),
        false => property.elements.join("\n"),
    };
    all.iter()
        .map(|property| (property.name.clone(), text(property)))
        .collect()
}

fn connections(binding: &Binding<'_>, findings: &mut Findings) -> Vec<(String, String)> {
    let mut connections = Vec::new();
    for connection in &binding.component.connections {
        let manager = connection.connection_manager.trim();
        if manager.is_empty() {
            connections.push((connection.name.clone(), String::new()));
            continue;
        }
        match binding.connections.text(manager) {
            Ok(text) => connections.push((connection.name.clone(), text)),
            Err(error) => findings.push(binding.finding(error.to_string())),
        }
    }
    connections
}
