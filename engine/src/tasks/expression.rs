//! Expression task: `@[User::X] = expression`. One without an assignment is evaluated, and may fail.

use async_trait::async_trait;
use dtsx::{Executable, Payload, SsisCode};
use fletching_components::FindingKind;
use fletching_expression::{ExpressionError, parse};

use crate::{
    RunError, TaskResult, control_flow,
    task::{Task, TaskHost, TaskRun},
    variables::Handed,
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
        match self.evaluate(host) {
            Err(RunError::Findings(found))
                if found
                    .0
                    .iter()
                    .all(|finding| control_flow::is_of_values(finding.code)) =>
            {
                Ok(())
            }
            checked => checked.map(|_| ()),
        }
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
        let wrong = |code: Option<SsisCode>, message: String| {
            RunError::Findings(host.finding(FindingKind::Invalid, code, message).into())
        };
        let failed = |error: &ExpressionError| wrong(error.code, error.to_string());
        let parsed = parse(&self.text).map_err(|error| failed(&error))?;
        let state = host.state;
        control_flow::assignment(&parsed, state, host.path()).map_err(|error| match error {
            control_flow::AssignmentError::Expression(error) => failed(&error),
            control_flow::AssignmentError::Variable(message) => {
                wrong(Some(SsisCode::VARIABLE_NOT_FOUND), message)
            }
        })
    }
}
