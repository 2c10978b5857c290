//! The sums that must hold after every run: rows in = rows out + redirected + dropped by a named rule, and what leaves an
//! output is what arrives at the next input.

use std::time::Duration;

use datafusion_physical_plan::metrics::MetricsSet;
use fletching_components::{Accounting, ComponentKind};
use fletching_planner::{DataFlowPlan, Measure, Operator};

use crate::{ComponentReport, FlowReport, OutputReport, RunError};

/// The report of a finished flow. `written[r]` is what root `r` took.
pub(crate) fn report(plan: &DataFlowPlan, written: &[u64]) -> Result<FlowReport, RunError> {
    let rows_out: Vec<Vec<u64>> = plan.operators.iter().map(rows_out).collect();
    let mut components = Vec::with_capacity(plan.operators.len());
    for &index in &plan.order {
        let operator = &plan.operators[index];
        let arrived: u64 = operator
            .inputs
            .iter()
            .map(|&(from, output)| rows_out[from].get(output).copied().unwrap_or(0))
            .sum();
        let root = plan.roots.iter().position(|root| root.component == index);
        let taken = root.map(|root| written[root]);
        let report = component(operator, arrived, &rows_out[index], taken);
        check(plan, operator, &report, arrived)?;
        components.push(report);
    }
    Ok(FlowReport { components })
}

pub(super) fn rows_out(operator: &Operator) -> Vec<u64> {
    match &operator.measure {
        Measure::Tally(tally) => tally.snapshot().rows_out,
        Measure::Plan { plans, .. } => {
            let last = plans.iter().map(|(output, _)| *output).max().unwrap_or(0);
            let mut rows = vec![0; last + 1];
            for (output, plan) in plans {
                let metrics = plan.metrics().and_then(|metrics| metrics.output_rows());
                rows[*output] = metrics.unwrap_or(0) as u64;
            }
            rows
        }
    }
}

fn component(
    operator: &Operator,
    arrived: u64,
    rows_out: &[u64],
    taken: Option<u64>,
) -> ComponentReport {
    let mut written = taken;
    let (redirected, dropped, elapsed) = match &operator.measure {
        Measure::Tally(tally) => {
            let snapshot = tally.snapshot();
            (snapshot.redirected, snapshot.dropped, snapshot.elapsed)
        }
        Measure::Plan {
            plans, operators, ..
        } => {
            let all = || plans.iter().filter_map(|(_, plan)| plan.metrics());
            let dropped = all().map(|metrics| sum(&metrics, "dropped_rows")).sum();
            // A destination whose failing rows go on is no root.
            written = written.or_else(|| {
                all()
                    .find_map(|metrics| metrics.sum_by_name("written_rows"))
                    .map(|rows| rows.as_usize() as u64)
            });
            let all = operators.iter().filter_map(|operator| operator.metrics());
            (0, dropped, all.map(|metrics| elapsed(&metrics)).sum())
        }
    };
    let outputs = operator
        .outputs
        .iter()
        .zip(rows_out.iter().chain(std::iter::repeat(&0)))
        .map(|(output, &rows)| OutputReport {
            name: output.name.clone(),
            rows,
            leads_to: output.leads_to.clone(),
        })
        .collect();
    ComponentReport {
        name: operator.name.clone(),
        class: operator.class.clone(),
        rows_in: arrived,
        outputs,
        redirected,
        dropped,
        written: written.filter(|_| operator.kind == ComponentKind::Destination),
        elapsed,
    }
}

fn check(
    plan: &DataFlowPlan,
    operator: &Operator,
    report: &ComponentReport,
    arrived: u64,
) -> Result<(), RunError> {
    let delivered: u64 = report.outputs.iter().map(|output| output.rows).sum();
    let balanced = match (&operator.measure, operator.kind) {
        (Measure::Tally(tally), ComponentKind::Source) => {
            tally.snapshot().rows_in > 0 || delivered == 0
        }
        (Measure::Tally(tally), _) => tally.snapshot().rows_in == arrived,
        (Measure::Plan { .. }, ComponentKind::Destination) => {
            report.written == arrived.checked_sub(delivered + report.dropped)
        }
        (
            Measure::Plan {
                accounting: Accounting::Preserving,
                ..
            },
            ComponentKind::Transform,
        ) => arrived == delivered + report.dropped,
        (Measure::Plan { .. }, _) => true,
    };
    if balanced {
        return Ok(());
    }
    Err(RunError::Engine {
        task: plan.path.clone(),
        message: format!(
            "rows are not accounted for at {}: {arrived} arrived, {delivered} left, {} dropped, {:?} written; \
             this is a defect of Fletching, please report it",
            operator.path, report.dropped, report.written
        ),
    })
}

fn sum(metrics: &MetricsSet, name: &str) -> u64 {
    metrics
        .sum_by_name(name)
        .map_or(0, |value| value.as_usize() as u64)
}

fn elapsed(metrics: &MetricsSet) -> Duration {
    Duration::from_nanos(metrics.elapsed_compute().unwrap_or(0) as u64)
}
