//! What is sent to a collector, and what did not arrive.

use std::sync::atomic::{AtomicUsize, Ordering};

use opentelemetry_sdk::error::OTelSdkResult;
use parking_lot::Mutex;

/// Spans, or log records, that wait for the collector; more are lost, and told.
pub(super) const WAITING_MAX: usize = 65_536;

/// What became of what was handed to an exporter.
#[derive(Debug, Default)]
pub(super) struct Sent {
    count: AtomicUsize,
    failure: Mutex<Option<String>>,
}

impl Sent {
    pub(super) fn note(&self, count: usize, result: &OTelSdkResult) {
        match result {
            Ok(()) => {
                self.count.fetch_add(count, Ordering::Relaxed);
            }
            Err(error) => {
                self.failure.lock().get_or_insert(error.to_string());
            }
        }
    }

    /// Of `made` things, how many did not arrive, and why; `None` if all did.
    pub(super) fn missing(&self, made: usize, what: &str) -> Option<String> {
        let sent = self.count.load(Ordering::Relaxed);
        let why = self.failure.lock().clone();
        (sent < made).then(|| {
            let why = why.unwrap_or_else(|| "the collector did not take them in time".to_owned());
            format!("{} of {made} {what} were not sent: {why}", made - sent)
        })
    }
}
