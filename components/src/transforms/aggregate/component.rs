//! Aggregate as a component: its properties (spec `dtsx-format.md` section 4 rule 8, `ssis-semantics.md` section 4).
//!
//! Each output has its own set of columns; output column properties: `AggregationColumnId` (the input column, 0 for a
//! count of all rows), `AggregationType` (0 group by, 1 count, 2 count all, 3 count distinct, 4 sum, 5 average, 6 minimum,
//! 7 maximum), `AggregationComparisonFlags`. `Keys`, `KeyScale`, `CountDistinctKeys`, `AutoExtendFactor` and `IsBig` are hints of
//! size: accepted, not needed.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion_common::Result;
use datafusion_physical_plan::ExecutionPlan;

use super::{AggregateColumn, AggregateError, AggregateExec, AggregateOutput, Operation};
use crate::{
    Accounting, Binding, BoundInput, Component, ComponentClass, ComponentKind, Findings,
    PlanContext, Planned, only_input,
};

pub static CLASS: ComponentClass = ComponentClass {
    name: "Microsoft.Aggregate",
    kind: ComponentKind::Transform,
    read,
};

#[derive(Debug)]
struct Aggregate {
    path: String,
    output: AggregateOutput,
    locale_id: u32,
    schema: SchemaRef,
}

fn read(binding: &Binding<'_>) -> Result<Box<dyn Component>, Findings> {
    let input = binding.input()?;
    let mut findings = Findings::default();
    let connected: Vec<usize> = (0..binding.outputs.len())
        .filter(|&at| binding.outputs[at].connected)
        .collect();
    let at = match connected[..] {
        [] => 0,
        [at] => at,
        _ => {
            let message = "several connected outputs are not supported yet: split the aggregation over a Multicast";
            return Err(binding.unsupported(message).into());
        }
    };
    if at != 0 {
        findings.push(
            binding.unsupported("an output other than the first is connected: not supported yet"),
        );
    }
    let Some(output) = binding.component.outputs.get(at) else {
        return Err(binding.finding("has no output").into());
    };
    let columns = output
        .columns
        .iter()
        .filter_map(|column| {
            aggregate_column(binding, input, column)
                .map_err(|found| findings.push(found))
                .ok()
        })
        .collect();
    let schema = binding.outputs[at].schema();
    let aggregate = Aggregate {
        path: binding.path.to_owned(),
        output: AggregateOutput { columns },
        locale_id: binding.locale_id,
        schema,
    };
    findings.none_or(Box::new(aggregate))
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
    Ok(AggregateColumn {
        name: column.name.clone(),
        operation,
        input: position.filter(|_| operation != Operation::CountAll),
        data_type: column.data_type,
        comparison_flags: u32::try_from(flags).unwrap_or(0),
    })
}

impl Component for Aggregate {
    fn plan(&self, inputs: Vec<Arc<dyn ExecutionPlan>>, _context: &PlanContext) -> Result<Planned> {
        let input = only_input(inputs)?;
        let (output, schema) = (self.output.clone(), Arc::clone(&self.schema));
        let operator = AggregateExec::try_new(input, output, self.locale_id, schema)
            .map_err(|error| AggregateError::located(error, &self.path))?;
        Ok(Planned::Plan {
            plan: Arc::new(operator.with_path(&self.path)),
            accounting: Accounting::Combining,
        })
    }
}
