//! Conversion between SSIS types: casts, Data Conversion, a derived column's declared type (semantics 1.4 and 1.5).

mod bytes;
mod dates;
mod floats;
mod from_text;
mod numbers;
mod serial;
mod short_text;
mod to_text;
mod widen;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, new_null_array};
use dtsx::{DataType, SsisCode};

use crate::{
    check::{is_integer, is_numeric, is_text},
    error::EvaluateError,
    evaluate::{Evaluated, RowFailure, Value},
    format::{decimal_sign, format_local},
    text::{Locale, Style},
    types::arrow_type,
};

/// How text is read and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ConvertOptions {
    /// LCID of standard parsing (semantics 9.11), and of DT_DATE and floating numbers as text; 0 is the invariant locale.
    pub locale_id: u32,
    /// FastParse (semantics 9.10).
    pub fast_parse: bool,
    /// As a cast in an expression reads text: numbers plainly, with a point or the decimal sign of the locale that a cast
    /// writes, dates by the locale (semantics 1.4, 1.5.2).
    pub cast: bool,
}

impl ConvertOptions {
    /// As a cast in an expression reads text.
    pub fn cast(locale_id: u32) -> Self {
        Self {
            locale_id,
            fast_parse: false,
            cast: true,
        }
    }
}

/// A column in another type. Failing rows are NULL, texts that are too long are cut and reported as truncations.
///
/// # Errors
/// [`EvaluateError`] if there is no such conversion or the array does not carry `from`.
pub fn convert(
    array: &ArrayRef,
    from: &DataType,
    to: &DataType,
    options: &ConvertOptions,
) -> Result<Evaluated, EvaluateError> {
    let mut errors = Vec::new();
    let array = convert_array(array, from, to, options, &mut errors)?;
    Ok(Evaluated { array, errors })
}

/// As [`convert`]; a scalar stays one, unless it fails: then every row does.
pub(crate) fn convert_value(
    value: &Value,
    from: &DataType,
    to: &DataType,
    options: &ConvertOptions,
    rows: usize,
    failures: &mut Vec<RowFailure>,
) -> Result<Value, EvaluateError> {
    let mut errors = Vec::new();
    let array = convert_array(&value.array, from, to, options, &mut errors)?;
    if let (true, Some(failure)) = (value.is_scalar, errors.first()) {
        failures.extend((0..rows).map(|row| RowFailure {
            row: row as u32,
            ..*failure
        }));
    } else {
        failures.extend(errors);
    }
    Ok(Value {
        array,
        is_scalar: value.is_scalar,
    })
}

/// Whether there is a conversion at all.
pub(crate) fn converts(from: &DataType, to: &DataType) -> bool {
    let null = matches!(from, DataType::Null | DataType::Empty);
    let number = |one: &DataType| is_numeric(one) || *one == DataType::Bool;
    let bytes = |one: &DataType| matches!(one, DataType::Bytes { .. } | DataType::Image);
    null || from == to
        || is_text(to) && !bytes(from)
        || is_text(from) && !bytes(to)
        || number(from) && number(to)
        || dates::is_moment(from) && dates::is_moment(to)
        || serial::converts(from, to)
        || bytes(from) && bytes(to)
}

/// Whether an expression can cast one type to the other: it can a little more than components convert.
pub(crate) fn casts(from: &DataType, to: &DataType) -> bool {
    converts(from, to) || bytes::casts(from, to)
}

fn convert_array(
    array: &ArrayRef,
    from: &DataType,
    to: &DataType,
    options: &ConvertOptions,
    errors: &mut Vec<RowFailure>,
) -> Result<ArrayRef, EvaluateError> {
    if holds_all(from, to) {
        return Ok(Arc::clone(array));
    }
    let known = match options.cast {
        true => casts(from, to),
        false => converts(from, to),
    };
    if !known {
        return Err(EvaluateError::NoConversion {
            from: *from,
            to: *to,
        });
    }
    if array.null_count() == array.len() {
        return Ok(new_null_array(&arrow_type(to), array.len()));
    }
    if is_text(to) {
        let text = format_local(array, from, options.locale_id)?;
        return to_text::limit(&text, from, to, errors);
    }
    if is_text(from) {
        let Some(text) = array.as_string_view_opt() else {
            return Err(EvaluateError::Carrier {
                found: array.data_type().to_string(),
                wanted: "Utf8View".into(),
            });
        };
        if options.fast_parse {
            return from_text::parse(text, to, Style::Fast, errors);
        }
        if options.cast && !dates::is_moment(to) {
            let decimal = match is_numeric(to) && !is_integer(to) {
                true => decimal_sign(options.locale_id),
                false => b'.',
            };
            return match decimal {
                b'.' => from_text::parse(text, to, Style::Cast, errors),
                sign => {
                    from_text::parse(&from_text::with_points(text, sign), to, Style::Cast, errors)
                }
            };
        }
        let locale = Locale::from_lcid(options.locale_id)?;
        return from_text::parse(text, to, Style::Standard(&locale), errors);
    }
    if bytes::casts(from, to)
        && let DataType::Bytes { length } = *to
    {
        return bytes::convert(array, from, length, errors);
    }
    if serial::converts(from, to) {
        return serial::convert(array, from, to, errors);
    }
    if dates::is_moment(from) {
        return dates::convert(array, from, to, errors);
    }
    if is_numeric(to) || *to == DataType::Bool {
        return numbers::convert(array, from, to, errors);
    }
    Ok(Arc::clone(array))
}

/// Whether values of one type are values of another as they are.
fn holds_all(from: &DataType, to: &DataType) -> bool {
    match (from, to) {
        // The longest that a type names: an expression or a variable may have more.
        (DataType::WStr { length: WSTR_MAX.. }, DataType::WStr { .. }) => false,
        (
            DataType::WStr { length } | DataType::Str { length, .. },
            DataType::WStr { length: room },
        ) => length <= room,
        (one, DataType::NText) => is_text(one),
        _ => from == to,
    }
}

/// Characters of the longest DT_WSTR.
const WSTR_MAX: u32 = 4000;

fn fail(errors: &mut Vec<RowFailure>, row: usize, code: SsisCode) {
    errors.push(RowFailure {
        row: row as u32,
        code,
        truncation: false,
    });
}

#[cfg(test)]
mod tests {
    use arrow::array::StringViewArray;

    use super::*;
    use crate::Scalar;

    fn cast(value: &str, to: DataType, locale_id: u32) -> Option<String> {
        let from = DataType::WStr {
            length: value.len().min(4000) as u32,
        };
        let array: ArrayRef = Arc::new(StringViewArray::from(vec![value]));
        let options = ConvertOptions::cast(locale_id);
        let converted = convert(&array, &from, &to, &options).unwrap();
        let scalar = Scalar {
            data_type: to,
            array: converted.array,
        };
        converted.errors.is_empty().then(|| scalar.to_string())
    }

    #[test]
    fn numbers_are_read_as_a_cast_writes_them() {
        let money = DataType::Numeric {
            precision: 10,
            scale: 2,
        };
        let german = 1031;
        let written = |value: f64| {
            let array: ArrayRef = Arc::new(arrow::array::Float64Array::from(vec![value]));
            let text = format_local(&array, &DataType::R8, german).unwrap();
            text.as_string_view().value(0).to_owned()
        };
        for value in [1234.5, -0.25, 1e300, 1.5e-7, 12.0] {
            let read = cast(&written(value), DataType::R8, german);
            assert_eq!(read.unwrap().parse::<f64>().unwrap(), value);
        }
        for (text, to, locale_id, want) in [
            ("1234,5", DataType::R4, german, Some("1234.5")),
            (" 1,5 ", money, german, Some("1.50")),
            ("1,5", DataType::Cy, german, Some("1.5000")),
            ("1.5", money, german, Some("1.50")),
            ("1.5", DataType::R8, german, Some("1.5")),
            ("1.234,5", DataType::R8, german, None),
            ("1,5,5", DataType::R8, german, None),
            ("1,5", DataType::I4, german, None),
            ("1,5", DataType::R8, 1033, None),
            ("1,5", money, 1033, None),
        ] {
            assert_eq!(cast(text, to, locale_id).as_deref(), want, "{text}");
        }
    }

    #[test]
    fn a_text_is_longer_than_its_type_can_say() {
        let most = DataType::WStr { length: 4000 };
        assert!(cast(&"a".repeat(4000), most, 0).is_some());
        assert_eq!(cast(&"a".repeat(5000), most, 0), None);
    }
}
