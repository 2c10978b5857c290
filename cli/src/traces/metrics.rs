//! Figures of a run: rows of each component, times of tasks and of the run, errors and warnings. They are sent once, when the
//! run has ended: that is when they are known.

use fletching::{ExecutionResult, RunReport, TaskResult};
use opentelemetry::{KeyValue, metrics::MeterProvider as _};
use opentelemetry_otlp::MetricExporter;
use opentelemetry_sdk::{Resource, metrics::SdkMeterProvider};

/// Sends figures.
#[derive(Debug)]
pub(super) struct Metrics {
    provider: SdkMeterProvider,
}

impl Metrics {
    pub(super) fn new(exporter: MetricExporter, resource: Resource) -> Self {
        let provider = SdkMeterProvider::builder()
            .with_periodic_exporter(exporter)
            .with_resource(resource)
            .build();
        Self { provider }
    }

    /// Sends the figures of a run; why they did not arrive, if so.
    pub(super) fn close(&self, report: &RunReport) -> Option<String> {
        self.run(report);
        self.tasks(report);
        let sent = self.provider.shutdown();
        let error = sent.err()?;
        Some(format!("metrics were not sent: {error}"))
    }

    fn run(&self, report: &RunReport) {
        let meter = self.provider.meter("fletching");
        let package = KeyValue::new("ssis.package", report.package.clone());
        let result = KeyValue::new("ssis.result", shown(report.result));
        meter
            .f64_histogram("ssis.run.duration")
            .with_unit("s")
            .build()
            .record(report.elapsed.as_secs_f64(), &[package.clone(), result]);
        let counts = [
            ("ssis.run.errors", report.errors.len()),
            ("ssis.run.warnings", report.warnings.len()),
        ];
        for (name, count) in counts {
            let counter = meter.u64_counter(name).build();
            counter.add(count as u64, std::slice::from_ref(&package));
        }
    }

    fn tasks(&self, report: &RunReport) {
        let meter = self.provider.meter("fletching");
        let duration = meter
            .f64_histogram("ssis.task.duration")
            .with_unit("s")
            .build();
        let rows = ["in", "out", "written", "redirected", "dropped"]
            .map(|way| (way, meter.u64_counter(format!("ssis.rows.{way}")).build()));
        for task in &report.tasks {
            let path = KeyValue::new("ssis.path", task.path.clone());
            duration.record(task.elapsed.as_secs_f64(), std::slice::from_ref(&path));
            let TaskResult::Flow(flow) = &task.result else {
                continue;
            };
            for component in &flow.components {
                let attributes = [
                    path.clone(),
                    KeyValue::new("ssis.component", component.name.clone()),
                    KeyValue::new("ssis.class", component.class.clone()),
                ];
                for (way, counter) in &rows {
                    let count = match *way {
                        "in" => component.rows_in,
                        "out" => component.outputs.iter().map(|output| output.rows).sum(),
                        "written" => component.written.unwrap_or(0),
                        "redirected" => component.redirected,
                        _ => component.dropped,
                    };
                    if count > 0 {
                        counter.add(count, &attributes);
                    }
                }
            }
        }
    }
}

fn shown(result: ExecutionResult) -> &'static str {
    match result {
        ExecutionResult::Success => "success",
        ExecutionResult::Failure => "failure",
        ExecutionResult::Canceled => "canceled",
    }
}
