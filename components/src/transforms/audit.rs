//! Audit: new columns that say which run made a row.
//!
//! **Rows**: each row in is a row out, in the same order, with the same values in every row. Nothing can fail while rows
//! pass; a value that does not fit its column is found before.
//!
//! **Properties** of an output column: `LineageItemSelected`, one of
//!
//! | value | column | system variable |
//! |---|---|---|
//! | 0 | Execution instance GUID | `System::ExecutionInstanceGUID` |
//! | 1 | Package ID | `System::PackageID` |
//! | 2 | Package name | `System::PackageName` |
//! | 3 | Version ID | `System::VersionGUID` |
//! | 4 | Execution start time | `System::StartTime` |
//! | 5 | Machine name | `System::MachineName` |
//! | 6 | User name | `System::UserName` |
//! | 7 | Task name | `System::TaskName` |
//! | 8 | Task ID | `System::TaskID` |

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, RecordBatch, UInt32Array},
    compute::take,
};
use datafusion_common::Result;
use datafusion_physical_plan::ExecutionPlan;
use dtsx::SsisCode;
use fletching_expression::{ConvertOptions, Evaluated, convert};

use super::{
    computed::{Computed, ComputedColumn, output_specs},
    settings::{Known, regular_output, reject_unknown_everywhere, sole_input},
};
use crate::{
    Binding, Component, ComponentClass, ComponentKind, Finding, Findings, PlanContext, Planned,
    flow::{Applied, FlowError, OutputSpec, RowError, RowWise},
};

pub static CLASS: ComponentClass = ComponentClass {
    name: "Microsoft.Lineage",
    kind: ComponentKind::Transform,
    read,
};

const ITEM: &str = "LineageItemSelected";

/// System variables by the number of the item.
const VARIABLES: [&str; 9] = [
    "ExecutionInstanceGUID",
    "PackageID",
    "PackageName",
    "VersionGUID",
    "StartTime",
    "MachineName",
    "UserName",
    "TaskName",
    "TaskID",
];

/// Settings of an Audit.
#[derive(Debug)]
pub struct Audit {
    pub path: String,
    pub outputs: Vec<OutputSpec>,
    pub columns: Vec<AuditColumn>,
}

#[derive(Debug)]
pub struct AuditColumn {
    pub column: ComputedColumn,
    pub variable: &'static str,
    /// One row of the column's type.
    pub value: ArrayRef,
}

fn read(binding: &Binding<'_>) -> Result<Box<dyn Component>, Findings> {
    let input = binding.input()?;
    let output = regular_output(binding, input)?;
    let mut findings = Findings::default();
    reject_unknown_everywhere(
        binding,
        Known {
            output_column: &[ITEM],
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
        match audit_column(binding, document, ComputedColumn::added(document, bound)) {
            Ok(column) => columns.push(column),
            Err(finding) => findings.push(finding),
        }
    }
    let operator = Audit {
        path: binding.path.to_owned(),
        outputs: output_specs(binding.outputs),
        columns,
    };
    findings.none_or(Box::new(Settings(Arc::new(operator))))
}

fn audit_column(
    binding: &Binding<'_>,
    document: &dtsx::OutputColumn,
    column: ComputedColumn,
) -> Result<AuditColumn, Finding> {
    let finding = |code: &str, message: String| {
        let finding = binding.finding(format!("column `{}`: {message}", column.name));
        Finding {
            code: SsisCode::from_symbol(code).or(finding.code),
            ..finding
        }
    };
    let text = document.properties.get(ITEM).unwrap_or_default();
    let item = text
        .trim()
        .parse::<usize>()
        .ok()
        .and_then(|item| VARIABLES.get(item));
    let Some(&variable) = item else {
        let message = format!(
            "{ITEM} is `{text}`, not one of 0 to {}",
            VARIABLES.len() - 1
        );
        return Err(finding("DTS_E_TXLINEAGEINVALIDLINEAGEITEM", message));
    };
    let Some(value) = binding.variables.value(Some("System"), variable) else {
        return Err(binding.unsupported(format!(
            "column `{}`: System::{variable} has no value here",
            column.name
        )));
    };
    let options = ConvertOptions {
        locale_id: binding.locale_id,
        ..ConvertOptions::default()
    };
    let converted =
        convert(&value.array, &value.data_type, &column.data_type, &options).map_err(|error| {
            finding(
                "DTS_E_TXLINEAGEDATATYPEMISMATCH",
                format!("System::{variable}: {error}"),
            )
        })?;
    if let Some(failure) = converted.errors.first() {
        let message = format!(
            "System::{variable} does not fit {} ({})",
            column.data_type, failure.code
        );
        return Err(finding("DTS_E_TXLINEAGEINVALIDLENGTH", message));
    }
    Ok(AuditColumn {
        column,
        variable,
        value: converted.array,
    })
}

#[derive(Debug)]
struct Settings(Arc<Audit>);

impl Component for Settings {
    fn plan(&self, inputs: Vec<Arc<dyn ExecutionPlan>>, _context: &PlanContext) -> Result<Planned> {
        let operator: Arc<dyn RowWise> = Arc::<Audit>::clone(&self.0);
        Ok(Planned::RowWise {
            input: sole_input(inputs, &self.0.path)?,
            operator,
        })
    }
}

impl RowWise for Audit {
    fn name(&self) -> &'static str {
        "Audit"
    }

    fn path(&self) -> &str {
        &self.path
    }

    fn details(&self) -> String {
        let columns = self
            .columns
            .iter()
            .map(|audit| format!("{} = System::{}", audit.column.name, audit.variable));
        columns.collect::<Vec<_>>().join(", ")
    }

    fn outputs(&self) -> &[OutputSpec] {
        &self.outputs
    }

    fn apply(&self, batch: &RecordBatch) -> Result<Applied> {
        let zeros = UInt32Array::from(vec![0; batch.num_rows()]);
        let mut computed = Computed::default();
        for audit in &self.columns {
            let array = take(&audit.value, &zeros, None)?;
            computed.add(
                &audit.column,
                Evaluated {
                    array,
                    errors: Vec::new(),
                },
            );
        }
        computed.finish(batch, &self.outputs)
    }

    fn failure(&self, _batch: &RecordBatch, error: &RowError) -> FlowError {
        FlowError::new(&self.path, Some(error.code), "no row of an Audit can fail")
    }
}
