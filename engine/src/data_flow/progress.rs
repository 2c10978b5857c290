//! Row counts of the data flow that is running now, for a display; and the warnings of one that failed.

use std::sync::Arc;

use fletching_planner::DataFlowPlan;
use parking_lot::Mutex;

use super::accounting::rows_out;

/// Shared with the caller of a run; empty between data flows.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    running: Arc<Mutex<Option<Arc<DataFlowPlan>>>>,
    warnings: Arc<Mutex<Vec<String>>>,
}

/// One component at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgressRow {
    pub task: String,
    pub component: String,
    /// Rows that it has delivered on all outputs; for destinations, rows that were delivered to it.
    pub rows: u64,
}

impl Progress {
    pub(crate) fn start(&self, plan: Arc<DataFlowPlan>) {
        *self.running.lock() = Some(plan);
    }

    pub(crate) fn finish(&self) {
        *self.running.lock() = None;
    }

    pub(crate) fn warn(&self, warnings: Vec<String>) {
        self.warnings.lock().extend(warnings);
    }

    /// The warnings of a run that failed; those of one that succeeded are in its report.
    pub fn take_warnings(&self) -> Vec<String> {
        std::mem::take(&mut *self.warnings.lock())
    }

    /// The plan that runs now, for EXPLAIN.
    pub fn plan(&self) -> Option<Arc<DataFlowPlan>> {
        self.running.lock().clone()
    }

    pub fn rows(&self) -> Vec<ProgressRow> {
        let Some(plan) = self.plan() else {
            return Vec::new();
        };
        let out: Vec<Vec<u64>> = plan.operators.iter().map(rows_out).collect();
        plan.order
            .iter()
            .map(|&index| {
                let operator = &plan.operators[index];
                let delivered: u64 = out[index].iter().sum();
                let arrived = || {
                    operator
                        .inputs
                        .iter()
                        .filter_map(|&(from, output)| out[from].get(output))
                        .sum()
                };
                ProgressRow {
                    task: plan.path.clone(),
                    component: operator.name.clone(),
                    rows: if operator.outputs.is_empty() {
                        arrived()
                    } else {
                        delivered
                    },
                }
            })
            .collect()
    }
}
