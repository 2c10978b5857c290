//! Sort as a component: its properties (spec `dtsx-format.md` section 4 rule 8, `ssis-semantics.md` section 3).
//!
//! * `EliminateDuplicates`: keep the first row of each key.
//! * `MaximumThreads`: accepted; the run's threads decide.
//! * input column `NewSortKeyPosition`: 0 passes through, else the rank, negative for descending.
//! * input column `NewComparisonFlags`: how text keys compare.
//! * output column `SortColumnId`: the input column that it shows.

use std::sync::Arc;

use datafusion_common::Result;
use datafusion_physical_plan::ExecutionPlan;

use super::{SortKey, SortOperator, SortSettings};
use crate::{
    Accounting, Binding, Component, ComponentClass, ComponentKind, Findings, PlanContext, Planned,
    only_input,
    transforms::settings::{Known, comparison_flags, reject_unknown_everywhere},
};

pub static CLASS: ComponentClass = ComponentClass {
    name: "Microsoft.Sort",
    kind: ComponentKind::Transform,
    read,
};

#[derive(Debug)]
struct Sort {
    settings: SortSettings,
    schema: arrow::datatypes::SchemaRef,
}

fn read(binding: &Binding<'_>) -> Result<Box<dyn Component>, Findings> {
    let input = binding.input()?;
    let document = binding.document_input()?;
    let mut findings = Findings::default();
    let known = Known {
        component: &["EliminateDuplicates", "MaximumThreads"],
        input_column: &["NewSortKeyPosition", "NewComparisonFlags"],
        output: &[],
        output_column: &["SortColumnId"],
    };
    reject_unknown_everywhere(binding, known, &mut findings);
    let mut keys: Vec<(i64, SortKey)> = Vec::new();
    for (column, &position) in document.columns.iter().zip(&input.used) {
        let rank = column.properties.int("NewSortKeyPosition").unwrap_or(0);
        if rank != 0 {
            let arriving = &input.columns[position];
            let comparison_flags = comparison_flags(
                binding,
                &arriving.name,
                &arriving.data_type,
                column.properties.int("NewComparisonFlags").unwrap_or(0),
                &mut findings,
            );
            let key = SortKey {
                column: position,
                descending: rank < 0,
                comparison_flags,
            };
            keys.push((rank.abs(), key));
        }
    }
    if keys.is_empty() {
        findings
            .push(binding.finding("no input column is a sort key: give one a NewSortKeyPosition"));
    }
    keys.sort_by_key(|(rank, _)| *rank);
    let Some(output) = binding.component.outputs.first() else {
        return Err(binding.finding("has no output").into());
    };
    let mut output_columns = Vec::with_capacity(output.columns.len());
    for column in &output.columns {
        match column
            .properties
            .get("SortColumnId")
            .and_then(|reference| input.position(reference))
        {
            Some(position) => output_columns.push(position),
            None => findings.push(binding.finding(format!(
                "output column `{}` names no column of the input (SortColumnId `{}`)",
                column.name,
                column.properties.get("SortColumnId").unwrap_or_default()
            ))),
        }
    }
    let settings = SortSettings {
        keys: keys.into_iter().map(|(_, key)| key).collect(),
        locale_id: binding.locale_id,
        output_columns,
        eliminate_duplicates: binding
            .component
            .properties
            .bool("EliminateDuplicates")
            .unwrap_or(false),
    };
    let schema = binding.outputs[0].schema();
    findings.none_or(Box::new(Sort { settings, schema }))
}

impl Component for Sort {
    fn plan(&self, inputs: Vec<Arc<dyn ExecutionPlan>>, _context: &PlanContext) -> Result<Planned> {
        let operator = SortOperator::try_new(
            only_input(inputs)?,
            self.settings.clone(),
            Arc::clone(&self.schema),
        )?;
        Ok(Planned::Plan {
            plan: Arc::new(operator),
            accounting: Accounting::Preserving,
        })
    }
}
