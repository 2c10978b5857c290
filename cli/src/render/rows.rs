//! Record batches as a table, CSV, JSON lines, an Arrow IPC stream or Parquet.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
    sync::Arc,
};

use arrow::{
    array::RecordBatch, csv, datatypes::SchemaRef, error::ArrowError, ipc::writer::StreamWriter,
    json::LineDelimitedWriter, util::pretty::pretty_format_batches,
};
use parquet::{arrow::ArrowWriter, errors::ParquetError};

use crate::{
    commands::read::RowFormat,
    exit::{Exit, Failure},
};

type Out = Box<dyn Write + Send>;

/// Rows of a table are held back until the end, for the widths of its columns; beyond this many it goes on without.
const TABLE_ROWS_MAX: usize = 10_000;

/// Writes batches as they arrive.
pub(crate) struct RowWriter {
    writer: Writer,
}

enum Writer {
    Table {
        out: Out,
        schema: SchemaRef,
        held: Vec<RecordBatch>,
        rows: usize,
    },
    Csv(Box<csv::Writer<Out>>),
    Json(LineDelimitedWriter<Out>),
    Arrow(Box<StreamWriter<Out>>),
    Parquet(Box<ArrowWriter<Out>>),
}

/// A write that failed.
#[derive(Debug, thiserror::Error)]
#[error("the rows could not be written: {message}")]
pub(crate) struct WriteError {
    message: String,
    /// Nobody reads on: not a failure of ours.
    pub(crate) closed_pipe: bool,
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        Self::new(Exit::Failed, error.to_string())
    }
}

impl From<ArrowError> for WriteError {
    fn from(error: ArrowError) -> Self {
        let closed_pipe = match &error {
            ArrowError::IoError(_, source) => source.kind() == std::io::ErrorKind::BrokenPipe,
            other => other.to_string().contains("Broken pipe"),
        };
        Self {
            message: error.to_string(),
            closed_pipe,
        }
    }
}

impl From<ParquetError> for WriteError {
    fn from(error: ParquetError) -> Self {
        Self {
            message: error.to_string(),
            closed_pipe: false,
        }
    }
}

impl From<std::io::Error> for WriteError {
    fn from(error: std::io::Error) -> Self {
        Self {
            closed_pipe: error.kind() == std::io::ErrorKind::BrokenPipe,
            message: error.to_string(),
        }
    }
}

impl RowWriter {
    #[expect(
        clippy::disallowed_methods,
        reason = "what would be printed, in a file that the user names; no package knows it"
    )]
    pub(crate) fn create(
        format: RowFormat,
        path: Option<&Path>,
        schema: SchemaRef,
    ) -> Result<Self, Failure> {
        let out: Out = match path {
            Some(path) => {
                let file = File::create(path).map_err(|error| {
                    Failure::new(Exit::Failed, format!("{}: {error}", path.display()))
                })?;
                Box::new(BufWriter::new(file))
            }
            None => Box::new(BufWriter::new(std::io::stdout())),
        };
        let writer = match format {
            RowFormat::Table => Writer::Table {
                out,
                schema,
                held: Vec::new(),
                rows: 0,
            },
            RowFormat::Csv => {
                let mut writer = csv::WriterBuilder::new().with_header(true).build(out);
                // The header is there even if no row comes.
                writer
                    .write(&RecordBatch::new_empty(schema))
                    .map_err(WriteError::from)?;
                Writer::Csv(Box::new(writer))
            }
            RowFormat::Json => Writer::Json(LineDelimitedWriter::new(out)),
            RowFormat::Arrow => {
                let writer = StreamWriter::try_new(out, &schema).map_err(WriteError::from)?;
                Writer::Arrow(Box::new(writer))
            }
            RowFormat::Parquet => {
                let writer = ArrowWriter::try_new(out, schema, None).map_err(WriteError::from)?;
                Writer::Parquet(Box::new(writer))
            }
        };
        Ok(Self { writer })
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), WriteError> {
        match &mut self.writer {
            Writer::Table { held, rows, .. } => {
                held.push(batch.clone());
                *rows += batch.num_rows();
                if *rows >= TABLE_ROWS_MAX {
                    self.print_table()
                } else {
                    Ok(())
                }
            }
            Writer::Csv(writer) => Ok(writer.write(batch)?),
            Writer::Json(writer) => Ok(writer.write(batch)?),
            Writer::Arrow(writer) => Ok(writer.write(batch)?),
            Writer::Parquet(writer) => Ok(writer.write(batch)?),
        }
    }

    fn print_table(&mut self) -> Result<(), WriteError> {
        let Writer::Table {
            out,
            schema,
            held,
            rows,
        } = &mut self.writer
        else {
            return Ok(());
        };
        if held.is_empty() {
            held.push(RecordBatch::new_empty(Arc::clone(schema)));
        }
        writeln!(out, "{}", pretty_format_batches(held)?)?;
        held.clear();
        *rows = 0;
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<(), WriteError> {
        self.print_table_if_due()?;
        match self.writer {
            Writer::Table { mut out, .. } => Ok(out.flush()?),
            Writer::Csv(writer) => Ok(writer.into_inner().flush()?),
            Writer::Json(mut writer) => {
                writer.finish()?;
                Ok(writer.into_inner().flush()?)
            }
            Writer::Arrow(mut writer) => {
                writer.finish()?;
                Ok(writer.get_mut().flush()?)
            }
            Writer::Parquet(writer) => {
                writer.close()?;
                Ok(())
            }
        }
    }

    fn print_table_if_due(&mut self) -> Result<(), WriteError> {
        match &self.writer {
            Writer::Table { held, rows, .. } if !held.is_empty() || *rows == 0 => {
                self.print_table()
            }
            _ => Ok(()),
        }
    }
}
