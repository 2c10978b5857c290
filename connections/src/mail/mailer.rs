//! A client of a server of mail.

use std::{error::Error as _, fmt, time::Duration};

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    transport::smtp::{
        Error as ClientError,
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
    },
};

use super::{
    error::{MailError, MailFault},
    message::{MailMessage, built},
    settings::{MailTls, SmtpSettings},
};

/// Sends messages, each by a connection of its own.
pub struct Mailer {
    settings: SmtpSettings,
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Mailer")
            .field(&self.settings.shown())
            .finish()
    }
}

impl Mailer {
    /// Opens nothing yet.
    ///
    /// # Errors
    /// [`MailFault::Untrusted`]: the file of certificates cannot be read.
    pub fn new(settings: &SmtpSettings) -> Result<Self, MailError> {
        let fail = |message: String| failure(settings, MailFault::Untrusted, &message);
        let parameters = || -> Result<TlsParameters, MailError> {
            let any = settings.trust.any_certificate;
            let mut builder = TlsParameters::builder(settings.host.clone())
                .dangerous_accept_invalid_certs(any)
                .dangerous_accept_invalid_hostnames(any);
            let certificates = settings.trust.certificates();
            for pem in certificates.map_err(|error| fail(error.to_string()))? {
                let certificate = Certificate::from_pem(&pem);
                let certificate = certificate.map_err(|error| fail(chain(&error)))?;
                builder = builder.add_root_certificate(certificate);
            }
            builder.build().map_err(|error| fail(chain(&error)))
        };
        let tls = match settings.tls {
            MailTls::Never => Tls::None,
            MailTls::Offered => Tls::Opportunistic(parameters()?),
            MailTls::Required => Tls::Required(parameters()?),
            MailTls::Immediate => Tls::Wrapper(parameters()?),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&settings.host)
            .port(settings.port)
            .timeout(limit(settings))
            .tls(tls);
        if let Some(user) = &settings.user {
            let password = settings.password.reveal().to_owned();
            builder = builder.credentials(Credentials::new(user.clone(), password));
        }
        Ok(Self {
            settings: settings.clone(),
            transport: builder.build(),
        })
    }

    /// Sends a message to all whom it names, or to none. Dropped before its end, it may have been sent or not.
    ///
    /// # Errors
    /// [`MailError`] (`DTS_E_SENDMAILTASK_...`, `DTS_E_ERROROCCURREDWITHFOLLOWINGMESSAGE`).
    pub async fn send(&self, message: &MailMessage) -> Result<(), MailError> {
        let settings = &self.settings;
        let message = built(message).map_err(|unsent| MailError {
            local: unsent.local.map(Box::new),
            ..failure(settings, unsent.fault, &unsent.message)
        })?;
        let late = || {
            let message = format!(
                "it took longer than {} ms; set Timeout of the connection manager (or `timeout=` of its address) if the \
                 server needs longer",
                settings.timeout_milliseconds
            );
            failure(settings, MailFault::Timeout, &message)
        };
        let sending = Box::pin(self.transport.send(message));
        let sent = match limit(settings) {
            None => sending.await,
            Some(limit) => tokio::time::timeout(limit, sending)
                .await
                .map_err(|_| late())?,
        };
        match sent {
            Ok(_) => Ok(()),
            Err(error) if error.is_timeout() => Err(late()),
            Err(error) => {
                let (fault, advice) = fault_of(&error, settings);
                Err(failure(
                    settings,
                    fault,
                    &format!("{}{advice}", chain(&error)),
                ))
            }
        }
    }
}

fn limit(settings: &SmtpSettings) -> Option<Duration> {
    let limit = settings.timeout_milliseconds;
    (limit > 0).then(|| Duration::from_millis(limit))
}

fn failure(settings: &SmtpSettings, fault: MailFault, message: &str) -> MailError {
    MailError {
        server: settings.shown(),
        fault,
        message: settings.password.mask(message),
        local: None,
    }
}

/// The kind of a failure, and what to do about it.
fn fault_of(error: &ClientError, settings: &SmtpSettings) -> (MailFault, &'static str) {
    if caused_by::<native_tls::Error>(error) || error.is_tls() {
        let advice =
            "; name the server's authority with `ca_file=FILE` in its address, if you know it";
        return (MailFault::Untrusted, advice);
    }
    if let Some(status) = error.status() {
        return match u16::from(status) {
            530 | 534 | 535 | 538 => (
                MailFault::Login,
                "; give user and password in the address (`smtp://USER:PASSWORD@HOST`)",
            ),
            _ => (MailFault::Refused, ""),
        };
    }
    if error.is_client() {
        return match settings.user {
            Some(_) => (
                MailFault::Login,
                "; many servers take a login only over TLS (`tls=required` in the address)",
            ),
            None => (MailFault::Untrusted, ""),
        };
    }
    // lettre speaks of a connection error while there is none, and of a network error later.
    if error.to_string().starts_with("Connection error") {
        (MailFault::Unreachable, "; check host and port")
    } else {
        (MailFault::Lost, "")
    }
}

fn caused_by<E: std::error::Error + 'static>(error: &ClientError) -> bool {
    let mut source = error.source();
    while let Some(cause) = source {
        if cause.is::<E>() {
            return true;
        }
        source = cause.source();
    }
    false
}

/// An error with all of its causes.
fn chain(error: &ClientError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
