//! Mathematical functions. ROUND is half away from zero (semantics 1.4.2).

use std::sync::Arc;

use arrow::{
    array::{
        Array, ArrayRef, ArrowPrimitiveType, AsArray, Decimal128Array, Float64Array, PrimitiveArray,
    },
    buffer::NullBuffer,
    compute::cast,
    datatypes::{
        ArrowNativeTypeOp, DataType as ArrowType, Decimal128Type, Float32Type, Float64Type,
        Int8Type, Int16Type, Int32Type, Int64Type,
    },
};
use dtsx::{DataType, SsisCode};

use super::{
    Argument, Function, Mismatch, Signature, integer_argument, least, number_argument,
    rows::{Rows, integers},
};
use crate::{
    check::decimal_shape,
    error::EvaluateError,
    evaluate::{Context, Value},
    types::{arrow_type, exact_range},
};

fn same_number(arguments: &[Argument<'_>]) -> Result<Signature, Mismatch> {
    let number = number_argument(arguments, 0)?;
    Ok(Signature {
        arguments: vec![number],
        result: number,
    })
}

/// A decimal with one more digit, which 99.5 needs to become 100.0.
fn rounded_number(arguments: &[Argument<'_>]) -> Result<Signature, Mismatch> {
    let signature = same_number(arguments)?;
    let result = match signature.result {
        DataType::Numeric { precision, scale } if scale > 0 => DataType::Numeric {
            precision: (precision + 1).min(38),
            scale,
        },
        other => other,
    };
    Ok(Signature {
        arguments: vec![result],
        result,
    })
}

fn to_float(arguments: &[Argument<'_>]) -> Result<Signature, Mismatch> {
    for at in 0..arguments.len() {
        number_argument(arguments, at)?;
    }
    Ok(Signature {
        arguments: vec![DataType::R8; arguments.len()],
        result: DataType::R8,
    })
}

/// On floats and decimals; integers stay as they are.
fn numbers(
    value: &Value,
    float: impl Fn(f64) -> f64,
    decimal: impl Fn(&[i128]) -> Vec<i128>,
) -> Value {
    let array: ArrayRef = match value.array.data_type() {
        ArrowType::Float64 => {
            let floats = value.array.as_primitive::<Float64Type>();
            Arc::new(floats.unary::<_, Float64Type>(float))
        }
        ArrowType::Float32 => {
            let floats = value.array.as_primitive::<Float32Type>();
            Arc::new(floats.unary::<_, Float32Type>(|number| float(f64::from(number)) as f32))
        }
        ArrowType::Decimal128(..) => {
            let numbers = value.array.as_primitive::<Decimal128Type>();
            let numbers = decimal(numbers.values());
            let array = Decimal128Array::new(numbers.into(), value.array.nulls().cloned());
            Arc::new(array.with_data_type(value.array.data_type().clone()))
        }
        _ => Arc::clone(&value.array),
    };
    Value {
        array,
        is_scalar: value.is_scalar,
    }
}

/// One in the digits of a type: 100 for a scale of 2.
fn unit(data_type: &DataType) -> i128 {
    10_i128.pow(decimal_shape(data_type).map_or(0, |(_, scale)| u32::from(scale)))
}

/// `operation` on each number, in 64 bits where all of them have no more.
fn each_decimal(numbers: &[i128], divisor: i128, operation: impl Division) -> Vec<i128> {
    let small = numbers
        .iter()
        .all(|number| i128::from(*number as i64) == *number);
    match i64::try_from(divisor) {
        // A division by a known number is a multiplication.
        Ok(10) if small => narrow(numbers, |number| operation.of(number, 10)),
        Ok(100) if small => narrow(numbers, |number| operation.of(number, 100)),
        Ok(1000) if small => narrow(numbers, |number| operation.of(number, 1000)),
        Ok(10_000) if small => narrow(numbers, |number| operation.of(number, 10_000)),
        Ok(divisor) if small => narrow(numbers, |number| operation.of(number, divisor)),
        _ => numbers
            .iter()
            .map(|number| operation.wide(*number, divisor))
            .collect(),
    }
}

fn narrow(numbers: &[i128], quotient: impl Fn(i64) -> i128) -> Vec<i128> {
    numbers
        .iter()
        .map(|number| quotient(*number as i64))
        .collect()
}

/// A way to bring a number to a multiple of a divisor.
trait Division {
    fn of(&self, number: i64, divisor: i64) -> i128;
    fn wide(&self, number: i128, divisor: i128) -> i128;
}

macro_rules! division {
    ($name:ident, |$number:ident, $divisor:ident| $body:expr) => {
        struct $name;
        impl Division for $name {
            #[inline(always)]
            fn of(&self, $number: i64, $divisor: i64) -> i128 {
                let quotient: i64 = $body;
                i128::from(quotient) * i128::from($divisor)
            }
            fn wide(&self, $number: i128, $divisor: i128) -> i128 {
                let quotient: i128 = $body;
                quotient * $divisor
            }
        }
    };
}

division!(Ceil, |number, divisor| {
    let (quotient, remainder) = (number.div_euclid(divisor), number.rem_euclid(divisor));
    // Not by way of the negative number: the least one has none.
    if remainder > 0 {
        quotient + 1
    } else {
        quotient
    }
});
division!(Floor, |number, divisor| number.div_euclid(divisor));
division!(HalfAway, |number, divisor| {
    let (quotient, remainder) = (number / divisor, number % divisor);
    // Twice the remainder, without overflow.
    let up = remainder.unsigned_abs() >= divisor.unsigned_abs() - remainder.unsigned_abs();
    if up && divisor > 1 {
        quotient + number.signum()
    } else {
        quotient
    }
});

pub(super) const ABS: Function = Function {
    name: "ABS",
    arguments: 1,
    deterministic: true,
    check: same_number,
    apply: |values, types, context| {
        Ok(match values[0].array.data_type() {
            ArrowType::Int8 => absolute::<Int8Type>(values, context),
            ArrowType::Int16 => absolute::<Int16Type>(values, context),
            ArrowType::Int32 => absolute::<Int32Type>(values, context),
            ArrowType::Int64 => absolute::<Int64Type>(values, context),
            _ => {
                let decimals = |all: &[i128]| all.iter().map(|number| number.abs()).collect();
                within(
                    numbers(&values[0], f64::abs, decimals),
                    &types.result,
                    context,
                )
            }
        })
    },
};

/// The least integer has no absolute value.
fn absolute<T: ArrowPrimitiveType>(values: &[Value], context: &mut Context<'_>) -> Value {
    let numbers = values[0].array.as_primitive::<T>().values();
    Rows::of(values, context).numbers::<T>(context, |row| {
        let number = numbers[row];
        match number.is_lt(T::Native::ZERO) {
            true => number
                .neg_checked()
                .map_err(|_| SsisCode::EXPRESSION_FUNCTION_OVERFLOW),
            false => Ok(number),
        }
    })
}

pub(super) const SIGN: Function = Function {
    name: "SIGN",
    arguments: 1,
    deterministic: true,
    check: |arguments| {
        Ok(Signature {
            result: DataType::I4,
            ..to_float(arguments)?
        })
    },
    apply: |values, _, _| {
        let floats = values[0].array.as_primitive::<Float64Type>();
        let signs = floats
            .unary::<_, Int32Type>(|number| i32::from(number > 0.0) - i32::from(number < 0.0));
        Ok(Value {
            array: Arc::new(signs),
            is_scalar: values[0].is_scalar,
        })
    },
};

pub(super) const CEILING: Function = Function {
    name: "CEILING",
    arguments: 1,
    deterministic: true,
    check: rounded_number,
    apply: |values, types, context| {
        let unit = unit(&types.result);
        let decimal = |all: &[i128]| each_decimal(all, unit, Ceil);
        let value = numbers(&values[0], f64::ceil, decimal);
        Ok(within(value, &types.result, context))
    },
};

pub(super) const FLOOR: Function = Function {
    name: "FLOOR",
    arguments: 1,
    deterministic: true,
    check: rounded_number,
    apply: |values, types, context| {
        let unit = unit(&types.result);
        let decimal = |all: &[i128]| each_decimal(all, unit, Floor);
        let value = numbers(&values[0], f64::floor, decimal);
        Ok(within(value, &types.result, context))
    },
};

pub(super) const ROUND: Function = Function {
    name: "ROUND",
    arguments: 2,
    deterministic: true,
    check: |arguments| {
        let number = rounded_number(arguments)?.result;
        let digits = integer_argument(arguments, 1)?;
        least(arguments, 1, 0, SsisCode::EXPRESSION_FUNCTION_FAILED)?;
        Ok(Signature {
            arguments: vec![number, digits],
            result: number,
        })
    },
    apply: |values, types, context| {
        let digits = &values[1];
        if digits.is_scalar && digits.array.is_null(0) {
            // One for all rows only if it fails for all or none.
            let rows = values[0].array.len();
            return Ok(Value {
                array: arrow::array::new_null_array(values[0].array.data_type(), rows),
                is_scalar: values[0].is_scalar,
            });
        }
        if digits.is_scalar
            && let Ok(digits) = u32::try_from(integers(digits)(0))
        {
            return Ok(rounded(&values[0], &types.result, digits, context));
        }
        round_by_row(values, &types.result, context)
    },
};

/// Each number to digits of its own; a negative number of digits fails.
fn round_by_row(
    values: &[Value],
    data_type: &DataType,
    context: &mut Context<'_>,
) -> Result<Value, EvaluateError> {
    let digits = integers(&values[1]);
    let at = |row: usize| values[0].at(row);
    let of =
        |row: usize| u32::try_from(digits(row)).map_err(|_| SsisCode::EXPRESSION_FUNCTION_FAILED);
    let rows = Rows::of(values, context);
    Ok(match values[0].array.data_type() {
        ArrowType::Float64 | ArrowType::Float32 => {
            let floats = cast(&values[0].array, &ArrowType::Float64)?;
            let floats = floats.as_primitive::<Float64Type>().values().clone();
            let value = rows
                .numbers::<Float64Type>(context, |row| Ok(round_float(floats[at(row)], of(row)?)));
            Value {
                array: cast(&value.array, values[0].array.data_type())?,
                ..value
            }
        }
        ArrowType::Decimal128(..) => {
            let numbers = values[0].array.as_primitive::<Decimal128Type>().values();
            let value = rows.numbers::<Decimal128Type>(context, |row| {
                Ok(HalfAway.wide(numbers[at(row)], cut(data_type, of(row)?)))
            });
            within(value, data_type, context)
        }
        other => {
            let wide = cast(&values[0].array, &ArrowType::Int64)?;
            let wide = wide.as_primitive::<Int64Type>().values().clone();
            let value = rows.numbers::<Int64Type>(context, |row| of(row).map(|_| wide[at(row)]));
            Value {
                array: cast(&value.array, other)?,
                ..value
            }
        }
    })
}

/// What a number is a multiple of when it has no more digits than these.
fn cut(data_type: &DataType, digits: u32) -> i128 {
    let scale = decimal_shape(data_type).map_or(0, |(_, scale)| u32::from(scale));
    10_i128.pow(scale.saturating_sub(digits))
}

fn round_float(number: f64, digits: u32) -> f64 {
    let factor = 10_f64.powi(i32::try_from(digits).unwrap_or(i32::MAX));
    let rounded = (number * factor).round() / factor;
    // So many digits are not in the number.
    if rounded.is_finite() { rounded } else { number }
}

fn rounded(value: &Value, data_type: &DataType, digits: u32, context: &mut Context<'_>) -> Value {
    let cut = cut(data_type, digits);
    let decimal = |all: &[i128]| each_decimal(all, cut, HalfAway);
    let value = numbers(value, |number| round_float(number, digits), decimal);
    within(value, data_type, context)
}

/// Rounding up may need a digit more than the type has: that row fails.
fn within(value: Value, data_type: &DataType, context: &mut Context<'_>) -> Value {
    let Some(numbers) = value.array.as_primitive_opt::<Decimal128Type>() else {
        return value;
    };
    let range = exact_range(data_type);
    let fits = |number: &i128| range.contains(number);
    let nulls = match numbers.values().iter().all(fits) {
        true => numbers.nulls().cloned(),
        false => {
            let valid: Vec<bool> = (0..numbers.len())
                .map(|row| {
                    let fits = fits(&numbers.value(row));
                    if !fits && numbers.is_valid(row) {
                        context.fail(row, SsisCode::EXPRESSION_FUNCTION_OVERFLOW);
                    }
                    fits
                })
                .collect();
            NullBuffer::union(numbers.nulls(), Some(&NullBuffer::from(valid)))
        }
    };
    let array =
        Decimal128Array::new(numbers.values().clone(), nulls).with_data_type(arrow_type(data_type));
    Value {
        array: Arc::new(array),
        is_scalar: value.is_scalar,
    }
}

/// A function of floats whose result is a number, or whose row fails.
fn finite(
    values: &[Value],
    context: &mut Context<'_>,
    function: impl Fn(usize) -> Result<f64, SsisCode>,
) -> Value {
    Rows::of(values, context).numbers::<Float64Type>(context, |row| {
        function(row).and_then(|number| match number.is_finite() {
            true => Ok(number),
            false => Err(SsisCode::EXPRESSION_FUNCTION_OVERFLOW),
        })
    })
}

fn floats(value: &Value) -> &[f64] {
    value.array.as_primitive::<Float64Type>().values()
}

macro_rules! float_function {
    ($constant:ident, $function:expr) => {
        pub(super) const $constant: Function = Function {
            name: stringify!($constant),
            arguments: 1,
            deterministic: true,
            check: to_float,
            apply: |values, _, context| {
                let numbers = floats(&values[0]);
                let function: fn(f64) -> Result<f64, SsisCode> = $function;
                Ok(finite(values, context, |row| function(numbers[row])))
            },
        };
    };
}

float_function!(SQUARE, |number| Ok(number * number));
float_function!(SQRT, |number| match number < 0.0 {
    true => Err(SsisCode::EXPRESSION_SQRT_ARGUMENT),
    false => Ok(number.sqrt()),
});
float_function!(EXP, |number| Ok(number.exp()));

/// Zero and below give NULL (semantics 1.2.6).
macro_rules! logarithm {
    ($constant:ident, $function:expr) => {
        pub(super) const $constant: Function = Function {
            name: stringify!($constant),
            arguments: 1,
            deterministic: true,
            check: to_float,
            apply: |values, _, _| {
                let numbers = values[0].array.as_primitive::<Float64Type>();
                let function: fn(f64) -> f64 = $function;
                let positive: NullBuffer = numbers
                    .values()
                    .iter()
                    .map(|number| *number > 0.0)
                    .collect();
                let nulls = NullBuffer::union(numbers.nulls(), Some(&positive));
                let results: PrimitiveArray<Float64Type> = numbers.unary(function);
                let results = Float64Array::new(results.values().clone(), nulls);
                Ok(Value {
                    array: Arc::new(results),
                    is_scalar: values[0].is_scalar,
                })
            },
        };
    };
}

logarithm!(LN, f64::ln);
logarithm!(LOG, f64::log10);

/// What is no number is NULL: a root of a negative one.
pub(super) const POWER: Function = Function {
    name: "POWER",
    arguments: 2,
    deterministic: true,
    check: to_float,
    apply: |values, _, context| {
        let (bases, exponents) = (floats(&values[0]), floats(&values[1]));
        let rows = Rows::of(values, context);
        let powers = rows.numbers::<Float64Type>(context, |row| {
            let (base, exponent) = (bases[values[0].at(row)], exponents[values[1].at(row)]);
            match base.powf(exponent) {
                _ if base == 0.0 && exponent < 0.0 => Err(SsisCode::EXPRESSION_POWER_ARGUMENT),
                power if power.is_infinite() => Err(SsisCode::EXPRESSION_FUNCTION_OVERFLOW),
                power => Ok(power),
            }
        });
        let results = powers.array.as_primitive::<Float64Type>();
        let known: NullBuffer = results
            .values()
            .iter()
            .map(|power| !power.is_nan())
            .collect();
        let nulls = NullBuffer::union(results.nulls(), Some(&known));
        Ok(Value {
            array: Arc::new(Float64Array::new(results.values().clone(), nulls)),
            ..powers
        })
    },
};
