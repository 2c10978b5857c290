//! The operators that no package names: what runs row-wise components, forks a flow, keeps its order and counts its rows.
//!
//! ```text
//!  source ──▶ RowWiseExec ──▶ RowWiseExec ──▶ Router ═╦═ queue ══▶ RouterOutputExec ──▶ ... ──▶ GatherExec ──▶ sink
//!  (P partitions, batch k in partition k mod P)       ╚═ queue ══▶ RouterOutputExec ──▶ ... ──▶ GatherExec ──▶ sink
//! ```
//!
//! **Order.** Batch `k` of an edge travels in partition `k mod P`; row-wise operators map batch to batch. A round-robin
//! [gather](GatherExec) is then the source order, at any number of threads.
//! **Memory.** What waits in a queue is reserved from the run's pool; a queue that may not wait spills.
//! **Accounting.** Each operator tallies rows in, out, redirected and dropped; [`settle`] and the engine check the sums.

mod dispositions;
mod drain;
mod encode;
mod error;
mod feed;
mod gather;
mod narrow;
mod project;
mod queue;
mod router;
mod row_wise;
mod run_state;
mod scatter;
mod tally;

pub use dispositions::settle;
pub use drain::drain;
pub use encode::{Encode, EncodeExec};
pub use error::FlowError;
pub use feed::{Batches, FeedExec, OpenBatches, PushBatches, Stop};
pub use gather::GatherExec;
pub use narrow::narrow;
pub use project::project;
pub use router::{Router, RouterOutputExec};
pub use row_wise::{Applied, OutputRows, OutputSpec, Routing, RowError, RowWise, RowWiseExec};
pub use run_state::{RunOutput, RunState};
pub use scatter::ScatterExec;
pub use tally::{Tally, TallySnapshot};

use std::sync::Arc;

use datafusion_common::Result;
use datafusion_physical_plan::{ExecutionPlan, ExecutionPlanProperties};

/// The rows of a plan in one partition, in source order.
pub fn gather(input: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    if input.output_partitioning().partition_count() == 1 {
        return Ok(input);
    }
    Ok(Arc::new(GatherExec::try_new(input)?))
}

/// The rows of a plan in `partitions` partitions, batch `k` in partition `k mod partitions`.
pub fn scatter(input: Arc<dyn ExecutionPlan>, partitions: usize) -> Result<Arc<dyn ExecutionPlan>> {
    if input.output_partitioning().partition_count() == partitions {
        return Ok(input);
    }
    Ok(Arc::new(ScatterExec::try_new(gather(input)?, partitions)?))
}
