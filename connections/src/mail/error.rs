//! Why a message was not sent.

use dtsx::SsisCode;

use crate::OpenError;

/// What kind of failure it was, whatever the server calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailFault {
    /// No server there.
    Unreachable,
    /// User or password, or a server that takes none of the ways to log in.
    Login,
    /// The server's certificate is not one to believe, or it has no TLS where it is wanted.
    Untrusted,
    /// The message is for nobody.
    NoRecipient,
    /// What should be an address is none.
    Address,
    /// A file that cannot be attached.
    Attachment,
    /// The server does not take the message.
    Refused,
    /// It took longer than allowed.
    Timeout,
    /// The connection broke.
    Lost,
}

/// A message that was not sent, with the server's own words.
#[derive(Debug, thiserror::Error)]
#[error("{server}: the message was not sent: {message}")]
pub struct MailError {
    /// `smtp://user@host:25`, without secrets.
    pub server: String,
    pub fault: MailFault,
    /// Found, wanted, what to do.
    pub message: String,
    /// What was wrong with a file of this machine.
    #[source]
    pub local: Option<Box<OpenError>>,
}

impl MailError {
    /// `DTS_E_SENDMAILTASK_...`; `DTS_E_ERROROCCURREDWITHFOLLOWINGMESSAGE` for what the server said.
    pub fn code(&self) -> SsisCode {
        SsisCode(match self.fault {
            MailFault::NoRecipient => 0xC002_91C3,
            MailFault::Attachment => 0xC002_91CB,
            MailFault::Unreachable => 0xC002_91CD,
            _ => 0xC002_F304,
        })
    }
}
