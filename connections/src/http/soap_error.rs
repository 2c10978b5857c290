//! What is wrong with a description of a service, a call, or its answer.

use dtsx::SsisCode;

/// A description that says no service, a call that cannot be made, or one that failed there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SoapError {
    #[error("{what} is no description of a service (WSDL 1.1): {reason}")]
    NotWsdl { what: &'static str, reason: String },
    #[error("the description has no {kind} `{name}`; it has: {known}")]
    Missing {
        kind: &'static str,
        name: String,
        known: String,
    },
    #[error(
        "service `{service}` has no port of SOAP 1.1, and no other is called, as in SSIS; it has: {ports}"
    )]
    NoSoapPort { service: String, ports: String },
    #[error("{what} is not supported: {advice}")]
    Unsupported { what: String, advice: &'static str },
    #[error("`{method}` has no parameter `{name}`; it has: {known}")]
    UnknownParameter {
        method: String,
        name: String,
        known: String,
    },
    #[error("`{method}` needs a value for its parameter `{name}`")]
    NoValue { method: String, name: String },
    /// The service's own words.
    #[error("`{method}` failed at the service: {reason}")]
    Fault { method: String, reason: String },
    #[error("`{method}` answered with status {status} and something that is no SOAP: {reason}")]
    NoAnswer {
        method: String,
        status: u16,
        reason: String,
    },
}

impl SoapError {
    /// `DTS_E_WEBSERVICETASK_...`.
    pub fn code(&self) -> SsisCode {
        SsisCode(match self {
            Self::NotWsdl { .. } => 0xC002_9243,
            Self::Missing { kind, .. } => match *kind {
                "service" => 0xC002_9227,
                "binding" => 0xC002_9229,
                "portType" => 0xC002_922A,
                "message" => 0xC002_922B,
                _ => 0xC002_9230,
            },
            Self::NoSoapPort { .. } => 0xC002_9228,
            Self::Unsupported { .. } => 0xC002_9218,
            Self::UnknownParameter { .. } | Self::NoValue { .. } => 0xC002_9230,
            Self::Fault { .. } | Self::NoAnswer { .. } => 0xC002_922F,
        })
    }
}
