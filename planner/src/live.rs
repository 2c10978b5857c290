//! Which columns of an edge are still needed: those that the component at its end uses, and those that its synchronous
//! outputs carry on to somebody who does. The others are left behind at that edge, so that no filter, sort or queue
//! touches them.
//!
//! ```text
//!  source: a b c d ──a b c──▶ split on a ══b══▶ file of b
//!                                        ╚═b c═▶ file of b, c
//! ```
//! A column counts as used if the document selects it, if rows are sorted by it, or if a property of the component
//! mentions its name or lineage id: expressions may name columns that the document does not select.

use std::collections::HashSet;

use dtsx::{Component, DataFlow, LineageId};
use fletching_components::{BoundInput, Column};

use crate::DataFlowGraph;

/// For each component and input, the lineage ids that must arrive.
pub(crate) type Live = Vec<Vec<HashSet<LineageId>>>;

/// The live columns of a bound graph, from its ends to its sources.
pub(crate) fn live(flow: &DataFlow, graph: &DataFlowGraph) -> Live {
    let inputs = |component: &Component| vec![HashSet::new(); component.inputs.len()];
    let mut live: Live = flow.components.iter().map(inputs).collect();
    for &index in graph.order.iter().rev() {
        let component = &flow.components[index];
        for (at, bound) in graph.components[index].inputs.iter().enumerate() {
            let Some(bound) = bound else { continue };
            let mut needed = used(component, bound);
            let own_id = &component.inputs[at].id;
            for edge in graph
                .edges
                .iter()
                .filter(|edge| edge.from_component == index)
            {
                let output = &component.outputs[edge.from_output];
                if output.synchronous_input_id.as_ref() == Some(own_id) {
                    needed.extend(live[edge.to_component][edge.to_input].iter().cloned());
                }
            }
            // A batch of no columns does not know its number of rows.
            if needed.is_empty() {
                needed.extend(
                    bound
                        .columns
                        .first()
                        .map(|column| column.lineage_id.clone()),
                );
            }
            live[index][at] = needed;
        }
    }
    live
}

fn used(component: &Component, input: &BoundInput) -> HashSet<LineageId> {
    let selected = input.used.iter().copied();
    let sorted = input.sorted_by.iter().map(|key| key.column);
    let texts = texts(component);
    let mentioned = |column: &Column| {
        let ids = [column.name.as_str(), column.lineage_id.0.as_str()];
        ids.iter()
            .any(|id| texts.iter().any(|text| text.contains(id)))
    };
    let mentioned = (0..input.columns.len()).filter(|at| mentioned(&input.columns[*at]));
    selected
        .chain(sorted)
        .chain(mentioned)
        .map(|at| input.columns[at].lineage_id.clone())
        .collect()
}

/// The values of all properties of a component and of its columns.
fn texts(component: &Component) -> Vec<&str> {
    let of_inputs = component.inputs.iter().flat_map(|input| {
        let columns = input.columns.iter().map(|column| &column.properties);
        std::iter::once(&input.properties).chain(columns)
    });
    let of_outputs = component.outputs.iter().flat_map(|output| {
        let columns = output.columns.iter().map(|column| &column.properties);
        std::iter::once(&output.properties).chain(columns)
    });
    std::iter::once(&component.properties)
        .chain(of_inputs)
        .chain(of_outputs)
        .flat_map(|properties| properties.iter().map(|property| property.value.as_str()))
        .collect()
}
