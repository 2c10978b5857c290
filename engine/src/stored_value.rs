//! Values of variables and parameters from the text that a package, or a caller, gives.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, StringViewArray};
use dtsx::DataType;
use fletching_expression::{ConvertOptions, Scalar, convert};

/// The type that a VARTYPE names (spec `dtsx-format.md` section 3); `None` for an Object, which has no text.
pub(crate) fn variable_type(vartype: u16) -> Result<Option<DataType>, String> {
    Ok(Some(match vartype {
        0 | 1 | 9 | 13 => return Ok(None),
        2 => DataType::I2,
        3 | 22 => DataType::I4,
        4 => DataType::R4,
        5 => DataType::R8,
        6 => DataType::Cy,
        7 => DataType::Date,
        8 => DataType::WStr { length: 4000 },
        11 => DataType::Bool,
        14 => decimal(0),
        16 => DataType::I1,
        17 => DataType::UI1,
        18 => DataType::UI2,
        19 | 23 => DataType::UI4,
        20 => DataType::I8,
        21 => DataType::UI8,
        other => return Err(format!("the variable type {other} is not known")),
    }))
}

/// A Decimal variable: .NET's 29 digits. The scale is that of its value.
fn decimal(scale: u8) -> DataType {
    DataType::Numeric {
        precision: DECIMAL_DIGITS,
        scale,
    }
}

const DECIMAL_DIGITS: u8 = 29;
const DECIMAL_PLACES_MAX: u8 = 28;

/// What a variable holds of the value of its expression: of moments a variant knows DT_DATE alone.
///
/// # Errors
/// That a moment is none of DT_DATE, for a person.
pub(crate) fn held(value: Scalar) -> Result<Scalar, String> {
    let from = value.data_type;
    let is_moment = matches!(
        from,
        DataType::DbDate | DataType::DbTimeStamp | DataType::DbTimeStamp2 { .. }
    );
    if !is_moment {
        return Ok(value);
    }
    let data_type = DataType::Date;
    match convert(&value.array, &from, &data_type, &ConvertOptions::default()) {
        Ok(converted) if converted.errors.is_empty() => Ok(Scalar {
            data_type,
            array: converted.array,
        }),
        _ => Err(format!("`{value}` is not a value of type {data_type}")),
    }
}

/// The first value of an array in the type of a variable. NULL is an empty text, and no value of any other type.
///
/// # Errors
/// That it is none, for a person.
pub(crate) fn converted(array: &ArrayRef, from: DataType, to: DataType) -> Result<Scalar, String> {
    let array = array.slice(0, 1);
    if array.is_null(0) {
        return match to {
            DataType::WStr { .. } => Ok(Scalar {
                data_type: to,
                array: Arc::new(StringViewArray::from(vec![""])),
            }),
            _ => Err(format!("NULL is not a value of type {to}")),
        };
    }
    let value = Scalar {
        data_type: from,
        array,
    };
    if matches!(
        to,
        DataType::Numeric {
            precision: DECIMAL_DIGITS,
            ..
        } | DataType::WStr { .. }
    ) {
        return parse(&value.to_string(), to);
    }
    match convert(&value.array, &from, &to, &ConvertOptions::default()) {
        Ok(converted) if converted.errors.is_empty() => Ok(Scalar {
            data_type: to,
            array: converted.array,
        }),
        _ => Err(format!("`{value}` ({from}) is not a value of type {to}")),
    }
}

/// The value that a text is in a type.
///
/// # Errors
/// That it is none, for a person.
pub(crate) fn parse(text: &str, data_type: DataType) -> Result<Scalar, String> {
    let text = match data_type {
        DataType::WStr { .. } => text,
        _ => text.trim(),
    };
    let bad = |data_type: DataType| format!("`{text}` is not a value of type {data_type}");
    let data_type = match data_type {
        DataType::Numeric {
            precision: DECIMAL_DIGITS,
            ..
        } => {
            let places = text.split_once('.').map_or(0, |(_, places)| places.len());
            let scale = u8::try_from(places).ok();
            let scale = scale.filter(|scale| *scale <= DECIMAL_PLACES_MAX);
            decimal(scale.ok_or_else(|| bad(decimal(DECIMAL_PLACES_MAX)))?)
        }
        other => other,
    };
    let array: ArrayRef = match data_type {
        DataType::Bool => match dtsx::parse_bool(text) {
            Some(value) => Arc::new(BooleanArray::from(vec![value])),
            None => return Err(bad(data_type)),
        },
        DataType::WStr { .. } => Arc::new(StringViewArray::from(vec![text])),
        _ => {
            let text_array: ArrayRef = Arc::new(StringViewArray::from(vec![text]));
            let from = DataType::WStr { length: 4000 };
            let converted = convert(&text_array, &from, &data_type, &ConvertOptions::default())
                .map_err(|_| bad(data_type))?;
            if !converted.errors.is_empty() {
                return Err(bad(data_type));
            }
            converted.array
        }
    };
    Ok(Scalar { data_type, array })
}
