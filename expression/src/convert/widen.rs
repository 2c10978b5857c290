//! Numbers in a type that holds all of theirs: each becomes the same number, without a look whether it fits.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray},
    datatypes::{
        DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type,
        UInt16Type, UInt32Type, UInt64Type,
    },
};

macro_rules! widened {
    ($array:expr, $target:expr, $($from:ident $narrow:ident => $($to:ident $wide:ident),+;)+) => {
        match ($array.data_type(), $target) {
            $($((DataType::$from, DataType::$to) => {
                let numbers = $array.as_primitive::<$narrow>();
                let wide = numbers.unary::<_, $wide>(Into::into);
                Some(Arc::new(wide) as ArrayRef)
            })+)+
            _ => None,
        }
    };
}

/// The numbers in another type; `None` if that does not hold all of theirs.
pub(super) fn widened(array: &dyn Array, target: &DataType) -> Option<ArrayRef> {
    widened!(array, target,
        Int8 Int8Type => Int16 Int16Type, Int32 Int32Type, Int64 Int64Type, Float32 Float32Type, Float64 Float64Type;
        Int16 Int16Type => Int32 Int32Type, Int64 Int64Type, Float32 Float32Type, Float64 Float64Type;
        Int32 Int32Type => Int64 Int64Type, Float64 Float64Type;
        UInt8 UInt8Type => Int16 Int16Type, Int32 Int32Type, Int64 Int64Type, UInt16 UInt16Type, UInt32 UInt32Type,
            UInt64 UInt64Type, Float32 Float32Type, Float64 Float64Type;
        UInt16 UInt16Type => Int32 Int32Type, Int64 Int64Type, UInt32 UInt32Type, UInt64 UInt64Type,
            Float32 Float32Type, Float64 Float64Type;
        UInt32 UInt32Type => Int64 Int64Type, UInt64 UInt64Type, Float64 Float64Type;
        Float32 Float32Type => Float64 Float64Type;
    )
}

#[cfg(test)]
mod tests {
    use arrow::{
        array::{Int32Array, UInt8Array},
        compute::cast,
    };

    use super::*;

    #[test]
    fn as_arrow_casts() {
        let arrays: [ArrayRef; 2] = [
            Arc::new(Int32Array::from(vec![Some(i32::MIN), None, Some(i32::MAX)])),
            Arc::new(UInt8Array::from(vec![Some(0), None, Some(u8::MAX)])),
        ];
        for array in arrays {
            for target in [DataType::Int64, DataType::Float64] {
                let wide = widened(&array, &target).unwrap();
                assert_eq!(&wide, &cast(&array, &target).unwrap());
            }
            assert!(widened(&array, &DataType::Int8).is_none());
        }
    }
}
