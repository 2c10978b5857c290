//! A data flow with its paths resolved and its columns bound to positions.

use std::collections::HashMap;

use fletching_components::{BoundInput, BoundOutput};

/// The bound graph of one Data Flow task. Components keep the order of the document.
#[derive(Debug)]
pub struct DataFlowGraph {
    /// Path of the task: `Package\Load sales`.
    pub path: String,
    pub locale_id: u32,
    pub components: Vec<GraphComponent>,
    pub edges: Vec<Edge>,
    /// Component positions, every one after those that feed it.
    pub order: Vec<usize>,
    /// `ErrorColumn` numbers by column id and lineage id.
    pub numbers: HashMap<String, i32>,
}

#[derive(Debug)]
pub struct GraphComponent {
    /// Path of the component: `Package\Load sales\Derived Column`.
    pub path: String,
    /// In document order; `None` where no path arrives.
    pub inputs: Vec<Option<BoundInput>>,
    pub outputs: Vec<BoundOutput>,
}

/// A path of the document, by positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    pub from_component: usize,
    pub from_output: usize,
    pub to_component: usize,
    pub to_input: usize,
}

impl DataFlowGraph {
    /// The edge that arrives at an input.
    pub fn arriving(&self, component: usize, input: usize) -> Option<&Edge> {
        self.edges
            .iter()
            .find(|edge| edge.to_component == component && edge.to_input == input)
    }

    /// The outputs of a component are connected to each other by a way that does not lead through it: the readers of
    /// two of them can wait for each other.
    ///
    /// ```text
    ///  Multicast ──▶ Sort ──▶ Merge Join      yes          Split ──▶ file 1      no
    ///         └─────────────────▲                              └───▶ file 2
    /// ```
    pub fn outputs_depend(&self, component: usize) -> bool {
        let mut group: Vec<usize> = (0..self.components.len()).collect();
        for edge in &self.edges {
            if edge.from_component != component && edge.to_component != component {
                let (a, b) = (
                    root(&group, edge.from_component),
                    root(&group, edge.to_component),
                );
                group[a] = b;
            }
        }
        let mut seen: Vec<usize> = Vec::new();
        for edge in self
            .edges
            .iter()
            .filter(|edge| edge.from_component == component)
        {
            let target = root(&group, edge.to_component);
            if seen.contains(&target) {
                return true;
            }
            seen.push(target);
        }
        false
    }
}

fn root(group: &[usize], mut member: usize) -> usize {
    while group[member] != member {
        member = group[member];
    }
    member
}
