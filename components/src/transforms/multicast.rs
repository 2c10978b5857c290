//! Multicast: every row to every output.
//!
//! **Rows**: each row in is a row of each connected output, in the same order. Nothing can fail. No value is copied: the
//! outputs share their arrays.
//!
//! ```text
//!  a, b ──▶ Multicast ──▶ a, b   `Multicast Output 1`
//!                   └───▶ a, b   `Multicast Output 2`
//! ```
//!
//! **Properties**: none.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion_common::Result;
use datafusion_physical_plan::ExecutionPlan;

use super::{
    computed::{batch_of, output_specs},
    settings::{Known, check_synchronous, reject_unknown_everywhere, sole_input},
};
use crate::{
    Binding, Component, ComponentClass, ComponentKind, Findings, PlanContext, Planned,
    flow::{Applied, FlowError, OutputRows, OutputSpec, Routing, RowError, RowWise},
};

pub static CLASS: ComponentClass = ComponentClass {
    name: "Microsoft.Multicast",
    kind: ComponentKind::Transform,
    read,
};

/// Settings of a Multicast.
#[derive(Debug)]
pub struct Multicast {
    pub path: String,
    pub outputs: Vec<OutputSpec>,
}

fn read(binding: &Binding<'_>) -> Result<Box<dyn Component>, Findings> {
    let input = binding.input()?;
    let mut findings = Findings::default();
    reject_unknown_everywhere(binding, Known::default(), &mut findings);
    for (document, output) in binding.component.outputs.iter().zip(binding.outputs) {
        if let Err(finding) = check_synchronous(binding, output, input) {
            findings.push(finding);
        }
        if document.is_error || !document.columns.is_empty() {
            findings
                .push(binding.finding(format!("output `{}` has columns of its own", output.name)));
        }
    }
    let operator = Multicast {
        path: binding.path.to_owned(),
        outputs: output_specs(binding.outputs),
    };
    findings.none_or(Box::new(Settings(Arc::new(operator))))
}

#[derive(Debug)]
struct Settings(Arc<Multicast>);

impl Component for Settings {
    fn plan(&self, inputs: Vec<Arc<dyn ExecutionPlan>>, _context: &PlanContext) -> Result<Planned> {
        let operator: Arc<dyn RowWise> = Arc::<Multicast>::clone(&self.0);
        Ok(Planned::RowWise {
            input: sole_input(inputs, &self.0.path)?,
            operator,
        })
    }
}

impl RowWise for Multicast {
    fn name(&self) -> &'static str {
        "Multicast"
    }

    fn path(&self) -> &str {
        &self.path
    }

    fn details(&self) -> String {
        let connected = self
            .outputs
            .iter()
            .filter(|output| output.connected)
            .count();
        format!("{connected} of {} outputs", self.outputs.len())
    }

    fn outputs(&self) -> &[OutputSpec] {
        &self.outputs
    }

    fn apply(&self, batch: &RecordBatch) -> Result<Applied> {
        let rows = batch.num_rows();
        // Rows end here only if no output takes them.
        let mut ending = if self.outputs.iter().any(|output| output.connected) {
            0
        } else {
            rows
        };
        let outputs = self
            .outputs
            .iter()
            .map(|output| {
                if output.connected {
                    return Ok(OutputRows::Aligned(batch_of(
                        &output.schema,
                        batch.columns().to_vec(),
                        rows,
                    )?));
                }
                Ok(OutputRows::Unconnected(std::mem::take(&mut ending)))
            })
            .collect::<Result<_>>()?;
        Ok(Applied {
            rows_in: rows,
            outputs,
            errors: Vec::new(),
            error_rows: None,
        })
    }

    fn failure(&self, _batch: &RecordBatch, error: &RowError) -> FlowError {
        FlowError::new(
            &self.path,
            Some(error.code),
            "no row of a Multicast can fail",
        )
    }

    fn routing(&self) -> Routing {
        Routing::Copy
    }
}
