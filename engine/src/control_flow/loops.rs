//! For and Foreach loops: the same container, round after round.
//!
//! A loop ends before its time when a round takes its errors to MaximumErrorCount, or fails it (FailParentOnFailure): it
//! fails then (spec `ssis-matrix.md` section 9).

use dtsx::SsisCode;
use fletching_components::FindingKind;
use fletching_expression::ExpressionError;

use super::{
    ExecutionResult, Executor, Frame, assignment_of, check_assignment, condition, enumerators,
};
use crate::{
    RunError,
    task::{TaskHost, TaskRun, finding},
};

/// `DTS_E_FORLOOPINITEXPRESSIONINVALID` and its like.
const INIT_INVALID: SsisCode = SsisCode(0xC001_7009);
const EVAL_INVALID: SsisCode = SsisCode(0xC001_7005);
const ASSIGN_INVALID: SsisCode = SsisCode(0xC001_7008);
/// `DTS_E_FOREACHVARIABLEMAPPING`.
pub(super) const MAPPING: SsisCode = SsisCode(0xC001_C012);

impl Executor<'_> {
    pub(super) async fn for_loop(&self, frame: &Frame<'_>) -> ExecutionResult {
        let text = |name: &str| frame.executable.properties.get(name).unwrap_or_default();
        let init = text("InitExpression");
        if !self.step(frame, "InitExpression", init, INIT_INVALID).await {
            return ExecutionResult::Failure;
        }
        while !self.is_over(frame) {
            let variables = self.state.scope(&frame.original.path);
            match condition(text("EvalExpression"), &variables, self.state.locale_id) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    let code = error.code().unwrap_or(EVAL_INVALID);
                    let message = format!("EvalExpression: {error}");
                    self.fail(frame, wrong(frame, code, message)).await;
                    return ExecutionResult::Failure;
                }
            }
            self.children(frame).await;
            let assign = text("AssignExpression");
            if !self
                .step(frame, "AssignExpression", assign, ASSIGN_INVALID)
                .await
            {
                return ExecutionResult::Failure;
            }
        }
        ExecutionResult::Success
    }

    /// Carries out an expression of a loop; whether it could be.
    async fn step(&self, frame: &Frame<'_>, name: &str, text: &str, code: SsisCode) -> bool {
        if text.trim().is_empty() {
            return true;
        }
        match assignment_of(text, &self.state, &frame.original.path) {
            Ok(Some((assignment, said))) => {
                self.assign(frame, assignment, said).await;
                true
            }
            Ok(None) => true,
            Err(error) => {
                let code = error.code().unwrap_or(code);
                self.fail(frame, wrong(frame, code, format!("{name}: {error}")))
                    .await;
                false
            }
        }
    }

    pub(super) async fn foreach_loop(&self, frame: &Frame<'_>) -> ExecutionResult {
        let host = TaskHost {
            state: &self.state,
            executable: frame.executable,
        };
        let run = TaskRun {
            host,
            executor: self,
            frame,
        };
        let rounds = match enumerators::rounds(&run, frame.sessions()).await {
            Ok(rounds) => rounds,
            Err(error) => {
                self.fail(frame, error).await;
                return ExecutionResult::Failure;
            }
        };
        for warning in rounds.warnings {
            self.warn(frame, None, warning).await;
        }
        for round in rounds.values {
            if self.is_over(frame) {
                break;
            }
            let assignments = match enumerators::assignments(&host, &round) {
                Ok(assignments) => assignments,
                Err(error) => {
                    self.fail(frame, error).await;
                    return ExecutionResult::Failure;
                }
            };
            for (assignment, said) in assignments {
                self.assign(frame, assignment, said).await;
            }
            self.children(frame).await;
        }
        ExecutionResult::Success
    }
}

fn wrong(frame: &Frame<'_>, code: SsisCode, message: String) -> RunError {
    let kind = FindingKind::Invalid;
    RunError::Findings(finding(frame.original, kind, Some(code), message).into())
}

/// What is known of the expressions of a For loop before it runs.
pub(super) fn check_for_loop(host: &TaskHost<'_>) -> Vec<fletching_components::Finding> {
    let mut findings = Vec::new();
    let mut wrong = |code: SsisCode, message: String| {
        findings.push(host.finding(FindingKind::Invalid, Some(code), message));
    };
    let text = |name: &str| host.executable.properties.get(name).unwrap_or_default();
    for (name, code) in [
        ("InitExpression", INIT_INVALID),
        ("AssignExpression", ASSIGN_INVALID),
    ] {
        if text(name).trim().is_empty() {
            continue;
        }
        if let Err(error) = check_assignment(text(name), host.state, host.path()) {
            wrong(error.code().unwrap_or(code), format!("{name}: {error}"));
        }
    }
    let eval = text("EvalExpression");
    if eval.trim().is_empty() {
        // DTS_E_FORLOOPHASNOEXPRESSION
        let message = "it has no EvalExpression, so that nothing would end it".to_owned();
        wrong(SsisCode(0xC001_7007), message);
        return findings;
    }
    let kind: Result<_, ExpressionError> =
        super::type_of_condition(eval, &host.variables(), host.state.locale_id);
    match kind {
        Ok(dtsx::DataType::Bool) => {}
        Ok(other) => wrong(
            EVAL_INVALID,
            format!("EvalExpression is of type {other}: a Boolean is wanted"),
        ),
        Err(error) => wrong(
            error.code.unwrap_or(EVAL_INVALID),
            format!("EvalExpression: {error}"),
        ),
    }
    findings
}
