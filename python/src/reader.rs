//! The rows of a DataReader destination: an Arrow stream for those who take one, batches for a loop.
//!
//! ```text
//!  fletching::Reader ─┬─ __arrow_c_stream__ ──▶ capsule, taken once: pyarrow, polars, pandas, DuckDB
//!                     └─ __next__ ──▶ RecordBatch
//! ```

use std::{
    sync::Arc,
    task::Poll,
    thread::{self, ThreadId},
};

use arrow::{
    array::{RecordBatch as Batch, RecordBatchReader},
    datatypes::SchemaRef,
    error::ArrowError,
    ffi_stream::FFI_ArrowArrayStream,
};
use fletching::{RunError, Running};
use parking_lot::Mutex;
use pyo3::{prelude::*, types::PyCapsule};

use crate::{
    batch::{RecordBatch, Schema, schema_capsule},
    errors::Raised,
    run::{LOOK, stop},
};

/// The rows of one DataReader destination, while the package runs.
#[pyclass(frozen, module = "fletching._native")]
#[derive(Debug)]
pub(crate) struct Reader {
    /// `None` once they were handed over, read to the end or left.
    rows: Mutex<Option<fletching::Reader>>,
    running: Running,
    schema: SchemaRef,
}

impl Reader {
    pub(crate) fn new(rows: fletching::Reader) -> Self {
        Self {
            running: rows.running().clone(),
            schema: rows.schema(),
            rows: Mutex::new(Some(rows)),
        }
    }

    /// Waits a moment for the next batch.
    fn look(&self) -> Poll<Option<Result<Batch, RunError>>> {
        let mut rows = self.rows.lock();
        let next = match rows.as_mut() {
            Some(rows) => rows.next_batch_within(LOOK),
            None => return Poll::Ready(None),
        };
        if let Poll::Ready(None | Some(Err(_))) = next {
            *rows = None;
        }
        next
    }
}

#[pymethods]
impl Reader {
    /// Columns of every batch.
    #[getter]
    fn schema(&self) -> Schema {
        Schema::new(Arc::clone(&self.schema))
    }

    fn __iter__(this: Py<Self>) -> Py<Self> {
        this
    }

    /// The next batch; waits for it. A failure of the package, however late, is raised.
    fn __next__(&self, py: Python<'_>) -> PyResult<Option<RecordBatch>> {
        loop {
            match py.detach(|| self.look()) {
                Poll::Ready(Some(Ok(batch))) => return Ok(Some(RecordBatch::new(batch))),
                Poll::Ready(Some(Err(error))) => return Err(Raised::from(error).into()),
                Poll::Ready(None) => return Ok(None),
                Poll::Pending => {}
            }
            if let Err(interrupt) = py.check_signals() {
                stop(py, &self.running);
                py.detach(|| drop(self.rows.lock().take()));
                return Err(interrupt);
            }
        }
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        schema_capsule(py, &self.schema)
    }

    /// Hands the rows over, once. They keep their types, whatever schema is asked for.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _: Option<&Bound<'py, PyAny>> = requested_schema;
        let rows = self.rows.lock().take().ok_or_else(|| {
            let message = "the rows of this reader were taken already: a reader gives them once; open another one";
            Raised::new("InterfaceError", message)
        })?;
        let stream = Stream {
            rows,
            taken_by: thread::current().id(),
        };
        let stream = FFI_ArrowArrayStream::new(Box::new(stream));
        PyCapsule::new_with_value(py, stream, c"arrow_array_stream")
    }

    /// Stops the package. Who waits for rows hears that it was cancelled; does not wait.
    fn cancel(&self) {
        self.running.cancel();
    }

    /// Ends reading; a package that still runs is cancelled.
    fn close(&self, py: Python<'_>) {
        py.detach(|| drop(self.rows.lock().take()));
    }

    /// The report of the run, if it has ended.
    fn report<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, pyo3::types::PyDict>>> {
        let ended = self.running.report();
        ended
            .map(|ended| crate::report::report(py, ended))
            .transpose()
    }
}

impl Drop for Reader {
    /// The threads of the run end without the GIL.
    fn drop(&mut self) {
        let rows = self.rows.get_mut().take();
        if rows.is_some() {
            Python::attach(|py| py.detach(|| drop(rows)));
        }
    }
}

/// The rows in the hands of another library, which may or may not hold the GIL when it asks for them.
struct Stream {
    rows: fletching::Reader,
    /// The thread that took them: it is a thread of Python, so that signals may be for it.
    taken_by: ThreadId,
}

impl Iterator for Stream {
    type Item = Result<Batch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if thread::current().id() != self.taken_by {
            // Another thread may be waited for by one that has the GIL.
            return self.rows.next();
        }
        loop {
            let waited = Python::attach(|py| {
                let next = py.detach(|| self.rows.next_batch_within(LOOK));
                match (next, py.check_signals()) {
                    (_, Err(interrupt)) => {
                        Err((raise_again(py, &interrupt), stop(py, self.rows.running())))
                    }
                    (next, Ok(())) => Ok(next),
                }
            });
            return match waited {
                Ok(Poll::Pending) => continue,
                Ok(Poll::Ready(next)) => next
                    .map(|next| next.map_err(|error| ArrowError::ExternalError(Box::new(error)))),
                Err((interrupt, ())) => Some(Err(ArrowError::ExternalError(interrupt.into()))),
            };
        }
    }
}

/// A stream can only fail; the interrupt itself comes when the library returns to Python.
fn raise_again(py: Python<'_>, interrupt: &PyErr) -> String {
    let is_interrupt = interrupt.is_instance_of::<pyo3::exceptions::PyKeyboardInterrupt>(py);
    let again = py
        .import("_thread")
        .and_then(|thread| thread.call_method0("interrupt_main"));
    match again {
        Ok(_) if is_interrupt => "interrupted: the run was cancelled".to_owned(),
        _ => interrupt.to_string(),
    }
}

impl RecordBatchReader for Stream {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }
}
