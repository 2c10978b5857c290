//! Conditional Split: each row to the output whose condition it is the first to meet.
//!
//! **Rows**: each row in goes to one output, in the same order; what meets no condition goes to the default output. A
//! condition that fails, or is NULL, is an error of its row (spec `ssis-semantics.md` 1.2.8): it stops the flow or
//! leaves by the error output, as the dispositions of the condition's output say; ignored, the condition counts as not
//! met. Rows of an output that no path leaves are counted and end here.
//!
//! ```text
//!            ┌─ [a] > 10 ? ──▶ `Large`
//!  a, b ─────┼─ [a] > 5 ?  ──▶ `Medium`
//!            ├─ else       ──▶ `Conditional Split Default Output`
//!            └─ failed     ──▶ a, b, ErrorCode, ErrorColumn = 0
//! ```
//!
//! **Properties** of an output:
//!
//! | property | type | meaning |
//! |---|---|---|
//! | `Expression` | text | condition of type DT_BOOL, names columns by lineage |
//! | `FriendlyExpression` | text | the same for people; used only where `Expression` is absent |
//! | `EvaluationOrder` | integer | the lowest is tried first |
//! | `IsDefaultOut` | bool | takes the rows that meet no condition |

use std::sync::Arc;

use arrow::{
    array::{Array, BooleanArray, RecordBatch},
    buffer::BooleanBuffer,
    compute::filter_record_batch,
};
use datafusion_common::{Result, internal_err};
use datafusion_physical_plan::ExecutionPlan;
use dtsx::{DataType, Disposition, SsisCode};

use super::{
    computed::{batch_of, cell_failure, output_specs, shown_row},
    scope::{BoundExpression, bind_expression},
    settings::{Known, check_redirect, check_synchronous, reject_unknown_everywhere, sole_input},
};
use crate::{
    Binding, BoundInput, Component, ComponentClass, ComponentKind, Finding, Findings, PlanContext,
    Planned,
    flow::{Applied, FlowError, OutputRows, OutputSpec, RowError, RowWise},
};

pub static CLASS: ComponentClass = ComponentClass {
    name: "Microsoft.ConditionalSplit",
    kind: ComponentKind::Transform,
    read,
};

/// DTS_E_TXSPLITEXPRESSIONEVALUATEDTONULL.
const CONDITION_IS_NULL: SsisCode = SsisCode(0xC020_902B);
/// DTS_E_SPLITEXPRESSIONNOTBOOLEAN.
const NOT_BOOLEAN: SsisCode = SsisCode(0xC020_700B);

/// Settings of a Conditional Split.
#[derive(Debug)]
pub struct ConditionalSplit {
    pub path: String,
    pub outputs: Vec<OutputSpec>,
    /// In the order in which they are tried.
    pub conditions: Vec<Condition>,
    /// Position of the default output.
    pub default: usize,
}

/// A condition and the output that it leads to.
#[derive(Debug)]
pub struct Condition {
    /// Position among the component's outputs.
    pub output: usize,
    pub name: String,
    pub source: BoundExpression,
    pub on_error: Disposition,
    pub on_truncation: Disposition,
}

fn read(binding: &Binding<'_>) -> Result<Box<dyn Component>, Findings> {
    let input = binding.input()?;
    let mut findings = Findings::default();
    let output = &[
        "Expression",
        "FriendlyExpression",
        "EvaluationOrder",
        "IsDefaultOut",
    ];
    reject_unknown_everywhere(
        binding,
        Known {
            output,
            ..Known::default()
        },
        &mut findings,
    );
    let mut conditions = Vec::new();
    let mut defaults = Vec::new();
    for (index, (document, bound)) in binding
        .component
        .outputs
        .iter()
        .zip(binding.outputs)
        .enumerate()
    {
        if document.is_error {
            continue;
        }
        if let Err(finding) = check_synchronous(binding, bound, input) {
            findings.push(finding);
        }
        if document.properties.bool("IsDefaultOut").unwrap_or(false) {
            defaults.push(index);
            continue;
        }
        match condition(binding, input, index, document, &mut findings) {
            Ok(condition) => conditions.push(condition),
            Err(finding) => findings.push(finding),
        }
    }
    let [default] = defaults[..] else {
        let message = format!(
            "needs exactly one default output (IsDefaultOut), and has {}",
            defaults.len()
        );
        findings.push(binding.finding(message));
        return Err(findings);
    };
    conditions.sort_by_key(|(order, _)| *order);
    let conditions = conditions
        .into_iter()
        .map(|(_, condition)| condition)
        .collect();
    let outputs = output_specs(binding.outputs);
    let operator = ConditionalSplit {
        path: binding.path.to_owned(),
        outputs,
        conditions,
        default,
    };
    findings.none_or(Box::new(Settings(Arc::new(operator))))
}

/// A condition with its evaluation order.
fn condition(
    binding: &Binding<'_>,
    input: &BoundInput,
    index: usize,
    document: &dtsx::Output,
    findings: &mut Findings,
) -> Result<(i64, Condition), Finding> {
    let place = format!("output `{}`", document.name);
    let (on_error, on_truncation) = (
        document.error_row_disposition,
        document.truncation_row_disposition,
    );
    check_redirect(binding, &place, [on_error, on_truncation], findings);
    let order = document
        .properties
        .get("EvaluationOrder")
        .unwrap_or_default();
    let Ok(order) = order.trim().parse() else {
        return Err(binding.finding(format!(
            "EvaluationOrder of {place} is `{order}`, not a number"
        )));
    };
    let source = bind_expression(binding, input, &document.properties, &place)?;
    let data_type = source.expression.data_type();
    if data_type != DataType::Bool {
        let message = format!(
            "{place}: condition `{}` is {data_type}, not DT_BOOL",
            source.text
        );
        return Err(Finding {
            code: Some(NOT_BOOLEAN),
            ..binding.finding(message)
        });
    }
    Ok((
        order,
        Condition {
            output: index,
            name: document.name.clone(),
            source,
            on_error,
            on_truncation,
        },
    ))
}

#[derive(Debug)]
struct Settings(Arc<ConditionalSplit>);

impl Component for Settings {
    fn plan(&self, inputs: Vec<Arc<dyn ExecutionPlan>>, _context: &PlanContext) -> Result<Planned> {
        let operator: Arc<dyn RowWise> = Arc::<ConditionalSplit>::clone(&self.0);
        Ok(Planned::RowWise {
            input: sole_input(inputs, &self.0.path)?,
            operator,
        })
    }
}

impl RowWise for ConditionalSplit {
    fn name(&self) -> &'static str {
        "ConditionalSplit"
    }

    fn path(&self) -> &str {
        &self.path
    }

    fn details(&self) -> String {
        let conditions = self
            .conditions
            .iter()
            .map(|condition| format!("{}: {}", condition.name, condition.source.text));
        conditions.collect::<Vec<_>>().join(", ")
    }

    fn outputs(&self) -> &[OutputSpec] {
        &self.outputs
    }

    fn apply(&self, batch: &RecordBatch) -> Result<Applied> {
        let rows = batch.num_rows();
        let mut routing = Routing {
            pending: BooleanBuffer::new_set(rows),
            errors: Vec::new(),
        };
        let mut taken: Vec<Option<BooleanBuffer>> = vec![None; self.outputs.len()];
        for condition in &self.conditions {
            if routing.pending.count_set_bits() == 0 {
                break;
            }
            taken[condition.output] = Some(routing.take(condition, batch, &self.path)?);
        }
        taken[self.default] = Some(routing.pending);
        let outputs = self
            .outputs
            .iter()
            .zip(&taken)
            .map(|(output, rows)| {
                if output.is_error {
                    Ok(OutputRows::Errors)
                } else {
                    select(output, batch, rows.as_ref())
                }
            })
            .collect::<Result<_>>()?;
        routing.errors.sort_by_key(|error| error.row);
        Ok(Applied {
            rows_in: rows,
            outputs,
            errors: routing.errors,
            error_rows: None,
        })
    }

    fn failure(&self, batch: &RecordBatch, error: &RowError) -> FlowError {
        let failing = self
            .conditions
            .iter()
            .find(|condition| condition.fails(batch, error));
        let Some(condition) = failing else {
            return FlowError::new(&self.path, Some(error.code), "a condition failed");
        };
        let row = shown_row(batch, &condition.source.columns, error.row);
        let seen = if row.is_empty() {
            String::new()
        } else {
            format!(", with {row},")
        };
        let null = if error.code == CONDITION_IS_NULL {
            "is NULL and therefore "
        } else {
            ""
        };
        let what = format!(
            "condition `{}` of output `{}`{seen} {null}",
            condition.source.text, condition.name
        );
        cell_failure(&self.path, &condition.name, error, what.trim_end())
    }
}

/// Which rows have no output yet, and which failed.
struct Routing {
    pending: BooleanBuffer,
    errors: Vec<RowError>,
}

impl Routing {
    /// The pending rows that meet a condition; they and those that fail it are no longer pending.
    fn take(
        &mut self,
        condition: &Condition,
        batch: &RecordBatch,
        path: &str,
    ) -> Result<BooleanBuffer> {
        let evaluated = condition
            .source
            .expression
            .evaluate(batch)
            .map_err(|error| {
                FlowError::new(
                    path,
                    error.code(),
                    format!("output `{}`: {error}", condition.name),
                )
            })?;
        let Some(met) = evaluated.array.as_any().downcast_ref::<BooleanArray>() else {
            return internal_err!(
                "condition of `{}` is {}",
                condition.name,
                evaluated.array.data_type()
            );
        };
        let before = self.errors.len();
        for failure in &evaluated.errors {
            let disposition = if failure.truncation {
                condition.on_truncation
            } else {
                condition.on_error
            };
            self.fail(failure.row, failure.code, disposition);
        }
        if let Some(valid) = met.nulls() {
            self.fail_nulls(valid.inner(), condition.on_error);
            drop_rows(&mut self.pending, &self.errors[before..]);
            let met = &(met.values() & valid.inner()) & &self.pending;
            self.pending = &self.pending & &!&met;
            return Ok(met);
        }
        drop_rows(&mut self.pending, &self.errors[before..]);
        let met = met.values() & &self.pending;
        self.pending = &self.pending & &!&met;
        Ok(met)
    }

    fn fail(&mut self, row: u32, code: SsisCode, disposition: Disposition) {
        if disposition != Disposition::IgnoreFailure && self.pending.value(row as usize) {
            self.errors.push(RowError {
                row,
                column: 0,
                code,
                disposition,
            });
        }
    }

    /// A NULL condition of a pending row is an error, unless the row has failed already.
    fn fail_nulls(&mut self, valid: &BooleanBuffer, disposition: Disposition) {
        drop_rows(&mut self.pending, &self.errors);
        let null = &self.pending & &!valid;
        for row in null.set_indices() {
            self.fail(row as u32, CONDITION_IS_NULL, disposition);
        }
    }
}

/// Takes failed rows out of a mask.
fn drop_rows(mask: &mut BooleanBuffer, errors: &[RowError]) {
    if errors.is_empty() {
        return;
    }
    let mut failed = arrow::array::BooleanBufferBuilder::new(mask.len());
    failed.append_n(mask.len(), false);
    for error in errors {
        failed.set_bit(error.row as usize, true);
    }
    *mask = &*mask & &!&failed.finish();
}

/// The rows of an output; all of them are not copied.
fn select(
    output: &OutputSpec,
    batch: &RecordBatch,
    rows: Option<&BooleanBuffer>,
) -> Result<OutputRows> {
    let count = rows.map_or(0, BooleanBuffer::count_set_bits);
    if !output.connected {
        return Ok(OutputRows::Unconnected(count));
    }
    let Some(mask) = rows.filter(|_| count > 0) else {
        return Ok(OutputRows::Selected(RecordBatch::new_empty(Arc::clone(
            &output.schema,
        ))));
    };
    let whole = batch_of(&output.schema, batch.columns().to_vec(), batch.num_rows())?;
    if count == batch.num_rows() {
        return Ok(OutputRows::Selected(whole));
    }
    Ok(OutputRows::Selected(filter_record_batch(
        &whole,
        &BooleanArray::new(mask.clone(), None),
    )?))
}

impl Condition {
    /// Whether this condition made the error: the slow path, run once for a message.
    fn fails(&self, batch: &RecordBatch, error: &RowError) -> bool {
        let Ok(evaluated) = self.source.expression.evaluate(batch) else {
            return false;
        };
        let failed = evaluated
            .errors
            .iter()
            .any(|failure| failure.row == error.row && failure.code == error.code);
        failed || error.code == CONDITION_IS_NULL && evaluated.array.is_null(error.row as usize)
    }
}
