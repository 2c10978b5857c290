//! One tokio task per root. Sinks and drains run to their end; readers feed the caller attached to their name.

use std::sync::Arc;

use arrow::array::{RecordBatch, UInt64Array};
use datafusion_common::{DataFusionError, Result};
use datafusion_common_runtime::JoinSet;
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use fletching_planner::{DataFlowPlan, RootKind};
use futures::StreamExt;
use tokio::sync::mpsc;

use crate::{ReaderHub, RunError};

/// Rows that each root took, in the order of [`DataFlowPlan::roots`], and what the user should know.
pub(crate) struct Executed {
    pub(crate) rows: Vec<u64>,
    pub(crate) warnings: Vec<String>,
}

/// Runs all roots of a plan. Dropping the future stops everything.
pub(crate) async fn execute(
    plan: &DataFlowPlan,
    context: &Arc<TaskContext>,
    hub: &ReaderHub,
) -> Result<Executed, RunError> {
    let mut running: JoinSet<(usize, Result<u64>)> = JoinSet::new();
    let mut warnings = Vec::new();
    let mut unread = Vec::new();
    for (index, root) in plan.roots.iter().enumerate() {
        let stream = root
            .plan
            .execute(0, Arc::clone(context))
            .map_err(|error| RunError::of_task(&plan.path, &error))?;
        let name = &plan.operators[root.component].name;
        let sender = (root.kind == RootKind::Reader)
            .then(|| hub.sender(name))
            .flatten();
        if root.kind == RootKind::Reader && sender.is_none() {
            unread.push((index, name.clone()));
        }
        let kind = root.kind;
        running.spawn(async move {
            let rows = match (kind, sender) {
                (RootKind::Reader, Some(sender)) => feed(stream, sender).await,
                (RootKind::Reader, None) => count_rows(stream).await,
                _ => written(stream).await,
            };
            (index, rows)
        });
    }
    let mut rows = vec![0; plan.roots.len()];
    while let Some(joined) = running.join_next().await {
        match joined {
            Ok((index, Ok(count))) => rows[index] = count,
            Ok((_, Err(error))) => return Err(failure(plan, &error)),
            Err(error) => {
                return Err(RunError::of_task(
                    &plan.path,
                    &DataFusionError::External(Box::new(error)),
                ));
            }
        }
    }
    for (index, name) in unread {
        warnings.push(format!(
            "{}\\{name}: no program reads it; {} rows were dropped",
            plan.path, rows[index]
        ));
    }
    Ok(Executed { rows, warnings })
}

/// A caller that went away is a cancellation, not a failure.
#[derive(Debug, thiserror::Error)]
#[error("the reader went away")]
struct ReaderGone;

fn failure(plan: &DataFlowPlan, error: &DataFusionError) -> RunError {
    match error {
        DataFusionError::External(inner) if inner.is::<ReaderGone>() => RunError::Cancelled,
        error => RunError::of_task(&plan.path, error),
    }
}

async fn feed(
    mut stream: SendableRecordBatchStream,
    sender: mpsc::Sender<RecordBatch>,
) -> Result<u64> {
    let mut rows = 0;
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        rows += batch.num_rows() as u64;
        if batch.num_rows() > 0 && sender.send(batch).await.is_err() {
            return Err(DataFusionError::External(Box::new(ReaderGone)));
        }
    }
    Ok(rows)
}

async fn count_rows(mut stream: SendableRecordBatchStream) -> Result<u64> {
    let mut rows = 0;
    while let Some(batch) = stream.next().await {
        rows += batch?.num_rows() as u64;
    }
    Ok(rows)
}

/// The count that a sink yields.
async fn written(mut stream: SendableRecordBatchStream) -> Result<u64> {
    let mut rows = 0;
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        let counts = batch
            .columns()
            .first()
            .and_then(|column| column.as_any().downcast_ref::<UInt64Array>());
        rows += counts.map_or(0, |counts| counts.values().iter().sum());
    }
    Ok(rows)
}
