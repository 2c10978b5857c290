//! Packets of a connection: headers of eight bytes, messages cut into packets, and TLS inside them.
//!
//! One thread serves one connection, so that what the client sends while rows go out can only be an
//! attention (or its end): a look at the socket between packets, or between steps of SQLite, is enough.
//!
//! ```text
//! client ──packets──▶ next_packet ─▶ read_message (all packets up to the end mark)
//! client ◀──packets── flush_full ◀─ out (tokens are appended whole, so a packet may end anywhere)
//! ```

use std::io::{self, Read, Write};
use std::net::TcpStream;

use openssl::ssl::{SslAcceptor, SslStream};

pub(crate) const SQL_BATCH: u8 = 1;
pub(crate) const RPC: u8 = 3;
pub(crate) const REPLY: u8 = 4;
pub(crate) const ATTENTION: u8 = 6;
pub(crate) const BULK: u8 = 7;
pub(crate) const TRANSACTION: u8 = 14;
pub(crate) const LOGIN7: u8 = 16;
pub(crate) const PRELOGIN: u8 = 18;

/// No message that is kept whole may be larger.
const MESSAGE_BYTES_MAX: usize = 256 << 20;

pub(crate) struct Packet {
    pub(crate) kind: u8,
    pub(crate) last: bool,
    pub(crate) body: Vec<u8>,
}

pub(crate) struct Channel {
    stream: Stream,
    socket: TcpStream,
    pub(crate) packet_size: usize,
    packet_id: u8,
    pub(crate) out: Vec<u8>,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<SslStream<Tunnel>>),
    Gone,
}

/// What the socket says when nothing was to be expected from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peek {
    Quiet,
    Data,
    Closed,
}

impl Channel {
    pub(crate) fn new(socket: TcpStream) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        let stream = Stream::Plain(socket.try_clone()?);
        Ok(Self {
            stream,
            socket,
            packet_size: 4096,
            packet_id: 1,
            out: Vec::new(),
        })
    }

    pub(crate) fn socket(&self) -> io::Result<TcpStream> {
        self.socket.try_clone()
    }

    /// The next packet, or nothing when the client is gone.
    pub(crate) fn next_packet(&mut self) -> io::Result<Option<Packet>> {
        read_packet(&mut self.stream)
    }

    /// All packets of the next message.
    pub(crate) fn read_message(&mut self) -> io::Result<Option<Packet>> {
        let Some(mut message) = self.next_packet()? else {
            return Ok(None);
        };
        while !message.last {
            let Some(next) = self.next_packet()? else {
                return Ok(None);
            };
            if message.body.len() + next.body.len() > MESSAGE_BYTES_MAX {
                return Err(io::Error::other("message is too large"));
            }
            message.body.extend_from_slice(&next.body);
            message.last = next.last;
        }
        Ok(Some(message))
    }

    /// Sends the full packets of what was appended; true when the client has sent something meanwhile.
    pub(crate) fn flush_full(&mut self) -> io::Result<bool> {
        let room = self.packet_size - 8;
        let mut sent = 0;
        let mut interrupted = false;
        while self.out.len() - sent > room {
            self.send(sent, sent + room, false)?;
            sent += room;
            interrupted |= peek(&self.socket)? != Peek::Quiet;
        }
        self.out.drain(..sent);
        Ok(interrupted)
    }

    /// Ends the message.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        self.flush_full()?;
        self.send(0, self.out.len(), true)?;
        self.out.clear();
        self.packet_id = 1;
        self.stream.flush()
    }

    fn send(&mut self, from: usize, to: usize, last: bool) -> io::Result<()> {
        let body = self.out.get(from..to).unwrap_or_default();
        let packet = frame(REPLY, self.packet_id, last, body);
        self.packet_id = self.packet_id.wrapping_add(1);
        self.stream.write_all(&packet)
    }

    /// Answers a handshake that comes inside PRELOGIN packets; all that follows is inside TLS.
    pub(crate) fn start_tls(&mut self, acceptor: &SslAcceptor) -> io::Result<()> {
        let Stream::Plain(tcp) = std::mem::replace(&mut self.stream, Stream::Gone) else {
            return Err(io::Error::other("TLS was started twice"));
        };
        let tunnel = Tunnel {
            tcp,
            handshake: true,
            input: Vec::new(),
        };
        let mut tls = acceptor
            .accept(tunnel)
            .map_err(|error| io::Error::other(error.to_string()))?;
        tls.get_mut().handshake = false;
        self.stream = Stream::Tls(Box::new(tls));
        Ok(())
    }
}

/// Whether the client has sent something, without taking it.
pub(crate) fn peek(socket: &TcpStream) -> io::Result<Peek> {
    socket.set_nonblocking(true)?;
    let seen = socket.peek(&mut [0]);
    socket.set_nonblocking(false)?;
    match seen {
        Ok(0) => Ok(Peek::Closed),
        Ok(_) => Ok(Peek::Data),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Peek::Quiet),
        Err(error) => Err(error),
    }
}

fn frame(kind: u8, id: u8, last: bool, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len() + 8).unwrap_or(u16::MAX);
    let mut packet = Vec::with_capacity(body.len() + 8);
    packet.extend_from_slice(&[kind, u8::from(last)]);
    packet.extend_from_slice(&length.to_be_bytes());
    packet.extend_from_slice(&[0, 0, id, 0]);
    packet.extend_from_slice(body);
    packet
}

fn read_packet(stream: &mut impl Read) -> io::Result<Option<Packet>> {
    let mut header = [0; 8];
    match stream.read_exact(&mut header) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let [kind, status, high, low, ..] = header;
    let length = usize::from(u16::from_be_bytes([high, low]));
    let mut body = vec![
        0;
        length
            .checked_sub(8)
            .ok_or_else(|| io::Error::other("packet is shorter than its header"))?
    ];
    stream.read_exact(&mut body)?;
    Ok(Some(Packet {
        kind,
        last: status & 1 != 0,
        body,
    }))
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.read(buffer),
            Self::Tls(tls) => tls.read(buffer),
            Self::Gone => Ok(0),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.write(bytes),
            Self::Tls(tls) => tls.write(bytes),
            Self::Gone => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(tcp) => tcp.flush(),
            Self::Tls(tls) => tls.flush(),
            Self::Gone => Ok(()),
        }
    }
}

/// What TLS reads and writes: inside PRELOGIN packets while it shakes hands, the bare socket afterwards.
#[derive(Debug)]
struct Tunnel {
    tcp: TcpStream,
    handshake: bool,
    input: Vec<u8>,
}

impl Read for Tunnel {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.input.is_empty() {
            if !self.handshake {
                return self.tcp.read(buffer);
            }
            match read_packet(&mut self.tcp)? {
                Some(packet) if packet.kind == PRELOGIN => self.input = packet.body,
                Some(_) => return Err(io::Error::other("expected TLS inside PRELOGIN")),
                None => return Ok(0),
            }
        }
        let count = self.input.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(self.input.drain(..count)) {
            *to = from;
        }
        Ok(count)
    }
}

impl Write for Tunnel {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.handshake {
            return self.tcp.write(bytes);
        }
        for part in bytes.chunks(4088) {
            self.tcp.write_all(&frame(PRELOGIN, 0, true, part))?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.tcp.flush()
    }
}
