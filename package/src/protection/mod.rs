//! Protected packages and projects: what a password closes, opened and closed on the lossless document.
//!
//! ```text
//!                    ┌─ unseal: each cipher gives way to the element it holds ─▶ document in the clear
//! document, password ┤
//!                    └─ seal:   each sensitive element gives way to a cipher ──▶ document of a protection level
//! ```
//!
//! Opened were real packages of SQL Server 2005, 2014 and 2022 (EncryptSensitiveWithPassword, both ciphers) and a
//! project of SQL Server 2012 (Triple DES); their passwords are published with them. No sample of EncryptAllWithPassword has been
//! found, nor of a project under AES-256 with a known password: those are read and written by analogy, as the public
//! build tools for SSIS projects do it.
//!
//! What the key of a Windows user closes (levels 1 and 4) stays closed; see [`Package::sealed`](crate::Package::sealed).

mod cipher;
mod level;
mod seal;
mod secrets;
mod unseal;

pub use level::ProtectionLevel;
pub(crate) use seal::{check_open, seal};
pub use secrets::{Secrets, secret_name};
pub(crate) use unseal::unseal;
