//! Components of a plug-in as structures of functions.
//!
//! Every function here is called by the host, which keeps the contract of [`crate::abi`]: that is what each `SAFETY` means.

use std::sync::Arc;

use arrow::{
    array::RecordBatch,
    ffi::{FFI_ArrowArray, FFI_ArrowSchema},
    ffi_stream::FFI_ArrowArrayStream,
};

use super::{Class, specs};
use crate::{
    Applied, Asynchronous, Component, ComponentClass, ComponentKind, CustomError, Destination,
    NewOutput, Process, Source, Synchronous, Writer,
    abi::{self, DROPPED, List, Listener, Text},
    border::{
        Told, answer,
        batches::{array_out, batch_in, batch_out, stream_out},
        kept_in, made, release, table, value, value_mut, wanted,
    },
};

/// A class with the shape of a new component of it.
struct Components {
    known: Class<dyn ComponentClass>,
    inputs: Vec<Text>,
    outputs: Vec<abi::NewOutput>,
    connections: Vec<Text>,
    /// Kept for the texts, which point into them.
    _names: (Vec<String>, Vec<NewOutput>, Vec<String>),
}

// SAFETY: the pointers are into texts that the same structure owns and never changes.
unsafe impl Send for Components {}
// SAFETY: as above.
unsafe impl Sync for Components {}

impl Components {
    fn new(class: &Arc<dyn ComponentClass>) -> Self {
        let (inputs, outputs, connections) = (class.inputs(), class.outputs(), class.connections());
        Self {
            known: Class::new(class, class.names(), class.properties()),
            inputs: inputs.iter().map(|name| Text::of(name)).collect(),
            outputs: outputs
                .iter()
                .map(|output| abi::NewOutput {
                    name: Text::of(&output.name),
                    is_synchronous: u32::from(output.is_synchronous),
                    is_error: u32::from(output.is_error),
                })
                .collect(),
            connections: connections.iter().map(|name| Text::of(name)).collect(),
            _names: (inputs, outputs, connections),
        }
    }
}

/// A class as the host takes it.
pub(super) fn class(class: &Arc<dyn ComponentClass>) -> *mut abi::ComponentClass {
    let known = Components::new(class);
    let table = abi::ComponentClass {
        size: size_of::<abi::ComponentClass>(),
        release: Some(release::<abi::ComponentClass, Components>),
        names: known.known.lent(),
        kind: match class.kind() {
            ComponentKind::Source => 0,
            ComponentKind::Transform => 1,
            ComponentKind::Destination => 2,
        },
        properties: List::of(&known.known.pairs),
        read: Some(read),
        inputs: List::of(&known.inputs),
        outputs: List::of(&known.outputs),
        connections: List::of(&known.connections),
    };
    made(table, known)
}

unsafe extern "C" fn read(
    class: *const abi::ComponentClass,
    component: *const abi::ComponentSpec,
    out: *mut abi::Component,
    problems: *const Listener,
) -> i32 {
    // SAFETY: the host keeps the contract; the four members of `out` were there from the beginning.
    unsafe {
        answer(problems, || {
            let known: &Components = value(class);
            let spec = specs::component(component)?;
            match known.known.class.read(&spec)? {
                Component::Source(one) => (*out).source = source(one),
                Component::Synchronous(one) => (*out).synchronous = synchronous(one),
                Component::Asynchronous(one) => (*out).asynchronous = asynchronous(one),
                Component::Destination(one) => (*out).destination = destination(one),
            }
            Ok(())
        })
    }
}

fn source(source: Box<dyn Source>) -> *mut abi::Source {
    unsafe extern "C" fn open(
        source: *const abi::Source,
        out: *mut FFI_ArrowArrayStream,
        failure: *const Listener,
    ) -> i32 {
        // SAFETY: the host keeps the contract.
        unsafe {
            answer(failure, || {
                let source = value::<_, Box<dyn Source>>(source);
                out.write(stream_out(source.open()?));
                Ok(())
            })
        }
    }
    unsafe extern "C" fn cancel(source: *const abi::Source) {
        // SAFETY: the host keeps the contract.
        let source = unsafe { value::<_, Box<dyn Source>>(source) };
        drop(kept_in(|| source.cancel()));
    }
    let table = abi::Source {
        size: size_of::<abi::Source>(),
        release: Some(release::<abi::Source, Box<dyn Source>>),
        open: Some(open),
        cancel: Some(cancel),
    };
    made(table, source)
}

fn synchronous(synchronous: Box<dyn Synchronous>) -> *mut abi::Synchronous {
    unsafe extern "C" fn apply(
        synchronous: *const abi::Synchronous,
        schema: *mut FFI_ArrowSchema,
        batch: *mut FFI_ArrowArray,
        applied: *const abi::Applied,
        failure: *const Listener,
    ) -> i32 {
        // SAFETY: the host keeps the contract.
        unsafe {
            answer(failure, || {
                let synchronous = value::<_, Box<dyn Synchronous>>(synchronous);
                let batch = batch_in(schema, batch)?;
                give(synchronous.apply(&batch)?, applied)
            })
        }
    }
    let table = abi::Synchronous {
        size: size_of::<abi::Synchronous>(),
        release: Some(release::<abi::Synchronous, Box<dyn Synchronous>>),
        apply: Some(apply),
    };
    made(table, synchronous)
}

/// # Safety
/// `applied` is valid.
unsafe fn give(done: Applied, applied: *const abi::Applied) -> Result<(), Told> {
    // SAFETY: the caller says so; each array is given once.
    unsafe {
        let Some(host) = table(applied) else {
            return Err(CustomError::new("the host gave NULL for the results").into());
        };
        for column in &done.columns {
            let (mut schema, mut array) = array_out(column.as_ref(), None)?;
            let give = wanted(host.column, "column")?;
            taken(
                give(host.context, &raw mut schema, &raw mut array),
                "column",
            )?;
        }
        for (position, column) in &done.replaced {
            let (mut schema, mut array) = array_out(column.as_ref(), None)?;
            let give = wanted(host.replaced, "replaced")?;
            let status = give(host.context, *position, &raw mut schema, &raw mut array);
            taken(status, "replaced column")?;
        }
        if !done.route.is_empty() {
            let route: Vec<u32> = done.route.iter().map(|to| to.unwrap_or(DROPPED)).collect();
            let give = wanted(host.route, "route")?;
            taken(give(host.context, List::of(&route)), "route")?;
        }
        for failure in &done.failures {
            let give = wanted(host.failed, "failed")?;
            let column = failure
                .column
                .map_or(-1, |column| i64::try_from(column).unwrap_or(-1));
            let message = Text::of(&failure.error.message);
            let status = give(
                host.context,
                failure.row,
                column,
                message,
                failure.error.code,
            );
            taken(status, "failed row")?;
        }
        Ok(())
    }
}

fn taken(status: i32, what: &str) -> Result<(), CustomError> {
    match status {
        0 => Ok(()),
        _ => Err(CustomError::new(format!("the host did not take a {what}"))),
    }
}

fn asynchronous(asynchronous: Box<dyn Asynchronous>) -> *mut abi::Asynchronous {
    unsafe extern "C" fn start(
        asynchronous: *const abi::Asynchronous,
        out: *mut *mut abi::Process,
        failure: *const Listener,
    ) -> i32 {
        // SAFETY: the host keeps the contract.
        unsafe {
            answer(failure, || {
                let asynchronous = value::<_, Box<dyn Asynchronous>>(asynchronous);
                out.write(process(asynchronous.start()?));
                Ok(())
            })
        }
    }
    let table = abi::Asynchronous {
        size: size_of::<abi::Asynchronous>(),
        release: Some(release::<abi::Asynchronous, Box<dyn Asynchronous>>),
        start: Some(start),
    };
    made(table, asynchronous)
}

fn process(process: Box<dyn Process>) -> *mut abi::Process {
    unsafe extern "C" fn push(
        process: *mut abi::Process,
        input: usize,
        schema: *mut FFI_ArrowSchema,
        batch: *mut FFI_ArrowArray,
        ready: *const abi::BatchReceiver,
        failure: *const Listener,
    ) -> i32 {
        // SAFETY: the host keeps the contract.
        unsafe {
            answer(failure, || {
                let process = value_mut::<_, Box<dyn Process>>(process);
                let batch = batch_in(schema, batch)?;
                hand_over(process.push(input, &batch)?, ready)
            })
        }
    }
    unsafe extern "C" fn finish(
        process: *mut abi::Process,
        ready: *const abi::BatchReceiver,
        failure: *const Listener,
    ) -> i32 {
        // SAFETY: the host keeps the contract.
        unsafe {
            answer(failure, || {
                let process = value_mut::<_, Box<dyn Process>>(process);
                hand_over(process.finish()?, ready)
            })
        }
    }
    let table = abi::Process {
        size: size_of::<abi::Process>(),
        release: Some(release::<abi::Process, Box<dyn Process>>),
        push: Some(push),
        finish: Some(finish),
    };
    made(table, process)
}

/// # Safety
/// `ready` is valid.
unsafe fn hand_over(
    batches: Vec<RecordBatch>,
    ready: *const abi::BatchReceiver,
) -> Result<(), Told> {
    // SAFETY: the caller says so.
    let receiver = unsafe { table(ready) };
    for batch in batches {
        let (mut schema, mut array) = batch_out(&batch)?;
        let give = wanted(receiver.and_then(|known| known.give), "give")?;
        let context = receiver.map_or(std::ptr::null_mut(), |known| known.context);
        // SAFETY: the array is given once.
        let status = unsafe { give(context, &raw mut schema, &raw mut array) };
        taken(status, "batch")?;
    }
    Ok(())
}

fn destination(destination: Box<dyn Destination>) -> *mut abi::Destination {
    unsafe extern "C" fn open(
        destination: *const abi::Destination,
        out: *mut *mut abi::Writer,
        failure: *const Listener,
    ) -> i32 {
        // SAFETY: the host keeps the contract.
        unsafe {
            answer(failure, || {
                let destination = value::<_, Box<dyn Destination>>(destination);
                out.write(writer(destination.open()?));
                Ok(())
            })
        }
    }
    let table = abi::Destination {
        size: size_of::<abi::Destination>(),
        release: Some(release::<abi::Destination, Box<dyn Destination>>),
        open: Some(open),
    };
    made(table, destination)
}

fn writer(writer: Box<dyn Writer>) -> *mut abi::Writer {
    unsafe extern "C" fn write(
        writer: *mut abi::Writer,
        schema: *mut FFI_ArrowSchema,
        batch: *mut FFI_ArrowArray,
        failure: *const Listener,
    ) -> i32 {
        // SAFETY: the host keeps the contract.
        unsafe {
            answer(failure, || {
                let writer = value_mut::<_, Box<dyn Writer>>(writer);
                Ok(writer.write(&batch_in(schema, batch)?)?)
            })
        }
    }
    unsafe extern "C" fn commit(writer: *mut abi::Writer, failure: *const Listener) -> i32 {
        // SAFETY: the host keeps the contract.
        unsafe {
            answer(failure, || {
                let writer = value_mut::<_, Box<dyn Writer>>(writer);
                Ok(writer.commit()?)
            })
        }
    }
    let table = abi::Writer {
        size: size_of::<abi::Writer>(),
        release: Some(release::<abi::Writer, Box<dyn Writer>>),
        write: Some(write),
        commit: Some(commit),
    };
    made(table, writer)
}
