//! A run: the tasks of a prepared package one after the other, each with the variables that those before it left.

use std::{sync::Arc, time::Instant};

use arrow::datatypes::SchemaRef;
use datafusion_execution::{
    TaskContext,
    config::SessionConfig,
    disk_manager::{DiskManagerBuilder, DiskManagerMode},
    memory_pool::{FairSpillPool, MemoryPool, UnboundedMemoryPool},
    runtime_env::RuntimeEnvBuilder,
};
use fletching_components::{
    PlanContext,
    flow::{FlowError, RunOutput, RunState},
};
use fletching_planner::{DataFlowPlan, RootKind, lower};

use crate::{
    PreparedPackage, Progress, ReaderBatches, ReaderHub, RunError, RunReport, Settings,
    TaskOutcome, TaskPlan, TaskResult, TaskWork, data_flow, variables::Handed,
};

impl PreparedPackage {
    /// Runs the package to its end. Dropping the future cancels the run.
    pub async fn run(
        &mut self,
        hub: &ReaderHub,
        progress: &Progress,
    ) -> Result<RunReport, RunError> {
        self.run_observed(hub, progress, |_| ()).await
    }

    /// As [`run`](Self::run); `finished` sees each plan after its data flow has succeeded (EXPLAIN ANALYZE).
    pub async fn run_observed(
        &mut self,
        hub: &ReaderHub,
        progress: &Progress,
        finished: impl FnMut(&DataFlowPlan),
    ) -> Result<RunReport, RunError> {
        let mut readers = hub.run();
        let report = self.run_tasks(hub, progress, finished).await;
        readers.outcome = report.as_ref().map(|_| ()).map_err(Clone::clone);
        report
    }

    async fn run_tasks(
        &mut self,
        hub: &ReaderHub,
        progress: &Progress,
        mut finished: impl FnMut(&DataFlowPlan),
    ) -> Result<RunReport, RunError> {
        let started = Instant::now();
        let mut report = RunReport {
            package: self.name.clone(),
            ..RunReport::default()
        };
        let context = task_context(&self.settings)?;
        let tasks = Arc::clone(&self.tasks);
        for (at, task) in tasks.iter().enumerate() {
            let started = Instant::now();
            let outcome = match &task.work {
                _ if task.disabled => Ok(TaskResult::Disabled),
                TaskWork::DataFlow { .. } => self
                    .run_flow(task, &context, hub, progress, &mut report, &mut finished)
                    .await
                    .map(TaskResult::Flow),
                TaskWork::Expression(work) => self.evaluate_task(work).map(|(assignment, said)| {
                    self.variables.assign(assignment);
                    report.variables.push(said);
                    TaskResult::Expression
                }),
                TaskWork::ExecuteSql(work) => {
                    self.run_sql(work, &mut report).await.map(TaskResult::Sql)
                }
                TaskWork::BulkInsert(work) => {
                    self.run_bulk(work, &mut report).await.map(TaskResult::Bulk)
                }
            };
            if outcome.is_err() {
                progress.warn(not_run(task, &tasks[at + 1..]));
            }
            report.tasks.push(TaskOutcome {
                path: task.path.clone(),
                result: outcome?,
                elapsed: started.elapsed(),
            });
        }
        report.elapsed = started.elapsed();
        Ok(report)
    }

    async fn run_flow(
        &mut self,
        task: &TaskPlan,
        context: &Arc<TaskContext>,
        hub: &ReaderHub,
        progress: &Progress,
        run: &mut RunReport,
        finished: &mut impl FnMut(&DataFlowPlan),
    ) -> Result<crate::FlowReport, RunError> {
        let plan = Arc::new(self.plan(task)?);
        progress.start(Arc::clone(&plan));
        let executed = data_flow::execute(&plan, context, hub).await;
        progress.finish();
        let warned = plan.context.run.take_warnings();
        let executed = match executed {
            Ok(executed) => executed,
            Err(error) => {
                progress.warn(std::mem::take(&mut run.warnings));
                progress.warn(warned);
                return Err(error);
            }
        };
        run.warnings.extend(warned);
        run.warnings.extend(executed.warnings);
        let report = data_flow::report(&plan, &executed.rows)?;
        let assignments = self.assignments(task, plan.context.run.take_outputs())?;
        plan.context.run.commit().map_err(|error| RunError::Flow {
            task: task.path.clone(),
            error: Box::new(error),
        })?;
        for (assignment, said) in assignments {
            self.variables.assign(assignment);
            run.variables.push(said);
        }
        finished(&plan);
        Ok(report)
    }

    /// What the components of a task hand to variables, checked before its files are put in place; and how to say it.
    fn assignments(
        &self,
        task: &TaskPlan,
        outputs: Vec<RunOutput>,
    ) -> Result<Vec<Handed>, RunError> {
        let mut assignments = Vec::new();
        for output in outputs {
            let (component, variable, text, assignment) = match output {
                RunOutput::RowCount {
                    component,
                    variable,
                    rows,
                } => {
                    let rows = rows.to_string();
                    let assignment = self.variables.assigned(&task.path, &variable, &rows);
                    (component, variable, rows, assignment)
                }
                RunOutput::Recordset {
                    component,
                    variable,
                    schema,
                    batches,
                } => {
                    let rows: usize = batches.iter().map(|batch| batch.num_rows()).sum();
                    let assignment = self
                        .variables
                        .assigned_batches(&task.path, &variable, schema, batches);
                    (component, variable, format!("{rows} rows"), assignment)
                }
            };
            let assignment = assignment.map_err(|message| RunError::Flow {
                task: task.path.clone(),
                error: Box::new(FlowError::new(component, None, message)),
            })?;
            assignments.push((assignment, (variable, text)));
        }
        Ok(assignments)
    }

    /// The physical plan of a task as things stand now.
    pub fn plan(&self, task: &TaskPlan) -> Result<DataFlowPlan, RunError> {
        let checked = self.check(task)?;
        let context = PlanContext {
            partitions: self.settings.threads.max(1),
            batch_size: self.settings.batch_size.max(1),
            morsel_bytes: self.settings.morsel_bytes.max(1),
            connections: Arc::new(self.connections()?),
            drift: self.settings.drift,
            sessions: Arc::clone(&self.sessions),
            caches: Arc::clone(&self.caches),
            run: Arc::new(RunState::default()),
        };
        lower(&checked, &context).map_err(|error| RunError::of_task(&task.path, &error))
    }

    /// The DataReader destinations of all tasks that are not disabled, with their schemas, without running.
    pub fn readers(&self) -> Result<Vec<(String, SchemaRef)>, RunError> {
        let mut readers = Vec::new();
        let flows = self.tasks.iter().filter(|task| task.flow().is_some());
        for task in flows.filter(|task| !task.disabled) {
            let plan = self.plan(task)?;
            for root in plan
                .roots
                .iter()
                .filter(|root| root.kind == RootKind::Reader)
            {
                readers.push((
                    plan.operators[root.component].name.clone(),
                    root.plan.schema(),
                ));
            }
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
                package: self.name.clone(),
                known: readers.into_iter().map(|(reader, _)| reader).collect(),
            }),
        }
    }
}

/// What a failure keeps from running.
fn not_run(failed: &TaskPlan, rest: &[TaskPlan]) -> Vec<String> {
    rest.iter()
        .filter(|task| !task.disabled)
        .map(|task| {
            format!(
                "{} was not run: {} failed before it",
                task.path, failed.path
            )
        })
        .collect()
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
