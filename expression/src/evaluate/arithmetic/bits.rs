//! `~ & ^ |` on integers.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray},
    compute::kernels::bitwise as bits,
    datatypes::DataType as ArrowType,
};

use crate::{error::EvaluateError, evaluate::Value, syntax::BinaryOperator};

macro_rules! by_integer {
    ($array:expr, $type:ident => $body:expr) => {{
        use arrow::datatypes::*;
        match $array.data_type() {
            ArrowType::Int8 => {
                type $type = Int8Type;
                $body
            }
            ArrowType::Int16 => {
                type $type = Int16Type;
                $body
            }
            ArrowType::Int32 => {
                type $type = Int32Type;
                $body
            }
            ArrowType::Int64 => {
                type $type = Int64Type;
                $body
            }
            ArrowType::UInt8 => {
                type $type = UInt8Type;
                $body
            }
            ArrowType::UInt16 => {
                type $type = UInt16Type;
                $body
            }
            ArrowType::UInt32 => {
                type $type = UInt32Type;
                $body
            }
            ArrowType::UInt64 => {
                type $type = UInt64Type;
                $body
            }
            other => {
                return Err(EvaluateError::Carrier {
                    found: other.to_string(),
                    wanted: "an integer".to_owned(),
                });
            }
        }
    }};
}

pub(in crate::evaluate) fn complement(operand: &Value) -> Result<Value, EvaluateError> {
    let array: ArrayRef = by_integer!(operand.array, T => Arc::new(bits::bitwise_not(operand.array.as_primitive::<T>())?));
    Ok(Value {
        array,
        is_scalar: operand.is_scalar,
    })
}

pub(in crate::evaluate) fn bitwise(
    operator: BinaryOperator,
    left: Value,
    right: Value,
    rows: usize,
) -> Result<Value, EvaluateError> {
    let (left, right) = (left.into_rows(rows)?, right.into_rows(rows)?);
    let array: ArrayRef = by_integer!(left, T => {
        let (a, b) = (left.as_primitive::<T>(), right.as_primitive::<T>());
        match operator {
            BinaryOperator::BitAnd => Arc::new(bits::bitwise_and(a, b)?),
            BinaryOperator::BitOr => Arc::new(bits::bitwise_or(a, b)?),
            _ => Arc::new(bits::bitwise_xor(a, b)?),
        }
    });
    Ok(Value::array(array))
}
