//! Settings of a Slowly Changing Dimension, and the operators of a run.

use std::sync::{Arc, OnceLock};

use datafusion_common::Result;
use datafusion_physical_plan::ExecutionPlan;

use super::{
    folded::Folded,
    judge::{Judge, Loaded},
    pair::Pair,
    read::read,
};
use crate::{
    Component, ComponentClass, ComponentKind, PlanContext, Planned,
    flow::OutputSpec,
    transforms::{
        lookup::{Loading, Lookup, ReferenceExec, Source, load},
        settings::sole_input,
    },
};

pub static CLASS: ComponentClass = ComponentClass {
    name: "Microsoft.SCD",
    kind: ComponentKind::Transform,
    read,
};

/// Settings of a Slowly Changing Dimension.
#[derive(Debug)]
pub struct SlowlyChangingDimension {
    pub path: String,
    pub outputs: Vec<OutputSpec>,
    /// Positions of the six outputs, in the order of SSIS.
    pub ends: [usize; 6],
    /// `None`: all rows are new.
    pub dimension: Option<Arc<Dimension>>,
    /// A fixed attribute that changes stops the flow.
    pub fixed_fails: bool,
    /// A row without current row stops the flow.
    pub missing_fails: bool,
    /// What changes historical and changing attributes goes to both outputs.
    pub to_both: bool,
}

/// The current rows of the dimension, and what of them is compared.
#[derive(Debug)]
pub struct Dimension {
    /// Read as the reference of a Lookup with a full cache.
    pub reference: Lookup,
    pub keys: Vec<Pair>,
    pub attributes: Vec<Attribute>,
    pub inferred: Inferred,
}

/// A column that may change.
#[derive(Debug)]
pub struct Attribute {
    pub pair: Pair,
    pub kind: Kind,
}

/// What a change of an attribute means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The current row is updated.
    Changing,
    /// The current row ends, a new one begins.
    Historical,
    /// It must not change.
    Fixed,
}

/// Which current rows are inferred members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inferred {
    None,
    /// Those whose attributes are all NULL.
    AllNull,
    /// Those that this column marks, by its position among the dimension's columns that are read.
    Marked(usize),
}

#[derive(Debug)]
pub(super) struct Settings(pub(super) Arc<SlowlyChangingDimension>);

impl Component for Settings {
    fn plan(&self, inputs: Vec<Arc<dyn ExecutionPlan>>, context: &PlanContext) -> Result<Planned> {
        let settings = &self.0;
        let mut input = sole_input(inputs, &settings.path)?;
        let current = Arc::new(OnceLock::new());
        if let Some(dimension) = &settings.dimension {
            let reference = &dimension.reference;
            // A session that is kept for the run is used by one at a time.
            let (early, details) = match &reference.source {
                Source::Query { access, .. } => {
                    (!access.connection(context)?.retain, access.manager.clone())
                }
                _ => (false, String::new()),
            };
            let (loaded, context) = (Arc::clone(&current), context.clone());
            let dimension = Arc::clone(dimension);
            let work = move |task: &_, stop: &_| {
                let rows = load(&dimension.reference, &context, task, stop)?;
                let folded = Folded::build(&dimension, &rows, &context, task)?;
                drop(loaded.set(Loaded { rows, folded }));
                Ok(())
            };
            let loading = Loading::new(&settings.path, early, Box::new(work));
            input = Arc::new(ReferenceExec::new(details, input, loading));
        }
        let run = Arc::clone(&context.run);
        Ok(Planned::RowWise {
            input,
            operator: Arc::new(Judge::new(Arc::clone(settings), current, run)),
        })
    }
}
