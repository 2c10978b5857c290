//! `fletch run`: live progress, then a table of rows per path and time per component.

use std::{path::PathBuf, sync::Arc};

use clap::Args;
use fletching::{Execution, ExecutionResult, Progress};

use crate::{
    exit::{Exit, Failure},
    log_json::JsonLog,
    options::{OutputFormat, PackageOptions},
    render,
    traces::Traces,
};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    package: PackageOptions,
    /// Write every event of the run to a file, a line of JSON each; a file that is there grows.
    #[arg(long, value_name = "FILE")]
    log_json: Option<PathBuf>,
    /// Send a trace of the run to an OpenTelemetry collector: http://127.0.0.1:4318. Of builds with the feature `otel`.
    #[arg(long, value_name = "ENDPOINT")]
    otlp: Option<String>,
    /// How to print the result.
    #[arg(long, value_enum, default_value = "text")]
    format: OutputFormat,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let json = arguments.format == OutputFormat::Json;
    execute(&arguments, json).map_err(|failure| failure.with_json(json))
}

fn execute(arguments: &Arguments, json: bool) -> Result<Exit, Failure> {
    let package = arguments.package.load()?;
    let settings = arguments.package.settings(&package)?;
    let threads = settings.threads;
    let prepared = package.prepare(settings)?;
    let progress = Progress::default();
    let log = match &arguments.log_json {
        Some(file) => Some(Arc::new(JsonLog::open(file, prepared.identity())?)),
        None => None,
    };
    let traces = match &arguments.otlp {
        Some(endpoint) => Some(Arc::new(Traces::open(endpoint, &prepared.identity())?)),
        None => None,
    };
    let mut execution = Execution::new(prepared, progress.clone());
    if let Some(traces) = &traces {
        execution = execution.listener(Arc::<Traces>::clone(traces));
    }
    if let Some(log) = &log {
        execution = execution.listener(Arc::<JsonLog>::clone(log));
    }
    let display = (!arguments.package.quiet && !json)
        .then(|| render::ProgressDisplay::start(progress.clone()));
    let outcome = super::cancellable(threads, async { Ok(execution.report().await) });
    drop(display);
    let mut report = outcome?;
    report.warnings.extend(log.and_then(|log| log.failure()));
    let unsent = traces.and_then(|traces| traces.close(&report));
    report.warnings.extend(unsent);
    if report.result != ExecutionResult::Success {
        if !json && !arguments.package.quiet {
            render::report(&report)?;
        }
        return Err(Failure::of_report(report));
    }
    if json {
        render::report_json(&report)?;
    } else if !arguments.package.quiet {
        render::report(&report)?;
    }
    Ok(Exit::Success)
}
