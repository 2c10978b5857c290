//! XML task: one operation on a document.
//!
//! ```text
//!  source ──▶ Document ─┬─ XPATH ──────────────────▶ text ───┐
//!  second operand ──────┼─ XSLT stylesheet ────────▶ bytes ──┼──▶ file or variable, if SaveOperationResult
//!                       └─ Validate: XSD, own DTD ─▶ true ───┘
//! ```
//!
//! **XPathOperation**: Evaluation gives the number, text or truth of an expression; Values the text of all nodes, one after
//! the other; NodeList the nodes as XML. No node is an error. **Validate** leaves `true` or `false`; what is wrong is a
//! warning, or fails the task (FailOnValidationFail).
//!
//! Documents that declare entities are refused; nothing outside the document, the schema and the stylesheet is read.
//!
//! **Not supported**: Merge, Diff and Patch, PutResultInOneNode, ValidationDetails, XPath prefixes of the task.

use async_trait::async_trait;
use datafusion_common_runtime::SpawnedTask;
use dtsx::{Executable, Payload, Properties, SsisCode, TaskData};
use fletching_components::{Finding, FindingKind};
use fletching_connections::{Connections, StagedFile};

use crate::{
    RunError, TaskResult,
    scoped_variables::ScopedVariables,
    task::{self, Task, TaskHost, TaskRun},
    xml::{self, Document, Evaluated, Node, TextSource},
};

/// Properties that an expression can set, and the attributes that hold them.
pub(super) const PROPERTIES: &[(&str, &str)] = &[
    ("Destination", "Destination"),
    ("DestinationType", "DestinationType"),
    ("FailOnValidationFail", "FailOpOnValidationFail"),
    ("OperationType", "OperationType"),
    ("OverwriteDestination", "OverwriteDestination"),
    ("PutResultInOneNode", "PutResultInOneNode"),
    ("SaveOperationResult", "SaveOperationResult"),
    ("SecondOperand", "SecondOperand"),
    ("SecondOperandType", "SecondOperandType"),
    ("Source", "Source"),
    ("SourceType", "SourceType"),
    ("ValidationDetails", "ValidationDetails"),
    ("ValidationType", "ValidationType"),
    ("XPathOperation", "XPathOperation"),
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

/// What is done with the document; the second operand.
#[derive(Debug, Clone)]
enum Operation {
    Validate(TextSource),
    ValidateByDtd,
    Transform(TextSource),
    XPath(XPathOperation, TextSource),
}

#[derive(Debug, Clone, Copy)]
enum XPathOperation {
    Evaluation,
    Values,
    NodeList,
}

#[derive(Debug, Clone)]
enum Destination {
    /// A FILE connection manager.
    File(String),
    Variable(String),
}

/// The settings, read.
#[derive(Debug, Clone)]
struct Settings {
    source: TextSource,
    operation: Operation,
    /// `None`: the result is not kept.
    destination: Option<Destination>,
    overwrite: bool,
    fails_if_invalid: bool,
}

/// `DTS_E_XMLTASK_...`
const XPATH_FAILED: SsisCode = SsisCode(0xC002_926B);
const EMPTY_NODE_LIST: SsisCode = SsisCode(0xC002_9268);
const VALIDATION_ERROR: SsisCode = SsisCode(0xC002_926D);
const NO_SOURCE: SsisCode = SsisCode(0xC002_9264);
const FILE_EXISTS: SsisCode = SsisCode(0xC002_9290);
/// `DTS_W_XMLTASK_VALIDATIONFAILURE`.
const NOT_VALID: SsisCode = SsisCode(0x8002_928D);

/// Members of an enumeration, by name in any case or by number.
fn member(
    properties: &Properties,
    name: &str,
    members: &[&str],
    default: usize,
) -> Result<usize, String> {
    let found = match properties.get(name).map(str::trim) {
        None | Some("") => return Ok(default),
        Some(found) => found,
    };
    let named = members
        .iter()
        .position(|one| one.eq_ignore_ascii_case(found));
    let numbered = || found.parse().ok().filter(|at| *at < members.len());
    named.or_else(numbered).ok_or_else(|| {
        format!(
            "{name} is `{found}`: one of {} is wanted",
            members.join(", ")
        )
    })
}

impl XmlTask {
    /// The settings, or all that is wrong with them.
    fn settings(&self, host: &TaskHost<'_>) -> Result<Settings, Vec<Finding>> {
        let mut findings = Vec::new();
        let properties = &self.data.properties;
        let text = |name: &str| properties.get(name).unwrap_or_default();
        let flag = |name: &str| properties.bool(name).unwrap_or(false);
        for name in ["PutResultInOneNode", "ValidationDetails"] {
            if flag(name) {
                findings.push(host.unsupported(format!("{name} is not supported")));
            }
        }
        if let Some((element, _)) = self.data.items.first() {
            let message = format!("`{element}` is not supported: write paths without prefixes");
            findings.push(host.unsupported(message));
        }
        let kinds = ["FileConnection", "Variable", "DirectInput"];
        let source = |kind: &str, name: &str, default: usize| {
            let kind = member(properties, kind, &kinds, default)?;
            TextSource::new(kinds.get(kind).copied().unwrap_or_default(), text(name))
        };
        let operation = self.operation(source("SecondOperandType", "SecondOperand", 2));
        let document = source("SourceType", "Source", 0);
        let destination = member(
            properties,
            "DestinationType",
            &["FileConnection", "Variable"],
            0,
        );
        match (document, operation, destination) {
            (Ok(source), Ok(operation), Ok(destination)) if findings.is_empty() => {
                let name = text("Destination").to_owned();
                let destination = match destination {
                    0 => Destination::File(name),
                    _ => Destination::Variable(name),
                };
                Ok(Settings {
                    source,
                    operation,
                    destination: flag("SaveOperationResult").then_some(destination),
                    overwrite: flag("OverwriteDestination"),
                    fails_if_invalid: flag("FailOpOnValidationFail"),
                })
            }
            (source, operation, destination) => {
                let wrong = [source.err(), destination.err()];
                findings.extend(
                    wrong
                        .into_iter()
                        .flatten()
                        .map(|message| host.invalid(message)),
                );
                findings.extend(operation.err().map(|message| host.unsupported(message)));
                Err(findings)
            }
        }
    }

    fn operation(&self, second: Result<TextSource, String>) -> Result<Operation, String> {
        let properties = &self.data.properties;
        let operations = ["Validate", "XSLT", "XPATH", "Merge", "Diff", "Patch"];
        let operation = member(properties, "OperationType", &operations, 0)?;
        match operation {
            0 => match member(properties, "ValidationType", &["DTD", "XSD"], 1)? {
                0 => Ok(Operation::ValidateByDtd),
                _ => Ok(Operation::Validate(second?)),
            },
            1 => Ok(Operation::Transform(second?)),
            2 => {
                let members = ["Evaluation", "Values", "NodeList"];
                let what = match member(properties, "XPathOperation", &members, 0)? {
                    0 => XPathOperation::Evaluation,
                    1 => XPathOperation::Values,
                    _ => XPathOperation::NodeList,
                };
                Ok(Operation::XPath(what, second?))
            }
            other => Err(format!(
                "the operation {} is not supported: Validate, XSLT and XPATH are",
                operations.get(other).copied().unwrap_or_default()
            )),
        }
    }
}

impl Settings {
    fn problems(&self, host: &TaskHost<'_>) -> Vec<Finding> {
        let mut findings = Vec::new();
        if let Err(error) = xml::available() {
            findings.push(host.unsupported(error.to_string()));
        }
        findings.extend(self.source.check(host, "Source"));
        match &self.operation {
            Operation::Validate(second)
            | Operation::Transform(second)
            | Operation::XPath(_, second) => {
                findings.extend(second.check(host, "SecondOperand"));
                if matches!(second, TextSource::Direct(text) if text.trim().is_empty()) {
                    // DTS_E_XMLTASK_MISSINGSECONDOPERAND
                    let code = Some(SsisCode(0xC002_927E));
                    let message = "its SecondOperand is empty";
                    findings.push(host.finding(FindingKind::Invalid, code, message));
                }
            }
            Operation::ValidateByDtd => {}
        }
        let destination = match &self.destination {
            None => None,
            Some(Destination::File(name)) => Some(TextSource::File(name.clone())),
            Some(Destination::Variable(name)) => Some(TextSource::Variable(name.clone())),
        };
        findings.extend(destination.and_then(|one| one.check(host, "Destination")));
        findings
    }
}

/// What an operation gave.
struct Outcome {
    result: Vec<u8>,
    /// What makes the document invalid.
    invalid: Vec<String>,
    /// What a stylesheet said.
    messages: Vec<String>,
}

struct Failure {
    code: Option<SsisCode>,
    message: String,
}

impl Failure {
    fn new(code: SsisCode, message: impl ToString) -> Self {
        Self {
            code: Some(code),
            message: message.to_string(),
        }
    }
}

/// What the operation needs, on its thread.
struct Work {
    settings: Settings,
    connections: Connections,
    scope: ScopedVariables,
}

impl Work {
    fn run(&self) -> Result<Outcome, Failure> {
        let done = xml::on_deep_stack(|| self.operate());
        let outcome = done.map_err(|message| Failure {
            code: None,
            message,
        })??;
        if let Some(Destination::File(name)) = &self.settings.destination {
            self.save(name, &outcome.result)?;
        }
        Ok(outcome)
    }

    fn operate(&self) -> Result<Outcome, Failure> {
        let document = |source: &TextSource| {
            let document = source.document(&self.connections, &self.scope);
            document.map_err(|message| Failure::new(NO_SOURCE, message))
        };
        let source = document(&self.settings.source)?;
        let plain = |result: Vec<u8>| Outcome {
            result,
            invalid: Vec::new(),
            messages: Vec::new(),
        };
        match &self.settings.operation {
            Operation::XPath(what, path) => {
                let path = path.text(&self.connections, &self.scope);
                let path = path.map_err(|message| Failure::new(XPATH_FAILED, message))?;
                Ok(plain(xpath(&source, *what, path.trim())?.into_bytes()))
            }
            Operation::Transform(stylesheet) => {
                let stylesheet = document(stylesheet)?;
                let done = source.transform(stylesheet).map_err(|error| Failure {
                    code: None,
                    message: error.to_string(),
                })?;
                Ok(Outcome {
                    messages: done.messages,
                    ..plain(done.bytes)
                })
            }
            Operation::Validate(schema) => {
                let schema = document(schema)?;
                Ok(judged(source.validate(&schema))?)
            }
            Operation::ValidateByDtd => Ok(judged(source.validate_by_dtd())?),
        }
    }

    /// Writes the result into the file of a connection manager.
    fn save(&self, name: &str, result: &[u8]) -> Result<(), Failure> {
        let fail = |message: String| Failure {
            code: None,
            message,
        };
        let path = self
            .connections
            .file(name)
            .map_err(|error| fail(error.to_string()))?;
        let files = self.connections.path_map.files();
        if !self.settings.overwrite && files.kind(&path).is_ok() {
            let message = format!(
                "the file `{}` is there already, and OverwriteDestination is False",
                path.display()
            );
            return Err(Failure::new(FILE_EXISTS, message));
        }
        let mut file = StagedFile::create(files, &path).map_err(|error| fail(error.to_string()))?;
        std::io::Write::write_all(&mut file, result)
            .map_err(|error| fail(format!("the file `{}`: {error}", path.display())))?;
        file.commit().map_err(|error| fail(error.to_string()))
    }
}

fn judged(found: Result<Vec<String>, xml::XmlError>) -> Result<Outcome, Failure> {
    let invalid = found.map_err(|error| Failure::new(VALIDATION_ERROR, error))?;
    let result = match invalid.is_empty() {
        true => "true",
        false => "false",
    };
    Ok(Outcome {
        result: result.as_bytes().to_vec(),
        invalid,
        messages: Vec::new(),
    })
}

fn xpath(document: &Document, what: XPathOperation, path: &str) -> Result<String, Failure> {
    let fail = |error: xml::XmlError| Failure::new(XPATH_FAILED, error);
    let all = |of: fn(&Node<'_>) -> String| {
        let nodes = document.select(path, &[]).map_err(fail)?;
        if nodes.is_empty() {
            let message = format!("XPath `{path}` leads to no node");
            return Err(Failure::new(EMPTY_NODE_LIST, message));
        }
        Ok(nodes.iter().map(of).collect::<String>())
    };
    match what {
        XPathOperation::Values => all(|node| node.text()),
        XPathOperation::NodeList => all(|node| node.xml()),
        XPathOperation::Evaluation => match document.evaluate(path, &[]).map_err(fail)? {
            Evaluated::Value(value) => Ok(value),
            Evaluated::Nodes(_) => {
                let message = format!(
                    "XPath `{path}` leads to nodes, and a function's value is wanted: set XPathOperation to Values or NodeList"
                );
                Err(Failure::new(XPATH_FAILED, message))
            }
        },
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
        Ok(TaskResult::Expression)
    }
}

impl XmlTask {
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
