//! A data-flow plan as text: each router once, then one tree per root.

use datafusion_physical_plan::display::DisplayableExecutionPlan;

use crate::{DataFlowPlan, RootKind};

/// The physical plan. With `metrics`, after a run, each operator shows what it did.
pub fn explain(plan: &DataFlowPlan, metrics: bool) -> String {
    let mut text = format!("Data flow {}\n", plan.path);
    for router in &plan.routers {
        text += &format!("  {}\n", OneLine(router));
        if metrics {
            let metrics = router.metrics().aggregate_by_name();
            text += &format!("    metrics=[{metrics}]\n");
        }
        indent(&mut text, &tree(router.input(), metrics), 4);
    }
    for root in &plan.roots {
        let operator = &plan.operators[root.component];
        let kind = match root.kind {
            RootKind::Sink => "destination",
            RootKind::Reader(_) => "reader",
            RootKind::Drain => "rows end at",
        };
        text += &format!("  {kind} {} ({})\n", operator.name, operator.class);
        indent(&mut text, &tree(&root.plan, metrics), 4);
    }
    text
}

fn tree(
    plan: &std::sync::Arc<dyn datafusion_physical_plan::ExecutionPlan>,
    metrics: bool,
) -> String {
    if metrics {
        DisplayableExecutionPlan::with_metrics(plan.as_ref())
            .indent(false)
            .to_string()
    } else {
        DisplayableExecutionPlan::new(plan.as_ref())
            .indent(false)
            .to_string()
    }
}

fn indent(text: &mut String, lines: &str, by: usize) {
    for line in lines.lines() {
        text.extend(std::iter::repeat_n(' ', by));
        text.push_str(line);
        text.push('\n');
    }
}

struct OneLine<'a, T>(&'a T);

impl<T: std::ops::Deref<Target = fletching_components::flow::Router>> std::fmt::Display
    for OneLine<'_, T>
{
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use datafusion_physical_plan::{DisplayAs, DisplayFormatType};
        self.0.fmt_as(DisplayFormatType::Default, f)
    }
}
