//! `fletch read`: the rows of a DataReader destination, written out as they arrive.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use fletching::{Execution, ExecutionResult, Progress, RunReport};

use crate::{
    exit::{Exit, Failure},
    options::PackageOptions,
    render::{self, RowWriter},
};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    package: PackageOptions,
    /// Name of the DataReader destination; may be left out if there is only one.
    datareader: Option<String>,
    /// Form of the rows.
    #[arg(long, value_enum, default_value = "table")]
    format: RowFormat,
    /// File to write to; standard output otherwise.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RowFormat {
    Table,
    Csv,
    Json,
    Arrow,
    Parquet,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let package = arguments.package.load()?;
    let mut settings = arguments.package.settings(&package)?;
    // Who looks at rows in a pager is no client that went away.
    settings.patient_readers = true;
    let threads = settings.threads;
    let prepared = package.prepare(settings)?;
    let name = match &arguments.datareader {
        Some(name) => name.clone(),
        None => only_reader(&prepared.readers()?)?,
    };
    let progress = Progress::default();
    let (execution, mut rows) = Execution::new(prepared, progress).reader(&name)?;
    let output = arguments.output.as_deref();
    let read = super::cancellable(threads, async {
        // Not before signals are listened for: its file would stay.
        let Some(mut writer) = RowWriter::create(arguments.format, output, rows.schema())? else {
            return Ok(None);
        };
        let running = execution.report();
        tokio::pin!(running);
        let mut report = None;
        loop {
            tokio::select! {
                finished = &mut running, if report.is_none() => report = Some(finished),
                batch = rows.next() => match batch {
                    Some(Ok(batch)) => {
                        if let Err(error) = writer.write(&batch) {
                            return Ok(Some((writer, Some(error), report)));
                        }
                    }
                    // A failure of the package is told by its report.
                    Some(Err(_)) | None if report.is_some() => break,
                    Some(Err(_)) | None => {
                        report = Some((&mut running).await);
                        break;
                    }
                },
            }
        }
        Ok(Some((writer, None, report)))
    })?;
    let Some((writer, failure, mut report)) = read else {
        return Ok(Exit::Success);
    };
    if let Some(report) = report.take_if(|report| report.result != ExecutionResult::Success) {
        return Err(Failure::of_report(report));
    }
    render::warnings(
        report
            .as_ref()
            .map_or(&[], |report: &RunReport| &report.warnings),
    );
    match failure.or_else(|| writer.finish().err()) {
        // Nobody reads on (`| head`): that is the end, not a failure.
        Some(failure) if failure.closed_pipe => Ok(Exit::Success),
        Some(failure) => Err(failure.into()),
        None => Ok(Exit::Success),
    }
}

fn only_reader(readers: &[(String, arrow::datatypes::SchemaRef)]) -> Result<String, Failure> {
    match readers {
        [(name, _)] => Ok(name.clone()),
        [] => Err(Failure::new(
            Exit::Failed,
            "the package has no DataReader destination",
        )),
        several => {
            let names: Vec<&str> = several.iter().map(|(name, _)| name.as_str()).collect();
            let message = format!(
                "the package has several DataReader destinations, name one: {}",
                names.join(", ")
            );
            Err(Failure::new(Exit::BadCommandLine, message))
        }
    }
}
