//! Holds the rows back until the reference is there.
//!
//! ```text
//!  partition 0 ─┐                       ┌─▶ its batches
//!               ├─ wait ──▶ loading ────┤
//!  partition 1 ─┘   one blocking thread └─▶ its batches
//! ```
//!
//! The first partition that is executed starts to load, all wait for it, also those that yield no row. A failure is each
//! partition's. A run that is cancelled stops the query.

use std::{fmt, sync::Arc};

use datafusion_common::{DataFusionError, Result, internal_err, tree_node::TreeNodeRecursion};
use datafusion_common_runtime::SpawnedTask;
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_physical_expr::PhysicalExpr;
use datafusion_physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, execution_plan::CardinalityEffect,
    stream::RecordBatchStreamAdapter,
};
use fletching_connections::database::Cancel;
use futures::{
    FutureExt, TryFutureExt,
    future::{BoxFuture, Shared},
};
use parking_lot::Mutex;

use crate::flow::FlowError;

/// What loads the reference, on a blocking thread.
pub(crate) type Work = Box<dyn FnOnce(&Arc<TaskContext>, &Stop) -> Result<(), FlowError> + Send>;
type Loaded = Shared<BoxFuture<'static, Result<(), FlowError>>>;

/// How a query that runs on another thread is stopped.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stop(Arc<Mutex<Stopping>>);

#[derive(Debug, Default)]
struct Stopping {
    stopped: bool,
    query: Option<Arc<dyn Cancel>>,
}

impl Stop {
    /// Notes what to stop; whether the work shall go on.
    pub(super) fn of(&self, query: Option<Arc<dyn Cancel>>) -> bool {
        let mut stopping = self.0.lock();
        stopping.query = query;
        !stopping.stopped
    }

    fn now(&self) {
        let mut stopping = self.0.lock();
        stopping.stopped = true;
        if let Some(query) = &stopping.query {
            query.cancel();
        }
    }
}

/// Stops the query of a future that is dropped before its end.
struct Guard(Option<Stop>);

impl Guard {
    fn disarm(&mut self) {
        self.0 = None;
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(stop) = &self.0 {
            stop.now();
        }
    }
}

/// The loading of one run.
pub(crate) struct Loading {
    path: String,
    /// Begins when the plan is executed, side by side with others; else when a partition asks for its first batch.
    early: bool,
    state: Mutex<State>,
}

enum State {
    Waiting(Option<Work>),
    Begun(Loaded),
}

impl Loading {
    pub(crate) fn new(path: &str, early: bool, work: Work) -> Self {
        Self {
            path: path.to_owned(),
            early,
            state: Mutex::new(State::Waiting(Some(work))),
        }
    }

    fn loaded(&self, context: &Arc<TaskContext>) -> Result<Loaded> {
        let mut state = self.state.lock();
        if let State::Waiting(work) = &mut *state {
            let Some(work) = work.take() else {
                return internal_err!("{}: a reference failed to load", self.path);
            };
            *state = State::Begun(self.begin(work, Arc::clone(context)));
        }
        match &*state {
            State::Begun(loaded) => Ok(loaded.clone()),
            State::Waiting(_) => internal_err!("{}: a reference is not loaded", self.path),
        }
    }

    fn begin(&self, work: Work, context: Arc<TaskContext>) -> Loaded {
        let stop = Stop::default();
        let inside = stop.clone();
        let spawn = move || SpawnedTask::spawn_blocking(move || work(&context, &inside));
        let path = self.path.clone();
        let (begun, later) = match self.early {
            true => (Some(spawn()), None),
            false => (None, Some(spawn)),
        };
        let mut guard = Guard(Some(stop));
        let loading = async move {
            let task = match (begun, later) {
                (Some(task), _) => task,
                (None, Some(spawn)) => spawn(),
                (None, None) => return Ok(()),
            };
            let loaded = task.join().await;
            guard.disarm();
            loaded.unwrap_or_else(|error| {
                let message = format!("loading the reference ended before its last row: {error}");
                Err(FlowError::new(path, None, message))
            })
        };
        loading.boxed().shared()
    }
}

/// The rows of its input, once the reference is loaded.
pub(crate) struct ReferenceExec {
    details: String,
    input: Arc<dyn ExecutionPlan>,
    loading: Arc<Loading>,
}

impl ReferenceExec {
    pub(crate) fn new(details: String, input: Arc<dyn ExecutionPlan>, loading: Loading) -> Self {
        Self {
            details,
            input,
            loading: Arc::new(loading),
        }
    }
}

impl fmt::Debug for ReferenceExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReferenceExec")
            .field("details", &self.details)
            .finish_non_exhaustive()
    }
}

impl DisplayAs for ReferenceExec {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReferenceExec: {}", self.details)
    }
}

impl ExecutionPlan for ReferenceExec {
    fn name(&self) -> &str {
        "ReferenceExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Ok([input]) = <[_; 1]>::try_from(children) else {
            return internal_err!("ReferenceExec takes one input");
        };
        Ok(Arc::new(Self {
            details: self.details.clone(),
            input,
            loading: Arc::clone(&self.loading),
        }))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let loaded = self.loading.loaded(&context)?;
        let input = Arc::clone(&self.input);
        let begun = match self.loading.early {
            true => Some(input.execute(partition, Arc::clone(&context))?),
            false => None,
        };
        let batches = async move {
            loaded.await.map_err(DataFusionError::from)?;
            match begun {
                Some(batches) => Ok(batches),
                None => input.execute(partition, context),
            }
        };
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            self.input.schema(),
            batches.try_flatten_stream(),
        )))
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::Equal
    }
}
