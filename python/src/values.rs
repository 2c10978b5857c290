//! Values of a batch as those of Python: for DB-API, and for whoever has no Arrow library.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch, StructArray},
    datatypes::{
        DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type,
        Int32Type, Int64Type, Time32SecondType, Time64NanosecondType, TimeUnit,
        TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
    },
    temporal_conversions as temporal,
};
use chrono::{FixedOffset, TimeZone};
use pyo3::{
    IntoPyObjectExt,
    prelude::*,
    sync::PyOnceLock,
    types::{PyBytes, PyTuple, PyType},
};

use crate::errors::Raised;

type Value<'py> = PyResult<Bound<'py, PyAny>>;

/// The rows as tuples.
pub(crate) fn rows<'py>(
    py: Python<'py>,
    batch: &RecordBatch,
) -> PyResult<Vec<Bound<'py, PyTuple>>> {
    let schema = batch.schema();
    let columns = batch.columns().iter().zip(schema.fields());
    let columns = columns.map(|(array, field)| column(py, field.name(), array));
    let columns: Vec<Vec<Bound<'py, PyAny>>> = columns.collect::<PyResult<_>>()?;
    let mut columns: Vec<_> = columns.into_iter().map(Vec::into_iter).collect();
    (0..batch.num_rows())
        .map(|_| {
            let row: Vec<_> = columns.iter_mut().filter_map(Iterator::next).collect();
            PyTuple::new(py, row)
        })
        .collect()
}

fn column<'py>(py: Python<'py>, name: &str, array: &ArrayRef) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let none = || Ok(py.None().into_bound(py));
    (0..array.len())
        .map(|at| match array.is_null(at) {
            true => none(),
            false => value(py, name, array, at),
        })
        .collect()
}

fn value<'py>(py: Python<'py>, name: &str, array: &ArrayRef, at: usize) -> Value<'py> {
    macro_rules! primitive {
        ($arrow:ty) => {
            array
                .as_primitive::<$arrow>()
                .value(at)
                .into_bound_py_any(py)
        };
    }
    match array.data_type() {
        DataType::Null => Ok(py.None().into_bound(py)),
        DataType::Boolean => array.as_boolean().value(at).into_bound_py_any(py),
        DataType::Int8 => primitive!(Int8Type),
        DataType::Int16 => primitive!(Int16Type),
        DataType::Int32 => primitive!(Int32Type),
        DataType::Int64 => primitive!(Int64Type),
        DataType::UInt8 => primitive!(UInt8Type),
        DataType::UInt16 => primitive!(UInt16Type),
        DataType::UInt32 => primitive!(UInt32Type),
        DataType::UInt64 => primitive!(UInt64Type),
        DataType::Float32 => primitive!(Float32Type),
        DataType::Float64 => primitive!(Float64Type),
        DataType::Decimal128(_, _) => {
            let text = array.as_primitive::<Decimal128Type>().value_as_string(at);
            static DECIMAL: PyOnceLock<Py<PyType>> = PyOnceLock::new();
            DECIMAL.import(py, "decimal", "Decimal")?.call1((text,))
        }
        DataType::Utf8 => array.as_string::<i32>().value(at).into_bound_py_any(py),
        DataType::Utf8View => array.as_string_view().value(at).into_bound_py_any(py),
        DataType::Binary => Ok(PyBytes::new(py, array.as_binary::<i32>().value(at)).into_any()),
        DataType::BinaryView => Ok(PyBytes::new(py, array.as_binary_view().value(at)).into_any()),
        DataType::FixedSizeBinary(16) => {
            let bytes = PyBytes::new(py, array.as_fixed_size_binary().value(at));
            static UUID: PyOnceLock<Py<PyType>> = PyOnceLock::new();
            UUID.import(py, "uuid", "UUID")?.call1((py.None(), bytes))
        }
        _ => moment(py, name, array, at),
    }
}

/// Dates and times.
fn moment<'py>(py: Python<'py>, name: &str, array: &ArrayRef, at: usize) -> Value<'py> {
    let outside = || -> PyErr {
        let message = format!(
            "column `{name}`: a value is no date or time that Python can hold; read it as Arrow"
        );
        Raised::new("DataError", message).into()
    };
    match array.data_type() {
        DataType::Date32 => {
            let days = array.as_primitive::<Date32Type>().value(at);
            temporal::date32_to_datetime(days)
                .ok_or_else(outside)?
                .date()
                .into_bound_py_any(py)
        }
        DataType::Time32(TimeUnit::Second) => {
            let seconds = array.as_primitive::<Time32SecondType>().value(at);
            temporal::time32s_to_time(seconds)
                .ok_or_else(outside)?
                .into_bound_py_any(py)
        }
        DataType::Time64(TimeUnit::Nanosecond) => {
            let nanoseconds = array.as_primitive::<Time64NanosecondType>().value(at);
            if nanoseconds % 1000 != 0 {
                let message = format!(
                    "column `{name}`: a time has parts of a microsecond, which Python's cannot hold; read it as Arrow"
                );
                return Err(Raised::new("DataError", message).into());
            }
            temporal::time64ns_to_time(nanoseconds)
                .ok_or_else(outside)?
                .into_bound_py_any(py)
        }
        DataType::Timestamp(TimeUnit::Microsecond, None) => {
            let moment = array.as_primitive::<TimestampMicrosecondType>().value(at);
            temporal::timestamp_us_to_datetime(moment)
                .ok_or_else(outside)?
                .into_bound_py_any(py)
        }
        DataType::Struct(_) => with_offset(array.as_struct(), at)
            .ok_or_else(outside)?
            .into_bound_py_any(py),
        other => {
            let message =
                format!("column `{name}`: {other} has no type in Python; read it as Arrow");
            Err(Raised::new("NotSupportedError", message).into())
        }
    }
}

/// A DT_DBTIMESTAMPOFFSET: the moment in UTC, and the offset of where it was.
fn with_offset(array: &StructArray, at: usize) -> Option<chrono::DateTime<FixedOffset>> {
    let field = |name: &str| array.column_by_name(name).map(Arc::clone);
    let moment = field("timestamp")?;
    let minutes = field("offset_minutes")?;
    let moment = moment
        .as_primitive_opt::<TimestampMicrosecondType>()?
        .value(at);
    let minutes = minutes.as_primitive_opt::<Int16Type>()?.value(at);
    let offset = FixedOffset::east_opt(i32::from(minutes) * 60)?;
    Some(offset.from_utc_datetime(&temporal::timestamp_us_to_datetime(moment)?))
}
