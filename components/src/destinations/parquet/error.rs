//! What can go wrong between a batch and a Parquet file.

use arrow::datatypes::DataType as ArrowType;
use dtsx::SsisCode;

#[derive(Debug, thiserror::Error)]
pub enum ParquetError {
    #[error(
        "column `{column}` is Arrow {arrow}, which Parquet cannot hold ({reason}); convert it before the destination"
    )]
    Unsupported {
        column: String,
        arrow: Box<ArrowType>,
        reason: String,
    },
    #[error("zstd level {0} is not one of 1 to 22")]
    ZstdLevel(i32),
    #[error(
        "a batch has {found} columns where the file has {wanted}: a defect of the operator before the destination"
    )]
    ColumnCount { found: usize, wanted: usize },
    #[error(
        "column `{column}` arrives as Arrow {found}, not as {wanted}: a defect of the operator before the destination"
    )]
    ColumnType {
        column: String,
        found: Box<ArrowType>,
        wanted: Box<ArrowType>,
    },
    #[error("column `{column}` could not be encoded: {error}")]
    Encode {
        column: String,
        error: parquet::errors::ParquetError,
    },
    #[error("{}: the Parquet file could not be written: {}", SsisCode(0xC020_2053), .0)]
    Write(parquet::errors::ParquetError),
}
