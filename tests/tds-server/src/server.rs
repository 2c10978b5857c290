//! The listener, its options and what it remembers for the tests.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use openssl::ssl::SslAcceptor;
use parking_lot::Mutex;
use tempfile::TempDir;

use crate::procedure::Procedure;

/// How a server starts.
#[derive(Debug, Clone)]
pub struct Options {
    pub listen: String,
    /// A file of SQLite's; a fresh one without it.
    pub database: Option<PathBuf>,
    pub user: String,
    pub password: String,
    /// Requires TLS, with a certificate made at start.
    pub tls: bool,
    pub faults: Faults,
    pub procedures: Vec<Procedure>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:0".to_owned(),
            database: None,
            user: "sa".to_owned(),
            password: "Passw0rd!".to_owned(),
            tls: false,
            faults: Faults::default(),
            procedures: Vec::new(),
        }
    }
}

/// What goes wrong on purpose.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    /// A connection is closed before the row after so many.
    pub close_after_rows: Option<u64>,
    /// A connection is closed when the bulk batch after so many has been read, and that batch is not kept.
    pub close_after_bulk_batches: Option<u64>,
    /// Waits before each answer to a statement.
    pub delay: Option<Duration>,
    /// Statements that contain a text fail with an error number. A text `INSERT BULK`, or `INSERT BULK table`, fails a
    /// bulk batch once its rows have been read.
    pub fail: Vec<(String, i32)>,
}

/// What clients have asked for so far.
#[derive(Debug, Clone, Default)]
pub struct Recorded {
    /// The text of batches and of calls of sp_executesql, sp_prepare and sp_prepexec; `EXEC name` for other calls.
    pub statements: Vec<String>,
    pub bulk: Vec<Bulk>,
}

/// One bulk batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bulk {
    pub table: String,
    pub columns: Vec<String>,
    /// The options as they were written, `TABLOCK` or `ROWS_PER_BATCH = 1000`.
    pub options: Vec<String>,
    /// How many rows were kept.
    pub rows: u64,
}

pub(crate) struct Shared {
    pub(crate) database: PathBuf,
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) acceptor: Option<SslAcceptor>,
    pub(crate) faults: Mutex<Faults>,
    pub(crate) procedures: Vec<Procedure>,
    pub(crate) recorded: Mutex<Recorded>,
    stopping: AtomicBool,
    sockets: Mutex<Vec<TcpStream>>,
}

/// A running server; dropping it closes its connections.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Option<std::thread::JoinHandle<()>>,
    _folder: Option<TempDir>,
}

impl Server {
    /// Listens on a thread of its own.
    pub fn start(options: Options) -> io::Result<Self> {
        let (folder, database) = match options.database {
            Some(file) => (None, file),
            None => {
                let folder = tempfile::tempdir()?;
                let file = folder.path().join("tds.sqlite");
                (Some(folder), file)
            }
        };
        let acceptor = if options.tls {
            Some(crate::tls::acceptor().map_err(io::Error::other)?)
        } else {
            None
        };
        let listener = TcpListener::bind(&options.listen)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            database,
            user: options.user,
            password: options.password,
            acceptor,
            faults: Mutex::new(options.faults),
            procedures: options.procedures,
            recorded: Mutex::default(),
            stopping: AtomicBool::new(false),
            sockets: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        let listener = std::thread::Builder::new()
            .name("tds-listener".to_owned())
            .spawn(move || accept(&listener, &accepting))?;
        Ok(Self {
            address,
            shared,
            listener: Some(listener),
            _folder: folder,
        })
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    #[must_use]
    pub fn database(&self) -> &std::path::Path {
        &self.shared.database
    }

    #[must_use]
    pub fn recorded(&self) -> Recorded {
        self.shared.recorded.lock().clone()
    }

    /// Forgets what was recorded.
    pub fn forget(&self) {
        *self.shared.recorded.lock() = Recorded::default();
    }

    /// Other faults, from the next statement on; counts of rows and batches begin with a connection.
    pub fn set_faults(&self, faults: Faults) {
        *self.shared.faults.lock() = faults;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        // The listener sees the mark when someone connects.
        drop(TcpStream::connect(self.address));
        if let Some(listener) = self.listener.take() {
            drop(listener.join());
        }
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("address", &self.address)
            .field("database", &self.shared.database)
            .finish_non_exhaustive()
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut connections = Vec::new();
    let mut process: i16 = 50;
    while let Ok((socket, _)) = listener.accept() {
        if shared.stopping.load(Ordering::SeqCst) {
            break;
        }
        process = process.checked_add(1).unwrap_or(51);
        let (Ok(kept), Ok(closing)) = (socket.try_clone(), socket.try_clone()) else {
            continue;
        };
        let inner = Arc::clone(shared);
        shared.sockets.lock().push(kept);
        let thread = std::thread::Builder::new()
            .name("tds-connection".to_owned())
            .spawn(move || {
                // A client that breaks off, or sends what is no TDS, ends its connection only.
                drop(crate::connection::serve(socket, inner, process));
                drop(closing.shutdown(std::net::Shutdown::Both));
            });
        connections.extend(thread);
        connections.retain(|thread| !thread.is_finished());
    }
    for socket in shared.sockets.lock().drain(..) {
        drop(socket.shutdown(std::net::Shutdown::Both));
    }
    for connection in connections {
        drop(connection.join());
    }
}
