//! Components that are functions and classes of Python.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, RecordBatch},
    datatypes::{Schema, SchemaRef},
};
use fletching::custom::{
    Applied, Asynchronous, Batches, ClassNames, Component, ComponentClass, ComponentKind,
    ComponentSpec, CustomError, Destination, NewOutput, Process, Properties, RowFailure, Source,
    Synchronous, Writer, fit_batch,
};
use pyo3::prelude::*;

use super::{Function, arrays, ask, call_if_there, specs, with_python};
use crate::batch;

/// A class of components.
#[derive(Debug)]
pub(super) struct Components {
    pub(super) function: Function,
    pub(super) kind: ComponentKind,
    pub(super) is_asynchronous: bool,
    pub(super) properties: Properties,
}

impl ComponentClass for Components {
    fn names(&self) -> &ClassNames {
        &self.function.names
    }

    fn kind(&self) -> ComponentKind {
        self.kind
    }

    fn properties(&self) -> Properties {
        self.properties.clone()
    }

    fn outputs(&self) -> Vec<NewOutput> {
        match self.kind {
            ComponentKind::Source => vec![NewOutput::asynchronous("Output")],
            ComponentKind::Destination => Vec::new(),
            ComponentKind::Transform if self.is_asynchronous => {
                vec![NewOutput::asynchronous("Output")]
            }
            ComponentKind::Transform => vec![
                NewOutput::synchronous("Output"),
                NewOutput::error("Error Output"),
            ],
        }
    }

    fn read(&self, component: &ComponentSpec) -> Result<Component, Vec<String>> {
        let spec = self
            .function
            .checked(|py| specs::component(py, component))?;
        let first = component.outputs.iter().find(|output| !output.is_error);
        let made = first.map_or_else(
            || Arc::new(Schema::empty()),
            |output| Arc::clone(&output.schema),
        );
        let object = Object {
            function: self.function.cloned()?,
            spec,
            made,
            input: component
                .inputs
                .first()
                .map(|input| Arc::clone(&input.schema)),
        };
        Ok(match self.kind {
            ComponentKind::Source => Component::Source(Box::new(object)),
            ComponentKind::Destination => Component::Destination(Box::new(object)),
            ComponentKind::Transform if self.is_asynchronous => {
                Component::Asynchronous(Box::new(object))
            }
            ComponentKind::Transform => Component::Synchronous(Box::new(object)),
        })
    }
}

/// A function with the component that it stands for.
#[derive(Debug)]
struct Object {
    function: Py<PyAny>,
    spec: Py<PyAny>,
    /// Columns that it makes.
    made: SchemaRef,
    input: Option<SchemaRef>,
}

/// What `_applied` of the Python half gives.
type Given<'py> = (
    Vec<Bound<'py, PyAny>>,
    Vec<(usize, Bound<'py, PyAny>)>,
    Vec<Option<u32>>,
    Vec<(u32, Option<usize>, String, u32)>,
);

impl Synchronous for Object {
    fn apply(&self, batch: &RecordBatch) -> Result<Applied, CustomError> {
        let applied = with_python(|py| {
            let rows = Bound::new(py, batch::RecordBatch::new(batch.clone()))?;
            let arguments = (self.function.bind(py), rows, self.spec.bind(py));
            let given: Given<'_> = ask(py, "_apply", arguments)?.extract()?;
            let (columns, replaced, route, failures) = given;
            let columns = columns.iter().map(arrays::array);
            let replaced = replaced.into_iter();
            let replaced = replaced.map(|(at, column)| Ok((at, arrays::array(&column)?)));
            let failures = failures.into_iter();
            Ok(Applied {
                columns: columns.collect::<PyResult<Vec<ArrayRef>>>()?,
                replaced: replaced.collect::<PyResult<_>>()?,
                route,
                failures: failures
                    .map(|(row, column, message, code)| RowFailure {
                        row,
                        column,
                        error: CustomError::new(message).with_code(code),
                    })
                    .collect(),
            })
        })?;
        applied.fitted(&self.made, self.input.as_ref())
    }
}

impl Source for Object {
    fn open(&self) -> Result<Batches, CustomError> {
        let iterator = with_python(|py| {
            let rows = self.function.bind(py).call1((self.spec.bind(py),))?;
            Ok(ask(py, "_rows", (rows,))?.unbind())
        })?;
        let schema = Arc::clone(&self.made);
        let rows = Rows {
            iterator,
            stream: None,
        };
        Ok(Box::new(rows.map(move |batch| fit_batch(&batch?, &schema))))
    }

    fn cancel(&self) {
        // Python that cannot be told so ends with its process.
        drop(with_python(|py| {
            self.spec.bind(py).setattr("canceled", true)
        }));
    }
}

/// Batches of an iterator of Python.
#[derive(Debug)]
pub(super) struct Rows {
    iterator: Py<PyAny>,
    /// A table or a stream among the batches.
    stream: Option<arrays::Chunks>,
}

impl Rows {
    fn look(&mut self) -> Result<Option<RecordBatch>, CustomError> {
        with_python(|py| {
            loop {
                if let Some(stream) = &mut self.stream {
                    match stream.next()? {
                        Some(chunk) => return arrays::rows(&chunk).map(Some),
                        None => self.stream = None,
                    }
                }
                let mut iterator = self.iterator.bind(py).try_iter()?;
                match iterator.next().transpose()? {
                    None => return Ok(None),
                    Some(batch) => match arrays::batches(&batch)? {
                        arrays::Batches::One(batch) => return Ok(Some(batch)),
                        arrays::Batches::Stream(stream) => self.stream = Some(stream),
                    },
                }
            }
        })
    }
}

impl Iterator for Rows {
    type Item = Result<RecordBatch, CustomError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.look().transpose()
    }
}

impl Drop for Rows {
    /// A generator does what its `finally` says, here and not when it is collected.
    fn drop(&mut self) {
        drop(with_python(|py| call_if_there(py, &self.iterator, "close")));
    }
}

/// An object of Python that is made for one run.
fn made_for_run(object: &Object) -> Result<Py<PyAny>, CustomError> {
    with_python(|py| {
        let made = object.function.bind(py).call1((object.spec.bind(py),))?;
        Ok(made.unbind())
    })
}

impl Asynchronous for Object {
    fn start(&self) -> Result<Box<dyn Process>, CustomError> {
        Ok(Box::new(PythonProcess {
            object: made_for_run(self)?,
            made: Arc::clone(&self.made),
        }))
    }
}

struct PythonProcess {
    object: Py<PyAny>,
    made: SchemaRef,
}

impl PythonProcess {
    fn batches(
        &self,
        call: impl for<'py> FnOnce(&Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>>,
    ) -> Result<Vec<RecordBatch>, CustomError> {
        let batches = with_python(|py| {
            let given = call(self.object.bind(py))?;
            let mut all = Vec::new();
            for batch in ask(py, "_rows", (given,))?.try_iter()? {
                all.extend(arrays::batches(&batch?)?.all()?);
            }
            Ok(all)
        })?;
        let batches = batches.iter();
        batches.map(|batch| fit_batch(batch, &self.made)).collect()
    }
}

impl Process for PythonProcess {
    fn push(&mut self, input: usize, batch: &RecordBatch) -> Result<Vec<RecordBatch>, CustomError> {
        self.batches(|object| {
            let rows = Bound::new(object.py(), batch::RecordBatch::new(batch.clone()))?;
            object.call_method1("push", (input, rows))
        })
    }

    fn finish(&mut self) -> Result<Vec<RecordBatch>, CustomError> {
        self.batches(|object| object.call_method0("finish"))
    }
}

impl Destination for Object {
    fn open(&self) -> Result<Box<dyn Writer>, CustomError> {
        Ok(Box::new(PythonWriter {
            object: made_for_run(self)?,
            committed: false,
        }))
    }
}

struct PythonWriter {
    object: Py<PyAny>,
    committed: bool,
}

impl Writer for PythonWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), CustomError> {
        with_python(|py| {
            let rows = Bound::new(py, batch::RecordBatch::new(batch.clone()))?;
            self.object.bind(py).call_method1("write", (rows,))?;
            Ok(())
        })
    }

    fn commit(&mut self) -> Result<(), CustomError> {
        with_python(|py| call_if_there(py, &self.object, "commit"))?;
        self.committed = true;
        Ok(())
    }
}

impl Drop for PythonWriter {
    fn drop(&mut self) {
        if !self.committed {
            drop(with_python(|py| {
                call_if_there(py, &self.object, "rollback")
            }));
        }
    }
}
