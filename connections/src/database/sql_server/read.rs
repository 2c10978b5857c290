//! Rows of a result set, into builders as they are decoded.

use std::{borrow::Cow, sync::Arc};

use arrow::{
    array::{
        ArrayRef, BinaryViewBuilder, BooleanBuilder, Date32Builder, Decimal128Builder,
        FixedSizeBinaryBuilder, Float32Builder, Float64Builder, Int16Builder, Int32Builder,
        Int64Builder, NullBufferBuilder, RecordBatch, RecordBatchOptions, StringViewBuilder,
        StructArray, Time64NanosecondBuilder, TimestampMicrosecondBuilder, UInt8Builder,
    },
    datatypes::{DataType, Field, Schema, SchemaRef},
};
use mssql_tds::{
    connection::tds_client::TdsClient,
    core::TdsResult,
    datatypes::{
        bulk_copy_metadata::BulkCopyColumnMetadata,
        column_values::{
            SqlDate, SqlDateTime, SqlDateTime2, SqlDateTimeOffset, SqlMoney, SqlSmallDateTime,
            SqlSmallMoney, SqlTime, SqlXml,
        },
        decoder::DecimalParts,
        row_writer::RowWriter,
        sql_json::SqlJson,
        sql_string::EncodingType,
        sql_vector::SqlVector,
    },
    query::metadata::ColumnMetadata,
};
use uuid::Uuid;

use super::{
    column_types::{natural_type, offset_fields},
    text,
};

/// Bytes of text and binary values after which a batch is full, however few its rows.
const BATCH_BYTES_MAX: usize = 32 << 20;
pub(super) const MICROS_PER_DAY: i64 = 86_400_000_000;
/// From 0001-01-01 and from 1900-01-01 to 1970-01-01.
pub(super) const DAYS_TO_EPOCH: i64 = 719_162;
pub(super) const DAYS_1900_TO_EPOCH: i64 = 25_567;

/// Arrow's schema of a result set.
///
/// # Errors
/// The column that cannot be read, and why.
pub(super) fn schema(columns: &[ColumnMetadata]) -> Result<SchemaRef, String> {
    let fields = columns.iter().map(|column| {
        let name = column.column_name.as_str();
        let data_type = natural_type(&BulkCopyColumnMetadata::from(column)).map_err(|kind| {
            format!("column `{name}` is of type {kind}, which is not read: give it another with CAST in the query")
        })?;
        Ok(Field::new(name, data_type, true))
    });
    Ok(Arc::new(Schema::new(
        fields.collect::<Result<Vec<_>, String>>()?,
    )))
}

/// A column on its way.
enum Builder {
    UInt8(UInt8Builder),
    Int16(Int16Builder),
    Int32(Int32Builder),
    Int64(Int64Builder),
    Boolean(BooleanBuilder),
    Float32(Float32Builder),
    Float64(Float64Builder),
    Decimal(Decimal128Builder),
    Text(StringViewBuilder),
    Binary(BinaryViewBuilder),
    Guid(FixedSizeBinaryBuilder),
    Date(Date32Builder),
    Time(Time64NanosecondBuilder),
    Timestamp(TimestampMicrosecondBuilder),
    Offset(TimestampMicrosecondBuilder, Int16Builder, NullBufferBuilder),
}

impl Builder {
    fn new(data_type: &DataType) -> Result<Self, String> {
        Ok(match data_type {
            DataType::UInt8 => Self::UInt8(UInt8Builder::new()),
            DataType::Int16 => Self::Int16(Int16Builder::new()),
            DataType::Int32 => Self::Int32(Int32Builder::new()),
            DataType::Int64 => Self::Int64(Int64Builder::new()),
            DataType::Boolean => Self::Boolean(BooleanBuilder::new()),
            DataType::Float32 => Self::Float32(Float32Builder::new()),
            DataType::Float64 => Self::Float64(Float64Builder::new()),
            DataType::Decimal128(precision, scale) => Self::Decimal(
                Decimal128Builder::new()
                    .with_precision_and_scale(*precision, *scale)
                    .map_err(|error| error.to_string())?,
            ),
            DataType::Utf8View => Self::Text(StringViewBuilder::new()),
            DataType::BinaryView => Self::Binary(BinaryViewBuilder::new()),
            DataType::FixedSizeBinary(size) => Self::Guid(FixedSizeBinaryBuilder::new(*size)),
            DataType::Date32 => Self::Date(Date32Builder::new()),
            DataType::Time64(_) => Self::Time(Time64NanosecondBuilder::new()),
            DataType::Timestamp(_, None) => Self::Timestamp(TimestampMicrosecondBuilder::new()),
            DataType::Struct(_) => Self::Offset(
                TimestampMicrosecondBuilder::new().with_timezone("UTC"),
                Int16Builder::new(),
                NullBufferBuilder::new(0),
            ),
            other => return Err(format!("values of type {other} are not read")),
        })
    }

    fn append_null(&mut self) {
        match self {
            Self::UInt8(values) => values.append_null(),
            Self::Int16(values) => values.append_null(),
            Self::Int32(values) => values.append_null(),
            Self::Int64(values) => values.append_null(),
            Self::Boolean(values) => values.append_null(),
            Self::Float32(values) => values.append_null(),
            Self::Float64(values) => values.append_null(),
            Self::Decimal(values) => values.append_null(),
            Self::Text(values) => values.append_null(),
            Self::Binary(values) => values.append_null(),
            Self::Guid(values) => values.append_null(),
            Self::Date(values) => values.append_null(),
            Self::Time(values) => values.append_null(),
            Self::Timestamp(values) => values.append_null(),
            Self::Offset(at, minutes, valid) => {
                at.append_value(0);
                minutes.append_value(0);
                valid.append_null();
            }
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::UInt8(values) => Arc::new(values.finish()),
            Self::Int16(values) => Arc::new(values.finish()),
            Self::Int32(values) => Arc::new(values.finish()),
            Self::Int64(values) => Arc::new(values.finish()),
            Self::Boolean(values) => Arc::new(values.finish()),
            Self::Float32(values) => Arc::new(values.finish()),
            Self::Float64(values) => Arc::new(values.finish()),
            Self::Decimal(values) => Arc::new(values.finish()),
            Self::Text(values) => Arc::new(values.finish()),
            Self::Binary(values) => Arc::new(values.finish()),
            Self::Guid(values) => Arc::new(values.finish()),
            Self::Date(values) => Arc::new(values.finish()),
            Self::Time(values) => Arc::new(values.finish()),
            Self::Timestamp(values) => Arc::new(values.finish()),
            Self::Offset(at, minutes, valid) => Arc::new(StructArray::new(
                offset_fields(),
                vec![Arc::new(at.finish()), Arc::new(minutes.finish())],
                valid.finish(),
            )),
        }
    }
}

/// The rows of a batch on their way.
pub(super) struct Rows {
    schema: SchemaRef,
    columns: Vec<Builder>,
    count: usize,
    bytes: usize,
    /// A value that came otherwise than its column said.
    odd: Option<String>,
    /// Moments whose seventh digit of a second was not zero.
    cut: u64,
    scratch: Vec<u8>,
}

impl Rows {
    pub(super) fn new(schema: &SchemaRef) -> Result<Self, String> {
        let columns = schema
            .fields()
            .iter()
            .map(|field| Builder::new(field.data_type()));
        Ok(Self {
            schema: Arc::clone(schema),
            columns: columns.collect::<Result<_, _>>()?,
            count: 0,
            bytes: 0,
            odd: None,
            cut: 0,
            scratch: Vec::new(),
        })
    }

    /// Reads until a batch is full; `false` when there are no more rows.
    pub(super) async fn fill(
        &mut self,
        client: &mut TdsClient,
        rows_max: usize,
    ) -> TdsResult<bool> {
        while self.count < rows_max.max(1) && self.bytes < BATCH_BYTES_MAX {
            if !client.next_row_into(self).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The rows so far. `None`: there are none.
    pub(super) fn take(&mut self) -> Result<Option<RecordBatch>, String> {
        if let Some(odd) = self.odd.take() {
            return Err(odd);
        }
        if self.count == 0 {
            return Ok(None);
        }
        let arrays = self.columns.iter_mut().map(Builder::finish).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(self.count));
        (self.count, self.bytes) = (0, 0);
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)
            .map(Some)
            .map_err(|error| error.to_string())
    }

    /// How many moments have lost a digit.
    pub(super) fn cut(&self) -> u64 {
        self.cut
    }

    /// Microseconds since 1970; notes what they lack.
    fn micros(&mut self, value: &SqlDateTime2) -> i64 {
        self.cut += u64::from(!value.time.time_nanoseconds.is_multiple_of(10));
        micros(value)
    }

    fn mismatch(&mut self, column: usize, found: &str) {
        let name = self
            .schema
            .fields()
            .get(column)
            .map_or("", |field| field.name().as_str());
        self.odd = Some(format!(
            "the server sent {found} in column `{name}`, which it had declared otherwise"
        ));
    }
}

/// Appends to the builder of a column, if it is of the wanted kind.
macro_rules! append {
    ($rows:ident, $column:ident, $kind:ident, $value:expr) => {
        match $rows.columns.get_mut($column) {
            Some(Builder::$kind(values)) => values.append_value($value),
            _ => $rows.mismatch($column, stringify!($kind)),
        }
    };
}

pub(super) fn money(value: &SqlMoney) -> i64 {
    i64::from(value.msb_part) << 32 | i64::from(value.lsb_part.cast_unsigned())
}

fn decimal(value: &DecimalParts) -> i128 {
    let magnitude = value.magnitude().cast_signed();
    match value.is_positive {
        true => magnitude,
        false => -magnitude,
    }
}

/// Microseconds since 1970.
pub(super) fn micros(value: &SqlDateTime2) -> i64 {
    let hundred_nanos = value.time.time_nanoseconds.cast_signed();
    (i64::from(value.days) - DAYS_TO_EPOCH) * MICROS_PER_DAY + hundred_nanos / 10
}

/// Ticks of 1/300 s, as the milliseconds that SQL Server shows.
fn tick_millis(ticks: u32) -> i64 {
    (i64::from(ticks) * 10 + 1) / 3
}

impl RowWriter for Rows {
    fn write_null(&mut self, col: usize) {
        if let Some(column) = self.columns.get_mut(col) {
            column.append_null();
        }
    }

    fn write_bool(&mut self, col: usize, val: bool) {
        append!(self, col, Boolean, val);
    }

    fn write_u8(&mut self, col: usize, val: u8) {
        append!(self, col, UInt8, val);
    }

    fn write_i16(&mut self, col: usize, val: i16) {
        append!(self, col, Int16, val);
    }

    fn write_i32(&mut self, col: usize, val: i32) {
        append!(self, col, Int32, val);
    }

    fn write_i64(&mut self, col: usize, val: i64) {
        append!(self, col, Int64, val);
    }

    fn write_f32(&mut self, col: usize, val: f32) {
        append!(self, col, Float32, val);
    }

    fn write_f64(&mut self, col: usize, val: f64) {
        append!(self, col, Float64, val);
    }

    fn write_string(&mut self, col: usize, bytes: Cow<'_, [u8]>, encoding_type: EncodingType) {
        self.bytes += bytes.len();
        if encoding_type == EncodingType::Utf16 {
            let decoded = text::utf16(&bytes, &mut self.scratch);
            append!(self, col, Text, decoded);
            return;
        }
        match text::narrow(&bytes, encoding_type) {
            Some(decoded) => append!(self, col, Text, decoded),
            None => self.mismatch(col, "text of an unknown code page"),
        }
    }

    fn write_bytes(&mut self, col: usize, bytes: Cow<'_, [u8]>) {
        self.bytes += bytes.len();
        append!(self, col, Binary, bytes);
    }

    fn write_decimal(&mut self, col: usize, val: DecimalParts) {
        append!(self, col, Decimal, decimal(&val));
    }

    fn write_numeric(&mut self, col: usize, val: DecimalParts) {
        append!(self, col, Decimal, decimal(&val));
    }

    fn write_date(&mut self, col: usize, val: SqlDate) {
        let days = i64::from(val.get_days()) - DAYS_TO_EPOCH;
        append!(self, col, Date, i32::try_from(days).unwrap_or_default());
    }

    fn write_time(&mut self, col: usize, val: SqlTime) {
        append!(self, col, Time, val.time_nanoseconds.cast_signed() * 100);
    }

    fn write_datetime(&mut self, col: usize, val: SqlDateTime) {
        let days = i64::from(val.days) - DAYS_1900_TO_EPOCH;
        let micros = days * MICROS_PER_DAY + tick_millis(val.time) * 1000;
        append!(self, col, Timestamp, micros);
    }

    fn write_smalldatetime(&mut self, col: usize, val: SqlSmallDateTime) {
        let days = i64::from(val.days) - DAYS_1900_TO_EPOCH;
        let micros = days * MICROS_PER_DAY + i64::from(val.time) * 60_000_000;
        append!(self, col, Timestamp, micros);
    }

    fn write_datetime2(&mut self, col: usize, val: SqlDateTime2) {
        let micros = self.micros(&val);
        append!(self, col, Timestamp, micros);
    }

    fn write_datetimeoffset(&mut self, col: usize, val: SqlDateTimeOffset) {
        let micros = self.micros(&val.datetime2);
        match self.columns.get_mut(col) {
            Some(Builder::Offset(at, minutes, valid)) => {
                at.append_value(micros);
                minutes.append_value(val.offset);
                valid.append_non_null();
            }
            _ => self.mismatch(col, "datetimeoffset"),
        }
    }

    fn write_money(&mut self, col: usize, val: SqlMoney) {
        append!(self, col, Decimal, i128::from(money(&val)));
    }

    fn write_smallmoney(&mut self, col: usize, val: SqlSmallMoney) {
        append!(self, col, Decimal, i128::from(val.int_val));
    }

    fn write_uuid(&mut self, col: usize, val: Uuid) {
        let appended = match self.columns.get_mut(col) {
            Some(Builder::Guid(values)) => values.append_value(val.as_bytes()).is_ok(),
            _ => false,
        };
        if !appended {
            self.mismatch(col, "uniqueidentifier");
        }
    }

    fn write_xml(&mut self, col: usize, val: SqlXml) {
        self.bytes += val.bytes.len();
        let bytes = match val.has_bom() {
            true => val.bytes.get(2..).unwrap_or_default(),
            false => &val.bytes,
        };
        let decoded = text::utf16(bytes, &mut self.scratch);
        append!(self, col, Text, decoded);
    }

    fn write_json(&mut self, col: usize, val: SqlJson) {
        self.bytes += val.bytes.len();
        append!(self, col, Text, String::from_utf8_lossy(&val.bytes));
    }

    fn write_vector(&mut self, col: usize, _val: SqlVector) {
        self.mismatch(col, "vector");
    }

    fn end_row(&mut self) {
        self.count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_as_sql_server_shows_them() {
        let millis: Vec<i64> = [0, 1, 2, 3, 299].into_iter().map(tick_millis).collect();
        assert_eq!(millis, [0, 3, 7, 10, 997]);
        let parts = SqlMoney::from((-1, -1));
        assert_eq!(money(&parts), -1);
        assert_eq!(money(&SqlMoney::from((i32::MIN, 0))), 1 << 31);
    }
}
