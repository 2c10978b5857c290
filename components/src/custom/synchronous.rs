//! A synchronous component: its code maps the selected columns of a batch; what passes through, the routing of rows and
//! their failures are the engine's work.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, BooleanArray, BooleanBufferBuilder, RecordBatch},
    buffer::BooleanBuffer,
    compute::filter_record_batch,
    datatypes::SchemaRef,
};
use datafusion_common::{DataFusionError, Result};
use datafusion_physical_plan::ExecutionPlan;
use dtsx::{Disposition, SsisCode, UsageType};
use fletching_custom::{ComponentSpec, RowFailure, Synchronous};

use super::{Owner, code, conform, spec};
use crate::{
    Binding, BoundInput, Component, Findings, PlanContext, Planned,
    flow::{Applied, FlowError, OutputRows, OutputSpec, RowError, RowWise, blocking},
    transforms::{
        computed::{batch_of, shown_row},
        settings::{check_redirect, check_synchronous, sole_input},
    },
};

/// Columns of a failing row that a message shows where none is to blame.
const SHOWN_COLUMNS_MAX: usize = 8;

/// What becomes of a row with an error, and of one with a truncation.
type Dispositions = [Disposition; 2];

/// A selected input column.
#[derive(Debug, Clone)]
struct Selected {
    name: String,
    /// Position in the batches that arrive.
    position: usize,
    /// What `ErrorColumn` shows.
    number: i32,
    is_replaceable: bool,
    dispositions: Dispositions,
}

#[derive(Debug)]
pub(super) struct SynchronousComponent(Arc<CustomRows>);

impl SynchronousComponent {
    pub(super) fn read(
        owner: Owner,
        inner: Box<dyn Synchronous>,
        told: &ComponentSpec,
        binding: &Binding<'_>,
        findings: &mut Findings,
    ) -> Option<Box<dyn Component>> {
        let input = match binding.input() {
            Ok(input) => input,
            Err(found) => {
                findings.0.extend(found.0);
                return None;
            }
        };
        let document = binding.document_input().ok()?;
        if binding.inputs.iter().flatten().count() > 1 {
            findings.push(binding.finding("paths arrive at several of its inputs, and it has one"));
        }
        let regular = regular_outputs(binding, input, findings);
        let first = regular.first().copied()?;
        let selected = spec::selected(document, input).map(|(column, position)| {
            let dispositions = [
                column.error_row_disposition,
                column.truncation_row_disposition,
            ];
            let place = format!("input column `{}`", input.columns[position].name);
            check_redirect(binding, &place, dispositions, findings);
            Selected {
                name: input.columns[position].name.clone(),
                position,
                number: input.columns[position].number,
                is_replaceable: column.usage == UsageType::ReadWrite,
                dispositions,
            }
        });
        let selected: Vec<Selected> = selected.collect();
        let output = &binding.component.outputs[first];
        let columns = output.columns.iter().map(|column| {
            [
                column.error_row_disposition,
                column.truncation_row_disposition,
            ]
        });
        let general: Vec<Dispositions> = [
            [
                document.error_row_disposition,
                document.truncation_row_disposition,
            ],
            [
                output.error_row_disposition,
                output.truncation_row_disposition,
            ],
        ]
        .into_iter()
        .chain(columns)
        .collect();
        for dispositions in &general {
            check_redirect(binding, "it", *dispositions, findings);
        }
        Some(Box::new(Self(Arc::new(CustomRows {
            owner,
            inner,
            selected,
            seen: Arc::clone(&told.inputs.first()?.schema),
            made: Arc::clone(&told.outputs.get(first)?.schema),
            outputs: OutputSpec::of(binding),
            regular,
            general,
        }))))
    }
}

/// Places of the outputs that are no error outputs; what their shape has against them is a finding.
fn regular_outputs(
    binding: &Binding<'_>,
    input: &BoundInput,
    findings: &mut Findings,
) -> Vec<usize> {
    let mut regular = Vec::new();
    let mut errors = 0;
    for (at, output) in binding.outputs.iter().enumerate() {
        if let Err(finding) = check_synchronous(binding, output, input) {
            findings.push(finding);
            continue;
        }
        let own = output.columns.len() - output.passed_through;
        if output.is_error {
            errors += 1;
            if own != 2 {
                findings.push(binding.finding(format!(
                    "its error output `{}` has {own} columns of its own; ErrorCode and ErrorColumn are wanted",
                    output.name
                )));
            }
            continue;
        }
        if own > 0 && !regular.is_empty() {
            findings.push(binding.unsupported(format!(
                "output `{}` has columns of its own: only those of the first output can be made",
                output.name
            )));
        }
        regular.push(at);
    }
    if errors > 1 {
        findings.push(binding.finding(format!("it has {errors} error outputs; one is wanted")));
    }
    if regular.is_empty() && findings.is_empty() {
        findings.push(binding.finding("it has no output for its rows"));
    }
    regular
}

impl Component for SynchronousComponent {
    fn plan(&self, inputs: Vec<Arc<dyn ExecutionPlan>>, _context: &PlanContext) -> Result<Planned> {
        let operator: Arc<dyn RowWise> = Arc::<CustomRows>::clone(&self.0);
        Ok(Planned::RowWise {
            input: sole_input(inputs, &self.0.owner.path)?,
            operator,
        })
    }
}

#[derive(Debug)]
struct CustomRows {
    owner: Owner,
    inner: Box<dyn Synchronous>,
    selected: Vec<Selected>,
    /// What the component's code sees of a batch.
    seen: SchemaRef,
    /// The columns that it makes.
    made: SchemaRef,
    outputs: Vec<OutputSpec>,
    /// Places of the outputs that are no error outputs.
    regular: Vec<usize>,
    /// Dispositions of the input, the output and its columns, where the blamed column has none.
    general: Vec<Dispositions>,
}

/// What the component's code made of a batch, checked.
struct Checked {
    /// What passes through, with the values that were replaced.
    passed: Vec<ArrayRef>,
    made: Vec<ArrayRef>,
    route: Vec<Option<u32>>,
    errors: Vec<RowError>,
}

impl CustomRows {
    fn checked(
        &self,
        batch: &RecordBatch,
        seen: &RecordBatch,
        applied: fletching_custom::Applied,
    ) -> Result<Checked, FlowError> {
        let rows = batch.num_rows();
        let (found, wanted) = (applied.columns.len(), self.made.fields().len());
        if found != wanted {
            return Err(self.owner.unfit(format!(
                "{found} columns; its output has {wanted} of its own"
            )));
        }
        let made = applied.columns.iter().zip(self.made.fields());
        let made = made.map(|(array, field)| conform::column(&self.owner, array, field, rows));
        let made = made.collect::<Result<_, _>>()?;
        let mut passed = batch.columns().to_vec();
        for (at, array) in &applied.replaced {
            let column = self.selected.get(*at).ok_or_else(|| {
                let count = self.selected.len();
                self.owner.unfit(format!(
                    "new values of input column {at}; there are {count}, from 0"
                ))
            })?;
            if !column.is_replaceable {
                return Err(self
                    .owner
                    .unfit("new values of an input column that the package only reads (usage type)")
                    .with_column(&column.name));
            }
            let field = self.seen.field(*at);
            passed[column.position] = conform::column(&self.owner, array, field, rows)?;
        }
        self.check_route(&applied.route, rows)?;
        Ok(Checked {
            passed,
            made,
            errors: self.errors(&applied.failures, seen)?,
            route: applied.route,
        })
    }

    fn check_route(&self, route: &[Option<u32>], rows: usize) -> Result<(), FlowError> {
        if !route.is_empty() && route.len() != rows {
            return Err(self.owner.unfit(format!(
                "routes for {} rows; {rows} are wanted",
                route.len()
            )));
        }
        let count = self.regular.len();
        let wrong = route
            .iter()
            .enumerate()
            .find_map(|(row, to)| Some((row, to.filter(|to| *to as usize >= count)?)));
        match wrong {
            None => Ok(()),
            Some((row, to)) => Err(self
                .owner
                .unfit(format!(
                    "a route to output {to}; there are {count} outputs for rows, from 0"
                ))
                .with_row(row as u64 + 1)),
        }
    }

    /// The failures that are not ignored. The first row that may not fail stops the flow.
    fn errors(
        &self,
        failures: &[RowFailure],
        seen: &RecordBatch,
    ) -> Result<Vec<RowError>, FlowError> {
        let mut errors: Vec<RowError> = Vec::new();
        let mut last = 0;
        for failure in failures {
            if failure.row as usize >= seen.num_rows() || failure.row < last {
                return Err(self.owner.unfit(format!(
                    "a failure of row {} of a batch of {}, behind one of row {last}: rows count from 0, in their order",
                    failure.row,
                    seen.num_rows()
                )));
            }
            last = failure.row;
            let column = match failure.column {
                None => None,
                Some(at) => Some(self.selected.get(at).ok_or_else(|| {
                    let count = self.selected.len();
                    self.owner.unfit(format!(
                        "a failure of input column {at}; there are {count}, from 0"
                    ))
                })?),
            };
            let code = code(&failure.error).unwrap_or(SsisCode::INDUCED_FAILURE_ON_ERROR);
            let disposition = self.disposition(column, code);
            if errors.last().is_some_and(|error| error.row == failure.row) {
                continue;
            }
            match disposition {
                Disposition::IgnoreFailure => {}
                Disposition::RedirectRow => errors.push(RowError {
                    row: failure.row,
                    column: column.map_or(0, |column| column.number),
                    code,
                    disposition,
                }),
                Disposition::FailComponent | Disposition::NotUsed => {
                    return Err(self.stopped(failure, code, seen));
                }
            }
        }
        Ok(errors)
    }

    /// Of the blamed column, else of the input, the output, its columns: the first that says anything.
    fn disposition(&self, column: Option<&Selected>, code: SsisCode) -> Disposition {
        let is_truncation = usize::from(code == SsisCode::INDUCED_FAILURE_ON_TRUNCATION);
        let own = column.map(|column| &column.dispositions);
        let mut all = own.into_iter().chain(&self.general);
        let said = all.find_map(|one| {
            let one = one[is_truncation];
            (one != Disposition::NotUsed).then_some(one)
        });
        said.unwrap_or(Disposition::FailComponent)
    }

    fn stopped(&self, failure: &RowFailure, code: SsisCode, seen: &RecordBatch) -> FlowError {
        let columns: Vec<usize> = match failure.column {
            Some(column) => vec![column],
            None => (0..seen.num_columns().min(SHOWN_COLUMNS_MAX)).collect(),
        };
        let message = format!(
            "{}; row {} of its batch has {}: correct the data, or set the error disposition to IgnoreFailure or RedirectRow",
            failure.error.message,
            u64::from(failure.row) + 1,
            shown_row(seen, &columns, failure.row)
        );
        let error = FlowError::new(&self.owner.path, Some(code), message);
        match failure.column.and_then(|at| self.selected.get(at)) {
            Some(column) => error.with_column(&column.name),
            None => error,
        }
    }

    /// The rows of each output.
    fn outputs_of(&self, checked: &Checked, rows: usize) -> Result<Vec<OutputRows>> {
        let whole = |at: usize| {
            let mut columns = checked.passed.clone();
            if self.regular.first() == Some(&at) {
                columns.extend(checked.made.iter().cloned());
            }
            batch_of(&self.outputs[at].schema, columns, rows)
        };
        let redirected = checked.errors.len();
        let mut masks = Masks::new(checked, self.regular.len(), rows);
        let outputs = self.outputs.iter().enumerate().map(|(at, output)| {
            let Some(place) = self.regular.iter().position(|one| *one == at) else {
                return Ok(OutputRows::Errors);
            };
            // What is dropped is told with the first output.
            let dropped = match place {
                0 => masks.dropped,
                _ => 0,
            };
            let mask = masks.of(place);
            let count = match &mask {
                Some(mask) => mask.count_set_bits(),
                None => rows - redirected,
            };
            if !output.connected {
                return Ok(OutputRows::Unconnected(count + dropped));
            }
            Ok(match mask {
                None => OutputRows::Aligned(whole(at)?),
                Some(_) if count == rows => OutputRows::Selected(whole(at)?),
                Some(mask) => OutputRows::Dropping {
                    rows: filter_record_batch(&whole(at)?, &BooleanArray::new(mask, None))?,
                    dropped,
                },
            })
        });
        outputs.collect()
    }
}

/// Which rows go to which output; nothing where all go to the first.
struct Masks {
    outputs: Vec<BooleanBuffer>,
    /// Rows that go to none, those that were redirected left out.
    dropped: usize,
    /// All go to the first output.
    is_plain: bool,
    rows: usize,
}

impl Masks {
    fn new(checked: &Checked, outputs: usize, rows: usize) -> Self {
        let is_plain = checked.route.is_empty();
        let mut masks: Vec<BooleanBufferBuilder> = Vec::new();
        let mut dropped = 0;
        if !is_plain {
            masks.resize_with(outputs, || {
                let mut mask = BooleanBufferBuilder::new(rows);
                mask.append_n(rows, false);
                mask
            });
            let mut failed = checked.errors.iter().peekable();
            for (row, to) in checked.route.iter().enumerate() {
                if failed.next_if(|error| error.row as usize == row).is_some() {
                    continue;
                }
                match to.and_then(|to| masks.get_mut(to as usize)) {
                    Some(mask) => mask.set_bit(row, true),
                    None => dropped += 1,
                }
            }
        }
        Self {
            outputs: masks.iter_mut().map(BooleanBufferBuilder::finish).collect(),
            dropped,
            is_plain,
            rows,
        }
    }

    /// The rows of an output; `None`: all that did not fail.
    fn of(&mut self, place: usize) -> Option<BooleanBuffer> {
        match (self.is_plain, place) {
            (true, 0) => None,
            (true, _) => Some(BooleanBuffer::new_unset(self.rows)),
            (false, _) => self.outputs.get_mut(place).map(|mask| mask.clone()),
        }
    }
}

impl RowWise for CustomRows {
    fn name(&self) -> &'static str {
        "CustomTransform"
    }

    fn path(&self) -> &str {
        &self.owner.path
    }

    fn details(&self) -> String {
        self.owner.class.clone()
    }

    fn outputs(&self) -> &[OutputSpec] {
        &self.outputs
    }

    fn apply(&self, batch: &RecordBatch) -> Result<Applied> {
        let rows = batch.num_rows();
        let columns = self
            .selected
            .iter()
            .map(|column| Arc::clone(batch.column(column.position)));
        let seen = batch_of(&self.seen, columns.collect(), rows)?;
        // Of no rows its code need not know what to make.
        let applied = match rows {
            0 => self.nothing(),
            _ => blocking(|| self.owner.call("failed", || self.inner.apply(&seen)))?,
        };
        let checked = self
            .checked(batch, &seen, applied)
            .map_err(DataFusionError::from)?;
        Ok(Applied {
            rows_in: rows,
            outputs: self.outputs_of(&checked, rows)?,
            errors: checked.errors,
            error_rows: None,
        })
    }

    fn failure(&self, _batch: &RecordBatch, error: &RowError) -> FlowError {
        FlowError::new(&self.owner.path, Some(error.code), "a row failed")
    }
}

impl CustomRows {
    fn nothing(&self) -> fletching_custom::Applied {
        let fields = self.made.fields().iter();
        let columns = fields.map(|field| arrow::array::new_empty_array(field.data_type()));
        fletching_custom::Applied {
            columns: columns.collect(),
            ..fletching_custom::Applied::default()
        }
    }
}
