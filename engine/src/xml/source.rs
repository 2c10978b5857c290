//! Where a task or an enumerator takes a text from: itself, a file or a variable.

use dtsx::SsisCode;
use fletching_components::{Finding, FindingKind};
use fletching_connections::{Connections, package_files};

use super::{Checked, Document, XmlError};
use crate::{scoped_variables::ScopedVariables, task::TaskHost};

/// A text, or where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TextSource {
    Direct(String),
    /// A FILE connection manager.
    File(String),
    Variable(String),
}

/// Largest document.
const BYTES_MAX: u64 = 256 << 20;

impl TextSource {
    /// A member of DTSXMLSourceType, by name or number, and what goes with it.
    ///
    /// # Errors
    /// It is no member.
    pub(crate) fn new(kind: &str, text: &str) -> Result<Self, String> {
        let text = text.to_owned();
        match kind.trim() {
            "FileConnection" | "0" => Ok(Self::File(text)),
            "Variable" | "1" => Ok(Self::Variable(text)),
            "DirectInput" | "2" => Ok(Self::Direct(text)),
            other => Err(format!(
                "`{other}`: FileConnection, Variable or DirectInput is wanted"
            )),
        }
    }

    /// What is wrong with it before anything runs; `what` it is for.
    pub(crate) fn check(&self, host: &TaskHost<'_>, what: &str) -> Option<Finding> {
        let wrong = |code, message: String| {
            let message = format!("{what}: {message}");
            host.finding(FindingKind::Invalid, Some(code), message)
        };
        match self {
            Self::Direct(_) => None,
            Self::File(name) => {
                // A connection manager that cannot be evaluated says so itself.
                let connections = host.connections().ok()?;
                let error = connections.file(name).err()?;
                // DTS_E_CANNOTACQUIRECONNECTIONFROMCONNECTIONMANAGER
                Some(wrong(SsisCode(0xC020_801C), error.to_string()))
            }
            Self::Variable(name) => {
                let error = host.has_variable(name).err()?;
                Some(wrong(SsisCode::VARIABLE_NOT_FOUND, error))
            }
        }
    }

    /// The text. Blocks.
    ///
    /// # Errors
    /// Why there is none, for a person.
    pub(crate) fn text(
        &self,
        connections: &Connections,
        scope: &ScopedVariables,
    ) -> Result<String, String> {
        match self {
            Self::Direct(text) => Ok(text.clone()),
            Self::Variable(name) => Ok(crate::task::variable(scope, name)?.to_string()),
            Self::File(name) => {
                let bytes = read(connections, name)?;
                let text = String::from_utf8(bytes);
                text.map_err(|_| format!("the file of `{name}` is not text in UTF-8"))
            }
        }
    }

    /// The document. Blocks.
    ///
    /// # Errors
    /// Why there is none, for a person.
    pub(crate) fn document(
        &self,
        connections: &Connections,
        scope: &ScopedVariables,
    ) -> Result<Document, String> {
        let document = match self {
            Self::File(name) => Document::of_bytes(&read(connections, name)?),
            _ => Document::of_text(&self.text(connections, scope)?),
        };
        document.map_err(|error: XmlError| format!("{}: {error}", self.label(connections)))
    }

    /// The document as text, for comparisons. Blocks.
    ///
    /// # Errors
    /// Why there is none, for a person.
    pub(crate) fn checked(
        &self,
        connections: &Connections,
        scope: &ScopedVariables,
    ) -> Result<Checked, String> {
        let document = match self {
            Self::File(name) => Checked::of_bytes(&read(connections, name)?),
            _ => Checked::of_text(self.text(connections, scope)?),
        };
        document.map_err(|error: XmlError| format!("{}: {error}", self.label(connections)))
    }

    /// How to call it, for a person.
    pub(crate) fn label(&self, connections: &Connections) -> String {
        match self {
            Self::Direct(_) => "the XML in the package".to_owned(),
            Self::File(name) => {
                let manager = connections.get(name);
                let name = manager.map_or(name.as_str(), |manager| &manager.name);
                format!("the file of `{name}`")
            }
            Self::Variable(name) => format!("variable `{name}`"),
        }
    }
}

fn read(connections: &Connections, name: &str) -> Result<Vec<u8>, String> {
    let path = connections.file(name).map_err(|error| error.to_string())?;
    package_files::read(&path, BYTES_MAX).map_err(|error| error.to_string())
}
