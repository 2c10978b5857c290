//! DataReader Destination: hands its rows to a program while the package runs.
//!
//! **Rows**: the selected input columns, in input order, under their names; source order kept. No error output.
//! **Properties**: `ReadTimeout` (milliseconds, 30,000; 0 and -1: no limit) is how long the destination waits for its reader to
//! ask for more. Then, with `FailOnTimeout`, it fails; without (the default) it drops the rest of its rows, the package goes
//! on, and the reader learns it by an error. Without a reader the rows are counted, dropped and reported.
//! **See**: semantics section 13.

use std::{sync::Arc, time::Duration};

use datafusion_common::Result;
use datafusion_physical_plan::ExecutionPlan;

use crate::{
    Binding, Component, ComponentClass, ComponentKind, Findings, Patience, PlanContext, Planned,
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
    patience: Patience,
}

/// Milliseconds that the destination waits where nothing is said.
const READ_TIMEOUT: i64 = 30_000;

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
    let properties = &binding.component.properties;
    let timeout = properties.int("ReadTimeout").unwrap_or(READ_TIMEOUT);
    let patience = Patience {
        timeout: u64::try_from(timeout)
            .ok()
            .filter(|timeout| *timeout > 0)
            .map(Duration::from_millis),
        fails: properties.bool("FailOnTimeout").unwrap_or(false),
    };
    findings.none_or(Box::new(DataReaderDestination { columns, patience }))
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
        Ok(Planned::Reader {
            plan: gather(project(only_input(inputs)?, &self.columns)?)?,
            patience: self.patience,
        })
    }
}
