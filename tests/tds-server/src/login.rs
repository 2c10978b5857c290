//! PRELOGIN and LOGIN7.

use std::io;

use crate::error::SqlError;
use crate::packet::{Channel, LOGIN7, PRELOGIN};
use crate::server::Shared;
use crate::tokens::Replies;
use crate::wire::{Read, Reader, Short};

const ENCRYPT_ON: u8 = 1;
const ENCRYPT_NOT_SUPPORTED: u8 = 2;

/// What a client says about itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Login {
    pub(crate) host: String,
    pub(crate) user: String,
    password: String,
    pub(crate) application: String,
    pub(crate) database: String,
    version: u32,
    packet_size: u32,
}

/// Brings a connection up to its login; nothing when the client was refused or has left.
pub(crate) fn accept(
    mut channel: Channel,
    shared: &Shared,
) -> io::Result<Option<(Replies, Login)>> {
    let Some(mut message) = channel.read_message()? else {
        return Ok(None);
    };
    if message.kind == PRELOGIN {
        let tls = shared.acceptor.is_some();
        channel.out = prelogin(if tls {
            ENCRYPT_ON
        } else {
            ENCRYPT_NOT_SUPPORTED
        });
        channel.finish()?;
        if let Some(acceptor) = &shared.acceptor {
            channel.start_tls(acceptor)?;
        }
        match channel.read_message()? {
            Some(next) => message = next,
            None => return Ok(None),
        }
    }
    if message.kind != LOGIN7 {
        return Err(io::Error::other("expected LOGIN7"));
    }
    let mut login = read(&message.body)?;
    let mut replies = Replies::new(channel);
    let refused = if login.version < 0x7200_0000 {
        Some(SqlError::unsupported("versions of TDS before 7.2"))
    } else if !login.user.eq_ignore_ascii_case(&shared.user) || login.password != shared.password {
        Some(SqlError::new(
            18456,
            format!("Login failed for user '{}'.", login.user),
        ))
    } else {
        None
    };
    if let Some(error) = refused {
        replies.error(&error);
        replies.done(crate::tokens::DONE_ERROR, 0, 0);
        replies.finish()?;
        return Ok(None);
    }
    if login.database.is_empty() {
        login.database = "master".to_owned();
    }
    let size = if login.packet_size == 0 {
        4096
    } else {
        login.packet_size
    };
    // The reply to a login still goes in packets of the first size.
    let size = usize::try_from(size.clamp(512, 32_767)).unwrap_or(4096);
    let first = std::mem::replace(&mut replies.channel.packet_size, size);
    replies.login(&login.database);
    replies.channel.packet_size = first;
    replies.finish()?;
    replies.channel.packet_size = size;
    Ok(Some((replies, login)))
}

/// Version, encryption, instance, thread and MARS (off).
fn prelogin(encryption: u8) -> Vec<u8> {
    let options: [(u8, &[u8]); 5] = [
        (0, &[16, 0, 0x10, 0, 0, 0]),
        (1, &[encryption]),
        (2, &[0]),
        (3, &[]),
        (4, &[0]),
    ];
    let mut offset = u16::try_from(options.len() * 5 + 1).unwrap_or_default();
    let (mut head, mut body) = (Vec::new(), Vec::new());
    for (token, value) in options {
        let length = u16::try_from(value.len()).unwrap_or_default();
        head.push(token);
        head.extend_from_slice(&offset.to_be_bytes());
        head.extend_from_slice(&length.to_be_bytes());
        body.extend_from_slice(value);
        offset += length;
    }
    head.push(0xFF);
    head.extend_from_slice(&body);
    head
}

fn read(body: &[u8]) -> Read<Login> {
    let mut fixed = Reader::new(body);
    fixed.u32()?;
    let version = fixed.u32()?;
    let packet_size = fixed.u32()?;
    fixed.take(24)?;
    let mut fields = Vec::new();
    for _ in 0..9 {
        fields.push((usize::from(fixed.u16()?), usize::from(fixed.u16()?)));
    }
    let field = |at: usize| {
        let (offset, length) = fields.get(at).copied().unwrap_or_default();
        body.get(offset..offset + length * 2).ok_or(Short::End)
    };
    let text = |at: usize| field(at).map(crate::wire::utf16_text);
    // Each byte of a password was turned by four bits and then mixed with 0xA5.
    let password: Vec<u8> = field(2)?
        .iter()
        .map(|byte| (byte ^ 0xA5).rotate_left(4))
        .collect();
    Ok(Login {
        host: text(0)?,
        user: text(1)?,
        password: crate::wire::utf16_text(&password),
        application: text(3)?,
        database: text(8)?,
        version,
        packet_size,
    })
}
