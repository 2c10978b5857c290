//! The settings of the task, and what is wrong with them.

use dtsx::{Properties, SsisCode};
use fletching_components::{Finding, FindingKind};

use super::XmlTask;
use crate::{
    task::TaskHost,
    xml::{self, DiffOptions, TextSource},
};

/// What is done with the document; the second operand.
#[derive(Debug, Clone)]
pub(super) enum Operation {
    Validate(TextSource),
    ValidateByDtd,
    Transform(TextSource),
    XPath(XPathOperation, TextSource),
    /// A document, and the path to where it goes.
    Merge(TextSource, TextSource),
    Diff(TextSource, Comparison),
    /// A DiffGram.
    Patch(TextSource),
}

/// How documents are compared.
#[derive(Debug, Clone)]
pub(super) struct Comparison {
    pub(super) options: DiffOptions,
    pub(super) fails_if_different: bool,
    /// `None`: the DiffGram is not kept.
    pub(super) diffgram: Option<Destination>,
}

impl Destination {
    fn new(kind: usize, name: &str) -> Self {
        match kind {
            0 => Self::File(name.to_owned()),
            _ => Self::Variable(name.to_owned()),
        }
    }

    fn source(&self) -> TextSource {
        match self {
            Self::File(name) => TextSource::File(name.clone()),
            Self::Variable(name) => TextSource::Variable(name.clone()),
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) enum XPathOperation {
    Evaluation,
    Values,
    NodeList,
}

#[derive(Debug, Clone)]
pub(super) enum Destination {
    /// A FILE connection manager.
    File(String),
    Variable(String),
}

/// The settings, read.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) source: TextSource,
    pub(super) operation: Operation,
    /// `None`: the result is not kept.
    pub(super) destination: Option<Destination>,
    pub(super) overwrite: bool,
    pub(super) fails_if_invalid: bool,
}

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
    pub(super) fn settings(&self, host: &TaskHost<'_>) -> Result<Settings, Vec<Finding>> {
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
        let source = |kind: &str, name: &str, default: usize| self.source(kind, name, default);
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
                let destination = Destination::new(destination, text("Destination"));
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
            3 => {
                let path = self.source("XPathStringSourceType", "XPathStringSource", 2)?;
                Ok(Operation::Merge(second?, path))
            }
            4 => Ok(Operation::Diff(second?, self.comparison()?)),
            _ => Ok(Operation::Patch(second?)),
        }
    }

    /// A property, and the property that says where it has its text.
    fn source(&self, kind: &str, name: &str, default: usize) -> Result<TextSource, String> {
        let kinds = ["FileConnection", "Variable", "DirectInput"];
        let kind = member(&self.data.properties, kind, &kinds, default)?;
        let text = self.data.properties.get(name).unwrap_or_default();
        TextSource::new(kinds.get(kind).copied().unwrap_or_default(), text)
    }

    fn comparison(&self) -> Result<Comparison, String> {
        let properties = &self.data.properties;
        let flag = |name: &str| properties.bool(name).unwrap_or(false);
        // Any of them leads to the same document.
        member(properties, "DiffAlgorithm", &["Auto", "Fast", "Precise"], 0)?;
        let options = properties.get("DiffOptions").unwrap_or_default();
        let options = DiffOptions::read(options)
            .map_err(|name| format!("DiffOptions has `{name}`, which is not one of them"))?;
        let kinds = ["FileConnection", "Variable"];
        let kind = member(properties, "DiffGramDestinationType", &kinds, 0)?;
        let name = properties.get("DiffGramDestination").unwrap_or_default();
        Ok(Comparison {
            options,
            fails_if_different: flag("FailOpOnDifference"),
            diffgram: flag("SaveDiffGram").then(|| Destination::new(kind, name)),
        })
    }
}

impl Settings {
    pub(super) fn problems(&self, host: &TaskHost<'_>) -> Vec<Finding> {
        let mut findings = Vec::new();
        if let Err(error) = xml::available() {
            findings.push(host.unsupported(error.to_string()));
        }
        findings.extend(self.source.check(host, "Source"));
        match &self.operation {
            Operation::Validate(second)
            | Operation::Transform(second)
            | Operation::XPath(_, second)
            | Operation::Merge(second, _)
            | Operation::Diff(second, _)
            | Operation::Patch(second) => {
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
        if let Operation::Merge(_, path) = &self.operation {
            findings.extend(path.check(host, "XPathStringSource"));
        }
        let source = |one: &Option<Destination>| one.as_ref().map(Destination::source);
        let destination = source(&self.destination);
        findings.extend(destination.and_then(|one| one.check(host, "Destination")));
        if let Operation::Diff(_, comparison) = &self.operation {
            let diffgram = source(&comparison.diffgram);
            findings.extend(diffgram.and_then(|one| one.check(host, "DiffGramDestination")));
        }
        findings
    }
}
