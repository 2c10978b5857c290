//! Types of PostgreSQL, as far as they have a type of ours.

use arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, TimeUnit};
use tokio_postgres::types::{self, Type};

use crate::database::natural::{TIMESTAMP, offset_type};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Int2,
    Int4,
    Int8,
    /// Unsigned, as object ids are.
    Oid,
    Float4,
    Float8,
    Decimal {
        precision: u8,
        scale: i8,
    },
    /// Digits without a limit.
    Numeric,
    Text,
    /// Text after a byte that tells a version.
    Jsonb,
    Bytea,
    Uuid,
    Date,
    Time,
    Timestamp,
    TimestampTz,
    /// Only its text is known here.
    Other,
}

impl Kind {
    /// `modifier` as the server keeps it with a column: precision and scale of `numeric`.
    pub(super) fn of(known: &Type, modifier: i32) -> Self {
        if matches!(known.kind(), types::Kind::Enum(_)) {
            return Self::Text;
        }
        if let types::Kind::Domain(base) = known.kind() {
            return Self::of(base, modifier);
        }
        match *known {
            Type::BOOL => Self::Bool,
            Type::INT2 => Self::Int2,
            Type::INT4 => Self::Int4,
            Type::INT8 => Self::Int8,
            Type::OID => Self::Oid,
            Type::FLOAT4 => Self::Float4,
            Type::FLOAT8 => Self::Float8,
            Type::NUMERIC => numeric(modifier),
            Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::JSON | Type::XML => {
                Self::Text
            }
            Type::UNKNOWN => Self::Text,
            Type::JSONB => Self::Jsonb,
            Type::BYTEA => Self::Bytea,
            Type::UUID => Self::Uuid,
            Type::DATE => Self::Date,
            Type::TIME => Self::Time,
            Type::TIMESTAMP => Self::Timestamp,
            Type::TIMESTAMPTZ => Self::TimestampTz,
            _ => Self::Other,
        }
    }

    pub(super) fn natural(self) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Int2 => DataType::Int16,
            Self::Int4 => DataType::Int32,
            Self::Int8 => DataType::Int64,
            Self::Oid => DataType::UInt32,
            Self::Float4 => DataType::Float32,
            Self::Float8 => DataType::Float64,
            Self::Decimal { precision, scale } => DataType::Decimal128(precision, scale),
            Self::Numeric | Self::Text | Self::Jsonb | Self::Other => DataType::Utf8View,
            Self::Bytea => DataType::BinaryView,
            Self::Uuid => DataType::FixedSizeBinary(16),
            Self::Date => DataType::Date32,
            Self::Time => DataType::Time64(TimeUnit::Nanosecond),
            Self::Timestamp => TIMESTAMP,
            Self::TimestampTz => offset_type(),
        }
    }
}

/// Precision in the upper half of the modifier, scale in its lower eleven bits, less the length of a header.
fn numeric(modifier: i32) -> Kind {
    const HEADER: i32 = 4;
    let packed = modifier - HEADER;
    if packed < 0 {
        return Kind::Numeric;
    }
    let precision = (packed >> 16) & 0xFFFF;
    let scale = ((packed & 0x7FF) ^ 1024) - 1024;
    match (u8::try_from(precision), i8::try_from(scale)) {
        (Ok(precision), Ok(scale))
            if precision <= DECIMAL128_MAX_PRECISION
                && scale >= 0
                && u8::try_from(scale).is_ok_and(|scale| scale <= precision) =>
        {
            Kind::Decimal { precision, scale }
        }
        _ => Kind::Numeric,
    }
}
