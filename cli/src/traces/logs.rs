//! Events of a run as log records, each with the span that was open where it came from.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use fletching::{Event, EventKind};
use opentelemetry::{
    logs::{LogRecord as _, Logger as _, LoggerProvider as _, Severity},
    trace::SpanContext,
};
use opentelemetry_otlp::LogExporter;
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    logs::{
        BatchConfigBuilder, BatchLogProcessor, LogBatch, LogExporter as Exporter, SdkLogger,
        SdkLoggerProvider,
    },
};

use super::otlp::{Sent, WAITING_MAX};

/// Sends log records.
#[derive(Debug)]
pub(super) struct Logs {
    provider: SdkLoggerProvider,
    logger: SdkLogger,
    written: AtomicUsize,
    sent: Arc<Sent>,
}

/// The exporter, watched: it tells nobody of its failures.
#[derive(Debug)]
struct Watched {
    exporter: LogExporter,
    sent: Arc<Sent>,
}

impl Exporter for Watched {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        let records = batch.iter().count();
        let result = self.exporter.export(batch).await;
        self.sent.note(records, &result);
        result
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl Logs {
    pub(super) fn new(exporter: LogExporter, resource: Resource) -> Self {
        let sent = Arc::<Sent>::default();
        let watched = Watched {
            exporter,
            sent: Arc::clone(&sent),
        };
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(WAITING_MAX)
            .build();
        let processor = BatchLogProcessor::builder(watched)
            .with_batch_config(batches)
            .build();
        let provider = SdkLoggerProvider::builder()
            .with_log_processor(processor)
            .with_resource(resource)
            .build();
        Self {
            logger: provider.logger("fletching"),
            provider,
            written: AtomicUsize::new(0),
            sent,
        }
    }

    /// Writes an event down; `span` is that of its executable.
    pub(super) fn write(&self, event: &Event, span: Option<&SpanContext>) {
        let (severity, text) = match event.kind {
            EventKind::Error => (Severity::Error, "ERROR"),
            EventKind::Warning => (Severity::Warn, "WARN"),
            EventKind::Information => (Severity::Info, "INFO"),
            _ => (Severity::Debug, "DEBUG"),
        };
        let mut record = self.logger.create_log_record();
        record.set_timestamp(event.time.into());
        record.set_severity_number(severity);
        record.set_severity_text(text);
        record.set_body(event.message.clone().into());
        record.add_attribute("ssis.event", event.kind.name().to_owned());
        record.add_attribute("ssis.path", event.source.path.clone());
        record.add_attribute("ssis.id", event.source.id.clone());
        if let Some(code) = event.code {
            record.add_attribute("ssis.code", format!("0x{:08X}", code.0));
            record.add_attribute("ssis.symbol", code.symbol());
        }
        if let Some(span) = span {
            record.set_trace_context(span.trace_id(), span.span_id(), Some(span.trace_flags()));
        }
        self.written.fetch_add(1, Ordering::Relaxed);
        self.logger.emit(record);
    }

    /// Sends what is left; why something did not arrive, if so.
    pub(super) fn close(&self) -> Option<String> {
        // What fails is noted by the exporter.
        drop(self.provider.shutdown());
        self.sent
            .missing(self.written.load(Ordering::Relaxed), "log records")
    }
}
