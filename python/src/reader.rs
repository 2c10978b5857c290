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
use pyo3::{
    prelude::*,
    types::{PyCapsule, PyDict},
};

use crate::{
    batch::{RecordBatch, Schema, schema_capsule},
    errors::Raised,
    run::{LOOK, stop, wait_for},
};

/// The rows of one DataReader destination, while the package runs.
#[pyclass(frozen, module = "fletching._native")]
#[derive(Debug)]
pub(crate) struct Reader {
    /// `None` once they were handed over, read to the end or left.
    rows: Mutex<Option<fletching::Reader>>,
    running: Running,
    schema: SchemaRef,
    failure: Arc<Mutex<Option<Failure>>>,
}

/// What ended a stream. Its library makes an error of its own of the text; here is what it was.
#[derive(Debug)]
enum Failure {
    Run(RunError),
    /// What a signal raised.
    Signal(PyErr),
}

impl Reader {
    pub(crate) fn new(rows: fletching::Reader) -> Self {
        Self {
            running: rows.running().clone(),
            schema: rows.schema(),
            failure: Arc::default(),
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
                Poll::Ready(Some(Err(error))) => return Err(Raised::in_run(error).into()),
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
            failure: Arc::clone(&self.failure),
        };
        let stream = FFI_ArrowArrayStream::new(Box::new(stream));
        PyCapsule::new_with_value(py, stream, c"arrow_array_stream")
    }

    /// Stops the package. Who waits for rows hears that it was cancelled; does not wait.
    fn cancel(&self) {
        self.running.cancel();
    }

    /// Ends reading; a package that still runs is cancelled, and has a moment to undo what it began.
    fn close(&self, py: Python<'_>) {
        let rows = self.rows.lock().take();
        if rows.is_some() {
            py.detach(|| drop(rows));
            stop(py, &self.running);
        }
    }

    /// Raises what ended a stream that was handed over.
    fn raise_failure(&self) -> PyResult<()> {
        match self.failure.lock().take() {
            Some(Failure::Run(error)) => Err(Raised::in_run(error).into()),
            Some(Failure::Signal(error)) => Err(error),
            None => Ok(()),
        }
    }

    /// The report of the run, if it has ended.
    fn report<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let ended = self.running.report();
        ended
            .map(|ended| crate::report::report(py, ended))
            .transpose()
    }

    /// Waits for the end of the run, at most so many seconds; `None` if it goes on.
    fn wait_for<'py>(
        &self,
        py: Python<'py>,
        seconds: Option<f64>,
    ) -> PyResult<Option<Bound<'py, PyDict>>> {
        wait_for(py, &self.running, seconds)
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
    failure: Arc<Mutex<Option<Failure>>>,
}

impl Stream {
    /// The next batch; looks for signals while it waits, in the thread that may get them.
    fn wait(&mut self) -> Option<Result<Batch, Failure>> {
        if thread::current().id() != self.taken_by {
            // A thread that has the GIL may wait for this one.
            return self
                .rows
                .next_batch()
                .map(|next| next.map_err(Failure::Run));
        }
        loop {
            let waited = Python::attach(|py| {
                let next = py.detach(|| self.rows.next_batch_within(LOOK));
                py.check_signals()
                    .map(|()| next)
                    .inspect_err(|_| stop(py, self.rows.running()))
            });
            match waited {
                Ok(Poll::Pending) => {}
                Ok(Poll::Ready(next)) => return next.map(|next| next.map_err(Failure::Run)),
                Err(signal) => return Some(Err(Failure::Signal(signal))),
            }
        }
    }
}

impl Iterator for Stream {
    type Item = Result<Batch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let failure = match self.wait()? {
            Ok(batch) => return Some(Ok(batch)),
            Err(failure) => failure,
        };
        let message = match &failure {
            Failure::Run(error) => error.to_string(),
            Failure::Signal(_) => "interrupted: the run was cancelled".to_owned(),
        };
        *self.failure.lock() = Some(failure);
        Some(Err(ArrowError::ExternalError(message.into())))
    }
}

impl RecordBatchReader for Stream {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }
}
