//! `fletch serve`: the DataReader destinations of a folder over Arrow Flight SQL, until a signal comes.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;
use fletching::{read_file, runtime};
use fletching_server::{Options, ServeError, Token, serve};

use crate::{
    exit::{Exit, Failure},
    plugins::PluginOptions,
    protection::{ProtectionOptions, server_token},
    render,
    signals::Stop,
};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Folder of packages and projects; no name leads out of it.
    folder: PathBuf,
    /// Address and port; port 0 is any that is free.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:32010")]
    listen: SocketAddr,
    /// Token that clients must show; FLETCH_TOKEN does the same, where no process list shows it.
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// Certificate, PEM.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Key of the certificate, PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Listen for other machines without a token: each of them may run every package.
    #[arg(long)]
    insecure: bool,
    #[command(flatten)]
    protection: ProtectionOptions,
    #[command(flatten)]
    plugins: PluginOptions,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let token = arguments.token.or_else(server_token).map(|token| {
        Token::new(token).ok_or_else(|| {
            let message = "--token: a token has one character or more, of ASCII, without blanks";
            Failure::new(Exit::BadCommandLine, message)
        })
    });
    let tls = match (&arguments.tls_cert, &arguments.tls_key) {
        (Some(certificate), Some(key)) => Some((read_file(certificate)?, read_file(key)?)),
        _ => None,
    };
    let mut load = arguments.protection.load_options(None)?;
    arguments.plugins.load_into(&mut load)?;
    let scheme = if tls.is_some() { "grpc+tls" } else { "grpc" };
    let options = Options {
        folder: arguments.folder,
        listen: arguments.listen,
        token: token.transpose()?,
        tls,
        insecure: arguments.insecure,
        load,
    };
    let failed = |error: std::io::Error| {
        let message = format!("the threads could not be started: {error}");
        Failure::new(Exit::Failed, message)
    };
    let runtime = runtime(2).map_err(failed)?;
    let outcome = runtime.block_on(async {
        let mut stop = Stop::listen().map_err(failed)?;
        let ready = |address| {
            // Who closed standard output does not want to know.
            drop(render::text(&format!("serving at {scheme}://{address}\n")));
        };
        let served = serve(options, ready, stop.asked()).await;
        served.map_err(|error| match error {
            ServeError::Open(_) => Failure::new(Exit::BadCommandLine, error.to_string()),
            _ => Failure::new(Exit::Failed, error.to_string()),
        })
    });
    runtime.shutdown_timeout(std::time::Duration::from_millis(300));
    outcome.map(|()| Exit::Success)
}
