//! Components of plug-ins.
//!
//! Every call here is of a function of a plug-in, which keeps the contract of [`crate::abi`]: that is what each `SAFETY`
//! means. Its objects are valid until their `Held` is dropped.

use std::{ffi::c_void, sync::Arc};

use arrow::{
    array::{ArrayRef, RecordBatch},
    datatypes::{Schema, SchemaRef},
    ffi::{FFI_ArrowArray, FFI_ArrowSchema},
    ffi_stream::FFI_ArrowArrayStream,
};

use super::{failed, specs};
use crate::{
    Applied, Asynchronous, Batches, ClassNames, Component, ComponentClass, ComponentKind,
    ComponentSpec, CustomError, Destination, NewOutput, Process, Properties, RowFailure, Source,
    Synchronous, Writer,
    abi::{self, DROPPED, List, Text},
    border::{
        FAILED, Held, Told,
        batches::{Taken, array_in, batch_in, batch_out},
        heard, items, kept_in, properties, string, wanted,
    },
    fit_batch,
};

/// A class of components.
#[derive(Debug)]
pub(super) struct Components(pub(super) ClassNames, pub(super) Held<abi::ComponentClass>);

impl ComponentClass for Components {
    fn names(&self) -> &ClassNames {
        &self.0
    }

    fn kind(&self) -> ComponentKind {
        match self.1.table().kind {
            0 => ComponentKind::Source,
            2 => ComponentKind::Destination,
            _ => ComponentKind::Transform,
        }
    }

    fn properties(&self) -> Properties {
        // SAFETY: the plug-in keeps the contract.
        unsafe { properties(self.1.table().properties) }
    }

    fn inputs(&self) -> Vec<String> {
        let table = self.1.table();
        if self.is_of_its_kind() {
            return NewOutput::inputs_of(self.kind());
        }
        // SAFETY: the plug-in keeps the contract.
        let names = unsafe { items(table.inputs) }.iter();
        // SAFETY: as above.
        names.map(|name| unsafe { string(*name) }).collect()
    }

    fn outputs(&self) -> Vec<NewOutput> {
        if self.is_of_its_kind() {
            return NewOutput::of(self.kind());
        }
        // SAFETY: the plug-in keeps the contract.
        let outputs = unsafe { items(self.1.table().outputs) }.iter();
        outputs
            .map(|output| NewOutput {
                // SAFETY: as above.
                name: unsafe { string(output.name) },
                is_synchronous: output.is_synchronous != 0,
                is_error: output.is_error != 0,
            })
            .collect()
    }

    fn connections(&self) -> Vec<String> {
        // SAFETY: the plug-in keeps the contract.
        let names = unsafe { items(self.1.table().connections) }.iter();
        // SAFETY: as above.
        names.map(|name| unsafe { string(*name) }).collect()
    }

    fn read(&self, component: &ComponentSpec) -> Result<Component, Vec<String>> {
        let made = self.made(component).map_err(Told::problems)?;
        let first = component.outputs.iter().find(|output| !output.is_error);
        let first = first.map_or_else(
            || Arc::new(Schema::empty()),
            |output| Arc::clone(&output.schema),
        );
        let inputs = component.inputs.iter();
        let inputs: Vec<SchemaRef> = inputs.map(|input| Arc::clone(&input.schema)).collect();
        // SAFETY: each member is NULL, or an object that the plug-in gives away.
        let (source, synchronous, asynchronous, destination) = unsafe {
            (
                Held::take(made.source),
                Held::take(made.synchronous),
                Held::take(made.asynchronous),
                Held::take(made.destination),
            )
        };
        let mut components: Vec<Component> = Vec::new();
        components.extend(source.map(|held| {
            let schema = Arc::clone(&first);
            Component::Source(Box::new(PluginSource { held, schema }))
        }));
        components.extend(synchronous.map(|held| {
            Component::Synchronous(Box::new(PluginSynchronous {
                held,
                made: Arc::clone(&first),
                input: inputs.into_iter().next(),
            }))
        }));
        components.extend(asynchronous.map(|held| {
            let schema = Arc::clone(&first);
            Component::Asynchronous(Box::new(PluginAsynchronous { held, schema }))
        }));
        components.extend(
            destination.map(|held| Component::Destination(Box::new(PluginDestination(held)))),
        );
        match (components.pop(), components.is_empty()) {
            (Some(component), true) => Ok(component),
            (_, _) => Err(vec![
                "its class must give one source, transformation or destination".to_owned(),
            ]),
        }
    }
}

impl Components {
    /// Neither inputs nor outputs are said.
    fn is_of_its_kind(&self) -> bool {
        let table = self.1.table();
        table.inputs.length == 0 && table.outputs.length == 0
    }

    fn made(&self, spec: &ComponentSpec) -> Result<abi::Component, Told> {
        let read = wanted(self.1.table().read, "read")?;
        let mut made = abi::Component::default();
        let out = &raw mut made;
        let outcome = specs::component(spec, |spec| {
            // SAFETY: the plug-in keeps the contract.
            heard(|problems| unsafe { read(self.1.as_ptr(), spec, out, problems) })
        })?;
        outcome.map(|()| made)
    }
}

#[derive(Debug)]
struct PluginSource {
    held: Held<abi::Source>,
    schema: SchemaRef,
}

impl Source for PluginSource {
    fn open(&self) -> Result<Batches, CustomError> {
        let mut stream = FFI_ArrowArrayStream::empty();
        let out = &raw mut stream;
        let open = wanted(self.held.table().open, "open").map_err(failed)?;
        // SAFETY: the plug-in keeps the contract.
        heard(|failure| unsafe { open(self.held.as_ptr(), out, failure) }).map_err(failed)?;
        let schema = Arc::clone(&self.schema);
        Ok(Box::new(Taken::new(stream, move |batch| {
            fit_batch(&batch, &schema)
        })))
    }

    fn cancel(&self) {
        if let Some(cancel) = self.held.table().cancel {
            // SAFETY: the plug-in keeps the contract.
            unsafe { cancel(self.held.as_ptr()) };
        }
    }
}

#[derive(Debug)]
struct PluginSynchronous {
    held: Held<abi::Synchronous>,
    /// Columns that it makes.
    made: SchemaRef,
    input: Option<SchemaRef>,
}

impl Synchronous for PluginSynchronous {
    fn apply(&self, batch: &RecordBatch) -> Result<Applied, CustomError> {
        let (mut schema, mut rows) = batch_out(batch)?;
        let mut received = Received::default();
        let receiver = abi::Applied {
            size: size_of::<abi::Applied>(),
            context: (&raw mut received).cast(),
            column: Some(column),
            replaced: Some(replaced),
            route: Some(route),
            failed: Some(row_failed),
        };
        let apply = wanted(self.held.table().apply, "apply").map_err(failed)?;
        let (schema, rows) = (&raw mut schema, &raw mut rows);
        // SAFETY: the plug-in keeps the contract.
        heard(|failure| unsafe {
            apply(
                self.held.as_ptr(),
                schema,
                rows,
                &raw const receiver,
                failure,
            )
        })
        .map_err(failed)?;
        if let Some(error) = received.error {
            return Err(error);
        }
        received.applied.fitted(&self.made, self.input.as_ref())
    }
}

/// What the functions of [`abi::Applied`] write to.
#[derive(Default)]
struct Received {
    applied: Applied,
    error: Option<CustomError>,
}

impl Received {
    fn status(&mut self, outcome: Result<(), CustomError>) -> i32 {
        match outcome {
            Ok(()) => 0,
            Err(error) => {
                self.error.get_or_insert(error);
                FAILED
            }
        }
    }

    /// Takes an array.
    ///
    /// # Safety
    /// As the border says.
    unsafe fn array(
        &mut self,
        schema: *mut FFI_ArrowSchema,
        array: *mut FFI_ArrowArray,
        take: impl FnOnce(&mut Applied, ArrayRef),
    ) -> i32 {
        // SAFETY: the caller says so.
        let taken = kept_in(|| unsafe { array_in(schema, array) });
        let outcome = match taken {
            Ok(taken) => taken.map(|(_, array)| take(&mut self.applied, array)),
            Err(panic) => Err(CustomError::new(panic)),
        };
        self.status(outcome)
    }
}

unsafe extern "C" fn column(
    context: *mut c_void,
    schema: *mut FFI_ArrowSchema,
    array: *mut FFI_ArrowArray,
) -> i32 {
    // SAFETY: the context is that of `apply`, which waits for this call's caller; the plug-in keeps the contract.
    unsafe {
        let received = &mut *context.cast::<Received>();
        received.array(schema, array, |applied, array| applied.columns.push(array))
    }
}

unsafe extern "C" fn replaced(
    context: *mut c_void,
    position: usize,
    schema: *mut FFI_ArrowSchema,
    array: *mut FFI_ArrowArray,
) -> i32 {
    // SAFETY: as for `column`.
    unsafe {
        let received = &mut *context.cast::<Received>();
        received.array(schema, array, |applied, array| {
            applied.replaced.push((position, array));
        })
    }
}

unsafe extern "C" fn route(context: *mut c_void, outputs: List<u32>) -> i32 {
    // SAFETY: as for `column`.
    let (received, outputs) = unsafe { (&mut *context.cast::<Received>(), items(outputs)) };
    let outputs = outputs.iter();
    received.applied.route = outputs
        .map(|output| (*output != DROPPED).then_some(*output))
        .collect();
    0
}

unsafe extern "C" fn row_failed(
    context: *mut c_void,
    row: u32,
    column: i64,
    message: Text,
    code: u32,
) -> i32 {
    // SAFETY: as for `column`.
    let (received, message) = unsafe { (&mut *context.cast::<Received>(), string(message)) };
    received.applied.failures.push(RowFailure {
        row,
        column: usize::try_from(column).ok(),
        error: CustomError::new(message).with_code(code),
    });
    0
}

#[derive(Debug)]
struct PluginAsynchronous {
    held: Held<abi::Asynchronous>,
    schema: SchemaRef,
}

impl Asynchronous for PluginAsynchronous {
    fn start(&self) -> Result<Box<dyn Process>, CustomError> {
        let start = wanted(self.held.table().start, "start").map_err(failed)?;
        let mut process = std::ptr::null_mut();
        let out = &raw mut process;
        // SAFETY: the plug-in keeps the contract.
        let held = unsafe {
            heard(|failure| start(self.held.as_ptr(), out, failure))
                .and_then(|()| Held::given(process))
        };
        Ok(Box::new(PluginProcess {
            held: held.map_err(failed)?,
            schema: Arc::clone(&self.schema),
        }))
    }
}

struct PluginProcess {
    held: Held<abi::Process>,
    schema: SchemaRef,
}

/// What [`give`] writes to.
#[derive(Default)]
struct Ready {
    batches: Vec<RecordBatch>,
    error: Option<CustomError>,
}

impl PluginProcess {
    fn batches(
        &self,
        call: impl FnOnce(*const abi::BatchReceiver) -> Result<(), Told>,
    ) -> Result<Vec<RecordBatch>, CustomError> {
        let mut ready = Ready::default();
        let receiver = abi::BatchReceiver {
            size: size_of::<abi::BatchReceiver>(),
            context: (&raw mut ready).cast(),
            give: Some(give),
        };
        call(&raw const receiver).map_err(failed)?;
        if let Some(error) = ready.error {
            return Err(error);
        }
        let batches = ready.batches.iter();
        batches
            .map(|batch| fit_batch(batch, &self.schema))
            .collect()
    }
}

unsafe extern "C" fn give(
    context: *mut c_void,
    schema: *mut FFI_ArrowSchema,
    batch: *mut FFI_ArrowArray,
) -> i32 {
    // SAFETY: the context is that of `batches`, which waits for this call's caller; the plug-in keeps the contract.
    let (ready, taken) = unsafe {
        let taken = kept_in(|| batch_in(schema, batch));
        (&mut *context.cast::<Ready>(), taken)
    };
    match taken.unwrap_or_else(|panic| Err(CustomError::new(panic))) {
        Ok(batch) => {
            ready.batches.push(batch);
            0
        }
        Err(error) => {
            ready.error.get_or_insert(error);
            FAILED
        }
    }
}

impl Process for PluginProcess {
    fn push(&mut self, input: usize, batch: &RecordBatch) -> Result<Vec<RecordBatch>, CustomError> {
        let push = wanted(self.held.table().push, "push").map_err(failed)?;
        let (mut schema, mut rows) = batch_out(batch)?;
        let (schema, rows) = (&raw mut schema, &raw mut rows);
        let process = self.held.as_ptr();
        self.batches(|ready| {
            // SAFETY: the plug-in keeps the contract.
            heard(|failure| unsafe { push(process, input, schema, rows, ready, failure) })
        })
    }

    fn finish(&mut self) -> Result<Vec<RecordBatch>, CustomError> {
        let finish = wanted(self.held.table().finish, "finish").map_err(failed)?;
        let process = self.held.as_ptr();
        self.batches(|ready| {
            // SAFETY: the plug-in keeps the contract.
            heard(|failure| unsafe { finish(process, ready, failure) })
        })
    }
}

#[derive(Debug)]
struct PluginDestination(Held<abi::Destination>);

impl Destination for PluginDestination {
    fn open(&self) -> Result<Box<dyn Writer>, CustomError> {
        let open = wanted(self.0.table().open, "open").map_err(failed)?;
        let mut writer = std::ptr::null_mut();
        let out = &raw mut writer;
        // SAFETY: the plug-in keeps the contract.
        let held = unsafe {
            heard(|failure| open(self.0.as_ptr(), out, failure)).and_then(|()| Held::given(writer))
        };
        Ok(Box::new(PluginWriter(held.map_err(failed)?)))
    }
}

struct PluginWriter(Held<abi::Writer>);

impl Writer for PluginWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), CustomError> {
        let write = wanted(self.0.table().write, "write").map_err(failed)?;
        let (mut schema, mut rows) = batch_out(batch)?;
        let (schema, rows) = (&raw mut schema, &raw mut rows);
        // SAFETY: the plug-in keeps the contract.
        heard(|failure| unsafe { write(self.0.as_ptr(), schema, rows, failure) }).map_err(failed)
    }

    fn commit(&mut self) -> Result<(), CustomError> {
        let commit = wanted(self.0.table().commit, "commit").map_err(failed)?;
        // SAFETY: the plug-in keeps the contract.
        heard(|failure| unsafe { commit(self.0.as_ptr(), failure) }).map_err(failed)
    }
}
