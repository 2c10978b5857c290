//! What tests of servers share: where `scripts/servers` has put them, and a wire that breaks when it is told to.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    thread,
};

/// The value of a variable; `None` if it is not set, which only a machine that is no CI may have.
pub(crate) fn variable(name: &str) -> Option<String> {
    match std::env::var(name).ok().filter(|value| !value.is_empty()) {
        Some(value) => Some(value),
        None => {
            assert!(
                std::env::var("CI").as_deref() != Ok("true"),
                "{name} is not set: run scripts/setup ci and `. target/servers/env`"
            );
            eprintln!("skipped: {name} is not set (scripts/setup ci; . target/servers/env)");
            None
        }
    }
}

/// The folder with keys, certificates and mail of the servers.
pub(crate) fn net_folder() -> Option<PathBuf> {
    variable("FLETCHING_TEST_NET").map(PathBuf::from)
}

/// Runs what is async.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(future)
}

/// Bytes that no text conversion leaves alone.
pub(crate) fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut bytes = Vec::with_capacity(len);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// What a wire does after some bytes of the server.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    Cut,
    Stall,
}

/// A wire to `server` that works until the server has sent so many bytes. Its address; it lives as long as the process.
pub(crate) fn faulty_wire(server: SocketAddr, after_bytes: usize, fault: Fault) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.unwrap();
            let server = TcpStream::connect(server).unwrap();
            let up = (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || pass(up.0, up.1, usize::MAX, fault));
            thread::spawn(move || pass(server, client, after_bytes, fault));
        }
    });
    address
}

fn pass(mut from: TcpStream, mut to: TcpStream, mut bytes_left: usize, fault: Fault) {
    let mut piece = [0; 4096];
    let mut stalled = false;
    while let Ok(count @ 1..) = from.read(&mut piece) {
        stalled |= count > bytes_left;
        match fault {
            Fault::Cut if stalled => break,
            // The rest is read and goes nowhere.
            Fault::Stall if stalled => continue,
            _ => bytes_left -= count,
        }
        if to.write_all(&piece[..count]).is_err() {
            break;
        }
    }
    for stream in [from, to] {
        drop(stream.shutdown(Shutdown::Both));
    }
}

/// A server that lets clients in and never says a word. Its address; it lives as long as the process.
pub(crate) fn silent_server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || listener.incoming().collect::<Vec<_>>());
    address
}

/// A port at which nobody listens.
pub(crate) fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
