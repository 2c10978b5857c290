//! Serves a folder of packages over Arrow Flight SQL: each DataReader destination is a table, to read it is to run its
//! package.
//!
//! ```text
//! client ──token──▶ Wire ─▶ PackagesAsTables ──Query──▶ Statement: package prepared, schema known ──DoGet──▶ RunStream ──▶ client
//!                                                                       Runs: what goes on, to be cancelled ◀┘
//! ```
//!
//! Rows are pulled: a client that does not read holds the package back, one that goes away cancels its run. Packages are
//! loaded when they are asked for, so that a changed file is served at once.

#![deny(missing_docs)]

mod access;
mod flight_sql;
mod packing;
mod parameters;
mod query;
mod runs;
mod statement;
mod status;
mod tables;
mod wire;

use std::{future::Future, net::SocketAddr, path::PathBuf, time::Duration};

use arrow_flight::flight_service_server::FlightServiceServer;
use fletching::{FolderError, LoadOptions, PackageFolder};
use tokio::net::TcpListener;
use tonic::transport::{Identity, Server, ServerTlsConfig, server::TcpIncoming};

pub use access::Token;
pub use query::QueryError;

use crate::{access::Access, flight_sql::PackagesAsTables, runs::Runs, wire::Wire};

/// The one catalog of a server.
const CATALOG: &str = "packages";

/// How long cancelled runs may take to end when the server stops.
const STOP: Duration = Duration::from_millis(1200);

/// Clients that do not answer for so long are gone.
const ALIVE: Duration = Duration::from_secs(20);

/// What is served, where and to whom.
#[derive(Debug)]
pub struct Options {
    /// The folder; nothing outside it can be named.
    pub folder: PathBuf,
    /// Where to listen; port 0 for any that is free.
    pub listen: SocketAddr,
    /// What clients must show.
    pub token: Option<Token>,
    /// Certificate and key, both PEM.
    pub tls: Option<(Vec<u8>, Vec<u8>)>,
    /// Listens for other machines without a token.
    pub insecure: bool,
    /// What packages are loaded with.
    pub load: LoadOptions,
}

/// Why nothing is served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Other machines could run packages, and need no token.
    #[error(
        "{0} is reached from other machines, which could run every package without a token: give one, listen on 127.0.0.1, or say that this is meant (insecure)"
    )]
    Open(SocketAddr),
    /// The folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The address.
    #[error("{address}: cannot listen there: {source}")]
    Listen {
        /// The address given.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// Certificate and key, or the connections.
    #[error("the server stopped: {0}")]
    Transport(String),
    /// Certificate or key.
    #[error("certificate and key cannot be used: {0}; both must be PEM, and of one another")]
    Tls(String),
}

/// Serves until `stop` ends; then cancels what runs, and is back within two seconds. `ready` hears the address.
///
/// # Errors
/// [`ServeError`].
pub async fn serve(
    options: Options,
    ready: impl FnOnce(SocketAddr),
    stop: impl Future<Output = ()> + Send,
) -> Result<(), ServeError> {
    let listen = options.listen;
    if !listen.ip().is_loopback() && options.token.is_none() && !options.insecure {
        return Err(ServeError::Open(listen));
    }
    let folder = PackageFolder::open(&options.folder)?;
    let mut server = Server::builder()
        .http2_keepalive_interval(Some(ALIVE))
        .http2_keepalive_timeout(Some(ALIVE));
    if let Some((certificate, key)) = options.tls {
        let tls = ServerTlsConfig::new().identity(Identity::from_pem(certificate, key));
        let secured = server.tls_config(tls);
        server = secured.map_err(|error| ServeError::Tls(with_causes(&error)))?;
    }
    let failed = |source| ServeError::Listen {
        address: listen,
        source,
    };
    let listener = TcpListener::bind(listen).await.map_err(failed)?;
    ready(listener.local_addr().map_err(failed)?);
    let runs = Runs::default();
    let access = Access::new(options.token);
    let service = PackagesAsTables::new(folder, options.load, runs.clone(), access.clone());
    let service = FlightServiceServer::with_interceptor(Wire::new(service), access);
    let serving = server
        .add_service(service)
        .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)));
    tokio::select! {
        ended = serving => ended.map_err(|error| ServeError::Transport(with_causes(&error))),
        () = stop => {
            runs.stop(STOP).await;
            Ok(())
        }
    }
}

/// An error with what caused it: TLS says why only there.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
