//! The server against clients of SQL Server that others wrote: each file one client.

mod mssql_tds_client;
mod programs;

use tds_server::{Options, Server};

fn server() -> Server {
    Server::start(Options::default()).unwrap()
}
