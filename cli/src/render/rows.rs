//! Record batches as a table, CSV, JSON lines, an Arrow IPC stream or Parquet.

use std::{
    io::{BufWriter, Write},
    path::Path,
    sync::Arc,
};

use arrow::{
    array::RecordBatch, csv, datatypes::SchemaRef, error::ArrowError, ipc::writer::StreamWriter,
    json::LineDelimitedWriter, util::pretty::pretty_format_batches,
};
use fletching::StagedFile;
use parquet::{arrow::ArrowWriter, errors::ParquetError};

use crate::{
    commands::read::RowFormat,
    exit::{Exit, Failure},
};

/// Where the rows go.
enum Out {
    Standard(BufWriter<std::io::Stdout>),
    File(BufWriter<StagedFile>),
}

impl Out {
    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Self::Standard(out) => out,
            Self::File(file) => file,
        }
    }

    /// Everything is written: the file appears.
    fn finish(self) -> Result<(), WriteError> {
        match self {
            Self::Standard(mut out) => Ok(out.flush()?),
            Self::File(file) => {
                let file = file.into_inner().map_err(|error| error.into_error())?;
                file.commit().map_err(|error| WriteError {
                    message: error.to_string(),
                    closed_pipe: false,
                })
            }
        }
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.writer().write(bytes)
    }

    fn write_all(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.writer().write_all(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.writer().flush()
    }
}

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
        printed: bool,
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
        let message = error.to_string();
        Self {
            closed_pipe: message.contains("Broken pipe"),
            message,
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
    /// Rows for `path`, put in place when the last one is there, else for standard output; `None` if nobody reads that.
    pub(crate) fn create(
        format: RowFormat,
        path: Option<&Path>,
        schema: SchemaRef,
    ) -> Result<Option<Self>, Failure> {
        let out = match path {
            Some(path) => {
                let file = StagedFile::create_local(path)
                    .map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
                Out::File(BufWriter::new(file))
            }
            None => Out::Standard(BufWriter::new(std::io::stdout())),
        };
        match Self::begin(out, format, schema) {
            Ok(writer) => Ok(Some(Self { writer })),
            Err(error) if error.closed_pipe => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes what stands before the rows.
    fn begin(out: Out, format: RowFormat, schema: SchemaRef) -> Result<Writer, WriteError> {
        Ok(match format {
            RowFormat::Table => Writer::Table {
                out,
                schema,
                held: Vec::new(),
                rows: 0,
                printed: false,
            },
            RowFormat::Csv => {
                let mut writer = csv::WriterBuilder::new().with_header(true).build(out);
                // The header is there even if no row comes.
                writer.write(&RecordBatch::new_empty(schema))?;
                Writer::Csv(Box::new(writer))
            }
            RowFormat::Json => Writer::Json(LineDelimitedWriter::new(out)),
            RowFormat::Arrow => {
                let writer = StreamWriter::try_new(out, &schema)?;
                Writer::Arrow(Box::new(writer))
            }
            RowFormat::Parquet => {
                let writer = ArrowWriter::try_new(out, schema, None)?;
                Writer::Parquet(Box::new(writer))
            }
        })
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
            printed,
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
        *printed = true;
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<(), WriteError> {
        // Without rows there is still a head.
        if let Writer::Table { held, printed, .. } = &self.writer
            && (!held.is_empty() || !printed)
        {
            self.print_table()?;
        }
        match self.writer {
            Writer::Table { out, .. } => out.finish(),
            Writer::Csv(writer) => writer.into_inner().finish(),
            Writer::Json(mut writer) => {
                writer.finish()?;
                writer.into_inner().finish()
            }
            Writer::Arrow(mut writer) => {
                writer.finish()?;
                writer.into_inner()?.finish()
            }
            Writer::Parquet(writer) => writer.into_inner()?.finish(),
        }
    }
}
