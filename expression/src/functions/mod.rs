//! The functions of the expression language: one static table, one file per family (spec `ssis-matrix.md` 5.3).

mod codes;
mod dates;
mod math;
mod null;
mod rewrite;
mod rows;
mod search;
mod text;

use dtsx::{DataType, SsisCode};

use crate::{
    check::{is_integer, is_numeric},
    error::EvaluateError,
    evaluate::{Context, Value},
    scalar::Scalar,
};

/// One function.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) arguments: usize,
    /// Same arguments, same result: may be folded.
    pub(crate) deterministic: bool,
    /// The types that it takes for these, or what it wants.
    pub(crate) check: fn(&[Argument<'_>]) -> Result<Signature, Mismatch>,
    pub(crate) apply: fn(&[Value], &Signature, &mut Context<'_>) -> Result<Value, EvaluateError>,
}

/// An argument as it is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Argument<'a> {
    pub(crate) data_type: DataType,
    /// Its value, where that does not depend on the row.
    pub(crate) constant: Option<&'a Scalar>,
    /// It is written as a literal.
    pub(crate) is_literal: bool,
}

/// Argument types to convert to, and the result's type.
#[derive(Debug)]
pub(crate) struct Signature {
    pub(crate) arguments: Vec<DataType>,
    pub(crate) result: DataType,
}

/// An argument that does not fit.
#[derive(Debug)]
pub(crate) struct Mismatch {
    /// From 0.
    pub(crate) argument: usize,
    pub(crate) code: SsisCode,
    /// What is wanted: `text`, `an integer`.
    pub(crate) message: String,
}

pub(crate) static FUNCTIONS: &[Function] = &[
    null::ISNULL,
    null::REPLACENULL,
    text::LEN,
    text::SUBSTRING,
    text::LEFT,
    text::RIGHT,
    text::TRIM,
    text::LTRIM,
    text::RTRIM,
    rewrite::UPPER,
    rewrite::LOWER,
    rewrite::REVERSE,
    codes::HEX,
    codes::CODEPOINT,
    rewrite::REPLICATE,
    rewrite::REPLACE,
    search::FINDSTRING,
    search::TOKEN,
    search::TOKENCOUNT,
    dates::YEAR,
    dates::MONTH,
    dates::DAY_OF_MONTH,
    dates::DATEPART,
    dates::DATEDIFF,
    dates::DATEADD,
    dates::GETDATE,
    dates::GETUTCDATE,
    math::ABS,
    math::SIGN,
    math::CEILING,
    math::FLOOR,
    math::ROUND,
    math::SQUARE,
    math::SQRT,
    math::POWER,
    math::EXP,
    math::LN,
    math::LOG,
];

pub(crate) use dates::is_date_part;
pub(crate) use null::replaces_null;

/// By name, upper case.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

fn mismatch(argument: usize, found: &DataType, wanted: &str) -> Mismatch {
    Mismatch {
        argument,
        code: SsisCode::EXPRESSION_ARGUMENT_TYPE,
        message: format!("is {found}, {wanted}"),
    }
}

/// The value of argument `at`, if it is constant; below `least` it is refused.
fn least(
    arguments: &[Argument<'_>],
    at: usize,
    least: i64,
    code: SsisCode,
) -> Result<Option<i64>, Mismatch> {
    let value = arguments[at].constant.filter(|value| !value.is_null());
    match value.and_then(|value| value.to_string().parse().ok()) {
        Some(value) if value < least => Err(Mismatch {
            argument: at,
            code,
            message: format!("is {value}, at least {least} is wanted"),
        }),
        value => Ok(value),
    }
}

/// The type of argument `at` if it is text, not of the long types.
fn text_argument(arguments: &[Argument<'_>], at: usize) -> Result<DataType, Mismatch> {
    let found = arguments[at].data_type;
    if crate::check::text_length(&found).is_some() {
        return Ok(found);
    }
    let cast = crate::check::text_cast(&found);
    Err(mismatch(
        at,
        &found,
        &format!("text is wanted: cast it with ({cast})"),
    ))
}

fn integer_argument(arguments: &[Argument<'_>], at: usize) -> Result<DataType, Mismatch> {
    let found = arguments[at].data_type;
    if is_integer(&found) {
        return Ok(DataType::I4);
    }
    Err(mismatch(
        at,
        &found,
        "an integer is wanted: cast it with (DT_I4)",
    ))
}

fn number_argument(arguments: &[Argument<'_>], at: usize) -> Result<DataType, Mismatch> {
    let found = arguments[at].data_type;
    if is_numeric(&found) {
        return Ok(found);
    }
    let wanted = "a number is wanted: cast it with (DT_I4), (DT_NUMERIC,18,2) or (DT_R8)";
    Err(mismatch(at, &found, wanted))
}

/// Length metadata of a text result.
fn text_result(data_type: &DataType) -> DataType {
    match *data_type {
        DataType::Str { length, .. } | DataType::WStr { length } => DataType::WStr { length },
        _ => DataType::NText,
    }
}
