//! The tokens of a reply, and the counting of DONE tokens: all but the last say that more follows.

use std::collections::VecDeque;
use std::io;

use rusqlite::types::Value;

use crate::calls::Output;
use crate::codec::put_value;
use crate::error::SqlError;
use crate::packet::{ATTENTION, Channel, Packet, Peek, peek};
use crate::result_sets::ResultSet;
use crate::sql_type::{COLLATION, SqlType};
use crate::wire::{put_b_text, put_u16, put_u32, put_u64, put_us_text};

pub(crate) const DONE_MORE: u16 = 0x01;
pub(crate) const DONE_ERROR: u16 = 0x02;
pub(crate) const DONE_COUNT: u16 = 0x10;
pub(crate) const DONE_ATTENTION: u16 = 0x20;
/// Of a call that others follow in its message.
const DONE_RPC_IN_BATCH: u16 = 0x80;

pub(crate) const COMMAND_SELECT: u16 = 0xC1;
pub(crate) const COMMAND_INSERT: u16 = 0xC3;
pub(crate) const COMMAND_DELETE: u16 = 0xC4;
pub(crate) const COMMAND_UPDATE: u16 = 0xC5;

const DONE: u8 = 0xFD;
const DONE_PROCEDURE: u8 = 0xFE;
const DONE_IN_PROCEDURE: u8 = 0xFF;

/// Why a batch ends early.
#[derive(Debug)]
pub(crate) enum Stop {
    Sql(SqlError),
    /// The client has sent something while the batch ran: an attention.
    Attention,
    /// The connection is to be closed without another word.
    Close,
    Io(io::Error),
}

impl From<SqlError> for Stop {
    fn from(error: SqlError) -> Self {
        Self::Sql(error)
    }
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        if error.sqlite_error_code() == Some(rusqlite::ffi::ErrorCode::OperationInterrupted) {
            return Self::Attention;
        }
        Self::Sql(error.into())
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<crate::wire::Short> for Stop {
    fn from(short: crate::wire::Short) -> Self {
        match short {
            crate::wire::Short::Wrong(what) => Self::Sql(SqlError::unsupported(what)),
            short => Self::Io(short.into()),
        }
    }
}

/// A column of a result.
#[derive(Debug, Clone)]
pub(crate) struct ResultColumn {
    pub(crate) name: String,
    pub(crate) ty: SqlType,
    pub(crate) nullable: bool,
    pub(crate) identity: bool,
}

#[derive(Clone, Copy)]
struct Done {
    status: u16,
    command: u16,
    rows: u64,
}

/// What is said to one client.
pub(crate) struct Replies {
    pub(crate) channel: Channel,
    /// Inside a procedure, where statements end with another token.
    pub(crate) in_call: bool,
    /// What `WITH RESULT SETS` says of the results that are still to come.
    pub(crate) sets: VecDeque<ResultSet>,
    pending: Option<Done>,
}

impl Replies {
    pub(crate) fn new(channel: Channel) -> Self {
        Self {
            channel,
            in_call: false,
            sets: VecDeque::new(),
            pending: None,
        }
    }

    /// The bytes of the message, ready for another token.
    pub(crate) fn out(&mut self) -> &mut Vec<u8> {
        if let Some(done) = self.pending.take() {
            put_done(
                &mut self.channel.out,
                DONE,
                done.status | DONE_MORE,
                done.command,
                done.rows,
            );
        }
        &mut self.channel.out
    }

    pub(crate) fn done(&mut self, status: u16, command: u16, rows: u64) {
        if self.in_call {
            put_done(
                self.out(),
                DONE_IN_PROCEDURE,
                status | DONE_MORE,
                command,
                rows,
            );
            return;
        }
        self.out();
        self.pending = Some(Done {
            status,
            command,
            rows,
        });
    }

    /// Ends the reply with what was counted last.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        let done = self.pending.take().unwrap_or(Done {
            status: 0,
            command: 0,
            rows: 0,
        });
        put_done(
            &mut self.channel.out,
            DONE,
            done.status,
            done.command,
            done.rows,
        );
        self.channel.finish()
    }

    /// Ends a procedure; the message ends too unless more calls follow.
    pub(crate) fn finish_call(
        &mut self,
        status: i32,
        failed: bool,
        outputs: &[Output],
    ) -> Result<(), SqlError> {
        self.in_call = false;
        let out = self.out();
        out.push(0x79);
        out.extend_from_slice(&status.to_le_bytes());
        for output in outputs {
            out.push(0xAC);
            put_u16(out, u16::try_from(output.place).unwrap_or_default());
            put_b_text(out, &output.name);
            out.push(1);
            put_u32(out, 0);
            put_u16(out, 1);
            output.ty.put_type_info(out);
            put_value(out, output.value.clone(), output.ty)?;
        }
        let failed = if failed { DONE_ERROR } else { 0 };
        put_done(
            out,
            DONE_PROCEDURE,
            failed | DONE_MORE | DONE_RPC_IN_BATCH,
            0,
            0,
        );
        Ok(())
    }

    /// Sends the message whose last token is the end of a procedure.
    pub(crate) fn send_call(&mut self) -> io::Result<()> {
        let at = self.channel.out.len().saturating_sub(12);
        if let Some(status) = self.channel.out.get_mut(at) {
            *status &= !(DONE_MORE | DONE_RPC_IN_BATCH) as u8;
        }
        self.channel.finish()
    }

    /// Takes the attention that stopped a batch and answers it; false when the client is gone.
    pub(crate) fn answer_attention(&mut self) -> io::Result<bool> {
        self.pending = None;
        self.in_call = false;
        match self.channel.read_message()? {
            Some(Packet {
                kind: ATTENTION, ..
            }) => {
                put_done(&mut self.channel.out, DONE, DONE_ATTENTION, 0, 0);
                self.channel.finish()?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    pub(crate) fn flush(&mut self) -> Result<(), Stop> {
        if self.channel.flush_full()? {
            Err(Stop::Attention)
        } else {
            Ok(())
        }
    }

    /// Sleeps until a time has passed or the client says something.
    pub(crate) fn wait(&self, time: std::time::Duration) -> Result<(), Stop> {
        let socket = self.channel.socket()?;
        let started = std::time::Instant::now();
        while let Some(left) = time
            .checked_sub(started.elapsed())
            .filter(|left| !left.is_zero())
        {
            if peek(&socket)? != Peek::Quiet {
                return Err(Stop::Attention);
            }
            std::thread::sleep(left.min(std::time::Duration::from_millis(10)));
        }
        Ok(())
    }

    pub(crate) fn error(&mut self, error: &SqlError) {
        put_message(self.out(), 0xAA, error);
    }

    pub(crate) fn information(&mut self, number: i32, message: &str) {
        let mut information = SqlError::new(number, message);
        information.class = 0;
        put_message(self.out(), 0xAB, &information);
    }

    pub(crate) fn columns(&mut self, columns: &[ResultColumn]) {
        let out = self.out();
        out.push(0x81);
        put_u16(out, u16::try_from(columns.len()).unwrap_or(u16::MAX));
        for column in columns {
            put_u32(out, 0);
            put_u16(
                out,
                u16::from(column.nullable) | 0x08 | if column.identity { 0x10 } else { 0 },
            );
            column.ty.put_type_info(out);
            if matches!(column.ty, SqlType::Text | SqlType::NText | SqlType::Image) {
                out.push(1);
                put_us_text(out, "");
            }
            put_b_text(out, &column.name);
        }
    }

    /// One row; a row with nulls has a map of them in front.
    pub(crate) fn row(&mut self, columns: &[ResultColumn], values: Vec<Value>) -> Result<(), Stop> {
        let out = self.out();
        let start = out.len();
        let nulls = values.iter().filter(|value| **value == Value::Null).count();
        let mapped = nulls * 4 > columns.len();
        if mapped {
            out.push(0xD2);
            let map = out.len();
            out.resize(map + columns.len().div_ceil(8), 0);
            for (at, value) in values.iter().enumerate() {
                if *value == Value::Null
                    && let Some(byte) = out.get_mut(map + at / 8)
                {
                    *byte |= 1 << (at % 8);
                }
            }
        } else {
            out.push(0xD1);
        }
        for (column, value) in columns.iter().zip(values) {
            if mapped && value == Value::Null {
                continue;
            }
            if let Err(error) = put_value(out, value, column.ty) {
                out.truncate(start);
                return Err(error.into());
            }
        }
        self.flush()
    }

    pub(crate) fn environment(&mut self, kind: u8, new: &str, old: &str) {
        let mut body = vec![kind];
        put_b_text(&mut body, new);
        put_b_text(&mut body, old);
        self.put_environment(&body);
    }

    /// A change whose values are bytes: the collation, and the transactions.
    pub(crate) fn environment_bytes(&mut self, kind: u8, new: &[u8], old: &[u8]) {
        let mut body = vec![kind];
        for bytes in [new, old] {
            body.push(u8::try_from(bytes.len()).unwrap_or_default());
            body.extend_from_slice(bytes);
        }
        self.put_environment(&body);
    }

    fn put_environment(&mut self, body: &[u8]) {
        let out = self.out();
        out.push(0xE3);
        put_u16(out, u16::try_from(body.len()).unwrap_or_default());
        out.extend_from_slice(body);
    }

    pub(crate) fn login(&mut self, database: &str) {
        let packet_size = self.channel.packet_size.to_string();
        self.environment(1, database, "master");
        self.information(5701, &format!("Changed database context to '{database}'."));
        self.environment_bytes(7, &COLLATION, &[]);
        self.environment(2, "us_english", "");
        self.information(5703, "Changed language setting to us_english.");
        let mut body = vec![1, 0x74, 0, 0, 4];
        put_b_text(&mut body, "Microsoft SQL Server");
        body.extend_from_slice(&[16, 0, 0x10, 0]);
        let out = self.out();
        out.push(0xAD);
        put_u16(out, u16::try_from(body.len()).unwrap_or_default());
        out.extend_from_slice(&body);
        self.environment(4, &packet_size, &packet_size);
    }
}

fn put_message(out: &mut Vec<u8>, token: u8, error: &SqlError) {
    let mut body = Vec::new();
    body.extend_from_slice(&error.number.to_le_bytes());
    body.extend_from_slice(&[error.state, error.class]);
    put_us_text(&mut body, &error.message);
    put_b_text(&mut body, "tds-server");
    put_b_text(&mut body, "");
    put_u32(&mut body, error.line);
    out.push(token);
    put_u16(out, u16::try_from(body.len()).unwrap_or(u16::MAX));
    out.extend_from_slice(&body);
}

fn put_done(out: &mut Vec<u8>, token: u8, status: u16, command: u16, rows: u64) {
    out.push(token);
    put_u16(out, status);
    put_u16(out, command);
    put_u64(out, rows);
}
