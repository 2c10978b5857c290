//! The operation itself, on its thread.

use dtsx::SsisCode;
use fletching_connections::{Connections, StagedFile};

use super::settings::{Destination, Operation, Settings, XPathOperation};
use crate::{
    scoped_variables::ScopedVariables,
    xml::{self, DiffGramError, Difference, Document, Evaluated, Node, TextSource},
};

/// `DTS_E_XMLTASK_...`
const XPATH_FAILED: SsisCode = SsisCode(0xC002_926B);
const EMPTY_NODE_LIST: SsisCode = SsisCode(0xC002_9268);
const NO_ELEMENT: SsisCode = SsisCode(0xC002_9269);
pub(super) const VALIDATION_ERROR: SsisCode = SsisCode(0xC002_926D);
const NO_SOURCE: SsisCode = SsisCode(0xC002_9264);
pub(super) const FILE_EXISTS: SsisCode = SsisCode(0xC002_9290);
/// `DTS_W_XMLTASK_VALIDATIONFAILURE`.
pub(super) const NOT_VALID: SsisCode = SsisCode(0x8002_928D);
/// `DTS_W_XMLTASK_DIFFFAILURE`.
pub(super) const DIFFERENT: SsisCode = SsisCode(0x8002_927A);

/// What an operation gave.
pub(super) struct Outcome {
    pub(super) result: Vec<u8>,
    /// What makes the document invalid.
    pub(super) invalid: Vec<String>,
    /// What a stylesheet said.
    pub(super) messages: Vec<String>,
    /// How documents differ.
    pub(super) difference: Option<Difference>,
}

impl Outcome {
    fn new(result: impl Into<Vec<u8>>) -> Self {
        Self {
            result: result.into(),
            invalid: Vec::new(),
            messages: Vec::new(),
            difference: None,
        }
    }
}

pub(super) struct Failure {
    pub(super) code: Option<SsisCode>,
    pub(super) message: String,
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
pub(super) struct Work {
    pub(super) settings: Settings,
    pub(super) connections: Connections,
    pub(super) scope: ScopedVariables,
}

impl Work {
    pub(super) fn run(&self) -> Result<Outcome, Failure> {
        let done = xml::on_deep_stack(|| self.operate());
        let outcome = done.map_err(|message| Failure {
            code: None,
            message,
        })??;
        if let Some(Destination::File(name)) = &self.settings.destination {
            self.save(name, &outcome.result)?;
        }
        if let (Operation::Diff(_, comparison), Some(difference)) =
            (&self.settings.operation, &outcome.difference)
            && let Some(Destination::File(name)) = &comparison.diffgram
        {
            self.save(name, difference.diffgram.as_bytes())?;
        }
        Ok(outcome)
    }

    fn operate(&self) -> Result<Outcome, Failure> {
        let document = |source: &TextSource| {
            let document = source.document(&self.connections, &self.scope);
            document.map_err(|message| Failure::new(NO_SOURCE, message))
        };
        let checked = |source: &TextSource| {
            let document = source.checked(&self.connections, &self.scope);
            document.map_err(|message| Failure::new(NO_SOURCE, message))
        };
        let path = |path: &TextSource| {
            let path = path.text(&self.connections, &self.scope);
            let path = path.map_err(|message| Failure::new(XPATH_FAILED, message));
            path.map(|path| path.trim().to_owned())
        };
        let plain = |message: &dyn ToString| Failure {
            code: None,
            message: message.to_string(),
        };
        let source = &self.settings.source;
        match &self.settings.operation {
            Operation::XPath(what, second) => {
                let result = xpath(&document(source)?, *what, &path(second)?)?;
                Ok(Outcome::new(result))
            }
            Operation::Transform(stylesheet) => {
                let (source, stylesheet) = (document(source)?, document(stylesheet)?);
                let done = source.transform(stylesheet);
                let done = done.map_err(|error| plain(&error))?;
                Ok(Outcome {
                    messages: done.messages,
                    ..Outcome::new(done.bytes)
                })
            }
            Operation::Validate(schema) => {
                let (source, schema) = (document(source)?, document(schema)?);
                judged(source.validate(&schema))
            }
            Operation::ValidateByDtd => judged(document(source)?.validate_by_dtd()),
            Operation::Merge(second, place) => {
                let (source, second) = (document(source)?, document(second)?);
                merged(source, &second, &path(place)?)
            }
            Operation::Diff(second, comparison) => {
                let (source, second) = (checked(source)?, checked(second)?);
                let difference = source.diff(&second, comparison.options);
                let difference = difference.map_err(|error| plain(&error))?;
                let verdict = if difference.is_none { "true" } else { "false" };
                Ok(Outcome {
                    difference: Some(difference),
                    ..Outcome::new(verdict)
                })
            }
            Operation::Patch(diffgram) => {
                let label = diffgram.label(&self.connections);
                let (source, diffgram) = (checked(source)?, checked(diffgram)?);
                let patched = source.patch(&diffgram);
                let wrong = |error: DiffGramError| Failure {
                    code: error.code(),
                    message: format!("the DiffGram, {label}: {error}"),
                };
                Ok(Outcome::new(patched.map_err(wrong)?))
            }
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
        invalid,
        ..Outcome::new(result)
    })
}

/// The source, with what is in another document below the first node of a path, or else below its root element.
fn merged(source: Document, second: &Document, path: &str) -> Result<Outcome, Failure> {
    let path = if path.is_empty() { "/*" } else { path };
    let merged = source.merge(second, path);
    let merged = merged.map_err(|error| Failure::new(XPATH_FAILED, error))?;
    merged.map(Outcome::new).ok_or_else(|| {
        let message = format!("XPath `{path}` leads to no element that the document could go into");
        Failure::new(NO_ELEMENT, message)
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
