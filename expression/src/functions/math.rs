//! Mathematical functions. ROUND is half away from zero (semantics 1.4.2).

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, Decimal128Array, Float64Array},
    compute::cast,
    datatypes::{DataType as ArrowType, Decimal128Type, Float64Type, Int32Type},
};
use dtsx::{DataType, SsisCode};

use super::{Function, Signature, integer_argument};
use crate::{
    check::{decimal_shape, is_integer, is_numeric},
    error::EvaluateError,
    evaluate::{Context, Value},
};

fn same_number(types: &[DataType]) -> Result<Signature, String> {
    if !is_numeric(&types[0]) {
        return Err(format!("argument 1 is {}, a number is wanted", types[0]));
    }
    Ok(Signature {
        arguments: vec![types[0]],
        result: types[0],
    })
}

fn to_float(types: &[DataType]) -> Result<Signature, String> {
    match types.iter().position(|one| !is_numeric(one)) {
        Some(at) => Err(format!(
            "argument {} is {}, a number is wanted",
            at + 1,
            types[at]
        )),
        None => Ok(Signature {
            arguments: vec![DataType::R8; types.len()],
            result: DataType::R8,
        }),
    }
}

/// On floats and decimals; integers stay as they are.
fn numbers(
    value: &Value,
    data_type: &DataType,
    float: impl Fn(f64) -> f64,
    decimal: impl Fn(i128, i128) -> i128,
) -> Result<Value, EvaluateError> {
    let array: ArrayRef = match value.array.data_type() {
        ArrowType::Float64 => Arc::new(
            value
                .array
                .as_primitive::<Float64Type>()
                .unary::<_, Float64Type>(float),
        ),
        ArrowType::Float32 => {
            let wide = cast(&value.array, &ArrowType::Float64)?;
            let wide: Float64Array = wide.as_primitive::<Float64Type>().unary(float);
            cast(&wide, &ArrowType::Float32)?
        }
        ArrowType::Decimal128(..) => {
            let unit =
                10_i128.pow(decimal_shape(data_type).map_or(0, |(_, scale)| u32::from(scale)));
            let values: Decimal128Array = value
                .array
                .as_primitive::<Decimal128Type>()
                .unary(|number| decimal(number, unit));
            Arc::new(values.with_data_type(value.array.data_type().clone()))
        }
        _ => Arc::clone(&value.array),
    };
    Ok(Value {
        array,
        is_scalar: value.is_scalar,
    })
}

pub(super) const ABS: Function = Function {
    name: "ABS",
    arguments: 1,
    deterministic: true,
    check: same_number,
    apply: |values, data_type, context| {
        if is_integer(data_type) {
            let wide = cast(&values[0].array, &ArrowType::Decimal128(20, 0))?;
            let wide: Decimal128Array = wide.as_primitive::<Decimal128Type>().unary(i128::abs);
            let array: ArrayRef = Arc::new(wide.with_data_type(ArrowType::Decimal128(20, 0)));
            let from = DataType::Numeric {
                precision: 20,
                scale: 0,
            };
            let value = Value {
                array,
                is_scalar: values[0].is_scalar,
            };
            let rows = context.rows();
            let options = crate::ConvertOptions::cast(0);
            return crate::convert::convert_value(
                &value,
                &from,
                data_type,
                &options,
                rows,
                &mut context.failures,
            );
        }
        numbers(&values[0], data_type, f64::abs, |number, _| number.abs())
    },
};

pub(super) const SIGN: Function = Function {
    name: "SIGN",
    arguments: 1,
    deterministic: true,
    check: |types| {
        Ok(Signature {
            result: DataType::I4,
            ..to_float(types)?
        })
    },
    apply: |values, _, _| {
        let floats = values[0].array.as_primitive::<Float64Type>();
        let signs = floats.unary::<_, Int32Type>(|number| {
            if number > 0.0 {
                1
            } else if number < 0.0 {
                -1
            } else {
                0
            }
        });
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
    check: same_number,
    apply: |values, data_type, _| {
        numbers(&values[0], data_type, f64::ceil, |number, unit| {
            -(-number).div_euclid(unit) * unit
        })
    },
};

pub(super) const FLOOR: Function = Function {
    name: "FLOOR",
    arguments: 1,
    deterministic: true,
    check: same_number,
    apply: |values, data_type, _| {
        numbers(&values[0], data_type, f64::floor, |number, unit| {
            number.div_euclid(unit) * unit
        })
    },
};

pub(super) const ROUND: Function = Function {
    name: "ROUND",
    arguments: 2,
    deterministic: true,
    check: |types| {
        let first = same_number(types)?;
        Ok(Signature {
            arguments: vec![types[0], integer_argument(2, &types[1])?],
            result: first.result,
        })
    },
    apply: |values, data_type, context| {
        let digits = values[1].array.as_primitive::<Int32Type>();
        let mut parts: Vec<ArrayRef> = Vec::new();
        if values[1].is_scalar && !digits.is_null(0) && digits.value(0) >= 0 {
            return round(&values[0], data_type, digits.value(0));
        }
        for row in 0..context.rows() {
            let at = values[1].at(row);
            let negative = !digits.is_null(at) && digits.value(at) < 0;
            if negative {
                context.fail(row, SsisCode::EXPRESSION_EVALUATION_FAILED);
            }
            parts.push(if digits.is_null(at) || negative {
                arrow::array::new_null_array(values[0].array.data_type(), 1)
            } else {
                round(&values[0].slice(row), data_type, digits.value(at))?.array
            });
        }
        let parts: Vec<&dyn Array> = parts.iter().map(|part| part.as_ref()).collect();
        if parts.is_empty() {
            return Ok(Value::array(values[0].array.slice(0, 0)));
        }
        Ok(Value::array(arrow::compute::concat(&parts)?))
    },
};

fn round(value: &Value, data_type: &DataType, digits: i32) -> Result<Value, EvaluateError> {
    let factor = 10_f64.powi(digits);
    let scale = decimal_shape(data_type).map_or(0, |(_, scale)| i32::from(scale));
    let cut = 10_i128
        .checked_pow((scale - digits).max(0) as u32)
        .unwrap_or(i128::MAX);
    let decimal = |number: i128, _: i128| {
        let (quotient, remainder) = (number / cut, number % cut);
        let up = remainder.unsigned_abs() * 2 >= cut.unsigned_abs() && cut > 1;
        (if up {
            quotient + number.signum()
        } else {
            quotient
        }) * cut
    };
    numbers(
        value,
        data_type,
        |number| (number * factor).round() / factor,
        decimal,
    )
}

/// A function of one float; `None` is NULL, a result that is no number fails.
fn float(
    values: &[Value],
    context: &mut Context<'_>,
    function: impl Fn(f64) -> Option<f64>,
) -> Result<Value, EvaluateError> {
    let floats = values[0].array.as_primitive::<Float64Type>();
    let result: Float64Array = floats
        .iter()
        .map(|number| number.and_then(&function))
        .collect();
    finite(result, values[0].is_scalar, context)
}

fn finite(
    result: Float64Array,
    is_scalar: bool,
    context: &mut Context<'_>,
) -> Result<Value, EvaluateError> {
    let bad = |number: Option<f64>| number.is_some_and(|number| !number.is_finite());
    let failing: Vec<usize> = (0..result.len())
        .filter(|&row| bad(result.is_valid(row).then(|| result.value(row))))
        .collect();
    if failing.is_empty() {
        return Ok(Value {
            array: Arc::new(result),
            is_scalar,
        });
    }
    for &row in &failing {
        context.fail(row, SsisCode::EXPRESSION_FUNCTION_OVERFLOW);
    }
    let array: Float64Array = result
        .iter()
        .map(|number| number.filter(|number| number.is_finite()))
        .collect();
    Ok(Value {
        array: Arc::new(array),
        is_scalar,
    })
}

macro_rules! float_function {
    ($constant:ident, $function:expr) => {
        pub(super) const $constant: Function = Function {
            name: stringify!($constant),
            arguments: 1,
            deterministic: true,
            check: to_float,
            apply: |values, _, context| float(values, context, $function),
        };
    };
}

float_function!(SQUARE, |number| Some(number * number));
float_function!(SQRT, |number| Some(number.sqrt()));
float_function!(EXP, |number| Some(number.exp()));
// Zero and below give NULL (semantics 1.2.6).
float_function!(LN, |number| (number > 0.0).then(|| number.ln()));
float_function!(LOG, |number| (number > 0.0).then(|| number.log10()));

pub(super) const POWER: Function = Function {
    name: "POWER",
    arguments: 2,
    deterministic: true,
    check: to_float,
    apply: |values, _, context| {
        let (bases, exponents) = (
            values[0].array.as_primitive::<Float64Type>(),
            values[1].array.as_primitive::<Float64Type>(),
        );
        let is_scalar = values[0].is_scalar && values[1].is_scalar;
        let rows = if is_scalar { 1 } else { context.rows() };
        let result: Float64Array = (0..rows)
            .map(|row| {
                let null = values[0].is_null(row) || values[1].is_null(row);
                (!null).then(|| {
                    bases
                        .value(values[0].at(row))
                        .powf(exponents.value(values[1].at(row)))
                })
            })
            .collect();
        finite(result, is_scalar, context)
    },
};
