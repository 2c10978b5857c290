//! Numbers and booleans among each other. To an integer rounds half to even (semantics 1.4.1); TRUE is -1 (1.1.2). What does
//! not fit the type fails: 64 bits of a DT_CY, 96 of a DT_DECIMAL.

use std::sync::Arc;

use arrow::{
    array::{
        Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Float32Array, Float64Array,
        Int64Array,
    },
    buffer::NullBuffer,
    compute::{CastOptions, cast, cast_with_options},
    datatypes::{DataType as ArrowType, Decimal128Type, Float32Type, Float64Type},
};
use dtsx::{DataType, SsisCode};

use super::{fail, floats::Scale, widen::widened};
use crate::{
    check::decimal_shape,
    error::EvaluateError,
    evaluate::RowFailure,
    types::{arrow_type, exact_range},
};

pub(super) fn convert(
    array: &ArrayRef,
    from: &DataType,
    to: &DataType,
    errors: &mut Vec<RowFailure>,
) -> Result<ArrayRef, EvaluateError> {
    let exact = |one: &DataType| {
        matches!(
            one,
            DataType::Cy | DataType::Decimal { .. } | DataType::Numeric { .. }
        )
    };
    if *to == DataType::Bool {
        return boolean(array);
    }
    let source: ArrayRef = match from {
        DataType::Bool => {
            let flags = array.as_boolean();
            Arc::new(
                flags
                    .iter()
                    .map(|flag| flag.map(|flag| if flag { -1 } else { 0 }))
                    .collect::<Int64Array>(),
            )
        }
        _ => Arc::clone(array),
    };
    match (exact(from), exact(to)) {
        (_, true) => to_decimal(&source, from, to, errors),
        (true, false) => from_decimal(&source, from, to, errors),
        (false, false) => plain(&source, to, errors),
    }
}

fn boolean(array: &ArrayRef) -> Result<ArrayRef, EvaluateError> {
    let numbers = cast(array, &ArrowType::Float64)?;
    let numbers = numbers.as_primitive::<Float64Type>();
    Ok(Arc::new(
        numbers
            .iter()
            .map(|number| number.map(|number| number != 0.0))
            .collect::<BooleanArray>(),
    ))
}

/// DT_R8 to the nearest DT_R4; beyond the largest there is none.
fn narrow(wide: &Float64Array, errors: &mut Vec<RowFailure>) -> ArrayRef {
    let fits = |wide: f64| (wide as f32).is_finite() || !wide.is_finite();
    if wide.values().iter().all(|wide| fits(*wide)) {
        return Arc::new(wide.unary::<_, Float32Type>(|wide| wide as f32));
    }
    let values = wide.iter().enumerate().map(|(row, wide)| {
        let fitting = wide.filter(|wide| fits(*wide));
        if wide.is_some() && fitting.is_none() {
            fail(errors, row, SsisCode::EXPRESSION_CONVERSION_OVERFLOW);
        }
        fitting.map(|wide| wide as f32)
    });
    Arc::new(values.collect::<Float32Array>())
}

/// Integers and floats: arrow's checked cast, after rounding.
fn plain(
    array: &ArrayRef,
    to: &DataType,
    errors: &mut Vec<RowFailure>,
) -> Result<ArrayRef, EvaluateError> {
    let target = arrow_type(to);
    if let Some(wide) = widened(array, &target) {
        return Ok(wide);
    }
    let rounded: ArrayRef = match (array.data_type(), &target) {
        (ArrowType::Float64, ArrowType::Float32) => {
            return Ok(narrow(array.as_primitive::<Float64Type>(), errors));
        }
        (ArrowType::Float32 | ArrowType::Float64, ArrowType::Float32 | ArrowType::Float64) => {
            Arc::clone(array)
        }
        (ArrowType::Float32 | ArrowType::Float64, _) => {
            let floats = cast(array, &ArrowType::Float64)?;
            let floats: Float64Array = floats
                .as_primitive::<Float64Type>()
                .unary(f64::round_ties_even);
            Arc::new(floats)
        }
        _ => Arc::clone(array),
    };
    let options = CastOptions {
        safe: true,
        ..CastOptions::default()
    };
    let result = cast_with_options(&rounded, &target, &options)?;
    if result.null_count() > array.null_count() {
        for row in 0..result.len() {
            if result.is_null(row) && array.is_valid(row) {
                fail(errors, row, SsisCode::EXPRESSION_CONVERSION_OVERFLOW);
            }
        }
    }
    Ok(result)
}

/// To a decimal, rounding half to even at its scale (semantics 1.4.2).
fn to_decimal(
    array: &ArrayRef,
    from: &DataType,
    to: &DataType,
    errors: &mut Vec<RowFailure>,
) -> Result<ArrayRef, EvaluateError> {
    let (_, scale) = decimal_shape(to).unwrap_or((38, 0));
    let range = exact_range(to);
    let fits = |value: i128| range.contains(&value).then_some(value);
    let decimals = Scale::new(scale);
    if let Some(floats) = array.as_primitive_opt::<Float64Type>() {
        let floats = floats.values();
        return Ok(collect(floats.len(), array.nulls(), to, errors, |row| {
            decimals.of_r8(floats[row]).and_then(fits)
        }));
    }
    if let Some(floats) = array.as_primitive_opt::<Float32Type>() {
        let floats = floats.values();
        return Ok(collect(floats.len(), array.nulls(), to, errors, |row| {
            decimals.of_r4(floats[row]).and_then(fits)
        }));
    }
    let source = match array.data_type() {
        ArrowType::Decimal128(..) => Arc::clone(array),
        _ => cast(array, &ArrowType::Decimal128(20, 0))?,
    };
    let values = source.as_primitive::<Decimal128Type>().values();
    let from_scale = match array.data_type() {
        ArrowType::Decimal128(..) => decimal_shape(from).map_or(0, |(_, scale)| scale),
        _ => 0,
    };
    Ok(if scale >= from_scale {
        let factor = 10_i128.pow(u32::from(scale - from_scale));
        collect(values.len(), array.nulls(), to, errors, |row| {
            values[row].checked_mul(factor).and_then(fits)
        })
    } else {
        let divisor = 10_i128.pow(u32::from(from_scale - scale));
        collect(values.len(), array.nulls(), to, errors, |row| {
            fits(round_half_even(values[row], divisor))
        })
    })
}

fn collect(
    rows: usize,
    nulls: Option<&NullBuffer>,
    to: &DataType,
    errors: &mut Vec<RowFailure>,
    value: impl Fn(usize) -> Option<i128>,
) -> ArrayRef {
    let mut values = Vec::with_capacity(rows);
    let mut failed = Vec::new();
    for row in 0..rows {
        let value = value(row);
        if value.is_none() && nulls.is_none_or(|nulls| nulls.is_valid(row)) {
            failed.push(row);
        }
        values.push(value.unwrap_or(0));
    }
    let mut nulls = nulls.cloned();
    if !failed.is_empty() {
        let mut valid = vec![true; rows];
        for row in failed {
            fail(errors, row, SsisCode::EXPRESSION_CONVERSION_OVERFLOW);
            valid[row] = false;
        }
        nulls = NullBuffer::union(nulls.as_ref(), Some(&NullBuffer::from(valid)));
    }
    Arc::new(Decimal128Array::new(values.into(), nulls).with_data_type(arrow_type(to)))
}

fn from_decimal(
    array: &ArrayRef,
    from: &DataType,
    to: &DataType,
    errors: &mut Vec<RowFailure>,
) -> Result<ArrayRef, EvaluateError> {
    let scale = decimal_shape(from).map_or(0, |(_, scale)| scale);
    let (numbers, decimals) = (array.as_primitive::<Decimal128Type>(), Scale::new(scale));
    match to {
        DataType::R8 => {
            let floats = numbers.unary::<_, Float64Type>(|number| decimals.r8(number));
            return Ok(Arc::new(floats));
        }
        DataType::R4 => {
            let floats = numbers.unary::<_, Float32Type>(|number| decimals.r4(number));
            return Ok(Arc::new(floats));
        }
        _ => {}
    }
    let divisor = 10_i128.pow(u32::from(scale));
    let whole: Decimal128Array = numbers.unary(|value| round_half_even(value, divisor));
    let whole: ArrayRef = Arc::new(whole.with_data_type(ArrowType::Decimal128(38, 0)));
    plain(&whole, to, errors)
}

fn round_half_even(value: i128, divisor: i128) -> i128 {
    let (quotient, remainder) = (value / divisor, value % divisor);
    match (remainder.unsigned_abs() * 2).cmp(&divisor.unsigned_abs()) {
        std::cmp::Ordering::Greater => quotient + value.signum(),
        std::cmp::Ordering::Equal if quotient % 2 != 0 => quotient + value.signum(),
        _ => quotient,
    }
}
