//! Checkpoints: what has finished is written down, so that the next run begins where this one stopped.
//!
//! ```text
//!  file ──read──▶ variables restored ──▶ what is in it is passed over, its result taken for constraints
//!  a unit ends ──▶ result, constraints, variables ──written as a whole──▶ file ──success of the package──▶ removed
//! ```
//!
//! **Units** (spec `ssis-matrix.md` section 13): a task, a loop as a whole, a container with a transaction as a whole;
//! a sequence that has finished too. What is in a loop, a transaction or an event handler is no unit.
//! **Failures.** One of an executable with FailPackageOnFailure is a restart point: it is not written down, and runs again.
//! So is one that brings something around it to failure. A failure that all around it tolerate is a result like any other.
//! **Two runs** at once must not share a file: it is locked from before it is read until the run has ended.
//! **A kill** between the end of a task and the end of the writing makes that task run again: the file is the last word.

mod record;
mod settings;

use std::{collections::HashMap, path::Path, sync::Arc, sync::atomic::Ordering};

use datafusion_common_runtime::SpawnedTask;
use dtsx::{Executable, ExecutableKind, PrecedenceConstraint, SsisCode};
use fletching_components::{FindingKind, flow::FlowError};
use fletching_connections::restart_file::{self, LockError, RestartLock};
use parking_lot::Mutex;

use self::{
    record::{Finished, Judged, Record},
    settings::CheckpointSettings,
};
use super::{ExecutionResult, Executor, Frame};
use crate::{Event, EventKind, Restart, RunError, TaskResult, state::PackageState, task::finding};

pub(super) use settings::check;

/// `DTS_I_SAVECHECKPOINTSTOFILE` and its like.
const SAVING: SsisCode = SsisCode(0x4001_6045);
const RESTARTING: SsisCode = SsisCode(0x4001_6046);
const SAVED: SsisCode = SsisCode(0x4001_6047);
const DELETED: SsisCode = SsisCode(0x4001_6048);
const MISMATCH: SsisCode = SsisCode(0xC001_6049);
const ALREADY_EXISTS: SsisCode = SsisCode(0xC001_604A);
const LOCKED: SsisCode = SsisCode(0xC001_604B);
const NOT_OPENED: SsisCode = SsisCode(0xC001_604C);
const NOT_CREATED: SsisCode = SsisCode(0xC001_604D);
const NOT_REPLACED: SsisCode = SsisCode(0xC001_F080);
const NOT_READ: SsisCode = SsisCode(0xC001_F082);
const NOT_THERE: SsisCode = SsisCode(0xC001_F083);

/// Largest checkpoint file.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// The checkpoints of one run.
#[derive(Debug, Default)]
pub(super) struct Checkpoints {
    settings: Option<CheckpointSettings>,
    /// Of the file; who still writes it when the run is dropped has it too.
    lock: Option<Arc<RestartLock>>,
    /// By id: what an earlier run has finished.
    finished: HashMap<String, (ExecutionResult, u32)>,
    judged: HashMap<String, bool>,
    /// Executables whose id another one has too: they go by their paths.
    twins: Vec<String>,
    record: Arc<Mutex<Record>>,
}

impl Checkpoints {
    /// Reads the file that the run begins from, if there is one, and restores the variables.
    ///
    /// # Errors
    /// The file cannot be read, is that of another package, or is missing and must not be.
    fn open(state: &PackageState) -> Result<Self, RunError> {
        let Some(settings) = CheckpointSettings::now(state) else {
            return Ok(Self::default());
        };
        let fail = |code: SsisCode, message: String| {
            let path = settings.file.display();
            let message = format!("checkpoint file `{path}`: {message}");
            let kind = FindingKind::Invalid;
            RunError::Findings(finding(&state.root, kind, Some(code), message).into())
        };
        let id = &state.root.dtsid;
        let lock = match restart_file::lock(&settings.file) {
            Ok(lock) => Some(Arc::new(lock)),
            Err(error @ LockError::Taken { .. }) => {
                let advice = "wait for its end, or give this one another file (CheckpointFileName)";
                return Err(fail(LOCKED, format!("{error}: {advice}")));
            }
            // Nothing is written: a folder that is read-only has no second writer either.
            Err(LockError::Open(_)) if !settings.save => None,
            Err(LockError::Open(error)) => return Err(fail(NOT_OPENED, error.to_string())),
        };
        let bytes = restart_file::read(&settings.file, FILE_BYTES_MAX)
            .map_err(|error| fail(NOT_OPENED, error.to_string()))?;
        let found = bytes.map(|bytes| Record::read(&bytes));
        let record = usable(found, settings.restart, id).map_err(|(code, why)| fail(code, why))?;
        let mut checkpoints = Self {
            lock,
            twins: twins(&state.root),
            record: Arc::new(Mutex::new(Record::new(id))),
            ..Self::default()
        };
        if let Some(record) = record {
            let mut restored = Ok(());
            state.change(|variables| restored = record.restore(variables));
            restored.map_err(|why| fail(NOT_READ, why))?;
            for one in &record.finished {
                let wrong = || fail(NOT_READ, "a result is none".to_owned());
                let result = one.result().ok_or_else(wrong)?;
                checkpoints
                    .finished
                    .insert(one.id.clone(), (result, one.errors));
            }
            let judged = record.constraints.iter();
            checkpoints.judged = judged
                .map(|one| (one.constraint.clone(), one.holds))
                .collect();
            checkpoints.record = Arc::new(Mutex::new(record));
        }
        checkpoints.settings = Some(settings);
        Ok(checkpoints)
    }

    fn saves(&self) -> Option<&Path> {
        let settings = self.settings.as_ref()?;
        settings.save.then_some(settings.file.as_path())
    }

    /// By what an executable is known from run to run.
    fn id(&self, executable: &Executable) -> String {
        match executable.dtsid.is_empty() || self.twins.contains(&executable.dtsid) {
            true => executable.path.clone(),
            false => executable.dtsid.clone(),
        }
    }

    /// What the expression of a constraint gave after an executable that is passed over. The variables have changed since.
    pub(super) fn judged(
        &self,
        frame: &Frame<'_>,
        constraint: &PrecedenceConstraint,
    ) -> Option<bool> {
        let holds = *self.judged.get(&key(constraint))?;
        let mut children = frame.original.executables.iter();
        let from = children.find(|child| child.path == constraint.from)?;
        let passed = self.finished.contains_key(&self.id(from));
        (passed && has_units(frame)).then_some(holds)
    }

    /// Notes what it gives now.
    pub(super) fn note(&self, frame: &Frame<'_>, constraint: &PrecedenceConstraint, holds: bool) {
        if self.saves().is_none() || !has_units(frame) {
            return;
        }
        let constraint = key(constraint);
        let mut record = self.record.lock();
        let known = record.constraints.iter_mut();
        match known.into_iter().find(|one| one.constraint == constraint) {
            Some(known) => known.holds = holds,
            None => record.constraints.push(Judged { constraint, holds }),
        }
    }
}

/// The checkpoint that the run begins from; `None` if it begins at the start.
///
/// # Errors
/// Why what was found is in the way, for a person.
fn usable(
    found: Option<Result<Record, String>>,
    restart: Restart,
    id: &str,
) -> Result<Option<Record>, (SsisCode, String)> {
    let advice = "remove it, or name another file (CheckpointFileName)";
    match (found, restart) {
        (None, Restart::Force) => Err((
            NOT_THERE,
            "there is none, and the package always restarts from one (CheckpointUsage is Always): run it with IfExists, or \
             give it the file"
                .to_owned(),
        )),
        (None, _) => Ok(None),
        (Some(Ok(record)), restart) if record.package != id => {
            let (code, what) = match restart {
                Restart::Deny => (ALREADY_EXISTS, "is not written over"),
                _ => (MISMATCH, "cannot be used"),
            };
            let of = record.package;
            let message = format!("it is of package {of}, this one is {id}: it {what}; {advice}");
            Err((code, message))
        }
        (Some(Err(why)), restart) => {
            let code = match restart {
                Restart::Deny => ALREADY_EXISTS,
                _ => NOT_READ,
            };
            Err((code, format!("it is no checkpoint: {why}; {advice}")))
        }
        (Some(Ok(_)), Restart::Deny) => Ok(None),
        (Some(Ok(record)), _) => Ok(Some(record)),
    }
}

fn key(constraint: &PrecedenceConstraint) -> String {
    let PrecedenceConstraint { name, from, to, .. } = constraint;
    format!("{name}: {from} -> {to}")
}

/// Ids that more than one executable has.
fn twins(root: &Executable) -> Vec<String> {
    fn count<'a>(one: &'a Executable, counts: &mut HashMap<&'a str, u32>) {
        *counts.entry(&one.dtsid).or_default() += 1;
        one.executables
            .iter()
            .for_each(|child| count(child, counts));
    }
    let mut counts = HashMap::new();
    count(root, &mut counts);
    let twins = counts.into_iter().filter(|(_, count)| *count > 1);
    twins.map(|(id, _)| id.to_owned()).collect()
}

/// Whether what is in it is written down, each for itself: nothing from it up is one unit.
fn has_units(frame: &Frame<'_>) -> bool {
    let is_loop = |kind| matches!(kind, ExecutableKind::ForLoop | ExecutableKind::ForeachLoop);
    let is_one = |frame: &Frame<'_>| is_loop(frame.executable.kind) || frame.scope.starts();
    !frame.is_in_handler() && !frame.up().any(is_one)
}

impl Executor<'_> {
    /// Reads the checkpoint that the run begins from.
    pub(super) fn open_checkpoints(&mut self) -> Result<(), RunError> {
        self.checkpoints = Checkpoints::open(&self.state)?;
        Ok(())
    }

    /// Says what is done with checkpoints, once the package has begun.
    pub(super) async fn tell_checkpoints(&self, frame: &Frame<'_>) {
        let Some(settings) = self.checkpoints.settings.as_ref() else {
            return;
        };
        if frame.parent.is_some() {
            return;
        }
        let file = settings.file.display();
        if !self.checkpoints.finished.is_empty() {
            let message = format!("the package restarts from checkpoint file `{file}`");
            self.note(frame, RESTARTING, message).await;
        }
        if settings.save {
            let message = format!("checkpoints are saved to `{file}`");
            self.note(frame, SAVING, message).await;
        }
    }

    async fn note(&self, frame: &Frame<'_>, code: SsisCode, message: String) {
        let event = Event::new(EventKind::Information, frame.executable, message);
        self.raise(frame, event.with_code(Some(code))).await;
    }

    /// The result of an executable that an earlier run has finished: it is passed over.
    pub(super) fn passed_over(
        &self,
        executable: &Executable,
        parent: Option<&Frame<'_>>,
    ) -> Option<ExecutionResult> {
        let settings = self.checkpoints.settings.as_ref()?;
        let parent = parent.filter(|parent| has_units(parent))?;
        let id = self.checkpoints.id(executable);
        let (result, errors) = *self.checkpoints.finished.get(&id)?;
        parent.up().for_each(|around| {
            around.errors.fetch_add(errors, Ordering::Relaxed);
        });
        let how = match result {
            ExecutionResult::Success => "succeeded",
            ExecutionResult::Failure => "failed",
            ExecutionResult::Canceled => "was canceled",
        };
        let file = settings.file.display();
        let why = format!("it {how} in an earlier run, by checkpoint file `{file}`");
        self.skip(executable, &TaskResult::Skipped(why));
        Some(result)
    }

    /// Writes down the result of a unit.
    pub(super) async fn save_checkpoint(&self, frame: &Frame<'_>, result: ExecutionResult) {
        let Some(file) = self.checkpoints.saves() else {
            return;
        };
        let failing = |around: &Frame<'_>| {
            let errors = around.errors.load(Ordering::Relaxed);
            let most = around.settings.error_count_max;
            around.failed.load(Ordering::Relaxed) || most.is_some_and(|most| errors >= most)
        };
        let restarts = result != ExecutionResult::Success
            && (frame.settings.fail_package || frame.up().skip(1).any(failing));
        if restarts || frame.cut.load(Ordering::Relaxed) || !frame.parent.is_some_and(has_units) {
            return;
        }
        let errors = frame.errors.load(Ordering::Relaxed);
        let id = self.checkpoints.id(frame.original);
        let finished = Finished::new(id, &frame.original.path, result, errors);
        let (state, record) = (
            Arc::clone(&self.state),
            Arc::clone(&self.checkpoints.record),
        );
        let (path, lock) = (file.to_owned(), self.checkpoints.lock.clone());
        let written = SpawnedTask::spawn_blocking(move || {
            // Held while it is written, so that no older state follows a newer one.
            let mut record = record.lock();
            record.finished.retain(|one| one.id != finished.id);
            record.finished.push(finished);
            record.keep(&state.variables());
            let bytes = record.written().map_err(|error| (NOT_CREATED, error))?;
            let replaced = restart_file::replace(&path, &bytes);
            drop(lock);
            replaced.map_err(|error| (NOT_REPLACED, error.to_string()))
        });
        let written = match written.join().await {
            Ok(written) => written,
            Err(error) => Err((NOT_CREATED, format!("its thread is gone: {error}"))),
        };
        let file = file.display();
        match written {
            Ok(()) => {
                let message = format!("checkpoint saved to `{file}`");
                self.note(frame, SAVED, message).await;
            }
            Err((code, error)) => self.checkpoint_failed(frame, code, error).await,
        }
    }

    async fn checkpoint_failed(&self, frame: &Frame<'_>, code: SsisCode, error: String) {
        let path = &frame.original.path;
        let message = format!("no checkpoint could be saved: {error}");
        let failure = RunError::Flow {
            task: path.clone(),
            error: Box::new(FlowError::new(path, Some(code), message)),
        };
        self.fail(frame, failure).await;
    }

    /// Removes the file of a package that has succeeded.
    pub(super) async fn end_checkpoints(&self, frame: &Frame<'_>, result: ExecutionResult) {
        let Some(settings) = self.checkpoints.settings.as_ref() else {
            return;
        };
        if frame.parent.is_some() || result != ExecutionResult::Success {
            return;
        }
        let uses = settings.save || settings.restart != Restart::Deny;
        let file = settings.file.display();
        match restart_file::remove(&settings.file) {
            Ok(()) if uses => {
                let message = format!("checkpoint file `{file}` is removed");
                self.note(frame, DELETED, message).await;
            }
            Ok(()) => {}
            Err(error) => {
                let message = format!("checkpoint file `{file}` stays: {error}");
                self.warn(frame, Some(NOT_REPLACED), message).await;
            }
        }
    }
}
