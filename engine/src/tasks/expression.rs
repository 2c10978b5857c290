//! Expression task: `@[User::X] = expression`. One without an assignment is evaluated, and may fail.

use async_trait::async_trait;
use dtsx::{Executable, Payload};
use fletching_components::FindingKind;

use crate::{
    RunError, TaskResult,
    assigned_values::Handed,
    control_flow::{self, AssignmentError},
    task::{Task, TaskHost, TaskRun},
};

/// Settings of the task.
#[derive(Debug)]
struct ExpressionTask {
    text: String,
}

pub(super) fn new(executable: &Executable) -> Option<Box<dyn Task>> {
    match &executable.payload {
        Payload::Expression(text) => Some(Box::new(ExpressionTask { text: text.clone() })),
        _ => None,
    }
}

#[async_trait]
impl Task for ExpressionTask {
    /// The value cannot be known: tasks before it set the variables.
    fn check(&self, host: &TaskHost<'_>) -> Result<(), RunError> {
        control_flow::check_assignment(&self.text, host.state, host.path())
            .map_err(|error| wrong(host, error))
    }

    async fn run(&self, run: &TaskRun<'_>) -> Result<TaskResult, RunError> {
        if let Some(assignment) = self.evaluate(run)? {
            run.assign(assignment).await;
        }
        Ok(TaskResult::Expression)
    }
}

impl ExpressionTask {
    /// The task as things stand now: the assignment it would make, and how to say it.
    fn evaluate(&self, host: &TaskHost<'_>) -> Result<Option<Handed>, RunError> {
        control_flow::assignment_of(&self.text, host.state, host.path())
            .map_err(|error| wrong(host, error))
    }
}

fn wrong(host: &TaskHost<'_>, error: AssignmentError) -> RunError {
    let (code, message) = (error.code(), error.to_string());
    RunError::Findings(host.finding(FindingKind::Invalid, code, message).into())
}
