//! Which certificates of servers are believed: those of this system, and what an address adds.

use std::path::PathBuf;

use crate::{OpenError, PathError, PathMap, SettingsError, address::Address, package_files};

/// Options of addresses that are read here.
pub(crate) const TLS_OPTIONS: [&str; 2] = ["ca_file", "trust_server_certificate"];

/// Whom a client of TLS trusts beside the authorities of this system (OpenSSL's).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsTrust {
    /// PEM with certificates of more authorities, or of the server itself.
    pub ca_file: Option<PathBuf>,
    /// Any certificate will do: who answers is not known then.
    pub any_certificate: bool,
}

/// Largest file of certificates, in bytes.
const CA_BYTES_MAX: u64 = 4 << 20;

impl TlsTrust {
    pub(crate) fn from_address(address: &Address) -> Result<Self, SettingsError> {
        Ok(Self {
            ca_file: address.option("ca_file").map(PathBuf::from),
            any_certificate: address.flag("trust_server_certificate")?,
        })
    }

    /// The file where the path map says that it is.
    pub(crate) fn resolve(&mut self, path_map: &PathMap) -> Result<(), PathError> {
        if let Some(file) = &mut self.ca_file {
            *file = path_map.resolve(&file.to_string_lossy())?;
        }
        Ok(())
    }

    /// The certificates of the file, one PEM block each.
    pub(crate) fn certificates(&self) -> Result<Vec<Vec<u8>>, OpenError> {
        let Some(file) = &self.ca_file else {
            return Ok(Vec::new());
        };
        let bytes = package_files::read(file, CA_BYTES_MAX)?;
        let text = String::from_utf8_lossy(&bytes);
        let blocks = text.split_inclusive("-----END CERTIFICATE-----");
        Ok(blocks
            .filter(|block| block.contains("-----BEGIN CERTIFICATE-----"))
            .map(|block| block.trim_start().as_bytes().to_vec())
            .collect())
    }
}
