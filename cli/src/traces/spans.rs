//! Spans of the package, its containers and tasks as they run; of components when the run has ended.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::SystemTime,
};

use fletching::{
    ComponentReport, Event, EventKind, EventListener, RunIdentity, RunReport, TaskResult,
    dtsx::SsisCode,
};
use opentelemetry::{
    Context, KeyValue,
    trace::{Span as _, SpanBuilder, SpanContext, Status, TraceContextExt, TracerProvider as _},
};
use opentelemetry_otlp::{LogExporter, MetricExporter, SpanExporter, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{
        BatchConfigBuilder, BatchSpanProcessor, SdkTracer, SdkTracerProvider, Span, SpanData,
        SpanExporter as Exporter,
    },
};
use parking_lot::Mutex;

use super::{
    logs::Logs,
    metrics::Metrics,
    otlp::{Sent, WAITING_MAX},
};
use crate::exit::{Exit, Failure};

/// `DTS_W_MAXIMUMERRORCOUNTREACHED`.
const TOO_MANY_ERRORS: SsisCode = SsisCode(0x8001_9002);
/// Where OTLP over HTTP takes traces, log records and metrics.
const PATHS: [&str; 3] = ["/v1/traces", "/v1/logs", "/v1/metrics"];

/// Makes spans of events.
#[derive(Debug)]
pub(crate) struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    identity: RunIdentity,
    open: Mutex<Open>,
    /// Spans that were ended.
    ended: AtomicUsize,
    sent: Arc<Sent>,
    logs: Logs,
    metrics: Metrics,
}

#[derive(Debug, Default)]
struct Open {
    spans: HashMap<String, Span>,
    /// Of executables that have ended, by path: the last span of each, and when it began.
    ended: HashMap<String, (SpanContext, SystemTime)>,
    begun: HashMap<String, SystemTime>,
}

/// The exporter, watched: it tells nobody of its failures.
#[derive(Debug)]
struct Watched {
    exporter: SpanExporter,
    sent: Arc<Sent>,
}

impl Exporter for Watched {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let result = self.exporter.export(batch).await;
        self.sent.note(spans, &result);
        result
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl Traces {
    /// Gets ready to send to a collector; nothing is sent yet.
    pub(crate) fn open(endpoint: &str, identity: &RunIdentity) -> Result<Self, Failure> {
        let wrong =
            |why: String| Failure::new(Exit::BadCommandLine, format!("--otlp `{endpoint}`: {why}"));
        if !endpoint.starts_with("http://") {
            return Err(wrong(
                "write the address of a collector that takes OTLP over HTTP: http://127.0.0.1:4318"
                    .to_owned(),
            ));
        }
        let base = endpoint.trim_end_matches('/');
        let base = PATHS
            .iter()
            .fold(base, |base, path| base.trim_end_matches(path));
        let [traces, logs, metrics] = PATHS.map(|path| format!("{base}{path}"));
        let unbuilt = |error: opentelemetry_otlp::ExporterBuildError| wrong(error.to_string());
        let exporter = SpanExporter::builder().with_http().with_endpoint(traces);
        let exporter = exporter.build().map_err(unbuilt)?;
        let logs = LogExporter::builder().with_http().with_endpoint(logs);
        let logs = logs.build().map_err(unbuilt)?;
        let metrics = MetricExporter::builder().with_http().with_endpoint(metrics);
        let metrics = metrics.build().map_err(unbuilt)?;
        let resource = Resource::builder().with_service_name("fletching").build();
        let sent = Arc::<Sent>::default();
        let watched = Watched {
            exporter,
            sent: Arc::clone(&sent),
        };
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(WAITING_MAX)
            .build();
        let processor = BatchSpanProcessor::builder(watched)
            .with_batch_config(batches)
            .build();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(processor)
            .with_resource(resource.clone())
            .build();
        Ok(Self {
            tracer: provider.tracer("fletching"),
            provider,
            identity: identity.clone(),
            open: Mutex::default(),
            ended: AtomicUsize::new(0),
            sent,
            logs: Logs::new(logs, resource.clone()),
            metrics: Metrics::new(metrics, resource),
        })
    }

    /// Sends what is left, the components of data flows first; why something did not arrive, if so.
    pub(crate) fn close(&self, report: &RunReport) -> Option<String> {
        self.components(report);
        let open: Vec<Span> = {
            let mut open = self.open.lock();
            let spans = std::mem::take(&mut open.spans);
            spans.into_values().collect()
        };
        for span in open {
            self.end(span, now());
        }
        // What fails is noted by the exporter.
        drop(self.provider.shutdown());
        let missing = [
            self.sent
                .missing(self.ended.load(Ordering::Relaxed), "spans"),
            self.logs.close(),
            self.metrics.close(report),
        ];
        let missing: Vec<String> = missing.into_iter().flatten().collect();
        (!missing.is_empty()).then(|| format!("--otlp: {}", missing.join("; ")))
    }

    fn components(&self, report: &RunReport) {
        let ended = std::mem::take(&mut self.open.lock().ended);
        for task in &report.tasks {
            let TaskResult::Flow(flow) = &task.result else {
                continue;
            };
            let Some((parent, begun)) = ended.get(&task.path) else {
                continue;
            };
            let (begun, rounds) = (*begun, task.rounds.total());
            let context = Context::new().with_remote_span_context(parent.clone());
            for component in &flow.components {
                let mut attributes = attributes_of(component);
                if rounds > 1 {
                    // The sums of all rounds, with the last of them.
                    attributes.push(KeyValue::new("ssis.rounds", count(rounds)));
                }
                let span = SpanBuilder::from_name(component.name.clone())
                    .with_start_time(begun)
                    .with_attributes(attributes)
                    .start_with_context(&self.tracer, &context);
                self.end(span, begun + component.elapsed);
            }
        }
    }

    fn begin(&self, event: &Event) {
        let path = &event.source.path;
        let mut open = self.open.lock();
        let parent = around(path).find_map(|around| open.spans.get(around));
        let context = match parent {
            Some(parent) => Context::new().with_remote_span_context(parent.span_context().clone()),
            None => Context::new(),
        };
        let begun = SystemTime::from(event.time);
        let mut attributes = vec![
            KeyValue::new("ssis.path", path.clone()),
            KeyValue::new("ssis.id", event.source.id.clone()),
        ];
        if parent.is_none() {
            attributes.extend([
                KeyValue::new("ssis.execution_id", self.identity.execution_id.clone()),
                KeyValue::new("host.name", self.identity.computer.clone()),
            ]);
        }
        let span = SpanBuilder::from_name(event.source.name.clone())
            .with_start_time(begun)
            .with_attributes(attributes)
            .start_with_context(&self.tracer, &context);
        open.begun.insert(path.clone(), begun);
        open.spans.insert(path.clone(), span);
    }

    fn finish(&self, event: &Event) {
        let path = &event.source.path;
        let mut open = self.open.lock();
        let Some(span) = open.spans.remove(path) else {
            return;
        };
        let begun = open.begun.remove(path).unwrap_or_else(now);
        let context = span.span_context().clone();
        open.ended.insert(path.clone(), (context, begun));
        drop(open);
        self.end(span, event.time.into());
    }

    fn end(&self, mut span: Span, at: SystemTime) {
        span.end_with_timestamp(at);
        self.ended.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes an event in the span of its executable.
    fn note(&self, event: &Event) {
        let mut open = self.open.lock();
        let Some(span) = open.spans.get_mut(&event.source.path) else {
            return;
        };
        let code = event.code.map(|code| format!("0x{:08X}", code.0));
        let attributes = vec![
            KeyValue::new("message", event.message.clone()),
            KeyValue::new("ssis.code", code.unwrap_or_default()),
        ];
        span.add_event_with_timestamp(event.kind.name().to_owned(), event.time.into(), attributes);
        // That is said of each container that fails.
        if event.kind == EventKind::Error || event.code == Some(TOO_MANY_ERRORS) {
            span.set_status(Status::error(event.message.clone()));
        }
    }
}

impl EventListener for Traces {
    fn event(&self, event: &Event) {
        if event.kind == EventKind::PreExecute {
            self.begin(event);
        }
        let span = {
            let open = self.open.lock();
            let span = open.spans.get(&event.source.path);
            span.map(|span| span.span_context().clone())
        };
        self.logs.write(event, span.as_ref());
        match &event.kind {
            EventKind::PostExecute => self.finish(event),
            EventKind::Error | EventKind::Warning => self.note(event),
            _ => {}
        }
    }
}

/// The paths of what is around an executable, nearest first.
fn around(path: &str) -> impl Iterator<Item = &str> {
    let ends = path.char_indices().rev();
    ends.filter(|(at, one)| {
        *one == '\\'
            || path
                .get(*at..)
                .is_some_and(|rest| rest.starts_with(".EventHandlers["))
    })
    .filter_map(|(at, _)| path.get(..at))
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn attributes_of(component: &ComponentReport) -> Vec<KeyValue> {
    let sent: u64 = component.outputs.iter().map(|output| output.rows).sum();
    let mut attributes = vec![
        KeyValue::new("ssis.class", component.class.clone()),
        KeyValue::new("rows.in", count(component.rows_in)),
        KeyValue::new("rows.out", count(sent)),
    ];
    let written = component.written.map(count);
    attributes.extend(written.map(|rows| KeyValue::new("rows.written", rows)));
    attributes
}

fn now() -> SystemTime {
    fletching::now().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_around() {
        let paths: Vec<&str> = around(r"Package.EventHandlers[OnError]\Loop\Task").collect();
        assert_eq!(
            paths,
            [
                r"Package.EventHandlers[OnError]\Loop",
                "Package.EventHandlers[OnError]",
                "Package"
            ]
        );
    }
}
