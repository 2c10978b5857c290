//! CDC Control task: keeps track of how far the captured changes of a SQL Server database have been processed.
//!
//! ```text
//!  state table or variable ──▶ CdcState ─┐
//!                                        ├─ transitions::change ──▶ CdcState ──▶ state table, then the variable
//!  source::lsn ──▶ LSN of the database ──┘
//! ```
//!
//! **State**: with AutomaticStatePersistence it is read from the table and written there, in the transaction that the task
//! is in; the variable gets it in both cases, for the CDC Source. A failure leaves both as they were: the operation can be
//! done again. ERROR is a state that others leave; this task never does.
//!
//! **MarkInitialLoadEnd** waits for a change after the load, as the capture job may be late, and fails after
//! ChangeDetectionTimeout. ILUPDATE lasts until a range goes past that change.

mod settings;
mod source;
mod state;
mod state_table;
mod transitions;

use async_trait::async_trait;
use dtsx::{Executable, Payload, Properties};

pub(super) use self::settings::PROPERTIES;
use self::{settings::Settings, state::CdcState, transitions::Changed};
use crate::{
    RunError, TaskResult,
    task::{Task, TaskHost, TaskRun},
};

/// The task as the package has it.
#[derive(Debug)]
struct CdcControlTask {
    properties: Properties,
}

pub(super) fn new(executable: &Executable) -> Option<Box<dyn Task>> {
    match &executable.payload {
        Payload::Other(data) if data.element == "CDCControlTask" => {
            Some(Box::new(CdcControlTask {
                properties: data.properties.clone(),
            }))
        }
        _ => None,
    }
}

#[async_trait]
impl Task for CdcControlTask {
    fn check(&self, host: &TaskHost<'_>) -> Result<(), RunError> {
        settings::read(&self.properties, host).map(drop)
    }

    fn connections(&self) -> Vec<String> {
        settings::managers(&self.properties)
    }

    async fn run(&self, run: &TaskRun<'_>) -> Result<TaskResult, RunError> {
        let settings = settings::read(&self.properties, run)?;
        let before = stored(run, &settings).await?;
        let lsn = source::lsn(run, &settings).await?;
        let changed = transitions::change(&before, settings.operation, lsn);
        let Changed { state, unfinished } =
            changed.map_err(|error| run.failure(None, error.to_string()))?;
        if unfinished {
            let message = format!(
                "{}: GetProcessingRange before MarkProcessedRange: the run before this one failed, or another package has \
                 the same CDC state; the same range is processed again",
                run.path()
            );
            run.warn(None, message).await;
        }
        let text = state.at(crate::clock::now().to_utc());
        if let Some(kept) = &settings.kept {
            state_table::write(run, kept, settings.timeout_seconds, &text).await?;
        }
        run.assign_text(&settings.variable, &text)
            .await
            .map_err(|message| run.failure(None, message))?;
        let message = format!("{}: the CDC state is {text}", settings.operation.name());
        run.inform(None, message).await;
        Ok(TaskResult::CdcState(text))
    }
}

/// The state before the operation.
async fn stored(run: &TaskRun<'_>, settings: &Settings) -> Result<CdcState, RunError> {
    let (text, place) = match &settings.kept {
        Some(kept) => {
            let text = state_table::read(run, kept, settings.timeout_seconds).await?;
            (text, format!("{} under `{}`", kept.table, kept.name))
        }
        None => {
            let value = run.variable(&settings.variable);
            let value = value.map_err(|message| run.failure(None, message))?;
            let place = format!("variable `{}`", settings.variable);
            (value.to_string(), place)
        }
    };
    match text.parse() {
        Ok(state) => Ok(state),
        // What begins anew does not look back.
        Err(_) if settings.operation.begins() => Ok(CdcState::new(state::Phase::Initial)),
        Err(error) => Err(run.failure(
            None,
            format!(
                "the CDC state in {place} is `{text}`: {error}; begin anew with MarkInitialLoadStart, MarkCdcStart or \
                 ResetCdcState"
            ),
        )),
    }
}
