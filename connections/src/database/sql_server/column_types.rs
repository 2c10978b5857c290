//! Natural types of SQL Server's types.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, TimeUnit};
use mssql_tds::datatypes::bulk_copy_metadata::{BulkCopyColumnMetadata, SqlDbType};

/// Digits of `money`, and those after the point.
pub(super) const MONEY: DataType = DataType::Decimal128(19, 4);

/// `timestamp` in UTC and the offset at which it was given.
pub(super) fn offset_fields() -> Fields {
    let utc = DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::from("UTC")));
    Fields::from(vec![
        Field::new("timestamp", utc, false),
        Field::new("offset_minutes", DataType::Int16, false),
    ])
}

/// The type of a column, or what it is if we do not read it.
pub(super) fn natural_type(column: &BulkCopyColumnMetadata) -> Result<DataType, &'static str> {
    Ok(match column.sql_type {
        SqlDbType::TinyInt => DataType::UInt8,
        SqlDbType::SmallInt => DataType::Int16,
        SqlDbType::Int => DataType::Int32,
        SqlDbType::BigInt => DataType::Int64,
        SqlDbType::Bit => DataType::Boolean,
        SqlDbType::Real => DataType::Float32,
        SqlDbType::Float => DataType::Float64,
        SqlDbType::Decimal | SqlDbType::Numeric => {
            DataType::Decimal128(column.precision, column.scale.cast_signed())
        }
        SqlDbType::Money | SqlDbType::SmallMoney => MONEY,
        SqlDbType::Date => DataType::Date32,
        SqlDbType::Time => DataType::Time64(TimeUnit::Nanosecond),
        SqlDbType::DateTime | SqlDbType::DateTime2 | SqlDbType::SmallDateTime => {
            DataType::Timestamp(TimeUnit::Microsecond, None)
        }
        SqlDbType::DateTimeOffset => DataType::Struct(offset_fields()),
        SqlDbType::Char
        | SqlDbType::VarChar
        | SqlDbType::Text
        | SqlDbType::NChar
        | SqlDbType::NVarChar
        | SqlDbType::NText
        | SqlDbType::Xml
        | SqlDbType::Json => DataType::Utf8View,
        SqlDbType::Binary | SqlDbType::VarBinary | SqlDbType::Image | SqlDbType::Udt => {
            DataType::BinaryView
        }
        SqlDbType::UniqueIdentifier => DataType::FixedSizeBinary(16),
        SqlDbType::Variant => return Err("sql_variant"),
        SqlDbType::Vector => return Err("vector"),
    })
}

/// As a table declares it: `nvarchar(50)`.
pub(super) fn declared(column: &BulkCopyColumnMetadata) -> String {
    let plain = match column.sql_type {
        SqlDbType::Json => "json",
        SqlDbType::Xml => "xml",
        SqlDbType::Vector => "vector",
        _ => {
            return column
                .get_sql_type_definition()
                .unwrap_or_else(|_| format!("{:?}", column.sql_type).to_ascii_lowercase())
                .replace(", ", ",");
        }
    };
    plain.to_owned()
}

#[cfg(test)]
mod tests {
    use mssql_tds::datatypes::bulk_copy_metadata::TypeLength;

    use super::*;

    #[test]
    fn types_of_columns() {
        let column = |sql_type: SqlDbType| {
            BulkCopyColumnMetadata::new("c", sql_type, sql_type.to_bulk_copy_tds_type())
        };
        let price = column(SqlDbType::Numeric).with_precision_scale(18, 2);
        assert_eq!(natural_type(&price), Ok(DataType::Decimal128(18, 2)));
        assert_eq!(declared(&price), "decimal(18,2)");
        assert_eq!(
            natural_type(&column(SqlDbType::TinyInt)),
            Ok(DataType::UInt8)
        );
        assert_eq!(natural_type(&column(SqlDbType::SmallMoney)), Ok(MONEY));
        assert_eq!(
            natural_type(&column(SqlDbType::Variant)),
            Err("sql_variant")
        );
        let name = column(SqlDbType::NVarChar).with_length(100, TypeLength::Variable(100));
        assert_eq!(declared(&name), "nvarchar(50)");
    }
}
