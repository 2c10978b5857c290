//! Batches and schemas as Python objects, and as the capsules of Arrow's PyCapsule interface.

use arrow::{
    array::{Array, RecordBatch as Batch, StructArray},
    datatypes::{Schema as ArrowSchema, SchemaRef},
    error::ArrowError,
    ffi::{FFI_ArrowArray, FFI_ArrowSchema},
};
use pyo3::{
    prelude::*,
    types::{PyCapsule, PyTuple},
};

use crate::{errors::Raised, values};

/// Metadata of a field: its SSIS type.
const TYPE_KEY: &str = "ssis.type";

/// Names, types and order of columns.
#[pyclass(frozen, module = "fletching._native")]
#[derive(Debug)]
pub(crate) struct Schema {
    schema: SchemaRef,
}

impl Schema {
    pub(crate) fn new(schema: SchemaRef) -> Self {
        Self { schema }
    }
}

/// A column: name, SSIS type, Arrow type.
type Column = (String, String, String);

fn columns(schema: &ArrowSchema) -> Vec<Column> {
    let fields = schema.fields().iter();
    fields
        .map(|field| {
            let ssis = field.metadata().get(TYPE_KEY);
            let ssis = ssis.cloned().unwrap_or_default();
            (field.name().clone(), ssis, field.data_type().to_string())
        })
        .collect()
}

#[pymethods]
impl Schema {
    /// Of each column: name, SSIS type (`DT_WSTR,20`), Arrow type.
    #[getter]
    fn columns(&self) -> Vec<Column> {
        columns(&self.schema)
    }

    #[getter]
    fn names(&self) -> Vec<String> {
        let fields = self.schema.fields().iter();
        fields.map(|field| field.name().clone()).collect()
    }

    fn __len__(&self) -> usize {
        self.schema.fields().len()
    }

    fn __repr__(&self) -> String {
        let columns = columns(&self.schema).into_iter();
        let columns: Vec<String> = columns
            .map(|(name, ssis, arrow)| match ssis.is_empty() {
                true => format!("{name}: {arrow}"),
                false => format!("{name}: {ssis}"),
            })
            .collect();
        format!("Schema({})", columns.join("; "))
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        schema_capsule(py, &self.schema)
    }
}

/// Some rows.
#[pyclass(frozen, module = "fletching._native")]
#[derive(Debug)]
pub(crate) struct RecordBatch {
    batch: Batch,
}

impl RecordBatch {
    pub(crate) fn new(batch: Batch) -> Self {
        Self { batch }
    }

    pub(crate) fn batch(&self) -> &Batch {
        &self.batch
    }
}

#[pymethods]
impl RecordBatch {
    #[getter]
    fn num_rows(&self) -> usize {
        self.batch.num_rows()
    }

    #[getter]
    fn num_columns(&self) -> usize {
        self.batch.num_columns()
    }

    #[getter]
    fn schema(&self) -> Schema {
        Schema::new(self.batch.schema())
    }

    fn __len__(&self) -> usize {
        self.batch.num_rows()
    }

    fn __repr__(&self) -> String {
        format!(
            "RecordBatch({} rows, {} columns)",
            self.batch.num_rows(),
            self.batch.num_columns()
        )
    }

    /// The rows as tuples of Python's own values.
    fn rows<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyTuple>>> {
        values::rows(py, &self.batch)
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        schema_capsule(py, &self.batch.schema())
    }

    /// The rows as one array of structures. They keep their types, whatever schema is asked for.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)> {
        let _: Option<&Bound<'py, PyAny>> = requested_schema;
        let schema = schema_capsule(py, &self.batch.schema())?;
        let array = StructArray::from(self.batch.clone()).into_data();
        let array = FFI_ArrowArray::new(&array);
        Ok((
            schema,
            PyCapsule::new_with_value(py, array, c"arrow_array")?,
        ))
    }
}

pub(crate) fn schema_capsule<'py>(
    py: Python<'py>,
    schema: &ArrowSchema,
) -> PyResult<Bound<'py, PyCapsule>> {
    let schema = FFI_ArrowSchema::try_from(schema).map_err(of_arrow)?;
    PyCapsule::new_with_value(py, schema, c"arrow_schema")
}

fn of_arrow(error: ArrowError) -> Raised {
    Raised::new("InternalError", error.to_string())
}
