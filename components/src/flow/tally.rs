//! Row counts of one component in one run, read while it runs (progress) and after (accounting).

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Counters of a row-wise component. Written once per batch.
#[derive(Debug)]
pub struct Tally {
    rows_in: AtomicU64,
    redirected: AtomicU64,
    dropped: AtomicU64,
    elapsed_ns: AtomicU64,
    outputs: Vec<AtomicU64>,
}

/// The counters at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TallySnapshot {
    pub rows_in: u64,
    /// Rows that each output delivered, in document order.
    pub rows_out: Vec<u64>,
    pub redirected: u64,
    /// Rows that ended here by a named rule: no path leads away from their output.
    pub dropped: u64,
    /// Summed over threads.
    pub elapsed: Duration,
}

impl Tally {
    pub fn new(outputs: usize) -> Self {
        Self {
            rows_in: AtomicU64::new(0),
            redirected: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            elapsed_ns: AtomicU64::new(0),
            outputs: (0..outputs).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    pub fn add_batch(&self, rows_in: usize, redirected: usize, dropped: usize) {
        self.rows_in.fetch_add(rows_in as u64, Ordering::Relaxed);
        self.redirected
            .fetch_add(redirected as u64, Ordering::Relaxed);
        self.dropped.fetch_add(dropped as u64, Ordering::Relaxed);
    }

    pub fn add_output(&self, output: usize, rows: usize) {
        if let Some(counter) = self.outputs.get(output) {
            counter.fetch_add(rows as u64, Ordering::Relaxed);
        }
    }

    pub fn add_elapsed(&self, elapsed: Duration) {
        self.elapsed_ns.fetch_add(
            u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX),
            Ordering::Relaxed,
        );
    }

    pub fn snapshot(&self) -> TallySnapshot {
        TallySnapshot {
            rows_in: self.rows_in.load(Ordering::Relaxed),
            rows_out: self
                .outputs
                .iter()
                .map(|counter| counter.load(Ordering::Relaxed))
                .collect(),
            redirected: self.redirected.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
            elapsed: Duration::from_nanos(self.elapsed_ns.load(Ordering::Relaxed)),
        }
    }
}
