//! Copy Column: new columns that hold the values of others.
//!
//! **Rows**: each row in is a row out, in the same order. Nothing can fail, and no value is copied: the new column shares
//! the array of the old one.
//!
//! **Properties** of an output column:
//!
//! | property | type | meaning |
//! |---|---|---|
//! | `CopyColumnId` | reference | the column to copy; type and length must be equal |

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion_common::Result;
use datafusion_physical_plan::ExecutionPlan;
use dtsx::SsisCode;
use fletching_expression::Evaluated;

use super::{
    computed::{Computed, ComputedColumn, output_specs},
    settings::{Known, regular_output, reject_unknown_everywhere, sole_input},
};
use crate::{
    Binding, BoundInput, Component, ComponentClass, ComponentKind, Finding, Findings, PlanContext,
    Planned,
    flow::{Applied, FlowError, OutputSpec, RowError, RowWise},
};

pub static CLASS: ComponentClass = ComponentClass {
    name: "Microsoft.CopyMap",
    kind: ComponentKind::Transform,
    read,
};

const SOURCE: &str = "CopyColumnId";

/// Settings of a Copy Column.
#[derive(Debug)]
pub struct CopyColumn {
    pub path: String,
    pub outputs: Vec<OutputSpec>,
    /// New columns, each with the position of the column that it copies.
    pub columns: Vec<(ComputedColumn, usize)>,
}

fn read(binding: &Binding<'_>) -> Result<Box<dyn Component>, Findings> {
    let input = binding.input()?;
    let output = regular_output(binding, input)?;
    let mut findings = Findings::default();
    reject_unknown_everywhere(
        binding,
        Known {
            output_column: &[SOURCE],
            ..Known::default()
        },
        &mut findings,
    );
    let own = output
        .bound
        .columns
        .iter()
        .skip(output.bound.passed_through);
    let mut columns = Vec::new();
    for (document, bound) in output.document.columns.iter().zip(own) {
        let column = ComputedColumn::added(document, bound);
        match source(binding, input, document, &column) {
            Ok(source) => columns.push((column, source)),
            Err(finding) => findings.push(finding),
        }
    }
    let operator = CopyColumn {
        path: binding.path.to_owned(),
        outputs: output_specs(binding.outputs),
        columns,
    };
    findings.none_or(Box::new(Settings(Arc::new(operator))))
}

fn source(
    binding: &Binding<'_>,
    input: &BoundInput,
    document: &dtsx::OutputColumn,
    column: &ComputedColumn,
) -> Result<usize, Finding> {
    let finding = |code: &str, message: String| {
        let finding = binding.finding(message);
        Finding {
            code: SsisCode::from_symbol(code).or(finding.code),
            ..finding
        }
    };
    let reference = document.properties.get(SOURCE).unwrap_or_default();
    let Some(position) = input.position(reference) else {
        let message = format!(
            "column `{}` copies `{reference}`, which does not arrive",
            column.name
        );
        return Err(finding(
            "DTS_E_TXCOPYMAP_INCORRECT_OUTPUT_COLUMN_MAPPING",
            message,
        ));
    };
    let from = &input.columns[position];
    if from.data_type != column.data_type {
        let message = format!(
            "column `{}` is {}, but the column `{}` that it copies is {}",
            column.name, column.data_type, from.name, from.data_type
        );
        return Err(finding(
            "DTS_E_TXCOPYMAP_MISMATCHED_COLUMN_METADATA",
            message,
        ));
    }
    Ok(position)
}

#[derive(Debug)]
struct Settings(Arc<CopyColumn>);

impl Component for Settings {
    fn plan(&self, inputs: Vec<Arc<dyn ExecutionPlan>>, _context: &PlanContext) -> Result<Planned> {
        let operator: Arc<dyn RowWise> = Arc::<CopyColumn>::clone(&self.0);
        Ok(Planned::RowWise {
            input: sole_input(inputs, &self.0.path)?,
            operator,
        })
    }
}

impl RowWise for CopyColumn {
    fn name(&self) -> &'static str {
        "CopyColumn"
    }

    fn path(&self) -> &str {
        &self.path
    }

    fn details(&self) -> String {
        self.columns
            .iter()
            .map(|(column, _)| column.name.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    }

    fn outputs(&self) -> &[OutputSpec] {
        &self.outputs
    }

    fn apply(&self, batch: &RecordBatch) -> Result<Applied> {
        let mut computed = Computed::default();
        for (column, source) in &self.columns {
            let array = Arc::clone(batch.column(*source));
            computed.add(
                column,
                Evaluated {
                    array,
                    errors: Vec::new(),
                },
            );
        }
        computed.finish(batch, &self.outputs)
    }

    fn failure(&self, _batch: &RecordBatch, error: &RowError) -> FlowError {
        FlowError::new(
            &self.path,
            Some(error.code),
            "no row of a Copy Column can fail",
        )
    }
}
