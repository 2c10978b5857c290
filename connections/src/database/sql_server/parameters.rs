//! Parameters: values of Arrow arrays as the client's, and what comes back as arrays.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, Int32Array, new_null_array},
    compute::cast,
    datatypes::{
        DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type,
        Int64Type, Time64NanosecondType, TimeUnit, TimestampMicrosecondType, UInt8Type,
    },
};
use mssql_tds::{
    datatypes::{
        column_values::{
            ColumnValues, DEFAULT_VARTIME_SCALE, SqlDate, SqlDateTime2, SqlDateTimeOffset, SqlTime,
        },
        decoder::DecimalParts,
        row_writer::RowWriter,
        sql_string::{EncodingType, SqlString},
        sqltypes::SqlType,
    },
    message::parameters::rpc_parameters::{RpcParameter, RpcTypeMetadata, StatusFlags},
    query::result::ReturnValue,
};
use uuid::Uuid;

use super::{
    markers::{marker, named},
    read::{DAYS_TO_EPOCH, MICROS_PER_DAY, Rows, schema},
    text,
};
use crate::database::{
    Direction, Parameter, Statement,
    natural::{decimal_back, to_type, without_zeros},
};

/// Letters of `nvarchar` and bytes of `varbinary` that are not `max`.
const TEXT_MAX: u16 = 4000;
const BINARY_MAX: u16 = 8000;

/// What is sent for a statement.
pub(super) enum Request {
    Batch(String),
    /// By `sp_executesql`.
    Typed(String, Vec<RpcParameter>),
    Procedure {
        name: String,
        positional: Vec<RpcParameter>,
        named: Vec<RpcParameter>,
    },
}

/// # Errors
/// A count that does not match, or a type that cannot be sent.
pub(super) fn request(statement: &Statement<'_>) -> Result<Request, String> {
    if statement.is_procedure {
        return procedure(statement);
    }
    if statement.parameters.is_empty() {
        return Ok(Request::Batch(statement.sql.to_owned()));
    }
    let marked = named(statement.sql);
    let unnamed = statement
        .parameters
        .iter()
        .filter(|parameter| parameter.name.is_none())
        .count();
    if unnamed != marked.count {
        return Err(format!(
            "the statement has {} parameter markers, {unnamed} values are given",
            marked.count
        ));
    }
    let mut at = 0;
    let parameters = statement.parameters.iter().map(|parameter| {
        let name = match &parameter.name {
            Some(name) => with_sign(name),
            None => {
                at += 1;
                marker(at)
            }
        };
        sent(parameter, Some(name))
    });
    let parameters = parameters.collect::<Result<_, String>>()?;
    Ok(Request::Typed(marked.sql, parameters))
}

/// A procedure by its name; what it returns is not sent.
fn procedure(statement: &Statement<'_>) -> Result<Request, String> {
    let (mut positional, mut named) = (Vec::new(), Vec::new());
    for parameter in statement.parameters {
        match (&parameter.name, parameter.direction) {
            (_, Direction::ReturnValue) => {}
            (Some(name), _) => named.push(sent(parameter, Some(with_sign(name)))?),
            (None, _) => positional.push(sent(parameter, None)?),
        }
    }
    Ok(Request::Procedure {
        name: statement.sql.trim().to_owned(),
        positional,
        named,
    })
}

fn with_sign(name: &str) -> String {
    match name.starts_with('@') {
        true => name.to_owned(),
        false => format!("@{name}"),
    }
}

fn sent(parameter: &Parameter, name: Option<String>) -> Result<RpcParameter, String> {
    let comes_back = parameter.direction != Direction::Input;
    let wider = decimal_back(parameter.value.data_type()).filter(|_| comes_back);
    // A number that has no room for more digits stays as it is.
    let wider = wider.and_then(|wider| to_type(&parameter.value, &wider).ok());
    let mut column = Column::new(wider.as_ref().unwrap_or(&parameter.value))?;
    let mut flags = StatusFlags::NONE;
    if comes_back {
        flags = StatusFlags::BY_REF_VALUE;
        column.size = Some(parameter.size);
    }
    column.parameter(name, 0, flags)
}

/// A column of parameters.
pub(super) struct Column {
    values: ArrayRef,
    /// Some value is longer than what is not `max`.
    long: bool,
    /// Of an output.
    size: Option<u32>,
}

impl Column {
    pub(super) fn new(array: &ArrayRef) -> Result<Self, String> {
        let values = normal(array)?;
        let long = match values.data_type() {
            DataType::Utf8View => {
                let texts = values.as_string_view().iter().flatten();
                texts
                    .filter(|text| text.len() > usize::from(TEXT_MAX))
                    .any(|text| text::utf16_len(text) > usize::from(TEXT_MAX))
            }
            DataType::BinaryView => {
                let mut values = values.as_binary_view().iter().flatten();
                values.any(|value| value.len() > usize::from(BINARY_MAX))
            }
            _ => false,
        };
        Ok(Self {
            values,
            long,
            size: None,
        })
    }

    /// The value of a row.
    pub(super) fn parameter(
        &self,
        name: Option<String>,
        row: usize,
        flags: StatusFlags,
    ) -> Result<RpcParameter, String> {
        let (value, precision, scale) = self.value(row)?;
        let parameter = RpcParameter::new(name, flags, value);
        Ok(match (precision, scale) {
            (None, None) => parameter,
            _ => parameter.with_type_metadata(RpcTypeMetadata { precision, scale }),
        })
    }

    /// A value with its precision and scale, which NULL does not have.
    fn value(&self, row: usize) -> Result<(SqlType, Option<u8>, Option<u8>), String> {
        let values = &self.values;
        let some = values.is_valid(row);
        macro_rules! primitive {
            ($kind:ty) => {
                some.then(|| values.as_primitive::<$kind>().value(row))
            };
        }
        let value = match values.data_type() {
            DataType::Null => SqlType::NVarchar(None, TEXT_MAX),
            DataType::Boolean => SqlType::Bit(some.then(|| values.as_boolean().value(row))),
            DataType::UInt8 => SqlType::TinyInt(primitive!(UInt8Type)),
            DataType::Int16 => SqlType::SmallInt(primitive!(Int16Type)),
            DataType::Int32 => SqlType::Int(primitive!(Int32Type)),
            DataType::Int64 => SqlType::BigInt(primitive!(Int64Type)),
            DataType::Float32 => SqlType::Real(primitive!(Float32Type)),
            DataType::Float64 => SqlType::Float(primitive!(Float64Type)),
            DataType::Decimal128(precision, scale) => {
                let (precision, scale) = (*precision, scale.cast_unsigned());
                let value = primitive!(Decimal128Type).map(|value| {
                    DecimalParts::new(value >= 0, precision, scale, value.unsigned_abs())
                });
                return Ok((SqlType::Decimal(value), Some(precision), Some(scale)));
            }
            DataType::Utf8View => self.text(some.then(|| values.as_string_view().value(row))),
            DataType::BinaryView => self.binary(some.then(|| values.as_binary_view().value(row))),
            DataType::FixedSizeBinary(_) => SqlType::Uuid(match some {
                true => Uuid::from_slice(values.as_fixed_size_binary().value(row)).ok(),
                false => None,
            }),
            DataType::Date32 => SqlType::Date(match primitive!(Date32Type) {
                Some(days) => Some(date(i64::from(days))?),
                None => None,
            }),
            DataType::Time64(_) => {
                let value = primitive!(Time64NanosecondType).map(|nanos| time(nanos / 100));
                return Ok((SqlType::Time(value), None, Some(DEFAULT_VARTIME_SCALE)));
            }
            DataType::Timestamp(..) => {
                let micros = primitive!(TimestampMicrosecondType);
                let value = micros.map(datetime2).transpose()?;
                return Ok((SqlType::DateTime2(value), None, Some(DEFAULT_VARTIME_SCALE)));
            }
            DataType::Struct(_) => {
                let value = match some {
                    true => Some(offset(values, row)?),
                    false => None,
                };
                let value = SqlType::DateTimeOffset(value);
                return Ok((value, None, Some(DEFAULT_VARTIME_SCALE)));
            }
            other => return Err(format!("values of type {other} cannot be sent")),
        };
        Ok((value, None, None))
    }

    fn text(&self, value: Option<&str>) -> SqlType {
        let value = value.map(|value| {
            let mut bytes = Vec::with_capacity(value.len() * 2);
            text::push_utf16(value, &mut bytes);
            SqlString::new(bytes, EncodingType::Utf16)
        });
        match self.size.map(u16::try_from) {
            None if !self.long => SqlType::NVarchar(value, TEXT_MAX),
            Some(Ok(size @ 1..=TEXT_MAX)) if !self.long => SqlType::NVarchar(value, size),
            _ => SqlType::NVarcharMax(value),
        }
    }

    fn binary(&self, value: Option<&[u8]>) -> SqlType {
        let value = value.map(<[u8]>::to_vec);
        match self.size.map(u16::try_from) {
            None if !self.long => SqlType::VarBinary(value, BINARY_MAX),
            Some(Ok(size @ 1..=BINARY_MAX)) if !self.long => SqlType::VarBinary(value, size),
            _ => SqlType::VarBinaryMax(value),
        }
    }
}

/// An array in one of the few types that are written.
pub(super) fn normal(array: &ArrayRef) -> Result<ArrayRef, String> {
    let wanted = match array.data_type() {
        DataType::Int8 => DataType::Int16,
        DataType::UInt16 => DataType::Int32,
        DataType::UInt32 => DataType::Int64,
        DataType::UInt64 => DataType::Decimal128(20, 0),
        DataType::Float16 => DataType::Float32,
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        DataType::Binary | DataType::LargeBinary => DataType::BinaryView,
        DataType::FixedSizeBinary(size) if *size != 16 => DataType::BinaryView,
        DataType::Time32(_) | DataType::Time64(_) => DataType::Time64(TimeUnit::Nanosecond),
        DataType::Date64 => DataType::Date32,
        DataType::Timestamp(_, None) => DataType::Timestamp(TimeUnit::Microsecond, None),
        DataType::Dictionary(_, values) => {
            let values = cast(array, values).map_err(|error| error.to_string())?;
            return normal(&values);
        }
        _ => return Ok(Arc::clone(array)),
    };
    cast(array, &wanted).map_err(|error| error.to_string())
}

fn time(hundred_nanos: i64) -> SqlTime {
    SqlTime {
        time_nanoseconds: hundred_nanos.cast_unsigned(),
        scale: DEFAULT_VARTIME_SCALE,
    }
}

/// Days since 0001-01-01, in the four digits of years that SQL Server has.
pub(super) fn days(since_1970: i64) -> Result<u32, String> {
    let days = u32::try_from(since_1970 + DAYS_TO_EPOCH).ok();
    days.filter(|days| SqlDate::create(*days).is_ok())
        .ok_or_else(|| "a date is not between the years 1 and 9999".to_owned())
}

fn date(since_1970: i64) -> Result<SqlDate, String> {
    SqlDate::create(days(since_1970)?).map_err(|error| error.to_string())
}

fn datetime2(micros: i64) -> Result<SqlDateTime2, String> {
    Ok(SqlDateTime2 {
        days: days(micros.div_euclid(MICROS_PER_DAY))?,
        time: time(micros.rem_euclid(MICROS_PER_DAY) * 10),
    })
}

/// Microseconds in UTC and the offset in minutes.
pub(super) fn offset_parts(values: &ArrayRef, row: usize) -> Option<(i64, i16)> {
    let fields = values.as_struct_opt()?;
    let micros = fields
        .column(0)
        .as_primitive_opt::<TimestampMicrosecondType>()?;
    let minutes = fields.columns().get(1)?.as_primitive_opt::<Int16Type>()?;
    Some((micros.value(row), minutes.value(row)))
}

fn offset(values: &ArrayRef, row: usize) -> Result<SqlDateTimeOffset, String> {
    let (micros, offset) = offset_parts(values, row)
        .ok_or_else(|| format!("values of type {} cannot be sent", values.data_type()))?;
    Ok(SqlDateTimeOffset {
        datetime2: datetime2(micros)?,
        offset,
    })
}

/// What came back, for each parameter that is no input.
pub(super) fn outputs(
    parameters: &[Parameter],
    mut came: Vec<ReturnValue>,
    status: Option<i32>,
    is_procedure: bool,
) -> Result<Vec<ArrayRef>, String> {
    let mut markers = 0;
    let mut outputs = Vec::new();
    for parameter in parameters {
        let name = match &parameter.name {
            Some(name) => Some(with_sign(name)),
            None if is_procedure => None,
            None => {
                markers += 1;
                Some(marker(markers))
            }
        };
        let missing = || new_null_array(parameter.value.data_type(), 1);
        match parameter.direction {
            Direction::Input => {}
            Direction::ReturnValue if is_procedure => outputs.push(match status {
                Some(status) => Arc::new(Int32Array::from(vec![status])),
                None => missing(),
            }),
            Direction::Output | Direction::ReturnValue => {
                let by_name = name.and_then(|name| {
                    came.iter()
                        .position(|value| value.param_name.eq_ignore_ascii_case(&name))
                });
                let at = by_name.or_else(|| came.iter().position(|_| true));
                outputs.push(match at {
                    Some(at) => array(came.remove(at))?,
                    None => missing(),
                });
            }
        }
    }
    Ok(outputs)
}

fn array(value: ReturnValue) -> Result<ArrayRef, String> {
    let schema = schema(std::slice::from_ref(&*value.column_metadata))?;
    let mut rows = Rows::new(&schema)?;
    push(&mut rows, value.value);
    rows.end_row();
    let batch = rows.take()?;
    let column = batch.and_then(|batch| batch.columns().first().cloned());
    let column = column.ok_or_else(|| "an output has no value".to_owned());
    column.map(without_zeros)
}

fn push(rows: &mut Rows, value: ColumnValues) {
    match value {
        ColumnValues::Null => rows.write_null(0),
        ColumnValues::TinyInt(value) => rows.write_u8(0, value),
        ColumnValues::SmallInt(value) => rows.write_i16(0, value),
        ColumnValues::Int(value) => rows.write_i32(0, value),
        ColumnValues::BigInt(value) => rows.write_i64(0, value),
        ColumnValues::Real(value) => rows.write_f32(0, value),
        ColumnValues::Float(value) => rows.write_f64(0, value),
        ColumnValues::Decimal(value) => rows.write_decimal(0, value),
        ColumnValues::Numeric(value) => rows.write_numeric(0, value),
        ColumnValues::Bit(value) => rows.write_bool(0, value),
        ColumnValues::String(value) => {
            let (bytes, encoding) = value.into_parts();
            rows.write_string(0, bytes.into(), encoding);
        }
        ColumnValues::DateTime(value) => rows.write_datetime(0, value),
        ColumnValues::Date(value) => rows.write_date(0, value),
        ColumnValues::Time(value) => rows.write_time(0, value),
        ColumnValues::DateTime2(value) => rows.write_datetime2(0, value),
        ColumnValues::DateTimeOffset(value) => rows.write_datetimeoffset(0, value),
        ColumnValues::SmallDateTime(value) => rows.write_smalldatetime(0, value),
        ColumnValues::SmallMoney(value) => rows.write_smallmoney(0, value),
        ColumnValues::Money(value) => rows.write_money(0, value),
        ColumnValues::Bytes(value) => rows.write_bytes(0, value.into()),
        ColumnValues::Xml(value) => rows.write_xml(0, value),
        ColumnValues::Uuid(value) => rows.write_uuid(0, value),
        ColumnValues::Json(value) => rows.write_json(0, value),
        ColumnValues::Vector(value) => rows.write_vector(0, value),
    }
}
