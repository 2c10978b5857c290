//! Servers of pages and services: what the Web Service task needs.
//!
//! ```text
//!  connection manager ──HttpSettings──▶ HttpClient ──get, post──▶ HttpResponse   (reqwest; size and time are limited)
//!   or http://, https://                        └─ Wsdl, SoapMethod: services that are called by SOAP
//! ```

mod client;
mod error;
mod settings;
mod soap;
mod soap_envelope;
mod soap_error;
#[cfg(test)]
mod tests;

pub use client::{HttpClient, HttpResponse};
pub use error::{HttpError, HttpFault};
pub use settings::{HTTP_SCHEMES, HttpProxy, HttpSettings};
pub use soap::{SoapContent, SoapMethod, SoapParameter, SoapResult, Wsdl};
pub use soap_error::SoapError;
