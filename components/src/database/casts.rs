//! From the types that a database has to those that a package declares, and back.

use arrow::{
    array::{ArrayRef, new_empty_array},
    datatypes::{DataType as ArrowType, TimeUnit},
};
use dtsx::DataType;
use fletching_expression::{ConvertOptions, EvaluateError, Evaluated, convert, types};

/// The SSIS type of values that a database hands over as `data_type`; `None` for types that no database of ours has.
pub fn natural_type(data_type: &ArrowType) -> Option<DataType> {
    Some(match data_type {
        ArrowType::Boolean => DataType::Bool,
        ArrowType::Int8 => DataType::I1,
        ArrowType::Int16 => DataType::I2,
        ArrowType::Int32 => DataType::I4,
        ArrowType::Int64 => DataType::I8,
        ArrowType::UInt8 => DataType::UI1,
        ArrowType::UInt16 => DataType::UI2,
        ArrowType::UInt32 => DataType::UI4,
        ArrowType::UInt64 => DataType::UI8,
        ArrowType::Float32 => DataType::R4,
        ArrowType::Float64 => DataType::R8,
        ArrowType::Decimal128(precision, scale) => DataType::Numeric {
            precision: *precision,
            scale: u8::try_from(*scale).ok()?,
        },
        ArrowType::Utf8View => DataType::NText,
        ArrowType::BinaryView => DataType::Image,
        ArrowType::FixedSizeBinary(16) => DataType::Guid,
        ArrowType::Date32 => DataType::DbDate,
        ArrowType::Time32(TimeUnit::Second) => DataType::DbTime,
        ArrowType::Time64(TimeUnit::Nanosecond) => DataType::DbTime2 { scale: 7 },
        ArrowType::Timestamp(TimeUnit::Microsecond, None) => DataType::DbTimeStamp2 { scale: 7 },
        ArrowType::Struct(_) => DataType::DbTimeStampOffset { scale: 7 },
        ArrowType::Null => DataType::Null,
        _ => return None,
    })
}

/// A conversion of one column.
#[derive(Debug, Clone)]
pub struct ColumnCast {
    from: DataType,
    to: DataType,
    options: ConvertOptions,
}

impl ColumnCast {
    /// # Errors
    /// What the pair of types has against it.
    pub fn new(from: DataType, to: DataType, locale_id: u32) -> Result<Self, EvaluateError> {
        let options = ConvertOptions {
            locale_id,
            ..ConvertOptions::default()
        };
        // Converting no rows says whether the pair can be converted at all.
        let nothing = new_empty_array(&types::arrow_type(&from));
        convert(&nothing, &from, &to, &options)?;
        Ok(Self { from, to, options })
    }

    pub fn from(&self) -> &DataType {
        &self.from
    }

    pub fn to(&self) -> &DataType {
        &self.to
    }

    /// The values in the new type, and the rows that fail.
    pub fn apply(&self, array: &ArrayRef) -> Result<Evaluated, EvaluateError> {
        convert(array, &self.from, &self.to, &self.options)
    }
}
