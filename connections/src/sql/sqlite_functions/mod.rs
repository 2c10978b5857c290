//! Functions of T-SQL that SQLite lacks, for the statements that were rewritten for it: `tsql_len`, `tsql_datediff` and others.
//!
//! Dates are text, `YYYY-MM-DD` or `YYYY-MM-DD HH:MM:SS[.fff]`; a number where a date is wanted counts days from 1900-01-01. An
//! argument that is NULL gives NULL. What T-SQL calls an error is one.

mod control;
mod convert;
mod dates;
mod like;
mod numbers;
mod texts;

use rusqlite::{
    Connection, Error,
    functions::{Context, FunctionFlags},
    types::{Value, ValueRef},
};

/// A call that T-SQL refuses.
#[derive(Debug, thiserror::Error)]
enum CallError {
    #[error("`{value}` cannot be converted to {to}")]
    Conversion { value: String, to: String },
    #[error("the result does not fit into {0}")]
    Overflow(String),
    #[error("{0} is not allowed here")]
    Argument(String),
}

type Result<T> = std::result::Result<T, CallError>;

/// Arguments of a call, none of them NULL.
struct Arguments<'a>(Vec<ValueRef<'a>>);

type Body = fn(&Arguments<'_>) -> Result<Value>;

/// Name, number of arguments, what it does.
static FUNCTIONS: &[(&str, i32, Body)] = &[
    ("tsql_len", 1, texts::len),
    ("tsql_datalength", 1, texts::datalength),
    ("tsql_left", 2, texts::left),
    ("tsql_right", 2, texts::right),
    ("tsql_substring", 3, texts::substring),
    ("tsql_charindex", 2, texts::charindex),
    ("tsql_charindex", 3, texts::charindex),
    ("tsql_replicate", 2, texts::replicate),
    ("tsql_reverse", 1, texts::reverse),
    ("tsql_stuff", 4, texts::stuff),
    ("tsql_translate", 3, texts::translate),
    ("tsql_upper", 1, texts::upper),
    ("tsql_lower", 1, texts::lower),
    ("tsql_ascii", 1, texts::ascii),
    ("tsql_char", 1, texts::char),
    ("tsql_str", 1, texts::str),
    ("tsql_str", 2, texts::str),
    ("tsql_str", 3, texts::str),
    ("tsql_like", 2, like::like),
    ("tsql_patindex", 2, like::patindex),
    ("tsql_add", 2, numbers::add),
    ("tsql_subtract", 2, numbers::subtract),
    ("tsql_number", 1, numbers::number),
    ("tsql_nullif", 2, numbers::nullif),
    ("tsql_round", 2, numbers::round),
    ("tsql_round", 3, numbers::round),
    ("tsql_ceiling", 1, numbers::ceiling),
    ("tsql_floor", 1, numbers::floor),
    ("tsql_power", 2, numbers::power),
    ("tsql_square", 1, numbers::square),
    ("tsql_sqrt", 1, numbers::sqrt),
    ("tsql_exp", 1, numbers::exp),
    ("tsql_log", 1, numbers::log),
    ("tsql_log", 2, numbers::log),
    ("tsql_rand", 1, numbers::rand),
    ("tsql_sign", 1, numbers::sign),
    ("tsql_isnumeric", 1, numbers::isnumeric),
    ("tsql_dateadd", 3, dates::add),
    ("tsql_datediff", 3, dates::difference),
    ("tsql_datepart", 2, dates::part),
    ("tsql_datename", 2, dates::name),
    ("tsql_eomonth", 1, dates::end_of_month),
    ("tsql_eomonth", 2, dates::end_of_month),
    ("tsql_datefromparts", 3, dates::from_parts),
    ("tsql_format", 2, dates::format),
    ("tsql_isdate", 1, dates::isdate),
    ("tsql_convert", 2, convert::convert),
    ("tsql_convert", 3, convert::convert),
    ("tsql_try_convert", 2, convert::try_convert),
    ("tsql_try_convert", 3, convert::try_convert),
];

/// Adds the functions to a connection.
pub(crate) fn register(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    for (name, arguments, body) in FUNCTIONS {
        // ISNUMERIC(NULL) and ISDATE(NULL) are 0, NULLIF(1, NULL) is 1.
        let sees_null = matches!(*name, "tsql_isnumeric" | "tsql_isdate" | "tsql_nullif");
        connection.create_scalar_function(*name, *arguments, flags, move |context| {
            call(context, *body, sees_null)
        })?;
    }
    control::register(connection)?;
    connection.create_scalar_function("tsql_newid", 0, FunctionFlags::SQLITE_UTF8, |_| {
        Ok(uuid::Uuid::new_v4().hyphenated().to_string().to_uppercase())
    })
}

fn call(context: &Context<'_>, body: Body, sees_null: bool) -> rusqlite::Result<Value> {
    let arguments: Vec<_> = (0..context.len())
        .map(|index| context.get_raw(index))
        .collect();
    if !sees_null
        && arguments
            .iter()
            .any(|argument| matches!(argument, ValueRef::Null))
    {
        return Ok(Value::Null);
    }
    body(&Arguments(arguments)).map_err(|error| Error::UserFunctionError(Box::new(error)))
}

impl<'a> Arguments<'a> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn value(&self, index: usize) -> ValueRef<'a> {
        self.0.get(index).copied().unwrap_or(ValueRef::Null)
    }

    fn text(&self, index: usize) -> String {
        text_of(self.value(index))
    }

    fn integer(&self, index: usize) -> Result<i64> {
        match self.value(index) {
            ValueRef::Integer(value) => Ok(value),
            other => numbers::truncated(number_of(other)?),
        }
    }

    fn number(&self, index: usize) -> Result<f64> {
        number_of(self.value(index))
    }
}

/// A value as text. Numbers have as many digits as they need.
fn text_of(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => String::new(),
        ValueRef::Integer(value) => value.to_string(),
        ValueRef::Real(value) => value.to_string(),
        ValueRef::Text(text) | ValueRef::Blob(text) => String::from_utf8_lossy(text).into_owned(),
    }
}

fn number_of(value: ValueRef<'_>) -> Result<f64> {
    match value {
        #[expect(clippy::as_conversions, reason = "T-SQL makes a float of it too")]
        ValueRef::Integer(value) => Ok(value as f64),
        ValueRef::Real(value) => Ok(value),
        other => {
            let text = text_of(other);
            let number: Option<f64> = match text.trim() {
                "" => Some(0.0),
                trimmed => trimmed
                    .parse()
                    .ok()
                    .filter(|number: &f64| number.is_finite()),
            };
            number.ok_or(CallError::Conversion {
                value: text,
                to: "a number".to_owned(),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::{Connection, types::ValueRef};

    use super::register;
    use crate::sql::{Dialect, Kind, rewrite};

    /// Rewrites a script, runs it, gives the rows of the last statement that has some.
    fn run(script: &str) -> Result<Vec<String>, String> {
        let rewritten = rewrite(&script.replace("\\n", "\n"), Dialect::Sqlite)
            .map_err(|error| error.to_string())?;
        let connection = Connection::open_in_memory().map_err(|error| error.to_string())?;
        register(&connection).map_err(|error| error.to_string())?;
        let mut rows = Vec::new();
        for statement in rewritten.statements {
            for _ in 0..statement.repeat {
                let found = rows_of(&connection, &statement.text)
                    .map_err(|error| format!("{error}: {}", statement.text))?;
                if statement.kind == Kind::Query || !found.is_empty() {
                    rows = found;
                }
            }
        }
        Ok(rows)
    }

    fn rows_of(connection: &Connection, text: &str) -> rusqlite::Result<Vec<String>> {
        let mut statement = connection.prepare(text)?;
        let columns = statement.column_count();
        let mut found = statement.query([])?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            let values: rusqlite::Result<Vec<String>> = (0..columns)
                .map(|column| row.get_ref(column).map(shown))
                .collect();
            rows.push(values?.join(" | "));
        }
        Ok(rows)
    }

    fn shown(value: ValueRef<'_>) -> String {
        match value {
            ValueRef::Null => "NULL".to_owned(),
            ValueRef::Real(value) => format!("{value:?}"),
            ValueRef::Blob(bytes) => format!(
                "X'{}'",
                bytes
                    .iter()
                    .map(|byte| format!("{byte:02X}"))
                    .collect::<String>()
            ),
            other => super::text_of(other),
        }
    }

    #[test]
    fn executed_cases() {
        let cases = include_str!("../../../tests/tsql/executed.txt");
        let mut lines = cases.lines().peekable();
        let mut failures = Vec::new();
        while let Some(line) = lines.next() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let mut expected = Vec::new();
            while let Some(row) = lines.next_if(|line| line.starts_with("  ")) {
                expected.push(row.trim_start_matches("  ").to_owned());
            }
            let found = run(line);
            let fits = match (
                &found,
                expected
                    .first()
                    .and_then(|first| first.strip_prefix("error: ")),
            ) {
                (Err(error), Some(part)) => error.contains(part),
                (Ok(rows), None) => rows
                    .iter()
                    .map(|row| row.trim())
                    .eq(expected.iter().map(|row| row.trim())),
                _ => false,
            };
            if !fits {
                failures.push(format!("{line}\n  wanted {expected:?}\n  found  {found:?}"));
            }
        }
        assert!(failures.is_empty(), "{}", failures.join("\n"));
    }
}
