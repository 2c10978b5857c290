//! Row counts of the data flows that are running now, for a display.

use std::sync::Arc;

use fletching_planner::DataFlowPlan;
use parking_lot::Mutex;

use super::accounting::rows_out;

/// Shared with the caller of a run; empty while no data flow runs.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    running: Arc<Mutex<Vec<Arc<DataFlowPlan>>>>,
}

/// Shows a plan until it is dropped.
#[derive(Debug)]
pub(crate) struct Shown {
    progress: Progress,
    plan: Arc<DataFlowPlan>,
}

impl Drop for Shown {
    fn drop(&mut self) {
        let mut running = self.progress.running.lock();
        running.retain(|plan| !Arc::ptr_eq(plan, &self.plan));
    }
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
    pub(crate) fn show(&self, plan: Arc<DataFlowPlan>) -> Shown {
        self.running.lock().push(Arc::clone(&plan));
        Shown {
            progress: self.clone(),
            plan,
        }
    }

    pub fn rows(&self) -> Vec<ProgressRow> {
        let plans = self.running.lock().clone();
        plans.iter().flat_map(|plan| rows_of(plan)).collect()
    }
}

fn rows_of(plan: &DataFlowPlan) -> Vec<ProgressRow> {
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
