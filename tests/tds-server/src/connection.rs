//! One connection: its login, then message after message until the client leaves.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;

use crate::error::SqlError;
use crate::packet::{ATTENTION, BULK, Channel, Packet, RPC, SQL_BATCH, TRANSACTION};
use crate::server::Shared;
use crate::session::Session;
use crate::state::State;
use crate::tokens::{DONE_ATTENTION, DONE_ERROR, Stop};
use crate::wire::Reader;

/// Serves a client to its end.
pub(crate) fn serve(socket: TcpStream, shared: Arc<Shared>, process: i16) -> io::Result<()> {
    let channel = Channel::new(socket)?;
    let Some((replies, login)) = crate::login::accept(channel, &shared)? else {
        return Ok(());
    };
    let state = State {
        database: login.database,
        user: login.user,
        host: login.host,
        application: login.application,
        process,
        lock_timeout: -1,
        ..State::default()
    };
    let mut session = Session::open(replies, shared, state)
        .map_err(|stop| io::Error::other(format!("{stop:?}")))?;
    while let Some(packet) = session.replies.channel.next_packet()? {
        let answered = if packet.kind == BULK {
            session.bulk_message(packet)
        } else {
            session.message(packet)
        };
        match answered {
            Ok(()) => {}
            Err(Stop::Attention) => {
                // SQLite gives up the transaction of a write that was interrupted.
                if session.state.transactions > 0 && session.db.is_autocommit() {
                    drop(session.rollback(None));
                }
                if !session.replies.answer_attention()? {
                    return Ok(());
                }
            }
            Err(Stop::Close) => break,
            Err(Stop::Io(error)) => return Err(error),
            Err(Stop::Sql(error)) => {
                session.replies.in_call = false;
                session.replies.error(&error);
                session.replies.done(DONE_ERROR, 0, 0);
                session.replies.finish()?;
            }
        }
    }
    Ok(())
}

impl Session {
    /// Reads the rest of a message and answers it.
    fn message(&mut self, first: Packet) -> Result<(), Stop> {
        let Packet {
            kind,
            mut last,
            mut body,
        } = first;
        while !last {
            let next = self.replies.channel.next_packet()?.ok_or(Stop::Close)?;
            body.extend_from_slice(&next.body);
            last = next.last;
        }
        match kind {
            SQL_BATCH => {
                let mut reader = Reader::new(&body);
                reader.all_headers()?;
                let source = crate::wire::utf16_text(body.get(reader.at..).unwrap_or_default());
                self.shared.recorded.lock().statements.push(source.clone());
                self.state.variables.clear();
                self.batch(&source)?;
                Ok(self.replies.finish()?)
            }
            RPC => self.request(&body),
            TRANSACTION => {
                self.transaction_request(&body)?;
                Ok(self.replies.finish()?)
            }
            // It came after the answer was complete.
            ATTENTION => {
                self.replies.done(DONE_ATTENTION, 0, 0);
                Ok(self.replies.finish()?)
            }
            other => Err(SqlError::unsupported(format_args!("messages of type {other}")).into()),
        }
    }
}
