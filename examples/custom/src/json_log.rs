//! A log provider: an entry is a JSON object in a line of a file.

use std::{
    fs::{File, OpenOptions},
    sync::Arc,
};

use arrow::{
    array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray},
    json::LineDelimitedWriter,
};
use fletching::custom::{
    ClassNames, CustomError, Log, LogEntry, LogProviderClass, LogProviderSpec,
};

/// Writes to the end of the file of its connection manager.
#[derive(Debug)]
pub struct JsonLog(ClassNames);

impl Default for JsonLog {
    fn default() -> Self {
        let names = ClassNames::new("Contoso.Ssis.JsonLog", "JSON log");
        Self(names.described("An entry a line"))
    }
}

impl LogProviderClass for JsonLog {
    fn names(&self) -> &ClassNames {
        &self.0
    }

    fn check(&self, provider: &LogProviderSpec) -> Result<(), Vec<String>> {
        match provider.connection_string.is_empty() {
            true => Err(vec![
                "it needs a connection manager of kind FILE".to_owned(),
            ]),
            false => Ok(()),
        }
    }

    fn open(&self, provider: &LogProviderSpec) -> Result<Box<dyn Log>, CustomError> {
        let mut how = OpenOptions::new();
        let file = how
            .create(true)
            .append(true)
            .open(&provider.connection_string);
        let file = file.map_err(|error| {
            CustomError::new(format!("{}: {error}", provider.connection_string))
        })?;
        Ok(Box::new(Lines(LineDelimitedWriter::new(file))))
    }
}

struct Lines(LineDelimitedWriter<File>);

impl Log for Lines {
    fn write(&mut self, entry: &LogEntry) -> Result<(), CustomError> {
        let text = |text: &str| -> ArrayRef { Arc::new(StringArray::from(vec![text])) };
        let code: ArrayRef = Arc::new(Int32Array::from(vec![entry.data_code]));
        let time: ArrayRef = Arc::new(Int64Array::from(vec![entry.time_us]));
        let line = RecordBatch::try_from_iter([
            ("event", text(&entry.event)),
            ("source", text(&entry.source)),
            ("time_us", time),
            ("code", code),
            ("message", text(&entry.message)),
        ])?;
        Ok(self.0.write(&line)?)
    }

    fn close(&mut self) -> Result<(), CustomError> {
        Ok(self.0.finish()?)
    }
}
