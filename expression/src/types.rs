//! How the `DT_` types travel as Arrow fields.
//!
//! Each field carries its SSIS type as metadata under [`TYPE_KEY`], so that every operator and every reader of a stream
//! sees length, code page, precision and scale.

use std::{collections::HashMap, ops::RangeInclusive, sync::Arc};

use arrow::datatypes::{DataType as ArrowType, Field, Fields, TimeUnit};
use dtsx::DataType;

/// Field metadata key whose value is the SSIS type as [`DataType`] displays it (`DT_WSTR,20`).
pub const TYPE_KEY: &str = "ssis.type";

/// The Arrow type that carries an SSIS type.
pub fn arrow_type(data_type: &DataType) -> ArrowType {
    match *data_type {
        DataType::I1 => ArrowType::Int8,
        DataType::I2 => ArrowType::Int16,
        DataType::I4 => ArrowType::Int32,
        DataType::I8 => ArrowType::Int64,
        DataType::UI1 => ArrowType::UInt8,
        DataType::UI2 => ArrowType::UInt16,
        DataType::UI4 => ArrowType::UInt32,
        DataType::UI8 => ArrowType::UInt64,
        DataType::R4 => ArrowType::Float32,
        DataType::R8 => ArrowType::Float64,
        DataType::Cy => ArrowType::Decimal128(19, 4),
        DataType::Decimal { scale } => ArrowType::Decimal128(29, scale as i8),
        DataType::Numeric { precision, scale } => {
            ArrowType::Decimal128(precision.max(1), scale as i8)
        }
        DataType::Bool => ArrowType::Boolean,
        DataType::Str { .. } | DataType::WStr { .. } | DataType::Text { .. } | DataType::NText => {
            ArrowType::Utf8View
        }
        DataType::Bytes { .. } | DataType::Image => ArrowType::BinaryView,
        DataType::Guid => ArrowType::FixedSizeBinary(16),
        DataType::DbDate => ArrowType::Date32,
        DataType::DbTime => ArrowType::Time32(TimeUnit::Second),
        DataType::DbTime2 { .. } => ArrowType::Time64(TimeUnit::Nanosecond),
        DataType::Date
        | DataType::DbTimeStamp
        | DataType::DbTimeStamp2 { .. }
        | DataType::FileTime => ArrowType::Timestamp(TimeUnit::Microsecond, None),
        DataType::DbTimeStampOffset { .. } => ArrowType::Struct(Fields::from(vec![
            Field::new(
                "timestamp",
                ArrowType::Timestamp(TimeUnit::Microsecond, Some(Arc::from("UTC"))),
                false,
            ),
            Field::new("offset_minutes", ArrowType::Int16, false),
        ])),
        DataType::Null | DataType::Empty => ArrowType::Null,
    }
}

/// What a DT_DECIMAL has beside its sign and scale: 96 bits.
const DECIMAL_MAX: i128 = (1 << 96) - 1;

/// The numbers that an exact type holds, times ten to its scale: 64 bits of a DT_CY, 96 and a sign of a DT_DECIMAL, the digits
/// of a DT_NUMERIC. Of other types all.
pub fn exact_range(data_type: &DataType) -> RangeInclusive<i128> {
    match *data_type {
        DataType::Cy => i64::MIN.into()..=i64::MAX.into(),
        DataType::Decimal { .. } => -DECIMAL_MAX..=DECIMAL_MAX,
        DataType::Numeric { precision, .. } => {
            let most = 10_i128.pow(precision.clamp(1, 38).into()) - 1;
            -most..=most
        }
        _ => i128::MIN..=i128::MAX,
    }
}

/// The field of a pipeline column: nullable, with its SSIS type (and Arrow extension name, if any) as metadata.
pub fn field(name: &str, data_type: &DataType) -> Field {
    let mut metadata = HashMap::from([(TYPE_KEY.to_owned(), data_type.to_string())]);
    let extension = match data_type {
        DataType::Guid => Some("arrow.uuid"),
        DataType::DbTimeStampOffset { .. } => Some("arrow.timestamp_with_offset"),
        _ => None,
    };
    if let Some(extension) = extension {
        metadata.insert("ARROW:extension:name".to_owned(), extension.to_owned());
    }
    Field::new(name, arrow_type(data_type), true).with_metadata(metadata)
}

/// The SSIS type that a field carries, from its metadata; `None` for fields that did not come from [`field`].
pub fn data_type(field: &Field) -> Option<DataType> {
    field.metadata().get(TYPE_KEY)?.parse().ok()
}
