//! What can be wrong with a package or a project: where, what was found, what was wanted, what to do.

use std::fmt;

use crate::SsisCode;

/// A place in the text of a document, both counted from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// Line, ended by LF, CR or both.
    pub line: u32,
    /// Characters from the start of the line.
    pub column: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Why a package or a project did not load or could not be edited.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are not text in the encoding that they claim.
    #[error(
        "{position}: the bytes are not {encoding}; save the file in the encoding that its declaration names"
    )]
    Encoding {
        /// Last place that could be read.
        position: Position,
        /// Encoding tried, or its unknown name.
        encoding: String,
    },
    /// Not well-formed XML.
    #[error("{position}: not well-formed XML: {detail}")]
    NotWellFormed {
        /// Where the markup starts.
        position: Position,
        /// What was found and what was wanted.
        detail: String,
    },
    /// A document type declaration, which packages never have and which hostile files use.
    #[error(
        "{position}: a document type declaration (<!DOCTYPE>) is not allowed in a package; remove it"
    )]
    DocumentType {
        /// Where it starts.
        position: Position,
    },
    /// A reference to an entity that XML does not predefine.
    #[error(
        "{position}: unknown entity `&{name};`; only lt, gt, amp, apos, quot and character references are allowed"
    )]
    Entity {
        /// Where the reference starts.
        position: Position,
        /// Its name.
        name: String,
    },
    /// More than [`Limits`](crate::Limits) allow.
    #[error("{position}: more than {limit} {what}; if the file is sound, raise the limit")]
    Limit {
        /// Where the limit was passed.
        position: Position,
        /// What was counted.
        what: &'static str,
        /// How many are allowed.
        limit: u64,
    },
    /// The root element is not the one wanted.
    #[error("{position}: found the root element `{found}`, wanted {wanted}")]
    WrongRoot {
        /// Where the root starts.
        position: Position,
        /// Its name with prefix.
        found: String,
        /// What the caller asked for.
        wanted: &'static str,
    },
    /// A value that cannot be read as what its place demands.
    #[error("{position}: {name} is `{found}`, wanted {wanted}")]
    Value {
        /// Where the element starts.
        position: Position,
        /// Element and attribute or property.
        name: String,
        /// The value in the file.
        found: String,
        /// What is allowed.
        wanted: &'static str,
    },
    /// An edit that the document does not allow.
    #[error("cannot edit {what}: {detail}")]
    Edit {
        /// The node.
        what: String,
        /// Why not.
        detail: String,
    },
    /// The archive of a project cannot be read.
    #[error("project archive: {detail}")]
    Archive {
        /// What was found.
        detail: String,
    },
    /// An entry of a project archive or folder cannot be read.
    #[error("entry `{entry}`: {detail}")]
    Entry {
        /// Name as stored.
        entry: String,
        /// What was found.
        detail: String,
    },
    /// A document inside a project does not load.
    #[error("`{entry}`: {source}")]
    InEntry {
        /// Name of the file in the project.
        entry: String,
        /// What is wrong with it.
        source: Box<Error>,
    },
}

impl Error {
    /// The code that SSIS reports for a package that does not load.
    pub fn code(&self) -> SsisCode {
        SsisCode::LOAD_PACKAGE_XML
    }

    /// Where in the document, if the error is about one.
    pub fn position(&self) -> Option<Position> {
        match self {
            Self::Encoding { position, .. }
            | Self::NotWellFormed { position, .. }
            | Self::DocumentType { position }
            | Self::Entity { position, .. }
            | Self::Limit { position, .. }
            | Self::WrongRoot { position, .. }
            | Self::Value { position, .. } => Some(*position),
            Self::InEntry { source, .. } => source.position(),
            Self::Edit { .. } | Self::Archive { .. } | Self::Entry { .. } => None,
        }
    }

    /// The same error with the name of the file it is about.
    pub(crate) fn in_entry(self, entry: &str) -> Self {
        Self::InEntry {
            entry: entry.to_owned(),
            source: Box::new(self),
        }
    }
}
