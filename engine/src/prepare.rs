//! Everything that can be known before a row moves: overrides applied, variables typed, the control flow ordered, every
//! data flow bound and checked. All problems are reported together.

use std::{collections::BTreeMap, sync::Arc};

use dtsx::{ConnectionManager, DataFlow, Executable, Package, Parameter, Payload};
use fletching_components::{Caches, Findings};
use fletching_connections::{Connections, database::Sessions};
use fletching_expression::Scalar;
use fletching_planner::{CheckedDataFlow, bind, check};

use crate::{
    RunError, Settings, VariableStore, control_flow,
    tasks::{self, BulkInsertTask, ExecuteSqlTask, ExpressionTask},
};

/// A package that is ready to run.
#[derive(Debug)]
pub struct PreparedPackage {
    pub name: String,
    pub settings: Settings,
    pub tasks: Arc<Vec<TaskPlan>>,
    /// Path of the package as a container.
    root: String,
    pub(crate) managers: Vec<ConnectionManager>,
    pub(crate) variables: VariableStore,
    /// Open databases, kept between tasks.
    pub(crate) sessions: Arc<Sessions>,
    /// What Cache Transforms have left for later tasks.
    pub(crate) caches: Arc<Caches>,
}

/// One task.
#[derive(Debug)]
pub struct TaskPlan {
    /// `Package\Sequence\Load sales`.
    pub path: String,
    pub disabled: bool,
    pub work: TaskWork,
}

/// What a task does.
#[derive(Debug)]
pub enum TaskWork {
    DataFlow { flow: DataFlow, locale_id: u32 },
    ExecuteSql(ExecuteSqlTask),
    Expression(ExpressionTask),
    BulkInsert(BulkInsertTask),
}

impl TaskPlan {
    /// The data flow, and its LCID.
    pub fn flow(&self) -> Option<(&DataFlow, u32)> {
        match &self.work {
            TaskWork::DataFlow { flow, locale_id } => Some((flow, *locale_id)),
            TaskWork::ExecuteSql(_) | TaskWork::Expression(_) | TaskWork::BulkInsert(_) => None,
        }
    }
}

/// LCID of packages that do not name one.
const LOCALE_DEFAULT: u32 = 1033;

/// Checks a package against the settings of a run. `shared_*`: what its project gives it.
pub fn prepare(
    package: &Package,
    shared_parameters: &[Parameter],
    shared_managers: &[ConnectionManager],
    settings: Settings,
) -> Result<PreparedPackage, RunError> {
    let mut findings = Findings(control_flow::unsupported(package));
    let system = system_variables(package);
    let mut variables = VariableStore::new(package, shared_parameters, &system, &mut findings);
    let mut managers = managers_of(package, shared_managers);
    let order = match control_flow::task_order(package.root()) {
        Ok(order) => order,
        Err(found) => {
            findings.0.extend(found.0);
            Vec::new()
        }
    };
    let mut tasks: Vec<TaskPlan> = order
        .into_iter()
        .filter_map(|(task, disabled)| task_plan(package, task, disabled))
        .collect();
    let name = package.name().to_owned();
    crate::settings::apply(&settings, &name, &mut variables, &mut managers, &mut tasks)?;
    let root = package.root().path.clone();
    let prepared = PreparedPackage {
        name,
        root,
        settings,
        tasks: Arc::new(tasks),
        managers,
        variables,
        sessions: Arc::default(),
        caches: Arc::default(),
    };
    for task in prepared.tasks.iter().filter(|task| !task.disabled) {
        let checked = match &task.work {
            TaskWork::DataFlow { .. } => prepared.check(task).map(|_| ()),
            TaskWork::ExecuteSql(work) => prepared.check_sql(work),
            TaskWork::Expression(work) => prepared.check_expression(work),
            TaskWork::BulkInsert(work) => prepared.check_bulk(work),
        };
        if let Err(error) = checked {
            match error {
                RunError::Findings(found) => findings.0.extend(found.0),
                other => return Err(other),
            }
        }
    }
    if prepared.tasks.iter().all(|task| task.disabled)
        && let Err(error) = prepared.connections()
    {
        match error {
            RunError::Findings(found) => findings.0.extend(found.0),
            other => return Err(other),
        }
    }
    say_once(&mut findings);
    findings.none_or(prepared).map_err(RunError::Findings)
}

/// A task that runs; `None` for one that is a finding.
fn task_plan(package: &Package, task: &Executable, disabled: bool) -> Option<TaskPlan> {
    let locale_id = locale(
        task.properties.int("LocaleID"),
        package.root().properties.int("LocaleID"),
    );
    let work = match &task.payload {
        Payload::DataFlow(flow) => TaskWork::DataFlow {
            flow: flow.as_ref().clone(),
            locale_id,
        },
        Payload::ExecuteSql(settings) if tasks::is_execute_sql(task) => {
            TaskWork::ExecuteSql(ExecuteSqlTask::new(task, settings))
        }
        Payload::Expression(text) => TaskWork::Expression(ExpressionTask::new(task, text)),
        Payload::BulkInsert(settings) => {
            TaskWork::BulkInsert(BulkInsertTask::new(task, settings, locale_id))
        }
        _ => return None,
    };
    Some(TaskPlan {
        path: task.path.clone(),
        disabled,
        work,
    })
}

/// The connection managers of a package as a run would have them, before and after the overrides of `settings`.
///
/// # Errors
/// An override that fits nothing, a property expression that fails.
pub fn connections_of(
    package: &Package,
    shared_parameters: &[Parameter],
    shared_managers: &[ConnectionManager],
    settings: &Settings,
) -> Result<(Vec<ConnectionManager>, Connections), RunError> {
    let mut findings = Findings::default();
    let system = system_variables(package);
    let mut variables = VariableStore::new(package, shared_parameters, &system, &mut findings);
    let originals = managers_of(package, shared_managers);
    let mut managers = originals.clone();
    let name = package.name().to_owned();
    crate::settings::apply(settings, &name, &mut variables, &mut managers, &mut [])?;
    let root = package.root().path.clone();
    let scope = variables.scope(&root);
    let locale_id = variables.locale_id();
    let connections = control_flow::connections(&managers, settings, &name, &scope, locale_id)?;
    Ok((originals, connections))
}

/// The package's managers hide those of its project.
fn managers_of(package: &Package, shared: &[ConnectionManager]) -> Vec<ConnectionManager> {
    let mut managers = package.connection_managers().to_vec();
    for shared in shared {
        if !managers.iter().any(|own| own.name == shared.name) {
            managers.push(shared.clone());
        }
    }
    managers
}

/// What several tasks have in common (a connection manager) is found by each of them.
fn say_once(findings: &mut Findings) {
    let mut seen = Vec::new();
    findings.0.retain(|finding| {
        let new = !seen.contains(finding);
        if new {
            seen.push(finding.clone());
        }
        new
    });
}

impl PreparedPackage {
    /// Binds and checks a Data Flow task as things stand now.
    pub fn check(&self, task: &TaskPlan) -> Result<CheckedDataFlow, RunError> {
        let Some((flow, locale_id)) = task.flow() else {
            return Err(RunError::Engine {
                task: task.path.clone(),
                message: "is no Data Flow task".to_owned(),
            });
        };
        let connections = self.connections()?;
        let variables = self.variables.scope(&task.path);
        let graph = bind(&task.path, locale_id, flow).map_err(RunError::Findings)?;
        check(flow, graph, &connections, &variables).map_err(RunError::Findings)
    }

    /// Expressions of connection managers see the variables of the package, not those of the task that uses them.
    pub(crate) fn connections(&self) -> Result<Connections, RunError> {
        let variables = self.variables.scope(&self.root);
        control_flow::connections(
            &self.managers,
            &self.settings,
            &self.name,
            &variables,
            self.variables.locale_id(),
        )
    }

    /// The variables as they stand now: after a run, with what its components set.
    pub fn variables(&self) -> &VariableStore {
        &self.variables
    }
}

/// The LCID of a task, or of the package that it is in.
pub(crate) fn locale(task: Option<i64>, package: Option<i64>) -> u32 {
    [task, package]
        .into_iter()
        .flatten()
        .find_map(|id| u32::try_from(id).ok().filter(|id| *id > 0))
        .unwrap_or(LOCALE_DEFAULT)
}

/// The system variables that do not depend on the task (spec `ssis-matrix.md` section 11).
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where a run learns clock, machine and user"
)]
fn system_variables(package: &Package) -> BTreeMap<String, Scalar> {
    let root = package.root();
    let machine = std::fs::read_to_string("/etc/hostname")
        .map(|name| name.trim().to_owned())
        .unwrap_or_default();
    let user = ["USER", "LOGNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok())
        .unwrap_or_default();
    // Whole seconds, as packages store what expressions made of it.
    let now = chrono::Local::now().naive_local().and_utc().timestamp();
    let started = Scalar::date_micros(now * 1_000_000);
    let text = |value: &str| Scalar::from(value);
    BTreeMap::from([
        ("PackageName".to_owned(), text(package.name())),
        ("PackageID".to_owned(), text(&root.dtsid)),
        (
            "VersionGUID".to_owned(),
            text(root.properties.get("VersionGUID").unwrap_or_default()),
        ),
        (
            "ExecutionInstanceGUID".to_owned(),
            text(&format!("{{{}}}", uuid::Uuid::new_v4()).to_uppercase()),
        ),
        ("MachineName".to_owned(), text(&machine)),
        ("UserName".to_owned(), text(&user)),
        ("StartTime".to_owned(), started.clone()),
        ("ContainerStartTime".to_owned(), started),
    ])
}
