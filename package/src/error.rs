//! What can be wrong with a package or a project: where, what was found, what was wanted, what to do.

use std::fmt;

use crate::{ProtectionLevel, SsisCode};

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
    /// A value that the password given does not open.
    #[error(
        "{position}: {what} is encrypted with a password, and the one given does not open it; give the password that it was saved with"
    )]
    Password {
        /// Where the cipher starts.
        position: Position,
        /// The value: owner and property.
        what: String,
    },
    /// The document as a whole is encrypted, and the password given does not open it, or none was given.
    #[error(
        "the document is encrypted as a whole with a password (EncryptAllWithPassword), and {detail}; give the password that it was saved with"
    )]
    PackagePassword {
        /// What of the two.
        detail: &'static str,
    },
    /// The document as a whole is encrypted with what only Windows has.
    #[error(
        "the document is encrypted as a whole with the key of a Windows user (EncryptAllWithUserKey), which no other machine can open; have that user save it with a password"
    )]
    PackageUserKey,
    /// An encrypted value without what is needed to open it.
    #[error("{position}: {what}: {detail}; save the package again with the password that it had")]
    Cipher {
        /// Where the cipher starts.
        position: Position,
        /// The value: owner and property.
        what: String,
        /// What was found and what was wanted.
        detail: String,
    },
    /// A level that needs a password, without one.
    #[error("protection level {level} needs a password, and none was given")]
    PasswordMissing {
        /// The level.
        level: ProtectionLevel,
    },
    /// A level that only Windows or a database can give.
    #[error("protection level {level} is not possible here: {reason}; use 0, 2 or 3")]
    Level {
        /// The level.
        level: ProtectionLevel,
        /// Why not.
        reason: &'static str,
    },
    /// Values that are encrypted and would be lost.
    #[error(
        "{first} is encrypted and cannot be encrypted anew (values of which this is so: {count}); {advice}"
    )]
    Sealed {
        /// How many.
        count: usize,
        /// Owner and property of the first.
        first: String,
        /// What to do.
        advice: &'static str,
        /// Whether the key of a Windows user closes the first.
        user_key: bool,
    },
    /// A package could not be encrypted.
    #[error("the package cannot be encrypted: {detail}")]
    Protect {
        /// What failed.
        detail: String,
    },
    /// A package without a sound id cannot be given another one.
    #[error("the DTSID of the package is `{found}`, wanted a GUID in braces")]
    NoId {
        /// What it has.
        found: String,
    },
    /// A signature was asked for.
    #[error("the package has no digital signature")]
    NotSigned,
    /// A signature is there, and nobody can say whether it holds.
    #[error(
        "{position}: the package has a digital signature, and it was not checked: Fletching does not check signatures; check it with dtexec /VerifySigned on Windows"
    )]
    SignatureNotChecked {
        /// Where it starts.
        position: Position,
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
    /// The code that SSIS reports: mostly that of a package that does not load.
    pub fn code(&self) -> SsisCode {
        match self {
            Self::Password { .. } | Self::Cipher { .. } => SsisCode::DECRYPT_XML_PASSWORD,
            Self::PackagePassword { .. } => SsisCode::PACKAGE_PASSWORD,
            Self::PasswordMissing { .. } => SsisCode::PACKAGE_PASSWORD_EMPTY,
            Self::Level {
                level: ProtectionLevel::ServerStorage,
                ..
            } => SsisCode::SERVER_STORAGE_DISALLOWED,
            Self::Level { .. } | Self::Protect { .. } => SsisCode::PACKAGE_PROTECT,
            Self::NotSigned => SsisCode::SIGNATURE_NOT_PRESENT,
            Self::SignatureNotChecked { .. } => SsisCode::PACKAGE_VERIFICATION_FAILED,
            Self::PackageUserKey | Self::Sealed { user_key: true, .. } => {
                SsisCode::DECRYPT_USER_KEY
            }
            Self::Sealed { .. } => SsisCode::DECRYPT_XML_PASSWORD,
            Self::InEntry { source, .. } => source.code(),
            _ => SsisCode::LOAD_PACKAGE_XML,
        }
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
            | Self::Value { position, .. }
            | Self::SignatureNotChecked { position }
            | Self::Password { position, .. }
            | Self::Cipher { position, .. } => Some(*position),
            Self::InEntry { source, .. } => source.position(),
            Self::Edit { .. }
            | Self::Archive { .. }
            | Self::Entry { .. }
            | Self::PackagePassword { .. }
            | Self::PackageUserKey
            | Self::NoId { .. }
            | Self::NotSigned
            | Self::PasswordMissing { .. }
            | Self::Level { .. }
            | Self::Sealed { .. }
            | Self::Protect { .. } => None,
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
