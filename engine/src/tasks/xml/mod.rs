//! XML task: one operation on a document.
//!
//! ```text
//!  source ──▶ Document ─┬─ XPATH ──────────────────▶ text ───┐
//!  second operand ──────┼─ XSLT stylesheet ────────▶ bytes ──┤
//!                       ├─ Validate: XSD, own DTD ─▶ true ───┤
//!                       ├─ Merge: path ────────────▶ XML ────┼──▶ file or variable, if SaveOperationResult
//!                       ├─ Diff: document ─────────▶ true ───┤
//!                       │             └─ DiffGram ───────────┼──▶ file or variable, if SaveDiffGram
//!                       └─ Patch: DiffGram ────────▶ XML ────┘
//! ```
//!
//! **XPathOperation**: Evaluation gives the number, text or truth of an expression; Values the text of all nodes, one after
//! the other; NodeList the nodes as XML. No node is an error. **Validate** leaves `true` or `false`; what is wrong is a
//! warning, or fails the task (FailOnValidationFail).
//!
//! **Merge** puts the second document, without its declaration, behind what is in the first node that XPathStringSource
//! leads to, or in the root element. **Diff** leaves `true` for documents that are the same under DiffOptions, else
//! `false`; that they differ is a warning, or fails the task (FailOnDifference), once the DiffGram is saved. **Patch**
//! applies a DiffGram, if its srcDocHash is that of the source.
//!
//! Documents that declare entities are refused; nothing outside the document, the schema and the stylesheet is read.
//!
//! **Not supported**: PutResultInOneNode, ValidationDetails, XPath prefixes of the task.

mod settings;
mod work;

use async_trait::async_trait;
use datafusion_common_runtime::SpawnedTask;
use dtsx::{Executable, Payload, TaskData};

use crate::{
    RunError, TaskResult,
    task::{self, Task, TaskHost, TaskRun},
    xml::Difference,
};
use settings::{Comparison, Destination, Operation, Settings};
use work::{DIFFERENT, FILE_EXISTS, NOT_VALID, Outcome, VALIDATION_ERROR, Work};

/// Properties that an expression can set, and the attributes that hold them.
pub(super) const PROPERTIES: &[(&str, &str)] = &[
    ("Destination", "Destination"),
    ("DestinationType", "DestinationType"),
    ("DiffAlgorithm", "DiffAlgorithm"),
    ("DiffGramDestination", "DiffGramDestination"),
    ("DiffGramDestinationType", "DiffGramDestinationType"),
    ("DiffOptions", "DiffOptions"),
    ("FailOnDifference", "FailOpOnDifference"),
    ("FailOnValidationFail", "FailOpOnValidationFail"),
    ("OperationType", "OperationType"),
    ("OverwriteDestination", "OverwriteDestination"),
    ("PutResultInOneNode", "PutResultInOneNode"),
    ("SaveDiffGram", "SaveDiffGram"),
    ("SaveOperationResult", "SaveOperationResult"),
    ("SecondOperand", "SecondOperand"),
    ("SecondOperandType", "SecondOperandType"),
    ("Source", "Source"),
    ("SourceType", "SourceType"),
    ("ValidationDetails", "ValidationDetails"),
    ("ValidationType", "ValidationType"),
    ("XPathOperation", "XPathOperation"),
    ("XPathStringSource", "XPathStringSource"),
    ("XPathStringSourceType", "XPathStringSourceType"),
];

/// Settings of the task.
#[derive(Debug)]
struct XmlTask {
    data: TaskData,
}

pub(super) fn new(executable: &Executable) -> Option<Box<dyn Task>> {
    match &executable.payload {
        Payload::Other(data) if data.element == "XMLTaskData" => Some(Box::new(XmlTask {
            data: data.as_ref().clone(),
        })),
        _ => None,
    }
}

#[async_trait]
impl Task for XmlTask {
    fn check(&self, host: &TaskHost<'_>) -> Result<(), RunError> {
        match self.settings(host) {
            Ok(settings) => task::all(settings.problems(host)),
            Err(findings) => task::all(findings),
        }
    }

    async fn run(&self, run: &TaskRun<'_>) -> Result<TaskResult, RunError> {
        let settings = self
            .settings(run)
            .map_err(|findings| RunError::Findings(fletching_components::Findings(findings)))?;
        let work = Work {
            settings: settings.clone(),
            connections: run.connections()?,
            scope: run.variables(),
        };
        let done = SpawnedTask::spawn_blocking(move || work.run());
        let done = done
            .join()
            .await
            .map_err(|error| run.failure(None, format!("its thread is gone: {error}")))?;
        let outcome = done.map_err(|failure| run.failure(failure.code, failure.message))?;
        for message in &outcome.messages {
            run.warn(
                None,
                format!("{}: the stylesheet says: {message}", run.path()),
            )
            .await;
        }
        if let Some(Destination::Variable(name)) = &settings.destination {
            self.keep(run, &settings, name, &outcome.result).await?;
        }
        if let (Operation::Diff(_, comparison), Some(difference)) =
            (&settings.operation, &outcome.difference)
        {
            self.compared(run, &settings, comparison, difference)
                .await?;
        }
        self.judged(run, &settings, &outcome).await?;
        Ok(TaskResult::Expression)
    }
}

impl XmlTask {
    /// Says what makes the document invalid.
    async fn judged(
        &self,
        run: &TaskRun<'_>,
        settings: &Settings,
        outcome: &Outcome,
    ) -> Result<(), RunError> {
        if let Some(first) = outcome.invalid.first() {
            let message = format!(
                "{} is not valid: {first}{}",
                settings.source.label(&run.connections()?),
                match outcome.invalid.len() {
                    1 => String::new(),
                    count => format!(" (and {} more)", count - 1),
                }
            );
            if settings.fails_if_invalid {
                return Err(run.failure(Some(VALIDATION_ERROR), message));
            }
            run.warn(Some(NOT_VALID), format!("{}: {message}", run.path()))
                .await;
        }
        Ok(())
    }

    /// Keeps the DiffGram, and says that there is a difference.
    async fn compared(
        &self,
        run: &TaskRun<'_>,
        settings: &Settings,
        comparison: &Comparison,
        difference: &Difference,
    ) -> Result<(), RunError> {
        if let Some(Destination::Variable(name)) = &comparison.diffgram {
            let diffgram = difference.diffgram.as_bytes();
            self.keep(run, settings, name, diffgram).await?;
        }
        if difference.is_none {
            return Ok(());
        }
        let label = settings.source.label(&run.connections()?);
        let message = format!("{label} and the second document differ");
        if comparison.fails_if_different {
            return Err(run.failure(Some(DIFFERENT), message));
        }
        run.warn(Some(DIFFERENT), format!("{}: {message}", run.path()))
            .await;
        Ok(())
    }

    /// Gives the result to a variable.
    async fn keep(
        &self,
        run: &TaskRun<'_>,
        settings: &Settings,
        name: &str,
        result: &[u8],
    ) -> Result<(), RunError> {
        let fail = |code, message: String| run.failure(code, message);
        let text = std::str::from_utf8(result).map_err(|_| {
            let message =
                format!("the result is not in UTF-8, and variable `{name}` is to take it");
            fail(None, message)
        })?;
        let held = run.variable(name).map(|value| value.to_string());
        if !settings.overwrite && held.is_ok_and(|text| !text.is_empty()) {
            let message =
                format!("variable `{name}` has a value, and OverwriteDestination is False");
            return Err(fail(Some(FILE_EXISTS), message));
        }
        let value = fletching_expression::Scalar::from(text);
        let variables = run.state.variables();
        let assignment = variables
            .assigned_value(run.path(), name, value.data_type, &value.array)
            .map_err(|message| fail(None, message))?;
        drop(variables);
        run.assign((assignment, (name.to_owned(), text.to_owned())))
            .await;
        Ok(())
    }
}
