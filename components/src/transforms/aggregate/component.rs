//! Aggregate as a component: its properties (spec `dtsx-format.md` section 4 rule 8, `ssis-semantics.md` section 4).
//!
//! Each output has its own set of columns; output column properties: `AggregationColumnId` (the input column, 0 for a
//! count of all rows), `AggregationType` (0 group by, 1 count, 2 count all, 3 count distinct, 4 sum, 5 average, 6 minimum,
//! 7 maximum), `AggregationComparisonFlags`. `Keys`, `KeyScale`, `CountDistinctKeys`, `AutoExtendFactor` and `IsBig` are hints of
//! size: accepted, not needed.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion_common::{Result, internal_err};
use datafusion_physical_plan::ExecutionPlan;

use super::{AggregateColumn, AggregateError, AggregateExec, AggregateOutput, Operation};
use crate::{
    Binding, BoundInput, Component, ComponentClass, ComponentKind, Findings, PerOutput,
    PlanContext, Planned,
    flow::{OutputSpec, RowWise},
    only_input,
    transforms::{
        multicast::Multicast,
        settings::{Known, comparison_flags, reject_unknown_everywhere},
    },
};

pub static CLASS: ComponentClass = ComponentClass {
    name: "Microsoft.Aggregate",
    kind: ComponentKind::Transform,
    read,
};

/// Settings of an Aggregate.
#[derive(Debug)]
struct Aggregate {
    path: String,
    locale_id: u32,
    outputs: Vec<(AggregateOutput, SchemaRef)>,
    copies: Arc<Multicast>,
}

fn read(binding: &Binding<'_>) -> Result<Box<dyn Component>, Findings> {
    let input = binding.input()?;
    let mut findings = Findings::default();
    check_properties(binding, &mut findings);
    let mut outputs = Vec::new();
    for (output, bound) in binding.component.outputs.iter().zip(binding.outputs) {
        let mut columns = Vec::new();
        for column in &output.columns {
            match aggregate_column(binding, input, column) {
                Ok(column) => columns.push(column),
                Err(finding) => findings.push(finding),
            }
        }
        outputs.push((AggregateOutput { columns }, bound.schema()));
    }
    if outputs.is_empty() {
        findings.push(binding.finding("has no output"));
    }
    let copies = binding.outputs.iter().map(|output| OutputSpec {
        name: output.name.clone(),
        schema: input.schema(),
        is_error: false,
        connected: output.connected,
    });
    let aggregate = Aggregate {
        path: binding.path.to_owned(),
        locale_id: binding.locale_id,
        outputs,
        copies: Arc::new(Multicast {
            path: binding.path.to_owned(),
            outputs: copies.collect(),
        }),
    };
    findings.none_or(Box::new(Settings(Arc::new(aggregate))))
}

/// Hints of size are known and have no effect; anything else could change results.
fn check_properties(binding: &Binding<'_>, findings: &mut Findings) {
    let known = Known {
        component: &[
            "Keys",
            "KeyScale",
            "CountDistinctKeys",
            "CountDistinctScale",
            "AutoExtendFactor",
        ],
        input_column: &[],
        output: &[
            "Keys",
            "KeyScale",
            "CountDistinctKeys",
            "CountDistinctScale",
        ],
        output_column: &[
            "AggregationColumnId",
            "AggregationType",
            "AggregationComparisonFlags",
            "IsBig",
            "CountDistinctKeys",
            "CountDistinctScale",
        ],
    };
    reject_unknown_everywhere(binding, known, findings);
}

fn aggregate_column(
    binding: &Binding<'_>,
    input: &BoundInput,
    column: &dtsx::OutputColumn,
) -> Result<AggregateColumn, crate::Finding> {
    let kind = column.properties.int("AggregationType").unwrap_or(0);
    let operation = match kind {
        0 => Operation::GroupBy,
        1 => Operation::Count,
        2 => Operation::CountAll,
        3 => Operation::CountDistinct,
        4 => Operation::Sum,
        5 => Operation::Average,
        6 => Operation::Minimum,
        7 => Operation::Maximum,
        other => {
            let message = format!(
                "output column `{}`: AggregationType {other} is not one of 0 to 7",
                column.name
            );
            return Err(binding.finding(message));
        }
    };
    let reference = column
        .properties
        .get("AggregationColumnId")
        .unwrap_or_default();
    let position = input.position(reference);
    if position.is_none() && operation != Operation::CountAll {
        let message = format!(
            "output column `{}`: AggregationColumnId `{reference}` does not arrive",
            column.name
        );
        return Err(binding.finding(message));
    }
    let flags = column
        .properties
        .int("AggregationComparisonFlags")
        .unwrap_or(0);
    let mut findings = Findings::default();
    let comparison_flags = match position {
        Some(at) => {
            let from = &input.columns[at].data_type;
            comparison_flags(binding, &column.name, from, flags, &mut findings)
        }
        None => 0,
    };
    if let Some(finding) = findings.0.pop() {
        return Err(finding);
    }
    Ok(AggregateColumn {
        name: column.name.clone(),
        operation,
        input: position.filter(|_| operation != Operation::CountAll),
        data_type: column.data_type,
        comparison_flags,
    })
}

#[derive(Debug)]
struct Settings(Arc<Aggregate>);

impl Component for Settings {
    fn plan(&self, inputs: Vec<Arc<dyn ExecutionPlan>>, _context: &PlanContext) -> Result<Planned> {
        let component: Arc<dyn PerOutput> = Arc::<Aggregate>::clone(&self.0);
        Ok(Planned::PerOutput {
            input: only_input(inputs)?,
            component,
        })
    }
}

impl PerOutput for Aggregate {
    fn copies(&self) -> Arc<dyn RowWise> {
        Arc::<Multicast>::clone(&self.copies) as Arc<dyn RowWise>
    }

    fn operator(
        &self,
        output: usize,
        input: Arc<dyn ExecutionPlan>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Some((output, schema)) = self.outputs.get(output).cloned() else {
            return internal_err!("{} has no output {output}", self.path);
        };
        let operator = AggregateExec::try_new(input, output, self.locale_id, schema)
            .map_err(|error| AggregateError::located(error, &self.path))?;
        Ok(Arc::new(operator.with_path(&self.path)))
    }
}
