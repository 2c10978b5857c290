//! Columns and batches that Python gives: Arrow's capsules, or its own values.
//!
//! ```text
//!  __arrow_c_array__ ──┐
//!  __arrow_c_stream__ ─┼─▶ ArrayRef, RecordBatch ──fit──▶ the types of the package
//!  a list of values ───┘
//! ```

#![expect(
    unsafe_code,
    reason = "arrays come in capsules: who gives one keeps the contract of Arrow's PyCapsule interface"
)]

use std::{ffi::CStr, ptr::NonNull, sync::Arc};

use arrow::{
    array::{
        Array as _, ArrayRef, BinaryArray, BooleanArray, Date32Array, Float64Array, Int64Array,
        NullArray, RecordBatch, RecordBatchOptions, StringArray, StructArray,
        Time64NanosecondArray, TimestampMicrosecondArray, make_array,
    },
    compute::{cast, concat},
    datatypes::{DataType, Date32Type, Field, Schema},
    error::ArrowError,
    ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi},
    ffi_stream::FFI_ArrowArrayStream,
};
use chrono::{NaiveDate, NaiveDateTime, NaiveTime, Timelike};
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
    types::{PyBool, PyBytes, PyCapsule, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple},
};

use crate::batch;

/// A column on its way from one library of Python to another.
#[pyclass(frozen, module = "fletching._native")]
#[derive(Debug)]
pub(crate) struct Array {
    array: ArrayRef,
}

#[pymethods]
impl Array {
    fn __len__(&self) -> usize {
        self.array.len()
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)> {
        let _: Option<&Bound<'py, PyAny>> = requested_schema;
        let schema = FFI_ArrowSchema::try_from(self.array.data_type()).map_err(of_arrow)?;
        let array = FFI_ArrowArray::new(&self.array.to_data());
        Ok((
            PyCapsule::new_with_value(py, schema, c"arrow_schema")?,
            PyCapsule::new_with_value(py, array, c"arrow_array")?,
        ))
    }
}

fn of_arrow(error: ArrowError) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// What stands in a capsule.
fn inside<T>(capsule: &Bound<'_, PyCapsule>, name: &CStr) -> PyResult<NonNull<T>> {
    Ok(capsule.pointer_checked(Some(name))?.cast())
}

/// Takes the array of `__arrow_c_array__`.
fn of_capsules(value: &Bound<'_, PyAny>) -> PyResult<ArrayRef> {
    let capsules = value.call_method0("__arrow_c_array__")?;
    let (schema, array): (Bound<'_, PyCapsule>, Bound<'_, PyCapsule>) = capsules.extract()?;
    let schema_inside = inside::<FFI_ArrowSchema>(&schema, c"arrow_schema")?;
    let array_inside = inside::<FFI_ArrowArray>(&array, c"arrow_array")?;
    // SAFETY: capsules of these names hold these structures, valid until the capsules are dropped, which is after this; the
    // array is taken once, and the GIL keeps others away.
    let data = unsafe {
        from_ffi(
            FFI_ArrowArray::from_raw(array_inside.as_ptr()),
            schema_inside.as_ref(),
        )
    }
    .map_err(of_arrow)?;
    data.validate_full().map_err(of_arrow)?;
    Ok(make_array(data))
}

/// The arrays of an `__arrow_c_stream__`, one by one.
#[derive(Debug)]
pub(super) struct Chunks {
    stream: FFI_ArrowArrayStream,
    schema: FFI_ArrowSchema,
}

impl Chunks {
    fn of(value: &Bound<'_, PyAny>) -> PyResult<Self> {
        let capsule = value.call_method0("__arrow_c_stream__")?;
        let capsule: Bound<'_, PyCapsule> = capsule.extract()?;
        let stream = inside::<FFI_ArrowArrayStream>(&capsule, c"arrow_array_stream")?;
        // SAFETY: a capsule of this name holds this structure, valid until the capsule is dropped; it is taken once.
        let stream = unsafe { FFI_ArrowArrayStream::from_raw(stream.as_ptr()) };
        let schema = FFI_ArrowSchema::empty();
        let mut chunks = Self { stream, schema };
        if let Some(get_schema) = chunks.stream.get_schema {
            // SAFETY: the stream is valid, and so is the place.
            let status = unsafe { get_schema(&raw mut chunks.stream, &raw mut chunks.schema) };
            chunks.check(status)?;
        }
        Ok(chunks)
    }

    fn field(&self) -> PyResult<Field> {
        Field::try_from(&self.schema).map_err(of_arrow)
    }

    fn check(&mut self, status: i32) -> PyResult<()> {
        if status == 0 {
            return Ok(());
        }
        let text = self.stream.get_last_error.and_then(|get_last_error| {
            // SAFETY: the stream is valid; the text is, until the next call.
            unsafe {
                let text = get_last_error(&raw mut self.stream);
                (!text.is_null()).then(|| CStr::from_ptr(text).to_string_lossy().into_owned())
            }
        });
        let text = text.unwrap_or_else(|| format!("the stream failed with status {status}"));
        Err(PyValueError::new_err(text))
    }

    pub(super) fn next(&mut self) -> PyResult<Option<ArrayRef>> {
        let mut array = FFI_ArrowArray::empty();
        let Some(get_next) = self.stream.get_next else {
            return Ok(None);
        };
        // SAFETY: the stream is valid, and so is the place.
        let status = unsafe { get_next(&raw mut self.stream, &raw mut array) };
        self.check(status)?;
        if array.is_released() {
            return Ok(None);
        }
        // SAFETY: by the stream interface the array is of this schema.
        let data = unsafe { from_ffi(array, &self.schema) }.map_err(of_arrow)?;
        data.validate_full().map_err(of_arrow)?;
        Ok(Some(make_array(data)))
    }
}

fn has(value: &Bound<'_, PyAny>, method: &str) -> PyResult<bool> {
    value.hasattr(method)
}

/// A column.
pub(super) fn array(value: &Bound<'_, PyAny>) -> PyResult<ArrayRef> {
    if let Ok(known) = value.cast::<Array>() {
        return Ok(Arc::clone(&known.get().array));
    }
    if has(value, "__arrow_c_array__")? {
        return of_capsules(value);
    }
    if has(value, "__arrow_c_stream__")? {
        let mut chunks = Chunks::of(value)?;
        let mut all = Vec::new();
        while let Some(chunk) = chunks.next()? {
            all.push(chunk);
        }
        return match &*all {
            [] => {
                let field = chunks.field()?;
                Ok(arrow::array::new_empty_array(field.data_type()))
            }
            [one] => Ok(Arc::clone(one)),
            several => {
                let several: Vec<&dyn arrow::array::Array> =
                    several.iter().map(AsRef::as_ref).collect();
                concat(&several).map_err(of_arrow)
            }
        };
    }
    if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        return of_values(&value.extract::<Vec<Bound<'_, PyAny>>>()?);
    }
    Err(PyTypeError::new_err(format!(
        "{} is no column: an Arrow array or a list of values is wanted",
        value.get_type().name()?
    )))
}

/// A column of one value.
pub(super) fn one(value: &Bound<'_, PyAny>) -> PyResult<ArrayRef> {
    if has(value, "__arrow_c_array__")? || has(value, "__arrow_c_stream__")? {
        return array(value);
    }
    of_values(std::slice::from_ref(value))
}

/// A column of Python's own values.
fn of_values(values: &[Bound<'_, PyAny>]) -> PyResult<ArrayRef> {
    macro_rules! all {
        ($kind:ty) => {
            values
                .iter()
                .map(|value| value.extract::<Option<$kind>>())
                .collect::<PyResult<Vec<Option<$kind>>>>()?
        };
    }
    let Some(first) = values.iter().find(|value| !value.is_none()) else {
        return Ok(Arc::new(NullArray::new(values.len())));
    };
    let is_float = |value: &Bound<'_, PyAny>| value.is_instance_of::<PyFloat>();
    Ok(if first.is_instance_of::<PyBool>() {
        Arc::new(BooleanArray::from(all!(bool)))
    } else if is_float(first) || (first.is_instance_of::<PyInt>() && values.iter().any(is_float)) {
        Arc::new(Float64Array::from(all!(f64)))
    } else if first.is_instance_of::<PyInt>() {
        Arc::new(Int64Array::from(all!(i64)))
    } else if first.is_instance_of::<PyString>() {
        Arc::new(StringArray::from(all!(String)))
    } else if first.is_instance_of::<PyBytes>() {
        let bytes = all!(Vec<u8>);
        let bytes: Vec<Option<&[u8]>> = bytes.iter().map(Option::as_deref).collect();
        Arc::new(BinaryArray::from(bytes))
    } else if first.extract::<NaiveDateTime>().is_ok() {
        let moments = all!(NaiveDateTime).into_iter();
        let moments = moments.map(|moment| Some(moment?.and_utc().timestamp_micros()));
        Arc::new(TimestampMicrosecondArray::from_iter(moments))
    } else if first.extract::<NaiveDate>().is_ok() {
        let days = all!(NaiveDate).into_iter();
        let days = days.map(|day| Some(Date32Type::from_naive_date(day?)));
        Arc::new(Date32Array::from_iter(days))
    } else if first.extract::<NaiveTime>().is_ok() {
        let times = all!(NaiveTime).into_iter().map(|time| {
            let time = time?;
            let seconds = i64::from(time.num_seconds_from_midnight());
            Some(seconds * 1_000_000_000 + i64::from(time.nanosecond()))
        });
        Arc::new(Time64NanosecondArray::from_iter(times))
    } else if first.get_type().name()? == "Decimal" {
        decimals(values)?
    } else {
        return Err(PyTypeError::new_err(format!(
            "{} has no type of Arrow: give numbers, texts, bytes, dates, times, Decimal or an Arrow array",
            first.get_type().name()?
        )));
    })
}

fn decimals(values: &[Bound<'_, PyAny>]) -> PyResult<ArrayRef> {
    let texts = values.iter().map(|value| match value.is_none() {
        true => Ok(None),
        false => value
            .call_method1("__format__", ("f",))?
            .extract()
            .map(Some),
    });
    let texts: Vec<Option<String>> = texts.collect::<PyResult<_>>()?;
    let scale = texts.iter().flatten().map(|text| {
        let fraction = text.split_once('.');
        fraction.map_or(0, |(_, digits)| digits.len())
    });
    let scale = scale.max().unwrap_or(0);
    let scale = i8::try_from(scale).ok().filter(|scale| *scale <= 38);
    let scale = scale.ok_or_else(|| PyValueError::new_err("a Decimal of more than 38 digits"))?;
    cast(&StringArray::from(texts), &DataType::Decimal128(38, scale)).map_err(of_arrow)
}

/// A batch, or the batches of a table or a stream.
#[derive(Debug)]
pub(super) enum Batches {
    One(RecordBatch),
    Stream(Chunks),
}

pub(super) fn batches(value: &Bound<'_, PyAny>) -> PyResult<Batches> {
    if let Ok(known) = value.cast::<batch::RecordBatch>() {
        return Ok(Batches::One(known.get().batch().clone()));
    }
    if let Ok(columns) = value.cast::<PyDict>() {
        let columns = columns.iter().map(|(name, column)| {
            let array = array(&column)?;
            let field = Field::new(name.extract::<String>()?, array.data_type().clone(), true);
            Ok((field, array))
        });
        let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) =
            columns.collect::<PyResult<Vec<_>>>()?.into_iter().unzip();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays);
        return Ok(Batches::One(batch.map_err(of_arrow)?));
    }
    if has(value, "__arrow_c_array__")? {
        return rows(&of_capsules(value)?).map(Batches::One);
    }
    if has(value, "__arrow_c_stream__")? {
        return Chunks::of(value).map(Batches::Stream);
    }
    Err(PyTypeError::new_err(format!(
        "{} is no batch: an Arrow batch or table, or a dictionary of columns is wanted",
        value.get_type().name()?
    )))
}

impl Batches {
    /// All of them.
    pub(super) fn all(self) -> PyResult<Vec<RecordBatch>> {
        match self {
            Self::One(batch) => Ok(vec![batch]),
            Self::Stream(mut chunks) => {
                let mut all = Vec::new();
                while let Some(chunk) = chunks.next()? {
                    all.push(rows(&chunk)?);
                }
                Ok(all)
            }
        }
    }
}

/// The rows of a structure array.
pub(super) fn rows(array: &ArrayRef) -> PyResult<RecordBatch> {
    let rows = array.as_any().downcast_ref::<StructArray>();
    let rows = rows.filter(|rows| rows.null_count() == 0).ok_or_else(|| {
        let message = format!("an array of {} where a batch is wanted", array.data_type());
        PyTypeError::new_err(message)
    })?;
    let schema = Arc::new(Schema::new(rows.fields().clone()));
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    RecordBatch::try_new_with_options(schema, rows.columns().to_vec(), &options).map_err(of_arrow)
}

/// The columns of a batch or data frame by name; of an array, a list of it.
#[pyfunction]
pub(crate) fn columns<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = value.py();
    let array = match value.cast::<batch::RecordBatch>() {
        Ok(known) => Arc::new(StructArray::from(known.get().batch().clone())) as ArrayRef,
        Err(_) => array(value)?,
    };
    if !matches!(array.data_type(), DataType::Struct(_)) {
        let one = Bound::new(py, Array { array })?;
        return Ok(PyList::new(py, [one])?.into_any());
    }
    let batch = rows(&array)?;
    let columns = PyDict::new(py);
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        let array = Array {
            array: Arc::clone(column),
        };
        columns.set_item(field.name(), Bound::new(py, array)?)?;
    }
    Ok(columns.into_any())
}
