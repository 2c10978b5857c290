//! DataReader Destination: hands its rows to a program while the package runs.
//!
//! **Rows**: the selected input columns, in input order, under their names; source order kept. No error output.
//! **Properties**: `ReadTimeout` (milliseconds, 30,000) and `FailOnTimeout` (false) say how long SSIS waits for a request of its
//! client. A reader here is attached before the run and holds it back as long as it likes; without one the rows are counted,
//! dropped and reported. So both are accepted and have no effect.
//! **See**: semantics section 13.

use std::sync::Arc;

use datafusion_common::Result;
use datafusion_physical_plan::ExecutionPlan;

use crate::{
    Binding, Component, ComponentClass, ComponentKind, Findings, PlanContext, Planned,
    flow::{gather, project},
    only_input,
    transforms::settings::{Known, reject_unknown_everywhere},
};

pub static CLASS: ComponentClass = ComponentClass {
    name: "Microsoft.DataReaderDestinationAdapter",
    kind: ComponentKind::Destination,
    read,
};

#[derive(Debug)]
struct DataReaderDestination {
    columns: Vec<(usize, String)>,
}

fn read(binding: &Binding<'_>) -> Result<Box<dyn Component>, Findings> {
    let columns = selected_columns(binding)?;
    let mut findings = Findings::default();
    let known = Known {
        component: &[
            "DataReader",
            "UserComponentTypeName",
            "ReadTimeout",
            "FailOnTimeout",
        ],
        ..Known::default()
    };
    reject_unknown_everywhere(binding, known, &mut findings);
    findings.none_or(Box::new(DataReaderDestination { columns }))
}

/// The input columns that a destination without external columns takes.
pub(super) fn selected_columns(binding: &Binding<'_>) -> Result<Vec<(usize, String)>, Findings> {
    let input = binding.input()?;
    Ok(input
        .used
        .iter()
        .map(|&position| (position, input.columns[position].name.clone()))
        .collect())
}

impl Component for DataReaderDestination {
    fn plan(&self, inputs: Vec<Arc<dyn ExecutionPlan>>, _context: &PlanContext) -> Result<Planned> {
        Ok(Planned::Reader(gather(project(
            only_input(inputs)?,
            &self.columns,
        )?)?))
    }
}
