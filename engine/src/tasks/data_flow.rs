//! Data Flow task: binds, checks and lowers the flow as things stand now, runs its plan, commits, sets variables.

use std::sync::Arc;

use async_trait::async_trait;
use dtsx::{Component, DataFlow, Disposition, Executable, Payload, SsisCode};
use fletching_components::{
    Finding, FindingKind, PlanContext,
    database::OUTPUT_REDIRECT_IN_TRANSACTION,
    flow::{FlowError, RunOutput, RunState},
};
use fletching_connections::{FileConnectionError, database::Sessions};
use fletching_planner::{CheckedDataFlow, DataFlowPlan, bind, check, explain, lower};

use crate::{
    FlowReport, RunError, TaskResult,
    assigned_values::Handed,
    data_flow,
    task::{Task, TaskHost, TaskRun, all},
};

/// Settings of the task.
#[derive(Debug)]
struct DataFlowTask {
    flow: DataFlow,
}

pub(super) fn new(executable: &Executable) -> Option<Box<dyn Task>> {
    match &executable.payload {
        Payload::DataFlow(flow) => Some(Box::new(DataFlowTask {
            flow: flow.as_ref().clone(),
        })),
        _ => None,
    }
}

#[async_trait]
impl Task for DataFlowTask {
    fn check(&self, host: &TaskHost<'_>) -> Result<(), RunError> {
        checked(&self.flow, host)?;
        all(unmapped(&self.flow, host)?)
    }

    fn connections(&self) -> Vec<String> {
        named(&self.flow)
    }

    fn check_transaction(&self, host: &TaskHost<'_>) -> Vec<Finding> {
        redirecting(&self.flow, host)
    }

    /// It is checked as it is planned.
    fn recheck(&self, _host: &TaskHost<'_>) -> Result<(), RunError> {
        Ok(())
    }

    async fn run(&self, run: &TaskRun<'_>) -> Result<TaskResult, RunError> {
        let plan = Arc::new(lowered(&self.flow, run, run.sessions())?);
        let executor = run.executor;
        log_plan(run, &plan).await;
        let shown = executor.progress.show(Arc::clone(&plan));
        let executed = data_flow::execute(&plan, &executor.context, &executor.hub).await;
        drop(shown);
        for warning in plan.context.run.take_warnings() {
            run.warn(None, warning).await;
        }
        let executed = executed?;
        for warning in executed.warnings {
            run.warn(None, warning).await;
        }
        let report = data_flow::report(&plan, &executed.rows)?;
        let assignments = assignments(run, plan.context.run.take_outputs())?;
        let committed = plan.context.run.commit();
        committed.map_err(|error| run.failed(error))?;
        for assignment in assignments {
            run.assign(assignment).await;
        }
        run.progress(100, "the data flow has run").await;
        executor.finished(&plan);
        log_rows(run, &report).await;
        Ok(TaskResult::Flow(report))
    }
}

/// What the flow is about to do, for logs that ask.
async fn log_plan(run: &TaskRun<'_>, plan: &DataFlowPlan) {
    const INITIALIZATION: &str = "PipelineInitialization";
    const PLAN: &str = "PipelineExecutionPlan";
    if run.asks_for(INITIALIZATION) {
        let settings = &run.state.settings;
        let message = format!(
            "{} partitions, batches of {} rows, {} bytes of a file at a time",
            settings.threads, settings.batch_size, settings.morsel_bytes
        );
        run.log(INITIALIZATION, message).await;
    }
    if run.asks_for(PLAN) {
        run.log(PLAN, explain(plan, false)).await;
    }
}

/// Rows of each path and time of each component, for logs that ask. The places of a message about rows are SSIS's, which
/// programs take apart at ` : `: path id and name, component id and name, input id and name, rows.
async fn log_rows(run: &TaskRun<'_>, report: &FlowReport) {
    const ROWS: &str = "OnPipelineRowsSent";
    const TIME: &str = "PipelineComponentTime";
    if run.asks_for(ROWS) {
        for component in &report.components {
            for output in &component.outputs {
                let Some(to) = &output.leads_to else { continue };
                let (path, rows) = (&output.name, output.rows);
                let message = format!(
                    "rows were sent to a component :  :  : {path} :  : {to} :  :  : {rows}"
                );
                run.log(ROWS, message).await;
            }
        }
    }
    if run.asks_for(TIME) {
        for component in &report.components {
            let milliseconds = component.elapsed.as_millis();
            let message = format!(
                "component \"{}\" took {milliseconds} milliseconds",
                component.name
            );
            run.log(TIME, message).await;
        }
    }
}

/// The physical plan of a Data Flow task as things stand now, by its executable.
pub(crate) fn plan(host: &TaskHost<'_>) -> Result<DataFlowPlan, RunError> {
    match &host.executable.payload {
        Payload::DataFlow(flow) => lowered(flow, host, Arc::clone(&host.state.sessions)),
        _ => Err(RunError::Engine {
            task: host.path().to_owned(),
            message: "is no Data Flow task".to_owned(),
        }),
    }
}

fn checked(flow: &DataFlow, host: &TaskHost<'_>) -> Result<CheckedDataFlow, RunError> {
    let connections = host.connections()?;
    let variables = host.variables();
    let graph = bind(host.path(), host.locale_id(), flow).map_err(RunError::Findings)?;
    let extensions = &host.state.settings.extensions;
    check(flow, graph, &connections, &variables, extensions).map_err(RunError::Findings)
}

fn lowered(
    flow: &DataFlow,
    host: &TaskHost<'_>,
    sessions: Arc<Sessions>,
) -> Result<DataFlowPlan, RunError> {
    let checked = checked(flow, host)?;
    let settings = &host.state.settings;
    let connections = host.connections()?;
    let users = named(flow).into_iter();
    let users = users.filter(|manager| connections.database(manager).is_ok());
    let shares_session = sessions.is_transaction() && users.count() > 1;
    let context = PlanContext {
        shares_session,
        partitions: settings.threads.max(1),
        batch_size: settings.batch_size.max(1),
        morsel_bytes: settings.morsel_bytes.max(1),
        connections: Arc::new(connections),
        drift: settings.drift,
        sessions,
        caches: Arc::clone(&host.state.caches),
        run: Arc::new(RunState::default()),
    };
    lower(&checked, &context).map_err(|error| RunError::of_task(host.path(), &error))
}

/// Files of Windows that no rule maps, where nothing that runs can still give the manager another path. A check without
/// databases looks at packages as they lie about, before anybody has said where their files are.
fn unmapped(flow: &DataFlow, host: &TaskHost<'_>) -> Result<Vec<Finding>, RunError> {
    if host.state.settings.offline {
        return Ok(Vec::new());
    }
    let connections = host.connections()?;
    let mut findings: Vec<Finding> = Vec::new();
    for component in &flow.components {
        for named in &component.connections {
            let Some(manager) = connections.get(&named.connection_manager) else {
                continue; // It is found where the component is read.
            };
            let is_file = ["FLATFILE", "FILE"]
                .iter()
                .any(|kind| manager.creation_name.eq_ignore_ascii_case(kind));
            let is_set_later = !manager.property_expressions.is_empty()
                || manager.properties.bool("DelayValidation") == Some(true);
            if !is_file || is_set_later {
                continue;
            }
            if let Err(error @ FileConnectionError::Path { .. }) = connections.file(&manager.name) {
                findings.push(Finding {
                    path: format!("{}\\{}", host.path(), component.name),
                    class: component.class.unwrap_or(&component.class_id).to_owned(),
                    ..host.finding(
                        FindingKind::Invalid,
                        Some(SsisCode::CANNOT_ACQUIRE_CONNECTION),
                        error.to_string(),
                    )
                });
            }
        }
    }
    Ok(findings)
}

/// The connection managers that its components name, each as often as it is named.
fn named(flow: &DataFlow) -> Vec<String> {
    let connections = flow.components.iter().flat_map(|one| &one.connections);
    connections
        .map(|one| one.connection_manager.trim().to_owned())
        .filter(|manager| !manager.is_empty())
        .collect()
}

/// Destinations whose failing rows go on: SSIS does not let them be in a transaction.
fn redirecting(flow: &DataFlow, host: &TaskHost<'_>) -> Vec<Finding> {
    let Ok(connections) = host.connections() else {
        return Vec::new(); // It is found elsewhere.
    };
    let is_load = |component: &&Component| {
        let mut managers = component.connections.iter();
        let leads = managers.any(|one| connections.database(&one.connection_manager).is_ok());
        let ends = component.outputs.iter().all(|output| output.is_error);
        leads && ends
    };
    let goes_on = |component: &&Component| {
        let mut outputs = component.outputs.iter();
        let connected =
            outputs.any(|output| flow.paths.iter().any(|path| path.start_id == output.id));
        let mut inputs = component.inputs.iter();
        connected && inputs.any(|input| input.error_row_disposition == Disposition::RedirectRow)
    };
    let found = flow.components.iter().filter(is_load).filter(goes_on);
    found
        .map(|component| Finding {
            path: format!("{}\\{}", host.path(), component.name),
            class: component.class_id.clone(),
            ..host.finding(
                FindingKind::Invalid,
                Some(OUTPUT_REDIRECT_IN_TRANSACTION),
                "its failing rows are redirected, and it is in a transaction: set its error output to fail the component, or \
                 TransactionOption of the task to NotSupported",
            )
        })
        .collect()
}

/// What the components of a task hand to variables, checked before its files are put in place; and how to say it.
fn assignments(run: &TaskRun<'_>, outputs: Vec<RunOutput>) -> Result<Vec<Handed>, RunError> {
    let variables = run.state.variables();
    let mut assignments = Vec::new();
    for output in outputs {
        let (component, variable, text, assignment) = match output {
            RunOutput::RowCount {
                component,
                variable,
                rows,
            } => {
                let rows = rows.to_string();
                let assignment = variables.assigned(run.path(), &variable, &rows);
                (component, variable, rows, assignment)
            }
            RunOutput::Recordset {
                component,
                variable,
                schema,
                batches,
            } => {
                let rows: usize = batches.iter().map(|batch| batch.num_rows()).sum();
                let assignment = variables.assigned_batches(run.path(), &variable, schema, batches);
                (component, variable, format!("{rows} rows"), assignment)
            }
        };
        let assignment =
            assignment.map_err(|message| run.failed(FlowError::new(component, None, message)))?;
        assignments.push((assignment, (variable, text)));
    }
    Ok(assignments)
}
