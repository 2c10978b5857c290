//! Integers to DT_BYTES: the bytes that hold the number, the lowest first, as many as its type has.
//!
//! Packages have the cast; its bytes are unmeasured.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, AsArray, BinaryViewBuilder, Int64Array},
    compute::cast,
    datatypes::{DataType as ArrowType, Int64Type, UInt64Type},
};
use dtsx::{DataType, SsisCode};

use crate::{check::is_integer, error::EvaluateError, evaluate::RowFailure};

pub(super) fn casts(from: &DataType, to: &DataType) -> bool {
    is_integer(from) && matches!(to, DataType::Bytes { .. })
}

/// Cuts what is too long, and reports it.
pub(super) fn convert(
    array: &ArrayRef,
    from: &DataType,
    length: u32,
    errors: &mut Vec<RowFailure>,
) -> Result<ArrayRef, EvaluateError> {
    let width = match from {
        DataType::I1 | DataType::UI1 => 1,
        DataType::I2 | DataType::UI2 => 2,
        DataType::I4 | DataType::UI4 => 4,
        _ => 8,
    };
    let kept = width.min(length as usize);
    let numbers: Int64Array = match from {
        DataType::UI8 => array
            .as_primitive::<UInt64Type>()
            .unary(|number| number as i64),
        _ => cast(array, &ArrowType::Int64)?
            .as_primitive::<Int64Type>()
            .clone(),
    };
    let mut bytes = BinaryViewBuilder::with_capacity(numbers.len());
    for (row, number) in numbers.iter().enumerate() {
        let Some(number) = number else {
            bytes.append_null();
            continue;
        };
        if kept < width {
            errors.push(RowFailure {
                row: row as u32,
                code: SsisCode::INDUCED_FAILURE_ON_TRUNCATION,
                truncation: true,
            });
        }
        bytes.append_value(&number.to_le_bytes()[..kept]);
    }
    Ok(Arc::new(bytes.finish()))
}
