//! `--otlp`: a run for an OpenTelemetry collector: a trace, its events as log records, and figures.
//!
//! ```text
//! package ─┬─ container ─┬─ task ─── component: CPU time, rows
//!          └─ task       └─ task      (when the run has ended: that is when their times are known)
//! events ──▶ log records, each in the span of its executable
//! report ──▶ metrics: rows, times, errors
//! ```

#[cfg(feature = "otel")]
mod logs;
#[cfg(feature = "otel")]
mod metrics;
#[cfg(feature = "otel")]
mod otlp;
#[cfg(feature = "otel")]
mod spans;

#[cfg(feature = "otel")]
pub(crate) use spans::Traces;

#[cfg(not(feature = "otel"))]
pub(crate) use absent::Traces;

#[cfg(not(feature = "otel"))]
mod absent {
    use fletching::{Event, EventListener, RunIdentity, RunReport};

    use crate::exit::{Exit, Failure};

    /// No traces: cannot be made.
    #[derive(Debug)]
    pub(crate) enum Traces {}

    impl Traces {
        pub(crate) fn open(_endpoint: &str, _identity: &RunIdentity) -> Result<Self, Failure> {
            Err(Failure::new(
                Exit::BadCommandLine,
                "--otlp: this program was built without OpenTelemetry; build it with `--features otel`",
            ))
        }

        pub(crate) fn close(&self, _report: &RunReport) -> Option<String> {
            match *self {}
        }
    }

    impl EventListener for Traces {
        fn event(&self, _event: &Event) {
            match *self {}
        }
    }
}
