//! Why a server of files refused, or was not reached.

use std::fmt;

use dtsx::SsisCode;

use crate::OpenError;

/// What was being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FtpOperation {
    Connect,
    List,
    Receive,
    Send,
    MakeDirectory,
    RemoveDirectory,
    Delete,
}

impl fmt::Display for FtpOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connect",
            Self::List => "list",
            Self::Receive => "receive",
            Self::Send => "send to",
            Self::MakeDirectory => "make the directory",
            Self::RemoveDirectory => "remove the directory",
            Self::Delete => "delete",
        })
    }
}

/// What kind of failure it was, whatever the server calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FtpFault {
    /// No server there.
    Unreachable,
    /// User, password or key.
    Login,
    /// The server's certificate or key is not one to believe.
    Untrusted,
    /// No such file or directory.
    Missing,
    /// It is there already.
    Exists,
    /// May not be done by this user.
    Denied,
    /// The server says no, for another reason.
    Refused,
    /// No answer for longer than allowed.
    Timeout,
    /// The connection broke.
    Lost,
    /// A name that cannot be sent, or that leads out of the folder of the connection.
    Name,
    /// A file of this machine.
    Local,
}

/// A failure of an operation, with the server's own words.
#[derive(Debug, thiserror::Error)]
#[error("{server}: cannot {operation}{}: {message}", shown_path(.path.as_deref()))]
pub struct FtpError {
    /// `ftp://user@host:21`, without secrets.
    pub server: String,
    pub operation: FtpOperation,
    /// The file or directory of the server.
    pub path: Option<String>,
    pub fault: FtpFault,
    /// Found, wanted, what to do.
    pub message: String,
    /// What was wrong with a file of this machine.
    #[source]
    pub local: Option<Box<OpenError>>,
}

impl FtpError {
    /// `DTS_E_FTPTASK_UNABLETO...` of the operation.
    pub fn code(&self) -> SsisCode {
        SsisCode(match self.operation {
            FtpOperation::Connect => 0xC002_918F,
            FtpOperation::List => 0xC002_916C,
            FtpOperation::Receive => 0xC002_918A,
            FtpOperation::Send => 0xC002_918B,
            FtpOperation::MakeDirectory => 0xC002_918C,
            FtpOperation::RemoveDirectory => 0xC002_918D,
            FtpOperation::Delete => 0xC002_918E,
        })
    }

    /// Whether the connection can be used after it.
    pub fn is_fatal(&self) -> bool {
        matches!(
            self.fault,
            FtpFault::Unreachable
                | FtpFault::Login
                | FtpFault::Untrusted
                | FtpFault::Timeout
                | FtpFault::Lost
        )
    }
}

fn shown_path(path: Option<&str>) -> String {
    path.map(|path| format!(" `{path}`")).unwrap_or_default()
}

/// A failure as the protocol sees it, before it is known where it belongs.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) fault: FtpFault,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(fault: FtpFault, message: impl Into<String>) -> Self {
        Self {
            fault,
            message: message.into(),
        }
    }

    /// Of the network, after the connection was made.
    pub(super) fn lost(error: &dyn fmt::Display) -> Self {
        Self::new(FtpFault::Lost, format!("the connection broke: {error}"))
    }
}

impl From<std::io::Error> for Refusal {
    fn from(error: std::io::Error) -> Self {
        Self::lost(&error)
    }
}
