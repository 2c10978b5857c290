//! One value with its SSIS type: variables, parameters, literals.

use std::{fmt, sync::Arc};

use arrow::array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, StringViewArray,
    TimestampMicrosecondArray, new_null_array,
};
use dtsx::DataType;

use crate::{format, types::arrow_type};

/// A value: an array of one row in the carrier of its type.
#[derive(Debug, Clone)]
pub struct Scalar {
    /// The SSIS type, which the array alone does not tell.
    pub data_type: DataType,
    /// One row.
    pub array: ArrayRef,
}

impl Scalar {
    /// NULL of a type.
    pub fn null(data_type: DataType) -> Self {
        Self {
            data_type,
            array: new_null_array(&arrow_type(&data_type), 1),
        }
    }

    /// DT_DATE, as variables hold moments, from microseconds since 1970-01-01.
    pub fn date_micros(micros: i64) -> Self {
        let array = Arc::new(TimestampMicrosecondArray::from(vec![micros]));
        Self {
            data_type: DataType::Date,
            array,
        }
    }

    /// Whether the row is NULL.
    pub fn is_null(&self) -> bool {
        self.array.is_null(0)
    }
}

impl From<&str> for Scalar {
    fn from(text: &str) -> Self {
        let length = u32::try_from(text.encode_utf16().count()).unwrap_or(u32::MAX);
        Self {
            data_type: DataType::WStr { length },
            array: Arc::new(StringViewArray::from(vec![text])),
        }
    }
}

impl From<i32> for Scalar {
    fn from(value: i32) -> Self {
        Self {
            data_type: DataType::I4,
            array: Arc::new(Int32Array::from(vec![value])),
        }
    }
}

impl From<i64> for Scalar {
    fn from(value: i64) -> Self {
        Self {
            data_type: DataType::I8,
            array: Arc::new(Int64Array::from(vec![value])),
        }
    }
}

impl From<f64> for Scalar {
    fn from(value: f64) -> Self {
        Self {
            data_type: DataType::R8,
            array: Arc::new(Float64Array::from(vec![value])),
        }
    }
}

impl From<bool> for Scalar {
    fn from(value: bool) -> Self {
        Self {
            data_type: DataType::Bool,
            array: Arc::new(BooleanArray::from(vec![value])),
        }
    }
}

/// The text SSIS shows; empty for NULL.
impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_null() {
            return Ok(());
        }
        let column =
            format::ColumnText::new(&self.array, &self.data_type).map_err(|_| fmt::Error)?;
        let mut text = Vec::new();
        column.append(0, &mut text);
        f.write_str(&String::from_utf8_lossy(&text))
    }
}
