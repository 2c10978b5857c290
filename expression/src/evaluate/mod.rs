//! Typed tree -> arrays. Whole arrays through kernels; only a kernel that fails looks for the rows that made it fail.

mod arithmetic;
mod compare;
mod lanes;
mod logic;
pub(crate) mod shared_parts;
mod text;
mod truncation;
mod why;

use std::sync::Arc;

use arrow::{
    array::{
        Array, ArrayRef, BooleanArray, Datum, RecordBatch, RecordBatchOptions,
        Scalar as ArrowScalar, UInt32Array,
    },
    buffer::NullBuffer,
    compute,
    datatypes::Schema,
};
use dtsx::{DataType, SsisCode};

pub use shared_parts::SharedParts;
pub(crate) use truncation::why_cut;
pub(crate) use why::why;

use crate::{
    check::{Typed, TypedKind},
    convert::{ConvertOptions, convert_value},
    error::EvaluateError,
    functions::{self, Function},
    scalar::Scalar,
};

/// A row that failed, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowFailure {
    /// From 0, within the batch.
    pub row: u32,
    /// What the error output shows as ErrorCode.
    pub code: SsisCode,
    /// The truncation disposition applies: the array holds the cut text.
    pub truncation: bool,
}

/// A column of results.
#[derive(Debug)]
pub struct Evaluated {
    /// NULL where a row failed, the cut text where it was too long.
    pub array: ArrayRef,
    /// By row: the first failure of each, and both where a text was cut and something failed.
    pub errors: Vec<RowFailure>,
}

/// An array, or one value for all rows.
#[derive(Debug, Clone)]
pub(crate) struct Value {
    pub(crate) array: ArrayRef,
    pub(crate) is_scalar: bool,
}

impl Value {
    pub(crate) fn array(array: ArrayRef) -> Self {
        Self {
            array,
            is_scalar: false,
        }
    }

    /// Where the value of a row is.
    pub(crate) fn at(&self, row: usize) -> usize {
        if self.is_scalar { 0 } else { row }
    }

    pub(crate) fn is_null(&self, row: usize) -> bool {
        self.array.is_null(self.at(row))
    }

    /// For arrow's kernels.
    pub(crate) fn datum(&self) -> Box<dyn Datum + '_> {
        if self.is_scalar {
            Box::new(ArrowScalar::new(Arc::clone(&self.array)))
        } else {
            Box::new(&self.array)
        }
    }

    pub(crate) fn into_rows(self, rows: usize) -> Result<ArrayRef, EvaluateError> {
        if !self.is_scalar {
            return Ok(self.array);
        }
        Ok(compute::take(
            &self.array,
            &UInt32Array::from(vec![0; rows]),
            None,
        )?)
    }
}

/// Where any of these values is NULL, over `rows` rows; `None` if nowhere.
pub(crate) fn union_of_nulls<'v>(
    values: impl IntoIterator<Item = &'v Value>,
    rows: usize,
) -> Option<NullBuffer> {
    let mut union: Option<NullBuffer> = None;
    for value in values {
        union = match value.array.nulls() {
            Some(nulls) if value.is_scalar && nulls.is_null(0) => {
                return Some(NullBuffer::new_null(rows));
            }
            Some(nulls) if !value.is_scalar && nulls.null_count() > 0 => {
                NullBuffer::union(union.as_ref(), Some(nulls))
            }
            _ => union,
        };
    }
    union
}

/// What an evaluation has at hand.
pub(crate) struct Context<'a> {
    pub(crate) batch: &'a RecordBatch,
    pub(crate) failures: Vec<RowFailure>,
    pub(crate) shared: SharedParts,
    /// Values of nodes that an attempt has left behind: worked out again with each attempt, trees within trees would take
    /// forever.
    known: Vec<Known>,
}

/// The value of a node, and the rows that failed.
struct Known {
    node: *const Typed,
    value: Value,
    failures: Vec<RowFailure>,
}

impl Context<'_> {
    fn known_value(&mut self, node: &Typed) -> Option<Value> {
        let known = self
            .known
            .iter()
            .find(|known| std::ptr::eq(known.node, node))?;
        self.failures.extend_from_slice(&known.failures);
        Some(known.value.clone())
    }

    pub(crate) fn rows(&self) -> usize {
        self.batch.num_rows()
    }

    pub(crate) fn fail(&mut self, row: usize, code: SsisCode) {
        self.failures.push(RowFailure {
            row: row as u32,
            code,
            truncation: false,
        });
    }

    /// Evaluates with a list of failures of its own, which is given back.
    pub(crate) fn apart(
        &mut self,
        node: &Typed,
    ) -> Result<(Value, Vec<RowFailure>), EvaluateError> {
        let outer = std::mem::take(&mut self.failures);
        let value = evaluate(node, self);
        let own = std::mem::replace(&mut self.failures, outer);
        Ok((value?, own))
    }
}

/// A column of results over a batch.
pub(crate) fn column(
    node: &Typed,
    batch: &RecordBatch,
    shared: &mut SharedParts,
) -> Result<Evaluated, EvaluateError> {
    let mut context = Context {
        batch,
        failures: Vec::new(),
        shared: std::mem::take(shared),
        known: Vec::new(),
    };
    let array = evaluate(node, &mut context)?.into_rows(batch.num_rows())?;
    *shared = context.shared;
    let mut errors = context.failures;
    errors.sort_by_key(|failure| failure.row);
    // A truncation may be ignored: what fails after it may not.
    errors.dedup_by_key(|failure| (failure.row, failure.truncation));
    let array = without(array, &errors)?;
    Ok(Evaluated { array, errors })
}

/// Rows that failed are NULL, also where ISNULL or REPLACENULL made something of the part that failed.
fn without(array: ArrayRef, errors: &[RowFailure]) -> Result<ArrayRef, EvaluateError> {
    let failed =
        |failure: &&RowFailure| !failure.truncation && array.is_valid(failure.row as usize);
    if !errors.iter().any(|failure| failed(&failure)) {
        return Ok(array);
    }
    let mut rows = vec![false; array.len()];
    for failure in errors.iter().filter(failed) {
        rows[failure.row as usize] = true;
    }
    Ok(compute::nullif(&array, &BooleanArray::from(rows))?)
}

/// The value of a node without columns.
pub(crate) fn constant(node: &Typed) -> Result<Scalar, SsisCode> {
    one_row(node, &no_columns()?)
}

/// A batch of one row.
pub(crate) fn no_columns() -> Result<RecordBatch, SsisCode> {
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options)
        .map_err(|_| SsisCode::EXPRESSION_EVALUATION_FAILED)
}

/// The value of a node in a batch of one row.
pub(crate) fn one_row(node: &Typed, batch: &RecordBatch) -> Result<Scalar, SsisCode> {
    match column(node, batch, &mut SharedParts::default()) {
        Ok(Evaluated { array, errors }) => match errors.first() {
            Some(failure) if failure.truncation => Err(SsisCode::EXPRESSION_TRUNCATION_AS_ERROR),
            Some(failure) => Err(failure.code),
            None => Ok(Scalar {
                data_type: node.data_type,
                array,
            }),
        },
        Err(_) => Err(SsisCode::EXPRESSION_EVALUATION_FAILED),
    }
}

pub(crate) fn evaluate(node: &Typed, context: &mut Context<'_>) -> Result<Value, EvaluateError> {
    let known = context.failures.len();
    let value = evaluate_node(node, context)?;
    // One value for all rows was worked out once; where it failed, it failed for every row.
    if value.is_scalar && context.failures.len() > known {
        let mut own = context.failures.split_off(known);
        own.dedup_by_key(|failure| failure.truncation);
        for failure in own {
            let rows = 0..context.batch.num_rows() as u32;
            let failures = rows.map(|row| RowFailure { row, ..failure });
            context.failures.extend(failures);
        }
    }
    Ok(value)
}

fn evaluate_node(node: &Typed, context: &mut Context<'_>) -> Result<Value, EvaluateError> {
    if let Some(value) = context.known_value(node) {
        return Ok(value);
    }
    let known = context.known.len();
    if let Some(value) = lanes::value(node, context)? {
        return Ok(value);
    }
    let value = by_operator(node, context);
    context.known.truncate(known);
    value
}

fn by_operator(node: &Typed, context: &mut Context<'_>) -> Result<Value, EvaluateError> {
    Ok(match &node.kind {
        TypedKind::Constant(scalar) => Value {
            array: Arc::clone(&scalar.array),
            is_scalar: true,
        },
        TypedKind::Column(index) => {
            let array = context
                .batch
                .columns()
                .get(*index)
                .ok_or(EvaluateError::NoColumn(*index))?;
            Value::array(Arc::clone(array))
        }
        TypedKind::Negate(operand) => {
            let operand = evaluate(operand, context)?;
            arithmetic::negate(&operand, &node.data_type, context)?
        }
        TypedKind::Not(operand) => logic::not(&evaluate(operand, context)?)?,
        TypedKind::Complement(operand) => arithmetic::complement(&evaluate(operand, context)?)?,
        TypedKind::Arithmetic(operator, left, right) => {
            let types = (left.data_type, right.data_type, node.data_type);
            let (left, right) = (evaluate(left, context)?, evaluate(right, context)?);
            arithmetic::arithmetic(*operator, &left, &right, types, context)?
        }
        TypedKind::Bitwise(operator, left, right) => {
            let (left, right) = (evaluate(left, context)?, evaluate(right, context)?);
            arithmetic::bitwise(*operator, left, right, context.rows())?
        }
        TypedKind::Compare(operator, left, right) => {
            let types = (left.data_type, right.data_type);
            let (left, right) = (evaluate(left, context)?, evaluate(right, context)?);
            compare::compare(*operator, &left, &right, &types, context.rows())?
        }
        TypedKind::Logic(operator, left, right) => logic::logic(*operator, left, right, context)?,
        TypedKind::Concat(parts) => {
            let values = parts
                .iter()
                .map(|part| evaluate(part, context))
                .collect::<Result<Vec<_>, _>>()?;
            text::concat(&values, context)
        }
        TypedKind::Conditional(test, yes, no) => logic::conditional(test, yes, no, context)?,
        TypedKind::Convert(operand, locale_id) => {
            let value = evaluate(operand, context)?;
            converted(
                &value,
                (&operand.data_type, &node.data_type),
                *locale_id,
                context,
            )?
        }
        TypedKind::Call(function, types, arguments) => {
            let values = values_of(function, arguments, context)?;
            (function.apply)(&values, types, context)?
        }
        TypedKind::Shared(number, part) => shared_parts::evaluate(*number, part, context)?,
    })
}

/// The values of a call's arguments.
fn values_of(
    function: &Function,
    arguments: &[Typed],
    context: &mut Context<'_>,
) -> Result<Vec<Value>, EvaluateError> {
    let mut values = Vec::with_capacity(arguments.len());
    for argument in arguments {
        let known = context.failures.len();
        values.push(evaluate(argument, context)?);
        // What replaces NULL is of no matter in other rows.
        if let [first, _] = values.as_slice()
            && context.failures.len() > known
            && functions::replaces_null(function)
        {
            let mut own = context.failures.split_off(known);
            own.retain(|failure| first.is_null(failure.row as usize));
            context.failures.append(&mut own);
        }
    }
    Ok(values)
}

fn converted(
    value: &Value,
    (from, to): (&DataType, &DataType),
    locale_id: u32,
    context: &mut Context<'_>,
) -> Result<Value, EvaluateError> {
    let options = ConvertOptions::cast(locale_id);
    let known = context.failures.len();
    let rows = context.rows();
    let value = convert_value(value, from, to, &options, rows, &mut context.failures)?;
    let failures = context.failures.iter_mut().skip(known);
    for failure in failures.filter(|failure| !failure.truncation) {
        failure.code = SsisCode::EXPRESSION_CAST_FAILED;
    }
    Ok(value)
}
