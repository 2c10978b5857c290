//! Servers that take mail: what the Send Mail task needs.
//!
//! ```text
//!  connection manager ──SmtpSettings──▶ Mailer ── MailMessage ──▶ SMTP (lettre), TLS before or after the greeting
//!   or smtp://, smtps://                            attachments are read from files, whole
//! ```

mod error;
mod mailer;
mod message;
mod settings;
#[cfg(test)]
mod tests;

pub use error::{MailError, MailFault};
pub use mailer::Mailer;
pub use message::{MailMessage, MailPriority, attachment_files};
pub use settings::{MailTls, SMTP_SCHEMES, SmtpSettings};
