//! Order-preserving codes of fixed-width values: a value becomes an unsigned integer whose order is the value's, one
//! for one, so that it can be turned back.

use arrow::{
    array::{Array, ArrayData, ArrayRef, AsArray, BooleanArray, make_array},
    buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer},
    datatypes::{ArrowNativeType, DataType},
};
use datafusion_common::{Result, exec_err, internal_err};

const SIGN_32: u32 = 1 << 31;
const SIGN_64: u64 = 1 << 63;
const SIGN_128: u128 = 1 << 127;

/// The codes of one array; slots of NULL hold an arbitrary code.
#[derive(Debug, Clone)]
pub(crate) enum Codes {
    /// Values of at most 64 bits.
    Narrow(Vec<u64>),
    /// Decimals and GUIDs.
    Wide(Vec<u128>),
}

impl Codes {
    /// Smallest and largest code of the slots that are not NULL; `None` without such slots.
    pub(crate) fn range(&self, nulls: Option<&NullBuffer>) -> Option<(u128, u128)> {
        match self {
            Self::Narrow(codes) => {
                range(codes, nulls).map(|(low, high)| (u128::from(low), u128::from(high)))
            }
            Self::Wide(codes) => range(codes, nulls),
        }
    }
}

fn range<T: Copy + Ord>(codes: &[T], nulls: Option<&NullBuffer>) -> Option<(T, T)> {
    match nulls.filter(|nulls| nulls.null_count() > 0) {
        None => {
            let first = *codes.first()?;
            Some(codes.iter().fold((first, first), |(low, high), code| {
                (low.min(*code), high.max(*code))
            }))
        }
        Some(nulls) => {
            let mut valid = nulls
                .valid_indices()
                .filter_map(|index| codes.get(index).copied());
            let first = valid.next()?;
            Some(valid.fold((first, first), |(low, high), code| {
                (low.min(code), high.max(code))
            }))
        }
    }
}

/// Whether [`codes_of`] takes this type.
pub(crate) fn is_coded(data_type: &DataType) -> bool {
    data_type.is_integer()
        || matches!(
            data_type,
            DataType::Boolean
                | DataType::Float32
                | DataType::Float64
                | DataType::Decimal128(..)
                | DataType::Date32
                | DataType::Date64
                | DataType::Time32(_)
                | DataType::Time64(_)
                | DataType::Timestamp(..)
                | DataType::FixedSizeBinary(16)
        )
}

/// The codes of `array`. Floats are ordered by their bits (IEEE total order): see [`normalise_floats`].
pub(crate) fn codes_of(array: &dyn Array) -> Result<Codes> {
    Ok(match array.data_type() {
        DataType::Boolean => {
            let values = array.as_boolean().values();
            Codes::Narrow(values.iter().map(u64::from).collect())
        }
        DataType::Int8 => narrow::<i8>(array, |value| u64::from(value as u8 ^ 0x80))?,
        DataType::Int16 => narrow::<i16>(array, |value| u64::from(value as u16 ^ 0x8000))?,
        DataType::Int32 | DataType::Date32 | DataType::Time32(_) => {
            narrow::<i32>(array, |value| u64::from(value as u32 ^ SIGN_32))?
        }
        DataType::Int64 | DataType::Date64 | DataType::Time64(_) | DataType::Timestamp(..) => {
            narrow::<i64>(array, |value| value as u64 ^ SIGN_64)?
        }
        DataType::UInt8 => narrow::<u8>(array, u64::from)?,
        DataType::UInt16 => narrow::<u16>(array, u64::from)?,
        DataType::UInt32 => narrow::<u32>(array, u64::from)?,
        DataType::UInt64 => narrow::<u64>(array, |value| value)?,
        DataType::Float32 => narrow::<u32>(array, |bits| {
            u64::from(if bits & SIGN_32 == 0 {
                bits ^ SIGN_32
            } else {
                !bits
            })
        })?,
        DataType::Float64 => narrow::<u64>(array, |bits| {
            if bits & SIGN_64 == 0 {
                bits ^ SIGN_64
            } else {
                !bits
            }
        })?,
        DataType::Decimal128(..) => {
            let values = native::<i128>(array)?;
            Codes::Wide(
                values
                    .iter()
                    .map(|value| *value as u128 ^ SIGN_128)
                    .collect(),
            )
        }
        DataType::FixedSizeBinary(16) => {
            let values = array.as_fixed_size_binary();
            Codes::Wide(
                (0..values.len())
                    .map(|index| big_endian(values.value(index)))
                    .collect(),
            )
        }
        other => return exec_err!("a column of type {other} has no order by value"),
    })
}

fn big_endian(bytes: &[u8]) -> u128 {
    bytes
        .iter()
        .fold(0, |code, byte| (code << 8) | u128::from(*byte))
}

fn native<T: ArrowNativeType>(array: &dyn Array) -> Result<ScalarBuffer<T>> {
    let data = array.to_data();
    match data.buffers().first() {
        Some(buffer) => Ok(ScalarBuffer::new(buffer.clone(), data.offset(), data.len())),
        None => internal_err!("an array of type {} has no values", array.data_type()),
    }
}

fn narrow<T: ArrowNativeType>(array: &dyn Array, code: impl Fn(T) -> u64) -> Result<Codes> {
    Ok(Codes::Narrow(
        native::<T>(array)?
            .iter()
            .map(|value| code(*value))
            .collect(),
    ))
}

/// The array that has these codes: the inverse of [`codes_of`].
pub(crate) fn array_of_codes(
    codes: &Codes,
    nulls: Option<NullBuffer>,
    data_type: &DataType,
) -> Result<ArrayRef> {
    let buffer = match (codes, data_type) {
        (Codes::Narrow(codes), DataType::Boolean) => {
            let values = BooleanBuffer::collect_bool(codes.len(), |index| codes[index] != 0);
            return Ok(std::sync::Arc::new(BooleanArray::new(values, nulls)));
        }
        (Codes::Narrow(codes), narrow) => narrow_buffer(codes, narrow)?,
        (Codes::Wide(codes), DataType::Decimal128(..)) => {
            values(codes, |code| (code ^ SIGN_128) as i128)
        }
        (Codes::Wide(codes), DataType::FixedSizeBinary(16)) => Buffer::from_vec(
            codes
                .iter()
                .flat_map(|code| code.to_be_bytes())
                .collect::<Vec<u8>>(),
        ),
        (_, other) => return internal_err!("codes do not make a column of type {other}"),
    };
    let len = match codes {
        Codes::Narrow(codes) => codes.len(),
        Codes::Wide(codes) => codes.len(),
    };
    let data = ArrayData::builder(data_type.clone())
        .len(len)
        .add_buffer(buffer)
        .nulls(nulls)
        .build()?;
    Ok(make_array(data))
}

fn narrow_buffer(codes: &[u64], data_type: &DataType) -> Result<Buffer> {
    Ok(match data_type {
        DataType::Int8 => values(codes, |code| code as u8 ^ 0x80),
        DataType::Int16 => values(codes, |code| code as u16 ^ 0x8000),
        DataType::Int32 | DataType::Date32 | DataType::Time32(_) => {
            values(codes, |code| code as u32 ^ SIGN_32)
        }
        DataType::Int64 | DataType::Date64 | DataType::Time64(_) | DataType::Timestamp(..) => {
            values(codes, |code| code ^ SIGN_64)
        }
        DataType::UInt8 => values(codes, |code| code as u8),
        DataType::UInt16 => values(codes, |code| code as u16),
        DataType::UInt32 => values(codes, |code| code as u32),
        DataType::UInt64 => values(codes, |code| code),
        DataType::Float32 => values(codes, |code| {
            let code = code as u32;
            if code & SIGN_32 == 0 {
                !code
            } else {
                code ^ SIGN_32
            }
        }),
        DataType::Float64 => values(codes, |code| {
            if code & SIGN_64 == 0 {
                !code
            } else {
                code ^ SIGN_64
            }
        }),
        other => return internal_err!("codes do not make a column of type {other}"),
    })
}

fn values<C: Copy, T: ArrowNativeType>(codes: &[C], value: impl Fn(C) -> T) -> Buffer {
    Buffer::from_vec(codes.iter().map(|code| value(*code)).collect::<Vec<T>>())
}

/// Makes codes of floats fit for keys: -0 equals 0, and each NaN equals each other NaN, above all numbers.
pub(crate) fn normalise_floats(codes: &mut Codes, data_type: &DataType) {
    let (zero, infinity, minus_infinity) = match data_type {
        DataType::Float32 => (u64::from(SIGN_32), 0xFF80_0000, 0x007F_FFFF),
        DataType::Float64 => (SIGN_64, 0xFFF0_0000_0000_0000, 0x000F_FFFF_FFFF_FFFF),
        _ => return,
    };
    let Codes::Narrow(codes) = codes else { return };
    for code in codes {
        if *code == zero - 1 {
            *code = zero;
        } else if *code > infinity || *code < minus_infinity {
            *code = infinity + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Decimal128Array, Float64Array, Int32Array};

    use super::*;

    fn round_trip(array: ArrayRef) {
        let codes = codes_of(&array).unwrap();
        let back = array_of_codes(&codes, array.nulls().cloned(), array.data_type()).unwrap();
        assert_eq!(&back, &array);
        let ordered = match &codes {
            Codes::Narrow(codes) => codes.is_sorted(),
            Codes::Wide(codes) => codes.is_sorted(),
        };
        assert!(ordered, "{codes:?}");
    }

    #[test]
    fn codes_keep_order_and_turn_back() {
        round_trip(Arc::new(Int32Array::from(vec![
            i32::MIN,
            -1,
            0,
            1,
            i32::MAX,
        ])));
        round_trip(Arc::new(Float64Array::from(vec![
            f64::NEG_INFINITY,
            -1.5,
            -0.0,
            0.0,
            1e-300,
            f64::INFINITY,
            f64::NAN,
        ])));
        round_trip(Arc::new(Decimal128Array::from(vec![
            i128::MIN,
            -1,
            0,
            i128::MAX,
        ])));
        round_trip(Arc::new(BooleanArray::from(vec![false, true])));
    }

    #[test]
    fn floats_that_are_equal_have_equal_codes() {
        let array = Float64Array::from(vec![-0.0, 0.0, f64::NAN, -f64::NAN, f64::INFINITY]);
        let mut codes = codes_of(&array).unwrap();
        normalise_floats(&mut codes, array.data_type());
        let Codes::Narrow(codes) = codes else {
            panic!("floats are narrow")
        };
        assert_eq!((codes[0], codes[2]), (codes[1], codes[3]));
        assert!(codes[4] < codes[2] && codes[1] < codes[4]);
    }
}
