//! Transactions, settings and raised errors of a session.

use rusqlite::{TransactionState, types::Value};

use crate::convert::text;
use crate::error::SqlError;
use crate::rewrite::quoted;
use crate::script::Tokens;
use crate::session::{Session, number_of};
use crate::tokens::Stop;
use crate::wire::Reader;

impl Session {
    pub(crate) fn begin(&mut self) -> Result<(), Stop> {
        if self.state.transactions == 0 {
            self.db.execute_batch("BEGIN")?;
            self.state.savepoints.clear();
            self.state.transaction += 1;
            self.replies
                .environment_bytes(8, &self.state.transaction.to_le_bytes(), &[]);
        }
        self.state.transactions += 1;
        Ok(())
    }

    pub(crate) fn save(&mut self, name: &str) -> Result<(), Stop> {
        self.db
            .execute_batch(&format!("SAVEPOINT {}", quoted(name)))?;
        self.state.savepoints.push(name.to_owned());
        Ok(())
    }

    /// Lets go of what the open transaction has only read. SQLite would hold it to that moment, and refuse to write after
    /// others have; SQL Server reads what is committed.
    pub(crate) fn before_write(&mut self) -> Result<(), Stop> {
        let state = self.db.transaction_state::<&str>(None)?;
        if self.db.is_autocommit() || state != TransactionState::Read {
            return Ok(());
        }
        self.db.execute_batch("COMMIT; BEGIN IMMEDIATE")?;
        for name in &self.state.savepoints {
            self.db
                .execute_batch(&format!("SAVEPOINT {}", quoted(name)))?;
        }
        Ok(())
    }

    pub(crate) fn commit(&mut self) -> Result<(), Stop> {
        if self.state.transactions == 0 {
            return Err(SqlError::new(
                3902,
                "The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION.",
            )
            .into());
        }
        if self.state.transactions == 1 {
            self.db.execute_batch("COMMIT")?;
            self.replies
                .environment_bytes(9, &[], &self.state.transaction.to_le_bytes());
        }
        self.state.transactions -= 1;
        Ok(())
    }

    pub(crate) fn rollback(&mut self, name: Option<&str>) -> Result<(), Stop> {
        if self.state.transactions == 0 {
            return Err(SqlError::new(
                3903,
                "The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION.",
            )
            .into());
        }
        if let Some(name) = name
            && self
                .db
                .execute_batch(&format!("ROLLBACK TO {}", quoted(name)))
                .is_ok()
        {
            return Ok(());
        }
        if !self.db.is_autocommit() {
            self.db.execute_batch("ROLLBACK")?;
        }
        self.state.transactions = 0;
        self.replies
            .environment_bytes(10, &[], &self.state.transaction.to_le_bytes());
        Ok(())
    }

    /// A transaction request: its kind, and a name for some.
    pub(crate) fn transaction_request(&mut self, body: &[u8]) -> Result<(), Stop> {
        let mut reader = Reader::new(body);
        reader.all_headers()?;
        let kind = reader.u16()?;
        if kind == 5 {
            reader.u8()?;
        }
        let name = if reader.is_empty() {
            String::new()
        } else {
            text_of(&mut reader)?
        };
        match kind {
            5 => self.begin(),
            7 => {
                self.commit()?;
                self.restart(&mut reader)
            }
            8 => {
                self.rollback(Some(name.as_str()).filter(|name| !name.is_empty()))?;
                self.restart(&mut reader)
            }
            9 => self.save(&name),
            other => Err(SqlError::unsupported(format_args!("transaction request {other}")).into()),
        }
    }

    /// A commit may ask for the next transaction at once.
    fn restart(&mut self, reader: &mut Reader<'_>) -> Result<(), Stop> {
        if !reader.is_empty() && reader.u8()? & 1 != 0 {
            return self.begin();
        }
        Ok(())
    }

    pub(crate) fn setting(&mut self, words: &[String]) -> Result<(), Stop> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["NOCOUNT", switch] => self.state.no_count = *switch == "ON",
            ["FMTONLY", switch] => self.state.format_only = *switch == "ON",
            ["XACT_ABORT", switch] => self.state.abort = *switch == "ON",
            ["IMPLICIT_TRANSACTIONS", "ON"] => {
                return Err(SqlError::unsupported("SET IMPLICIT_TRANSACTIONS ON").into());
            }
            ["LOCK_TIMEOUT", rest @ ..] => {
                let text: String = rest.concat();
                let number: i64 = text.parse().map_err(|_| SqlError::syntax(&text))?;
                self.state.lock_timeout = number;
                let milliseconds = u64::try_from(number).unwrap_or(60_000);
                self.db
                    .busy_timeout(std::time::Duration::from_millis(milliseconds))?;
            }
            ["IDENTITY_INSERT", name @ .., switch] => {
                let parts: Vec<&str> = name.iter().copied().filter(|part| *part != ".").collect();
                let table = crate::rewrite::table_name(&parts);
                self.state.identity_insert = (*switch == "ON").then_some(table);
            }
            ["ROWCOUNT", "0"] => {}
            ["ROWCOUNT", ..] => return Err(SqlError::unsupported("SET ROWCOUNT").into()),
            _ => {}
        }
        Ok(())
    }

    fn values(&mut self, arguments: &[Tokens]) -> Result<Vec<Value>, Stop> {
        arguments
            .iter()
            .map(|argument| self.evaluate(argument))
            .collect()
    }

    /// RAISERROR: up to class 10 a message, above it an error.
    pub(crate) fn raise(&mut self, arguments: &[Tokens]) -> Result<(), Stop> {
        let values = self.values(arguments)?;
        let mut values = values.into_iter();
        let (message, class, state) = (values.next(), values.next(), values.next());
        let mut message = message.ok_or_else(|| SqlError::syntax("RAISERROR"))?;
        let mut number = 50_000;
        if let Value::Integer(given) = message {
            number = i32::try_from(given).unwrap_or(number);
            message = Value::Text(format!("Error {given}"));
        }
        let mut filled = String::new();
        let pattern = text(message);
        let mut parts = pattern.split('%');
        filled.push_str(parts.next().unwrap_or_default());
        for part in parts {
            // %s, %d and %i take the next value.
            match part.strip_prefix(['s', 'd', 'i', 'u']) {
                Some(rest) => filled.push_str(&(text(values.next().unwrap_or(Value::Null)) + rest)),
                None => filled.push_str(&format!("%{part}")),
            }
        }
        let class = class.map_or(16, |class| u8::try_from(number_of(&class)).unwrap_or(16));
        if class <= 10 {
            self.replies.information(number, &filled);
            return Ok(());
        }
        let mut error = SqlError::new(number, filled);
        error.class = class;
        error.ends_batch = false;
        error.state = state.map_or(1, |state| u8::try_from(number_of(&state)).unwrap_or(1));
        Err(error.into())
    }

    /// THROW: what was caught, or a number and a message. Unlike RAISERROR it ends the batch.
    pub(crate) fn thrown(&mut self, arguments: &[Tokens]) -> Result<SqlError, Stop> {
        let values = self.values(arguments)?;
        match values.as_slice() {
            [] => Ok(self
                .state
                .caught
                .clone()
                .unwrap_or_else(|| SqlError::syntax("THROW"))),
            [number, message, rest @ ..] => {
                let mut error = SqlError::new(
                    i32::try_from(number_of(number)).unwrap_or(50_000),
                    text(message.clone()),
                );
                error.state = rest
                    .first()
                    .map_or(1, |state| u8::try_from(number_of(state)).unwrap_or(1));
                Ok(error)
            }
            _ => Err(SqlError::syntax("THROW").into()),
        }
    }
}

fn text_of(reader: &mut Reader<'_>) -> Result<String, Stop> {
    let bytes = usize::from(reader.u8()?);
    Ok(crate::wire::utf16_text(reader.take(bytes)?))
}
