//! Pass 3: components become operators, forks become routers, ends become the roots of plans.
//!
//! A data flow is a set of plans, one per destination (and one per transform whose rows lead nowhere), run together.

use std::{collections::HashMap, sync::Arc};

use datafusion_common::{Result, internal_err};
use datafusion_physical_plan::ExecutionPlan;
use fletching_components::{
    Accounting, BoundInput, ComponentKind, Patience, PerOutput, PlanContext, Planned,
    flow::{Router, RouterOutputExec, RowWise, RowWiseExec, Tally, drain, narrow, project},
};

use crate::{CheckedDataFlow, DataFlowGraph};

/// The plans of one run of a data flow.
#[derive(Debug)]
pub struct DataFlowPlan {
    pub path: String,
    pub roots: Vec<Root>,
    /// One entry per component, in document order.
    pub operators: Vec<Operator>,
    /// Positions in `operators`, every one after those that feed it.
    pub order: Vec<usize>,
    pub routers: Vec<Arc<Router>>,
    pub context: PlanContext,
}

/// A plan to run to its end.
#[derive(Debug)]
pub struct Root {
    /// Position of the component in the document.
    pub component: usize,
    pub kind: RootKind,
    pub plan: Arc<dyn ExecutionPlan>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RootKind {
    /// Yields one row: the number of rows written.
    Sink,
    /// Its rows go to a caller, who is waited for as long as this says.
    Reader(Patience),
    /// No path leads away from a transform: its rows are counted and end here.
    Drain,
}

/// What is known of a component while its plan runs.
#[derive(Debug)]
pub struct Operator {
    pub name: String,
    pub path: String,
    pub class: String,
    pub kind: ComponentKind,
    pub outputs: Vec<OperatorOutput>,
    /// Where rows come from: (component, output) per attached input.
    pub inputs: Vec<(usize, usize)>,
    pub measure: Measure,
}

#[derive(Debug)]
pub struct OperatorOutput {
    pub name: String,
    pub is_error: bool,
    pub connected: bool,
    /// Name of the component it leads to.
    pub leads_to: Option<String>,
}

/// How the rows of a component are counted.
#[derive(Debug)]
pub enum Measure {
    /// A row-wise component keeps a tally.
    Tally(Arc<Tally>),
    /// Operators: their DataFusion metrics.
    Plan {
        /// Output, and the operator that makes its rows; a destination's is its own output 0.
        plans: Vec<(usize, Arc<dyn ExecutionPlan>)>,
        accounting: Accounting,
        /// `plans` and the operators below them that are this component's too (the encoder of a file).
        operators: Vec<Arc<dyn ExecutionPlan>>,
    },
}

impl Measure {
    /// `inputs` end what belongs to the component.
    fn of(
        plans: Vec<(usize, Arc<dyn ExecutionPlan>)>,
        accounting: Accounting,
        inputs: &[Arc<dyn ExecutionPlan>],
    ) -> Self {
        let mut operators = Vec::new();
        let mut ahead: Vec<_> = plans.iter().map(|(_, plan)| plan).collect();
        while let Some(next) = ahead.pop() {
            if inputs.iter().any(|input| Arc::ptr_eq(input, next)) {
                continue;
            }
            operators.push(Arc::clone(next));
            ahead.extend(next.children());
        }
        Self::Plan {
            plans,
            accounting,
            operators,
        }
    }
}

/// Makes the operators of one run.
pub fn lower(checked: &CheckedDataFlow, context: &PlanContext) -> Result<DataFlowPlan> {
    let graph = &checked.graph;
    checked
        .warnings
        .iter()
        .for_each(|warning| context.run.warn(warning));
    let mut lowering = Lowering {
        graph,
        context,
        outputs: HashMap::new(),
        roots: Vec::new(),
        routers: Vec::new(),
    };
    let mut measures: Vec<Option<Measure>> = graph.components.iter().map(|_| None).collect();
    for &index in &graph.order {
        measures[index] = Some(lowering.component(index, checked)?);
    }
    let Lowering {
        mut roots, routers, ..
    } = lowering;
    roots.sort_by_key(|root| root.component);
    let operators = measures
        .into_iter()
        .enumerate()
        .filter_map(|(index, measure)| Some(operator(checked, index, measure?)))
        .collect();
    Ok(DataFlowPlan {
        path: graph.path.clone(),
        roots,
        operators,
        order: graph.order.clone(),
        routers,
        context: context.clone(),
    })
}

fn operator(checked: &CheckedDataFlow, index: usize, measure: Measure) -> Operator {
    let graph = &checked.graph;
    let (name, class, kind) = &checked.names[index];
    let bound = &graph.components[index];
    let outputs = bound.outputs.iter().enumerate().map(|(at, output)| {
        let edge = graph
            .edges
            .iter()
            .find(|edge| edge.from_component == index && edge.from_output == at);
        OperatorOutput {
            name: output.name.clone(),
            is_error: output.is_error,
            connected: output.connected,
            leads_to: edge.map(|edge| checked.names[edge.to_component].0.clone()),
        }
    });
    let inputs = (0..bound.inputs.len())
        .filter_map(|input| graph.arriving(index, input))
        .map(|edge| (edge.from_component, edge.from_output));
    Operator {
        name: name.clone(),
        path: bound.path.clone(),
        class: class.clone(),
        kind: *kind,
        outputs: outputs.collect(),
        inputs: inputs.collect(),
        measure,
    }
}

/// The columns that an input takes of the batches that arrive, if the output before it has not left the others behind.
fn left_behind(
    plan: Arc<dyn ExecutionPlan>,
    input: Option<&BoundInput>,
) -> Result<Arc<dyn ExecutionPlan>> {
    match input {
        Some(input) if !input.takes_all_of(plan.schema().fields().len()) => {
            let named = input.taken.iter().zip(&input.columns);
            let columns: Vec<(usize, String)> = named
                .map(|(at, column)| (*at, column.name.clone()))
                .collect();
            project(plan, &columns)
        }
        _ => Ok(plan),
    }
}

struct Lowering<'a> {
    graph: &'a DataFlowGraph,
    context: &'a PlanContext,
    /// The plan that yields the rows of (component, output).
    outputs: HashMap<(usize, usize), Arc<dyn ExecutionPlan>>,
    roots: Vec<Root>,
    routers: Vec<Arc<Router>>,
}

impl Lowering<'_> {
    fn component(&mut self, index: usize, checked: &CheckedDataFlow) -> Result<Measure> {
        let bound = &self.graph.components[index];
        let mut inputs = Vec::new();
        for input in 0..bound.inputs.len() {
            let Some(edge) = self.graph.arriving(index, input) else {
                continue;
            };
            match self
                .outputs
                .remove(&(edge.from_component, edge.from_output))
            {
                Some(plan) => inputs.push(left_behind(plan, bound.inputs[input].as_ref())?),
                None => return internal_err!("{}: an output feeds two paths", bound.path),
            }
        }
        match checked.components[index].plan(inputs.clone(), self.context)? {
            Planned::RowWise { input, operator } => {
                self.row_wise(index, input, &narrow(operator, self.taken(index))?)
            }
            Planned::Plan { plan, accounting } => {
                let measure = Measure::of(vec![(0, Arc::clone(&plan))], accounting, &inputs);
                if bound.outputs.first().is_some_and(|output| output.connected) {
                    self.outputs.insert((index, 0), plan);
                } else {
                    self.drain(index, plan)?;
                }
                Ok(measure)
            }
            Planned::PerOutput { input, component } => {
                self.per_output(index, &input, component.as_ref())
            }
            Planned::Sink(plan) => Ok(self.root(index, RootKind::Sink, plan, &inputs)),
            Planned::Reader { plan, patience } => {
                Ok(self.root(index, RootKind::Reader(patience), plan, &inputs))
            }
        }
    }

    /// For each output, the columns that the input at the end of its path takes.
    fn taken(&self, index: usize) -> Vec<Option<Vec<usize>>> {
        let graph = self.graph;
        let outputs = &graph.components[index].outputs;
        let mut taken = vec![None; outputs.len()];
        for edge in graph
            .edges
            .iter()
            .filter(|edge| edge.from_component == index)
        {
            let input = graph.components[edge.to_component].inputs[edge.to_input].as_ref();
            let fewer =
                |input: &&BoundInput| !input.takes_all_of(outputs[edge.from_output].columns.len());
            taken[edge.from_output] = input.filter(fewer).map(|input| input.taken.clone());
        }
        taken
    }

    fn root(
        &mut self,
        component: usize,
        kind: RootKind,
        plan: Arc<dyn ExecutionPlan>,
        inputs: &[Arc<dyn ExecutionPlan>],
    ) -> Measure {
        let plans = vec![(0, Arc::clone(&plan))];
        let measure = Measure::of(plans, Accounting::Combining, inputs);
        self.roots.push(Root {
            component,
            kind,
            plan,
        });
        measure
    }

    fn drain(&mut self, component: usize, plan: Arc<dyn ExecutionPlan>) -> Result<()> {
        self.roots.push(Root {
            component,
            kind: RootKind::Drain,
            plan: drain(plan)?,
        });
        Ok(())
    }

    /// Every connected output reads a copy of the input; where only one is connected, the input itself.
    fn per_output(
        &mut self,
        index: usize,
        input: &Arc<dyn ExecutionPlan>,
        component: &dyn PerOutput,
    ) -> Result<Measure> {
        let outputs = &self.graph.components[index].outputs;
        let connected: Vec<usize> = (0..outputs.len())
            .filter(|&output| outputs[output].connected)
            .collect();
        let mut plans = Vec::new();
        let mut boundaries = vec![Arc::clone(input)];
        match connected[..] {
            [] => {
                let plan = component.operator(0, Arc::clone(input))?;
                self.drain(index, Arc::clone(&plan))?;
                plans.push((0, plan));
            }
            [output] => plans.push((output, component.operator(output, Arc::clone(input))?)),
            _ => {
                let copies = component.copies();
                let tally = Arc::new(Tally::new(outputs.len()));
                let may_spill = self.graph.outputs_depend(index);
                let router = Arc::new(Router::new(Arc::clone(input), copies, may_spill, tally));
                for &output in &connected {
                    let copy: Arc<dyn ExecutionPlan> =
                        Arc::new(RouterOutputExec::try_new(Arc::clone(&router), output)?);
                    boundaries.push(Arc::clone(&copy));
                    plans.push((output, component.operator(output, copy)?));
                }
                self.routers.push(router);
            }
        }
        for (output, plan) in plans.iter().filter(|_| !connected.is_empty()) {
            self.outputs.insert((index, *output), Arc::clone(plan));
        }
        Ok(Measure::of(plans, Accounting::Combining, &boundaries))
    }

    fn row_wise(
        &mut self,
        index: usize,
        input: Arc<dyn ExecutionPlan>,
        operator: &Arc<dyn RowWise>,
    ) -> Result<Measure> {
        let tally = Arc::new(Tally::new(operator.outputs().len()));
        let connected: Vec<usize> = operator
            .outputs()
            .iter()
            .enumerate()
            .filter(|(_, output)| output.connected)
            .map(|(at, _)| at)
            .collect();
        match connected[..] {
            [] => {
                let plan = RowWiseExec::drained(input, Arc::clone(operator), Arc::clone(&tally));
                self.drain(index, Arc::new(plan))?;
            }
            [output] => {
                let plan =
                    RowWiseExec::try_new(input, Arc::clone(operator), output, Arc::clone(&tally))?;
                self.outputs.insert((index, output), Arc::new(plan));
            }
            _ => {
                let may_spill = self.graph.outputs_depend(index);
                let router =
                    Router::new(input, Arc::clone(operator), may_spill, Arc::clone(&tally));
                let router = Arc::new(router);
                for output in connected {
                    let plan = RouterOutputExec::try_new(Arc::clone(&router), output)?;
                    self.outputs.insert((index, output), Arc::new(plan));
                }
                self.routers.push(router);
            }
        }
        Ok(Measure::Tally(tally))
    }
}
