//! Why a page did not come.

use dtsx::SsisCode;

/// What kind of failure it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpFault {
    /// No server there.
    Unreachable,
    /// User or password, of the server or of the proxy; or it wants a way to log in that is not supported.
    Login,
    /// The server's certificate is not one to believe.
    Untrusted,
    /// A URL, a header that cannot be sent.
    Request,
    /// The server answered that it does not do it.
    Status(u16),
    /// The answer is larger than allowed.
    TooLarge,
    /// It sends from one place to the next without end.
    Redirects,
    /// No answer for longer than allowed.
    Timeout,
    /// The connection broke.
    Lost,
}

/// A request that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{url}: {message}")]
pub struct HttpError {
    /// Scheme, host and path; no query, which may hold secrets.
    pub url: String,
    pub fault: HttpFault,
    /// Found, wanted, what to do.
    pub message: String,
}

impl HttpError {
    /// `DTS_E_WINHTTPCANNOTCONNECT` where no connection came about, `DTS_E_WINHTTPUNKNOWNERROR` else.
    pub fn code(&self) -> SsisCode {
        SsisCode(match self.fault {
            HttpFault::Unreachable | HttpFault::Untrusted => 0xC001_6003,
            _ => 0xC001_600D,
        })
    }
}
