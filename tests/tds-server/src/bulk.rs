//! INSERT BULK: the statement names table, columns and options; the next message brings the rows.
//!
//! A message is one batch: all of its rows are kept, or none. A column that is null takes its default unless
//! KEEP_NULLS is said; an identity column that is listed keeps what it is given. Without CHECK_CONSTRAINTS checks
//! and, outside a transaction, foreign keys are not looked at.

use rusqlite::types::Value;

use crate::convert::{Fit, convert};
use crate::error::SqlError;
use crate::packet::Packet;
use crate::rewrite::{Facts, quoted, table_name};
use crate::script::{Tokens, is, split_commas};
use crate::server::Bulk;
use crate::session::Session;
use crate::sql_type::{SqlType, WireType};
use crate::state::View;
use crate::tokens::{COMMAND_INSERT, DONE_COUNT, DONE_ERROR, Stop};
use crate::wire::{Read, Reader, Short};
use sqlparser::tokenizer::Token;

/// A fault of this beginning fails the rows, not the statement that announces them.
pub(crate) const START: &str = "INSERT BULK";

/// What INSERT BULK has announced.
#[derive(Debug, Default, Clone)]
pub(crate) struct Target {
    table: String,
    columns: Vec<TargetColumn>,
    options: Vec<String>,
    /// An identity column that is not listed, with its seed and step.
    numbered: Option<(String, i64, i64)>,
}

#[derive(Debug, Clone)]
struct TargetColumn {
    name: String,
    ty: Option<SqlType>,
    default: Option<String>,
}

impl Target {
    fn option(&self, name: &str) -> bool {
        self.options
            .iter()
            .any(|option| option.eq_ignore_ascii_case(name))
    }

    fn insert(&self) -> String {
        let mut names: Vec<String> = self
            .columns
            .iter()
            .map(|column| quoted(&column.name))
            .collect();
        let keep_nulls = self.option("KEEP_NULLS");
        let mut values: Vec<String> = self
            .columns
            .iter()
            .enumerate()
            .map(|(at, column)| match &column.default {
                Some(default) if !keep_nulls => format!("coalesce(?{}, {default})", at + 1),
                _ => format!("?{}", at + 1),
            })
            .collect();
        if let Some((name, seed, step)) = &self.numbered {
            let (name, table) = (quoted(name), quoted(&self.table));
            values.push(format!(
                "(SELECT coalesce(max({name}) + {step}, {seed}) FROM {table})"
            ));
            names.push(name);
        }
        format!(
            "INSERT INTO {} ({}) VALUES ({})",
            quoted(&self.table),
            names.join(", "),
            values.join(", ")
        )
    }
}

/// Reads `INSERT BULK [t] ([a] int, [b] nvarchar(10) COLLATE x) WITH (TABLOCK, ORDER ([a] ASC))`.
pub(crate) fn read_statement(tokens: &Tokens, view: &View<'_>) -> Result<Target, SqlError> {
    let open = tokens
        .iter()
        .position(|token| token.token == Token::LParen)
        .ok_or_else(|| SqlError::syntax("INSERT BULK"))?;
    let parts: Vec<&str> = tokens
        .get(2..open)
        .unwrap_or_default()
        .split(|token| token.token == Token::Period)
        .map(|part| {
            part.first().map_or("", |token| match &token.token {
                Token::Word(word) => word.value.as_str(),
                _ => "",
            })
        })
        .collect();
    let table = table_name(&parts);
    let known = view
        .columns(&table)
        .ok_or_else(|| SqlError::new(208, format!("Invalid object name '{table}'.")))?;
    let close = closing(tokens, open);
    let mut columns = Vec::new();
    for part in split_commas(tokens.get(open + 1..close).unwrap_or_default()) {
        let name = match part.first().map(|token| &token.token) {
            Some(Token::Word(word)) => word.value.clone(),
            _ => return Err(SqlError::syntax("INSERT BULK")),
        };
        let found = known
            .iter()
            .find(|column| column.name.eq_ignore_ascii_case(&name));
        let found =
            found.ok_or_else(|| SqlError::new(207, format!("Invalid column name '{name}'.")))?;
        columns.push(TargetColumn {
            name: found.name.clone(),
            ty: found.declared.map(|declared| declared.ty),
            default: found.default.clone(),
        });
    }
    let mut options = Vec::new();
    if let Some(with) = tokens
        .iter()
        .skip(close)
        .position(|token| token.token == Token::LParen)
    {
        let start = close + with;
        for part in split_commas(
            tokens
                .get(start + 1..closing(tokens, start))
                .unwrap_or_default(),
        ) {
            let words: Vec<String> = part.iter().map(|token| token.token.to_string()).collect();
            options.push(words.join(" "));
        }
    }
    let numbered = known.iter().find_map(|column| {
        let (seed, step) = column.declared.and_then(|declared| declared.identity)?;
        let listed = columns
            .iter()
            .any(|listed: &TargetColumn| listed.name.eq_ignore_ascii_case(&column.name));
        (!listed).then(|| (column.name.clone(), seed, step))
    });
    Ok(Target {
        table,
        columns,
        options,
        numbered,
    })
}

fn closing(tokens: &Tokens, open: usize) -> usize {
    let mut depth = 0;
    for at in open..tokens.len() {
        if is(tokens.get(at), &Token::LParen) {
            depth += 1;
        } else if is(tokens.get(at), &Token::RParen) {
            depth -= 1;
            if depth == 0 {
                return at;
            }
        }
    }
    tokens.len()
}

/// The bytes of a bulk message as they come, packet by packet.
struct Feed<'a> {
    session: &'a mut Session,
    bytes: Vec<u8>,
    at: usize,
    last: bool,
}

impl Feed<'_> {
    /// Reads something, and more packets until it is there.
    fn read<T>(&mut self, read: impl Fn(&mut Reader<'_>) -> Read<T>) -> Result<T, Stop> {
        loop {
            let mut reader = Reader::new(self.bytes.get(self.at..).unwrap_or_default());
            match read(&mut reader) {
                Ok(value) => {
                    self.at += reader.at;
                    return Ok(value);
                }
                Err(Short::End) if !self.last => {
                    self.bytes.drain(..self.at);
                    self.at = 0;
                    let packet = self
                        .session
                        .replies
                        .channel
                        .next_packet()?
                        .ok_or(Stop::Close)?;
                    self.bytes.extend_from_slice(&packet.body);
                    self.last = packet.last;
                }
                Err(short) => return Err(short.into()),
            }
        }
    }

    /// Whether the message ends here, as FreeTDS ends it, without a DONE token.
    fn is_end(&self) -> bool {
        self.last && self.at >= self.bytes.len()
    }

    fn rest(&mut self) -> Result<(), Stop> {
        while !self.last {
            self.last = self
                .session
                .replies
                .channel
                .next_packet()?
                .ok_or(Stop::Close)?
                .last;
        }
        Ok(())
    }
}

fn read_columns(reader: &mut Reader<'_>) -> Read<Vec<WireType>> {
    if reader.u8()? != 0x81 {
        return Err(Short::Wrong("a bulk message without columns".to_owned()));
    }
    let count = reader.u16()?;
    let mut columns = Vec::new();
    for _ in 0..count {
        reader.take(6)?;
        let wire = WireType::read(reader)?;
        if matches!(wire.ty, SqlType::Text | SqlType::NText | SqlType::Image) {
            reader.us_text()?;
        }
        reader.b_text()?;
        columns.push(wire);
    }
    Ok(columns)
}

/// One row, or nothing at the end.
fn read_row(reader: &mut Reader<'_>, columns: &[WireType]) -> Read<Option<Vec<Value>>> {
    let map = match reader.u8()? {
        0xD1 => &[],
        0xD2 => reader.take(columns.len().div_ceil(8))?,
        0xFD => return Ok(None),
        other => {
            return Err(Short::Wrong(format!(
                "token 0x{other:02X} in a bulk message"
            )));
        }
    };
    let null = |at: usize| {
        map.get(at / 8)
            .is_some_and(|byte| byte >> (at % 8) & 1 == 1)
    };
    let values = columns.iter().enumerate().map(|(at, column)| {
        if null(at) {
            Ok(Value::Null)
        } else {
            column.read_value(reader)
        }
    });
    values.collect::<Read<Vec<Value>>>().map(Some)
}

impl Session {
    /// Reads a bulk message that begins with a packet, and answers it.
    pub(crate) fn bulk_message(&mut self, first: Packet) -> Result<(), Stop> {
        self.counts.bulk_batches += 1;
        let target = self.bulk.clone();
        let (close, delay) = {
            let faults = self.shared.faults.lock();
            let close = faults
                .close_after_bulk_batches
                .is_some_and(|limit| self.counts.bulk_batches > limit);
            (close, faults.delay)
        };
        let kept = self.load_all(first, &target, close);
        self.listen()?;
        if let Some(delay) = delay {
            self.replies.wait(delay)?;
        }
        let rows = match kept {
            Ok(rows) => {
                self.replies.done(DONE_COUNT, COMMAND_INSERT, rows);
                rows
            }
            Err(Stop::Sql(error)) => {
                self.state.error = error.number;
                self.replies.error(&error);
                self.replies.done(DONE_ERROR, COMMAND_INSERT, 0);
                0
            }
            Err(stop) => return Err(stop),
        };
        self.state.row_count = rows;
        let columns = target
            .columns
            .iter()
            .map(|column| column.name.clone())
            .collect();
        self.shared.recorded.lock().bulk.push(Bulk {
            table: target.table,
            columns,
            options: target.options,
            rows,
        });
        Ok(self.replies.finish()?)
    }

    /// Keeps all rows of a message, or none.
    fn load_all(&mut self, first: Packet, target: &Target, close: bool) -> Result<u64, Stop> {
        let checks = target.option("CHECK_CONSTRAINTS");
        let keys = checks || !self.db.is_autocommit();
        let on = |on: bool| if on { "ON" } else { "OFF" };
        self.before_write()?;
        self.db.execute_batch(&format!(
            "PRAGMA ignore_check_constraints = {}; PRAGMA foreign_keys = {}; SAVEPOINT tds_bulk;",
            on(!checks),
            on(keys)
        ))?;
        // The client goes on sending: that is no attention.
        self.db.progress_handler(0, None::<fn() -> bool>)?;
        let mut feed = Feed {
            session: self,
            bytes: first.body,
            at: 0,
            last: first.last,
        };
        let mut kept = load(&mut feed, target);
        if !matches!(kept, Err(Stop::Io(_) | Stop::Close)) {
            feed.rest()?;
        }
        if kept.is_ok() {
            kept = self.bulk_fault(target, close).map_or(kept, Err);
        }
        let undo = if kept.is_err() {
            "ROLLBACK TO tds_bulk; "
        } else {
            ""
        };
        self.db.execute_batch(&format!(
            "{undo}RELEASE tds_bulk; PRAGMA ignore_check_constraints = OFF; PRAGMA foreign_keys = ON;"
        ))?;
        kept
    }

    fn bulk_fault(&self, target: &Target, close: bool) -> Option<Stop> {
        let faults = self.shared.faults.lock();
        let failing = faults.fail.iter().find(|(part, _)| {
            part.starts_with(START) && format!("{START} {}", target.table).starts_with(part)
        });
        match failing {
            _ if close => Some(Stop::Close),
            Some((part, number)) => {
                let message = format!("Failed on purpose: the statement contains '{part}'.");
                Some(SqlError::new(*number, message).into())
            }
            None => None,
        }
    }
}

fn load(feed: &mut Feed<'_>, target: &Target) -> Result<u64, Stop> {
    let columns = feed.read(read_columns)?;
    if target.table.is_empty() || columns.len() != target.columns.len() {
        return Err(SqlError::new(4819, "Cannot bulk load. The bulk data stream was incorrectly specified as sorted or of other columns.").into());
    }
    let sql = target.insert();
    let mut rows = 0;
    while !feed.is_end() {
        let Some(values) = feed.read(|reader| read_row(reader, &columns))? else {
            break;
        };
        let mut statement = feed.session.db.prepare_cached(&sql)?;
        for (at, (value, column)) in values.into_iter().zip(&target.columns).enumerate() {
            let value = match column.ty {
                Some(ty) => convert(value, ty, Fit::Store)
                    .map_err(|error| at_column(error, &column.name))?,
                None => value,
            };
            statement.raw_bind_parameter(at + 1, value)?;
        }
        statement.raw_execute()?;
        rows += 1;
    }
    Ok(rows)
}

fn at_column(mut error: SqlError, column: &str) -> SqlError {
    error.message = format!("{} Column '{column}'.", error.message);
    error
}
