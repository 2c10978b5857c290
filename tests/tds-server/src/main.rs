//! `tds-server`: the test server as a program. It prints what it is and its port, and runs until it is ended.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program says its port and its mistakes"
)]

use std::process::ExitCode;

use tds_server::{Options, Server};

const USAGE: &str =
    "tds-server [--listen 127.0.0.1:0] [--database FILE] [--user sa] [--password TEXT] [--tls]";

fn main() -> ExitCode {
    let options = match read(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(wrong) => {
            eprintln!("{wrong}\nusage: {USAGE}");
            return ExitCode::FAILURE;
        }
    };
    println!("tds-server is a test server for clients of SQL Server, not a database");
    match Server::start(options) {
        Ok(server) => {
            println!("port {}", server.port());
            loop {
                std::thread::park();
            }
        }
        Err(error) => {
            eprintln!("tds-server cannot start: {error}");
            ExitCode::FAILURE
        }
    }
}

fn read(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options::default();
    while let Some(name) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{name} needs a value"));
        match name.as_str() {
            "--listen" => options.listen = value()?,
            "--database" => options.database = Some(value()?.into()),
            "--user" => options.user = value()?,
            "--password" => options.password = value()?,
            "--tls" => options.tls = true,
            other => return Err(format!("{other} is not an option")),
        }
    }
    Ok(options)
}
