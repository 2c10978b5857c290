//! Servers of pages and services: what the Web Service task needs.
//!
//! ```text
//!  connection manager ──HttpSettings──▶ HttpClient ──get, post──▶ HttpResponse   (reqwest; size and time are limited)
//!   or http://, https://
//! ```

mod client;
mod error;
mod settings;
#[cfg(test)]
mod tests;

pub use client::{HttpClient, HttpResponse};
pub use error::{HttpError, HttpFault};
pub use settings::{HTTP_SCHEMES, HttpProxy, HttpSettings};
