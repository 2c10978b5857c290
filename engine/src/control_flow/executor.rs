//! Runs executables: each with its events, its error count and its result.
//!
//! **Result** of a container: Success, unless the errors under it reach MaximumErrorCount, or a child that says
//! FailParentOnFailure failed; of a task: what it did, or Failure when its errors reach MaximumErrorCount although it
//! succeeded. ForceExecutionResult comes last and does not undo errors (spec `ssis-semantics.md` 11.3 to 11.5).
//! FailPackageOnFailure keeps executables that have not started from starting; what runs goes on to its end.

use std::{
    borrow::Cow,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Instant,
};

use datafusion_execution::TaskContext;
use dtsx::{Executable, ExecutableKind, PrecedenceConstraint, SsisCode};
use fletching_components::{FindingKind, Findings};
use fletching_connections::{database::Sessions, run_sockets::RunSocket};
use fletching_expression::Scalar;
use fletching_planner::DataFlowPlan;
use futures::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use super::{
    ContainerSettings, ExecutionResult,
    checkpoints::Checkpoints,
    evaluated,
    packages::Outer,
    schedule::{Schedule, Standing},
    transactions::Scope,
};
use crate::{
    Event, EventKind, EventListener, Progress, ReaderHub, RunError, RunReport, TaskOutcome,
    TaskResult,
    logging::LogWriter,
    running_packages::announced,
    state::PackageState,
    task::{self, TaskHost, TaskRun},
    tasks,
};

/// Sees the plan of each data flow after it has succeeded (EXPLAIN ANALYZE).
pub type PlanObserver = Arc<dyn Fn(&DataFlowPlan) + Send + Sync>;

/// One run of a package.
pub(crate) struct Executor<'p> {
    /// The package around, where this one is run by another.
    pub(super) outer: Option<Outer<'p>>,
    pub(crate) state: Arc<PackageState>,
    pub(crate) hub: ReaderHub,
    pub(crate) progress: Progress,
    pub(crate) context: Arc<TaskContext>,
    pub(super) listeners: Vec<Arc<dyn EventListener>>,
    /// The package's own logs, from its start on.
    pub(super) log: OnceLock<LogWriter>,
    observer: Option<PlanObserver>,
    permits: Semaphore,
    pub(super) report: Mutex<RunReport>,
    pub(super) errors: Mutex<Vec<RunError>>,
    /// Nothing starts any more.
    stopped: AtomicBool,
    /// An event handler asked for that.
    cancel_asked: AtomicBool,
    /// Set off when the run was cancelled from inside.
    cancelled: Arc<Notify>,
    /// One event handler at a time, those that it sets off among them.
    pub(super) handlers: tokio::sync::Mutex<()>,
    pub(super) checkpoints: Checkpoints,
}

impl std::fmt::Debug for Executor<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Executor")
            .field("package", &self.state.name)
            .finish_non_exhaustive()
    }
}

/// An executable that runs, with those around it.
#[derive(Debug)]
pub(crate) struct Frame<'f> {
    /// Its property expressions evaluated; without children if there are such.
    pub(super) executable: &'f Executable,
    /// As the package has it.
    pub(super) original: &'f Executable,
    pub(super) parent: Option<&'f Frame<'f>>,
    pub(super) settings: &'f ContainerSettings,
    /// The event that it handles, for the container of a handler.
    pub(super) handles: Option<&'f EventKind>,
    /// Errors under it, its own among them.
    pub(super) errors: AtomicU32,
    /// A child that says FailParentOnFailure failed.
    pub(super) failed: AtomicBool,
    /// The package had failed before all in it had run.
    pub(super) cut: AtomicBool,
    pub(super) scope: Scope,
}

impl<'f> Frame<'f> {
    /// This one and those around it, up to the package.
    pub(super) fn up(&'f self) -> impl Iterator<Item = &'f Frame<'f>> {
        std::iter::successors(Some(self), |frame| frame.parent)
    }

    /// Whether it belongs to what an event handler runs.
    pub(super) fn is_in_handler(&self) -> bool {
        self.up().any(|frame| frame.handles.is_some())
    }

    /// Notes that not all of it has run because the package had failed.
    fn cut_short(&self) {
        self.up()
            .for_each(|frame| frame.cut.store(true, Ordering::Relaxed));
    }

    pub(crate) fn sessions(&self) -> Arc<Sessions> {
        self.scope.sessions()
    }
}

/// Ends when another process has asked for it.
async fn stopped(socket: Option<&RunSocket>) {
    match socket {
        Some(socket) => socket.stopped().await,
        None => std::future::pending().await,
    }
}

impl<'p> Executor<'p> {
    pub(crate) fn new(
        state: &Arc<PackageState>,
        (hub, progress): (&ReaderHub, &Progress),
        context: Arc<TaskContext>,
        listeners: Vec<Arc<dyn EventListener>>,
        observer: Option<PlanObserver>,
    ) -> Self {
        Self {
            outer: None,
            permits: Semaphore::new(permits(&state.root)),
            report: Mutex::new(RunReport {
                package: state.name.clone(),
                ..RunReport::default()
            }),
            state: Arc::clone(state),
            hub: hub.clone(),
            progress: progress.clone(),
            context,
            listeners,
            log: OnceLock::new(),
            observer,
            errors: Mutex::default(),
            stopped: AtomicBool::new(false),
            cancel_asked: AtomicBool::new(false),
            cancelled: Arc::default(),
            handlers: tokio::sync::Mutex::default(),
            checkpoints: Checkpoints::default(),
        }
    }

    /// For a package that a task of `outer` runs.
    pub(super) fn within(outer: Outer<'p>, state: &Arc<PackageState>) -> Self {
        let around = outer.executor;
        let hub = around.hub.within(&outer.place);
        let shown = (&hub, &around.progress);
        let (context, observer) = (Arc::clone(&around.context), around.observer.clone());
        Self {
            cancelled: Arc::clone(&around.cancelled),
            outer: Some(outer),
            ..Self::new(state, shown, context, Vec::new(), observer)
        }
    }

    /// Runs the package to its end; its report, and the first error if it failed.
    pub(crate) async fn run(&mut self) -> (RunReport, Result<(), RunError>) {
        let started = Instant::now();
        if let Err(error) = self.open_checkpoints() {
            return (
                RunReport::failed(&self.state.name, error.clone()),
                Err(error),
            );
        }
        let state = self.state.begin();
        self.tell_notes().await;
        let result = match &self.outer {
            // A cancellation from inside is for the run as a whole, which drops this future.
            Some(_) => self.execute(&state.root, None).await,
            None => {
                let socket = self.announce().await;
                tokio::select! {
                    result = self.execute(&state.root, None) => result,
                    () = self.cancelled.notified() => ExecutionResult::Canceled,
                    () = stopped(socket.as_ref()) => ExecutionResult::Canceled,
                }
            }
        };
        let result = match result {
            ExecutionResult::Success if self.cancel_asked.load(Ordering::Relaxed) => {
                ExecutionResult::Canceled
            }
            result => result,
        };
        self.end_logs(result).await;
        let mut report = std::mem::take(&mut *self.report.lock());
        report.close();
        report.elapsed = started.elapsed();
        report.errors = self.errors.lock().clone();
        report.result = result;
        let outcome = match result {
            ExecutionResult::Success => Ok(()),
            ExecutionResult::Canceled => Err(RunError::Cancelled),
            ExecutionResult::Failure => Err(match report.errors.first() {
                Some(error) => error.clone(),
                None => RunError::Failed {
                    package: report.package.clone(),
                },
            }),
        };
        (report, outcome)
    }

    /// Lets other processes see the run and stop it; where they cannot, the run goes on and says so.
    async fn announce(&self) -> Option<RunSocket> {
        match announced(&self.state) {
            Ok(socket) => Some(socket),
            Err(error) => {
                let message = format!("the run is not listed among those of this machine: {error}");
                self.tell_note(EventKind::Warning, None, message).await;
                None
            }
        }
    }

    /// The sessions of what an executable is in: a package joins the transaction of the task that runs it.
    fn sessions_around(&self, parent: Option<&Frame<'_>>) -> Arc<Sessions> {
        match (parent, &self.outer) {
            (Some(parent), _) => parent.sessions(),
            (None, Some(outer)) if outer.frame.sessions().is_transaction() => {
                outer.frame.sessions()
            }
            (None, _) => Arc::clone(&self.state.sessions),
        }
    }

    pub(crate) fn finished(&self, plan: &DataFlowPlan) {
        if let Some(observer) = &self.observer {
            observer(plan);
        }
    }

    /// Runs an executable, unless it is disabled.
    pub(super) fn execute<'f>(
        &'f self,
        original: &'f Executable,
        parent: Option<&'f Frame<'f>>,
    ) -> BoxFuture<'f, ExecutionResult> {
        self.execute_for(original, parent, None)
    }

    /// As [`execute`](Self::execute); the container of a handler is run for the event that it handles.
    pub(super) fn execute_for<'f>(
        &'f self,
        original: &'f Executable,
        parent: Option<&'f Frame<'f>>,
        handles: Option<&'f EventKind>,
    ) -> BoxFuture<'f, ExecutionResult> {
        Box::pin(async move {
            if let Some(result) = self.passed_over(original, parent) {
                return result;
            }
            // Its expressions see the variables as they stand when its turn has come.
            let permit = match handles.is_some() || parent.is_some_and(Frame::is_in_handler) {
                true => None,
                false => self.permit(original).await,
            };
            if self.is_stopped() && matches!(original.kind, ExecutableKind::Task(_)) {
                parent.inspect(|parent| parent.cut_short());
                let why = "the package had failed".to_owned();
                self.skip(original, &TaskResult::Skipped(why));
                return ExecutionResult::Success;
            }
            let variables = self.state.scope(&original.path);
            let executable = evaluated(original, &variables, self.state.locale_id);
            let (executable, fault) = match executable {
                Ok(executable) => (executable, None),
                Err(findings) => (Cow::Borrowed(original), Some(findings)),
            };
            let (settings, fault) = match (ContainerSettings::of(&executable), fault) {
                (Ok(settings), fault) => (settings, fault),
                (Err(message), fault) => {
                    let code = Some(SsisCode::VALIDATION_FAILED);
                    let kind = FindingKind::Invalid;
                    let finding = task::finding(&executable, kind, code, message);
                    (ContainerSettings::default(), fault.or(Some(finding.into())))
                }
            };
            if settings.disabled {
                self.skip(original, &TaskResult::Disabled);
                return ExecutionResult::Success;
            }
            let frame = Frame {
                executable: &executable,
                original,
                parent,
                settings: &settings,
                handles,
                errors: AtomicU32::new(0),
                failed: AtomicBool::new(false),
                cut: AtomicBool::new(false),
                scope: Scope::of(&settings, self.sessions_around(parent), &self.state),
            };
            let result = self.execute_frame(&frame, fault).await;
            drop(permit);
            result
        })
    }

    /// The turn of a task.
    async fn permit(&self, executable: &Executable) -> Option<SemaphorePermit<'_>> {
        match executable.kind {
            ExecutableKind::Task(_) => self.permits.acquire().await.ok(),
            _ => None,
        }
    }

    async fn execute_frame(&self, frame: &Frame<'_>, fault: Option<Findings>) -> ExecutionResult {
        if frame.parent.is_none() {
            self.begin_logs(frame).await;
        }
        let started = crate::clock::now_value();
        self.state.change(|variables| {
            variables.set_system(&frame.original.path, "ContainerStartTime", started);
        });
        self.raise_plain(frame, EventKind::ExecStatusChanged).await;
        self.raise_plain(frame, EventKind::PreExecute).await;
        self.tell_checkpoints(frame).await;
        self.begin_transaction(frame).await;
        let result = match fault {
            Some(findings) => {
                self.skip(frame.original, &TaskResult::Failed);
                self.fail(frame, RunError::Findings(findings)).await;
                ExecutionResult::Failure
            }
            None => match frame.executable.kind {
                ExecutableKind::Package | ExecutableKind::Sequence => self.children(frame).await,
                ExecutableKind::ForLoop => self.for_loop(frame).await,
                ExecutableKind::ForeachLoop => self.foreach_loop(frame).await,
                ExecutableKind::Task(_) => self.task(frame).await,
            },
        };
        if frame.parent.is_none() {
            self.check_logs(frame).await;
        }
        let result = self.concluded(frame, result).await;
        let result = self.end_transaction(frame, result).await;
        if result == ExecutionResult::Failure {
            if matches!(frame.executable.kind, ExecutableKind::Task(_)) {
                self.raise_plain(frame, EventKind::TaskFailed).await;
            }
            if frame.settings.fail_package {
                self.stop();
                let mut up = frame.up();
                if let Some(package) = up.find(|frame| frame.parent.is_none()) {
                    package.failed.store(true, Ordering::Relaxed);
                }
            }
            if frame.settings.fail_parent
                && let Some(parent) = frame.parent
            {
                parent.failed.store(true, Ordering::Relaxed);
            }
        }
        self.raise_plain(frame, EventKind::ExecStatusChanged).await;
        self.raise_plain(frame, EventKind::PostExecute).await;
        self.save_checkpoint(frame, result).await;
        self.end_checkpoints(frame, result).await;
        result
    }

    /// The result after error counts and forced results.
    async fn concluded(&self, frame: &Frame<'_>, result: ExecutionResult) -> ExecutionResult {
        let errors = frame.errors.load(Ordering::Relaxed);
        let most = frame.settings.error_count_max;
        let mut result = result;
        if result == ExecutionResult::Success && frame.failed.load(Ordering::Relaxed) {
            result = ExecutionResult::Failure;
        }
        if result == ExecutionResult::Success && most.is_some_and(|most| errors >= most) {
            result = ExecutionResult::Failure;
            let most = most.unwrap_or_default();
            let message = format!(
                "{}: {errors} errors were raised and MaximumErrorCount is {most}: it fails",
                frame.original.path
            );
            let event = Event::new(EventKind::Warning, frame.executable, message);
            // DTS_W_MAXIMUMERRORCOUNTREACHED
            self.raise(frame, event.with_code(Some(SsisCode(0x8001_9002))))
                .await;
        }
        match frame.settings.forced_result {
            Some(forced) => forced,
            None => result,
        }
    }

    /// The children of a container, as their constraints let them.
    pub(super) async fn children(&self, frame: &Frame<'_>) -> ExecutionResult {
        let container = frame.original;
        let mut schedule = Schedule::new(container);
        let mut running = FuturesUnordered::new();
        let start = |child: usize| {
            let executable = &container.executables[child];
            async move { (child, self.execute(executable, Some(frame)).await) }
        };
        for child in schedule.start() {
            running.push(start(child));
        }
        while let Some((child, result)) = running.next().await {
            let mut judge = |constraint: &PrecedenceConstraint| self.judge(frame, constraint);
            let ready = match schedule.ended(child, result, &mut judge) {
                Ok(ready) => ready,
                Err((ready, error)) => {
                    self.fail(frame, error).await;
                    ready
                }
            };
            if !self.is_stopped() {
                ready
                    .into_iter()
                    .for_each(|child| running.push(start(child)));
            } else if !ready.is_empty() {
                frame.cut_short();
            }
        }
        for (at, child) in container.executables.iter().enumerate() {
            if !matches!(schedule.standing()[at], Standing::Ended(_)) {
                self.skip(child, &TaskResult::Skipped(schedule.why_not(at)));
            }
        }
        ExecutionResult::Success
    }

    /// Whether the expression of a constraint holds.
    fn judge(
        &self,
        frame: &Frame<'_>,
        constraint: &PrecedenceConstraint,
    ) -> Result<bool, RunError> {
        if let Some(holds) = self.checkpoints.judged(frame, constraint) {
            return Ok(holds);
        }
        let text = constraint.expression.as_deref().unwrap_or_default();
        let variables = self.state.scope(&frame.original.path);
        let judged = super::condition(text, &variables, self.state.locale_id).map_err(|error| {
            let (code, kind) = (error.code(), FindingKind::Invalid);
            let message = format!(
                "precedence constraint `{}` from {} to {}: {error}",
                constraint.name, constraint.from, constraint.to
            );
            RunError::Findings(task::finding(frame.original, kind, code, message).into())
        });
        if let Ok(holds) = judged {
            self.checkpoints.note(frame, constraint, holds);
        }
        judged
    }

    async fn task(&self, frame: &Frame<'_>) -> ExecutionResult {
        self.query_cancel(frame).await;
        if self.is_stopped() {
            let why = "the package had failed or was cancelled".to_owned();
            self.skip(frame.original, &TaskResult::Skipped(why));
            return ExecutionResult::Success;
        }
        let started = Instant::now();
        let outcome = self.run_task(frame).await;
        match outcome {
            Ok(result) => {
                self.keep_value(frame, &result).await;
                let ended = result.execution_result();
                let path = frame.original.path.clone();
                let outcome = TaskOutcome::new(path, result, started.elapsed());
                self.report.lock().note(outcome);
                ended
            }
            Err(RunError::Cancelled) => {
                self.cancelled.notify_one();
                // The select above drops this future.
                std::future::pending().await
            }
            Err(error) => {
                let path = frame.original.path.clone();
                let outcome = TaskOutcome::new(path, TaskResult::Failed, started.elapsed());
                self.report.lock().note(outcome);
                self.fail(frame, error).await;
                ExecutionResult::Failure
            }
        }
    }

    async fn run_task(&self, frame: &Frame<'_>) -> Result<TaskResult, RunError> {
        let host = TaskHost {
            state: &self.state,
            executable: frame.executable,
        };
        self.raise_plain(frame, EventKind::PreValidate).await;
        let task =
            tasks::task(frame.executable, &self.state.settings.extensions).ok_or_else(|| {
                RunError::Engine {
                    task: frame.original.path.clone(),
                    message: "this task is not supported".to_owned(),
                }
            })?;
        task.recheck(&host)?;
        self.raise_plain(frame, EventKind::PostValidate).await;
        let run = TaskRun {
            host,
            executor: self,
            frame,
        };
        task.run(&run).await
    }

    /// Gives the value of the execution to ExecValueVariable.
    pub(crate) async fn keep_value(&self, frame: &Frame<'_>, result: &TaskResult) {
        let Some(name) = &frame.settings.value_variable else {
            return;
        };
        let value = match &frame.settings.forced_value {
            Some(text) => Some(Scalar::from(text.as_str())),
            None => result.execution_value(),
        };
        let Some(value) = value else { return };
        let variables = self.state.variables();
        let path = &frame.original.path;
        match variables.assigned_value(path, name, value.data_type, &value.array) {
            Ok(assignment) => {
                let said = (name.clone(), value.to_string());
                self.assign(frame, assignment, said).await;
            }
            Err(message) => {
                let error = task::finding(
                    frame.original,
                    FindingKind::Invalid,
                    Some(SsisCode::VARIABLE_NOT_FOUND),
                    format!("ExecValueVariable: {message}"),
                );
                self.fail(frame, RunError::Findings(error.into())).await;
            }
        }
    }

    /// Notes the tasks of an executable that do not run.
    pub(super) fn skip(&self, executable: &Executable, result: &TaskResult) {
        if let ExecutableKind::Task(_) = executable.kind {
            let (path, none) = (executable.path.clone(), std::time::Duration::ZERO);
            let outcome = TaskOutcome::new(path, result.clone(), none);
            self.report.lock().note(outcome);
        }
        for child in &executable.executables {
            self.skip(child, result);
        }
    }

    fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    pub(super) fn cancel(&self) {
        self.cancel_asked.store(true, Ordering::Relaxed);
        self.stop();
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Whether a loop begins no more rounds.
    pub(super) fn is_over(&self, frame: &Frame<'_>) -> bool {
        if self.is_stopped() {
            frame.cut_short();
        }
        let errors = frame.errors.load(Ordering::Relaxed);
        let most = frame.settings.error_count_max;
        self.is_stopped()
            || frame.failed.load(Ordering::Relaxed)
            || most.is_some_and(|most| errors >= most)
    }
}

/// MaxConcurrentExecutables: -1 is the number of processors and two (spec `ssis-semantics.md` 11.17).
fn permits(package: &Executable) -> usize {
    let wanted = package.properties.int("MaxConcurrentExecutables");
    match wanted.and_then(|wanted| usize::try_from(wanted).ok()) {
        Some(wanted) if wanted > 0 => wanted,
        _ => std::thread::available_parallelism().map_or(1, usize::from) + 2,
    }
}
