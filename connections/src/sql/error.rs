//! Why a statement could not be rewritten: which, where, what was found and what to do.

use std::fmt;

/// A place in the script that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The statement, cut when it is long.
    pub statement: String,
    /// From 1.
    pub line: u64,
    /// From 1, in characters.
    pub column: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// A statement that does not run on the other database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RewriteError {
    #[error("{place}: the T-SQL cannot be read: {reason}; statement: {}", .place.statement)]
    Unreadable { place: Place, reason: String },
    #[error("{place}: {found} has no counterpart; {advice}; statement: {}", .place.statement)]
    Unsupported {
        place: Place,
        found: String,
        advice: String,
    },
    #[error("{place}: the statement is too large: {found}; divide it; statement: {}", .place.statement)]
    TooLarge { place: Place, found: String },
}

impl RewriteError {
    pub fn place(&self) -> &Place {
        match self {
            Self::Unreadable { place, .. }
            | Self::Unsupported { place, .. }
            | Self::TooLarge { place, .. } => place,
        }
    }
}
