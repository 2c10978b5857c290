//! The functions of the expression language: one static table, one file per family (spec `ssis-matrix.md` 5.3).

mod dates;
mod math;
mod null;
mod search;
mod text;
pub(crate) mod views;

use dtsx::DataType;

use crate::{
    error::EvaluateError,
    evaluate::{Context, Value},
};

/// One function.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) arguments: usize,
    /// Same arguments, same result: may be folded.
    pub(crate) deterministic: bool,
    /// The types that it takes for these, or what it wants.
    pub(crate) check: fn(&[DataType]) -> Result<Signature, String>,
    pub(crate) apply: fn(&[Value], &DataType, &mut Context<'_>) -> Result<Value, EvaluateError>,
}

/// Argument types to convert to, and the result's type.
#[derive(Debug)]
pub(crate) struct Signature {
    pub(crate) arguments: Vec<DataType>,
    pub(crate) result: DataType,
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
    text::UPPER,
    text::LOWER,
    text::REVERSE,
    text::REPLICATE,
    search::REPLACE,
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

/// By name, upper case.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

/// The type if it is text, else what is wanted.
fn text_argument(position: usize, data_type: &DataType) -> Result<DataType, String> {
    if crate::check::is_text(data_type) {
        Ok(*data_type)
    } else {
        Err(format!(
            "argument {position} is {data_type}, text is wanted: cast it to DT_WSTR"
        ))
    }
}

fn integer_argument(position: usize, data_type: &DataType) -> Result<DataType, String> {
    if crate::check::is_integer(data_type) {
        Ok(DataType::I4)
    } else {
        Err(format!(
            "argument {position} is {data_type}, an integer is wanted"
        ))
    }
}

/// Length metadata of a text result.
fn text_result(data_type: &DataType) -> DataType {
    match *data_type {
        DataType::Str { length, .. } | DataType::WStr { length } => DataType::WStr { length },
        _ => DataType::NText,
    }
}
