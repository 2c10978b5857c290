//! HEX and CODEPOINT.

use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::{
    array::UInt16Array,
    buffer::NullBuffer,
    compute::cast,
    datatypes::{DataType as ArrowType, UInt64Type},
};
use dtsx::{DataType, SsisCode};

use super::{
    Function, Signature, mismatch,
    rows::{Rows, texts},
    text_argument,
};
use crate::{arrays::TextBuilder, check::is_integer, evaluate::Value};

/// Upper-case digits without leading zeros; negative numbers in the two's complement of their type (matrix 5.3).
pub(super) const HEX: Function = Function {
    name: "HEX",
    arguments: 1,
    deterministic: true,
    check: |arguments| {
        let found = arguments[0].data_type;
        if !is_integer(&found) {
            return Err(mismatch(
                0,
                &found,
                "an integer is wanted: cast it with (DT_I4)",
            ));
        }
        Ok(Signature {
            arguments: vec![found],
            result: DataType::WStr {
                length: digits(&found),
            },
        })
    },
    apply: |values, types, context| {
        let array = &values[0].array;
        // The same bits, without a sign.
        let unsigned = match types.result {
            DataType::WStr { length: 2 } => ArrowType::UInt8,
            DataType::WStr { length: 4 } => ArrowType::UInt16,
            DataType::WStr { length: 8 } => ArrowType::UInt32,
            _ => ArrowType::UInt64,
        };
        let bits = array.to_data().into_builder().data_type(unsigned).build()?;
        let numbers = cast(&arrow::array::make_array(bits), &ArrowType::UInt64)?;
        let numbers = numbers.as_primitive::<UInt64Type>().values().clone();
        let rows = Rows::of(values, context);
        let builder = TextBuilder::new(rows.count);
        Ok(rows.texts(builder, context, |row, builder| {
            builder.write(|out| {
                use std::fmt::Write;
                write!(out, "{:X}", numbers[row]).map_err(|_| SsisCode::EXPRESSION_FUNCTION_FAILED)
            })
        }))
    },
};

fn digits(data_type: &DataType) -> u32 {
    match data_type {
        DataType::I1 | DataType::UI1 => 2,
        DataType::I2 | DataType::UI2 => 4,
        DataType::I4 | DataType::UI4 => 8,
        _ => 16,
    }
}

/// The UTF-16 code unit of the first character; NULL for an empty text.
pub(super) const CODEPOINT: Function = Function {
    name: "CODEPOINT",
    arguments: 1,
    deterministic: true,
    check: |arguments| {
        Ok(Signature {
            arguments: vec![text_argument(arguments, 0)?],
            result: DataType::UI2,
        })
    },
    apply: |values, _, _| {
        let array = texts(&values[0]);
        let first = |row: usize| match array.is_null(row) {
            true => None,
            false => array.value(row).encode_utf16().next(),
        };
        let units: Vec<u16> = (0..array.len())
            .map(|row| first(row).unwrap_or(0))
            .collect();
        let empty: Vec<bool> = array.views().iter().map(|view| *view as u32 != 0).collect();
        let nulls = NullBuffer::union(array.nulls(), Some(&NullBuffer::from(empty)));
        Ok(Value {
            array: Arc::new(UInt16Array::new(units.into(), nulls)),
            is_scalar: values[0].is_scalar,
        })
    },
};
