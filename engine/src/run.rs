//! A run of a prepared package, and what can be learned of one without running it.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion_execution::{
    TaskContext,
    config::SessionConfig,
    disk_manager::{DiskManagerBuilder, DiskManagerMode},
    memory_pool::{FairSpillPool, MemoryPool, UnboundedMemoryPool},
    runtime_env::RuntimeEnvBuilder,
};
use fletching_planner::{DataFlowPlan, RootKind};

use crate::{
    EventListener, PreparedPackage, Progress, ReaderBatches, ReaderHub, RunError, RunReport,
    Settings,
    control_flow::{Executor, PlanObserver, data_flows, evaluated},
    error::within,
    task::TaskHost,
    tasks,
};

/// Who looks at a run while it goes on.
#[derive(Default)]
pub struct Observers {
    /// Hear every event.
    pub listeners: Vec<Arc<dyn EventListener>>,
    /// Sees each plan after its data flow has succeeded (EXPLAIN ANALYZE).
    pub plans: Option<PlanObserver>,
}

impl std::fmt::Debug for Observers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Observers")
            .field("listeners", &self.listeners)
            .finish_non_exhaustive()
    }
}

impl PreparedPackage {
    /// Runs the package to its end: its report, whatever came of it. Dropping the future cancels the run.
    pub async fn run(
        &mut self,
        hub: &ReaderHub,
        progress: &Progress,
        observers: Observers,
    ) -> RunReport {
        let mut readers = hub.run();
        let context = match task_context(&self.state.settings) {
            Ok(context) => context,
            Err(error) => {
                readers.outcome = Err(error.clone());
                return RunReport::failed(&self.state.name, error);
            }
        };
        let Observers { listeners, plans } = observers;
        let mut executor = Executor::new(&self.state, (hub, progress), context, listeners, plans);
        let (report, outcome) = executor.run().await;
        readers.outcome = outcome;
        report
    }

    /// The physical plan of each data flow as things stand now, those of the packages that it runs after its own.
    pub fn plans(&self) -> Result<Vec<DataFlowPlan>, RunError> {
        let mut plans = self.own_plans()?;
        for child in tasks::children(&self.state) {
            let (place, child) = child?;
            let inner = child.plans().map_err(|error| error.within(&place))?;
            plans.extend(inner.into_iter().map(|mut plan| {
                plan.path = within(&place, &plan.path);
                plan
            }));
        }
        Ok(plans)
    }

    fn own_plans(&self) -> Result<Vec<DataFlowPlan>, RunError> {
        let flows = data_flows(&self.state.root).into_iter();
        let plans = flows.map(|flow| {
            let variables = self.state.scope(&flow.path);
            let executable = evaluated(flow, &variables, self.state.locale_id);
            let executable = executable.map_err(RunError::Findings)?;
            tasks::plan(&TaskHost {
                state: &self.state,
                executable: &executable,
            })
        });
        plans.collect()
    }

    /// The DataReader destinations of all tasks that are not disabled, with their schemas, without running. Those of a
    /// package that it runs have the path of the task in front; one that cannot be prepared yet is left out.
    pub fn readers(&self) -> Result<Vec<(String, SchemaRef)>, RunError> {
        let mut readers = Vec::new();
        for plan in self.own_plans()? {
            let roots = plan.roots.iter();
            for root in roots.filter(|root| matches!(root.kind, RootKind::Reader(_))) {
                readers.push((
                    plan.operators[root.component].name.clone(),
                    root.plan.schema(),
                ));
            }
        }
        for (place, child) in tasks::children(&self.state).flatten() {
            let inner = child.readers().unwrap_or_default().into_iter();
            readers.extend(inner.map(|(name, schema)| (within(&place, &name), schema)));
        }
        Ok(readers)
    }

    /// Attaches a caller to a DataReader destination; its rows arrive while [`run`](Self::run) runs.
    pub fn attach(&self, name: &str, hub: &ReaderHub) -> Result<ReaderBatches, RunError> {
        let readers = self.readers()?;
        match readers.iter().find(|(reader, _)| reader == name) {
            Some((_, schema)) => hub.attach(name, Arc::clone(schema)),
            None => Err(RunError::UnknownOverride {
                what: "DataReader destination",
                name: name.to_owned(),
                package: self.state.name.clone(),
                known: readers.into_iter().map(|(reader, _)| reader).collect(),
            }),
        }
    }
}

/// One memory pool and one place for spill files per run.
fn task_context(settings: &Settings) -> Result<Arc<TaskContext>, RunError> {
    let pool: Arc<dyn MemoryPool> = match settings.memory_limit_bytes {
        Some(bytes) => Arc::new(FairSpillPool::new(bytes)),
        None => Arc::new(UnboundedMemoryPool::default()),
    };
    let mode = match &settings.temp_dir {
        Some(dir) => DiskManagerMode::Directories(vec![dir.clone()]),
        None => DiskManagerMode::OsTmpDirectory,
    };
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(pool)
        .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(mode))
        .build_arc()
        .map_err(|error| RunError::Engine {
            task: "set-up".into(),
            message: error.strip_backtrace(),
        })?;
    let config = SessionConfig::new()
        .with_target_partitions(settings.threads.max(1))
        .with_batch_size(settings.batch_size.max(1));
    Ok(Arc::new(
        TaskContext::default()
            .with_session_config(config)
            .with_runtime(runtime),
    ))
}
