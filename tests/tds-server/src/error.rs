//! Errors as SQL Server numbers them, and the way from SQLite's to those.

use rusqlite::ffi;

/// What an ERROR token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlError {
    pub number: i32,
    pub state: u8,
    pub class: u8,
    pub message: String,
    pub line: u32,
    /// Whether the rest of the batch is left out, which SQL Server does not do after a failed constraint.
    pub(crate) ends_batch: bool,
}

/// The number of what this server does not understand: not one of SQL Server's.
pub const NOT_SUPPORTED: i32 = 50999;

/// Marks a numbered message on its way through SQLite, which keeps only text.
const MARK: &str = "#tds:";

impl SqlError {
    /// An error of class 16 (16 is what most errors of a statement have), or 14 for constraints.
    #[must_use]
    pub fn new(number: i32, message: impl Into<String>) -> Self {
        let class = match number {
            2627 | 2601 | 18456 => 14,
            102 | 156 => 15,
            1205 => 13,
            _ => 16,
        };
        let ends_batch = !matches!(number, 2627 | 2601 | 515 | 547 | 2628 | 8152 | 8115 | 8134);
        Self {
            number,
            state: 1,
            class,
            message: message.into(),
            line: 1,
            ends_batch,
        }
    }

    pub(crate) fn unsupported(what: impl std::fmt::Display) -> Self {
        Self::new(NOT_SUPPORTED, format!("tds-server does not support {what}"))
    }

    pub(crate) fn syntax(near: impl std::fmt::Display) -> Self {
        Self::new(102, format!("Incorrect syntax near '{near}'."))
    }

    pub(crate) fn at_line(mut self, line: u32) -> Self {
        if self.line <= 1 {
            self.line = line.max(1);
        }
        self
    }

    /// As text that survives a SQLite function's error.
    pub(crate) fn marked(&self) -> String {
        format!("{MARK}{}:{}", self.number, self.message)
    }
}

impl std::fmt::Display for SqlError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.number, self.message)
    }
}

impl std::error::Error for SqlError {}

impl From<rusqlite::Error> for SqlError {
    fn from(error: rusqlite::Error) -> Self {
        let (code, text) = match &error {
            rusqlite::Error::SqliteFailure(code, text) => {
                (Some(*code), text.clone().unwrap_or_default())
            }
            rusqlite::Error::SqlInputError { error, msg, .. } => (Some(*error), msg.clone()),
            other => (None, other.to_string()),
        };
        if let Some((number, message)) = text
            .split_once(MARK)
            .and_then(|(_, rest)| rest.split_once(':'))
            .and_then(|(number, message)| Some((number.parse().ok()?, message)))
        {
            return Self::new(number, message);
        }
        let Some(code) = code else {
            return Self::new(NOT_SUPPORTED, format!("SQLite: {text}"));
        };
        from_code(code, &text)
    }
}

fn from_code(code: ffi::Error, text: &str) -> SqlError {
    let after = |prefix: &str| {
        text.strip_prefix(prefix)
            .map(|rest| rest.trim().replace('"', ""))
    };
    match code.extended_code {
        ffi::SQLITE_CONSTRAINT_UNIQUE
        | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
        | ffi::SQLITE_CONSTRAINT_ROWID => {
            let of = after("UNIQUE constraint failed:").unwrap_or_default();
            let table = of.split('.').next().unwrap_or_default();
            SqlError::new(
                2627,
                format!(
                    "Violation of UNIQUE KEY constraint on ({of}). Cannot insert duplicate key in object 'dbo.{table}'."
                ),
            )
        }
        ffi::SQLITE_CONSTRAINT_NOTNULL => {
            let of = after("NOT NULL constraint failed:").unwrap_or_default();
            let (table, column) = of.rsplit_once('.').unwrap_or(("", &of));
            SqlError::new(
                515,
                format!(
                    "Cannot insert the value NULL into column '{column}', table 'dbo.{table}'; column does not allow nulls. INSERT fails."
                ),
            )
        }
        ffi::SQLITE_CONSTRAINT_CHECK => {
            let of = after("CHECK constraint failed:").unwrap_or_default();
            SqlError::new(
                547,
                format!("The statement conflicted with the CHECK constraint \"{of}\"."),
            )
        }
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => SqlError::new(
            547,
            "The statement conflicted with a FOREIGN KEY constraint.",
        ),
        ffi::SQLITE_BUSY_SNAPSHOT => SqlError::new(
            1205,
            "Transaction was deadlocked on lock resources with another process and has been chosen as the deadlock victim. Rerun the transaction.",
        ),
        _ => from_text(code, text),
    }
}

fn from_text(code: ffi::Error, text: &str) -> SqlError {
    let after = |prefix: &str| {
        text.strip_prefix(prefix)
            .map(|rest| rest.trim().replace('"', ""))
    };
    if matches!(
        code.code,
        ffi::ErrorCode::DatabaseBusy | ffi::ErrorCode::DatabaseLocked
    ) {
        return SqlError::new(1222, "Lock request time out period exceeded.");
    }
    if let Some(name) = after("no such table:") {
        let name = name.trim_start_matches("main.").trim_start_matches("temp.");
        return SqlError::new(208, format!("Invalid object name '{name}'."));
    }
    if let Some(name) = after("no such column:") {
        let name = name.split(" - should").next().unwrap_or_default();
        return SqlError::new(207, format!("Invalid column name '{name}'."));
    }
    if let Some((_, name)) = text.split_once(" has no column named ") {
        return SqlError::new(207, format!("Invalid column name '{name}'."));
    }
    if let Some(name) = after("no such function:") {
        return SqlError::new(
            195,
            format!("'{name}' is not a recognized built-in function name."),
        );
    }
    if text.ends_with("already exists") {
        return SqlError::new(
            2714,
            format!("There is already an object of that name in the database ({text})."),
        );
    }
    if text.contains("values were supplied") || text.contains("values for") {
        return SqlError::new(
            213,
            "Column name or number of supplied values does not match table definition.",
        );
    }
    if let Some((_, near)) = text.split_once("near ") {
        return SqlError::syntax(near);
    }
    SqlError::new(NOT_SUPPORTED, format!("SQLite: {text}"))
}
