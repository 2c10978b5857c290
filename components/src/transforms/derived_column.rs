//! Derived Column: new columns, or new values for existing ones, from expressions.
//!
//! **Rows**: each row in is a row out, in the same order. A row whose expression fails (division by zero, overflow, a
//! bad cast, a value too long for the column) goes where the column's error or truncation disposition says: it stops the
//! flow, keeps NULL or the cut text, or leaves by the error output with the columns as they arrived.
//!
//! ```text
//!  a, b ──▶ Derived Column ──▶ a, b, ratio        `Derived Column Output`
//!                    └───────▶ a, b, ErrorCode, ErrorColumn    `Derived Column Error Output`
//! ```
//!
//! **Properties** of an output column (a new one), or of an input column with `usageType="readWrite"` (a replaced one):
//!
//! | property | type | meaning |
//! |---|---|---|
//! | `Expression` | text | names columns by lineage; decides |
//! | `FriendlyExpression` | text | the same for people; used only where `Expression` is absent |
//!
//! Every expression sees the values that arrived: a replaced column's old value, and no new column (spec
//! `ssis-semantics.md` 6.2, 6.3). The result is converted to the declared type of the column.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion_common::Result;
use datafusion_physical_plan::ExecutionPlan;
use dtsx::UsageType;
use fletching_expression::{ConvertOptions, Evaluated, SharedParts, convert, share};

use super::{
    computed::{Computed, ComputedColumn, cell_failure, output_specs, shown_row},
    scope::{BoundExpression, bind_expression},
    settings::{Known, check_redirect, regular_output, reject_unknown_everywhere, sole_input},
};
use crate::{
    Binding, Component, ComponentClass, ComponentKind, Findings, PlanContext, Planned,
    flow::{Applied, FlowError, OutputSpec, RowError, RowWise},
};

pub static CLASS: ComponentClass = ComponentClass {
    name: "Microsoft.DerivedColumn",
    kind: ComponentKind::Transform,
    read,
};

const EXPRESSIONS: &[&str] = &["Expression", "FriendlyExpression"];

/// Settings of a Derived Column.
#[derive(Debug)]
pub struct DerivedColumn {
    pub path: String,
    pub outputs: Vec<OutputSpec>,
    /// Replacements in the order of the input columns, then additions in the order of the output columns.
    pub columns: Vec<DerivedExpression>,
    pub convert: ConvertOptions,
}

/// One column and how its values are made.
#[derive(Debug)]
pub struct DerivedExpression {
    pub column: ComputedColumn,
    pub source: BoundExpression,
}

fn read(binding: &Binding<'_>) -> Result<Box<dyn Component>, Findings> {
    let input = binding.input()?;
    let output = regular_output(binding, input)?;
    let mut findings = Findings::default();
    let known = Known {
        input_column: EXPRESSIONS,
        output_column: EXPRESSIONS,
        ..Known::default()
    };
    reject_unknown_everywhere(binding, known, &mut findings);
    let mut columns = Vec::new();
    for (document, &position) in binding.document_input()?.columns.iter().zip(&input.used) {
        if document.usage == UsageType::ReadWrite {
            let column = ComputedColumn::replaced(document, position, &input.columns[position]);
            columns.extend(derived(
                binding,
                column,
                &document.properties,
                &mut findings,
            ));
        }
    }
    let own = output
        .bound
        .columns
        .iter()
        .skip(output.bound.passed_through);
    for (document, bound) in output.document.columns.iter().zip(own) {
        let column = ComputedColumn::added(document, bound);
        columns.extend(derived(
            binding,
            column,
            &document.properties,
            &mut findings,
        ));
    }
    share(
        columns
            .iter_mut()
            .map(|derived| &mut derived.source.expression),
    );
    let convert = ConvertOptions {
        locale_id: binding.locale_id,
        ..ConvertOptions::default()
    };
    let outputs = output_specs(binding.outputs);
    let operator = DerivedColumn {
        path: binding.path.to_owned(),
        outputs,
        columns,
        convert,
    };
    findings.none_or(Box::new(Settings(Arc::new(operator))))
}

fn derived(
    binding: &Binding<'_>,
    column: ComputedColumn,
    properties: &dtsx::Properties,
    findings: &mut Findings,
) -> Option<DerivedExpression> {
    let place = format!("column `{}`", column.name);
    check_redirect(
        binding,
        &place,
        [column.on_error, column.on_truncation],
        findings,
    );
    match binding
        .input()
        .and_then(|input| Ok(bind_expression(binding, input, properties, &place)?))
    {
        Ok(source) => Some(DerivedExpression { column, source }),
        Err(found) => {
            findings.0.extend(found.0);
            None
        }
    }
}

#[derive(Debug)]
struct Settings(Arc<DerivedColumn>);

impl Component for Settings {
    fn plan(&self, inputs: Vec<Arc<dyn ExecutionPlan>>, _context: &PlanContext) -> Result<Planned> {
        let operator: Arc<dyn RowWise> = Arc::<DerivedColumn>::clone(&self.0);
        Ok(Planned::RowWise {
            input: sole_input(inputs, &self.0.path)?,
            operator,
        })
    }
}

impl RowWise for DerivedColumn {
    fn name(&self) -> &'static str {
        "DerivedColumn"
    }

    fn path(&self) -> &str {
        &self.path
    }

    fn details(&self) -> String {
        let columns = self
            .columns
            .iter()
            .map(|derived| format!("{} = {}", derived.column.name, derived.source.text));
        columns.collect::<Vec<_>>().join(", ")
    }

    fn outputs(&self) -> &[OutputSpec] {
        &self.outputs
    }

    fn apply(&self, batch: &RecordBatch) -> Result<Applied> {
        let mut computed = Computed::default();
        let mut shared = SharedParts::default();
        for derived in &self.columns {
            let evaluated = derived
                .evaluate(batch, &self.convert, &mut shared)
                .map_err(|error| {
                    FlowError::new(&self.path, error.code(), error.to_string())
                        .with_column(&derived.column.name)
                })?;
            computed.add(&derived.column, evaluated);
        }
        computed.finish(batch, &self.outputs)
    }

    fn failure(&self, batch: &RecordBatch, error: &RowError) -> FlowError {
        let Some(derived) = self
            .columns
            .iter()
            .find(|derived| derived.column.number == error.column)
        else {
            return FlowError::new(&self.path, Some(error.code), "a row failed");
        };
        let row = shown_row(batch, &derived.source.columns, error.row);
        let seen = if row.is_empty() {
            String::new()
        } else {
            format!(", with {row},")
        };
        let what = format!(
            "expression `{}`{seen} to {}",
            derived.source.text, derived.column.data_type
        );
        cell_failure(&self.path, &derived.column.name, error, &what)
    }
}

impl DerivedExpression {
    /// Values of the column's declared type, and the rows where there are none.
    pub fn evaluate(
        &self,
        batch: &RecordBatch,
        options: &ConvertOptions,
        shared: &mut SharedParts,
    ) -> Result<Evaluated, fletching_expression::EvaluateError> {
        let evaluated = self.source.expression.evaluate_sharing(batch, shared)?;
        let (from, to) = (self.source.expression.data_type(), self.column.data_type);
        // The longest text that a type names may have more characters: joined texts and variables have any number.
        if from == to && !matches!(from, dtsx::DataType::WStr { length: 4000.. }) {
            return Ok(evaluated);
        }
        let mut converted = convert(&evaluated.array, &from, &to, options)?;
        // The first failure of a row is the one of its expression.
        if !evaluated.errors.is_empty() {
            let mut errors = evaluated.errors;
            errors.append(&mut converted.errors);
            errors.sort_by_key(|error| error.row);
            converted.errors = errors;
        }
        Ok(converted)
    }
}
