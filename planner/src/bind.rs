//! Pass 1: paths become edges, lineage ids become positions. After this nobody sees a lineage id but to look up a
//! reference inside a property.
//!
//! Columns that nobody needs any more are left behind at the next edge ([`crate::live`]): a first binding tells which they
//! are, a second one leaves them out.
//!
//! Synchronous outputs carry all columns of their input and then their own; asynchronous ones only their own (spec
//! `dtsx-format.md` section 4, rule 3). Columns are joined by lineage id, never by name.

use std::collections::{HashMap, HashSet};

use dtsx::{Component, DataFlow, Input, LineageId, Output};
use fletching_components::{
    BoundInput, BoundOutput, Column, Finding, FindingKind, Findings, SortedBy,
};

use crate::{
    DataFlowGraph, Edge, GraphComponent,
    live::{Live, live},
};

/// Binds a data flow. `path` is the task's object path, `locale_id` its LCID.
pub fn bind(path: &str, locale_id: u32, flow: &DataFlow) -> Result<DataFlowGraph, Findings> {
    let mut findings = Findings::default();
    let edges = edges(path, flow, &mut findings);
    let order = order(path, flow, &edges, &mut findings);
    if !findings.is_empty() {
        return Err(findings);
    }
    let mut graph = DataFlowGraph {
        path: path.to_owned(),
        locale_id,
        components: Vec::new(),
        edges,
        order,
        numbers: numbers(flow),
    };
    graph.components = bind_components(flow, &graph, None, &mut findings);
    if findings.is_empty() {
        let live = live(flow, &graph);
        graph.components = bind_components(flow, &graph, Some(&live), &mut findings);
    }
    findings.none_or(graph)
}

/// All components, every one after those that feed it.
fn bind_components(
    flow: &DataFlow,
    graph: &DataFlowGraph,
    live: Option<&Live>,
    findings: &mut Findings,
) -> Vec<GraphComponent> {
    let mut components: Vec<Option<GraphComponent>> =
        flow.components.iter().map(|_| None).collect();
    for &index in &graph.order {
        let bound = bind_component(flow, graph, index, live, &components, findings);
        components[index] = Some(bound);
    }
    components.into_iter().flatten().collect()
}

fn invalid(path: &str, class: &str, message: String) -> Finding {
    Finding {
        path: path.to_owned(),
        class: class.to_owned(),
        kind: FindingKind::Invalid,
        code: Some(dtsx::SsisCode::VALIDATION_FAILED),
        message,
    }
}

fn edges(path: &str, flow: &DataFlow, findings: &mut Findings) -> Vec<Edge> {
    let mut outputs = HashMap::new();
    let mut inputs = HashMap::new();
    let mut twice = |what: &str, id: &dyn std::fmt::Display| {
        let message = format!("{what} `{id}`: there may be one");
        findings.push(invalid(path, "Microsoft.Pipeline", message));
    };
    for (index, component) in flow.components.iter().enumerate() {
        for (at, output) in component.outputs.iter().enumerate() {
            if outputs.insert(&output.id, (index, at)).is_some() {
                twice("two outputs have the id", &output.id);
            }
        }
        for (at, input) in component.inputs.iter().enumerate() {
            if inputs.insert(&input.id, (index, at)).is_some() {
                twice("two inputs have the id", &input.id);
            }
        }
    }
    let mut starts = HashSet::new();
    let mut ends = HashSet::new();
    for data_path in &flow.paths {
        if !starts.insert(&data_path.start_id) {
            twice("two paths lead away from output", &data_path.start_id);
        }
        if !ends.insert(&data_path.end_id) {
            twice("two paths lead to input", &data_path.end_id);
        }
    }
    let mut edges = Vec::with_capacity(flow.paths.len());
    for data_path in &flow.paths {
        match (
            outputs.get(&data_path.start_id),
            inputs.get(&data_path.end_id),
        ) {
            (Some(&(from_component, from_output)), Some(&(to_component, to_input))) => {
                edges.push(Edge {
                    from_component,
                    from_output,
                    to_component,
                    to_input,
                });
            }
            _ => findings.push(invalid(
                path,
                "Microsoft.Pipeline",
                format!(
                    "path `{}` leads from `{}` to `{}`, and one of them does not exist",
                    data_path.name, data_path.start_id, data_path.end_id
                ),
            )),
        }
    }
    edges
}

/// Kahn's algorithm, the document's order among the free ones.
fn order(path: &str, flow: &DataFlow, edges: &[Edge], findings: &mut Findings) -> Vec<usize> {
    let count = flow.components.len();
    let mut waiting = vec![0usize; count];
    for edge in edges {
        waiting[edge.to_component] += 1;
    }
    let mut done = vec![false; count];
    let mut order = Vec::with_capacity(count);
    while let Some(next) = (0..count).find(|&index| !done[index] && waiting[index] == 0) {
        done[next] = true;
        order.push(next);
        for edge in edges.iter().filter(|edge| edge.from_component == next) {
            waiting[edge.to_component] -= 1;
        }
    }
    if order.len() < count {
        let names: Vec<&str> = (0..count)
            .filter(|&index| !done[index])
            .map(|index| flow.components[index].name.as_str())
            .collect();
        findings.push(invalid(
            path,
            "Microsoft.Pipeline",
            format!("the data flow has a cycle through `{}`", names.join("`, `")),
        ));
    }
    order
}

/// Integer lineage ids of formats 2/3 as they are; in 6/8, where ids are paths, numbers in document order from 1.
fn numbers(flow: &DataFlow) -> HashMap<String, i32> {
    let mut numbers = HashMap::new();
    let mut next = 0;
    for component in &flow.components {
        let of_inputs = component
            .inputs
            .iter()
            .flat_map(|input| &input.columns)
            .map(|column| (&column.id, None));
        let of_outputs = component
            .outputs
            .iter()
            .flat_map(|output| &output.columns)
            .map(|column| (&column.id, Some(&column.lineage_id.0)));
        for (id, lineage) in of_inputs.chain(of_outputs) {
            next += 1;
            let number = lineage.unwrap_or(id).parse().unwrap_or(next);
            numbers.insert(id.clone(), number);
            if let Some(lineage) = lineage {
                numbers.insert(lineage.clone(), number);
            }
        }
    }
    numbers
}

fn bind_component(
    flow: &DataFlow,
    graph: &DataFlowGraph,
    index: usize,
    live: Option<&Live>,
    bound: &[Option<GraphComponent>],
    findings: &mut Findings,
) -> GraphComponent {
    let component = &flow.components[index];
    let path = format!("{}\\{}", graph.path, component.name);
    let inputs: Vec<Option<BoundInput>> = component
        .inputs
        .iter()
        .enumerate()
        .map(|(at, input)| {
            let edge = graph.arriving(index, at)?;
            let upstream = bound[edge.from_component]
                .as_ref()?
                .outputs
                .get(edge.from_output)?;
            let live = live.map(|live| &live[index][at]);
            Some(bind_input(
                &path, component, input, upstream, live, findings,
            ))
        })
        .collect();
    let outputs = component
        .outputs
        .iter()
        .enumerate()
        .map(|(at, output)| {
            let connected = graph
                .edges
                .iter()
                .any(|edge| edge.from_component == index && edge.from_output == at);
            bind_output(component, output, &inputs, connected, &graph.numbers)
        })
        .collect();
    GraphComponent {
        path,
        inputs,
        outputs,
    }
}

fn bind_input(
    path: &str,
    component: &Component,
    input: &Input,
    upstream: &BoundOutput,
    live: Option<&HashSet<LineageId>>,
    findings: &mut Findings,
) -> BoundInput {
    let arrives = |column: &Column| live.is_none_or(|live| live.contains(&column.lineage_id));
    let taken: Vec<usize> = (0..upstream.columns.len())
        .filter(|at| arrives(&upstream.columns[*at]))
        .collect();
    let columns: Vec<Column> = taken
        .iter()
        .map(|at| upstream.columns[*at].clone())
        .collect();
    let positions: HashMap<&LineageId, usize> = columns
        .iter()
        .enumerate()
        .map(|(at, column)| (&column.lineage_id, at))
        .collect();
    let mut used = Vec::with_capacity(input.columns.len());
    for column in &input.columns {
        match positions.get(&column.lineage_id) {
            Some(&position) => used.push(position),
            None => {
                let name = if column.name.is_empty() {
                    &column.lineage_id.0
                } else {
                    &column.name
                };
                let arriving: Vec<&str> =
                    columns.iter().map(|column| column.name.as_str()).collect();
                findings.push(invalid(
                    path,
                    component.class.unwrap_or(&component.class_id),
                    format!(
                        "input `{}` uses column `{name}` (lineage {}), which does not arrive; these do: {}",
                        input.name,
                        column.lineage_id.0,
                        arriving.join(", ")
                    ),
                ));
                used.push(0);
            }
        }
    }
    let sorted_by = upstream.sorted_by.iter().map_while(|key| {
        let column = taken.iter().position(|at| *at == key.column)?;
        Some(SortedBy { column, ..*key })
    });
    let sorted_by = sorted_by.collect();
    BoundInput::new(input.name.clone(), columns, sorted_by, used, taken)
}

fn bind_output(
    component: &Component,
    output: &Output,
    inputs: &[Option<BoundInput>],
    connected: bool,
    numbers: &HashMap<String, i32>,
) -> BoundOutput {
    let source = output.synchronous_input_id.as_ref().and_then(|id| {
        let at = component.inputs.iter().position(|input| &input.id == id)?;
        inputs.get(at)?.as_ref()
    });
    let mut columns: Vec<Column> = source
        .map(|input| input.columns.clone())
        .unwrap_or_default();
    let passed_through = columns.len();
    columns.extend(output.columns.iter().map(|column| Column {
        name: column.name.clone(),
        data_type: column.data_type,
        lineage_id: column.lineage_id.clone(),
        number: numbers.get(&column.lineage_id.0).copied().unwrap_or(0),
    }));
    let mut keys: Vec<(i32, SortedBy)> = output
        .columns
        .iter()
        .enumerate()
        .filter(|(_, column)| output.is_sorted && column.sort_key_position != 0)
        .map(|(at, column)| {
            let key = SortedBy {
                column: passed_through + at,
                descending: column.sort_key_position < 0,
                comparison_flags: column.comparison_flags,
            };
            (column.sort_key_position.abs(), key)
        })
        .collect();
    keys.sort_by_key(|(rank, _)| *rank);
    let mut sorted_by: Vec<SortedBy> = source
        .map(|input| input.sorted_by.clone())
        .unwrap_or_default();
    if sorted_by.is_empty() {
        sorted_by = keys.into_iter().map(|(_, key)| key).collect();
    }
    BoundOutput {
        name: output.name.clone(),
        is_error: output.is_error,
        connected,
        columns,
        passed_through,
        sorted_by,
    }
}
