//! Why a database refused.

use dtsx::SsisCode;

/// What kind of failure it was, whatever the database calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// No server, no file, no driver, or the network is gone before the login.
    Unreachable,
    /// User or password.
    Login,
    /// The statement is not understood.
    Syntax,
    /// A table, column or procedure is not there.
    Missing,
    /// A key, a check, NOT NULL.
    Constraint,
    /// A value does not fit its column.
    Value,
    /// Somebody else holds a lock for too long, or a deadlock was resolved against this session.
    Locked,
    /// It took longer than allowed.
    Timeout,
    /// No room on disk or in memory.
    Full,
    /// May not be done by this user.
    Denied,
    /// [`Cancel::cancel`](super::Cancel::cancel).
    Cancelled,
    /// The connection broke.
    Lost,
    /// This database, its driver or this build does not do it.
    Unsupported,
    Other,
}

/// A failure of a database, with its own words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{database}: {message}{}{}", shown_number(.number), shown_statement(.statement))]
pub struct DatabaseError {
    /// What was opened, without secrets.
    pub database: String,
    pub fault: Fault,
    /// Found, wanted, what to do: the database's own text where it has one.
    pub message: String,
    /// The database's number for it: SQL Server's, SQLite's extended code.
    pub number: Option<i32>,
    /// SQLSTATE.
    pub state: Option<String>,
    /// The statement as it was sent.
    pub statement: Option<String>,
}

impl DatabaseError {
    pub fn new(database: impl Into<String>, fault: Fault, message: impl Into<String>) -> Self {
        Self {
            database: database.into(),
            fault,
            message: message.into(),
            number: None,
            state: None,
            statement: None,
        }
    }

    #[must_use]
    pub fn with_number(mut self, number: i32) -> Self {
        self.number = Some(number);
        self
    }

    #[must_use]
    pub fn with_statement(mut self, statement: impl Into<String>) -> Self {
        self.statement = Some(statement.into());
        self
    }

    /// `DTS_E_CANNOTACQUIRECONNECTIONFROMCONNECTIONMANAGER` where no connection came about, `DTS_E_OLEDBERROR` else.
    pub fn code(&self) -> SsisCode {
        match self.fault {
            Fault::Unreachable | Fault::Login => SsisCode(0xC020_801C),
            _ => SsisCode(0xC020_2009),
        }
    }

    /// Whether the session can go on after it.
    pub fn is_fatal(&self) -> bool {
        matches!(
            self.fault,
            Fault::Unreachable | Fault::Login | Fault::Lost | Fault::Cancelled | Fault::Full
        )
    }

    /// Whether a load cannot go on after it. A load that took too long would take longer still row by row.
    pub fn ends_load(&self) -> bool {
        self.is_fatal() || self.fault == Fault::Timeout
    }

    /// A call that took longer than it was allowed to.
    pub(super) fn into_late(self, seconds: u32) -> Self {
        Self {
            fault: Fault::Timeout,
            message: format!("it took longer than the {seconds} s that are allowed"),
            ..self
        }
    }
}

fn shown_number(number: &Option<i32>) -> String {
    number
        .map(|number| format!(" (error {number})"))
        .unwrap_or_default()
}

/// Longest statement that an error shows.
const SHOWN_CHARS_MAX: usize = 400;

fn shown_statement(statement: &Option<String>) -> String {
    let Some(statement) = statement else {
        return String::new();
    };
    let statement = statement.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut shown: String = statement.chars().take(SHOWN_CHARS_MAX).collect();
    if shown.len() < statement.len() {
        shown.push_str("...");
    }
    format!("; the statement was: {shown}")
}
