//! Rows over the border: Arrow's C data interface for a batch, its stream interface for many.

use std::{
    ffi::{CStr, CString, c_char, c_int, c_void},
    ptr,
    sync::Arc,
};

use arrow::{
    array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, StructArray, make_array},
    datatypes::{Field, Schema, SchemaRef},
    error::ArrowError,
    ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi},
    ffi_stream::FFI_ArrowArrayStream,
};

use super::kept_in;
use crate::{Batches, CustomError};

/// An array as the other side takes it.
pub(crate) fn array_out(
    array: &dyn Array,
    field: Option<&Field>,
) -> Result<(FFI_ArrowSchema, FFI_ArrowArray), CustomError> {
    let data = array.to_data();
    let schema = match field {
        Some(field) => FFI_ArrowSchema::try_from(field)?,
        None => FFI_ArrowSchema::try_from(data.data_type())?,
    };
    Ok((schema, FFI_ArrowArray::new(&data)))
}

/// A batch as the other side takes it: a structure array.
pub(crate) fn batch_out(
    batch: &RecordBatch,
) -> Result<(FFI_ArrowSchema, FFI_ArrowArray), CustomError> {
    let schema = FFI_ArrowSchema::try_from(batch.schema().as_ref())?;
    let rows = StructArray::from(batch.clone());
    Ok((schema, FFI_ArrowArray::new(&rows.into_data())))
}

/// Takes an array out of what the other side gave.
///
/// # Safety
/// Both are NULL, released, or valid by the C data interface.
pub(crate) unsafe fn array_in(
    schema: *mut FFI_ArrowSchema,
    array: *mut FFI_ArrowArray,
) -> Result<(Field, ArrayRef), CustomError> {
    if schema.is_null() || array.is_null() {
        return Err(CustomError::new("NULL where an array is wanted"));
    }
    // SAFETY: the caller says so; what is left there is released.
    let (schema, array) = unsafe {
        (
            FFI_ArrowSchema::from_raw(schema),
            FFI_ArrowArray::from_raw(array),
        )
    };
    if array.is_released() {
        return Err(CustomError::new("an array that was released already"));
    }
    let field = Field::try_from(&schema)?;
    // SAFETY: the caller says so; what can be checked is checked below.
    let data = unsafe { from_ffi(array, &schema) }?;
    data.validate_full()?;
    Ok((field, make_array(data)))
}

/// Takes a batch out of what the other side gave.
///
/// # Safety
/// As for [`array_in`].
pub(crate) unsafe fn batch_in(
    schema: *mut FFI_ArrowSchema,
    batch: *mut FFI_ArrowArray,
) -> Result<RecordBatch, CustomError> {
    // SAFETY: the caller says so.
    let (field, rows) = unsafe { array_in(schema, batch)? };
    batch_of(&rows, field.metadata().clone())
}

/// The rows of a structure array.
pub(crate) fn batch_of(
    rows: &ArrayRef,
    metadata: std::collections::HashMap<String, String>,
) -> Result<RecordBatch, CustomError> {
    let Some(rows) = rows.as_any().downcast_ref::<StructArray>() else {
        let message = format!("an array of {} where a batch is wanted", rows.data_type());
        return Err(CustomError::new(message));
    };
    if rows.null_count() > 0 {
        return Err(CustomError::new(
            "a batch with rows that are NULL as a whole",
        ));
    }
    let schema = Schema::new_with_metadata(rows.fields().clone(), metadata);
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    let columns = rows.columns().to_vec();
    Ok(RecordBatch::try_new_with_options(
        Arc::new(schema),
        columns,
        &options,
    )?)
}

/// A schema lent by the other side.
///
/// # Safety
/// It is NULL or valid.
pub(crate) unsafe fn schema_in(schema: *const FFI_ArrowSchema) -> Result<SchemaRef, CustomError> {
    // SAFETY: the caller says so.
    let Some(schema) = (unsafe { schema.as_ref() }) else {
        return Ok(Arc::new(Schema::empty()));
    };
    Ok(Arc::new(Schema::try_from(schema)?))
}

/// Batches as the other side takes them.
pub(crate) fn stream_out(batches: Batches) -> FFI_ArrowArrayStream {
    let given = Box::new(Given {
        batches,
        first: None,
        schema: None,
        last_error: CString::default(),
    });
    FFI_ArrowArrayStream {
        get_schema: Some(get_schema),
        get_next: Some(get_next),
        get_last_error: Some(get_last_error),
        release: Some(release),
        private_data: Box::into_raw(given).cast(),
    }
}

/// What stands behind a stream of ours.
struct Given {
    batches: Batches,
    /// Read for the sake of its schema.
    first: Option<RecordBatch>,
    schema: Option<SchemaRef>,
    last_error: CString,
}

impl Given {
    fn next(&mut self) -> Result<Option<RecordBatch>, CustomError> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        let Some(batch) = self.batches.next().transpose()? else {
            return Ok(None);
        };
        let schema = self.schema.get_or_insert_with(|| batch.schema());
        if schema.fields() != batch.schema().fields() {
            let message = "a batch has other columns than the first one: all must be alike";
            return Err(CustomError::new(message));
        }
        Ok(Some(batch))
    }

    fn schema(&mut self) -> Result<SchemaRef, CustomError> {
        if self.schema.is_none() {
            self.first = self.next()?;
        }
        Ok(self
            .schema
            .clone()
            .unwrap_or_else(|| Arc::new(Schema::empty())))
    }

    fn status(&mut self, outcome: Result<Result<(), CustomError>, String>) -> c_int {
        let error = match outcome {
            Ok(Ok(())) => return 0,
            Ok(Err(error)) => error,
            Err(panic) => CustomError::new(panic),
        };
        let text: String = error.message.replace('\0', " ");
        self.last_error = CString::new(text).unwrap_or_default();
        match error.code & 0x8000_0000 {
            0 => 5, // EIO
            _ => error.code as c_int,
        }
    }
}

/// # Safety
/// A stream of [`stream_out`] that is not released.
unsafe fn given<'a>(stream: *mut FFI_ArrowArrayStream) -> &'a mut Given {
    // SAFETY: the caller says so.
    unsafe { &mut *(*stream).private_data.cast::<Given>() }
}

unsafe extern "C" fn get_schema(
    stream: *mut FFI_ArrowArrayStream,
    out: *mut FFI_ArrowSchema,
) -> c_int {
    // SAFETY: by the stream interface it is ours, used by one thread, and `out` can be written.
    let given = unsafe { given(stream) };
    let outcome = kept_in(|| {
        let schema = given.schema()?;
        let schema = FFI_ArrowSchema::try_from(schema.as_ref())?;
        // SAFETY: as above.
        unsafe { out.write(schema) };
        Ok(())
    });
    given.status(outcome)
}

unsafe extern "C" fn get_next(
    stream: *mut FFI_ArrowArrayStream,
    out: *mut FFI_ArrowArray,
) -> c_int {
    // SAFETY: as for `get_schema`.
    let given = unsafe { given(stream) };
    let outcome = kept_in(|| {
        let next = match given.next()? {
            Some(batch) => batch_out(&batch)?.1,
            None => FFI_ArrowArray::empty(),
        };
        // SAFETY: as above.
        unsafe { out.write(next) };
        Ok(())
    });
    given.status(outcome)
}

unsafe extern "C" fn get_last_error(stream: *mut FFI_ArrowArrayStream) -> *const c_char {
    // SAFETY: as for `get_schema`.
    unsafe { given(stream) }.last_error.as_ptr()
}

unsafe extern "C" fn release(stream: *mut FFI_ArrowArrayStream) {
    // SAFETY: by the stream interface it is ours and released once.
    unsafe {
        let data: *mut c_void = (*stream).private_data;
        if !data.is_null() {
            drop(kept_in(|| drop(Box::from_raw(data.cast::<Given>()))));
        }
        (*stream).private_data = ptr::null_mut();
        (*stream).release = None;
    }
}

/// The batches of a stream of the other side; `fit` makes each what the design wants.
pub(crate) struct Taken<F> {
    stream: FFI_ArrowArrayStream,
    schema: Option<FFI_ArrowSchema>,
    ended: bool,
    fit: F,
}

impl<F: Fn(RecordBatch) -> Result<RecordBatch, CustomError>> Taken<F> {
    pub(crate) fn new(stream: FFI_ArrowArrayStream, fit: F) -> Self {
        Self {
            stream,
            schema: None,
            ended: false,
            fit,
        }
    }

    fn take(&mut self) -> Result<Option<RecordBatch>, CustomError> {
        let schema = match self.schema.take() {
            Some(schema) => schema,
            None => {
                let mut schema = FFI_ArrowSchema::empty();
                if let Some(get_schema) = self.stream.get_schema {
                    // SAFETY: the stream is valid and not released.
                    let status = unsafe { get_schema(&raw mut self.stream, &raw mut schema) };
                    self.check(status)?;
                }
                schema
            }
        };
        let Some(get_next) = self.stream.get_next else {
            return Ok(None);
        };
        let mut array = FFI_ArrowArray::empty();
        // SAFETY: as above.
        let status = unsafe { get_next(&raw mut self.stream, &raw mut array) };
        self.check(status)?;
        if array.is_released() {
            return Ok(None);
        }
        // SAFETY: the array is of this schema, by the stream interface.
        let data = unsafe { from_ffi(array, &schema) }?;
        data.validate_full()?;
        self.schema = Some(schema);
        let batch = batch_of(&make_array(data), std::collections::HashMap::new())?;
        (self.fit)(batch).map(Some)
    }

    fn check(&mut self, status: c_int) -> Result<(), CustomError> {
        if status == 0 {
            return Ok(());
        }
        let text = self.stream.get_last_error.and_then(|get_last_error| {
            // SAFETY: the stream is valid; the text, if there is one, until the next call.
            unsafe {
                let text = get_last_error(&raw mut self.stream);
                (!text.is_null()).then(|| CStr::from_ptr(text).to_string_lossy().into_owned())
            }
        });
        let text = text.unwrap_or_else(|| format!("its rows failed with status {status}"));
        let code = if status < 0 { status as u32 } else { 0 };
        Err(CustomError::new(text).with_code(code))
    }
}

impl<F: Fn(RecordBatch) -> Result<RecordBatch, CustomError>> Iterator for Taken<F> {
    type Item = Result<RecordBatch, CustomError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.take().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

/// An array of one, as a value.
pub(crate) fn is_one(array: &dyn Array) -> Result<(), ArrowError> {
    match array.len() {
        1 => Ok(()),
        length => Err(ArrowError::InvalidArgumentError(format!(
            "an array of {length} values where one is wanted"
        ))),
    }
}
