//! From a connection string to an open connection.

use mssql_tds::{
    connection::client_context::{ClientContext, TdsAuthenticationMethod},
    connection_provider::tds_connection_provider::TdsConnectionProvider,
    core::{EncryptionOptions, EncryptionSetting},
    error::Error,
};

use super::{
    failure::failure,
    link::{Link, runtime, wait},
};
use crate::database::{DatabaseError, Encrypt, Fault, SqlServerTarget, Target};

const APPLICATION: &str = "Fletching";
/// Seconds that a connection may take where nothing is said; 15 in OLE DB.
const CONNECT_SECONDS: u32 = 15;
/// Where 0 says "as long as it takes".
const CONNECT_SECONDS_MAX: u32 = 24 * 60 * 60;
const KERBEROS_ADVICE: &str = "give a login with --connection 'NAME=mssql://USER:PASSWORD@HOST/DATABASE' or get a Kerberos ticket (kinit)";
const TLS_ADVICE: &str = "TrustServerCertificate=yes takes any certificate, Encrypt=no goes without where the server allows it";

pub(super) fn connect(target: &SqlServerTarget) -> Result<Link, DatabaseError> {
    let name = Target::SqlServer(target.clone()).to_string();
    let runtime = runtime(&name)?;
    let source = source(target);
    let context = context(target, &source);
    let provider = TdsConnectionProvider::new();
    let opened = wait(
        &runtime,
        &name,
        provider.create_client(context, &source, None),
    )?;
    match opened {
        Ok(client) => Ok(Link::new(runtime, client, name)),
        Err(error) => {
            let failed = refused(&name, target, &error);
            runtime.shutdown_background();
            Err(failed)
        }
    }
}

/// `tcp:host,port`, or `tcp:host\instance` whose port the server's browser knows.
fn source(target: &SqlServerTarget) -> String {
    let host = &target.host;
    match (target.port, &target.instance) {
        (Some(port), _) => format!("tcp:{host},{port}"),
        (None, Some(instance)) => format!("tcp:{host}\\{instance}"),
        (None, None) => format!("tcp:{host}"),
    }
}

/// How long a connection may take.
fn seconds(target: &SqlServerTarget) -> u32 {
    match target.connect_timeout_seconds {
        None => CONNECT_SECONDS,
        Some(0) => CONNECT_SECONDS_MAX,
        Some(seconds) => seconds,
    }
}

fn context(target: &SqlServerTarget, source: &str) -> ClientContext {
    let mut context = ClientContext::with_data_source(source);
    context.application_name = target
        .application
        .clone()
        .unwrap_or_else(|| APPLICATION.to_owned());
    context.database = target.database.clone().unwrap_or_default();
    context.connect_timeout = seconds(target);
    if let Some(size) = target.packet_size {
        context.packet_size = size.clamp(512, 32768);
    }
    context.encryption_options = EncryptionOptions {
        mode: match target.encrypt {
            Encrypt::No => EncryptionSetting::PreferOff,
            Encrypt::Yes => EncryptionSetting::On,
            Encrypt::Strict => EncryptionSetting::Strict,
        },
        trust_server_certificate: target.trust_server_certificate,
        host_name_in_cert: None,
        server_certificate: None,
    };
    match &target.user {
        Some(user) => {
            context.user_name = user.clone();
            context.password = target.password.clone().unwrap_or_default();
        }
        None => context.tds_authentication_method = TdsAuthenticationMethod::SSPI,
    }
    // A broken connection is an error: what it held, a transaction or a temporary table, is gone with it.
    context.connect_retry_count = 0;
    context
}

/// Why there is no connection.
fn refused(name: &str, target: &SqlServerTarget, error: &Error) -> DatabaseError {
    let failed = failure(name, error);
    let said = |fault, advice: &str| DatabaseError {
        fault,
        message: format!("{}: {advice}", failed.message),
        ..failed.clone()
    };
    match (error, failed.fault) {
        (Error::SqlServerError { .. }, Fault::Login) if target.user.is_none() => {
            said(Fault::Login, KERBEROS_ADVICE)
        }
        (Error::SqlServerError { .. }, _) => failed,
        (Error::Security(_), _) => said(Fault::Login, KERBEROS_ADVICE),
        (
            Error::TlsError(_)
            | Error::TlsHandshakeError { .. }
            | Error::CertificateExpired
            | Error::CertificateMismatch
            | Error::NoServerCertificate,
            _,
        ) => said(Fault::Unreachable, TLS_ADVICE),
        (Error::TimeoutError(_), _) => DatabaseError::new(
            name,
            Fault::Unreachable,
            format!("no connection within {} s", seconds(target)),
        ),
        (_, Fault::Lost | Fault::Other) => DatabaseError {
            fault: Fault::Unreachable,
            ..failed
        },
        _ => failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources() {
        let mut target = SqlServerTarget {
            host: "srv".to_owned(),
            ..SqlServerTarget::default()
        };
        assert_eq!(source(&target), "tcp:srv");
        target.instance = Some("X".to_owned());
        assert_eq!(source(&target), "tcp:srv\\X");
        target.port = Some(1434);
        assert_eq!(source(&target), "tcp:srv,1434");
    }
}
