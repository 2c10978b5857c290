//! Row Count: counts the rows that pass and sets a variable to their number once the data flow has succeeded.
//!
//! **Rows**: each row in is a row out, in the same order, without a copy. Nothing can fail. The variable changes once,
//! after the last row: an expression in the same data flow still reads its old value (spec `ssis-semantics.md` 5.3).
//!
//! **Properties**:
//!
//! | property | type | meaning |
//! |---|---|---|
//! | `VariableName` | text | a variable in scope that holds an integer: `User::Rows`, or `Rows` for the nearest of that name |

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use arrow::array::RecordBatch;
use datafusion_common::Result;
use datafusion_physical_plan::ExecutionPlan;
use dtsx::{DataType, SsisCode};

use super::{
    computed::{Computed, output_specs},
    settings::{
        Known, namespace_and_name, regular_output, reject_unknown_everywhere, settable_names,
        sole_input,
    },
};
use crate::{
    Binding, Component, ComponentClass, ComponentKind, Finding, Findings, PlanContext, Planned,
    flow::{Applied, FlowError, OutputSpec, RowError, RowWise},
};

pub static CLASS: ComponentClass = ComponentClass {
    name: "Microsoft.RowCount",
    kind: ComponentKind::Transform,
    read,
};

const VARIABLE_NAME: &str = "VariableName";

/// Settings of a Row Count.
#[derive(Debug, Clone)]
pub struct RowCount {
    pub path: String,
    pub outputs: Vec<OutputSpec>,
    /// As the package names it.
    pub variable: String,
}

fn read(binding: &Binding<'_>) -> Result<Box<dyn Component>, Findings> {
    let input = binding.input()?;
    regular_output(binding, input)?;
    let mut findings = Findings::default();
    reject_unknown_everywhere(
        binding,
        Known {
            component: &[VARIABLE_NAME],
            ..Known::default()
        },
        &mut findings,
    );
    let variable = binding
        .component
        .properties
        .get(VARIABLE_NAME)
        .unwrap_or_default()
        .trim();
    if let Err(finding) = check_variable(binding, variable) {
        findings.push(finding);
    }
    let outputs = output_specs(binding.outputs);
    findings.none_or(Box::new(RowCount {
        path: binding.path.to_owned(),
        outputs,
        variable: variable.to_owned(),
    }))
}

fn check_variable(binding: &Binding<'_>, variable: &str) -> Result<(), Finding> {
    let finding = |code: &str, message: String| {
        let finding = binding.finding(message);
        Finding {
            code: SsisCode::from_symbol(code).or(finding.code),
            ..finding
        }
    };
    if variable.is_empty() {
        return Err(finding(
            "DTS_E_ROWCOUNTBADVARIABLENAME",
            format!("{VARIABLE_NAME} names no variable"),
        ));
    }
    let (namespace, name) = namespace_and_name(variable);
    let Some(value) = binding.variables.value(namespace, name) else {
        if let Some(fault) = binding.variables.fault(namespace, name) {
            let message = format!("variable `{variable}` {fault}");
            return Err(finding("DTS_E_ROWCOUNTBADVARIABLETYPE", message));
        }
        let known = settable_names(binding).join(", ");
        let message = format!("variable `{variable}` does not exist; in scope are: {known}");
        return Err(finding("DTS_E_ROWCOUNTBADVARIABLENAME", message));
    };
    if let Some(why) = binding.variables.locked(namespace, name) {
        let message = format!("variable `{variable}` cannot be set: it {why}");
        return Err(finding("DTS_E_ROWCOUNTBADVARIABLENAME", message));
    }
    match value.data_type {
        DataType::I1 | DataType::I2 | DataType::I4 | DataType::I8 => Ok(()),
        DataType::UI1 | DataType::UI2 | DataType::UI4 | DataType::UI8 => Ok(()),
        other => {
            let message = format!(
                "variable `{variable}` holds {other}: a row count needs an integer, DT_I4 or wider"
            );
            Err(finding("DTS_E_ROWCOUNTBADVARIABLETYPE", message))
        }
    }
}

impl Component for RowCount {
    fn plan(&self, inputs: Vec<Arc<dyn ExecutionPlan>>, context: &PlanContext) -> Result<Planned> {
        let input = sole_input(inputs, &self.path)?;
        let rows = context.run.count(&self.path, &self.variable);
        Ok(Planned::RowWise {
            input,
            operator: Arc::new(Counting {
                settings: self.clone(),
                rows,
            }),
        })
    }
}

/// A Row Count in one run.
#[derive(Debug)]
struct Counting {
    settings: RowCount,
    rows: Arc<AtomicU64>,
}

impl RowWise for Counting {
    fn name(&self) -> &'static str {
        "RowCount"
    }

    fn path(&self) -> &str {
        &self.settings.path
    }

    fn details(&self) -> String {
        self.settings.variable.clone()
    }

    fn outputs(&self) -> &[OutputSpec] {
        &self.settings.outputs
    }

    fn apply(&self, batch: &RecordBatch) -> Result<Applied> {
        self.rows
            .fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
        Computed::default().finish(batch, &self.settings.outputs)
    }

    fn failure(&self, _batch: &RecordBatch, error: &RowError) -> FlowError {
        FlowError::new(
            &self.settings.path,
            Some(error.code),
            "no row of a Row Count can fail",
        )
    }
}
