//! Expression task: `@[User::X] = expression`.

use dtsx::{Executable, SsisCode};
use fletching_components::{Finding, FindingKind, Findings};
use fletching_expression::{ExpressionError, parse};

use crate::{PreparedPackage, RunError, control_flow, variables::Handed};

/// Settings of the task.
#[derive(Debug)]
pub struct ExpressionTask {
    path: String,
    class: String,
    text: String,
}

impl ExpressionTask {
    pub(crate) fn new(task: &Executable, text: &str) -> Self {
        Self {
            path: task.path.clone(),
            class: task.class_id.clone(),
            text: text.to_owned(),
        }
    }

    fn wrong(&self, code: Option<SsisCode>, message: impl Into<String>) -> RunError {
        RunError::Findings(Findings(vec![Finding {
            path: self.path.clone(),
            class: self.class.clone(),
            kind: FindingKind::Invalid,
            code,
            message: message.into(),
        }]))
    }

    fn failed(&self, error: &ExpressionError) -> RunError {
        self.wrong(error.code, error.to_string())
    }
}

impl PreparedPackage {
    /// What can be known of the task before anything runs. Its value cannot: tasks before it set the variables.
    pub(crate) fn check_expression(&self, task: &ExpressionTask) -> Result<(), RunError> {
        match self.evaluate_task(task) {
            Err(RunError::Findings(found)) if found.0.iter().all(is_of_values) => Ok(()),
            checked => checked.map(|_| ()),
        }
    }

    /// The task as things stand now: the assignment it would make, and how to say it.
    pub(crate) fn evaluate_task(&self, task: &ExpressionTask) -> Result<Handed, RunError> {
        let parsed = parse(&task.text).map_err(|error| task.failed(&error))?;
        let Some((namespace, name)) = parsed.target() else {
            let message = "sets no variable: write @[User::X] = expression";
            return Err(task.wrong(Some(SsisCode::VALIDATION_FAILED), message));
        };
        let variable = match namespace {
            Some(namespace) => format!("{namespace}::{name}"),
            None => name.to_owned(),
        };
        let variables = self.variables.scope(&task.path);
        let value = control_flow::evaluate_parsed(&parsed, &variables, self.variables.locale_id())
            .map_err(|error| task.failed(&error))?;
        let said = (variable.clone(), value.to_string());
        let assignment = self
            .variables
            .assigned_value(&task.path, &variable, value.data_type, &value.array)
            .map_err(|message| task.wrong(Some(SsisCode::VARIABLE_NOT_FOUND), message))?;
        Ok((assignment, said))
    }
}

/// Whether other values of the variables may be without it.
fn is_of_values(finding: &Finding) -> bool {
    let values = [
        SsisCode::EXPRESSION_DIVIDE_BY_ZERO,
        SsisCode::EXPRESSION_OVERFLOW,
        SsisCode::EXPRESSION_UNARY_OVERFLOW,
    ];
    finding.code.is_some_and(|code| values.contains(&code))
}
