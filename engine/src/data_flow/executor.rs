//! One tokio task per root. Sinks and drains run to their end; readers feed the caller attached to their name, who is
//! waited for as long as the destination says.

use std::sync::Arc;

use arrow::array::UInt64Array;
use datafusion_common::{DataFusionError, Result};
use datafusion_common_runtime::JoinSet;
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use dtsx::SsisCode;
use fletching_components::{Patience, flow::FlowError};
use fletching_planner::{DataFlowPlan, RootKind};
use futures::StreamExt;

use crate::{ReaderHub, RunError, reader::RowSender};

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
    let mut running: JoinSet<(usize, Result<Fed>)> = JoinSet::new();
    let mut warnings = Vec::new();
    let mut unread = Vec::new();
    for (index, root) in plan.roots.iter().enumerate() {
        let stream = root
            .plan
            .execute(0, Arc::clone(context))
            .map_err(|error| RunError::of_task(&plan.path, &error))?;
        let operator = &plan.operators[root.component];
        let name = operator.name.clone();
        match root.kind {
            RootKind::Reader(patience) => match hub.sender(&name) {
                Some(sender) => {
                    let path = operator.path.clone();
                    let patience = match hub.patient {
                        true => Patience {
                            timeout: None,
                            ..patience
                        },
                        false => patience,
                    };
                    let rows = feed(stream, sender, patience, path);
                    running.spawn(async move { (index, rows.await) });
                }
                None => {
                    unread.push((index, name));
                    running.spawn(async move { (index, uncommented(count_rows(stream).await)) });
                }
            },
            RootKind::Sink | RootKind::Drain => {
                running.spawn(async move { (index, uncommented(written(stream).await)) });
            }
        }
    }
    let mut rows = vec![0; plan.roots.len()];
    while let Some(joined) = running.join_next().await {
        match joined {
            Ok((index, Ok(fed))) => {
                rows[index] = fed.rows;
                warnings.extend(fed.warning);
            }
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

/// The rows that a root took, and what the user should know of them.
struct Fed {
    rows: u64,
    warning: Option<String>,
}

fn uncommented(rows: Result<u64>) -> Result<Fed> {
    rows.map(|rows| Fed {
        rows,
        warning: None,
    })
}

async fn feed(
    mut stream: SendableRecordBatchStream,
    sender: RowSender,
    patience: Patience,
    path: String,
) -> Result<Fed> {
    let mut rows = 0;
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        let count = batch.num_rows() as u64;
        rows += count;
        if count == 0 {
            continue;
        }
        let sent = match patience.timeout {
            None => Ok(sender.send(batch).await),
            Some(timeout) => tokio::time::timeout(timeout, sender.send(batch)).await,
        };
        match sent {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(DataFusionError::External(Box::new(ReaderGone))),
            Err(_) if patience.fails => return Err(timed_out(&path, patience).into()),
            Err(_) => {
                sender.lapse(timed_out(&path, patience));
                let dropped = count + count_rows(stream).await?;
                let warning = format!(
                    "{path}: its reader asked for no rows within {}; {dropped} rows were dropped",
                    shown(patience)
                );
                let rows = rows - count + dropped;
                return Ok(Fed {
                    rows,
                    warning: Some(warning),
                });
            }
        }
    }
    Ok(Fed {
        rows,
        warning: None,
    })
}

fn timed_out(path: &str, patience: Patience) -> FlowError {
    let message = format!(
        "its reader asked for no rows within {} (ReadTimeout): read faster, or raise ReadTimeout; 0 waits for ever",
        shown(patience)
    );
    FlowError::new(path, Some(SsisCode::READER_TIMEOUT), message)
}

fn shown(patience: Patience) -> String {
    let timeout = patience.timeout.unwrap_or_default();
    format!("{} ms", timeout.as_millis())
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
